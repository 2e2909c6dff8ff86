//! Places within layers: least squares to the neighbours' mean, then long edges made upright.

use super::SIDE_GAP;
use super::layout::Graph;

/// Width of a lane that leads a long edge past a layer.
const LANE: f64 = 4.0;
/// Rounds of placing.
const ROUNDS: usize = 24;
/// Rounds of making long edges upright.
const STRAIGHTENINGS: usize = 4;

impl Graph {
    fn vertex_width(&self, v: usize) -> f64 {
        if v < self.boxes { self.box_width } else { LANE }
    }

    /// Distance that the middles of two neighbours must keep.
    fn distance(&self, a: usize, b: usize) -> f64 {
        (self.vertex_width(a) + self.vertex_width(b)) / 2.0 + SIDE_GAP
    }

    /// Offset of every vertex of a row from the first, packed as tightly as allowed.
    fn packed(&self, row: &[usize]) -> Vec<f64> {
        let mut offsets = vec![0.0];
        for pair in row.windows(2) {
            offsets.push(offsets[offsets.len() - 1] + self.distance(pair[0], pair[1]));
        }
        offsets
    }

    /// Middles of all vertices and the width that holds them.
    pub fn place(&self, page: f64) -> (Vec<f64>, f64) {
        let row_width = |row: &Vec<usize>| {
            let packed = self.packed(row);
            packed[packed.len() - 1] + self.box_width
        };
        let width = self
            .rows
            .iter()
            .map(row_width)
            .fold(0.0, f64::max)
            .max(page);
        let mut x = vec![0.0; self.layer.len()];
        for row in &self.rows {
            let start = (width - row_width(row)) / 2.0 + self.box_width / 2.0;
            for (&v, offset) in row.iter().zip(self.packed(row)) {
                x[v] = start + offset;
            }
        }
        for round in 0..ROUNDS {
            let count = self.rows.len();
            for step in 0..count {
                let row = if round % 2 == 0 {
                    step
                } else {
                    count - 1 - step
                };
                self.settle(row, &mut x, width);
            }
        }
        for _ in 0..STRAIGHTENINGS {
            self.straighten(&mut x, width);
        }
        self.centre(&mut x, width);
        (x, width)
    }

    /// Moves everything to the middle of the page.
    fn centre(&self, x: &mut [f64], width: f64) {
        let boxes = || x.iter().copied();
        let (low, high) = (
            boxes().fold(f64::INFINITY, f64::min),
            boxes().fold(0.0, f64::max),
        );
        let shift = (width - low - high) / 2.0;
        x.iter_mut().for_each(|x| *x += shift);
    }

    /// How hard an edge pulls: long edges shall be straight (Gansner et al. 1993).
    fn pull(&self, a: usize, b: usize) -> f64 {
        match (a < self.boxes, b < self.boxes) {
            (true, true) => 1.0,
            (false, false) => 8.0,
            _ => 2.0,
        }
    }

    /// Moves a row as near to its neighbours' means as order, distances and page allow.
    fn settle(&self, row: usize, x: &mut [f64], width: f64) {
        let row = &self.rows[row];
        let offsets = self.packed(row);
        let wish = |v: usize| {
            let near = || {
                self.up[v]
                    .iter()
                    .chain(&self.down[v])
                    .map(|&u| (x[u], self.pull(u, v)))
            };
            let weight: f64 = near().map(|(_, pull)| pull).sum();
            if weight == 0.0 {
                return (x[v], 0.1);
            }
            (
                near().map(|(x, pull)| x * pull).sum::<f64>() / weight,
                weight,
            )
        };
        let wishes: Vec<(f64, f64)> = row
            .iter()
            .zip(&offsets)
            .map(|(&v, offset)| {
                let (place, weight) = wish(v);
                (place - offset, weight)
            })
            .collect();
        let half = self.box_width / 2.0;
        let most = (width - half - offsets[offsets.len() - 1]).max(half);
        for ((&v, offset), place) in row.iter().zip(&offsets).zip(isotonic(&wishes)) {
            x[v] = place.clamp(half, most) + offset;
        }
    }

    /// Makes long edges upright where their neighbours leave room.
    fn straighten(&self, x: &mut [f64], width: f64) {
        for chain in &self.chains {
            let mut lanes = &chain[1..chain.len() - 1];
            while !lanes.is_empty() {
                let (count, place) = self.upright(lanes, x, width);
                for &lane in &lanes[..count] {
                    x[lane] = place;
                }
                lanes = &lanes[count..];
            }
        }
    }

    /// How many lanes, from the first, can share a place, and that place.
    fn upright(&self, lanes: &[usize], x: &[f64], width: f64) -> (usize, f64) {
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        let mut count = 0;
        for &lane in lanes {
            let (from, to) = self.room(lane, x, width);
            // The lane's own place is always allowed, so the first lane always fits.
            if count > 0 && from.max(low) > to.min(high) {
                break;
            }
            (low, high) = (low.max(from), high.min(to));
            count += 1;
        }
        let mean = lanes[..count].iter().map(|&lane| x[lane]).sum::<f64>() / count as f64;
        (count, mean.clamp(low.min(high), high.max(low)))
    }

    /// From where to where a vertex can move without passing or touching its neighbours.
    fn room(&self, vertex: usize, x: &[f64], width: f64) -> (f64, f64) {
        let row = &self.rows[self.layer[vertex]];
        let place = row.iter().position(|&v| v == vertex).unwrap_or(0);
        let half = self.box_width / 2.0;
        let left = place
            .checked_sub(1)
            .map(|i| x[row[i]] + self.distance(row[i], vertex));
        let right = row.get(place + 1).map(|&v| x[v] - self.distance(vertex, v));
        (
            left.unwrap_or(half).min(x[vertex]),
            right.unwrap_or(width - half).max(x[vertex]),
        )
    }
}

/// The ascending sequence nearest to `(value, weight)` in weighted least squares (pool adjacent
/// violators).
fn isotonic(wishes: &[(f64, f64)]) -> Vec<f64> {
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for &(value, weight) in wishes {
        let mut pool = (value, weight, 1);
        while let Some(&(mean, total, n)) = pools.last() {
            if mean <= pool.0 {
                break;
            }
            pools.pop();
            let weight = total + pool.1;
            pool = (
                (mean * total + pool.0 * pool.1) / weight,
                weight,
                n + pool.2,
            );
        }
        pools.push(pool);
    }
    pools
        .into_iter()
        .flat_map(|(mean, _, n)| std::iter::repeat_n(mean, n))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isotonic_regression_pools_what_descends() {
        assert_eq!(
            isotonic(&[(1.0, 1.0), (3.0, 1.0), (2.0, 1.0), (4.0, 1.0)]),
            [1.0, 2.5, 2.5, 4.0]
        );
        assert_eq!(isotonic(&[(4.0, 3.0), (0.0, 1.0)]), [3.0, 3.0]);
    }
}
