//! Counts of stage changes and bout lengths in the 44 real telemetry hypnograms.
//!
//! Source: Kemp et al., Sleep-EDF Database Expanded 1.0.0, PhysioNet (ODC-BY 1.0). The numbers are
//! printed by `tests/golden/estimate_chain.py`; they are sums over all nights, and no night can be
//! rebuilt from them. Stage order everywhere: W, 1, 2, 3+4, R.

/// Ends of the parts of the night, as fractions of the time after sleep onset.
pub(crate) const PART_ENDS: [f64; 4] = [0.125, 0.375, 0.6875, 1.0];

/// Last epoch of each duration bin; a bin starts after the one before. One wake bout of 175 epochs
/// is in the last bin.
pub(crate) const BIN_ENDS: [u32; 16] = [1, 2, 3, 4, 5, 7, 9, 12, 16, 21, 28, 37, 49, 65, 90, 140];

/// Bouts of stage (row W 1 2 3 R) followed by stage (column), per part of the night.
pub(crate) const MOVES: [[[u32; 5]; 5]; 4] = [
    [
        [0, 120, 3, 0, 0],
        [96, 0, 114, 0, 0],
        [21, 44, 0, 189, 5],
        [14, 13, 155, 0, 1],
        [0, 2, 2, 0, 0],
    ],
    [
        [0, 124, 5, 0, 0],
        [54, 0, 195, 0, 14],
        [51, 97, 0, 345, 71],
        [15, 13, 316, 0, 3],
        [10, 30, 44, 0, 0],
    ],
    [
        [0, 167, 10, 1, 3],
        [60, 0, 268, 1, 44],
        [82, 137, 0, 252, 67],
        [11, 8, 227, 0, 4],
        [27, 65, 27, 0, 0],
    ],
    [
        [0, 236, 5, 0, 7],
        [120, 0, 285, 0, 82],
        [61, 143, 0, 115, 77],
        [7, 4, 109, 0, 2],
        [52, 99, 16, 0, 0],
    ],
];

/// Bouts per duration bin, per part of the night and stage W 1 2 3 R.
pub(crate) const BOUTS: [[[u32; 16]; 5]; 4] = [
    [
        [45, 27, 15, 7, 3, 10, 5, 4, 2, 2, 2, 1, 0, 0, 0, 0],
        [75, 40, 15, 25, 9, 13, 16, 5, 9, 3, 0, 0, 0, 0, 0, 0],
        [88, 34, 17, 14, 9, 16, 11, 18, 11, 17, 12, 4, 4, 3, 1, 0],
        [68, 31, 11, 5, 1, 13, 9, 4, 2, 6, 3, 7, 2, 6, 10, 5],
        [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0],
    ],
    [
        [67, 24, 11, 6, 4, 8, 3, 2, 2, 0, 1, 0, 1, 0, 0, 0],
        [130, 62, 31, 13, 12, 9, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0],
        [168, 78, 44, 41, 22, 38, 29, 27, 25, 25, 18, 20, 12, 9, 6, 2],
        [191, 44, 24, 15, 11, 8, 7, 7, 6, 5, 8, 6, 4, 4, 3, 4],
        [17, 5, 5, 4, 1, 1, 5, 1, 6, 8, 5, 7, 8, 7, 3, 1],
    ],
    [
        [88, 41, 17, 4, 2, 10, 8, 3, 3, 2, 0, 1, 1, 0, 0, 1],
        [197, 82, 41, 16, 19, 8, 7, 2, 0, 1, 0, 0, 0, 0, 0, 0],
        [
            134, 67, 34, 37, 14, 33, 25, 25, 34, 25, 36, 19, 20, 14, 17, 4,
        ],
        [134, 48, 20, 11, 4, 6, 6, 5, 2, 0, 3, 4, 2, 3, 2, 0],
        [9, 10, 7, 4, 3, 6, 10, 8, 10, 5, 6, 10, 12, 10, 7, 2],
    ],
    [
        [130, 44, 18, 14, 13, 8, 4, 4, 3, 4, 2, 4, 0, 0, 0, 0],
        [209, 106, 61, 40, 14, 34, 19, 6, 5, 4, 2, 0, 0, 0, 0, 0],
        [79, 48, 27, 37, 21, 32, 25, 28, 23, 20, 24, 19, 8, 13, 13, 3],
        [69, 19, 10, 3, 2, 4, 5, 3, 3, 1, 2, 1, 0, 1, 0, 0],
        [14, 7, 9, 13, 9, 8, 12, 17, 17, 11, 15, 13, 10, 8, 5, 5],
    ],
];

/// First wake bouts (lights off to first sleep) per duration bin.
pub(crate) const LATENCY: [u32; 16] = [0, 0, 0, 0, 0, 0, 0, 1, 6, 9, 6, 2, 7, 5, 0, 0];

/// Last wake bouts per duration bin.
pub(crate) const FINAL_WAKE: [u32; 16] = [6, 5, 5, 1, 2, 3, 2, 2, 5, 2, 1, 4, 3, 3, 0, 0];

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: &str = "W123R";

    /// Runs of equal stages as (row, length), without the first and the last wake.
    fn bouts(stages: &str) -> Vec<(usize, usize)> {
        let rows: Vec<usize> = stages
            .chars()
            .filter_map(|stage| STAGES.find(stage))
            .collect();
        let mut runs: Vec<_> = rows
            .chunk_by(|a, b| a == b)
            .map(|run| (run[0], run.len()))
            .collect();
        if runs.first().is_some_and(|run| run.0 == 0) {
            runs.remove(0);
        }
        if runs.last().is_some_and(|run| run.0 == 0) {
            runs.pop();
        }
        runs
    }

    fn part_of(position: usize, total: usize) -> usize {
        let fraction = position as f64 / total as f64;
        PART_ENDS
            .iter()
            .position(|end| fraction < *end)
            .unwrap_or(3)
    }

    #[test]
    fn the_counts_are_those_of_the_real_nights() {
        let Ok(folder) = std::env::var("FLOW_SAMPLE_DATA") else {
            println!("skipped: FLOW_SAMPLE_DATA names no folder");
            return;
        };
        let path = format!("{folder}/labels/st_stage_sequences.csv");
        let text = std::fs::read_to_string(&path).expect("the sample data has the sequences");
        let (mut moves, mut lengths) = ([[[0; 5]; 5]; 4], [[[0; 16]; 5]; 4]);
        for stages in text
            .lines()
            .skip(1)
            .filter_map(|line| line.rsplit(',').next())
        {
            let runs = bouts(stages);
            let (total, mut at) = (runs.iter().map(|run| run.1).sum(), 0);
            for (index, (row, length)) in runs.iter().enumerate() {
                let part = part_of(at, total);
                let bin = BIN_ENDS.iter().position(|end| *length as u32 <= *end);
                lengths[part][*row][bin.unwrap_or(BIN_ENDS.len() - 1)] += 1;
                if let Some(next) = runs.get(index + 1) {
                    moves[part][*row][next.0] += 1;
                }
                at += length;
            }
        }
        assert_eq!(moves, MOVES);
        assert_eq!(lengths, BOUTS);
    }
}
