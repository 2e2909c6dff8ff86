//! The simulator's parameters as a study writes them.

use flow_contract::{ParamProblem, Params, Value};
use flow_simulate::{ClassByModality, Effect, Effects, ParameterError, Parameters, Quirks};

/// Rows of the class × modality table.
const CLASSES: [&str; 5] = ["W", "N1", "N2", "N3", "R"];
/// Its columns.
const MODALITIES: [&str; 3] = ["EEG", "EOG", "EMG"];
/// What an effect may change of amplitudes.
const AMPLITUDES: [&str; 5] = ["slow_wave", "sigma", "alpha", "eye_movement", "muscle_tone"];
/// Irregularities of the files.
const QUIRKS: [&str; 9] = [
    "late_start",
    "hole",
    "tail_seconds",
    "movement",
    "unknown",
    "errors_per_hour",
    "error_seconds",
    "presses_per_hour",
    "artefacts_per_hour",
];

/// The parameters that a node's params ask for.
///
/// # Errors
/// A name that is not known; a value outside its range.
pub fn parameters(params: &Params, seed: u64) -> Result<Parameters, ParamProblem> {
    let usual = Parameters::default();
    let planted = Parameters {
        seed,
        night_minutes: params.float("minutes"),
        weights: weights(params.value("carries"), usual.weights)?,
        ambiguity: params.float("ambiguity"),
        variability: params.float("variability"),
        label_noise: params.float("label_noise"),
        individuality: params.float("individuality"),
        medication_on_stages: params.float("medication_on_stages"),
        effects: effects(params, usual.effects)?,
        quirks: quirks(params, usual.quirks)?,
        ..usual
    };
    planted.check().map_err(|error| problem_of(&error))?;
    Ok(planted)
}

/// The param that a refused parameter was written in.
fn problem_of(error: &ParameterError) -> ParamProblem {
    let name = match error {
        ParameterError::OutOfRange { name, .. } => name.as_str(),
        ParameterError::RecordingId { .. } => "recording",
    };
    let param = match name.split('.').collect::<Vec<_>>().as_slice() {
        ["weights", ..] => "carries",
        ["effects", covariate, ..] => covariate,
        ["quirks", ..] => "quirk",
        [
            "night_minutes" | "night_spread" | "minimum_epochs_per_class",
            ..,
        ] => "minutes",
        [name, ..] => name,
        [] => name,
    };
    ParamProblem {
        param: param.to_owned(),
        what: error.to_string(),
        help: "`flow kinds simulate-night` lists the ranges".to_owned(),
    }
}

fn unknown(param: &str, name: &str, known: &[&str]) -> ParamProblem {
    ParamProblem {
        param: param.to_owned(),
        what: format!("`{name}` is none of its names"),
        help: format!("the names are {}", known.join(", ")),
    }
}

/// The entries of a map param as positions in `known` with their values.
fn entries<'a>(
    param: &str,
    map: &'a Value,
    known: &[&str],
) -> Result<Vec<(usize, &'a Value)>, ParamProblem> {
    let entries = map.as_map().into_iter().flatten();
    entries
        .map(|(name, value)| {
            let at = position(known, name).ok_or_else(|| unknown(param, name, known))?;
            Ok((at, value))
        })
        .collect()
}

fn number(value: &Value) -> f64 {
    value.as_float().unwrap_or(f64::NAN)
}

/// A class that is written carries its stage in the modalities written, and in no other.
fn weights(table: &Value, usual: ClassByModality) -> Result<ClassByModality, ParamProblem> {
    let mut weights = usual;
    for (class, row) in entries("carries", table, &CLASSES)? {
        weights[class] = [0.0; 3];
        for (modality, weight) in entries("carries", row, &MODALITIES)? {
            weights[class][modality] = number(weight);
        }
    }
    Ok(weights)
}

fn effects(params: &Params, usual: Effects) -> Result<Effects, ParamProblem> {
    if !params.bool("effects") {
        return Ok(Effects::NONE);
    }
    let of = |name: &str, usual: Effect| effect(name, params.value(name), usual);
    Ok(Effects {
        temazepam: of("temazepam", usual.temazepam)?,
        age_per_decade: of("age_per_decade", usual.age_per_decade)?,
        female: of("female", usual.female)?,
    })
}

/// An effect that is written is what is written and nothing else.
fn effect(param: &str, table: &Value, usual: Effect) -> Result<Effect, ParamProblem> {
    let entries = table.as_map().into_iter().flatten();
    let mut effect = None;
    for (name, value) in entries {
        let change = number(value);
        add_change(effect.get_or_insert(Effect::NONE), name, change)
            .ok_or_else(|| no_change(param, name))?;
    }
    Ok(effect.unwrap_or(usual))
}

