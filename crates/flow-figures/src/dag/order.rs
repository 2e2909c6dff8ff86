//! Order within layers: barycentres and swaps of neighbours, fewest crossings kept.

use super::layout::Graph;

/// Rounds of ordering.
const ROUNDS: usize = 12;

impl Graph {
    /// Orders every row so that few edges cross.
    pub fn order(&mut self) {
        let mut best = (self.crossings(), self.rows.clone());
        for round in 0..ROUNDS {
            let downwards = round % 2 == 0;
            let count = self.rows.len();
            for step in 1..count {
                let row = if downwards { step } else { count - 1 - step };
                self.sort_by_barycentre(row, downwards);
            }
            self.swap_neighbours();
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.rows.clone());
            }
        }
        self.rows = best.1;
    }

    /// Position of every vertex in its row.
    fn positions(&self) -> Vec<usize> {
        let mut position = vec![0; self.layer.len()];
        for row in &self.rows {
            for (i, &v) in row.iter().enumerate() {
                position[v] = i;
            }
        }
        position
    }

    fn sort_by_barycentre(&mut self, row: usize, downwards: bool) {
        let position = self.positions();
        let near = if downwards { &self.up } else { &self.down };
        let centre = |&v: &usize| match near[v].len() {
            0 => position[v] as f64,
            n => near[v].iter().map(|&u| position[u] as f64).sum::<f64>() / n as f64,
        };
        self.rows[row].sort_by(|a, b| centre(a).total_cmp(&centre(b)));
    }

    /// Swaps neighbours as long as that saves crossings.
    fn swap_neighbours(&mut self) {
        let mut position = self.positions();
        for row in 0..self.rows.len() {
            for i in 1..self.rows[row].len() {
                let (a, b) = (self.rows[row][i - 1], self.rows[row][i]);
                let crossed = |a: usize, b: usize| {
                    [&self.up, &self.down].map(|near| inversions(&near[a], &near[b], &position))
                };
                if crossed(b, a).iter().sum::<usize>() < crossed(a, b).iter().sum() {
                    self.rows[row].swap(i - 1, i);
                    position.swap(a, b);
                }
            }
        }
    }

    fn crossings(&self) -> usize {
        let position = self.positions();
        let in_row = |row: &Vec<usize>| -> usize {
            let pairs = (0..row.len()).flat_map(|i| (i + 1..row.len()).map(move |j| (i, j)));
            pairs
                .map(|(i, j)| inversions(&self.down[row[i]], &self.down[row[j]], &position))
                .sum()
        };
        self.rows.iter().map(in_row).sum()
    }
}

/// Crossings of the edges of a left vertex with those of a right one.
fn inversions(left: &[usize], right: &[usize], position: &[usize]) -> usize {
    let below = |l: &usize| {
        right
            .iter()
            .filter(|&&r| position[r] < position[*l])
            .count()
    };
    left.iter().map(below).sum()
}

#[cfg(test)]
mod tests {
    use super::super::layout::layers;
    use super::*;

    #[test]
    fn crossings_that_can_go_do_go() {
        let edges = [(0, 5), (1, 4), (2, 3)];
        let layer = layers(6, &edges).expect("no cycle");
        let mut graph = Graph::new(&layer, &edges, 50.0);
        assert_eq!(graph.crossings(), 3);
        graph.order();
        assert_eq!(graph.crossings(), 0);
    }
}
