//! What was typed.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Args, Parser, Subcommand};

use crate::init::TEMPLATES;

/// Runs studies whose steps recompute only when something upstream really changed.
#[derive(Debug, Parser)]
#[command(name = "flow", version, propagate_version = false)]
pub struct Line {
    #[command(flatten)]
    pub place: Place,
    #[command(subcommand)]
    pub command: Command,
}

/// Which study.
#[derive(Debug, Args)]
pub struct Place {
    /// The folder of the study.
    #[arg(
        short = 'C',
        long = "folder",
        value_name = "DIR",
        default_value = ".",
        global = true
    )]
    pub folder: PathBuf,
    /// The study file in that folder.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "pipeline.toml",
        global = true
    )]
    pub study: PathBuf,
    /// Another value for a param of the study; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = override_of, global = true)]
    pub set: Vec<(String, String)>,
    /// The study at several values of a param: a list or a range, such as `epsilon=log(1e-3,100,6)`.
    ///
    /// A list param gets these entries. A param that is one value has each of them in turn; what
    /// depends on it is there once for each, as in `net[batch=32]`. Several sweeps give all pairs.
    #[arg(long = "sweep", value_name = "NAME=VALUES", value_parser = sweep_of, global = true)]
    pub sweep: Vec<(String, String)>,
    /// Swept params that walk together instead of giving all pairs; may be given several times.
    #[arg(long, value_name = "NAME,NAME", global = true)]
    pub zip: Vec<String>,
    /// Points of a sweep to leave out, by some of their values; may be given several times.
    #[arg(long, value_name = "NAME=VALUE,…", global = true)]
    pub exclude: Vec<String>,
    /// A point to add to a sweep, with a value for each swept param; may be given several times.
    #[arg(long, value_name = "NAME=VALUE,…", global = true)]
    pub include: Vec<String>,
}

/// The options that say which study, hidden: a command without one is handed them too, and heeds none.
fn of_a_study() -> Vec<Arg> {
    let options = Place::augment_args(clap::Command::new("flow"));
    let options = options.get_arguments().cloned();
    options.map(|option| option.hide(true)).collect()
}

fn sweep_of(text: &str) -> Result<(String, String), String> {
    override_of(text).map_err(|_| {
        "write a name, `=` and a list or range, as in `epsilon=log(1e-3,100,6)`".to_owned()
    })
}

fn override_of(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "write a name, `=` and a value, as in `epsilon=[0.01,100]`".to_owned())?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Brings the study, or the targets and what they need, up to date.
    Run(Run),
    /// Says what would run.
    Status(Ask),
    /// Says why an instance would run, or what its result was made from.
    Why(Why),
    /// Draws the study's graph.
    Graph(Graph),
    /// Lists the runs, or tells of one run, or what a node wrote to stdout and stderr.
    Log(Log),
    /// Compares two runs: recipes, results, tables cell by cell.
    Diff(Diff),
    /// Traces a published file back to its recipe and inputs, down to raw files.
    Where(Where),
    /// Lists the kinds a node can be.
    #[command(args = of_a_study())]
    Kinds(Kinds),
    /// Explains any samples by any trained network: relevance maps, shares and a figure, without a study.
    #[command(args = of_a_study())]
    Explain(Explain),
    /// Prints an artifact: shape, statistics, first rows, a small picture.
    Show(Show),
    /// Writes a table or tensors as CSV, Parquet, npz or safetensors.
    Export(Export),
    /// Tabulates a number of a table over the axis that was swept.
    Compare(Compare),
    /// Checks the study file without running anything.
    Check(Check),
    /// Writes the files of a template, to begin a study with.
    Init(Init),
    /// Lays the study file out: spaces, blank lines, comments; never what it says.
    Fmt(Fmt),
    /// Prints the JSON Schema of study files, for editors.
    #[command(args = of_a_study())]
    Schema,
    /// Verifies every stored object.
    Fsck(Fsck),
    /// Removes stored objects that neither the study as it stands nor a recent run needs.
    Gc(Gc),
    /// Says how much room each node's results take.
    Du(Du),
    /// Prints completions for a shell.
    #[command(args = of_a_study())]
    Completions(Completions),
    /// Prints the man page, or writes a page for each command into a folder.
    #[command(args = of_a_study())]
    Man(Man),
}

