//! Amounts with units, as `2 GiB` and `1 h 30 min`.

pub(crate) const MEMORY_UNITS: [(&str, f64); 9] = [
    ("B", 1.0),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
];

pub(crate) const TIME_UNITS: [(&str, f64); 9] = [
    ("ms", 1e-3),
    ("s", 1.0),
    ("sec", 1.0),
    ("min", 60.0),
    ("h", 3600.0),
    ("hour", 3600.0),
    ("hours", 3600.0),
    ("d", 86_400.0),
    ("days", 86_400.0),
];

/// Bytes, written as a whole number of them or as an amount such as `500 MB` or `2GiB`; `None` for anything else.
#[must_use]
pub fn bytes(text: &str) -> Option<u64> {
    let whole = text.trim().parse().ok();
    whole.or_else(|| measured(text, &MEMORY_UNITS).map(|bytes| bytes.ceil() as u64))
}

/// The sum of numbers with units, as in `1 h 30 min`.
pub(crate) fn measured(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let mut rest = text.trim();
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, after) = rest.split_at(end.unwrap_or(rest.len()));
        let (_, size) = units.iter().find(|(name, _)| *name == unit)?;
        sum += number * size;
        rest = after.trim_start();
    }
    (1e-3..=1e15).contains(&sum).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_a_whole_number_or_have_a_unit() {
        assert_eq!(bytes("0"), Some(0));
        assert_eq!(bytes(" 1500 "), Some(1500));
        assert_eq!(bytes("2GiB"), Some(2 << 30));
        assert_eq!(bytes("1.5 kB"), Some(1500));
        for wrong in ["", "-1", "1.5", "12x", "GB", "1e3", "2 gib", "1 h"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
