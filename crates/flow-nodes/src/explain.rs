//! `explain`: relevance of any samples by any network and rules.

mod data;

use std::borrow::Cow;

use flow_contract::{
    Arity, Descriptor, Form, InputPort, Kind, Literal, NodeError, OutputPort, ParamProblem,
    ParamSpec, ParamType, Params, PortType, Task, Value,
};
use flow_figures::{Figure, FigureError, GlobalShares, RuleShares, global_shares};
use flow_learn::relevance::{Method, Walker};
use flow_stats::relevance::RelevanceSums;
use flow_stats::shares::{local_shares, summarise};

use crate::backend::{BACKEND_PARAM, backend, backend_class, check_backend};
use crate::lrp::MAPS;
use crate::maps::Maps;
use crate::predict::WEIGHTS_PORT;
use crate::table::TableBuilder;
use crate::walk::{Asked, Question, Samples, Walked, walk};

pub use crate::description::Description;
pub use crate::model::{fitted, layout_of, placed};
pub use crate::network::write;
pub use data::{Wanted, sizes};

/// See the module's page.
pub struct Explain;

/// Shares of any samples.
const SHARES: PortType = PortType::new("sample shares", Form::Table);

/// Shares of all samples together.
const SUMMARY: PortType = PortType::new("share summary", Form::Table);

const TEXTS: ParamType = ParamType::List(&ParamType::Text);

