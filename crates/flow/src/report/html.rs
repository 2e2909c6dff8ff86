//! The page.

use flow_contract::Form;
use flow_engine::{Finished, Summary};
use flow_nodes::CATALOG;
use flow_plan::{Section, Shown};
use flow_store::Store;

use super::facts::Facts;
use super::table::table;
use crate::study::Study;

const STYLE: &str = include_str!("style.css");

/// Text made safe inside HTML and attributes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The whole page.
pub fn page(study: &Study, store: &Store, summary: &Summary, facts: &Facts) -> String {
    let plan = &study.plan;
    let title = plan.report().and_then(|report| report.title.clone());
    let title = escape(&title.unwrap_or_else(|| plan.name().to_owned()));
    let sections: String = plan
        .report()
        .iter()
        .flat_map(|report| &report.sections)
        .enumerate()
        .map(|(index, section)| section_html(index, section, study, store, summary))
        .collect();
    let contents: String = plan
        .report()
        .iter()
        .flat_map(|report| &report.sections)
        .enumerate()
        .map(|(index, section)| {
            format!(
                "<li><a href=\"#s{index}\">{}</a></li>",
                escape(&section.title)
            )
        })
        .collect();
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head><body>\
         <header><h1>{title}</h1><p>{}</p>{}</header><nav aria-label=\"Contents\"><ul>{contents}\
         <li><a href=\"#run\">The run</a></li></ul></nav><main>{sections}{}</main></body></html>\n",
        escape(plan.description().unwrap_or_default()),
        provenance(facts),
        run_section(facts),
    )
}

fn provenance(facts: &Facts) -> String {
    let params: Vec<String> = facts
        .params
        .iter()
        .map(|(name, value)| format!("{} = {}", escape(name), escape(&value.to_string())))
        .collect();
    format!(
        "<p class=\"note\">Made by flow {} in run <code>{}</code>: {} ran, {} cached, {} failed, {} skipped, on {} \
         cores. Params: <code>{}</code>.</p>",
        facts.flow,
        escape(&facts.run),
        facts.ran,
        facts.cached,
        facts.failed,
        facts.skipped,
        facts.jobs,
        params.join(", ")
    )
}

fn section_html(
    index: usize,
    section: &Section,
    study: &Study,
    store: &Store,
    summary: &Summary,
) -> String {
    let mut html = format!(
        "<section id=\"s{index}\"><h2>{}</h2>",
        escape(&section.title)
    );
    let text = section.text.as_deref().unwrap_or_default();
    for paragraph in text.split("\n\n").filter(|text| !text.trim().is_empty()) {
        html.push_str(&format!("<p>{}</p>", escape(paragraph.trim())));
    }
    for shown in &section.show {
        let node = study.plan.node(shown.node);
        let done: Vec<&Finished> = summary
            .finished
            .iter()
            .filter(|done| done.address.node == node.name && selected(done, shown))
            .collect();
        if done.is_empty() {
            html.push_str(&format!(
                "<p class=\"note\">{}: not there in this run.</p>",
                escape(&node.name)
            ));
        }
        for done in done {
            html.push_str(&artifact(study, store, done, &shown.output, shown.node));
        }
    }
    html.push_str("</section>");
    html
}

/// Whether an instance has the values that the section asks for.
fn selected(done: &Finished, shown: &Shown) -> bool {
    shown.select.iter().all(|(axis, value)| {
        done.address
            .labels
            .get(axis)
            .is_some_and(|has| has.to_string() == value.to_string())
    })
}

fn artifact(
    study: &Study,
    store: &Store,
    done: &Finished,
    output: &str,
    node: flow_plan::NodeId,
) -> String {
    let name = format!("{}.{output}", done.address);
    let ports = &study.plan.node(node).signature.outputs;
    let form = ports
        .iter()
        .find(|port| port.name == output)
        .map(|port| port.ty.form);
    let digest = done
        .outputs
        .iter()
        .find(|(port, ..)| port == output)
        .map(|(_, digest, _)| digest);
    let content = digest.and_then(|digest| store.get(digest).ok());
    let (Some(form), Some(content)) = (form, content) else {
        return format!("<p class=\"note\">{}: not there.</p>", escape(&name));
    };
    match form {
        Form::Figure => {
            let svg = String::from_utf8_lossy(&content);
            // An XML declaration has no place inside HTML.
            let svg = svg.find("<svg").map_or("", |at| &svg[at..]);
            format!("<figure class=\"card\">{svg}</figure>")
        }
        Form::Table => match CATALOG.table(&content) {
            Ok((columns, rows)) => table(&name, &columns, &rows),
            Err(error) => format!(
                "<p class=\"note\">{}: {}</p>",
                escape(&name),
                escape(&error)
            ),
        },
        _ => format!(
            "<p class=\"note\">{}: {} bytes.</p>",
            escape(&name),
            content.len()
        ),
    }
}

fn run_section(facts: &Facts) -> String {
    let mut rows = String::new();
    for node in &facts.nodes {
        rows.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td><td class=\"number\">{:.2}</td><td>{}</td><td>{}</td></tr>",
            escape(&node.name), escape(&node.kind), node.instances, node.ran, node.cached, node.seconds,
            escape(&node.needs.join(", ")), escape(node.why.as_deref().unwrap_or("–")),
        ));
    }
    format!(
        "<section id=\"run\"><h2>The run</h2><div class=\"scroll\"><table><caption>Nodes, their state and time</caption>\
         <thead><tr><th scope=\"col\">node</th><th scope=\"col\">kind</th><th scope=\"col\">instances</th>\
         <th scope=\"col\">ran</th><th scope=\"col\">cached</th><th scope=\"col\">run time [s]</th>\
         <th scope=\"col\">needs</th><th scope=\"col\">why it ran</th></tr></thead><tbody>{rows}</tbody></table></div></section>"
    )
}
