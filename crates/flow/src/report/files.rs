//! The files that were published, so that the page can link to them.

use std::collections::HashMap;
use std::path::Path;

use flow_contract::Row;
use flow_engine::{Finished, Summary};
use flow_nodes::CATALOG;
use flow_plan::{Axis, AxisValues, Node};
use flow_store::Store;

use super::html::{href, tag, words};
use crate::study::Study;

/// One published file.
struct File {
    labels: String,
    output: String,
    path: String,
}

/// The published files by node, each node's in the order of the plan.
pub struct Files(HashMap<String, Vec<File>>);

impl Files {
    /// The files of all nodes that are there.
    ///
    /// A node over files that a pattern finds is left out: its points can't be told any more.
    pub fn new(study: &Study, store: &Store, summary: &Summary) -> Self {
        let folder = study.root.join(study.plan.reports());
        let rows = |axis: &Axis| rows_of(axis, study, store, summary);
        let nodes = study.plan.order().iter().map(|&id| study.plan.node(id));
        let nodes = nodes.filter(|node| !node.publish.is_empty());
        let files = nodes.map(|node| (node.name.clone(), files_of(node, &rows, &folder)));
        Self(files.collect())
    }

    /// Links to the files of an instance's output; nothing where there is none.
    pub fn links(&self, done: &Finished, output: &str) -> String {
        let labels = done.address.labels.to_string();
        let mine = |file: &&File| file.labels == labels && file.output == output;
        links(self.of(&done.address.node).iter().filter(mine))
    }

    /// Links to the files of all outputs of an instance.
    pub fn of_instance(&self, done: &Finished) -> String {
        let labels = done.address.labels.to_string();
        let mine = |file: &&File| file.labels == labels;
        links(self.of(&done.address.node).iter().filter(mine))
    }

    /// Links to all files of a node.
    pub fn of_node(&self, node: &str) -> String {
        links(self.of(node).iter())
    }

    fn of(&self, node: &str) -> &[File] {
        self.0.get(node).map_or(&[], Vec::as_slice)
    }
}

fn links<'a>(files: impl Iterator<Item = &'a File>) -> String {
    let links: Vec<String> = files.map(|file| link(&file.path)).collect();
    links.join(", ")
}

fn link(path: &str) -> String {
    words("a", &[("href", &href(path))], path)
}

/// Links in a line of their own, where there are any.
pub fn line(links: &str) -> String {
    match links {
        "" => String::new(),
        links => tag("p", &[("class", "files")], &format!("Files: {links}")),
    }
}

fn files_of(node: &Node, rows: &dyn Fn(&Axis) -> Vec<Row>, folder: &Path) -> Vec<File> {
    let mut files = Vec::new();
    for point in node.points(rows).unwrap_or_default() {
        for wish in &node.publish {
            let path = wish.path_at(&point).ok();
            let Some(path) = path.filter(|path| folder.join(path).is_file()) else {
                continue;
            };
            files.push(File {
                labels: point.labels.to_string(),
                output: wish.output.clone(),
                path,
            });
        }
    }
    files
}

fn rows_of(axis: &Axis, study: &Study, store: &Store, summary: &Summary) -> Vec<Row> {
    let AxisValues::Rows { node, output } = &axis.values else {
        return Vec::new();
    };
    let name = &study.plan.node(*node).name;
    let done = summary
        .finished
        .iter()
        .find(|done| done.address.node == *name);
    let outputs = done.iter().flat_map(|done| done.given.outputs.iter());
    let mut mine = outputs.filter(|(port, ..)| port == output);
    let digest = mine.next().map(|(_, digest, _)| digest);
    let content = digest.and_then(|digest| store.get(digest).ok());
    let table = content.and_then(|content| CATALOG.table(&content).ok());
    table.map_or_else(Vec::new, |(_, rows)| rows)
}
