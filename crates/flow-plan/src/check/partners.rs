//! Whether each instance finds the one it needs where axes don't combine freely.

use std::collections::HashSet;

use flow_contract::Arity;

use crate::complaints::Complaints;
use crate::mistake::{AxisMistake, SourceMistake};
use crate::{AxisValues, NodeId, Point, Scope, Source, Span, Template};

use super::nodes::Draft;
use super::{Outline, Study};

/// Checks ports that take one artifact from a node that leaves combinations out, or for a node
/// that adds some. Where an axis is known only at run time, the run finds out.
pub(super) fn check_all(study: &Study<'_>, drafts: &[Draft], complaints: &mut Complaints) {
    for (outline, draft) in study.nodes.iter().zip(drafts) {
        if !outline.combine.exclude.is_empty() && points(outline).is_some_and(|all| all.is_empty())
        {
            let item = outline.table.get("exclude");
            let span = item.map_or(outline.span, |item| item.span);
            complaints.add(span, AxisMistake::NothingLeft);
        }
        for binding in &draft.bindings {
            if binding.arity == Arity::Many {
                continue;
            }
            for source in &binding.sources {
                check(study, outline, draft, source, complaints);
            }
        }
    }
}

fn check(
    study: &Study<'_>,
    outline: &Outline<'_>,
    draft: &Draft,
    source: &Source,
    complaints: &mut Complaints,
) {
    let Source::Output { node, select, .. } = source else {
        return;
    };
    let given = study.outline(*node);
    if given.combine.is_product() && outline.combine.include.is_empty() {
        return;
    }
    let (Some(own), Some(theirs)) = (points(outline), points(given)) else {
        return;
    };
    let there: HashSet<String> = theirs
        .iter()
        .map(|point| point.labels.to_string())
        .collect();
    let lost = own.iter().find_map(|point| {
        let partner = partner(given, select, point)?;
        (!there.contains(&partner)).then(|| (point.labels.to_string(), partner))
    });
    if let Some((instance, partner)) = lost {
        let mistake = SourceMistake::NoPartner {
            node: outline.name.to_owned(),
            source: given.name.to_owned(),
            instance,
            partner,
        };
        complaints.add(place(draft, *node).unwrap_or(outline.span), mistake);
    }
}

fn place(draft: &Draft, node: NodeId) -> Option<Span> {
    let mut connected = draft.connected.iter();
    connected
        .find(|(from, _)| *from == node)
        .map(|(_, span)| *span)
}

/// The address of the instance of `given` that an instance takes from.
fn partner(given: &Outline<'_>, select: &[(String, Template)], point: &Point) -> Option<String> {
    let label = |axis: &String| -> Option<String> {
        let chosen = select.iter().find(|(name, _)| name == axis);
        let value = match chosen {
            Some((_, template)) => text_at(template, &point.scope)?,
            None => point.labels.get(axis)?.to_string(),
        };
        Some(format!("{axis}={value}"))
    };
    let labels: Option<Vec<String>> = given.axes.iter().map(|axis| label(&axis.name)).collect();
    labels.map(|labels| labels.join(","))
}

fn text_at(template: &Template, scope: &Scope) -> Option<String> {
    template.text_at(scope).ok()
}

/// All instances of a node whose axes are written out.
fn points(outline: &Outline<'_>) -> Option<Vec<Point>> {
    let axes = outline.axes.iter().map(|axis| {
        let values = axis.values.clone()?;
        let listed = matches!(values, AxisValues::Listed(_));
        let name = axis.name.clone();
        listed.then_some(crate::Axis { name, values })
    });
    let axes: Vec<crate::Axis> = axes.collect::<Option<_>>()?;
    crate::points::expand_listed(&axes, &outline.combine).ok()
}
