//! Mistakes in `[params]`, in `--set` and `--sweep`, and in references to params and axes.

use super::Words;
use crate::words::{count, meant, names};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ParamMistake {
    /// `--set` or `--sweep` names no param.
    UnknownSet {
        option: &'static str,
        name: String,
        nearest: Option<String>,
        params: Vec<String>,
    },
    /// `--set` or `--sweep` gives a value of another sort.
    SetSort {
        option: &'static str,
        name: String,
        was: &'static str,
        now: &'static str,
    },
    /// `--sweep` names a param twice.
    SweptTwice { name: String },
    /// `--sweep` gives values that make no sweep.
    SweptValues { name: String, why: String },
    /// `--zip`, `--exclude` or `--include` names a param that is not swept.
    NotSwept {
        option: &'static str,
        name: String,
        /// Whether it is a list param, which nodes walk over.
        list: bool,
        nearest: Option<String>,
        swept: Vec<String>,
    },
    /// `--zip`, `--exclude` or `--include` says nothing that makes points.
    SweptPoints {
        option: &'static str,
        why: String,
        help: &'static str,
    },
    /// A part of the study that is one for all nodes depends on a swept param.
    SweptHead { name: String, part: &'static str },
    /// `$name` is neither a param nor an axis here.
    UnknownReference {
        name: String,
        nearest: Option<String>,
        params: Vec<String>,
        axes: Vec<String>,
    },
    /// `${` without a name and `}`.
    BadReference { text: String },
    /// `$axis` where every instance must have the same value.
    AxisHere { axis: String },
    /// Params that refer to each other in a circle.
    Circle { path: Vec<String> },
    /// A list in the middle of a text, or where a single value must stand.
    ListInText { name: String, values: usize },
    /// A column that the axis doesn't have.
    NoColumn {
        axis: String,
        column: String,
        columns: Vec<String>,
    },
    /// A range that says nothing.
    Range { text: String, why: String },
    /// References that multiply beyond any use.
    TooMuch { what: String },
}

impl ParamMistake {
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownSet { .. } => "P10",
            Self::SetSort { .. } => "P11",
            Self::UnknownReference { .. } => "P12",
            Self::BadReference { .. } => "P13",
            Self::AxisHere { .. } => "P14",
            Self::Circle { .. } => "P15",
            Self::ListInText { .. } => "P16",
            Self::NoColumn { .. } => "P17",
            Self::Range { .. } => "P18",
            Self::TooMuch { .. } => "P19",
            Self::SweptTwice { .. } => "P31",
            Self::SweptValues { .. } => "P32",
            Self::SweptHead { .. } => "P33",
            Self::NotSwept { .. } => "P34",
            Self::SweptPoints { .. } => "P35",
        }
    }

    pub fn words(&self) -> Words {
        match self {
            Self::UnknownSet {
                option,
                name,
                nearest,
                params,
            } => set_words(option, name, nearest.as_deref(), params),
            Self::SetSort {
                option,
                name,
                was,
                now,
            } => sort_words(option, name, was, now),
            Self::UnknownReference {
                name,
                nearest,
                params,
                axes,
            } => reference_words(name, nearest.as_deref(), params, axes),
            Self::BadReference { text } => Words::new(format!("`{text}` is not a reference"))
                .label("`${` begins one")
                .help("write `${name}` or `${axis.column}`; `$$` is a dollar sign"),
            Self::AxisHere { axis } => {
                Words::new(format!("`${axis}` is an axis, but this can't vary"))
                    .label("not here")
                    .why("this is settled once for the node, before its instances are known")
                    .help("use a value or a param")
            }
            Self::Circle { path } => Words::new(format!("params refer to each other: {}", {
                path.join(" → ")
            }))
            .label("comes back to itself")
            .help("give one of them a value of its own"),
            Self::ListInText { name, values } => list_words(name, *values),
            Self::NoColumn {
                axis,
                column,
                columns,
            } => no_column_words(axis, column, columns),
            Self::Range { text, why } => Words::new(format!("`{text}` is not a range"))
                .label(why.clone())
                .help("ranges are `0..10`, `0..=10`, `lin(0, 1, 5)` and `log(1e-3, 100, 6)`"),
            Self::TooMuch { what } => {
                Words::new(format!("references make more than {what} of this"))
                    .label("grows beyond use")
                    .help(
                        "a list or text that refers to another twice is twice as long: refer once",
                    )
            }
            _ => self.sweep_words(),
        }
    }

    fn sweep_words(&self) -> Words {
        match self {
            Self::SweptTwice { name } => Words::new(format!("`--sweep {name}` is given twice"))
                .help("give all its values in one list"),
            Self::SweptValues { name, why } => {
                Words::new(format!("`--sweep {name}` gives no sweep: {why}")).help(format!(
                    "give a list or a range: --sweep '{name}=[1, 2]', \
                     --sweep '{name}=log(1e-3, 100, 6)'"
                ))
            }
            Self::NotSwept {
                option,
                name,
                list,
                nearest,
                swept,
            } => not_swept_words((option, name), *list, nearest.as_deref(), swept),
            Self::SweptPoints { option, why, help } => {
                Words::new(format!("`{option}` {why}")).help(*help)
            }
            Self::SweptHead { name, part } => Words::new(format!(
                "`--sweep {name}` would change {part}, which is one for the whole study"
            ))
            .why("all points of a sweep are one run with one cache, one report and the same pools")
            .help(format!("run the values one by one: --set '{name}=…'")),
            _ => Words::new(""),
        }
    }
}

