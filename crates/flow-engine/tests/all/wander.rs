//! Random studies and random edits, against a model that knows no engine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::SystemTime;

use crate::lab::Lab;

/// SplitMix64 (Steele, Lea & Flood 2014), for choices that are the same in every run of the test.
struct Choices(u64);

impl Choices {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

const FILES: usize = 4;

#[derive(Clone)]
enum From {
    Node(usize),
    File(usize),
}

/// A node that joins what it takes from.
#[derive(Clone)]
struct Node {
    from: Vec<From>,
    end: usize,
    first: bool,
    published: bool,
}

struct Model {
    nodes: Vec<Node>,
    files: Vec<usize>,
    choices: Choices,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut choices = Choices(seed);
        let files = (0..FILES).map(|_| choices.below(5)).collect();
        let mut model = Self {
            nodes: Vec::new(),
            files,
            choices,
        };
        for at in 0..4 + model.choices.below(16) {
            let node = model.node(at);
            model.nodes.push(node);
        }
        model
    }

    fn node(&mut self, at: usize) -> Node {
        let choices = &mut self.choices;
        let from = (0..1 + choices.below(3)).map(|_| match choices.below(at + 1) {
            0 => From::File(choices.below(FILES)),
            n => From::Node(n - 1),
        });
        Node {
            from: from.collect(),
            end: choices.below(3),
            first: choices.below(3) == 0,
            published: choices.below(4) == 0,
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let from = node.from.iter().map(|from| match from {
                From::Node(n) => format!("\"n{n}.out\""),
                From::File(n) => format!("{{ file = \"f{n}\" }}"),
            });
            let from: Vec<String> = from.collect();
            let letters = if node.first { "first" } else { "all" };
            text.push_str(&format!(
                "[node.n{at}]\nkind = \"join\"\nof = [{}]\nend = \"{}\"\nletters = \"{letters}\"\n",
                from.join(", "),
                node.end
            ));
            if node.published {
                text.push_str(&format!("publish = {{ out = \"n{at}\" }}\n"));
            }
        }
        text
    }

    fn write(&self, lab: &Lab) {
        lab.study(&self.text());
        for (at, content) in self.files.iter().enumerate() {
            if fs::read_to_string(lab.path(&format!("f{at}"))).ok() != Some(content.to_string()) {
                lab.write(&format!("f{at}"), &content.to_string());
            }
        }
    }

    /// What every node gives, and what decides it.
    fn results(&self) -> Vec<(String, String)> {
        let mut results: Vec<(String, String)> = Vec::new();
        for node in &self.nodes {
            let inputs: Vec<String> = node
                .from
                .iter()
                .map(|from| match from {
                    From::Node(n) => results[*n].0.clone(),
                    From::File(n) => self.files[*n].to_string(),
                })
                .collect();
            let mut out = String::new();
            for input in &inputs {
                let taken: String = match node.first {
                    true => input.chars().take(1).collect(),
                    false => input.clone(),
                };
                out.push_str(&format!("[]{taken};"));
            }
            // Digests stand for long contents, as joins of joins grow fast.
            out.push_str(&node.end.to_string());
            let decides = format!("{inputs:?} {} {}", node.end, node.first);
            results.push((out, decides));
        }
        results
    }

    /// Changes something, or nothing that counts.
    fn edit(&mut self, lab: &Lab) {
        let at = self.choices.below(self.nodes.len());
        let published = format!("reports/n{at}");
        match self.choices.below(8) {
            0 => self.nodes[at] = self.node(at),
            1 => self.nodes[at].end = self.choices.below(3),
            2 => self.nodes[at].published ^= true,
            3 | 4 => {
                let file = self.choices.below(FILES);
                self.files[file] = self.choices.below(5);
            }
            5 => touch(lab, &format!("f{}", at % FILES)),
            6 if self.nodes[at].published => lab.write(&published, "edited"),
            7 if self.nodes[at].published => {
                // It may never have been published yet.
                let _ = fs::remove_file(lab.path(&published));
            }
            _ => {}
        }
    }
}

fn touch(lab: &Lab, name: &str) {
    let file = fs::File::options().append(true).open(lab.path(name));
    file.unwrap().set_modified(SystemTime::now()).unwrap();
}

/// The digests by instance that a cache made from nothing gives.
fn from_scratch(model: &Model, jobs: usize) -> BTreeMap<String, String> {
    let mut lab = Lab::new("");
    lab.jobs = jobs;
    model.write(&lab);
    lab.run().digests()
}

fn wander(seed: u64, snapshots: &mut usize) {
    let mut model = Model::new(seed);
    let lab = Lab::new("");
    let mut known: BTreeSet<String> = BTreeSet::new();
    for step in 0..6 {
        model.write(&lab);
        let results = model.results();
        let needed: BTreeSet<String> = results.iter().map(|(_, decides)| decides.clone()).collect();
        let needed: Vec<&String> = needed.difference(&known).collect();
        let whole = |at: usize| lab.path(&format!("reports/n{at}"));
        let as_wished = (0..results.len())
            .filter(|at| model.nodes[*at].published)
            .all(|at| fs::read_to_string(whole(at)).is_ok_and(|text| text == results[at].0));
        if let Some(cached) = lab.current() {
            assert!(needed.is_empty() && as_wished, "seed {seed}, step {step}");
            assert_eq!(cached, results.len());
            *snapshots += 1;
        }
        let did = lab.run();
        let index = |name: &String| name[1..].parse::<usize>().unwrap();
        let mut ran: Vec<&String> = did
            .ran()
            .iter()
            .map(|name| &results[index(name)].1)
            .collect();
        ran.sort();
        assert_eq!(ran, needed, "seed {seed}, step {step}\n{}", model.text());
        assert_eq!(did.counts()[0] + did.counts()[1], results.len());
        assert_eq!(did.digests(), from_scratch(&model, [1, 2, 7][step % 3]));
        for (at, (out, _)) in results
            .iter()
            .enumerate()
            .filter(|(at, _)| model.nodes[*at].published)
        {
            assert_eq!(fs::read_to_string(whole(at)).unwrap(), *out);
        }
        known.extend(results.into_iter().map(|(_, decides)| decides));
        for _ in 0..model.choices.below(3) {
            model.edit(&lab);
        }
    }
}

#[test]
fn what_ran_is_what_had_to_and_gives_what_a_fresh_cache_gives() {
    let mut snapshots = 0;
    (0..25).for_each(|seed| wander(seed, &mut snapshots));
    assert!(snapshots > 0, "no snapshot ever said anything");
}

#[test]
fn a_snapshot_sees_a_new_match_a_lost_cache_and_another_study() {
    let lab = Lab::new("[node.a]\nkind = \"join\"\nof = { files = \"in/*\" }\n");
    lab.write("in/1", "x");
    let settle = || {
        let taken = (0..200).any(|_| lab.run().snapshot);
        assert!(taken && lab.current() == Some(1));
    };
    settle();
    lab.write("in/2", "y");
    assert_eq!(lab.current(), None);
    settle();
    fs::remove_dir_all(lab.path("cache/packs")).unwrap();
    assert_eq!(lab.current(), None);
    settle();
    lab.study("[node.a]\nkind = \"join\"\nof = { files = \"in/*\" }\nend = \"!\"\n");
    assert_eq!(lab.current(), None);
}
