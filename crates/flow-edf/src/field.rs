//! The fields of a header: their names, widths and places, and the lenient reading of their text.

use std::fmt;

/// Bytes of the fixed part of the header, and of each signal's part.
pub(crate) const HEADER_BLOCK: usize = 256;

/// A field of the header, of the file as a whole or of one signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "each variant is the standard's own name of the field"
)]
pub enum Field {
    Version,
    Patient,
    Recording,
    StartDate,
    StartTime,
    HeaderBytes,
    Reserved,
    RecordCount,
    RecordSeconds,
    SignalCount,
    Label,
    Transducer,
    Dimension,
    PhysicalMin,
    PhysicalMax,
    DigitalMin,
    DigitalMax,
    Prefilter,
    SamplesPerRecord,
    SignalReserved,
}

impl Field {
    /// The fields of the file, in file order; together 256 bytes.
    pub(crate) const OF_FILE: [Self; 10] = [
        Self::Version,
        Self::Patient,
        Self::Recording,
        Self::StartDate,
        Self::StartTime,
        Self::HeaderBytes,
        Self::Reserved,
        Self::RecordCount,
        Self::RecordSeconds,
        Self::SignalCount,
    ];

    /// The fields of each signal, in file order; together 256 bytes a signal.
    pub(crate) const OF_SIGNAL: [Self; 10] = [
        Self::Label,
        Self::Transducer,
        Self::Dimension,
        Self::PhysicalMin,
        Self::PhysicalMax,
        Self::DigitalMin,
        Self::DigitalMax,
        Self::Prefilter,
        Self::SamplesPerRecord,
        Self::SignalReserved,
    ];

    /// Bytes of the field.
    #[must_use]
    pub const fn width(self) -> usize {
        match self {
            Self::Patient | Self::Recording | Self::Transducer | Self::Prefilter => 80,
            Self::Reserved => 44,
            Self::SignalReserved => 32,
            Self::Label => 16,
            Self::SignalCount => 4,
            _ => 8,
        }
    }

    /// The field's name in the words of the standard.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Patient => "local patient identification",
            Self::Recording => "local recording identification",
            Self::StartDate => "startdate",
            Self::StartTime => "starttime",
            Self::HeaderBytes => "number of bytes in header record",
            Self::Reserved | Self::SignalReserved => "reserved",
            Self::RecordCount => "number of data records",
            Self::RecordSeconds => "duration of a data record",
            Self::SignalCount => "number of signals",
            Self::Label => "label",
            Self::Transducer => "transducer type",
            Self::Dimension => "physical dimension",
            Self::PhysicalMin => "physical minimum",
            Self::PhysicalMax => "physical maximum",
            Self::DigitalMin => "digital minimum",
            Self::DigitalMax => "digital maximum",
            Self::Prefilter => "prefiltering",
            Self::SamplesPerRecord => "number of samples in each data record",
        }
    }

    /// The first byte of a field of the file.
    pub(crate) fn offset(self) -> usize {
        Self::OF_FILE
            .iter()
            .take_while(|field| **field != self)
            .map(|field| field.width())
            .sum()
    }

    /// The first byte of a field of signal `signal` out of `signals`.
    pub(crate) fn offset_of(self, signal: usize, signals: usize) -> usize {
        let columns_before = Self::OF_SIGNAL
            .iter()
            .take_while(|field| **field != self)
            .map(|field| field.width());
        HEADER_BLOCK + columns_before.sum::<usize>() * signals + signal * self.width()
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Decodes text as UTF-8, or as Latin-1 where it isn't; the second value says which.
pub(crate) fn decode(bytes: &[u8]) -> (String, Encoding) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), Encoding::Utf8),
        Err(_) => (
            bytes.iter().copied().map(char::from).collect(),
            Encoding::Latin1,
        ),
    }
}

/// How a text was encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Latin1,
}

/// The text of a header field: up to the first NUL, without the padding around it.
pub(crate) fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    decode(&bytes[..end]).0.trim().to_owned()
}

/// A finite number with `.` or `,` as the decimal sign.
pub(crate) fn number(text: &str) -> Option<f64> {
    let value: f64 = text.trim().replace(',', ".").parse().ok()?;
    value.is_finite().then_some(value)
}

/// A whole number; `100.0` is one too.
pub(crate) fn whole(text: &str) -> Option<i64> {
    let exact = text.trim().parse().ok();
    exact.or_else(|| {
        number(text)
            .filter(|value| value.fract() == 0.0 && value.abs() < 1e15)
            .map(|value| value as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_the_header_is_256_bytes() {
        for fields in [Field::OF_FILE, Field::OF_SIGNAL] {
            assert_eq!(
                fields.iter().map(|field| field.width()).sum::<usize>(),
                HEADER_BLOCK
            );
        }
    }

    #[test]
    fn places_agree_with_the_standard() {
        assert_eq!(Field::StartDate.offset(), 168);
        assert_eq!(Field::SignalCount.offset(), 252);
        assert_eq!(Field::SamplesPerRecord.offset_of(0, 1), 472);
        assert_eq!(Field::SamplesPerRecord.offset_of(2, 5), 256 + 216 * 5 + 16);
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        assert_eq!(number(" -1000.00 "), Some(-1000.0));
        assert_eq!(number("0,5"), Some(0.5));
        assert_eq!(number("+3"), Some(3.0));
        assert_eq!(number("inf"), None);
        assert_eq!(number(""), None);
        assert_eq!(whole("200.0"), Some(200));
        assert_eq!(whole("1.5"), None);
    }

    #[test]
    fn text_stops_at_nul_and_falls_back_to_latin_1() {
        assert_eq!(text(b"  EMG \0junk"), "EMG");
        assert_eq!(text(b"\xB5V      "), "µV");
        assert_eq!(text("µV".as_bytes()), "µV");
    }
}
