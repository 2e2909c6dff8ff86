//! The catalog: one file per node kind.
//!
//! A kind is ports, params and a call into a leaf crate; the science lives in the leaves. To add
//! one, write its file and add its row to [`CATALOG`]'s list below.

mod array_epochs;
mod arrays;
mod backend;
mod cohort;
mod convert;
mod count_epochs;
mod csv;
mod description;
mod download;
pub mod draw;
pub mod envelope;
mod epoch;
pub mod explain;
pub mod export;
mod fetch;
mod fetched;
mod figures;
mod folds;
mod foresight;
mod formats;
pub mod look;
mod lrp;
mod maps;
mod model;
mod network;
mod npz;
mod ols;
pub mod order;
mod parquet;
mod predict;
mod quality;
mod read_recordings;
mod recordings;
mod score;
mod score_truth;
mod shares;
mod simulate_arrays;
mod simulate_night;
mod sleep_edf;
pub mod table;
pub mod tensor;
mod train;
mod walk;
mod whereabouts;
mod zscore;

use flow_contract::{Catalog, Kind, Row};

/// All kinds of this build.
pub static CATALOG: Kinds = Kinds;

impl Kinds {
    /// The columns, in order, and the rows of a table artifact.
    ///
    /// # Errors
    /// In words: why the bytes are not a table.
    pub fn table(&self, table: &[u8]) -> Result<(Vec<String>, Vec<Row>), String> {
        let table = table::Table::read(table).map_err(|error| error.to_string())?;
        let rows = table.rows().map_err(|error| error.to_string())?;
        Ok((table.names(), rows))
    }

    /// A CSV table as Parquet.
    ///
    /// # Errors
    /// In words: why it can't be read.
    pub fn parquet_of_csv(&self, csv: &[u8]) -> Result<Vec<u8>, String> {
        let table = table::Table::read_csv(csv);
        let bytes = table.and_then(|table| table.parquet());
        bytes.map_err(|error| error.to_string())
    }
}

/// See [`CATALOG`].
#[derive(Debug)]
pub struct Kinds;

/// Sorted by name. Guard: `kinds_are_sorted`.
static KINDS: &[&dyn Kind] = &[
    &array_epochs::ArrayEpochs,
    &cohort::Cohort,
    &convert::Convert,
    &count_epochs::CountEpochs,
    &epoch::Epoch,
    &explain::Explain,
    &fetch::Fetch,
    &fetched::Fetched,
    &figures::FigureCoefficients,
    &figures::FigureConfusion,
    &figures::FigureGroups,
    &figures::FigureNight,
    &figures::FigureShares,
    &figures::FigureSweep,
    &figures::FigureTraining,
    &folds::Folds,
    &lrp::Lrp,
    &model::Model,
    &ols::Ols,
    &predict::Predict,
    &quality::Quality,
    &read_recordings::ReadRecordings,
    &lrp::RelevanceMaps,
    &score::Score,
    &score_truth::ScoreTruth,
    &shares::Shares,
    &simulate_arrays::SimulateArrays,
    &simulate_night::SimulateNight,
    &sleep_edf::SleepEdf,
    &train::Train,
    &zscore::ZScore,
];

impl Catalog for Kinds {
    fn kinds(&self) -> Vec<&dyn Kind> {
        KINDS.to_vec()
    }

    fn rows(&self, table: &[u8]) -> Result<Vec<Row>, String> {
        let rows = table::Table::read(table).and_then(|table| table.rows());
        rows.map_err(|error| error.to_string())
    }

    fn check_format(&self, extension: &str, bytes: &[u8]) -> Result<(), String> {
        formats::check(extension, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_sorted() {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.descriptor().name).collect();
        assert!(names.is_sorted(), "{names:?}");
    }

    #[test]
    fn no_port_or_param_is_named_like_a_word_of_the_language() {
        let reserved = [
            "kind", "for_each", "zip", "exclude", "include", "seed", "cores", "memory", "gpu",
            "pools", "retries", "timeout", "keep", "publish",
        ];
        for kind in KINDS {
            let descriptor = kind.descriptor();
            let ports = descriptor.inputs.iter().map(|port| port.name.as_ref());
            let params = descriptor.params.iter().map(|param| param.name);
            for name in ports.chain(params) {
                assert!(!reserved.contains(&name), "{}.{name}", descriptor.name);
            }
        }
    }

    #[test]
    fn every_kind_port_and_param_is_described() {
        for kind in KINDS {
            let descriptor = kind.descriptor();
            let ports = descriptor.inputs.iter().map(|port| port.doc);
            let ports = ports.chain(descriptor.outputs.iter().map(|port| port.doc));
            let docs = ports.chain(descriptor.params.iter().map(|param| param.doc));
            for doc in docs.chain([descriptor.summary]) {
                assert!(
                    doc.ends_with('.') || doc.ends_with('%'),
                    "{}: `{doc}`",
                    descriptor.name
                );
            }
        }
    }
}
