//! When each data record begins, and what that means for stretches of signal.

use std::ops::Range;

use crate::{signal::Signal, warning::Warning};

/// Records that follow each other without a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The data records, counted from 0.
    pub records: Range<usize>,
    /// When the first of them begins, seconds from the recording's first sample.
    pub onset_seconds: f64,
}

/// A hole in a discontinuous recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// The first data record after the hole, counted from 0.
    pub record: usize,
    /// When the hole begins, seconds from the recording's first sample.
    pub onset_seconds: f64,
    /// Seconds that it lasts.
    pub seconds: f64,
}

/// A stretch of one signal without a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The samples, as [`Recording::physical`](crate::Recording::physical) counts them.
    pub samples: Range<usize>,
    /// When the first of them was taken, seconds from the recording's first sample.
    pub onset_seconds: f64,
}

/// The onsets of data records further apart or closer than this are not contiguous.
///
/// Writers round onsets to some decimals; recorders are not better than this anyway.
const TOLERANCE_SECONDS: f64 = 1e-4;

/// A sample this close to a bound, as a part of the sampling interval, counts as being at it.
const TOLERANCE_SAMPLES: f64 = 1e-6;

/// The onsets of all data records, seconds from the first.
#[derive(Debug)]
pub(crate) struct Timeline {
    record_seconds: f64,
    records: usize,
    /// In order; the first begins at record 0. Empty without records.
    runs: Vec<Run>,
    /// One a record where they are stated; none where they follow from the index.
    onsets: Option<Vec<f64>>,
}

impl Timeline {
    /// Records back to back; `stated` onsets are only compared.
    pub(crate) fn regular(
        record_seconds: f64,
        records: usize,
        stated: &[Option<f64>],
        warnings: &mut Vec<Warning>,
    ) -> Self {
        warnings.extend(missing(stated));
        let off = stated.iter().enumerate().find_map(|(record, onset)| {
            let expected = record as f64 * record_seconds;
            // Rounded record durations drift away from the truth over many records; that is no gap.
            let tolerance = TOLERANCE_SECONDS + 1e-6 * expected;
            let stated = onset.filter(|onset| (onset - expected).abs() > tolerance)?;
            Some(Warning::OnsetsNotContiguous {
                record,
                stated,
                expected,
            })
        });
        // Records of 0 s hold annotations alone, which place themselves.
        warnings.extend(off.filter(|_| record_seconds > 0.0));
        let runs = (records > 0).then_some(Run {
            records: 0..records,
            onset_seconds: 0.0,
        });
        Self {
            record_seconds,
            records,
            runs: runs.into_iter().collect(),
            onsets: None,
        }
    }

    /// Records where they say; one that doesn't say follows the one before it.
    pub(crate) fn listed(
        record_seconds: f64,
        stated: &[Option<f64>],
        warnings: &mut Vec<Warning>,
    ) -> Self {
        warnings.extend(missing(stated));
        let (mut onsets, mut next) = (Vec::with_capacity(stated.len()), 0.0);
        for onset in stated {
            let onset = onset.unwrap_or(next);
            onsets.push(onset);
            next = onset + record_seconds;
        }
        let runs = runs(&onsets, record_seconds);
        warnings.extend(overlaps(&runs, record_seconds));
        Self {
            record_seconds,
            records: onsets.len(),
            runs,
            onsets: Some(onsets),
        }
    }

    /// The onset of each record, `[records]`.
    pub(crate) fn onsets(&self) -> Vec<f64> {
        let regular = || {
            (0..self.records)
                .map(|record| record as f64 * self.record_seconds)
                .collect()
        };
        self.onsets.clone().unwrap_or_else(regular)
    }

    pub(crate) fn runs(&self) -> &[Run] {
        &self.runs
    }

    pub(crate) fn gaps(&self) -> Vec<Gap> {
        let gap = |pair: &[Run]| {
            let onset_seconds = pair[0].end(self.record_seconds);
            let seconds = pair[1].onset_seconds - onset_seconds;
            (seconds > 0.0).then_some(Gap {
                record: pair[1].records.start,
                onset_seconds,
                seconds,
            })
        };
        self.runs.windows(2).filter_map(gap).collect()
    }

    /// When the last record ends.
    pub(crate) fn end(&self) -> f64 {
        self.runs
            .iter()
            .map(|run| run.end(self.record_seconds))
            .fold(0.0, f64::max)
    }

