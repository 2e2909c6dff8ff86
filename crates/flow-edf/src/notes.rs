//! Reads all annotation signals of a recording: the annotations, and when each data record begins.

use crate::{
    field::Encoding,
    format::Layout,
    header::{Header, Track},
    tal::{self, Annotation, Tal},
    timeline::Timeline,
    warning::Warning,
};

/// What the annotation signals hold.
#[derive(Debug)]
pub(crate) struct Notes {
    /// By onset; in file order where onsets are equal.
    pub(crate) annotations: Vec<Annotation>,
    pub(crate) timeline: Timeline,
    pub(crate) warnings: Vec<Warning>,
}

/// The onset that the first data record states, seconds from the header's start; 0 if it states none.
pub(crate) fn first_onset(bytes: &[u8], header: &Header, tracks: &[Track]) -> f64 {
    let track = tracks.first().filter(|_| header.records > 0);
    let first = track.and_then(|track| tal::pieces(track.of_record(bytes, header, 0).1).next());
    let tal = first.and_then(|(_, piece)| Tal::parse(piece));
    tal.filter(Tal::is_timekeeping).map_or(0.0, |tal| tal.onset)
}

/// Seconds from the first record, rounded to 12 decimals where a shift could leave binary noise, as edfio does.
pub(crate) fn from_first_record(onset: f64, first_onset: f64) -> f64 {
    match first_onset {
        0.0 => onset,
        _ => format!("{:.12}", onset - first_onset)
            .parse()
            .unwrap_or(onset - first_onset),
    }
}

/// Reads every annotation signal of every data record.
pub(crate) fn scan(bytes: &[u8], header: &Header, tracks: &[Track], first_onset: f64) -> Notes {
    let mut scan = Scan {
        first_onset,
        ..Scan::default()
    };
    for record in 0..header.records {
        for (place, track) in tracks.iter().enumerate() {
            let (start, bytes) = track.of_record(bytes, header, record);
            scan.track(record, place, start, bytes);
        }
    }
    scan.annotations
        .sort_by(|a, b| a.onset_seconds.total_cmp(&b.onset_seconds));
    let mut warnings = scan.warnings();
    // Only EDF+ and BDF+ promise that records state their onset.
    let stated = if header.format.is_plus() {
        scan.onsets
    } else {
        Vec::new()
    };
    let timeline = match header.format.layout {
        Layout::Discontinuous if !stated.is_empty() => {
            Timeline::listed(header.record_seconds, &stated, &mut warnings)
        }
        _ => Timeline::regular(
            header.record_seconds,
            header.records,
            &stated,
            &mut warnings,
        ),
    };
    Notes {
        annotations: scan.annotations,
        timeline,
        warnings,
    }
}

impl Track {
    /// The track's part of a record, and its first byte in the file.
    fn of_record<'a>(&self, bytes: &'a [u8], header: &Header, record: usize) -> (usize, &'a [u8]) {
        let start = header.data_start + record * header.record_bytes + self.byte_in_record;
        (
            start,
            bytes.get(start..start + self.bytes).unwrap_or_default(),
        )
    }
}

/// How often something happened, and the first byte in the file where it did.
#[derive(Default)]
struct Tally {
    count: usize,
    first: usize,
}

impl Tally {
    fn add(&mut self, offset: usize) {
        if self.count == 0 {
            self.first = offset;
        }
        self.count += 1;
    }

    fn warning(&self, make: impl FnOnce(usize, usize) -> Warning) -> Option<Warning> {
        (self.count > 0).then(|| make(self.count, self.first))
    }
}

#[derive(Default)]
struct Scan {
    first_onset: f64,
    annotations: Vec<Annotation>,
    /// The onset that each record states, from the first record's; empty without annotation signals.
    onsets: Vec<Option<f64>>,
    unreadable: Tally,
    sloppy: Tally,
    not_utf8: Tally,
}

impl Scan {
    fn track(&mut self, record: usize, place: usize, start: usize, bytes: &[u8]) {
        if place == 0 {
            self.onsets.push(None);
        }
        for (number, (offset, piece)) in tal::pieces(bytes).enumerate() {
            let Some(tal) = Tal::parse(piece) else {
                self.unreadable.add(start + offset);
                continue;
            };
            if tal.is_sloppy {
                self.sloppy.add(start + offset);
            }
            let opens_record = place == 0 && number == 0 && tal.is_timekeeping();
            if opens_record {
                self.onsets[record] = Some(from_first_record(tal.onset, self.first_onset));
            }
            self.annotate(&tal, start + offset, opens_record);
        }
    }

    fn annotate(&mut self, tal: &Tal<'_>, offset: usize, opens_record: bool) {
        let onset_seconds = from_first_record(tal.onset, self.first_onset);
        for (text, encoding) in tal.texts() {
            if opens_record && text.is_empty() {
                continue;
            }
            if encoding == Encoding::Latin1 {
                self.not_utf8.add(offset);
            }
            self.annotations.push(Annotation {
                onset_seconds,
                duration_seconds: tal.duration,
                text,
            });
        }
    }

    fn warnings(&self) -> Vec<Warning> {
        let unreadable = |count, offset| Warning::AnnotationsUnreadable { count, offset };
        let sloppy = |count, offset| Warning::AnnotationsSloppy { count, offset };
        let not_utf8 = |count, offset| Warning::TextsNotUtf8 { count, offset };
        let all = [
            self.unreadable.warning(unreadable),
            self.sloppy.warning(sloppy),
            self.not_utf8.warning(not_utf8),
        ];
        all.into_iter().flatten().collect()
    }
}
