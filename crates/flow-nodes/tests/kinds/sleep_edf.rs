//! `sleep-edf`: pairs, subjects, and what does not agree.

use std::io::{Cursor, Write};

use flow_contract::{Content, Input, Labels, NodeError, Value};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::lab::{Psg, Ran, evening, file, hypnogram, run, text, texts};

/// Subject tables in the layout of the release, written by xlwt.
const TELEMETRY: &[u8] = include_bytes!("../../../../tests/e2e/sleep-edf/ST-subjects.xls");
const CASSETTE: &[u8] = include_bytes!("../../../../tests/e2e/sleep-edf/SC-subjects.xls");

fn psg(path: &str, patient: &'static str) -> Input {
    let mut psg = Psg::of_seconds(30);
    psg.patient = patient;
    file(path, &psg.bytes())
}

fn scoring(path: &str, patient: &str) -> Input {
    file(
        path,
        &hypnogram(patient, evening(), &[(0.0, 30.0, "Sleep stage W")]),
    )
}

/// Both nights of the first subject.
fn two_nights() -> Vec<Input> {
    let patient = "X M X Male_60yr";
    vec![
        psg("data/ST7011J0-PSG.edf", patient),
        psg("data/ST7012J0-PSG.edf", patient),
        scoring("data/ST7011JP-Hypnogram.edf", patient),
        scoring("data/ST7012JP-Hypnogram.edf", patient),
    ]
}

fn study(files: Vec<Input>, subjects: &[u8], params: &[(&str, Value)]) -> Result<Ran, NodeError> {
    let subjects = file("subjects.xls", subjects);
    run(
        "sleep-edf",
        vec![("files", files), ("subjects", vec![subjects])],
        params,
    )
}

fn column(ran: &Ran, port: &str, column: &str) -> Vec<String> {
    ran.table(port).texts(column).unwrap()
}

fn said(files: Vec<Input>, subjects: &[u8]) -> String {
    study(files, subjects, &[]).unwrap_err().to_string()
}

#[test]
fn pairs_and_the_subject_table_become_recordings() {
    let ran = study(two_nights(), TELEMETRY, &[]).unwrap();
    let of = |name| column(&ran, "recordings", name);
    assert_eq!(of("recording"), ["ST7011", "ST7012"]);
    assert_eq!(of("subject"), ["01", "01"]);
    assert_eq!(of("medication"), ["placebo", "temazepam"]);
    assert_eq!(of("lights_off"), ["23:01", "23:48"]);
    assert_eq!(
        (of("age"), of("sex")),
        (vec!["60".into(); 2], vec!["male".into(); 2])
    );
    assert_eq!(
        of("psg"),
        ["data/ST7011J0-PSG.edf", "data/ST7012J0-PSG.edf"]
    );
    assert_eq!(of("hypnogram")[1], "data/ST7012JP-Hypnogram.edf");
    let [warning] = &ran.warnings[..] else {
        panic!("{:?}", ran.warnings)
    };
    assert!(
        warning.starts_with("rows of the subject table without files (42): ST7021 (row 4)"),
        "{warning}"
    );
    assert!(warning.ends_with("and 34 more"), "{warning}");
}

#[test]
fn one_means_female_in_the_cassette_study() {
    let files = vec![
        psg("SC4001E0-PSG.edf", "X F X Female_33yr"),
        scoring("SC4001EC-Hypnogram.edf", "X F X Female_33yr"),
        psg("SC4051E0-PSG.edf", "X M X Male_28yr"),
        scoring("SC4051EC-Hypnogram.edf", "X M X Male_28yr"),
    ];
    let ran = study(files, CASSETTE, &[]).unwrap();
    let of = |name| column(&ran, "recordings", name);
    assert_eq!(of("sex"), ["female", "male"]);
    assert_eq!(of("medication"), ["none", "none"]);
    assert_eq!(of("lights_off"), ["00:38", "23:05"]);
    assert_eq!(column(&ran, "differences", "fact"), ["files"]);
}

#[test]
fn the_table_wins_over_headers_and_the_difference_is_told() {
    let mut files = two_nights();
    files[0] = psg("data/ST7011J0-PSG.edf", "X F X Female_61yr");
    let ran = study(files, TELEMETRY, &[]).unwrap();
    assert_eq!(column(&ran, "recordings", "sex"), ["male", "male"]);
    assert_eq!(column(&ran, "recordings", "age"), ["60", "60"]);
    let of = |name| column(&ran, "differences", name)[..2].to_vec();
    assert_eq!(of("fact"), ["age", "sex"]);
    assert_eq!(
        (of("found"), of("expected")),
        (
            vec!["61".into(), "female".into()],
            vec!["60".into(), "male".into()]
        )
    );
    assert_eq!(of("file"), ["ST7011J0-PSG.edf"; 2]);
    assert_eq!(
        ran.warnings[0],
        "header and subject table differ on age; the table's is used (1): ST7011J0-PSG.edf: 61 for 60"
    );
}

