//! A comparison as a plain SVG: means with their ranges, a line for each group.

use std::fmt::Write;

use super::group::Group;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 90.0;

/// Colours that differ in lightness too; marks and dashes tell groups apart without them.
const COLOURS: [&str; 6] = [
    "#1b4f8f", "#c1571a", "#2f7d4f", "#7a3b8f", "#8a6d00", "#444444",
];
const DASHES: [&str; 3] = ["", "6 3", "2 3"];
const MARKS: [&str; 4] = ["●", "■", "▲", "◆"];

/// The figure: values of the axis from left to right as they come, numbers upwards.
pub fn drawn(groups: &[Group], metric: &str, over: &str) -> String {
    let mut values: Vec<&str> = Vec::new();
    let mut series: Vec<&[String]> = Vec::new();
    for group in groups {
        if !values.contains(&group.over.as_str()) {
            values.push(&group.over);
        }
        if !series.contains(&group.by.as_slice()) {
            series.push(&group.by);
        }
    }
    let scale = Scale::over(groups, values.len());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    axes(&mut svg, &scale, &values, metric, over);
    for (at, by) in series.iter().enumerate() {
        let mine: Vec<&Group> = groups.iter().filter(|group| group.by == **by).collect();
        line(&mut svg, &scale, &values, &mine, at);
    }
    svg.push_str("</svg>\n");
    svg
}

/// From numbers to places.
struct Scale {
    least: f64,
    greatest: f64,
    count: usize,
}

impl Scale {
    fn over(groups: &[Group], count: usize) -> Self {
        let least = groups
            .iter()
            .map(|group| group.least)
            .fold(f64::INFINITY, f64::min);
        let greatest = groups
            .iter()
            .map(|group| group.greatest)
            .fold(f64::NEG_INFINITY, f64::max);
        let room = match greatest - least {
            0.0 => greatest.abs().max(1.0) * 0.1,
            range => range * 0.05,
        };
        Self {
            least: least - room,
            greatest: greatest + room,
            count,
        }
    }

    fn x(&self, at: usize) -> f64 {
        LEFT + (at as f64 + 0.5) * (WIDTH - LEFT - RIGHT) / self.count.max(1) as f64
    }

    fn y(&self, value: f64) -> f64 {
        let part = (value - self.least) / (self.greatest - self.least);
        HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)
    }
}

fn axes(svg: &mut String, scale: &Scale, values: &[&str], metric: &str, over: &str) {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let _ = writeln!(
        svg,
        "<path d=\"M{LEFT} {TOP}V{bottom}H{right}\" fill=\"none\" stroke=\"black\"/>"
    );
    for at in 0..5 {
        let value = scale.least + (scale.greatest - scale.least) * f64::from(at) / 4.0;
        let y = scale.y(value);
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {y:.1}h-4\" stroke=\"black\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 7.0,
            y + 4.0,
            tick(value)
        );
    }
    for (at, value) in values.iter().enumerate() {
        let x = scale.x(at);
        let _ = writeln!(
            svg,
            "<text transform=\"translate({x:.1} {:.1}) rotate(-30)\" text-anchor=\"end\">{}</text>",
            bottom + 16.0,
            escaped(value)
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"18\">{} over {}: mean, least to greatest</text>",
        escaped(metric),
        escaped(over)
    );
}

/// Three significant digits.
fn tick(value: f64) -> String {
    let text = format!("{value:.2e}");
    text.parse::<f64>()
        .map_or(text, |rounded| rounded.to_string())
}

fn line(svg: &mut String, scale: &Scale, values: &[&str], groups: &[&Group], at: usize) {
    let colour = COLOURS[at % COLOURS.len()];
    let (dash, mark) = (DASHES[at % DASHES.len()], MARKS[at % MARKS.len()]);
    let mut path = String::new();
    for group in groups {
        let place = values
            .iter()
            .position(|value| *value == group.over)
            .unwrap_or(0);
        let (x, y) = (scale.x(place), scale.y(group.mean));
        let _ = write!(
            path,
            "{}{x:.1} {y:.1}",
            if path.is_empty() { "M" } else { "L" }
        );
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {:.1}V{:.1}\" stroke=\"{colour}\" opacity=\"0.5\"/><text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{colour}\" text-anchor=\"middle\">{mark}</text>",
            scale.y(group.least),
            scale.y(group.greatest),
            y + 4.0
        );
    }
    let _ = writeln!(
        svg,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-dasharray=\"{dash}\"/>"
    );
    let name = groups
        .first()
        .map_or_else(String::new, |group| group.by.join(", "));
    let y = TOP + 18.0 * at as f64;
    if !name.is_empty() {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{mark} {}</text>",
            WIDTH - RIGHT + 12.0,
            escaped(&name)
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