    /// The samples taken at `from ≤ time < to`, one span a run.
    pub(crate) fn spans(&self, signal: &Signal, seconds: &Range<f64>) -> Vec<Span> {
        let Some(rate_hz) = signal.rate_hz.filter(|rate| *rate > 0.0) else {
            return Vec::new();
        };
        let span = |run: &Run| {
            let samples = run.records.len() * signal.samples_per_record;
            let first_at = |time: f64| {
                let exact = (time - run.onset_seconds) * rate_hz;
                ((exact - TOLERANCE_SAMPLES).ceil().max(0.0) as usize).min(samples)
            };
            let (start, end) = (first_at(seconds.start), first_at(seconds.end));
            let base = run.records.start * signal.samples_per_record;
            let onset_seconds = run.onset_seconds + start as f64 / rate_hz;
            (start < end).then_some(Span {
                samples: base + start..base + end,
                onset_seconds,
            })
        };
        self.runs.iter().filter_map(span).collect()
    }
}

impl Run {
    fn end(&self, record_seconds: f64) -> f64 {
        self.onset_seconds + self.records.len() as f64 * record_seconds
    }
}

fn missing(stated: &[Option<f64>]) -> Option<Warning> {
    let first = stated.iter().position(Option::is_none)?;
    let count = stated.iter().filter(|onset| onset.is_none()).count();
    Some(Warning::OnsetsMissing { count, first })
}

fn runs(onsets: &[f64], record_seconds: f64) -> Vec<Run> {
    let follows = |pair: &[f64]| (pair[1] - pair[0] - record_seconds).abs() <= TOLERANCE_SECONDS;
    let breaks = onsets
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| !follows(pair))
        .map(|(i, _)| i + 1);
    let mut starts: Vec<usize> = std::iter::once(0).chain(breaks).collect();
    starts.push(onsets.len());
    let run = |pair: &[usize]| {
        let onset_seconds = *onsets.get(pair[0])?;
        Some(Run {
            records: pair[0]..pair[1],
            onset_seconds,
        })
    };
    starts.windows(2).filter_map(run).collect()
}

fn overlaps(runs: &[Run], record_seconds: f64) -> Option<Warning> {
    let mut early = runs
        .windows(2)
        .filter(|pair| pair[1].onset_seconds < pair[0].end(record_seconds) - TOLERANCE_SECONDS)
        .map(|pair| pair[1].records.start)
        .peekable();
    let first = *early.peek()?;
    Some(Warning::RecordsOverlap {
        count: early.count(),
        first,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(onsets: &[Option<f64>]) -> (Timeline, Vec<Warning>) {
        let mut warnings = Vec::new();
        (Timeline::listed(1.0, onsets, &mut warnings), warnings)
    }

    #[test]
    fn gaps_part_runs() {
        let (timeline, warnings) = listed(&[Some(0.0), Some(1.0), Some(5.5), None]);
        let runs: Vec<_> = timeline
            .runs()
            .iter()
            .map(|run| run.records.clone())
            .collect();
        assert_eq!(runs, [0..2, 2..4]);
        assert_eq!(
            timeline.gaps(),
            [Gap {
                record: 2,
                onset_seconds: 2.0,
                seconds: 3.5
            }]
        );
        assert_eq!(timeline.onsets(), [0.0, 1.0, 5.5, 6.5]);
        assert_eq!(timeline.end(), 7.5);
        assert_eq!(warnings, [Warning::OnsetsMissing { count: 1, first: 3 }]);
    }

    #[test]
    fn a_record_before_the_end_of_the_last_is_an_overlap_and_no_gap() {
        let (timeline, warnings) = listed(&[Some(0.0), Some(0.25), Some(1.25)]);
        assert_eq!(timeline.gaps(), []);
        assert_eq!(warnings, [Warning::RecordsOverlap { count: 1, first: 1 }]);
    }

    #[test]
    fn rounded_onsets_are_no_gaps() {
        let (timeline, warnings) = listed(&[Some(0.0), Some(1.000_01), Some(1.999_99)]);
        assert_eq!((timeline.runs().len(), warnings), (1, Vec::new()));
    }

    #[test]
    fn a_continuous_file_keeps_its_order_and_says_what_disagrees() {
        let mut warnings = Vec::new();
        let timeline = Timeline::regular(2.0, 3, &[Some(0.0), Some(9.0), Some(4.0)], &mut warnings);
        assert_eq!(timeline.onsets(), [0.0, 2.0, 4.0]);
        let (stated, expected) = (9.0, 2.0);
        assert_eq!(
            warnings,
            [Warning::OnsetsNotContiguous {
                record: 1,
                stated,
                expected
            }]
        );
    }
}
