//! `fetch`: files of a release, downloaded into a folder of the study and verified.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use flow_contract::{
    Descriptor, Form, Kind, Literal, NodeError, OutputPort, ParamProblem, ParamSpec, ParamType,
    PortType, Task, Value,
};
use flow_fetch::{Checksum, Client, FetchError, Sha256, Wanted, fetch_all, read_checksums};
use glob::{MatchOptions, Pattern};

use crate::download::{ATTEMPTS, FOLDER, Tally, client, failure, param_problem};
use crate::table::TableBuilder;

/// One row a file: its name in the list, where it can be had, its SHA-256, its bytes.
pub const FILES: PortType = PortType::new("files", Form::Table);

/// See the module's page.
pub struct Fetch;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "fetch",
    revision: 1,
    summary: "Downloads the files of a release into a folder of the study and verifies them; `fetched` hands them on.",
    example: r#"[node.release]
kind = "fetch"
url = "https://physionet.org/files/sleep-edfx/1.0.0"
sha256 = "1bc88e19e2e921f7851d7cf61e31ceb8f6d670211ca546a323e9db5a77525edf"   # of SHA256SUMS.txt
files = ["ST-subjects.xls", "sleep-telemetry/*.edf"]

[node.file]
kind = "fetched"
for_each = { file = "release.files" }
file = "$file"
url = "$file.url"
sha256 = "$file.sha256"
"#,
    inputs: &[],
    outputs: &[OutputPort {
        name: Cow::Borrowed("files"),
        ty: FILES,
        doc: "file, url, sha256, bytes: one row a file, sorted; the name may have folders.",
    }],
    params: &[
        ParamSpec {
            name: "url",
            ty: ParamType::Text,
            default: None,
            unit: "",
            doc: "The address that the names in the list of checksums are appended to.",
        },
        ParamSpec {
            name: "checksums",
            ty: ParamType::Text,
            default: Some(Literal::Text("SHA256SUMS.txt")),
            unit: "",
            doc: "The list of checksums, below `url`: a SHA-256 and a name on each line.",
        },
        ParamSpec {
            name: "sha256",
            ty: ParamType::Text,
            default: None,
            unit: "",
            doc: "The SHA-256 of that list, which vouches for all files.",
        },
        ParamSpec {
            name: "files",
            ty: ParamType::List(&ParamType::Text),
            default: None,
            unit: "",
            doc: "Which files of the list: names, or patterns in which `*` stays within a folder, `**` does not.",
        },
        FOLDER,
        ParamSpec {
            name: "connections",
            ty: ParamType::Int { min: 1, max: 64 },
            default: Some(Literal::Int(6)),
            unit: "",
            doc: "How many files are downloaded at once.",
        },
        ATTEMPTS,
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for Fetch {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn check_param(&self, name: &str, value: &Value) -> Result<(), ParamProblem> {
        if let Some(text) = value.as_text() {
            return param_problem(name, text);
        }
        let patterns = value.as_list().unwrap_or_default();
        let problem = |what: String| ParamProblem {
            param: name.to_owned(),
            what,
            help: "write names as the list has them, or patterns, as in \"sleep-telemetry/*.edf\""
                .to_owned(),
        };
        if patterns.is_empty() && name == "files" {
            return Err(problem("there are no files".to_owned()));
        }
        for pattern in patterns.iter().filter_map(Value::as_text) {
            let wrong = |error| problem(format!("`{pattern}` is no pattern: {error}"));
            Pattern::new(pattern).map_err(wrong)?;
        }
        Ok(())
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let params = task.params;
        let (url, named) = (params.text("url"), params.text("folder"));
        let folder = task.fill(named)?;
        let client = client(params);
        let list = list(task, &client, &folder)?;
        let chosen = choose(&list, &params.texts("files"))?;
        let wanted: Vec<Wanted> = chosen.iter().map(|one| want(one, url, &folder)).collect();
        let tally = Tally::new(task.observer, wanted.len());
        let fates = fetch_all(&client, &wanted, params.count("connections"), &tally);
        let failures: Vec<FetchError> = fates.into_iter().filter_map(Result::err).collect();
        if !failures.is_empty() {
            return Err(some_failed(failures, wanted.len(), named));
        }
        task.give("files", table(&chosen, &wanted)?);
        Ok(())
    }
}

/// The list of checksums, downloaded where it isn't there.
fn list(task: &Task<'_>, client: &Client, folder: &Path) -> Result<Vec<Checksum>, NodeError> {
    let (name, named) = (task.params.text("checksums"), task.params.text("folder"));
    let wanted = Wanted {
        url: address(task.params.text("url"), name),
        path: folder.join(name),
        sha256: Some(sha256(task.params.text("sha256"))?),
    };
    let fetched = client.fetch(0, &wanted, &Tally::new(task.observer, 0));
    fetched.map_err(|error| match error {
        FetchError::WrongBytes { found, .. } => failure(error, named).help(format!(
            "if this is the release you mean, and you trust it, say so in the study: sha256 = \"{found}\""
        )),
        error => failure(error, named),
    })?;
    let at = |error: NodeError| error.at(wanted.path.display());
    let text = std::fs::read_to_string(&wanted.path).map_err(|error| at(NodeError::new(error)))?;
    read_checksums(&text).map_err(|error| {
        at(NodeError::new("the list of checksums can't be read").because(error))
            .help("name a list as `sha256sum` writes it by `checksums`")
    })
}

/// A checksum that was checked as a param.
pub fn sha256(text: &str) -> Result<Sha256, NodeError> {
    text.parse().map_err(NodeError::new)
}

/// The files that the patterns mean, sorted by name.
fn choose(list: &[Checksum], patterns: &[&str]) -> Result<Vec<Checksum>, NodeError> {
    const OPTIONS: MatchOptions = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: false,
    };
    let mut chosen: BTreeMap<&str, Sha256> = BTreeMap::new();
    for text in patterns {
        let pattern = Pattern::new(text).map_err(NodeError::new)?;
        let meant = |one: &&Checksum| one.file == *text || pattern.matches_with(&one.file, OPTIONS);
        let mut found = list.iter().filter(meant).peekable();
        if found.peek().is_none() {
            return Err(no_such_file(list, text));
        }
        for Checksum { file, sha256 } in found {
            if chosen
                .insert(file, *sha256)
                .is_some_and(|other| other != *sha256)
            {
                let what = format!("the list has two checksums of `{file}`");
                return Err(NodeError::new(what).help("ask who publishes it"));
            }
        }
    }
    let checksum = |(file, sha256): (&str, Sha256)| Checksum {
        file: file.to_owned(),
        sha256,
    };
    Ok(chosen.into_iter().map(checksum).collect())
}

