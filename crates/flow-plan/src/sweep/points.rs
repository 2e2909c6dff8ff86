//! The points of a sweep: which values its params have together.

use std::collections::HashMap;

/// A param that is one value, with the values it is to have.
#[derive(Debug)]
pub(super) struct Dimension {
    pub param: String,
    /// Each as `--set` takes it.
    pub values: Vec<String>,
}

/// How dimensions combine, in positions of dimensions and of their values.
#[derive(Debug, Default)]
pub(super) struct Combination {
    /// Groups that walk together; no dimension is in two.
    pub zip: Vec<Vec<usize>>,
    /// Points with all of these values are left out.
    pub exclude: Vec<Place>,
    /// Points added.
    pub include: Vec<Vec<usize>>,
}

/// A place on some dimensions: (dimension, position of its value), ascending.
pub(super) type Place = Vec<(usize, usize)>;

/// The points of a sweep, the first dimension varying slowest; included ones last.
#[derive(Debug)]
pub(super) struct Points {
    pub dimensions: Vec<Dimension>,
    /// By point and dimension: the position of its value.
    coordinates: Vec<Vec<usize>>,
    /// Positions of points by their coordinates.
    places: HashMap<Vec<usize>, usize>,
}

impl Points {
    /// All combinations that `combination` leaves.
    ///
    /// * `walked`: by dimension, how many of its values are walked; those behind are for `include`
    pub fn new(dimensions: Vec<Dimension>, walked: &[usize], combination: &Combination) -> Self {
        let mut coordinates = all(walked, &combination.zip);
        let excluded = |point: &Vec<usize>| {
            let mut each = combination.exclude.iter();
            each.any(|place| place.iter().all(|(d, value)| point[*d] == *value))
        };
        coordinates.retain(|point| !excluded(point));
        for point in &combination.include {
            if !coordinates.contains(point) {
                coordinates.push(point.clone());
            }
        }
        let each = coordinates.iter().cloned().enumerate();
        Self {
            places: each.map(|(at, point)| (point, at)).collect(),
            dimensions,
            coordinates,
        }
    }

    pub fn len(&self) -> usize {
        self.coordinates.len()
    }

    pub fn each(&self) -> impl Iterator<Item = &[usize]> {
        self.coordinates.iter().map(Vec::as_slice)
    }

    pub fn at(&self, point: usize) -> &[usize] {
        &self.coordinates[point]
    }

    /// The point with these coordinates, if it is one of the sweep's.
    pub fn find(&self, coordinates: &[usize]) -> Option<usize> {
        self.places.get(coordinates).copied()
    }

    /// The params at some coordinates, as `--set` takes them.
    pub fn given(&self, coordinates: &[usize]) -> Vec<(String, String)> {
        let each = self.dimensions.iter().zip(coordinates);
        each.map(|(dimension, value)| (dimension.param.clone(), dimension.values[*value].clone()))
            .collect()
    }

    /// Where a point stands on some dimensions.
    pub fn place(&self, point: usize, dimensions: &[usize]) -> Place {
        let at = self.at(point);
        dimensions.iter().map(|d| (*d, at[*d])).collect()
    }

    pub fn labels(&self, place: &Place) -> Vec<(String, String)> {
        let label = |(d, value): &(usize, usize)| {
            let dimension = &self.dimensions[*d];
            (dimension.param.clone(), dimension.values[*value].clone())
        };
        place.iter().map(label).collect()
    }
}

/// How many points there are before any is left out.
pub(super) fn count(walked: &[usize], zip: &[Vec<usize>]) -> usize {
    let leading = (0..walked.len()).filter(|d| leads(*d, zip));
    leading.map(|d| walked[d]).fold(1, usize::saturating_mul)
}

/// Whether a dimension walks by itself or is the first of those that walk together.
fn leads(dimension: usize, zip: &[Vec<usize>]) -> bool {
    !zip.iter().any(|group| group[1..].contains(&dimension))
}

fn all(walked: &[usize], zip: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut points = vec![vec![0; walked.len()]];
    for d in (0..walked.len()).filter(|d| leads(*d, zip)) {
        let together = zip.iter().find(|group| group.contains(&d));
        let together = together.map_or(vec![d], Clone::clone);
        let at = |point: &Vec<usize>, value: usize| {
            let mut point = point.clone();
            together.iter().for_each(|d| point[*d] = value);
            point
        };
        let longer = points
            .iter()
            .flat_map(|point| (0..walked[d]).map(|value| at(point, value)));
        points = longer.collect();
    }
    points
}
