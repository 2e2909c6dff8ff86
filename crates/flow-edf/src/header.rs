//! Reads a header: what the file is, its signals, and where the data lie.

use crate::{
    error::{EdfError, Origin},
    field::{self, Field, HEADER_BLOCK},
    format::{Format, Layout, SampleWidth},
    identity::{Patient, RecordingInfo},
    signal::{Scaling, Signal},
    start::{Date, TimeOfDay},
    warning::{Uncalibrated, Warning},
};

/// What the header says of the file as a whole.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// The kind of file.
    pub format: Format,
    /// Who was recorded.
    pub patient: Patient,
    /// What the recording is.
    pub info: RecordingInfo,
    /// The day in the start date field; [`Recording::start`](crate::Recording::start) prefers the recording field's.
    pub start_date: Option<Date>,
    /// The time in the start time field, whole seconds.
    pub start_time: Option<TimeOfDay>,
    /// The text of the reserved field.
    pub reserved: String,
    /// Seconds of a data record; 0 in files that hold annotations alone.
    pub record_seconds: f64,
    /// Whole data records in the file, whatever the header claims.
    pub records: usize,
    /// Bytes of a data record.
    pub record_bytes: usize,
    /// The byte at which the first data record starts.
    pub data_start: usize,
}

/// What a data record may last, in s: 0 where time has no meaning, and at most 31 years, so that times of
/// all records are finite.
const RECORD_SECONDS: std::ops::RangeInclusive<f64> = 0.0..=1e9;

/// An annotation signal: where its bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Track {
    pub(crate) byte_in_record: usize,
    pub(crate) bytes: usize,
}

/// All that a header holds.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) header: Header,
    pub(crate) signals: Vec<Signal>,
    pub(crate) tracks: Vec<Track>,
    pub(crate) warnings: Vec<Warning>,
}

/// Reads the header of a whole file.
pub(crate) fn parse(bytes: &[u8], origin: &Origin) -> Result<Parsed, EdfError> {
    let mut reader = Reader {
        bytes,
        origin,
        signals: 0,
        warnings: Vec::new(),
    };
    let width = reader.width()?;
    reader.signals = reader.signal_count()?;
    let format = Format {
        width,
        layout: reader.layout(),
    };
    let record_seconds = reader.record_seconds()?;
    let (mut signals, tracks, record_bytes) = reader.signals(format, record_seconds)?;
    let (data_start, records) = reader.data(record_bytes);
    for signal in &mut signals {
        signal.samples = records.saturating_mul(signal.samples_per_record);
    }
    let (start_date, start_time) = reader.start();
    let header = Header {
        format,
        patient: Patient::parse(&reader.text(Field::Patient)),
        info: RecordingInfo::parse(&reader.text(Field::Recording)),
        start_date,
        start_time,
        reserved: reader.text(Field::Reserved),
        record_seconds,
        records,
        record_bytes,
        data_start,
    };
    reader.compare_dates(&header);
    reader.expect_tracks(format, tracks.len());
    Ok(Parsed {
        header,
        signals,
        tracks,
        warnings: reader.warnings,
    })
}

struct Reader<'a> {
    bytes: &'a [u8],
    origin: &'a Origin,
    signals: usize,
    warnings: Vec<Warning>,
}

