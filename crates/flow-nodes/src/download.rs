//! What the kinds that download share: how far they are, and what went wrong in words for people.

mod failure;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use flow_contract::{Literal, Observer, ParamProblem, ParamSpec, ParamType, Params};
use flow_fetch::{Came, Client, Patience, Sha256, Watch};

pub use failure::failure;

/// Where downloads lie.
pub const FOLDER: ParamSpec = ParamSpec {
    name: "folder",
    ty: ParamType::Text,
    default: Some(Literal::Text("data")),
    unit: "",
    doc: "The folder, beside the study file, that is filled; what lies there and is right is used.",
};

/// How often a file may fail.
pub const ATTEMPTS: ParamSpec = ParamSpec {
    name: "attempts",
    ty: ParamType::Int { min: 1, max: 1000 },
    default: Some(Literal::Int(6)),
    unit: "",
    doc: "How often a file may fail without getting further.",
};

/// A client that goes the way the environment names.
pub fn client(params: &Params) -> Client {
    let attempts = u32::try_from(params.count("attempts")).unwrap_or(u32::MAX);
    let patience = Patience::default();
    Client::from_environment(Patience {
        attempts,
        ..patience
    })
}

/// What is wrong with a param that both kinds have.
pub fn param_problem(name: &str, text: &str) -> Result<(), ParamProblem> {
    let (what, help) = match name {
        "url" if !text.starts_with("http://") && !text.starts_with("https://") => (
            format!("`{text}` is no address to download from"),
            "write an address that begins with https:// or http://",
        ),
        "sha256" if text.parse::<Sha256>().is_err() => (
            format!("`{text}` is no SHA-256"),
            "write its 64 hexadecimal digits, as `sha256sum FILE` prints them",
        ),
        "folder" | "file" | "checksums" if !is_inside(text) => (
            format!("`{text}` is no path below the study's folder"),
            "write a path without `..` that doesn't begin with `/`, as in \"data\"",
        ),
        _ => return Ok(()),
    };
    Err(ParamProblem {
        param: name.to_owned(),
        what,
        help: help.to_owned(),
    })
}

fn is_inside(path: &str) -> bool {
    let plain = |part| matches!(part, std::path::Component::Normal(_));
    !path.is_empty() && Path::new(path).components().all(plain)
}

/// Counts what arrives and tells it in MB; one of no files only passes on troubles.
pub struct Tally<'a> {
    observer: &'a dyn Observer,
    count: Mutex<Count>,
}

#[derive(Default)]
struct Count {
    files: Vec<Coming>,
    arrived: usize,
    /// What was told last: steps of the whole and files.
    told: Option<(u64, usize)>,
}

/// A file on its way.
#[derive(Clone, Copy, Default)]
struct Coming {
    bytes: u64,
    /// Bytes in all, once known.
    whole: Option<u64>,
}

impl<'a> Tally<'a> {
    pub fn new(observer: &'a dyn Observer, files: usize) -> Self {
        let files = vec![Coming::default(); files];
        let count = Mutex::new(Count {
            files,
            ..Count::default()
        });
        Self { observer, count }
    }

    fn change(&self, change: impl FnOnce(&mut Count)) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut count);
        if let Some((done, total, note)) = count.news() {
            self.observer.progress(done, total, &note);
        }
    }
}

impl Count {
    /// Bytes to download in all; files that nothing is known of yet are taken for middling ones.
    fn total(&self) -> u64 {
        let known = || self.files.iter().filter_map(|file| file.whole);
        let sum: u64 = known().sum();
        // A file that was there has nothing to download and says nothing of the others.
        let downloads = known().filter(|whole| *whole > 0).count() as u64;
        let unknown = (self.files.len() - known().count()) as u64;
        sum + sum / downloads.max(1) * unknown
    }

    /// What to tell: MB, MB in all, a note; once for each step and each file.
    fn news(&mut self) -> Option<(u64, u64, String)> {
        const MB: u64 = 1_000_000;
        const STEPS: u64 = 50;
        let done: u64 = self.files.iter().map(|file| file.bytes).sum();
        let total = self.total().max(done);
        if total == 0 {
            return None;
        }
        let now = (done * STEPS / total, self.arrived);
        if self.told.replace(now) == Some(now) {
            return None;
        }
        let note = format!("MB, {} of {} files", self.arrived, self.files.len());
        Some((done.div_ceil(MB), total.div_ceil(MB), note))
    }
}

impl Watch for Tally<'_> {
    fn expects(&self, file: usize, bytes: u64) {
        self.change(|count| {
            if let Some(file) = count.files.get_mut(file) {
                file.whole = Some(bytes);
            }
        });
    }

    fn at(&self, file: usize, bytes: u64) {
        self.change(|count| {
            if let Some(file) = count.files.get_mut(file) {
                file.bytes = bytes;
            }
        });
    }

    fn arrived(&self, file: usize, came: Came) {
        self.change(|count| {
            count.arrived += 1;
            if let Some(file) = count.files.get_mut(file) {
                if came == Came::Present {
                    file.bytes = 0;
                }
                file.whole = Some(file.bytes);
            }
        });
    }

    fn trouble(&self, words: &str) {
        self.observer.warn(words);
    }

    fn should_stop(&self) -> bool {
        self.observer.should_stop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Observer for Heard {
        fn progress(&self, done: u64, total: u64, note: &str) {
            let line = format!("{done}/{total} {note}");
            self.0.lock().unwrap().push(line);
        }
        fn warn(&self, _words: &str) {}
        fn should_stop(&self) -> bool {
            false
        }
    }

    #[test]
    fn progress_counts_what_is_downloaded_and_takes_the_unknown_for_middling() {
        let heard = Heard::default();
        let tally = Tally::new(&heard, 3);
        tally.arrived(0, Came::Present);
        tally.expects(1, 20_000_000);
        tally.at(1, 10_000_000);
        tally.at(1, 10_000_001);
        tally.at(1, 20_000_000);
        tally.arrived(1, Came::Downloaded);
        tally.expects(2, 10_000_000);
        let told = heard.0.into_inner().unwrap();
        let wanted = [
            "0/40 MB, 1 of 3 files",
            "10/40 MB, 1 of 3 files",
            "20/40 MB, 1 of 3 files",
            "20/40 MB, 2 of 3 files",
            "20/30 MB, 2 of 3 files",
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn params_that_lead_elsewhere_are_refused() {
        for (name, text) in [
            ("url", "ftp://x"),
            ("sha256", "12"),
            ("folder", "../data"),
            ("file", "/etc/passwd"),
        ] {
            assert!(param_problem(name, text).is_err(), "{name} = {text}");
        }
        assert!(param_problem("url", "https://physionet.org/files").is_ok());
    }
}
