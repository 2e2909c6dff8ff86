//! The page as a whole.

use super::facts::Facts;
use super::head::summary;
use super::html::{escape, push_tag, tag, words};
use super::night::MARK;
use super::nodes::push_run;
use super::section::{Results, anchor, section};

const STYLE: &str = include_str!("style.css");
const TABLES: &str = include_str!("tables.js");
const NIGHT: &str = include_str!("night.js");
/// uPlot as its package has it (`tests/browser/run` compares), which draws what `night.js` asks for.
const UPLOT: &str = include_str!("uplot/uPlot.iife.min.js");
const UPLOT_STYLE: &str = include_str!("uplot/uPlot.min.css");
const UPLOT_LICENCE: &str = include_str!("uplot/LICENSE");
/// What the page may load: what it holds itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
    img-src data:";

/// The whole page.
pub fn page(facts: &Facts, results: &Results<'_>) -> String {
    let plan = &results.study.plan;
    let title = plan.report().and_then(|report| report.title.clone());
    let title = title.unwrap_or_else(|| plan.name().to_owned());
    let mut contents = vec![("summary".to_owned(), "Summary".to_owned())];
    let sections = plan.report().map_or(&[][..], |report| &report.sections);
    for (index, part) in sections.iter().enumerate() {
        contents.push((anchor(index), part.title.clone()));
    }
    contents.push(("run".to_owned(), "The run".to_owned()));
    let mut main = String::new();
    push_tag(
        &mut main,
        "main",
        &[("id", "main"), ("tabindex", "-1")],
        |main| {
            main.push_str(&summary(facts, results));
            for (index, part) in sections.iter().enumerate() {
                main.push_str(&section(index, part, results));
            }
            push_run(main, facts, &results.files);
        },
    );
    let description = plan.description().unwrap_or_default();
    document(&title, &[&top(&title, description), &nav(&contents), &main])
}

fn document(title: &str, parts: &[&str]) -> String {
    let library = parts.iter().any(|part| part.contains(MARK));
    let style = if library { UPLOT_STYLE } else { "" };
    let head = format!(
        "<meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\
         <link rel=\"icon\" href=\"data:,\"><title>{}</title><style>{style}{STYLE}</style>",
        escape(title)
    );
    let mut scripts = tag("script", &[], TABLES);
    if library {
        scripts.push_str(&licence());
        scripts.push_str(&tag("script", &[], UPLOT));
        scripts.push_str(&tag("script", &[], NIGHT));
    }
    let (skip, head) = (skip(), tag("head", &[], &head));
    let before = [
        "<!doctype html>\n<html lang=\"en\">",
        &head,
        "<body>",
        &skip,
    ];
    let after = [&scripts, "</body></html>\n"];
    [&before[..], parts, &after].concat().concat()
}

/// The licence of the library that the page carries, as it asks.
fn licence() -> String {
    let summary = words("summary", &[], "Recordings are drawn by uPlot; its licence");
    let text = words("pre", &[], UPLOT_LICENCE);
    tag("footer", &[], &tag("details", &[], &(summary + &text)))
}

fn skip() -> String {
    words(
        "a",
        &[("class", "skip"), ("href", "#main")],
        "Skip to the results",
    )
}

fn top(title: &str, description: &str) -> String {
    let lead = words("p", &[("class", "lead")], description);
    tag("header", &[], &(words("h1", &[], title) + &lead))
}

fn nav(contents: &[(String, String)]) -> String {
    let item = |(anchor, title): &(String, String)| {
        tag(
            "li",
            &[],
            &words("a", &[("href", &format!("#{anchor}"))], title),
        )
    };
    let items: String = contents.iter().map(item).collect();
    tag(
        "nav",
        &[("aria-label", "Contents")],
        &tag("ol", &[], &items),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_itself_names_no_address() {
        let html = document("a < b", &[&top("a < b", "c & d")]);
        for word in ["http:", "https:", "url(", "@import", "src=", "fetch("] {
            assert!(!html.contains(word), "{word}");
        }
        assert!(html.contains("<title>a &lt; b</title>") && html.contains("c &amp; d"));
    }

    #[test]
    fn a_page_with_recordings_carries_the_library_with_its_licence_and_others_do_not() {
        let with = document("t", &[&tag("div", &[(MARK, "")], "")]);
        assert!(with.contains(UPLOT) && with.contains("Copyright (c) 2022 Leon Sorokin"));
        assert!(!UPLOT.contains("</script") && !UPLOT_STYLE.contains("</style"));
        assert!(!document("t", &[]).contains("uPlot"));
    }

    #[test]
    fn contents_lead_to_sections() {
        let html = nav(&[("section-1".to_owned(), "Data & folds".to_owned())]);
        assert!(
            html.contains("<a href=\"#section-1\">Data &amp; folds</a>"),
            "{html}"
        );
    }
}
