//! Figures as SVG and PNG, from plain numbers.
//!
//! Every function takes a typed plain struct and returns a [`Figure`]: SVG text at journal size
//! (85 mm or 180 mm wide) and, on demand, PNG bytes. Same numbers, same bytes, on any machine.
//!
//! Drawing base: own marks with two writers (SVG text, `tiny-skia` pixels), not a plotting library.
//! kuva 0.6 (54 s and 95,000 lines to build) has no hypnogram, hatching, dense group grid or size in mm;
//! resvg 0.49 with text costs 95 s and 51 crates where `tiny-skia` and `ttf-parser` cost 9 s and 19.
//!
//! One visual language: EEG blue circles, EOG orange squares, EMG green triangles (Okabe–Ito, safe
//! for colour-blind readers), a white card, 6 to 8.5 pt sans serif text. Text stays text in the SVG;
//! the PNG draws it with an embedded font of the same widths, so it needs no fonts installed.
//! Characters that font lacks (it has Latin, Greek and operators) show as a box in the PNG only.

mod axes;
mod axis;
mod boxes;
mod check;
mod coefficients;
mod comparison;
mod confusion;
mod dag;
mod error;
mod figure;
mod global_shares;
mod group_grid;
mod night;
mod number;
mod page;
mod raster;
mod scene;
mod style;
mod svg;
mod sweep;
mod text;
mod training_curves;

pub use coefficients::{Coefficient, Coefficients, Effect, coefficients};
pub use comparison::{Comparison, Extent, Series, comparison};
pub use confusion::{Confusion, confusion};
pub use dag::{Dag, DagNode, NodeState, dag, dag_fits};
pub use error::FigureError;
pub use figure::{Figure, TextBox};
pub use global_shares::{GlobalShares, RuleShares, global_shares};
pub use group_grid::{Group, GroupGrid, group_grid};
pub use night::{Night, NightEpoch, Signal, night};
pub use sweep::{Quality, Sweep, SweepPoint, sweep};
pub use training_curves::{FoldCurve, TrainingCurves, training_curves};
