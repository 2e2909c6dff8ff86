//! `[report]`.

use crate::complaints::Complaints;
use crate::item::{Data, Item, Table};
use crate::{Report, Section, Shown};

use super::head::text;
use super::{Study, outputs, unknown_key, wrong_sort};

/// Reads what the report shows.
pub(super) fn read(study: &Study<'_>, table: &Table<'_>, complaints: &mut Complaints) -> Report {
    let mut report = Report {
        title: None,
        sections: Vec::new(),
    };
    for entry in &table.entries {
        match entry.key.as_ref() {
            "title" => report.title = text(&entry.item, "title", study.params_only(), complaints),
            "section" => report.sections = sections(study, &entry.item, complaints),
            _ => unknown_key(entry, "[report]", &["title", "section"], complaints),
        }
    }
    report
}

fn sections(study: &Study<'_>, item: &Item<'_>, complaints: &mut Complaints) -> Vec<Section> {
    let Data::List(list) = &item.data else {
        wrong_sort(
            item,
            "`section`",
            "a list, as in [[report.section]]",
            complaints,
        );
        return Vec::new();
    };
    let tables = list.iter().filter_map(|item| match &item.data {
        Data::Table(table) => Some(section(study, table, complaints)),
        _ => {
            wrong_sort(
                item,
                "a section",
                "a table, as in [[report.section]]",
                complaints,
            );
            None
        }
    });
    tables.collect()
}

fn section(study: &Study<'_>, table: &Table<'_>, complaints: &mut Complaints) -> Section {
    let mut section = Section {
        title: String::new(),
        text: None,
        show: Vec::new(),
    };
    for entry in &table.entries {
        let key = entry.key.as_ref();
        match key {
            "title" => {
                let title = text(&entry.item, key, study.params_only(), complaints);
                section.title = title.unwrap_or_default();
            }
            "text" => section.text = text(&entry.item, key, study.params_only(), complaints),
            "show" => section.show = show(study, &entry.item, complaints),
            _ => unknown_key(entry, "a section", &["title", "text", "show"], complaints),
        }
    }
    section
}

fn show(study: &Study<'_>, item: &Item<'_>, complaints: &mut Complaints) -> Vec<Shown> {
    let items = match &item.data {
        Data::List(items) => items.as_slice(),
        _ => std::slice::from_ref(item),
    };
    let shown = items.iter().filter_map(|item| {
        let Some(text) = item.text() else {
            wrong_sort(item, "an entry of `show`", "\"node.output\"", complaints);
            return None;
        };
        let parts = outputs::read_output(study, text, item.span, complaints)?;
        let found = outputs::find_output(study, parts.node, parts.output, item.span, complaints);
        let (node, _) = found?;
        for (axis, value) in &parts.labels {
            let given = study.outline(node);
            let swept_away = study.overridden && given.axes.iter().any(|own| own.name == *axis);
            if !swept_away {
                outputs::check_label(given, axis, value, item.span, complaints);
            }
        }
        let select = parts.labels.iter().filter_map(|(axis, value)| {
            let template = study.params_only().text(value, item.span, complaints)?;
            Some(((*axis).to_owned(), template.as_fixed()?.clone()))
        });
        Some(Shown {
            node,
            output: parts.output.to_owned(),
            select: select.collect(),
        })
    });
    shown.collect()
}
