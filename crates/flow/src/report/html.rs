//! Elements, text and addresses, each made safe where it is written.

use std::fmt::Write;

/// Text made safe inside HTML and attributes.
pub fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    push_escaped(&mut html, text);
    html
}

fn push_escaped(html: &mut String, text: &str) {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let name = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => continue,
        };
        html.push_str(&text[plain..at]);
        html.push_str(name);
        plain = at + 1;
    }
    html.push_str(&text[plain..]);
}

/// An element around HTML; attributes are escaped and written in the order of their names, so
/// that the same page has the same bytes. An attribute without a value is written bare.
pub fn tag(name: &str, attributes: &[(&str, &str)], inner: &str) -> String {
    tag_of(name, attributes, &[inner])
}

/// The same around HTML that lies in parts.
pub fn tag_of(name: &str, attributes: &[(&str, &str)], parts: &[&str]) -> String {
    let bytes: usize = parts.iter().map(|part| part.len()).sum();
    let mut html = String::with_capacity(bytes + 64);
    push_tag(&mut html, name, attributes, |html| {
        html.extend(parts.iter().copied());
    });
    html
}

/// An element around text.
pub fn words(name: &str, attributes: &[(&str, &str)], text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 64);
    push_words(&mut html, name, attributes, text);
    html
}

/// The same at the end of other HTML.
pub fn push_words(html: &mut String, name: &str, attributes: &[(&str, &str)], text: &str) {
    push_tag(html, name, attributes, |html| push_escaped(html, text));
}

/// An element at the end of other HTML, around what `push_inner` puts there.
pub fn push_tag(
    html: &mut String,
    name: &str,
    attributes: &[(&str, &str)],
    push_inner: impl FnOnce(&mut String),
) {
    html.push('<');
    html.push_str(name);
    match attributes.is_sorted() {
        true => push_attributes(html, attributes),
        false => {
            let mut sorted = attributes.to_vec();
            sorted.sort_unstable();
            push_attributes(html, &sorted);
        }
    }
    html.push('>');
    push_inner(html);
    html.push_str("</");
    html.push_str(name);
    html.push('>');
}

fn push_attributes(html: &mut String, attributes: &[(&str, &str)]) {
    for (attribute, value) in attributes {
        html.push(' ');
        html.push_str(attribute);
        if !value.is_empty() {
            html.push_str("=\"");
            push_escaped(html, value);
            html.push('"');
        }
    }
}

/// A remark in faint letters.
pub fn note(text: &str) -> String {
    words("p", &[("class", "note")], text)
}

/// A relative path as an address: everything but letters, digits, `-._~/` is percent-encoded, so
/// that it can be read neither as a scheme nor as a query.
pub fn href(path: &str) -> String {
    let mut address = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            address.push(char::from(byte));
        } else {
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address
}

/// JSON for a `script` element: `<` is written so that no text can end the element.
pub fn json(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    text.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_sorted_and_escaped() {
        let html = tag(
            "td",
            &[("title", "a\"<b"), ("class", "number"), ("hidden", "")],
            "1",
        );
        assert_eq!(
            html,
            "<td class=\"number\" hidden title=\"a&quot;&lt;b\">1</td>"
        );
    }

    #[test]
    fn text_is_escaped_once() {
        assert_eq!(
            words("b", &[], "p < 0.05 & \"n\""),
            "<b>p &lt; 0.05 &amp; &quot;n&quot;</b>"
        );
    }

    #[test]
    fn an_address_is_a_path_and_nothing_else() {
        assert_eq!(
            href("tables/local epsilon(0.01).csv"),
            "tables/local%20epsilon%280.01%29.csv"
        );
        assert_eq!(href("javascript:x?#"), "javascript%3Ax%3F%23");
    }

    #[test]
    fn no_text_ends_a_script() {
        assert_eq!(json(&"</script>"), "\"\\u003c/script>\"");
    }
}