fn no_such_file(list: &[Checksum], pattern: &str) -> NodeError {
    const SOME: usize = 3;
    let some = list.iter().take(SOME);
    let some: Vec<String> = some.map(|one| format!("`{}`", one.file)).collect();
    NodeError::new(format!("no file of the list is meant by `{pattern}`"))
        .because(format!(
            "it names {} files, such as {}",
            list.len(),
            some.join(", ")
        ))
        .help("correct `files`; `*` stays within a folder, `**/*` is everything")
}

fn want(one: &Checksum, url: &str, folder: &Path) -> Wanted {
    Wanted {
        url: address(url, &one.file),
        path: folder.join(&one.file),
        sha256: Some(one.sha256),
    }
}

/// A name below an address; what can't stand in an address is written as `%20`.
fn address(url: &str, file: &str) -> String {
    let mut address = format!("{}/", url.trim_end_matches('/'));
    for &byte in file.as_bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => address.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b'/' => address.push(char::from(byte)),
            _ => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address
}

/// The first failure, and how many there were; being stopped says less than anything else.
fn some_failed(failures: Vec<FetchError>, wanted: usize, folder: &str) -> NodeError {
    let count = failures.len();
    let first = failures
        .into_iter()
        .min_by_key(|failure| matches!(failure, FetchError::Stopped));
    let mut error = first.map_or_else(
        || NodeError::new("a file is missing"),
        |e| failure(e, folder),
    );
    if count > 1 {
        error.what = format!("{} ({count} of {wanted} files are missing)", error.what);
    }
    error
}

fn table(chosen: &[Checksum], wanted: &[Wanted]) -> Result<Vec<u8>, NodeError> {
    let mut bytes = Vec::with_capacity(wanted.len());
    for Wanted { path, .. } in wanted {
        let meta = std::fs::metadata(path);
        let meta = meta.map_err(|error| NodeError::new(error).at(path.display()))?;
        bytes.push(i64::try_from(meta.len()).unwrap_or(i64::MAX));
    }
    let files: Vec<&str> = chosen.iter().map(|one| one.file.as_str()).collect();
    let urls: Vec<&str> = wanted.iter().map(|one| one.url.as_str()).collect();
    let sums: Vec<String> = chosen.iter().map(|one| one.sha256.to_string()).collect();
    let table = TableBuilder::new()
        .text("file", &files)
        .text("url", &urls)
        .text("sha256", &sums)
        .int("bytes", &bytes);
    table.parquet()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<Checksum> {
        let one = |file: &str| Checksum {
            file: file.to_owned(),
            sha256: Sha256::of(file.as_bytes()),
        };
        ["st/b.edf", "a.xls", "st/a.edf", "st/x/c.edf", "odd [1].edf"]
            .map(one)
            .to_vec()
    }

    #[test]
    fn patterns_choose_files_once_and_sorted() {
        let chosen = |patterns: &[&str]| {
            let chosen = choose(&list(), patterns).unwrap();
            let names: Vec<String> = chosen.into_iter().map(|one| one.file).collect();
            names.join(" ")
        };
        assert_eq!(
            chosen(&["st/*.edf", "st/b.edf", "a.xls"]),
            "a.xls st/a.edf st/b.edf"
        );
        assert_eq!(chosen(&["st/**/*.edf"]), "st/a.edf st/b.edf st/x/c.edf");
        assert_eq!(chosen(&["odd [1].edf"]), "odd [1].edf");
        let error = choose(&list(), &["ST/*.edf"]).unwrap_err();
        assert!(error.what.contains("`ST/*.edf`"), "{error}");
    }

    #[test]
    fn names_become_addresses() {
        assert_eq!(
            address("http://x/1.0.0/", "st/odd [1].edf"),
            "http://x/1.0.0/st/odd%20%5B1%5D.edf"
        );
    }
}
