//! What a command says: kept whole, shown in part, and read for what it missed.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use flow_contract::{NodeError, Task};
use rustix::fs::{Mode, OFlags};

use super::lay::io_error;

/// How much of a failed command's words is shown.
const LAST_LINES: usize = 20;

/// The streams of a command, in files without a name where the file system has such.
pub(super) struct Words {
    pub(super) stdout: File,
    pub(super) stderr: File,
}

impl Words {
    pub(super) fn new(folder: &Path) -> Result<Self, NodeError> {
        Ok(Self {
            stdout: unnamed(folder, ".stdout")?,
            stderr: unnamed(folder, ".stderr")?,
        })
    }

    /// Empties both for the next command, unless they lie in the folder of the one before.
    pub(super) fn clear(&self) -> std::io::Result<()> {
        for file in [&self.stdout, &self.stderr] {
            let meta = file.metadata()?;
            if meta.nlink() > 0 {
                return Err(ErrorKind::AlreadyExists.into());
            }
            if meta.len() > 0 {
                file.set_len(0)?;
            }
        }
        Ok(())
    }

    /// Puts both on the ports of their names, unless the study declares an output of that name.
    pub(super) fn give(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let outputs = super::lay::paths_of_outputs(task.params);
        for (port, file) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !outputs.contains_key(port) {
                let bytes = last_bytes(file, MOST_KEPT_BYTES);
                let bytes = bytes
                    .map_err(|error| NodeError::new(format!("reading its {port}: {error}")))?;
                task.give(port, bytes);
            }
        }
        Ok(())
    }

    /// The last lines of what it complained of, else of what it said.
    fn last_lines(&self) -> Vec<String> {
        /// More than the last lines take.
        const LAST_BYTES: u64 = 16 << 10;
        let lines = |file| {
            // Words that can't be read are no reason to hide the failure itself.
            let bytes = last_bytes(file, LAST_BYTES).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines[lines.len().saturating_sub(LAST_LINES)..].to_vec()
        };
        let complaints = lines(&self.stderr);
        match complaints.iter().all(|line| line.trim().is_empty()) {
            true => lines(&self.stdout),
            false => complaints,
        }
    }
}

/// Of a command that says more than this, the end is kept.
const MOST_KEPT_BYTES: u64 = 64 << 20;

fn last_bytes(file: &File, most: u64) -> std::io::Result<Vec<u8>> {
    let end = file.metadata()?.len();
    let start = end.saturating_sub(most);
    let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(0)];
    file.read_exact_at(&mut bytes, start)?;
    Ok(bytes)
}

/// A file without a name, so that the command's folder holds only its own files.
fn unnamed(folder: &Path, name: &str) -> Result<File, NodeError> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC;
    let unnamed = rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR).map(File::from);
    unnamed.or_else(|_| {
        // Not every file system can.
        let path = folder.join(name);
        let mut options = File::options();
        let file = options.read(true).append(true).create(true).open(&path);
        file.map_err(|error| io_error("creating", &path, error))
    })
}

/// Why a command failed, with its last words and with what it seems to have missed.
pub(super) fn failure(
    words: &Words,
    argv: &[String],
    status: ExitStatus,
    root: &Path,
    folder: &Path,
) -> NodeError {
    let last = words.last_lines();
    let error = NodeError::new(format!("the command ended with {status}")).at(argv.join(" "));
    if last.is_empty() {
        // On a full disk a command can't even complain.
        return match is_full(folder) {
            true => error
                .because(format!("the disk of `{}` is full", folder.display()))
                .help("make room there, perhaps by `flow gc`, and run again"),
            false => error,
        };
    }
    let error = error.because(last.join("\n       "));
    match missed(&last.join("\n"), root, folder) {
        Some(help) => error.help(help),
        None => error,
    }
}

