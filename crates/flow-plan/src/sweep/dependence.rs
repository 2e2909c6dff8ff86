//! Which nodes depend on which of the params that are swept.

use std::collections::HashMap;

use super::points::{Place, Points};
use crate::{NodeId, Plan, Problems};

/// By node: the dimensions that change it or anything before it, ascending.
///
/// Invariant: at two points with the same values on a node's dimensions the node says the same, and
/// its dimensions hold those of all nodes it takes from. Guard:
/// `params_that_walk_together_double_what_depends_on_each`.
pub(super) struct Dependence(Vec<Vec<usize>>);

impl Dependence {
    /// Finds them by moving one param at a time away from the first point, then makes sure at every
    /// point: params that walk together can't be told apart by the points alone.
    ///
    /// * `plan_at`: plans the study at coordinates that are no point; where it can't be planned there,
    ///   only the points decide
    pub fn of(
        points: &Points,
        studies: &[Plan],
        plan_at: &dyn Fn(&[usize]) -> Result<Plan, Problems>,
    ) -> Self {
        let mut found = Self(vec![Vec::new(); studies[0].nodes.len()]);
        for (d, dimension) in points.dimensions.iter().enumerate() {
            for value in 0..dimension.values.len() {
                let mut moved = points.at(0).to_vec();
                moved[d] = value;
                match points.find(&moved) {
                    Some(point) => found.add_changed(&studies[0], &studies[point], d),
                    None => {
                        if let Ok(study) = plan_at(&moved) {
                            found.add_changed(&studies[0], &study, d);
                        }
                    }
                }
            }
        }
        while found.add_from_before(&studies[0]) || found.add_unexplained(points, studies) {}
        found
    }

    pub fn dimensions(&self, id: NodeId) -> &[usize] {
        &self.0[id.index()]
    }

    fn add_changed(&mut self, a: &Plan, b: &Plan, d: usize) {
        for id in a.order() {
            if !a.node(*id).says_as(b.node(*id)) {
                self.add(*id, d);
            }
        }
    }

    /// Adds to each node what those before it depend on, which are the same at every point, because
    /// no source holds a param; says whether that was anything.
    fn add_from_before(&mut self, study: &Plan) -> bool {
        let mut added = false;
        for id in study.order() {
            for from in study.dependencies(*id) {
                for d in self.0[from.index()].clone() {
                    added |= self.add(*id, d);
                }
            }
        }
        added
    }

    /// Adds the dimensions on which two points differ where a node is not the same though its own
    /// dimensions are; says whether there were any.
    fn add_unexplained(&mut self, points: &Points, studies: &[Plan]) -> bool {
        let mut added = false;
        for id in studies[0].order() {
            let mut first: HashMap<Place, usize> = HashMap::new();
            for (point, study) in studies.iter().enumerate() {
                let place = points.place(point, self.dimensions(*id));
                let other = *first.entry(place).or_insert(point);
                if !study.node(*id).says_as(studies[other].node(*id)) {
                    let both = points.at(point).iter().zip(points.at(other));
                    let differing = both.enumerate().filter(|(_, (a, b))| a != b);
                    for (d, _) in differing.collect::<Vec<_>>() {
                        added |= self.add(*id, d);
                    }
                }
            }
        }
        added
    }

    fn add(&mut self, id: NodeId, d: usize) -> bool {
        let dimensions = &mut self.0[id.index()];
        match dimensions.binary_search(&d) {
            Ok(_) => false,
            Err(at) => {
                dimensions.insert(at, d);
                true
            }
        }
    }
}
