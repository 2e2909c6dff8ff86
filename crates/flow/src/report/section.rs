//! The sections that the study's `[report]` asks for.

use std::collections::BTreeSet;

use flow_contract::{Form, Row};
use flow_engine::{Finished, Summary};
use flow_nodes::CATALOG;
use flow_plan::{Node, Section, Shown};
use flow_store::Store;

use super::figure::{figure, named};
use super::files::{Files, line};
use super::html::{note, tag, words};
use super::night::{Source, browser, fits};
use super::night_signals::{Signals, signals};
use super::table::table;
use crate::study::Study;

/// What the page is made from.
pub struct Results<'a> {
    pub study: &'a Study,
    pub store: &'a Store,
    pub summary: &'a Summary,
    pub files: Files,
}

/// A table artifact that was read.
pub struct Read {
    pub labels: String,
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

/// The address of a section inside the page.
pub fn anchor(index: usize) -> String {
    format!("section-{}", index + 1)
}

/// A section with all it shows.
pub fn section(index: usize, section: &Section, results: &Results<'_>) -> String {
    let heading = format!("{}-heading", anchor(index));
    let mut html = words("h2", &[("id", &heading)], &section.title);
    let text = section.text.as_deref().unwrap_or_default();
    for paragraph in text.split("\n\n").filter(|text| !text.trim().is_empty()) {
        html.push_str(&words("p", &[], paragraph.trim()));
    }
    let signals = section.show.iter().find(|shown| results.is_signals(shown));
    for shown in &section.show {
        html.push_str(&results.shown(shown, signals));
    }
    let attributes = [("id", anchor(index)), ("aria-labelledby", heading)];
    let attributes = attributes
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    tag("section", &attributes, &html)
}

impl Results<'_> {
    /// The tables that a section shows by one of its entries; nothing where it shows no table.
    pub fn tables(&self, shown: &Shown) -> Vec<Read> {
        let node = self.study.plan.node(shown.node);
        if form(node, &shown.output) != Some(Form::Table) {
            return Vec::new();
        }
        let read = |done: &Finished| self.table(done, &shown.output).ok();
        self.instances(shown).into_iter().filter_map(read).collect()
    }

    /// Whether a section's entry is the signals that its browser of nights shows below the stages.
    fn is_signals(&self, shown: &Shown) -> bool {
        let node = self.study.plan.node(shown.node);
        let mut ports = node.signature.outputs.iter();
        ports.any(|port| port.name == shown.output && port.ty.axes == "epoch, channel, time")
    }

    /// The outlines of the recordings that the tables are of.
    fn signals(&self, shown: &Shown, tables: &[Read]) -> Option<Signals> {
        let rows = tables.iter().flat_map(|table| &table.rows);
        let tested: BTreeSet<String> = rows
            .filter_map(|row| row.get("recording"))
            .map(ToString::to_string)
            .collect();
        let node = self.study.plan.node(shown.node);
        let port = node
            .signature
            .outputs
            .iter()
            .find(|port| port.name == shown.output)?;
        let epochs = self.instances(shown).into_iter().filter_map(|done| {
            let recording = done.address.labels.get("recording")?.to_string();
            let content = tested
                .contains(&recording)
                .then(|| self.content(done, &shown.output))?;
            Some((recording, content.ok()?))
        });
        let unit = port.ty.unit.as_deref().unwrap_or_default();
        signals(unit, &epochs.collect::<Vec<_>>())
    }

    fn shown(&self, shown: &Shown, signals: Option<&Shown>) -> String {
        if signals
            .is_some_and(|signals| signals.node == shown.node && signals.output == shown.output)
        {
            return String::new();
        }
        let tables = self.tables(shown);
        if tables.first().is_some_and(|table| fits(&table.columns)) {
            let signals = signals.and_then(|signals| self.signals(signals, &tables));
            return self.night(shown, &tables, signals);
        }
        let node = self.study.plan.node(shown.node);
        let done = self.instances(shown);
        if done.is_empty() {
            return note(&format!(
                "{} {}: not there in this run.",
                node.name, shown.output
            ));
        }
        done.iter()
            .map(|done| self.artifact(done, &shown.output, node))
            .collect()
    }

    fn night(&self, shown: &Shown, tables: &[Read], signals: Option<Signals>) -> String {
        let sources: Vec<Source<'_>> = tables
            .iter()
            .map(|table| Source {
                labels: table.labels.clone(),
                columns: &table.columns,
                rows: &table.rows,
            })
            .collect();
        let links = self
            .instances(shown)
            .into_iter()
            .map(|done| self.files.links(done, &shown.output));
        let links: Vec<String> = links.filter(|links| !links.is_empty()).collect();
        browser(&sources, signals) + &line(&links.join(", "))
    }

    /// The finished instances that have the values that the section asks for.
    fn instances(&self, shown: &Shown) -> Vec<&Finished> {
        let node = &self.study.plan.node(shown.node).name;
        let selected = |done: &&Finished| {
            done.address.node == *node
                && shown.select.iter().all(|(axis, value)| {
                    let has = done.address.labels.get(axis);
                    has.is_some_and(|has| has.to_string() == value.to_string())
                })
        };
        self.summary.finished.iter().filter(selected).collect()
    }

    fn artifact(&self, done: &Finished, output: &str, node: &Node) -> String {
        let name = named(&node.name, output, &done.address.labels.to_string());
        let html = match form(node, output) {
            Some(Form::Figure) => self.drawing(done, output, &name),
            Some(Form::Table) => self.table(done, output).map(|read| {
                table(&name, &read.columns, &read.rows) + &line(&self.files.links(done, output))
            }),
            _ => self.content(done, output).map(|bytes| {
                let size = format!("{}.{output}: {} bytes.", done.address, bytes.len());
                note(&size) + &line(&self.files.links(done, output))
            }),
        };
        html.unwrap_or_else(|why| note(&format!("{}.{output}: {why}", done.address)))
    }

    fn drawing(&self, done: &Finished, output: &str, name: &str) -> Result<String, String> {
        let content = self.content(done, output)?;
        // SVG and PNG are two outputs of one drawing.
        let links = self.files.of_instance(done);
        let caption = name.to_owned() + &line(&links);
        Ok(figure(&String::from_utf8_lossy(&content), &caption))
    }

    fn table(&self, done: &Finished, output: &str) -> Result<Read, String> {
        let (columns, rows) = CATALOG.table(&self.content(done, output)?)?;
        Ok(Read {
            labels: done.address.labels.to_string(),
            columns,
            rows,
        })
    }

    fn content(&self, done: &Finished, output: &str) -> Result<flow_contract::Content, String> {
        let found = done.given.outputs.iter().find(|(port, ..)| port == output);
        let (_, digest, _) = found.ok_or("not there")?;
        self.store.get(digest).map_err(|error| error.to_string())
    }
}

fn form(node: &Node, output: &str) -> Option<Form> {
    let ports = &node.signature.outputs;
    ports
        .iter()
        .find(|port| port.name == output)
        .map(|port| port.ty.form)
}