impl Reader<'_> {
    /// The sample width by the version, and proof that the file's own fields are all there.
    fn width(&self) -> Result<SampleWidth, EdfError> {
        let version = self.bytes.get(..8).unwrap_or(self.bytes);
        let width = match version {
            [b'0', rest @ ..]
                if rest.len() == 7 && rest.iter().all(|byte| b" \0".contains(byte)) =>
            {
                SampleWidth::Bits16
            }
            b"\xFFBIOSEMI" => SampleWidth::Bits24,
            _ => {
                let (origin, found) = (self.origin.clone(), version.to_vec());
                return Err(EdfError::NotEdf {
                    origin,
                    found,
                    looks_like: looks_like(version),
                });
            }
        };
        self.holds(0).map(|()| width)
    }

    fn holds(&self, signals: usize) -> Result<(), EdfError> {
        let needed = (signals + 1) * HEADER_BLOCK;
        let (have, origin) = (self.bytes.len(), self.origin.clone());
        match needed <= have {
            true => Ok(()),
            false => Err(EdfError::HeaderTruncated {
                origin,
                signals,
                needed,
                have,
            }),
        }
    }

    fn text(&self, field: Field) -> String {
        self.text_at(field.offset(), field)
    }

    fn text_of(&self, field: Field, signal: usize) -> String {
        self.text_at(field.offset_of(signal, self.signals), field)
    }

    fn text_at(&self, offset: usize, field: Field) -> String {
        field::text(
            self.bytes
                .get(offset..offset + field.width())
                .unwrap_or_default(),
        )
    }

    fn unreadable(&self, field: Field, signal: Option<usize>, wants: &'static str) -> EdfError {
        let offset = match signal {
            Some(signal) => field.offset_of(signal, self.signals),
            None => field.offset(),
        };
        let text = self.text_at(offset, field);
        EdfError::Unreadable {
            origin: self.origin.clone(),
            field,
            signal,
            offset,
            text,
            wants,
        }
    }

    /// The number of signals; where it is unreadable, what the header's size leaves room for.
    fn signal_count(&mut self) -> Result<usize, EdfError> {
        let stated = self.text(Field::SignalCount);
        let signals = match field::whole(&stated).and_then(|count| usize::try_from(count).ok()) {
            Some(signals) => signals.min(9999), // four characters hold no more
            None => {
                let blocks = field::whole(&self.text(Field::HeaderBytes))
                    .and_then(|bytes| usize::try_from(bytes).ok())
                    .filter(|bytes| bytes % HEADER_BLOCK == 0 && *bytes >= HEADER_BLOCK);
                let wants = "a whole number from 0 to 9999";
                let blocks =
                    blocks.ok_or_else(|| self.unreadable(Field::SignalCount, None, wants))?;
                let used = (blocks / HEADER_BLOCK - 1).min(9999);
                self.warnings
                    .push(Warning::SignalCountDerived { stated, used });
                used
            }
        };
        self.holds(signals).map(|()| signals)
    }

    fn layout(&mut self) -> Layout {
        let text = self.text(Field::Reserved);
        match text.as_bytes() {
            [b'E' | b'B', b'D', b'F', b'+', b'C', ..] => Layout::Continuous,
            [b'E' | b'B', b'D', b'F', b'+', b'D', ..] => Layout::Discontinuous,
            [b'E' | b'B', b'D', b'F', b'+', ..] => {
                self.warnings.push(Warning::LayoutUnknown { text });
                Layout::Continuous
            }
            _ => Layout::Plain,
        }
    }

    fn record_seconds(&self) -> Result<f64, EdfError> {
        let seconds =
            field::number(&self.text(Field::RecordSeconds)).filter(|s| RECORD_SECONDS.contains(s));
        let wants = "a number of seconds from 0 to 1e9";
        seconds.ok_or_else(|| self.unreadable(Field::RecordSeconds, None, wants))
    }

    /// The signals, the annotation signals, and the bytes of a data record.
    fn signals(
        &mut self,
        format: Format,
        record_seconds: f64,
    ) -> Result<(Vec<Signal>, Vec<Track>, usize), EdfError> {
        let (mut signals, mut tracks, mut byte_in_record) = (Vec::new(), Vec::new(), 0_usize);
        for position in 0..self.signals {
            let samples_per_record = self.samples_per_record(position)?;
            let bytes = samples_per_record.saturating_mul(format.width.bytes());
            if is_annotations(&self.text_of(Field::Label, position)) {
                tracks.push(Track {
                    byte_in_record,
                    bytes,
                });
            } else {
                let mut signal = self.signal(position, format.width);
                signal.samples_per_record = samples_per_record;
                signal.byte_in_record = byte_in_record;
                signal.rate_hz = rate_hz(samples_per_record, record_seconds);
                signals.push(signal);
            }
            byte_in_record = byte_in_record.saturating_add(bytes);
        }
        Ok((signals, tracks, byte_in_record))
    }

    fn samples_per_record(&self, position: usize) -> Result<usize, EdfError> {
        let stated = field::whole(&self.text_of(Field::SamplesPerRecord, position));
        let samples = stated.and_then(|samples| usize::try_from(samples).ok());
        let wants = "a whole number that isn't negative";
        samples.ok_or_else(|| self.unreadable(Field::SamplesPerRecord, Some(position), wants))
    }

    fn signal(&mut self, position: usize, width: SampleWidth) -> Signal {
        let text = |field| self.text_of(field, position);
        let label = text(Field::Label);
        let (digital, digital_trouble) = self.digital_range(position, width);
        let (physical, physical_trouble) = self.physical_range(position, digital);
        let scaling = match digital_trouble.or(physical_trouble) {
            Some(trouble) => Err(trouble),
            None => scaling(digital, physical),
        };
        let signal = Signal {
            transducer: text(Field::Transducer),
            dimension: text(Field::Dimension),
            prefilter: text(Field::Prefilter),
            reserved: text(Field::SignalReserved),
            physical_min: physical.0,
            physical_max: physical.1,
            digital_min: digital.0,
            digital_max: digital.1,
            samples_per_record: 0,
            rate_hz: None,
            samples: 0,
            scaling: *scaling.as_ref().unwrap_or(&Scaling::IDENTITY),
            position,
            byte_in_record: 0,
            label,
        };
        if let Err(why) = scaling {
            let label = signal.label.clone();
            self.warnings.push(Warning::NotCalibrated {
                signal: position,
                label,
                why,
            });
        }
        signal
    }

    /// The digital limits; those of the sample's width where they are unreadable.
    fn digital_range(
        &self,
        position: usize,
        width: SampleWidth,
    ) -> ((i32, i32), Option<Uncalibrated>) {
        let limit = |field| {
            let value = field::whole(&self.text_of(field, position));
            value
                .and_then(|value| i32::try_from(value).ok())
                .ok_or(Uncalibrated::Unreadable(field))
        };
        match (limit(Field::DigitalMin), limit(Field::DigitalMax)) {
            (Ok(min), Ok(max)) => ((min, max), None),
            (Err(trouble), _) | (_, Err(trouble)) => (width.limits(), Some(trouble)),
        }
    }

    /// The physical limits; the digital ones where they are unreadable.
    fn physical_range(
        &self,
        position: usize,
        digital: (i32, i32),
    ) -> ((f64, f64), Option<Uncalibrated>) {
        let limit = |field| {
            field::number(&self.text_of(field, position)).ok_or(Uncalibrated::Unreadable(field))
        };
        match (limit(Field::PhysicalMin), limit(Field::PhysicalMax)) {
            (Ok(min), Ok(max)) => ((min, max), None),
            (Err(trouble), _) | (_, Err(trouble)) => {
                ((f64::from(digital.0), f64::from(digital.1)), Some(trouble))
            }
        }
    }

    /// Where the data start and how many whole records there are.
    fn data(&mut self, record_bytes: usize) -> (usize, usize) {
        let (start, length) = (self.data_start(record_bytes), self.bytes.len());
        let have = length.saturating_sub(start);
        let found = have.checked_div(record_bytes).unwrap_or(0);
        let partial = have.checked_rem(record_bytes).unwrap_or(0);
        if partial > 0 {
            self.warnings.push(Warning::PartialRecord {
                bytes: partial,
                record_bytes,
            });
        }
        let stated = self.text(Field::RecordCount);
        match field::whole(&stated) {
            Some(-1) => self.warnings.push(Warning::RecordCountOpen { found }),
            Some(count) if usize::try_from(count) == Ok(found) => {}
            // Without any sample there is nothing to count records by.
            Some(_) if record_bytes == 0 => {}
            _ => self
                .warnings
                .push(Warning::RecordCountWrong { stated, found }),
        }
        (start, found)
    }

    /// The header's own size is trusted against the number of signals only where it explains the file's size.
    fn data_start(&mut self, record_bytes: usize) -> usize {
        let by_signals = (self.signals + 1) * HEADER_BLOCK;
        let text = self.text(Field::HeaderBytes);
        let stated = field::whole(&text).and_then(|bytes| usize::try_from(bytes).ok());
        if stated == Some(by_signals) {
            return by_signals;
        }
        let records =
            field::whole(&self.text(Field::RecordCount)).and_then(|n| usize::try_from(n).ok());
        let explains = |start: &usize| {
            let data = records.and_then(|records| records.checked_mul(record_bytes));
            *start >= by_signals
                && data.is_some_and(|data| {
                    data > 0 && start.checked_add(data) == Some(self.bytes.len())
                })
        };
        let used = stated.filter(explains).unwrap_or(by_signals);
        self.warnings
            .push(Warning::HeaderBytesWrong { stated: text, used });
        used
    }

    fn start(&mut self) -> (Option<Date>, Option<TimeOfDay>) {
        let (date_text, time_text) = (self.text(Field::StartDate), self.text(Field::StartTime));
        let (date, time) = (
            Date::from_field(&date_text),
            TimeOfDay::from_field(&time_text),
        );
        if date.is_none() {
            self.warnings.push(Warning::StartUnreadable {
                field: Field::StartDate,
                text: date_text,
            });
        }
        if time.is_none() {
            self.warnings.push(Warning::StartUnreadable {
                field: Field::StartTime,
                text: time_text,
            });
        }
        (date, time)
    }

    fn compare_dates(&mut self, header: &Header) {
        if let (Some(header), Some(recording)) = (header.start_date, header.info.startdate)
            && header != recording
        {
            self.warnings
                .push(Warning::StartDatesDiffer { header, recording });
        }
    }

    fn expect_tracks(&mut self, format: Format, tracks: usize) {
        match (format.is_plus(), tracks) {
            (true, 0) => self.warnings.push(Warning::NoAnnotationSignal),
            (false, signals) if signals > 0 => {
                self.warnings
                    .push(Warning::AnnotationsInPlainFile { signals });
            }
            _ => {}
        }
    }
}

