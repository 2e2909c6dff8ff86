//! The cache folder: blobs, ledger, stat memo, claims, staging and journals, shared by processes.
//!
//! Three append-only logs (`log`) hold what is small: packs (blobs up to 32 KiB), the ledger
//! (key → outputs and whole recipe) and the stat memo (path → stat and digest). A large blob is a
//! read-only file of its own. Every process appends to a segment that no other process appends to,
//! and reads all of them.
//!
//! * Blobs come first, the ledger second; neither ever changes afterwards.
//! * What is read is verified, so a flipped bit, a torn write or a lost sector is a miss, never a
//!   wrong result.
//! * Every lock is a kernel lock: it ends with the process that held it.
//!
//! ```text
//! cache/lock             held shared by every open store, exclusively by `gc`
//! cache/blobs/3f/3fa9…   large blobs
//! cache/packs/0.log      small blobs, and 0.index, which can always be made again
//! cache/ledger/0.log     records
//! cache/memo/0.log       stats of source and published files
//! cache/claims           who computes which key
//! cache/staging/         folders of running instances, swept when their process is gone
//! cache/scratch/         what unfinished instances left for their next attempt, by key
//! cache/damaged/         blobs that were not what their name says, and what stood where a file belongs
//! cache/runs/            one journal a run, and a line for each run that found nothing to do
//! ```

mod aside;
mod blobs;
mod claim;
mod error;
mod frame;
mod fsck;
mod gc;
mod index;
mod ledger;
mod log;
mod memo;
mod publish;
mod runs;
mod scratch;
mod segment;
mod spare;
mod staging;
mod store;
mod usage;
mod workspace;

pub use blobs::BlobStat;
pub use claim::{Claim, ClaimGuard};
pub use error::{Action, ReadError, StoreError};
pub use fsck::{DamagedBlob, Fsck, MissingOutput};
pub use gc::{Keep, Swept};
pub use ledger::{Entry, Made, Output};
pub use publish::Published;
pub use runs::{Journal, Repeat, RunFile};
pub use staging::Staging;
pub use store::Store;
pub use usage::{Size, Usage};
