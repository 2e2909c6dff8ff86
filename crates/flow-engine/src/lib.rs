//! Finds what is stale, runs it, and says why.
//!
//! A board holds every instance of a plan and its state; [`run()`] moves instances from
//! wanted to settled, [`survey`] asks the same board what would run without running it. Results are
//! looked up and recorded in a [`flow_store::Store`]; work is done by an executor.
//!
//! The engine knows no science: kinds come through [`flow_contract::Catalog`]. It prints nothing;
//! what happens is told as [`Event`]s.

mod address;
mod ahead;
mod board;
mod child;
mod command;
mod crew;
mod ear;
mod event;
mod execute;
mod expand;
mod explain;
mod form;
mod given;
mod inputs;
mod keep;
pub mod kept;
mod links;
mod machine;
mod pace;
mod prepare;
mod publish;
mod run;
mod sealed;
mod session;
pub mod snapshot;
mod standing;
mod survey;
mod watchdog;

pub use address::Address;
pub use command::{COMMAND, WithCommand};
pub use event::{ErrorWords, Event, Listener, Why};
pub use explain::{History, Link, Made, Reason, explain};
pub use given::{Given, Outputs, Since};
pub use run::{Finished, Summary, run};
pub use session::{EngineError, Session};
pub use survey::{Standing, Surveyed, Taken, survey};
pub use watchdog::expect_commands;
