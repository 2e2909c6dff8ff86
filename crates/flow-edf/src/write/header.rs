//! The bytes of a header.

use crate::{
    field::{Field, HEADER_BLOCK},
    identity::RecordingInfo,
    start::{Date, TimeOfDay},
    write::{EdfWriter, error::WriteError, notes::Packed, number, signal::Checked},
};

/// Makes the header of a file of `records` data records.
pub(super) fn bytes(
    file: &EdfWriter<'_>,
    signals: &[Checked<'_>],
    packed: &[Packed],
    records: usize,
) -> Result<Vec<u8>, WriteError> {
    let mut header = Bytes(Vec::new());
    let count = signals.len() + packed.len();
    header.0.extend_from_slice(file.format.version());
    header.text(Field::Patient, None, &file.patient)?;
    header.text(Field::Recording, None, &recording(file)?)?;
    let date = file.start.date.or(Date::new(1985, 1, 1));
    header.text(
        Field::StartDate,
        None,
        &date.map(Date::to_field).unwrap_or_default(),
    )?;
    let time = file.start.time.or(TimeOfDay::new(0, 0, 0, 0));
    header.text(
        Field::StartTime,
        None,
        &time.map(TimeOfDay::to_field).unwrap_or_default(),
    )?;
    header.text(
        Field::HeaderBytes,
        None,
        &((count + 1) * HEADER_BLOCK).to_string(),
    )?;
    header.text(Field::Reserved, None, file.format.reserved())?;
    header.text(Field::RecordCount, None, &records.to_string())?;
    header.number(Field::RecordSeconds, None, file.record_seconds)?;
    header.text(Field::SignalCount, None, &count.to_string())?;
    let columns: Vec<Column<'_>> = signals
        .iter()
        .map(Column::of_signal)
        .chain(
            packed
                .iter()
                .map(|packed| Column::of_annotations(packed, file)),
        )
        .collect();
    for field in Field::OF_SIGNAL {
        for (place, column) in columns.iter().enumerate() {
            header.column(field, place, column)?;
        }
    }
    Ok(header.0)
}

/// The recording field; its date must not contradict the start's.
fn recording(file: &EdfWriter<'_>) -> Result<String, WriteError> {
    let date = file.start.date;
    let words = date.map_or_else(|| "X".to_owned(), Date::to_words);
    let text = file
        .recording
        .clone()
        .unwrap_or_else(|| format!("Startdate {words} X X X"));
    match (RecordingInfo::parse(&text).startdate, date) {
        (Some(recording), start) if start != Some(recording) => {
            Err(WriteError::DatesDisagree { recording, start })
        }
        (None, Some(date)) if !(1985..=2084).contains(&date.year()) => {
            Err(WriteError::DateNeedsWords { date })
        }
        _ => Ok(text),
    }
}

/// What one signal's part of the header says.
struct Column<'a> {
    texts: [&'a str; 5],
    physical: (f64, f64),
    digital: (i32, i32),
    samples_per_record: usize,
}

impl<'a> Column<'a> {
    fn of_signal(checked: &Checked<'a>) -> Self {
        let signal = checked.signal;
        let texts = [
            &signal.label,
            &signal.transducer,
            &signal.dimension,
            &signal.prefilter,
            &signal.reserved,
        ];
        Self {
            texts: texts.map(String::as_str),
            physical: checked.physical,
            digital: checked.digital,
            samples_per_record: signal.samples_per_record,
        }
    }

    fn of_annotations(packed: &Packed, file: &EdfWriter<'_>) -> Self {
        Self {
            texts: [file.format.annotation_label(), "", "", "", ""],
            physical: packed.physical,
            digital: file.format.width.limits(),
            samples_per_record: packed.samples_per_record,
        }
    }
}

struct Bytes(Vec<u8>);

impl Bytes {
    fn column(
        &mut self,
        field: Field,
        place: usize,
        column: &Column<'_>,
    ) -> Result<(), WriteError> {
        let [label, transducer, dimension, prefilter, reserved] = column.texts;
        let signal = Some(place);
        match field {
            Field::Transducer => self.text(field, signal, transducer),
            Field::Dimension => self.text(field, signal, dimension),
            Field::PhysicalMin => self.number(field, signal, column.physical.0),
            Field::PhysicalMax => self.number(field, signal, column.physical.1),
            Field::DigitalMin => self.number(field, signal, f64::from(column.digital.0)),
            Field::DigitalMax => self.number(field, signal, f64::from(column.digital.1)),
            Field::Prefilter => self.text(field, signal, prefilter),
            Field::SamplesPerRecord => {
                self.text(field, signal, &column.samples_per_record.to_string())
            }
            Field::SignalReserved => self.text(field, signal, reserved),
            _ => self.text(field, signal, label),
        }
    }

    fn number(
        &mut self,
        field: Field,
        signal: Option<usize>,
        value: f64,
    ) -> Result<(), WriteError> {
        let text = number::exact(value, field.width());
        let text = text.ok_or(WriteError::NumberTooLong {
            field,
            signal,
            value,
        })?;
        self.text(field, signal, &text)
    }

    fn text(&mut self, field: Field, signal: Option<usize>, text: &str) -> Result<(), WriteError> {
        if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(WriteError::TextNotAscii {
                field,
                signal,
                text: text.to_owned(),
            });
        }
        if text.len() > field.width() {
            return Err(WriteError::TextTooLong {
                field,
                signal,
                text: text.to_owned(),
            });
        }
        self.0.extend_from_slice(text.as_bytes());
        self.0
            .resize(self.0.len() + field.width() - text.len(), b' ');
        Ok(())
    }
}
