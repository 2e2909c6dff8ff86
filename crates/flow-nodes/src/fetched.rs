//! `fetched`: one file that `fetch` downloads, as an artifact.

use std::borrow::Cow;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use flow_contract::{
    Descriptor, Form, Kind, NodeError, OutputPort, ParamProblem, ParamSpec, ParamType, PortType,
    Task, Value,
};
use flow_fetch::{Sha256, Wanted};

use crate::download::{ATTEMPTS, FOLDER, Tally, client, failure, param_problem};
use crate::fetch::sha256;

/// See the module's page.
pub struct Fetched;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "fetched",
    revision: 1,
    summary: "Hands on a file that `fetch` downloads, verified; one that is missing or was changed is downloaded again.",
    example: r#"[node.subjects]
kind = "fetched"
file = "ST-subjects.xls"
url = "https://physionet.org/files/sleep-edfx/1.0.0/ST-subjects.xls"
sha256 = "b377133e03897559e3e9fa8ef468f4505becaecebe1bc0c988d39a9158267758"
keep = false                                    # `flow gc` removes the copy in the cache
"#,
    inputs: &[],
    outputs: &[OutputPort {
        name: Cow::Borrowed("file"),
        ty: PortType::new("file", Form::File),
        doc: "Its bytes; a copy, which shares its blocks with the file where the file system can (btrfs, XFS).",
    }],
    params: &[
        ParamSpec {
            name: "file",
            ty: ParamType::Text,
            default: None,
            unit: "",
            doc: "Its path below `folder`.",
        },
        ParamSpec {
            name: "url",
            ty: ParamType::Text,
            default: None,
            unit: "",
            doc: "Where it can be had.",
        },
        ParamSpec {
            name: "sha256",
            ty: ParamType::Text,
            default: None,
            unit: "",
            doc: "Its SHA-256.",
        },
        FOLDER,
        ATTEMPTS,
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for Fetched {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn check_param(&self, name: &str, value: &Value) -> Result<(), ParamProblem> {
        value
            .as_text()
            .map_or(Ok(()), |text| param_problem(name, text))
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let (params, observer) = (task.params, task.observer);
        let named = params.text("folder");
        let wanted = Wanted {
            url: params.text("url").to_owned(),
            path: task.fill(named)?.join(params.text("file")),
            sha256: Some(sha256(params.text("sha256"))?),
        };
        let staged = task.stage("file");
        if copied(&wanted.path, &staged)? == wanted.sha256 {
            return Ok(());
        }
        let tally = Tally::new(observer, 1);
        let came = client(params).fetch(0, &wanted, &tally);
        came.map_err(|error| failure(error, named))?;
        if copied(&wanted.path, &staged)? == wanted.sha256 {
            return Ok(());
        }
        let what = format!("`{}` changes while it is being read", wanted.path.display());
        Err(NodeError::new(what).help("end what writes it, and run again"))
    }
}

/// Copies a file and gives the SHA-256 of the copy; none where there is no such file.
///
/// The copy is what is verified, so that nobody can change the bytes after. It is no hard link: the store makes its
/// files read-only, and this one stays the user's to edit.
fn copied(from: &Path, to: &Path) -> Result<Option<Sha256>, NodeError> {
    let failed = |error: io::Error| {
        NodeError::new(format!("copying `{}` into the cache", from.display()))
            .because(&error)
            .help(match error.kind() {
                ErrorKind::StorageFull => {
                    "make room for a second copy; with `keep = false`, `flow gc` removes it later"
                }
                _ => "make the file readable and the cache writable",
            })
    };
    match fs::remove_file(to) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    match fs::copy(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        copied => copied.map_err(failed)?,
    };
    Sha256::of_file(to).map_err(failed)
}