#[derive(Debug, Args)]
pub struct Run {
    /// Nodes or instances, such as `relevance[fold=3]`; everything when none is given.
    pub targets: Vec<String>,
    /// One JSON object a line for everything that happens.
    #[arg(long)]
    pub json: bool,
    /// How many cores to use; all by default.
    #[arg(long, value_name = "N", value_parser = cores, allow_negative_numbers = true)]
    pub jobs: Option<usize>,
    /// Go on with what does not depend on a failure.
    #[arg(long)]
    pub keep_going: bool,
    /// Say what would run, and run nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Print only failures and the last line.
    #[arg(long, short)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct Ask {
    /// Nodes or instances; everything when none is given.
    pub targets: Vec<String>,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Why {
    /// A node or an instance.
    pub target: String,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Log {
    /// A run, as the list names it, or a node or instance; all runs when not given.
    pub what: Option<String>,
    /// How many of the last runs to list.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = count, allow_negative_numbers = true)]
    pub last: usize,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Diff {
    /// A run, as `flow log` names it; if none is given, the one before that was asked for the same or for everything.
    pub old: Option<String>,
    /// The run to compare with it; the last if none is given.
    pub new: Option<String>,
    /// Cells are the same within this share of the larger value.
    #[arg(long, value_name = "SHARE", default_value = "1e-9", value_parser = share, allow_negative_numbers = true)]
    pub tolerance: f64,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Where {
    /// A file below the reports folder.
    pub file: PathBuf,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Graph {
    /// The language of the drawing.
    #[arg(long, value_parser = ["mermaid", "dot", "svg", "json"], default_value = "mermaid")]
    pub format: String,
    /// A box for each node, or for each instance.
    #[arg(long, value_parser = ["node", "instance"], default_value = "node")]
    pub by: String,
    /// The same as `--format json`.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Kinds {
    /// One kind, with its ports and params; all kinds when not given.
    pub kind: Option<String>,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    /// A node, an output or an instance's, such as `scores`, `scores.classes` or `net[fold=1].weights`.
    pub artifact: String,
    /// How many rows of a table.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = count, allow_negative_numbers = true)]
    pub rows: usize,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Export {
    /// A node, an output or an instance's, such as `scores`, `scores.classes` or `net[fold=1].weights`.
    pub artifact: String,
    /// The form.
    #[arg(long, value_parser = ["csv", "parquet", "npz", "safetensors"])]
    pub to: String,
    /// The file, `-` for stdout; a folder where there are several artifacts.
    #[arg(long, short, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// Replace files that are there.
    #[arg(long)]
    pub force: bool,
    /// The files written, as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Check {
    /// The problems as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Fsck {
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Gc {
    /// Only say what would be removed.
    #[arg(long)]
    pub dry_run: bool,
    /// Keep older results too, the newest first, up to so much in all: bytes, or as `20 GB`.
    #[arg(long, value_name = "SIZE", value_parser = size, allow_negative_numbers = true)]
    pub max_size: Option<u64>,
    /// How many of the last runs to keep whole, besides what the study as it stands has.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count, allow_negative_numbers = true)]
    pub keep_runs: usize,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Du {
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Init {
    /// The folder; made where there is none.
    // Not `folder`: clap would take it for the one of `-C`.
    #[arg(value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// What to begin with; another name lists them with what they are.
    #[arg(long, short, default_value = "blank", value_parser = TemplateName)]
    pub template: String,
}

/// Any text; shells are told the names of the templates.
#[derive(Clone)]
struct TemplateName;

impl TypedValueParser for TemplateName {
    type Value = String;

    fn parse_ref(
        &self,
        _: &clap::Command,
        _: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        Ok(value.to_string_lossy().into_owned())
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let each = TEMPLATES.iter();
        Some(Box::new(
            each.map(|one| PossibleValue::new(one.name).help(one.summary)),
        ))
    }
}

#[derive(Debug, Args)]
pub struct Fmt {
    /// Only say whether the file is laid out; exit code 2 if not.
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct Man {
    /// Where to write `flow.1`, `flow-run.1` and so on.
    // Not `folder`: clap would take it for the one of `-C`.
    #[arg(value_name = "DIR")]
    pub into: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Compare {
    /// A numeric column of an output, such as `shares.global.mean_of_shares`.
    #[arg(value_name = "NODE.OUTPUT.COLUMN")]
    pub metric: String,
    /// The axis, swept param or column to compare over, such as `epsilon` or `fold`.
    #[arg(long, value_name = "AXIS")]
    pub over: String,
    /// A column whose values are told apart, such as `modality`; may be given several times.
    #[arg(long, value_name = "COLUMN")]
    pub by: Vec<String>,
    /// Only rows where a column has a value; may be given several times.
    #[arg(long = "where", value_name = "COLUMN=VALUE", value_parser = override_of)]
    pub only: Vec<(String, String)>,
    /// The table as CSV.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Also draws means and ranges into this file, as SVG or PNG by the end of its name.
    #[arg(long, value_name = "FILE")]
    pub figure: Option<PathBuf>,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// The trained weights: safetensors in PyTorch's or Keras's layout.
    #[arg(long, value_name = "FILE")]
    pub weights: PathBuf,
    /// The network: `ellis2021`, layers such as `conv 16 k5; relu; global-max-pool; dense 5`, or a file of
    /// them, one a line or as JSON.
    #[arg(long, value_name = "LAYERS|FILE")]
    pub network: String,
    /// The samples, `[sample, channel, time]`: safetensors, npz or npy.
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// A rule, composite or gradient method; may be given several times.
    #[arg(long, value_name = "RULE", default_values = ["epsilon(0.01)", "epsilon(100)", "alpha-beta(1,0,bias=innvestigate)"])]
    pub rule: Vec<String>,
    /// The folder the results go to.
    #[arg(long, value_name = "DIR", default_value = "explained")]
    pub out: PathBuf,
    /// Which class is explained: `predicted`, `true`, or a number from 0.
    #[arg(long, value_name = "CLASS", default_value = "predicted", value_parser = target_of, allow_negative_numbers = true)]
    pub target: String,
    /// The relevance the walk starts with.
    #[arg(long, value_parser = ["one", "logit"], default_value = "one")]
    pub start: String,
    /// How the file orders the axes of a weight; `auto` takes the one that fits.
    #[arg(long, value_parser = ["auto", "pytorch", "keras"], default_value = "auto")]
    pub layout: String,
    /// Names of the channels.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub channels: Vec<String>,
    /// Names of the classes.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub classes: Vec<String>,
    /// The array of the samples, where its name is not a usual one.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub tensor: String,
    /// The array of the samples' classes, where its name is not a usual one.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub labels: String,
    /// What computes; a GPU needs a flow built with the feature of that name.
    #[arg(long, value_parser = ["cpu", "wgpu", "cuda"], default_value = "cpu")]
    pub backend: String,
    /// The shares as one JSON object a line.
    #[arg(long)]
    pub json: bool,
}

fn size(text: &str) -> Result<u64, String> {
    let wanted = "it wants a number of bytes, or an amount such as `500 MB` or `20 GiB`";
    flow_plan::bytes(text).ok_or_else(|| wanted.to_owned())
}

fn cores(text: &str) -> Result<usize, String> {
    let cores = text.parse().ok().filter(|cores| *cores > 0);
    cores.ok_or_else(|| "it wants a whole number of cores, at least 1".to_owned())
}

fn count(text: &str) -> Result<usize, String> {
    let count = text.parse();
    count.map_err(|_| "it wants a whole number, 0 or more".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text
        .parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "it wants a number from 0 to 1, such as `1e-6`".to_owned())
}

fn target_of(text: &str) -> Result<String, String> {
    match text {
        "predicted" | "true" => Ok(text.to_owned()),
        _ if text.parse::<u32>().is_ok() => Ok(text.to_owned()),
        _ => Err("write `predicted`, `true`, or the number of a class from 0".to_owned()),
    }
}
