//! Columns side by side, as many as the terminal has room for.

use crate::words::answer;

/// Letters across where the terminal does not say.
const WIDTH: usize = 120;

/// Prints lines of cells, the first one the heads; what does not fit is named below.
pub fn print(lines: &[Vec<String>]) {
    let width = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    for line in laid_out(lines, width.unwrap_or(WIDTH)) {
        answer(&line);
    }
}

fn laid_out(lines: &[Vec<String>], width: usize) -> Vec<String> {
    let columns = lines.first().map_or(0, Vec::len);
    let cell = |line: &Vec<String>, at: usize| line.get(at).cloned().unwrap_or_default();
    let length = |text: &str| text.chars().count();
    let widths: Vec<usize> = (0..columns)
        .map(|at| {
            lines
                .iter()
                .map(|line| length(&cell(line, at)))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut used = 0;
    let fit = widths
        .iter()
        .take_while(|column| {
            used += 2 + **column;
            used <= width
        })
        .count()
        .max(1)
        .min(columns);
    let right = |at: usize| {
        let mut cells = lines
            .iter()
            .skip(1)
            .map(|line| cell(line, at))
            .filter(|text| !text.is_empty());
        cells.all(|text| text == "–" || text.parse::<f64>().is_ok())
    };
    let rights: Vec<bool> = (0..fit).map(right).collect();
    let drawn = |line: &Vec<String>| {
        let mut text = String::new();
        for at in 0..fit {
            let cell = cell(line, at);
            let room = " ".repeat(widths[at] - length(&cell));
            let parts = if rights[at] {
                [room, cell]
            } else {
                [cell, room]
            };
            text.push_str("  ");
            text.push_str(&parts.concat());
        }
        text.trim_end().to_owned()
    };
    let mut all: Vec<String> = lines.iter().map(drawn).collect();
    if fit < columns {
        let rest: Vec<String> = lines[0][fit..].to_vec();
        all.push(format!("  … and {}", rest.join(", ")));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Vec<String>> {
        let line = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        vec![
            line(["stage", "n", "note"]),
            line(["W", "9", "µ"]),
            line(["N2", "10", ""]),
        ]
    }

    #[test]
    fn numbers_stand_right_and_text_left() {
        assert_eq!(
            laid_out(&lines(), 80),
            ["  stage   n  note", "  W       9  µ", "  N2     10"]
        );
    }

    #[test]
    fn columns_without_room_are_named() {
        assert_eq!(laid_out(&lines(), 12)[3], "  … and note");
        assert_eq!(laid_out(&lines(), 1)[3], "  … and n, note");
        assert!(laid_out(&[], 80).is_empty());
    }
}