fn set_words(option: &str, name: &str, nearest: Option<&str>, params: &[String]) -> Words {
    let words = Words::new(format!("`{name}` names no param of the study"));
    if nearest.is_none() && name.contains('.') {
        return words
            .why(format!("`{option}` reaches [params] only"))
            .help("give the value a name in [params] and refer to it: key = \"$name\"");
    }
    match meant(nearest, params, "its params are") {
        Some(help) => words.help(help),
        None => words.help("the study has no [params]; write the param there first"),
    }
}

fn sort_words(option: &str, name: &str, was: &str, now: &str) -> Words {
    Words::new(format!(
        "`{option} {name}` gives {now}, but `{name}` is {was}"
    ))
    .why("a param keeps its sort, so that what is right for one value is for all")
    .help(match (option, was, now) {
        (_, "a list", _) => format!("write the values in brackets: {option} '{name}=[…]'"),
        ("--set", _, "a list") => {
            format!("to run the study at each of them: --sweep '{name}=[…]'")
        }
        _ => format!("give {was}"),
    })
}

fn not_swept_words(
    (option, name): (&str, &str),
    list: bool,
    nearest: Option<&str>,
    swept: &[String],
) -> Words {
    let words = Words::new(format!("`{option}` names `{name}`, which is not swept"));
    if list {
        return words
            .why(format!(
                "`{name}` is a list: the nodes that walk over it say how, in their for_each"
            ))
            .help("write `zip`, `exclude` or `include` in those nodes");
    }
    match meant(nearest, swept, "swept are") {
        Some(help) => words.help(help),
        None => words.help(format!("give its values: --sweep '{name}=[…]'")),
    }
}

fn reference_words(name: &str, nearest: Option<&str>, params: &[String], axes: &[String]) -> Words {
    let words =
        Words::new(format!("`${name}` is neither a param nor an axis here")).label("unknown name");
    if let Some(nearest) = nearest {
        return words.help(format!("did you mean `${nearest}`?"));
    }
    let known: Vec<&str> = axes.iter().chain(params).map(String::as_str).collect();
    if known.is_empty() {
        return words.help(format!(
            "write `{name}` in [params], or `$${name}` to keep the dollar sign"
        ));
    }
    words.help(format!(
        "there are {}; `$${name}` keeps the dollar sign",
        names(&known)
    ))
}

fn list_words(name: &str, values: usize) -> Words {
    Words::new(format!(
        "`${name}` is a list of {}, but one must stand here",
        count(values, "value")
    ))
    .label("a list")
    .help(format!(
        "run the node for each of them: for_each = {{ {name} = \"${name}\" }}"
    ))
}

fn no_column_words(axis: &str, column: &str, columns: &[String]) -> Words {
    let words = Words::new(format!("axis `{axis}` has no column `{column}`")).label("no column");
    if columns.is_empty() {
        return words
            .why("its values are plain values, not rows")
            .help(format!("`${{{axis}}}.{column}` is the value and then text"));
    }
    words.help(format!(
        "its columns are {}; `${{{axis}}}.{column}` is the value and then text",
        names(columns)
    ))
}