static DESCRIPTOR: Descriptor = Descriptor {
    name: "explain",
    revision: 2,
    summary: "Explains any samples by a trained network: relevance maps, shares and a figure.",
    example: r#"[node.net]
kind = "model"
weights = { file = "weights.safetensors" }
network = ["conv 16 k5", "relu", "global-max-pool", "dense 5"]
channels = 3
time = 3000

[node.explained]
kind = "explain"
weights = "net.weights"
data = { file = "samples.npz" }
rules = ["epsilon(0.01)", "epsilon-plus"]
channels = ["EEG", "EOG", "EMG"]
publish = { summary = "shares.csv", picture = "shares.png" }
"#,
    inputs: &[
        WEIGHTS_PORT,
        InputPort {
            name: Cow::Borrowed("data"),
            ty: PortType::new("any", Form::File),
            arity: Arity::One,
            doc: "Samples `[sample, channel, time]` in safetensors, `.npz` or `.npy`.",
        },
    ],
    outputs: &[
        OutputPort {
            name: Cow::Borrowed("relevance"),
            ty: MAPS,
            doc: "`<rule>` [sample, channel, time], in units of 2^`<rule>.exponent` [sample].",
        },
        OutputPort {
            name: Cow::Borrowed("shares"),
            ty: SHARES,
            doc: "One row a sample and rule: predicted, explained, share_<channel> and signed_share_<channel> in percent.",
        },
        OutputPort {
            name: Cow::Borrowed("summary"),
            ty: SUMMARY,
            doc: "One row a rule and channel: mean of the samples' shares, and pooled share, in percent.",
        },
        OutputPort {
            name: Cow::Borrowed("figure"),
            ty: PortType::new("figure", Form::Figure),
            doc: "The shares as boxes over samples, as SVG.",
        },
        OutputPort {
            name: Cow::Borrowed("picture"),
            ty: PortType::new("picture", Form::Picture),
            doc: "The same as PNG at 300 dpi.",
        },
    ],
    params: &[
        ParamSpec {
            name: "rules",
            ty: TEXTS,
            default: None,
            unit: "",
            doc: "Rules, composites or gradient methods, as in `epsilon(0.01)`, `epsilon-plus`, `input-x-gradient`.",
        },
        ParamSpec {
            name: "target",
            ty: ParamType::Choice(&["predicted", "true", "given"]),
            default: Some(Literal::Text("predicted")),
            unit: "",
            doc: "Which class is explained.",
        },
        ParamSpec {
            name: "class",
            ty: ParamType::Int {
                min: 0,
                max: 1_000_000,
            },
            default: Some(Literal::Int(0)),
            unit: "",
            doc: "The class where the target is `given`, from 0.",
        },
        ParamSpec {
            name: "start",
            ty: ParamType::Choice(&["one", "logit"]),
            default: Some(Literal::Text("one")),
            unit: "",
            doc: "The relevance the walk starts with: 1, or the logit.",
        },
        ParamSpec {
            name: "tensor",
            ty: ParamType::Text,
            default: Some(Literal::Text("")),
            unit: "",
            doc: "The array of the samples, where its name is not a usual one.",
        },
        ParamSpec {
            name: "labels",
            ty: ParamType::Text,
            default: Some(Literal::Text("")),
            unit: "",
            doc: "The array of the samples' classes, where its name is not a usual one.",
        },
        ParamSpec {
            name: "channels",
            ty: TEXTS,
            default: Some(Literal::List(&[])),
            unit: "",
            doc: "Names of the channels.",
        },
        ParamSpec {
            name: "classes",
            ty: TEXTS,
            default: Some(Literal::List(&[])),
            unit: "",
            doc: "Names of the classes.",
        },
        BACKEND_PARAM,
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for Explain {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn check_param(&self, name: &str, value: &Value) -> Result<(), ParamProblem> {
        let Some(rules) = value.as_list().filter(|_| name == "rules") else {
            return check_backend(name, value);
        };
        let mut read = rules
            .iter()
            .filter_map(Value::as_text)
            .map(str::parse::<Method>);
        let what = match read.find_map(Result::err) {
            Some(error) => error.to_string(),
            None if rules.is_empty() => "there are no rules".to_owned(),
            None => return Ok(()),
        };
        let help = "write rules such as `epsilon(0.01)` or `alpha-beta(1,0)`, or presets such as `epsilon-plus`";
        Err(ParamProblem {
            param: name.to_owned(),
            what,
            help: help.to_owned(),
        })
    }

    fn backend(&self, params: &Params) -> Option<String> {
        backend_class(params, "kernels-f32")
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let path = task.stage("relevance");
        let found = explained(task, &path)?;
        task.give("shares", found.shares()?);
        task.give("summary", found.summary()?);
        let figure = found.figure();
        crate::figures::give(task, figure)
    }
}

/// What was found, with the names to tell it by.
struct Found {
    rules: Vec<String>,
    channels: Vec<String>,
    classes: Vec<String>,
    walked: Walked,
    sums: Vec<RelevanceSums>,
}

fn explained(task: &Task<'_>, path: &std::path::Path) -> Result<Found, NodeError> {
    let (network, weights) = crate::network::read(task.input("weights")?)?;
    let params = task.params;
    let methods = params.texts("rules").into_iter().map(str::parse);
    let methods: Vec<Method> = methods.collect::<Result<_, _>>().map_err(NodeError::new)?;
    let rules: Vec<String> = methods.iter().map(ToString::to_string).collect();
    if let Some(twice) = (1..rules.len()).find(|&n| rules[..n].contains(&rules[n])) {
        return Err(NodeError::new(format!(
            "the rule `{}` is given twice",
            rules[twice]
        )));
    }
    let walker = Walker::of_methods(&network, &weights, &methods).map_err(NodeError::new)?;
    let walker = walker.on(backend(task)?).map_err(NodeError::new)?;
    let input = task.input("data")?;
    let wanted = data::Wanted {
        x: params.text("tensor"),
        labels: params.text("labels"),
    };
    let data =
        data::Data::read(&input.content, &wanted, &network).map_err(|e| e.at(&input.name))?;
    let question = Question::of(params, params.count("class"));
    let classes = network.classes().map_err(NodeError::new)?;
    check_question(question, &data, classes).map_err(|error| error.at(&input.name))?;
    let names_of = |one, many, count| names(&params.texts(many), (one, many), count);
    let channels = names_of("channel", "channels", network.channels)?;
    let classes = names_of("class", "classes", classes)?;
    let shape = [data.count, network.channels, network.time];
    let facts = [("channels", channels.join("\t"))];
    let mut maps = Maps::create(path, &rules, shape, &facts)?;
    let samples = Samples {
        count: data.count,
        channels: &channels,
        time: network.time,
        append: &|n, x| data.append(n, x),
        label: &|n| data.labels.as_ref().map_or(0, |labels| labels[n]),
        place: &|n| format!("sample {n} (from 0)"),
    };
    let walked = walk(&walker, &samples, question, task.observer, Some(&mut maps))
        .map_err(|error| placed(error, &input.name))?;
    let sums = walked.rules.iter().map(|sums| {
        RelevanceSums::new(sums.absolute.clone(), sums.signed.clone(), network.channels)
    });
    let sums = sums.collect::<Result<_, _>>().map_err(NodeError::new)?;
    Ok(Found {
        rules,
        channels,
        classes,
        walked,
        sums,
    })
}

/// Checks that the samples can be asked this.
fn check_question(
    question: Question,
    data: &data::Data<'_>,
    classes: usize,
) -> Result<(), NodeError> {
    match question.target {
        Asked::True if data.labels.is_none() => {
            let what = "the file has no classes of its samples to explain";
            let help = "name their array by `labels`, or explain the predicted class";
            Err(NodeError::new(what).help(help))
        }
        Asked::Given(class) if class >= classes => {
            let what = format!("class {class} of a network with {classes} classes");
            let help = format!(
                "classes count from 0: the last one is {}",
                classes.saturating_sub(1)
            );
            Err(NodeError::new(what).help(help))
        }
        _ if data.count == 0 => Err(NodeError::new("the file has no samples")),
        _ => Ok(()),
    }
}

/// The names given, or `channel 1`, … where none are.
///
/// # Errors
/// Another number of names than the network has; a name given twice.
fn names(
    given: &[&str],
    (one, many): (&str, &str),
    count: usize,
) -> Result<Vec<String>, NodeError> {
    if given.is_empty() {
        let first = usize::from(one == "channel");
        let each = first..first + count;
        return Ok(each.map(|n| format!("{one} {n}")).collect());
    }
    let wrong = if given.len() != count {
        let said = given.len();
        Some(format!(
            "`{many}` gives {said} of the network's {count} {many}"
        ))
    } else {
        let twice = (1..count).find(|&n| given[..n].contains(&given[n]));
        twice.map(|n| format!("`{many}` names two `{}`", given[n]))
    };
    match wrong {
        Some(what) => Err(NodeError::new(what).help("give each a name of its own, in order")),
        None => Ok(given.iter().map(|name| (*name).to_owned()).collect()),
    }
}

impl Found {
    fn shares(&self) -> Result<Vec<u8>, NodeError> {
        let samples = self.walked.predicted.len();
        let each = |of: &dyn Fn(usize) -> String| -> Vec<String> {
            let rows = self.rules.iter().flat_map(|_| 0..samples);
            rows.map(of).collect()
        };
        let rule = self
            .rules
            .iter()
            .flat_map(|rule| std::iter::repeat_n(rule.clone(), samples));
        let sample = self.rules.iter().flat_map(|_| 0..samples as i64);
        let mut table = TableBuilder::new()
            .text("rule", &rule.collect::<Vec<_>>())
            .int("sample", &sample.collect::<Vec<_>>())
            .text(
                "predicted",
                &each(&|n| self.classes[self.walked.predicted[n]].clone()),
            )
            .text(
                "explained",
                &each(&|n| self.classes[self.walked.explained[n]].clone()),
            );
        let shares: Vec<_> = self.sums.iter().map(local_shares).collect();
        for (channel, name) in self.channels.iter().enumerate() {
            let column = shares.iter().flat_map(|one| one.column(channel));
            table = table.maybe(&format!("share_{name}"), &column.collect::<Vec<_>>());
        }
        for (channel, name) in self.channels.iter().enumerate() {
            let column = shares
                .iter()
                .flat_map(|one| (0..samples).map(move |n| one.signed(n).map(|row| row[channel])));
            table = table.maybe(&format!("signed_share_{name}"), &column.collect::<Vec<_>>());
        }
        table.parquet()
    }

    fn summary(&self) -> Result<Vec<u8>, NodeError> {
        let (mut rule, mut channel, mut samples) = (Vec::new(), Vec::new(), Vec::new());
        let (mut mean, mut pooled, mut signed) = (Vec::new(), Vec::new(), Vec::new());
        for (name, sums) in self.rules.iter().zip(&self.sums) {
            let summary = summarise(sums);
            let of = |shares: &Option<Vec<f64>>, n: usize| shares.as_ref().map(|shares| shares[n]);
            for (n, own) in self.channels.iter().enumerate() {
                rule.push(name.clone());
                channel.push(own.clone());
                samples.push(summary.epochs as i64);
                mean.push(of(&summary.mean_of_shares, n));
                pooled.push(of(&summary.pooled_share, n));
                signed.push(of(&summary.mean_of_signed_shares, n));
            }
        }
        TableBuilder::new()
            .text("rule", &rule)
            .text("modality", &channel)
            .int("samples", &samples)
            .maybe("mean_of_shares", &mean)
            .maybe("pooled_share", &pooled)
            .maybe("mean_of_signed_shares", &signed)
            .parquet()
    }

    /// Boxes over samples; of more than eight channels the seven with the largest shares, and the others.
    fn figure(&self) -> Result<Figure, FigureError> {
        const MOST_RULES: usize = 24;
        let (shown, others) = self.shown_channels();
        let rule = |(rule, sums): (&String, &RelevanceSums)| {
            let shares = local_shares(sums);
            let of = |channel: &usize| shares.column(*channel).flatten().collect::<Vec<f64>>();
            let mut columns: Vec<_> = shown.iter().map(of).collect();
            if !others.is_empty() {
                let rest = (0..columns[0].len())
                    .map(|n| 100.0 - columns.iter().map(|c| c[n]).sum::<f64>());
                columns.push(rest.map(|rest| rest.clamp(0.0, 100.0)).collect());
            }
            RuleShares {
                rule: rule.clone(),
                shares: columns,
            }
        };
        let mut modalities: Vec<_> = shown.iter().map(|&n| self.channels[n].clone()).collect();
        modalities.extend((!others.is_empty()).then(|| format!("{} others", others.len())));
        global_shares(&GlobalShares {
            title: "Relevance shares over samples".to_owned(),
            each: "sample",
            modalities,
            rules: self
                .rules
                .iter()
                .zip(&self.sums)
                .map(rule)
                .take(MOST_RULES)
                .collect(),
        })
    }

    /// The channels that have a box each, in order, and those that share one.
    fn shown_channels(&self) -> (Vec<usize>, Vec<usize>) {
        const MOST: usize = 8;
        let mut order: Vec<usize> = (0..self.channels.len()).collect();
        if order.len() <= MOST {
            return (order, Vec::new());
        }
        let share = |channel: usize| -> f64 {
            let pooled = self
                .sums
                .iter()
                .filter_map(|sums| summarise(sums).pooled_share);
            pooled.map(|shares| shares[channel]).sum()
        };
        let shares: Vec<f64> = order.iter().map(|&channel| share(channel)).collect();
        order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]));
        let others = order.split_off(MOST - 1);
        order.sort_unstable();
        (order, others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_has_a_name_of_its_own() {
        let named = |given: &[&str]| names(given, ("channel", "channels"), 2);
        assert_eq!(named(&[]).unwrap(), ["channel 1", "channel 2"]);
        assert_eq!(named(&["EEG", "EOG"]).unwrap(), ["EEG", "EOG"]);
        let refused = |given: &[&str]| named(given).unwrap_err().to_string();
        assert!(refused(&["EEG", "EEG"]).contains("`channels` names two `EEG`"));
        assert!(refused(&["EEG"]).contains("`channels` gives 1 of the network's 2 channels"));
    }
}
