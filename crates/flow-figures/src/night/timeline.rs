//! Time of a night: runs of epochs without a gap, and the shared axis.

use std::ops::Range;

use super::Night;
use crate::axis::{Axis, Tick, inside};
use crate::scene::Area;

/// Onsets may be this far from the end of the epoch before, seconds, and still touch it.
const TOUCHING: f64 = 2e-3;

/// The shared time axis, in a unit that suits the length.
pub(super) struct Timeline {
    pub axis: Axis,
    pub ticks: Vec<Tick>,
    /// Runs of epochs that touch each other.
    pub runs: Vec<Range<usize>>,
    unit: (&'static str, f64),
    onsets: Vec<f64>,
    /// End of every epoch; within a run the onset of the next, so that rounding leaves no slit.
    ends: Vec<f64>,
}

impl Timeline {
    pub fn new(input: &Night, body: Area) -> Timeline {
        let onsets: Vec<f64> = input.epochs.iter().map(|e| e.onset_seconds).collect();
        let seconds = input.epoch_seconds;
        let (start, end) = (onsets[0], onsets[onsets.len() - 1] + seconds);
        let unit = match end - start {
            span if span > 7200.0 => ("h", 3600.0),
            span if span > 120.0 => ("min", 60.0),
            _ => ("s", 1.0),
        };
        let found = inside(start / unit.1, end / unit.1, 10);
        let axis = Axis::linear(start / unit.1, end / unit.1, body.left, body.right());
        let runs = runs(&onsets, seconds);
        let mut ends: Vec<f64> = onsets.iter().map(|onset| onset + seconds).collect();
        for run in &runs {
            ends[run.start..run.end - 1].copy_from_slice(&onsets[run.start + 1..run.end]);
        }
        Timeline {
            axis,
            ticks: found.ticks,
            runs,
            unit,
            onsets,
            ends,
        }
    }

    /// Left and right edge of an epoch on the page.
    pub fn edges(&self, epoch: usize) -> (f64, f64) {
        let place = |seconds: f64| self.axis.at(seconds / self.unit.1);
        (place(self.onsets[epoch]), place(self.ends[epoch]))
    }

    /// Edges on the page of the times without an epoch.
    pub fn gaps(&self) -> Vec<(f64, f64)> {
        let between =
            |pair: &[Range<usize>]| (self.edges(pair[0].end - 1).1, self.edges(pair[1].start).0);
        self.runs.windows(2).map(between).collect()
    }

    pub fn title(&self) -> String {
        format!("Time since start of recording [{}]", self.unit.0)
    }

    /// Runs within which `has` holds, for lines that must not cross what is missing.
    pub fn runs_where(&self, has: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for run in &self.runs {
            let mut open = false;
            for epoch in run.clone() {
                match (has(epoch), open, found.last_mut()) {
                    (true, true, Some(last)) => last.end = epoch + 1,
                    (true, ..) => found.push(epoch..epoch + 1),
                    _ => {}
                }
                open = has(epoch);
            }
        }
        found
    }
}

fn runs(onsets: &[f64], seconds: f64) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (i, onset) in onsets.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if onset - (onsets[i - 1] + seconds) < TOUCHING => run.end = i + 1,
            _ => runs.push(i..i + 1),
        }
    }
    runs
}

/// Seconds between first and last epoch that no epoch covers.
pub(super) fn missing_seconds(input: &Night) -> f64 {
    let gap = |pair: &[super::NightEpoch]| {
        let gap = pair[1].onset_seconds - pair[0].onset_seconds - input.epoch_seconds;
        if gap < TOUCHING { 0.0 } else { gap }
    };
    input.epochs.windows(2).map(gap).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_at_gaps() {
        assert_eq!(runs(&[0.0, 30.0, 60.001, 120.0, 150.0], 30.0), [0..3, 3..5]);
        assert_eq!(runs(&[5.0], 30.0), vec![0..1; 1]);
    }
}