#[test]
fn what_is_incomplete_is_refused_by_name_or_left_out() {
    let incomplete = || {
        let mut files = two_nights();
        files.remove(3);
        files.push(psg("data/ST7031J0-PSG.edf", "X"));
        files.push(scoring("data/ST7031JP-Hypnogram.edf", "X"));
        files
    };
    let words = said(incomplete(), TELEMETRY);
    assert!(
        words.contains("ST7012J0-PSG.edf lacks ST7012??-Hypnogram.edf"),
        "{words}"
    );
    assert!(
        words.contains("recordings without a row in the subject table (1): ST7031"),
        "{words}"
    );
    let ran = study(
        incomplete(),
        TELEMETRY,
        &[("incomplete", text("leave-out"))],
    )
    .unwrap();
    assert_eq!(column(&ran, "recordings", "recording"), ["ST7011"]);
    assert_eq!(column(&ran, "differences", "fact")[..2], ["partner", "row"]);
}

#[test]
fn nights_are_chosen_by_medication() {
    let ran = study(
        two_nights(),
        TELEMETRY,
        &[("medication", texts(&["temazepam"]))],
    )
    .unwrap();
    assert_eq!(column(&ran, "recordings", "recording"), ["ST7012"]);
    let none = study(two_nights(), TELEMETRY, &[("medication", texts(&["none"]))]);
    assert!(
        none.unwrap_err()
            .to_string()
            .contains("no recording of the study can be used")
    );
}

#[test]
fn files_that_dont_belong_are_named() {
    let words = said(two_nights(), CASSETTE);
    assert!(
        words.contains("data/ST7011J0-PSG.edf") && words.contains("the cassette study"),
        "{words}"
    );
    let mut twice = two_nights();
    twice.push(psg("copy/ST7011J0-PSG.edf", "X"));
    let words = said(twice, TELEMETRY);
    assert!(
        words.contains("data/ST7011J0-PSG.edf and copy/ST7011J0-PSG.edf"),
        "{words}"
    );
    let mut other = two_nights();
    other.push(file("data/notes.edf", b"?"));
    other.push(file("data/SHA256SUMS.txt", b"?"));
    let warnings = study(other, TELEMETRY, &[]).unwrap().warnings;
    assert!(
        warnings[0].ends_with("left out: data/notes.edf"),
        "{warnings:?}"
    );
    let mut broken = two_nights();
    broken[0] = file("data/ST7011J0-PSG.edf", b"<html>");
    assert!(said(broken, TELEMETRY).contains("`data/ST7011J0-PSG.edf` can't be read as EDF"));
    let unnamed = Input {
        labels: Labels::default(),
        content: Content::from(Vec::new()),
        ..psg("x", "X")
    };
    assert!(said(vec![unnamed], TELEMETRY).contains("does not come with its file name"));
}

/// A workbook of one sheet, in as few words as xlsx allows; numbers as numbers, the rest as text.
fn xlsx(rows: &[&[&str]]) -> Vec<u8> {
    let cell = |(column, text): (usize, &&str), row: usize| {
        let at = format!("{}{}", char::from(b'A' + column as u8), row + 1);
        match text.parse::<f64>() {
            _ if text.is_empty() => String::new(),
            Ok(number) => format!("<c r=\"{at}\"><v>{number}</v></c>"),
            Err(_) => format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>"),
        }
    };
    let row = |(index, cells): (usize, &&[&str])| {
        let cells: String = cells
            .iter()
            .enumerate()
            .map(|one| cell(one, index))
            .collect();
        format!("<row r=\"{}\">{cells}</row>", index + 1)
    };
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006";
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{office}/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let rows: String = rows.iter().enumerate().map(row).collect();
    let files = [
        (
            "[Content_Types].xml",
            format!("<Types xmlns=\"{package}/content-types\"/>"),
        ),
        ("_rels/.rels", relation("officeDocument", "xl/workbook.xml")),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            relation("worksheet", "worksheets/sheet1.xml"),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>"),
        ),
    ];
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const GROUPS: &[&str] = &[
    "Subject - age - sex",
    "",
    "",
    "Placebo night",
    "",
    "Temazepam night",
];
const HEADS: &[&str] = &[
    "Nr",
    "Age",
    "M1/F2",
    "night nr",
    "lights off",
    "night nr",
    "lights off",
];

