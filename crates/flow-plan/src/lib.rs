//! The study file, checked into a typed plan; every mistake at once, each with its place.
//!
//! [`plan`] takes the text of a study and a catalog of kinds. It gives a [`Plan`] that is valid by
//! construction, or [`Problems`]; [`grammar`] is the language on one page. It reads no file and prints nothing.

mod amount;
mod check;
mod complaints;
mod conform;
pub mod grammar;
mod graph;
mod idle;
mod item;
mod kept;
mod layout;
mod mistake;
mod nearest;
mod node;
mod plan;
mod points;
mod problem;
mod range;
mod refer;
mod render;
mod schema;
mod select;
mod span;
mod sweep;
mod template;
mod words;

pub use amount::bytes;
pub use check::{Request, plan};
pub use layout::{LayoutError, formatted};
pub use nearest::nearest;
pub use node::{ParamError, file_row};
pub use plan::{
    Axis, AxisValues, Binding, Node, NodeId, Plan, Publish, Report, Resources, Section, Shown,
    Source,
};
pub use points::{Combine, ExpandError, Point, Scope, ScopeError};
pub use problem::{Problem, ProblemRecord, Problems};
pub use schema::schema;
pub use select::{Target, TargetError};
pub use span::Span;
pub use sweep::{Sweep, plan_swept};
pub use template::Template;
