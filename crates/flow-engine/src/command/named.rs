//! What a command names without declaring it: its programs, and files of the study's folder.
//!
//! Both are inputs by content. A program is looked for on `PATH`; a word of the command that is the
//! path of a file in the study's folder is taken as that file, unless it is a port or an output.
//! In a shell line the words are found without running a shell: quotes are taken off, and a word
//! with `$`, `*` or a placeholder in it names nothing.

use std::collections::{BTreeSet, HashMap};
use std::env;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flow_contract::{Labels, NodeError, Params, Value};

use crate::board::Board;
use crate::prepare::{Artifact, matching_paths, source_file};

/// The port of programs in a recipe; no port that a study declares has a dot in its name.
pub(crate) const PROGRAM: &str = "run.program";
/// The port of files that the command names.
pub(crate) const FILE: &str = "run.file";

/// Words of the shell's own, which are no programs.
const SHELL_WORDS: [&str; 40] = [
    "!", ".", ":", "[", "break", "case", "cd", "continue", "do", "done", "echo", "elif", "else",
    "esac", "eval", "exec", "exit", "export", "false", "fi", "for", "if", "in", "local", "printf",
    "read", "return", "set", "shift", "test", "then", "trap", "true", "umask", "unset", "until",
    "wait", "while", "{", "}",
];
/// Those of them after which a command follows.
const BEFORE_A_COMMAND: [&str; 10] = [
    "!", "do", "elif", "else", "exec", "if", "then", "until", "while", "{",
];

/// How many shell lines are kept with what they name.
const MOST_LINES: usize = 256;

/// What was looked up already; a run looks every word up once.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    programs: HashMap<(String, Option<String>), Option<PathBuf>>,
    files: HashMap<String, bool>,
    /// What shell lines name.
    lines: HashMap<String, Rc<Names>>,
}

/// The words of a command that may name something.
#[derive(Debug, Default, PartialEq)]
struct Names {
    programs: BTreeSet<String>,
    others: BTreeSet<String>,
}

/// The programs and files that a command names, as artifacts by port; `ports` are taken names.
///
/// # Errors
/// When the program of `run` is nowhere, or a file can't be read.
pub(crate) fn inputs(
    board: &Board<'_>,
    params: &Params,
    ports: &[&str],
) -> Result<Vec<(String, Vec<Artifact>)>, NodeError> {
    let names = names_once(board, params);
    let is_path = |name: &str| name.contains('/') && !name.starts_with('/');
    let (paths, names_of_programs) = names
        .programs
        .iter()
        .partition::<Vec<_>, _>(|name| is_path(name));
    let mut programs = Vec::with_capacity(names_of_programs.len());
    for name in names_of_programs {
        if let Some(path) = program(board, name, params) {
            let label = Labels::new(vec![("name".into(), Value::from(name.as_str()))]);
            programs.push(source_file(board, &path.to_string_lossy(), label)?);
        } else if params.text("shell").is_empty() {
            return Err(not_found(name));
        }
    }
    let words: BTreeSet<&String> = names.others.iter().chain(paths).collect();
    let outputs = params.value("outputs").as_map();
    let outputs: Vec<String> = outputs.map_or_else(Vec::new, |map| {
        map.values().map(ToString::to_string).collect()
    });
    let mut files = Vec::new();
    for word in words {
        let word = word.strip_prefix("./").unwrap_or(word);
        let taken = ports.contains(&word) || outputs.iter().any(|path| path == word);
        if !taken && is_study_file(board, word)? {
            let label = Labels::new(vec![("path".into(), Value::from(word))]);
            files.push(source_file(board, word, label)?);
        }
    }
    let all = [(PROGRAM, programs), (FILE, files)].into_iter();
    let given = all.filter(|(_, artifacts)| !artifacts.is_empty());
    Ok(given
        .map(|(port, artifacts)| (port.to_owned(), artifacts))
        .collect())
}

fn not_found(program: &str) -> NodeError {
    NodeError::new(format!("`{program}` is not found"))
        .because("a command's program is one of its inputs, by its content")
        .help("install it, put its folder on PATH, or name it by a path")
}

/// [`names`], of a shell line read once.
fn names_once(board: &Board<'_>, params: &Params) -> Rc<Names> {
    let line = params.text("shell");
    if let Some(known) = board.looked.seen.borrow().lines.get(line) {
        return Rc::clone(known);
    }
    let names = Rc::new(names(params));
    let lines = &mut board.looked.seen.borrow_mut().lines;
    // Where every instance has a line of its own, to keep them all would help nobody.
    if !line.is_empty() && lines.len() < MOST_LINES {
        lines.insert(line.to_owned(), Rc::clone(&names));
    }
    names
}

fn names(params: &Params) -> Names {
    match params.text("shell") {
        "" => names_of_arguments(&params.texts("run")),
        line => names_of_line(line),
    }
}

fn names_of_arguments(run: &[&str]) -> Names {
    let mut names = Names::default();
    for (at, word) in run.iter().enumerate() {
        match at {
            0 if is_plain(word) => drop(names.programs.insert((*word).to_owned())),
            _ => names.add_other(word),
        }
    }
    names
}

impl Names {
    /// A word, or what stands after `=` in it.
    fn add_other(&mut self, word: &str) {
        let value = word.split_once('=').map(|(_, value)| value);
        for word in [Some(word), value].into_iter().flatten() {
            if is_plain(word) && !word.starts_with(['-', '/', '~']) {
                self.others.insert(word.to_owned());
            }
        }
    }
}

