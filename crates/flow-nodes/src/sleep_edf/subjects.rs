//! The subject table of a Sleep-EDF study, from its spreadsheet.
//!
//! `ST-subjects.xls` has a row a subject with two groups of columns, placebo and temazepam; `SC-subjects.xls`
//! a row a night. Sex is coded 1 male, 2 female in the one and the other way round in the other; both say so
//! in the column's head, and the head is what counts.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{Data, Range, Reader, open_workbook_auto_from_rs};
use flow_contract::{Content, NodeError};
use flow_edf::Sex;

use super::names::Study;

/// The table.
#[derive(Debug)]
pub struct Subjects {
    /// Whose subjects they are.
    pub study: Study,
    /// The nights by recording.
    pub nights: BTreeMap<String, Night>,
}

/// A night as the table tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Night {
    /// The subject's number.
    pub subject: u32,
    /// Which night of the subject, from 1.
    pub night: u32,
    /// Years.
    pub age: u32,
    /// Male or female.
    pub sex: Sex,
    /// `placebo`, `temazepam`, or `none` in the cassette study.
    pub medication: &'static str,
    /// When the lights went off, `HH:MM` or `HH:MM:SS`; empty where the table doesn't say.
    pub lights_off: String,
    /// The row of the spreadsheet, from 1.
    pub row: usize,
}

/// Where what stands; columns from 0.
struct Heads {
    subject: usize,
    age: usize,
    sex: usize,
    /// The sex that 1 stands for.
    first: Option<Sex>,
    groups: Vec<Group>,
}

/// The columns of one night.
struct Group {
    night: usize,
    lights_off: usize,
    medication: &'static str,
}

impl Subjects {
    /// Reads a spreadsheet: xls, xlsx, xlsb or ods.
    ///
    /// # Errors
    /// A file that is no spreadsheet, no sheet with the columns of a subject table, a cell that can't be
    /// understood, a night that stands twice; each names its place after `name`.
    pub fn read(content: &Content, name: &str) -> Result<Self, NodeError> {
        let mut book =
            open_workbook_auto_from_rs(Cursor::new(content.clone())).map_err(|error| {
                NodeError::new(format!("`{name}` can't be read as a spreadsheet"))
                    .because(error)
                    .help("give ST-subjects.xls or SC-subjects.xls, as the release has them")
            })?;
        for sheet in book.sheet_names() {
            let cells = book.worksheet_range(&sheet).map_err(|error| {
                NodeError::new(format!("sheet `{sheet}` can't be read"))
                    .at(name)
                    .because(error)
            })?;
            let place = format!("{name}, sheet {sheet}");
            let heads = cells
                .rows()
                .position(|row| row.iter().any(|cell| head(cell) == "lightsoff"));
            if let Some(row) = heads {
                return Sheet { cells, place }.nights(row);
            }
        }
        Err(
            NodeError::new(format!("`{name}` has no sheet with a column `lights off`"))
                .help("give ST-subjects.xls or SC-subjects.xls, as the release has them"),
        )
    }
}

/// A sheet, and how to call it.
struct Sheet {
    cells: Range<Data>,
    place: String,
}

impl Sheet {
    /// The nights below the row of heads.
    fn nights(&self, head_row: usize) -> Result<Subjects, NodeError> {
        let heads = self.heads(head_row)?;
        let study = match heads.groups.len() {
            1 => Study::Cassette,
            _ => Study::Telemetry,
        };
        let mut nights = BTreeMap::new();
        for (row, cells) in self.cells.rows().enumerate().skip(head_row + 1) {
            if cells.iter().all(|cell| matches!(cell, Data::Empty)) {
                continue;
            }
            for group in &heads.groups {
                let night = self.night(row, &heads, group)?;
                let recording = study.recording(night.subject, night.night);
                let number = night.row;
                if let Some(before) = nights.insert(recording.clone(), night) {
                    let what = format!(
                        "recording `{recording}` stands in row {} and again in row {number}",
                        before.row
                    );
                    return Err(NodeError::new(what)
                        .at(&self.place)
                        .help("every night has one row"));
                }
            }
        }
        Ok(Subjects { study, nights })
    }

    fn heads(&self, row: usize) -> Result<Heads, NodeError> {
        let heads: Vec<String> = self.row(row).iter().map(head).collect();
        let find = |what: &str, fits: &dyn Fn(&str) -> bool| {
            heads.iter().position(|head| fits(head)).ok_or_else(|| {
                let said: Vec<String> = self.row(row).iter().map(ToString::to_string).collect();
                NodeError::new(format!("the subject table has no column for the {what}"))
                    .at(format!("{}, row {}", self.place, self.number(row)))
                    .because(format!("its heads are `{}`", said.join("`, `")))
                    .help("give ST-subjects.xls or SC-subjects.xls, as the release has them")
            })
        };
        let sex = find("sex", &|head| {
            head.starts_with("sex") || first_sex(head).is_some()
        })?;
        let nights: Vec<usize> = (0..heads.len())
            .filter(|&at| heads[at].starts_with("night"))
            .collect();
        find("night", &|head| head.starts_with("night"))?;
        let above = row.checked_sub(1).map_or(&[][..], |above| self.row(above));
        let group = |(at, &night): (usize, &usize)| {
            let end = nights.get(at + 1).copied().unwrap_or(heads.len());
            let lights_off = (night..end).find(|&column| heads[column] == "lightsoff")?;
            let medication = match above.get(night).map(head) {
                Some(head) if head.starts_with("placebo") => "placebo",
                Some(head) if head.starts_with("temazepam") => "temazepam",
                _ if nights.len() == 1 => "none",
                _ => return None,
            };
            Some(Group {
                night,
                lights_off,
                medication,
            })
        };
        let groups: Option<Vec<Group>> = nights.iter().enumerate().map(group).collect();
        let groups = groups.ok_or_else(|| {
            NodeError::new(
                "a column `night` has no medication above it, or no `lights off` beside it",
            )
            .at(format!("{}, row {}", self.place, self.number(row)))
        })?;
        Ok(Heads {
            subject: find("subject", &|head| {
                head == "nr" || head.starts_with("subject")
            })?,
            age: find("age", &|head| head == "age")?,
            first: first_sex(&heads[sex]),
            sex,
            groups,
        })
    }

