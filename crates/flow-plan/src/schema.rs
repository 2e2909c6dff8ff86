//! The JSON Schema of the study file, for editors; made from the tables that the checks read.

use flow_contract::{Arity, Catalog, Descriptor, Literal, ParamSpec, ParamType, Value};

use crate::check::{FORMS, HEAD_KEYS, WORDS, Word, WordShape};

/// The JSON Schema (draft 7) of study files over a catalog, as JSON text.
///
/// It describes keys and the sorts of their values, for completion and first marks in an editor;
/// what only a whole study can tell, such as types on edges, is for [`plan`](crate::plan).
#[must_use]
pub fn schema(catalog: &dyn Catalog) -> String {
    let kinds: Vec<&Descriptor> = catalog
        .kinds()
        .iter()
        .map(|kind| kind.descriptor())
        .collect();
    let head = HEAD_KEYS.iter().map(|(key, doc)| {
        let ty = if *key == "seed" {
            whole(0, i64::MAX)
        } else {
            text()
        };
        (*key, open(ty, doc))
    });
    let parts = [
        ("study", Json::Object(closed(head.collect(), &[]))),
        ("params", params()),
        (
            "pools",
            map_of(open(whole(1, i64::from(u32::MAX)), "how many at once")),
        ),
        ("node", map_of(node(&kinds))),
        ("report", report()),
    ];
    let mut schema = closed(parts.into(), &[]);
    schema.push((
        "$schema",
        text_of("http://json-schema.org/draft-07/schema#"),
    ));
    schema.push(("title", text_of("A study of flow")));
    let definitions = kinds
        .iter()
        .map(|kind| (kind.name, Json::Object(of_kind(kind))));
    schema.push(("definitions", Json::Object(definitions.collect())));
    let mut out = String::new();
    Json::Object(schema).write(&mut out, 0);
    out.push('\n');
    out
}