fn is_plain(word: &str) -> bool {
    !word.is_empty() && !word.contains(['{', '$', '*', '?', '`', '\n', '\0'])
}

/// Words of a shell line: those where a command begins are programs.
fn names_of_line(line: &str) -> Names {
    let mut names = Names::default();
    names.programs.insert("/bin/sh".to_owned());
    let (mut word, mut quote, mut begins) = (String::new(), None, true);
    let mut ended = |word: &mut String, begins: &mut bool| {
        let word = std::mem::take(word);
        if word.is_empty() {
            return;
        }
        if *begins && !word.contains('=') {
            *begins = BEFORE_A_COMMAND.contains(&word.as_str());
            if !SHELL_WORDS.contains(&word.as_str()) && is_plain(&word) {
                names.programs.insert(word);
            }
        } else {
            names.add_other(&word);
        }
    };
    for sign in line.chars() {
        match (quote, sign) {
            (Some(open), sign) if sign == open => quote = None,
            (Some(_), sign) => word.push(sign),
            (None, '\'' | '"') => quote = Some(sign),
            (None, ';' | '|' | '&' | '(' | ')' | '\n') => {
                ended(&mut word, &mut begins);
                begins = true;
            }
            (None, '<' | '>') => {
                // What a number before it means is a stream, and what follows is a file.
                if word.bytes().all(|byte| byte.is_ascii_digit()) {
                    word.clear();
                }
                ended(&mut word, &mut begins);
                begins = false;
            }
            (None, sign) if sign.is_whitespace() => ended(&mut word, &mut begins),
            (None, sign) => word.push(sign),
        }
    }
    ended(&mut word, &mut begins);
    names
}

/// The file of a program, links followed.
fn program(board: &Board<'_>, name: &str, params: &Params) -> Option<PathBuf> {
    let environment = params.value("environment").as_map();
    let own = environment.and_then(|map| Some(map.get("PATH")?.to_string()));
    program_on(board, &(name.to_owned(), own))
}

/// The same by its name and the `PATH` that the study gives it.
fn program_on(board: &Board<'_>, key: &(String, Option<String>)) -> Option<PathBuf> {
    if let Some(known) = board.looked.seen.borrow().programs.get(key) {
        return known.clone();
    }
    let (name, own) = key;
    let path = own.clone().map(OsString::from);
    let found = find(name, path.or_else(|| env::var_os("PATH")));
    let mut seen = board.looked.seen.borrow_mut();
    seen.programs.insert(key.clone(), found.clone());
    found
}

impl Seen {
    /// Whether words name for a board what they were found to name here.
    pub(crate) fn holds(&self, board: &Board<'_>) -> bool {
        let mut programs = self.programs.iter();
        let mut files = self.files.iter();
        programs.all(|(key, was)| program_on(board, key) == *was)
            && files.all(|(word, was)| is_study_file(board, word).as_ref() == Ok(was))
    }
}

/// Looks a program up as a shell would; where it lies without links.
fn find(name: &str, path: Option<OsString>) -> Option<PathBuf> {
    on_path(name, path)?.canonicalize().ok()
}

/// Looks a program up as a shell would.
pub(super) fn on_path(name: &str, path: Option<OsString>) -> Option<PathBuf> {
    let runs = |path: &Path| {
        let metadata = path.metadata();
        metadata.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    let candidates: Vec<PathBuf> = match name.starts_with('/') {
        true => vec![PathBuf::from(name)],
        false => env::split_paths(&path?)
            .map(|folder| folder.join(name))
            .collect(),
    };
    candidates.into_iter().find(|path| runs(path))
}

/// The programs that a command names, as far as that can be told without running it.
pub(super) fn programs(params: &Params) -> BTreeSet<String> {
    names(params).programs
}

/// Whether a word is the path of a file in the study's folder that is no result of flow's.
fn is_study_file(board: &Board<'_>, word: &str) -> Result<bool, NodeError> {
    if let Some(known) = board.looked.seen.borrow().files.get(word) {
        return Ok(*known);
    }
    let plan = board.session.plan;
    let own = [plan.cache(), plan.reports()];
    let outside = word.split('/').any(|part| part == "..") || word.starts_with('/');
    let is = !outside
        && !own.iter().any(|folder| Path::new(word).starts_with(folder))
        // A pattern is noted, so that a run with nothing to do sees when the file appears.
        && !matching_paths(board, &glob::Pattern::escape(word))?.is_empty()
        && board.session.path(word).is_file();
    board
        .looked
        .seen
        .borrow_mut()
        .files
        .insert(word.to_owned(), is);
    Ok(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_line_names_the_programs_where_commands_begin_and_the_words_after() {
        let names = names_of_line(
            "cd x && LC_ALL=C sort -k1 'a b.txt' 2>err.txt | if test -f c; then Rscript fit.R --by=d.csv; fi > {out}",
        );
        assert_eq!(names.programs, set(&["/bin/sh", "sort", "Rscript"]));
        for word in ["a b.txt", "err.txt", "fit.R", "d.csv"] {
            assert!(names.others.contains(word), "{word} of {names:?}");
        }
        assert!(!names.others.iter().any(|word| word.contains('{')));
    }

    #[test]
    fn the_first_argument_is_the_program_and_options_name_no_file() {
        let names = names_of_arguments(&["python3", "-u", "mean.py", "{table}", "/etc/hosts"]);
        assert_eq!(names.programs, set(&["python3"]));
        assert_eq!(names.others, set(&["mean.py"]));
    }
}