#[test]
fn a_table_may_come_as_xlsx_with_clocks_in_words() {
    let table = xlsx(&[GROUPS, HEADS, &["1", "60", "f", "2", "23:01", "1", "0.5"]]);
    let ran = study(two_nights(), &table, &[]).unwrap();
    assert_eq!(
        column(&ran, "recordings", "medication"),
        ["temazepam", "placebo"]
    );
    assert_eq!(column(&ran, "recordings", "lights_off"), ["12:00", "23:01"]);
    assert_eq!(column(&ran, "recordings", "sex"), ["female", "female"]);
}

#[test]
fn a_cell_that_cant_be_understood_is_named_by_row_and_column() {
    let row: [&str; 7] = ["1", "60", "1", "1", "0.9", "2", "0.9"];
    let with = |column: usize, text: &'static str| {
        let mut row = row;
        row[column] = text;
        said(two_nights(), &xlsx(&[GROUPS, HEADS, &row]))
    };
    let place = |letter| format!("subjects.xls, sheet S, row 3, column {letter}");
    for (column, text, letter, wants) in [
        (
            1,
            "sixty",
            "B",
            "the cell holds `sixty`, where a whole number from 0 to 120",
        ),
        (2, "3", "C", "where 1 or 2 is wanted"),
        (0, "", "A", "the cell is empty"),
        (4, "25:00", "E", "where a time of day is wanted"),
    ] {
        let words = with(column, text);
        assert!(
            words.contains(wants) && words.contains(&place(letter)),
            "{words}"
        );
    }
    assert!(with(5, "1").contains("recording `ST7011` stands in row 3 and again in row 3"));
    let headless = said(
        two_nights(),
        &xlsx(&[GROUPS, &["Nr", "M1/F2", "night nr", "lights off"]]),
    );
    assert!(
        headless.contains("no column for the age") && headless.contains("`M1/F2`"),
        "{headless}"
    );
    let uncoded = ["Nr", "Age", "sex", "night", "lights off"];
    let words = said(
        two_nights(),
        &xlsx(&[&uncoded, &["1", "60", "1", "1", "0.9"]]),
    );
    assert!(words.contains("says what the codes mean"), "{words}");
    assert!(
        said(two_nights(), b"recording,subject\n")
            .contains("`subjects.xls` can't be read as a spreadsheet")
    );
}

/// The real tables, where they are.
#[test]
fn the_real_subject_tables_agree_with_other_readers() {
    let Some(folder) = std::env::var_os("FLOW_SAMPLE_DATA").map(std::path::PathBuf::from) else {
        let words = b"skipped: FLOW_SAMPLE_DATA is not set, so there are no real subject tables\n";
        std::io::stderr().write_all(words).unwrap();
        return;
    };
    let read = |name: &str| std::fs::read(folder.join("subjects").join(name)).unwrap();
    for (name, recordings, table) in [
        ("ST-subjects.xls", 44, "mne_temazepam_records.csv"),
        ("SC-subjects.xls", 153, "mne_age_records.csv"),
    ] {
        let known = String::from_utf8(read(table)).unwrap();
        let heads: Vec<&str> = known.lines().next().unwrap().split(',').collect();
        let at = |name: &str| heads.iter().position(|head| *head == name).unwrap();
        let rows: Vec<Vec<&str>> = known
            .lines()
            .skip(1)
            .map(|line| line.split(',').collect())
            .collect();
        let names = |row: &[&str]| {
            row.iter()
                .filter(|cell| cell.ends_with(".edf"))
                .map(|cell| (*cell).to_owned())
                .collect::<Vec<_>>()
        };
        let mut files = Vec::new();
        for path in rows.iter().flat_map(|row| names(row)) {
            files.push(match path.contains("PSG") {
                true => psg(&path, "X"),
                false => scoring(&path, "X"),
            });
        }
        let ran = study(files, &read(name), &[]).unwrap();
        let of = |name: &str| column(&ran, "recordings", name);
        let found: Vec<_> = of("recording")
            .into_iter()
            .zip(of("age"))
            .zip(of("sex"))
            .zip(of("lights_off"))
            .zip(of("medication"))
            .collect();
        assert_eq!(found.len(), recordings);
        for ((((recording, age), sex), lights_off), medication) in found {
            let row = rows
                .iter()
                .find(|row| names(row)[0].starts_with(&recording))
                .unwrap();
            assert_eq!(
                [age.as_str(), &sex],
                [row[at("age")], row[at("sex")]],
                "{recording}"
            );
            assert_eq!(
                format!("{lights_off}:00"),
                row[at("lights off")],
                "{recording}"
            );
            if name.starts_with("ST") {
                assert_eq!(medication, row[at("drug")].to_lowercase(), "{recording}");
            }
        }
    }
}