/// A part of a schema, with its keys in order.
type Part = Vec<(&'static str, Json)>;

/// JSON as far as schemas need it.
enum Json {
    Bool(bool),
    Value(Value),
    List(Vec<Json>),
    Object(Part),
}

impl Json {
    fn write(&self, out: &mut String, depth: usize) {
        match self {
            Self::Bool(bool) => out.push_str(&bool.to_string()),
            Self::Value(value) => out.push_str(&scalar(value)),
            Self::List(list) => {
                let parts = list.iter().map(|part| (None, part));
                write_parts(out, depth, ('[', ']'), parts.collect());
            }
            Self::Object(object) => {
                let parts = object.iter().map(|(key, part)| (Some(*key), part));
                write_parts(out, depth, ('{', '}'), parts.collect());
            }
        }
    }
}

fn write_parts(
    out: &mut String,
    depth: usize,
    (open, close): (char, char),
    parts: Vec<(Option<&str>, &Json)>,
) {
    out.push(open);
    for (at, (key, part)) in parts.iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        if let Some(key) = key {
            out.push_str(&quoted(key));
            out.push_str(": ");
        }
        part.write(out, depth + 1);
    }
    if !parts.is_empty() {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
    out.push(close);
}

/// A value as JSON; numbers that JSON can't say are null.
fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Float(float) if !float.is_finite() => "null".to_owned(),
        Value::Bool(_) | Value::Int(_) => value.to_string(),
        Value::Float(float) => format!("{float:?}"),
        Value::Text(text) => quoted(text),
        Value::List(list) => {
            let list: Vec<String> = list.iter().map(scalar).collect();
            format!("[{}]", list.join(", "))
        }
        Value::Map(map) => {
            let pairs = map
                .iter()
                .map(|(k, v)| format!("{}: {}", quoted(k), scalar(v)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

fn text_of(text: &str) -> Json {
    Json::Value(Value::from(text))
}

fn of_type(ty: &str) -> Part {
    vec![("type", text_of(ty))]
}

fn text() -> Part {
    of_type("string")
}

fn whole(min: i64, max: i64) -> Part {
    let mut part = of_type("integer");
    if min != i64::MIN {
        part.push(("minimum", Json::Value(Value::Int(min))));
    }
    if max != i64::MAX {
        part.push(("maximum", Json::Value(Value::Int(max))));
    }
    part
}

fn described(mut part: Part, doc: &str) -> Json {
    part.push(("description", text_of(doc)));
    Json::Object(part)
}

/// A value in whose place a reference may stand.
fn open(part: Part, doc: &str) -> Json {
    let reference = vec![("type", text_of("string")), ("pattern", text_of("\\$"))];
    let either = vec![Json::Object(part), Json::Object(reference)];
    described(vec![("anyOf", Json::List(either))], doc)
}

/// A table with these keys and no others.
fn closed(properties: Vec<(&'static str, Json)>, required: &[&str]) -> Part {
    let mut part = of_type("object");
    part.push(("properties", Json::Object(properties)));
    part.push(("additionalProperties", Json::Bool(false)));
    if !required.is_empty() {
        let required = required.iter().map(|key| text_of(key));
        part.push(("required", Json::List(required.collect())));
    }
    part
}

fn map_of(value: Json) -> Json {
    Json::Object(map_part(value))
}

fn map_part(value: Json) -> Part {
    let mut part = of_type("object");
    part.push(("additionalProperties", value));
    part
}

fn list_of(value: Json) -> Part {
    let mut part = of_type("array");
    part.push(("items", value));
    part
}

/// A node is what its kind says, once the kind is known.
fn node(kinds: &[&Descriptor]) -> Json {
    let names = kinds.iter().map(|kind| text_of(kind.name)).collect();
    let kind = vec![
        ("enum", Json::List(names)),
        ("description", text_of("what the node does")),
    ];
    let rules = kinds.iter().map(|kind| {
        let is = vec![("const", text_of(kind.name))];
        let is = vec![("kind", Json::Object(is))];
        let when = vec![("properties", Json::Object(is))];
        let path = format!("#/definitions/{}", kind.name);
        let then = vec![("$ref", text_of(&path))];
        Json::Object(vec![
            ("if", Json::Object(when)),
            ("then", Json::Object(then)),
        ])
    });
    let mut part = of_type("object");
    part.push(("required", Json::List(vec![text_of("kind")])));
    part.push((
        "properties",
        Json::Object(vec![("kind", Json::Object(kind))]),
    ));
    part.push(("allOf", Json::List(rules.collect())));
    Json::Object(part)
}

fn of_kind(kind: &Descriptor) -> Part {
    let words = WORDS
        .iter()
        .filter(|word| word.name != "seed" || kind.seeded);
    let mut properties: Vec<(&'static str, Json)> =
        words.map(|w| (w.name, word(w, kind))).collect();
    let mut required = vec!["kind"];
    for port in kind.inputs {
        let std::borrow::Cow::Borrowed(name) = port.name else {
            continue;
        };
        let doc = format!("{}: {}", port.ty, port.doc);
        properties.push((name, described(source(port.arity == Arity::Many), &doc)));
        if port.arity == Arity::One {
            required.push(name);
        }
    }
    let specs = kind.params.iter();
    for spec in specs.filter(|spec| !(kind.open_ports && spec.name == "outputs")) {
        properties.push((spec.name, param(spec)));
        if spec.default.is_none() {
            required.push(spec.name);
        }
    }
    if kind.open_ports {
        properties.push(("inputs", map_of(Json::Object(source(true)))));
        properties.push(("outputs", map_of(output())));
    }
    let mut part = closed(properties, &required);
    part.push(("description", text_of(kind.summary)));
    part
}

fn param(spec: &ParamSpec) -> Json {
    let doc = match spec.unit.is_empty() {
        true => spec.doc.to_owned(),
        false => format!("{} (in {})", spec.doc, spec.unit),
    };
    let mut part = vec![open(param_type(&spec.ty), &doc)];
    if let (Json::Object(part), Some(default)) = (&mut part[0], &spec.default)
        && *default != Literal::Null
    {
        part.push(("default", Json::Value(Value::from(default))));
    }
    part.remove(0)
}

fn param_type(ty: &ParamType) -> Part {
    match ty {
        ParamType::Bool => of_type("boolean"),
        ParamType::Int { min, max } => whole(*min, *max),
        ParamType::Float { min, max } => {
            let mut part = of_type("number");
            let bounds = [("minimum", *min), ("maximum", *max)];
            let finite = bounds
                .into_iter()
                .filter(|(_, bound)| bound.abs() < f64::MAX);
            part.extend(finite.map(|(key, bound)| (key, Json::Value(Value::Float(bound)))));
            part
        }
        ParamType::Text => text(),
        ParamType::Choice(choices) => {
            let choices = choices.iter().map(|choice| text_of(choice));
            vec![("enum", Json::List(choices.collect()))]
        }
        ParamType::List(inner) => list_of(open(param_type(inner), "an entry")),
        ParamType::Map(inner) => {
            let mut part = of_type("object");
            part.push(("additionalProperties", open(param_type(inner), "a value")));
            part
        }
        ParamType::Scalar => scalar_part(),
    }
}

/// `"node.output"`, a file, or a list of them.
fn source(many: bool) -> Part {
    let one = |key| Json::Object(closed(vec![(key, Json::Object(text()))], &[key]));
    let mut either = vec![Json::Object(text()), one("file")];
    if many {
        either.push(one("files"));
        let each = vec![Json::Object(text()), one("file"), one("files")];
        either.push(Json::Object(list_of(Json::Object(vec![(
            "anyOf",
            Json::List(each),
        )]))));
    }
    vec![("anyOf", Json::List(either))]
}

/// The path of a declared output, with its type.
fn output() -> Json {
    let forms = FORMS.iter().map(|(word, _)| text_of(word));
    let properties = vec![
        ("path", Json::Object(text())),
        (
            "type",
            Json::Object(vec![("enum", Json::List(forms.collect()))]),
        ),
    ];
    let typed = Json::Object(closed(properties, &["path"]));
    Json::Object(vec![(
        "anyOf",
        Json::List(vec![Json::Object(text()), typed]),
    )])
}

/// A value for each of any number of names.
fn params() -> Json {
    let types = ["boolean", "number", "string", "array"].map(text_of);
    let value = Json::Object(vec![("type", Json::List(types.into()))]);
    described(map_part(value), "what `--set` and `--sweep` may change")
}

fn word(word: &Word, kind: &Descriptor) -> Json {
    let part = match word.shape {
        WordShape::Text => text(),
        WordShape::Whole { least } => return open(whole(least, i64::from(u32::MAX)), word.doc),
        WordShape::Bool => return open(of_type("boolean"), word.doc),
        WordShape::Axes => map_part(any_of(vec![
            text(),
            list_of(any_of(vec![scalar_part(), of_type("object")])),
            closed(vec![("files", Json::Object(text()))], &["files"]),
        ])),
        WordShape::Groups => list_of(Json::Object(list_of(Json::Object(text())))),
        WordShape::Points => list_of(map_of(Json::Object(scalar_part()))),
        WordShape::Paths => paths(kind),
        WordShape::Places => map_part(open(whole(0, i64::from(u32::MAX)), "how many places")),
    };
    described(part, word.doc)
}

/// A path, or several, for outputs of a kind; a command's are those that it declares.
fn paths(kind: &Descriptor) -> Part {
    let path = || any_of(vec![text(), list_of(Json::Object(text()))]);
    if kind.open_ports {
        return map_part(path());
    }
    let names = kind.outputs.iter().filter_map(|port| match port.name {
        std::borrow::Cow::Borrowed(name) => Some((name, path())),
        std::borrow::Cow::Owned(_) => None,
    });
    closed(names.collect(), &[])
}

fn scalar_part() -> Part {
    let types = ["boolean", "number", "string"].map(text_of);
    vec![("type", Json::List(types.into()))]
}

fn any_of(parts: Vec<Part>) -> Json {
    let parts = parts.into_iter().map(Json::Object);
    Json::Object(vec![("anyOf", Json::List(parts.collect()))])
}

fn report() -> Json {
    let section = closed(
        vec![
            ("title", Json::Object(text())),
            ("text", Json::Object(text())),
            ("show", Json::Object(list_of(Json::Object(text())))),
        ],
        &[],
    );
    let sections = list_of(Json::Object(section));
    let parts = vec![
        ("title", Json::Object(text())),
        ("section", Json::Object(sections)),
    ];
    Json::Object(closed(parts, &[]))
}