/// Either label counts in either format: writers mix them up.
fn is_annotations(label: &str) -> bool {
    matches!(label, "EDF Annotations" | "BDF Annotations")
}

fn rate_hz(samples_per_record: usize, record_seconds: f64) -> Option<f64> {
    let rate = samples_per_record as f64 / record_seconds;
    (record_seconds > 0.0 && rate.is_finite()).then_some(rate)
}

fn scaling(digital: (i32, i32), physical: (f64, f64)) -> Result<Scaling, Uncalibrated> {
    if digital.0 == digital.1 {
        return Err(Uncalibrated::DigitalRangeEmpty);
    }
    if physical.0 == physical.1 {
        return Err(Uncalibrated::PhysicalRangeEmpty);
    }
    Scaling::between(digital, physical).ok_or(Uncalibrated::ScaleNotFinite)
}

fn looks_like(version: &[u8]) -> Option<&'static str> {
    match version {
        [] => Some("an empty file"),
        [b'G', b'D', b'F', ..] => Some("a GDF file, which isn't read here"),
        [0x1F, 0x8B, ..] => Some("a gzip archive: unpack it first"),
        [b'P', b'K', ..] => Some("a zip archive: unpack it first"),
        [b'<', ..] => Some("a web page saved in place of the recording: download it again"),
        [b'v', b'e', b'r', b's', b'i', b'o', b'n', b' '] => {
            Some("a Git LFS pointer: fetch the file itself")
        }
        _ => None,
    }
}
