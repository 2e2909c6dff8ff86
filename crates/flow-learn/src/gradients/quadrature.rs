//! Nodes and weights for integrals over `[0, 1]`.

/// Where an integral's integrand is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quadrature {
    /// At `(t + 1) / 2` for the zeros `t` of the Legendre polynomial; exact for polynomials of degree
    /// `2 · nodes − 1`.
    GaussLegendre,
    /// In the middle of equal pieces.
    RiemannMiddle,
}

/// A point of the path from the baseline to the input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientNode {
    /// Share of the way, in `[0, 1]`.
    pub at: f64,
    /// Its weight; they sum to 1.
    pub weight: f64,
}

impl Quadrature {
    /// The nodes, from 0 to 1.
    pub fn nodes(self, count: usize) -> Vec<GradientNode> {
        match self {
            Self::GaussLegendre => (0..count).map(|k| legendre(count, k)).collect(),
            Self::RiemannMiddle => (0..count)
                .map(|k| GradientNode {
                    at: (k as f64 + 0.5) / count as f64,
                    weight: 1.0 / count as f64,
                })
                .collect(),
        }
    }
}

/// The `k`-th zero of the Legendre polynomial of degree `count`, by Newton's method from Tricomi's guess, and
/// its weight `2 / ((1 − t²) P'(t)²)`, both for `[0, 1]`.
fn legendre(count: usize, k: usize) -> GradientNode {
    let n = count as f64;
    let mut t = -(std::f64::consts::PI * (k as f64 + 0.75) / (n + 0.5)).cos();
    let mut slope = 1.0;
    for _ in 0..100 {
        let value;
        (value, slope) = polynomial(count, t);
        let step = value / slope;
        t -= step;
        if step.abs() <= 1e-16 {
            break;
        }
    }
    GradientNode {
        at: (t + 1.0) / 2.0,
        weight: 1.0 / ((1.0 - t * t) * slope * slope),
    }
}

/// The Legendre polynomial and its derivative at `t`, by Bonnet's recursion.
fn polynomial(degree: usize, t: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, t);
    for n in 2..=degree {
        let n = n as f64;
        (before, value) = (
            value,
            ((2.0 * n - 1.0) * t * value - (n - 1.0) * before) / n,
        );
    }
    let slope = degree as f64 * (t * value - before) / (t * t - 1.0);
    (value, slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauss_legendre_integrates_polynomials() {
        for count in [1, 2, 5, 50] {
            let nodes = Quadrature::GaussLegendre.nodes(count);
            for degree in 0..2 * count as i32 {
                let terms = nodes.iter().map(|node| node.weight * node.at.powi(degree));
                let integral: f64 = terms.sum();
                let exact = 1.0 / f64::from(degree + 1);
                assert!(
                    (integral - exact).abs() < 1e-13,
                    "{count} {degree} {integral}"
                );
            }
        }
    }

    #[test]
    fn nodes_go_up_and_weights_sum_to_one() {
        for quadrature in [Quadrature::GaussLegendre, Quadrature::RiemannMiddle] {
            let nodes = quadrature.nodes(51);
            assert!(nodes.is_sorted_by(|a, b| a.at < b.at));
            let sum: f64 = nodes.iter().map(|node| node.weight).sum();
            assert!((sum - 1.0).abs() < 1e-14);
        }
    }
}