/// Whether next to nothing can be written where a folder lies.
fn is_full(folder: &Path) -> bool {
    const NEXT_TO_NOTHING: u64 = 64 << 10;
    let disk = rustix::fs::statvfs(folder);
    disk.is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < NEXT_TO_NOTHING)
}

/// How to let a command have what its words say it could not have.
///
/// `root` is the study's folder, `folder` the command's own.
fn missed(words: &str, root: &Path, folder: &Path) -> Option<String> {
    let refused = [
        "Permission denied",
        "permission denied",
        "EACCES",
        "Errno 13",
    ];
    let is_refusal = |line: &&str| refused.iter().any(|sign| line.contains(sign));
    let refusal = words.lines().find(is_refusal).unwrap_or_default();
    let mut outside = None;
    let ends = |c: char| c.is_whitespace() || "'\"`,;()[]<>‘’“”".contains(c);
    for word in words.split(ends) {
        let word = word.trim_end_matches(['.', ':']);
        if !word.contains(['.', '/']) || word.trim_matches(['.', '/']).is_empty() {
            continue;
        }
        let path = root.join(word);
        let inner = path.strip_prefix(root).ok().filter(|_| path.exists());
        match inner.filter(|inner| !folder.join(inner).exists() && !path.starts_with(folder)) {
            Some(inner) if !folder.starts_with(&path) => return Some(declare(inner, &path)),
            None if word.starts_with('/') && refusal.contains(word) && !path.starts_with(root) => {
                outside.get_or_insert(PathBuf::from(word));
            }
            _ => {}
        }
    }
    let Some(outside) = outside else {
        let connects = words.contains("connect") && !refusal.is_empty();
        let help = "a command may use the network only if it says `network = true`";
        return connects.then(|| help.to_owned());
    };
    Some(format!(
        "a command may use its inputs, its own folder and the system's; if `{0}` is an input, declare it \
         with `{{ file = \"{0}\" }}`, if it decides nothing, add `reads` or `writes = [\"{0}\"]`, and put \
         what is written into `outputs`",
        outside.display()
    ))
}

fn declare(inner: &Path, path: &Path) -> String {
    let port: String = inner
        .file_stem()
        .map_or_else(|| "data".into(), |stem| stem.to_string_lossy())
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .collect();
    let name = inner.display();
    let source = match path.is_dir() {
        true => format!("{{ files = \"{name}/*\" }}"),
        false => format!("{{ file = \"{name}\" }}"),
    };
    format!(
        "`{name}` is in the study's folder, but a command sees only what it declares: add \
         `inputs = {{ {port} = {source} }}`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_it_did_not_declare_is_named_with_the_line_that_declares_it() {
        let study = tempfile::tempdir().unwrap();
        let root = study.path();
        std::fs::create_dir_all(root.join("data")).unwrap();
        std::fs::write(root.join("data/ages-1.csv"), "").unwrap();
        std::fs::create_dir_all(root.join("cache/staging/1")).unwrap();
        let folder = root.join("cache/staging/1");
        let absolute = root.join("data/ages-1.csv");
        for words in [
            "FileNotFoundError: [Errno 2] No such file or directory: 'data/ages-1.csv'".to_owned(),
            format!("cat: {}: Permission denied", absolute.display()),
        ] {
            let help = missed(&words, root, &folder).unwrap();
            let line = "inputs = { ages_1 = { file = \"data/ages-1.csv\" } }";
            assert!(help.contains(line), "{help}");
        }
        let help = missed("sh: /srv/atlas.nii: Permission denied", root, &folder).unwrap();
        assert!(
            help.contains("reads") && help.contains("/srv/atlas.nii"),
            "{help}"
        );
        let words = "in connect: sock.connect(sa)\nPermissionError: [Errno 13] Permission denied";
        assert!(
            missed(words, root, &folder)
                .unwrap()
                .contains("network = true")
        );
        assert_eq!(missed("KeyError: 'a.b'", root, &folder), None);
    }
}
