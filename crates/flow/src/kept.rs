//! The plan that a run of the same study kept, so that it need not be made again.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use flow_contract::Digest;
use flow_engine::kept;
use flow_plan::Plan;

use crate::args::Place;

/// Where a plan is kept, and what it is the plan of.
pub struct Kept {
    folder: PathBuf,
    /// Below it, as the study's text seems to say.
    cache: String,
    question: Digest,
}

impl Kept {
    /// For a study's text with what the command line changes; `None` where this program can't tell itself from
    /// another build, which may know other kinds.
    pub fn new(place: &Place, text: &str) -> Option<Self> {
        let folder = std::path::absolute(&place.folder).ok()?;
        let words = changes(place).chain([program()?]);
        let words: Vec<String> = words.collect();
        let mut all = Digest::of(text.as_bytes()).as_bytes().to_vec();
        for word in words {
            all.extend(Digest::of(word.as_bytes()).as_bytes());
        }
        Some(Self {
            folder,
            cache: cache_of(text.as_bytes()).to_owned(),
            question: Digest::of(&all),
        })
    }

    /// The plan, if it was kept.
    pub fn plan(&self) -> Option<Plan> {
        kept::plan(&self.folder.join(&self.cache), &self.question)
    }

    /// Keeps it where the study does say: a wrong guess must not write into another folder.
    pub fn keep(&self, plan: &Plan) {
        kept::keep(&self.folder.join(plan.cache()), &self.question, plan);
    }
}

/// What the command line changes of a study, each with its option.
pub fn changes(place: &Place) -> impl Iterator<Item = String> {
    // Every option is named, so that a new one can't be forgotten.
    let Place {
        folder: _,
        study: _,
        set,
        sweep,
        zip,
        exclude,
        include,
    } = place;
    let pairs = |option: &'static str, pairs: &[(String, String)]| {
        let words = pairs.iter();
        let words = words.map(|(name, value)| format!("{option} {name}={value}"));
        words.collect::<Vec<_>>()
    };
    let points = [("zip", zip), ("exclude", exclude), ("include", include)];
    let points = points
        .into_iter()
        .flat_map(|(option, texts)| texts.iter().map(move |text| format!("{option} {text}")));
    let values = [pairs("set", set), pairs("sweep", sweep)].concat();
    values.into_iter().chain(points.collect::<Vec<_>>())
}

/// Which program this is: another build may know other kinds, or other revisions of them.
pub fn program() -> Option<String> {
    let meta = std::env::current_exe().and_then(std::fs::metadata).ok()?;
    let (modified, nanoseconds) = (meta.mtime(), meta.mtime_nsec());
    let (device, inode, size) = (meta.dev(), meta.ino(), meta.size());
    Some(format!(
        "program {device} {inode} {size} {modified}.{nanoseconds}"
    ))
}

/// The study's cache folder without parsing it; a wrong guess only costs the short cut.
pub fn cache_of(study: &[u8]) -> &str {
    let text = std::str::from_utf8(study).unwrap_or_default();
    let lines = text.lines().map(str::trim);
    let head = lines.skip_while(|line| *line != "[study]").skip(1);
    head.take_while(|line| !line.starts_with('['))
        .find_map(|line| {
            let value = line.strip_prefix("cache")?.trim_start().strip_prefix('=')?;
            value.split(['"', '\'']).nth(1)
        })
        .unwrap_or("cache")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_found_in_the_head_of_the_study_alone() {
        assert_eq!(
            cache_of(b"[study]\nname = \"a\"\ncache = \"b/c\" # x\n"),
            "b/c"
        );
        assert_eq!(cache_of(b"[study]\n[node.a]\ncache = \"b\"\n"), "cache");
        assert_eq!(cache_of(b"[study]\ncache = 'b'\n"), "b");
        assert_eq!(cache_of(b"\xff"), "cache");
    }
}
