//! Figures inside the page.

use super::html::{escape, tag};

/// An SVG figure on a white card, its description in words below it; `caption` is HTML.
pub fn figure(svg: &str, caption: &str) -> String {
    let svg = inline(svg);
    let words = described(&svg).map_or_else(String::new, |text| {
        let summary = tag("summary", &[], "In words");
        // The description comes from the SVG, where it is escaped already.
        tag("details", &[], &format!("{summary}{}", tag("p", &[], text)))
    });
    let card = tag("div", &[("class", "card")], &svg);
    let caption = tag("figcaption", &[], &format!("{caption}{words}"));
    tag("figure", &[], &format!("{card}{caption}"))
}

/// The SVG without what only a file of its own needs: its XML declaration and its namespace.
fn inline(svg: &str) -> String {
    let svg = svg.find("<svg").map_or("", |at| &svg[at..]);
    svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1)
}

fn described(svg: &str) -> Option<&str> {
    let start = svg.find("<desc>")? + "<desc>".len();
    let length = svg[start..].find("</desc>")?;
    Some(svg[start..start + length].trim()).filter(|text| !text.is_empty())
}

/// What an artifact is called: node and output in words, then where it stands. An output that only says what
/// form it has, or repeats the node, adds nothing.
pub fn named(node: &str, output: &str, labels: &str) -> String {
    let plain = ["table", "figure", "picture", node].contains(&output);
    let title = if plain {
        node.to_owned()
    } else {
        format!("{node}: {output}")
    };
    let name = tag("strong", &[], &escape(&title));
    match labels {
        "" => name,
        labels => format!("{name}, {}", escape(&labels.replace('=', " "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SVG: &str = "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" \
        role=\"img\"><desc>n &lt; 5</desc></svg>";

    #[test]
    fn a_figure_names_no_address_and_is_told_in_words() {
        let html = figure(SVG, "c");
        assert!(!html.contains("http"), "{html}");
        assert!(html.contains("<p>n &lt; 5</p>"), "{html}");
        assert!(
            html.starts_with("<figure><div class=\"card\"><svg role"),
            "{html}"
        );
    }

    #[test]
    fn a_name_is_escaped() {
        let name = named("a<b", "figure", "rule=z+");
        assert_eq!(name, "<strong>a&lt;b</strong>, rule z+");
        assert_eq!(
            named("scores", "classes", ""),
            "<strong>scores: classes</strong>"
        );
    }
}