    fn night(&self, row: usize, heads: &Heads, group: &Group) -> Result<Night, NodeError> {
        Ok(Night {
            subject: self.whole(row, heads.subject, 99)?,
            night: self.whole(row, group.night, 9)?,
            age: self.whole(row, heads.age, 120)?,
            sex: self.sex(row, heads)?,
            medication: group.medication,
            lights_off: self.clock(row, group.lights_off)?,
            row: self.number(row),
        })
    }

    fn whole(&self, row: usize, column: usize, most: u32) -> Result<u32, NodeError> {
        let cell = self.cell(row, column);
        let whole = number(cell)
            .filter(|number| number.fract() == 0.0 && (0.0..=f64::from(most)).contains(number));
        whole
            .map(|number| number as u32)
            .ok_or_else(|| self.wrong(row, column, &format!("a whole number from 0 to {most}")))
    }

    /// By the code in the head, or in words.
    fn sex(&self, row: usize, heads: &Heads) -> Result<Sex, NodeError> {
        let cell = self.cell(row, heads.sex);
        let other = |sex| match sex {
            Sex::Female => Sex::Male,
            Sex::Male => Sex::Female,
        };
        let found = match (number(cell), heads.first) {
            (Some(1.0), Some(first)) => Some(first),
            (Some(2.0), Some(first)) => Some(other(first)),
            (Some(_), _) => None,
            (None, _) => match head(cell).as_str() {
                "m" | "male" => Some(Sex::Male),
                "f" | "female" => Some(Sex::Female),
                _ => None,
            },
        };
        found.ok_or_else(|| match heads.first {
            Some(_) => self.wrong(row, heads.sex, "1 or 2"),
            None => self
                .wrong(row, heads.sex, "`M` or `F`")
                .help("a head such as `M1/F2` or `sex (F=1)` says what the codes mean"),
        })
    }

    /// A time of day: a part of a day, as spreadsheets keep it, or `23:01`.
    fn clock(&self, row: usize, column: usize) -> Result<String, NodeError> {
        let cell = self.cell(row, column);
        let seconds = match cell {
            Data::Empty => return Ok(String::new()),
            Data::String(text) => crate::epoch::clock(text),
            cell => number(cell)
                .filter(|day| *day >= 0.0)
                .map(|day| ((day.fract() * 86400.0).round() as u32) % 86400),
        };
        let seconds = seconds.ok_or_else(|| self.wrong(row, column, "a time of day"))?;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        Ok(match second {
            0 => format!("{hour:02}:{minute:02}"),
            _ => format!("{hour:02}:{minute:02}:{second:02}"),
        })
    }

    fn row(&self, row: usize) -> &[Data] {
        self.cells.rows().nth(row).unwrap_or(&[])
    }

    fn cell(&self, row: usize, column: usize) -> &Data {
        self.cells.get((row, column)).unwrap_or(&Data::Empty)
    }

    /// The row as the spreadsheet counts it, from 1.
    fn number(&self, row: usize) -> usize {
        self.cells.start().map_or(0, |(first, _)| first as usize) + row + 1
    }

    fn wrong(&self, row: usize, column: usize, wants: &str) -> NodeError {
        let (cell, first) = (
            self.cell(row, column),
            self.cells.start().map_or(0, |(_, column)| column),
        );
        let letter =
            char::from(b'A' + u8::try_from((column + first as usize).min(25)).unwrap_or(25));
        let found = match cell {
            Data::Empty => "the cell is empty".to_owned(),
            cell => format!("the cell holds `{cell}`"),
        };
        NodeError::new(format!("{found}, where {wants} is wanted")).at(format!(
            "{}, row {}, column {letter}",
            self.place,
            self.number(row)
        ))
    }
}

/// A head in small letters and digits only: `lights off` and `LightsOff` are one.
fn head(cell: &Data) -> String {
    let text = cell.to_string();
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

fn number(cell: &Data) -> Option<f64> {
    match cell {
        Data::Float(number) => Some(*number),
        Data::Int(number) => Some(*number as f64),
        Data::DateTime(time) => Some(time.as_f64()),
        Data::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The sex that 1 stands for, from a head such as `m1f2` or `sexf1`.
fn first_sex(head: &str) -> Option<Sex> {
    match (
        head.contains("m1") || head.contains("f2"),
        head.contains("f1") || head.contains("m2"),
    ) {
        (true, false) => Some(Sex::Male),
        (false, true) => Some(Sex::Female),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_says_what_a_sex_code_means() {
        assert_eq!(first_sex("m1f2"), Some(Sex::Male));
        assert_eq!(first_sex("sexf1"), Some(Sex::Female));
        assert_eq!(first_sex("sex"), None);
    }
}
