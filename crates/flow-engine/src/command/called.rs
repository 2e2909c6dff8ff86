//! What several inputs of one port are called in a command's folder.

use std::collections::HashSet;

use flow_contract::{Input, Value};

/// The longest name made of labels, in bytes; file systems end at 255.
const LONGEST: usize = 200;

/// `parts/s1`, `parts/s2` and so on: by the values on their axes, a file of the study by its own name;
/// where that doesn't tell all of them apart, by number, as in `parts/000000`.
///
/// Letters, digits and `-_.+=,@%` stay, so that a shell takes a name for one word; anything else is `_`.
pub(super) fn names(port: &str, inputs: &[Input]) -> Vec<String> {
    let labelled: Option<Vec<String>> = inputs.iter().map(name).collect();
    let apart = |names: &Vec<String>| {
        let different: HashSet<&String> = names.iter().collect();
        different.len() == names.len()
    };
    let numbers = || (0..inputs.len()).map(|index| format!("{index:06}"));
    let names = labelled.filter(apart);
    let names = names.unwrap_or_else(|| numbers().collect());
    let within = |name: String| format!("{port}/{name}");
    names.into_iter().map(within).collect()
}

/// A name by labels; `None` where there are none, or one would be empty or too long.
fn name(input: &Input) -> Option<String> {
    let path = input.labels.get("path").and_then(Value::as_text);
    let labels: Vec<(&str, &Value)> = input.labels.iter().collect();
    let text = match (path.filter(|path| *path == input.name), labels.as_slice()) {
        (Some(path), _) => path.rsplit('/').next().unwrap_or(path).to_owned(),
        (None, [(_, value)]) => value.to_string(),
        (None, labels) => {
            let pair = |(axis, value): &(&str, &Value)| format!("{axis}={value}");
            labels.iter().map(pair).collect::<Vec<_>>().join(",")
        }
    };
    let kept = |sign: char| sign.is_alphanumeric() || "-_.+=,@%".contains(sign);
    let name: String = text
        .chars()
        .map(|sign| if kept(sign) { sign } else { '_' })
        .collect();
    let name = match name.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => name,
    };
    (1..=LONGEST).contains(&name.len()).then_some(name)
}

#[cfg(test)]
mod tests {
    use flow_contract::{Content, Digest, Labels};

    use super::*;

    fn input(name: &str, labels: &[(&str, &str)]) -> Input {
        let labels = labels.iter();
        let labels = labels.map(|(axis, value)| ((*axis).to_owned(), Value::from(*value)));
        Input {
            digest: Digest::of(b""),
            labels: Labels::new(labels.collect()),
            content: Content::from(Vec::new()),
            name: name.to_owned(),
            file: None,
        }
    }

    fn named(all: &[&[(&str, &str)]]) -> Vec<String> {
        let inputs: Vec<Input> = all.iter().map(|labels| input("x.out", labels)).collect();
        names("p", &inputs)
    }

    #[test]
    fn inputs_are_called_by_their_values() {
        assert_eq!(
            named(&[&[("who", "s1")], &[("who", "s 2")]]),
            ["p/s1", "p/s_2"]
        );
        let two = [("fold", "1"), ("rule", "epsilon(0.01)")];
        assert_eq!(named(&[&two]), ["p/fold=1,rule=epsilon_0.01_"]);
        assert_eq!(named(&[&[("who", "../.x")]]), ["p/_._.x"]);
        let file = input("notes/a.txt", &[("path", "notes/a.txt")]);
        assert_eq!(names("p", &[file]), ["p/a.txt"]);
    }

    #[test]
    fn inputs_that_names_dont_tell_apart_are_numbered() {
        assert_eq!(
            named(&[&[("who", "a b")], &[("who", "a_b")]]),
            ["p/000000", "p/000001"]
        );
        assert_eq!(named(&[&[("who", "a")], &[]]), ["p/000000", "p/000001"]);
        let long = "x".repeat(300);
        assert_eq!(named(&[&[("who", &long)]]), ["p/000000"]);
    }
}