/// Adds what `alpha` (an amplitude), `EOG` (in every class) or `EOG in N1` changes; nothing for another name.
fn add_change(effect: &mut Effect, name: &str, change: f64) -> Option<()> {
    if let Some(at) = AMPLITUDES.iter().position(|one| *one == name) {
        let amplitudes = [
            &mut effect.slow_wave,
            &mut effect.sigma,
            &mut effect.alpha,
            &mut effect.eye_movement,
            &mut effect.muscle_tone,
        ];
        *amplitudes[at] = change;
        return Some(());
    }
    let (modality, class) = match name.split_once(" in ") {
        Some((modality, class)) => (modality, Some(position(&CLASSES, class)?)),
        None => (name, None),
    };
    let modality = position(&MODALITIES, modality)?;
    for (at, row) in effect.contrast.iter_mut().enumerate() {
        if class.is_none_or(|class| class == at) {
            row[modality] += change;
        }
    }
    Some(())
}

fn position(known: &[&str], name: &str) -> Option<usize> {
    known.iter().position(|one| *one == name)
}

fn no_change(param: &str, name: &str) -> ParamProblem {
    let mut problem = unknown(param, name, &[&AMPLITUDES[..], &MODALITIES].concat());
    problem.help += &format!(
        "; a modality in one class is written as in `EOG in N1`, classes being {}",
        CLASSES.join(", ")
    );
    problem
}

/// Irregularities that are written replace the usual ones, or join an otherwise tidy world.
fn quirks(params: &Params, usual: Quirks) -> Result<Quirks, ParamProblem> {
    let mut quirks = if params.bool("quirks") {
        usual
    } else {
        Quirks::NONE
    };
    for (at, value) in entries("quirk", params.value("quirk"), &QUIRKS)? {
        let place = match at {
            0 => &mut quirks.late_start,
            1 => &mut quirks.hole,
            2 => &mut quirks.tail_seconds,
            3 => &mut quirks.movement,
            4 => &mut quirks.unknown,
            5 => &mut quirks.errors_per_hour,
            6 => &mut quirks.error_seconds,
            7 => &mut quirks.presses_per_hour,
            _ => &mut quirks.artefacts_per_hour,
        };
        *place = number(value);
    }
    Ok(quirks)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use flow_contract::Kind;

    use super::*;

    fn map(entries: &[(&str, Value)]) -> Value {
        let owned = entries
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        Value::Map(owned.collect())
    }

    fn with(entries: &[(&str, Value)]) -> Params {
        let mut values: BTreeMap<String, Value> =
            super::super::SimulateNight.descriptor().defaults();
        values.insert("recording".to_owned(), Value::from("ST7011"));
        for (name, value) in entries {
            values.insert((*name).to_owned(), value.clone());
        }
        Params::new(values)
    }

    #[test]
    fn nothing_written_is_the_usual() {
        let usual = Parameters {
            seed: 3,
            ..Parameters::default()
        };
        assert_eq!(parameters(&with(&[]), 3).unwrap(), usual);
    }

    #[test]
    fn what_is_written_is_planted_and_nothing_else() {
        let carries = map(&[("R", map(&[("EOG", Value::Float(1.2))]))]);
        let drug = map(&[
            ("sigma", Value::Float(0.5)),
            ("EMG", Value::Float(-0.3)),
            ("EOG in N1", Value::Float(0.5)),
        ]);
        let quirk = map(&[("errors_per_hour", Value::Float(60.0))]);
        let asked = with(&[
            ("carries", carries),
            ("temazepam", drug),
            ("quirk", quirk),
            ("quirks", Value::Bool(false)),
        ]);
        let planted = parameters(&asked, 0).unwrap();
        assert_eq!(planted.weights[4], [0.0, 1.2, 0.0]);
        assert_eq!(planted.weights[0], Parameters::default().weights[0]);
        let expected = Effect {
            sigma: 0.5,
            contrast: [
                [0.0, 0.0, -0.3],
                [0.0, 0.5, -0.3],
                [0.0, 0.0, -0.3],
                [0.0, 0.0, -0.3],
                [0.0, 0.0, -0.3],
            ],
            ..Effect::NONE
        };
        assert_eq!(planted.effects.temazepam, expected);
        assert_eq!(planted.effects.female, Effects::default().female);
        let expected = Quirks {
            errors_per_hour: 60.0,
            ..Quirks::NONE
        };
        assert_eq!(planted.quirks, expected);
    }

    #[test]
    fn wrong_names_and_numbers_name_their_param() {
        let said = |name, value| parameters(&with(&[(name, value)]), 0).unwrap_err();
        let row = |modality, weight| map(&[("N2", map(&[(modality, Value::Float(weight))]))]);
        assert!(said("carries", row("ECG", 1.0)).help.contains("EEG, EOG"));
        assert_eq!(said("carries", row("EEG", 7.0)).param, "carries");
        let shrunk = map(&[("alpha", Value::Float(-2.0))]);
        let problem = said("female", shrunk);
        assert_eq!(problem.param, "female");
        assert!(
            problem
                .what
                .contains("`effects.female.alpha` is -2, but must be within -0.9 and 1"),
            "{}",
            problem.what
        );
        for name in ["ECG", "EOG in N5", "EOG in", "N1 in EOG"] {
            let problem = said("temazepam", map(&[(name, Value::Float(0.1))]));
            assert_eq!(problem.what, format!("`{name}` is none of its names"));
            assert!(problem.help.contains("`EOG in N1`"), "{}", problem.help);
        }
        let often = map(&[("holes", Value::Float(1.0))]);
        assert_eq!(said("quirk", often).param, "quirk");
    }
}
