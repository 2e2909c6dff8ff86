//! `epoch`: every epoch of a night is kept or dropped for a reason.

use std::path::{Path, PathBuf};

use flow_contract::{NodeError, Value};
use flow_edf::{EdfWriter, Format, NewSignal, Recording, Samples};

use crate::lab::{Psg, Ran, evening, file, hypnogram, run, text, texts};

const CHANNELS: [&str; 2] = ["EEG: EEG Fpz-Cz", "EMG: EMG submental"];

fn epochs(psg: &[u8], scoring: &[u8], more: &[(&str, Value)]) -> Result<Ran, NodeError> {
    let inputs = vec![
        ("psg", vec![file("ST7011J0-PSG.edf", psg)]),
        ("hypnogram", vec![file("ST7011JP-Hypnogram.edf", scoring)]),
    ];
    let params = [
        &[("channels", texts(&CHANNELS)), ("marker", text("Marker"))],
        more,
    ]
    .concat();
    run("epoch", inputs, &params)
}

/// Onset in epochs, stage and reason of every row.
fn rows(ran: &Ran) -> Vec<(f64, String, String)> {
    let table = ran.table("table");
    let (stage, reason) = (
        table.texts("stage").unwrap(),
        table.texts("reason").unwrap(),
    );
    let kept = table.bools("kept").unwrap();
    let onsets = table.floats("onset").unwrap();
    let rows = onsets.into_iter().zip(stage).zip(reason).zip(kept);
    rows.map(|(((onset, stage), reason), kept)| {
        assert_eq!(kept, reason.is_empty());
        (onset.unwrap() / 30.0, stage, reason)
    })
    .collect()
}

fn reasons(ran: &Ran) -> Vec<String> {
    rows(ran).into_iter().map(|row| row.2).collect()
}

const NIGHT: [(f64, f64, &str); 6] = [
    (60.0, 60.0, "Sleep stage W"),
    (120.0, 30.0, "Sleep stage 1"),
    (150.0, 30.0, "Movement time"),
    (180.0, 60.0, "Sleep stage 4"),
    (240.0, 30.0, "Sleep stage ?"),
    (330.0, 60.0, "Sleep stage R"),
];

#[test]
fn every_epoch_of_the_night_has_its_reason() {
    let mut psg = Psg::of_seconds(500);
    psg.marker[125] = -30;
    psg.flat[180..240].fill(true);
    let scoring = hypnogram("X M X Male_60yr", evening(), &NIGHT);
    let ran = epochs(&psg.bytes(), &scoring, &[]).unwrap();
    let expected = [
        ("", "before scoring"),
        ("", "before scoring"),
        ("W", ""),
        ("W", ""),
        ("N1", "telemetry error"),
        ("", "movement"),
        ("N3", "flat signal"),
        ("N3", "flat signal"),
        ("", "unscored"),
        ("", "hole in scoring"),
        ("", "hole in scoring"),
        ("R", ""),
        ("R", ""),
        ("", "after scoring"),
        ("", "after scoring"),
        ("", "after scoring"),
    ];
    for (at, (row, (stage, reason))) in rows(&ran).iter().zip(expected).enumerate() {
        assert_eq!(*row, (at as f64, stage.to_owned(), reason.to_owned()));
    }
    assert_eq!(rows(&ran).len(), expected.len());
    let still = epochs(&psg.bytes(), &scoring, &[("flat", Value::Float(-1.0))]).unwrap();
    assert_eq!(rows(&still)[6].2, "");
}

#[test]
fn lights_off_wraps_midnight() {
    let scoring = hypnogram("X M X X", evening(), &[(0.0, 7200.0, "Sleep stage 2")]);
    let psg = Psg::of_seconds(7200).bytes();
    let dropped = |clock: &str| {
        let ran = epochs(&psg, &scoring, &[("lights_off", text(clock))]);
        ran.map(|ran| {
            reasons(&ran)
                .iter()
                .filter(|reason| *reason == "before lights off")
                .count()
        })
    };
    assert_eq!(dropped("00:10").unwrap(), 140);
    assert_eq!(dropped("23:00:31").unwrap(), 2);
    // ST7021's lights went off 20 s before its recording began.
    assert_eq!(dropped("22:59:40").unwrap(), 0);
    let error = dropped("10:59").unwrap_err().to_string();
    assert!(
        error.contains("ST7011J0-PSG.edf") && error.contains("lasts 7200 s"),
        "{error}"
    );
}

#[test]
fn wake_far_from_sleep_is_dropped_when_asked() {
    let night = [
        (0.0, 600.0, "Sleep stage W"),
        (600.0, 60.0, "Sleep stage 2"),
        (660.0, 600.0, "Sleep stage W"),
    ];
    let scoring = hypnogram("X M X X", evening(), &night);
    let ran = epochs(
        &Psg::of_seconds(1260).bytes(),
        &scoring,
        &[("wake_margin", Value::Float(2.0))],
    )
    .unwrap();
    let kept: Vec<f64> = rows(&ran)
        .into_iter()
        .filter(|row| row.2.is_empty())
        .map(|row| row.0)
        .collect();
    assert_eq!(
        (kept[0], kept[kept.len() - 1], kept.len()),
        (16.0, 25.0, 10)
    );
}

#[test]
fn a_gap_and_the_end_of_the_signal_are_told_apart() {
    let mut psg = Psg::of_seconds(120);
    psg.onsets = (0..12)
        .map(|record| f64::from(record) * 10.0 + if record < 5 { 0.0 } else { 20.0 })
        .collect();
    let scoring = hypnogram("X M X X", evening(), &[(0.0, 180.0, "Sleep stage 2")]);
    let ran = epochs(&psg.bytes(), &scoring, &[]).unwrap();
    let gap = "gap in the signal";
    assert_eq!(
        reasons(&ran),
        ["", gap, gap, "", "outside the signal", "outside the signal"]
    );
}

#[test]
fn what_cant_be_cut_says_file_channel_and_time() {
    let scoring = hypnogram("X M X X", evening(), &[(0.0, 60.0, "Sleep stage 2")]);
    let psg = Psg::of_seconds(60).bytes();
    let said = |more: &[(&str, Value)]| epochs(&psg, &scoring, more).unwrap_err().to_string();
    let renamed = said(&[("channels", texts(&["EOG: EOG horizontal"]))]);
    assert!(
        renamed.contains("ST7011J0-PSG.edf")
            && renamed.contains("`EOG horizontal`")
            && renamed.contains("`EMG submental`"),
        "{renamed}"
    );
    let uneven = said(&[("seconds", Value::Float(0.33))]);
    assert!(uneven.contains("ST7011J0-PSG.edf, EEG Fpz-Cz"), "{uneven}");
    let none = epochs(
        &psg,
        &hypnogram("X", evening(), &[(0.0, 60.0, "Movement time")]),
        &[],
    );
    assert!(none.unwrap_err().to_string().contains("movement: 2"));
}

#[test]
fn a_scoring_without_epochs_says_what_it_reads() {
    let psg = Psg::of_seconds(60).bytes();
    let said = |scored: &[(f64, f64, &str)]| {
        let scoring = hypnogram("X", evening(), scored);
        epochs(&psg, &scoring, &[]).unwrap_err().to_string()
    };
    let words = said(&[(0.0, 30.0, "wake"), (30.0, 30.0, "REM")]);
    assert!(words.contains("annotations read `REM`, `wake`"), "{words}");
    let short = said(&[(0.0, 20.0, "Sleep stage 2"), (20.0, 10.0, "Sleep stage R")]);
    assert!(short.contains("the longest lasts 20 s"), "{short}");
    assert!(said(&[]).contains("it has no annotations"));
}

#[test]
fn of_several_signals_with_one_label_one_is_chosen_by_number() {
    let rise: Vec<i16> = (0..600).collect();
    let fall: Vec<i16> = rise.iter().rev().copied().collect();
    let chin = |samples| NewSignal::new("Chin", 100, Samples::I16(samples)).unit("uV");
    let psg = EdfWriter::new(Format::EDF, 10.0).start(evening());
    let psg = psg.signal(chin(&rise)).signal(chin(&fall)).to_bytes();
    let psg = psg.unwrap();
    let scoring = hypnogram("X", evening(), &[(0.0, 60.0, "Sleep stage 2")]);
    let run = |label: &str| {
        let more = [("channels", texts(&[label])), ("marker", text(""))];
        epochs(&psg, &scoring, &more)
    };
    let unsaid = run("EMG: Chin").unwrap_err().to_string();
    assert!(unsaid.contains("2 signals are labelled `Chin`"), "{unsaid}");
    assert!(unsaid.contains("`Chin#1` to `Chin#2`"), "{unsaid}");
    let first = |label| run(label).unwrap().f32("epochs", "x")[0];
    assert!(first("EMG: Chin#1") < first("EMG: Chin#2"));
    assert!(
        run("EMG: Chin#3")
            .unwrap_err()
            .to_string()
            .contains("no signal `Chin#3`")
    );
}

/// The folder of the real files, which are not ours to ship.
fn samples() -> Option<PathBuf> {
    let folder = std::env::var_os("FLOW_SAMPLE_DATA").map(PathBuf::from);
    if folder.is_none() {
        use std::io::Write;
        let words = b"skipped: FLOW_SAMPLE_DATA is not set, so there are no real hypnograms\n";
        std::io::stderr().write_all(words).unwrap();
    }
    folder
}

/// Epochs of a real hypnogram over signals of that many seconds, which begin when it does.
fn around(scoring: &Path, seconds: usize) -> Ran {
    let scoring = std::fs::read(scoring).unwrap();
    let mut psg = Psg::of_seconds(seconds);
    psg.rate_hz = 1;
    psg.start = Recording::from_bytes(scoring.clone()).unwrap().start();
    epochs(&psg.bytes(), &scoring, &[]).unwrap()
}

#[test]
fn the_real_scoring_of_st7011_has_its_stages() {
    let Some(folder) = samples() else { return };
    let ran = around(&folder.join("sleep-edf/st/ST7011JP-Hypnogram.edf"), 35_900);
    let count = |stage: &str| {
        rows(&ran)
            .iter()
            .filter(|row| row.1 == stage && row.2.is_empty())
            .count()
    };
    assert_eq!(
        ["W", "N1", "N2", "N3", "R"].map(count),
        [204, 101, 529, 136, 122]
    );
    let tail = reasons(&ran)
        .iter()
        .filter(|reason| *reason == "after scoring")
        .count();
    assert_eq!((rows(&ran).len(), tail), (1092 + 104, 104));
}

#[test]
fn real_cassette_scorings_are_cut_by_their_onsets() {
    let Some(folder) = samples() else { return };
    let files = std::fs::read_dir(folder.join("sleep-edf/sc")).unwrap();
    let mut nights = 0;
    for path in files.map(|entry| entry.unwrap().path()) {
        if !path.to_string_lossy().ends_with("-Hypnogram.edf") {
            continue;
        }
        nights += 1;
        let scoring = Recording::open(&path).unwrap();
        let seconds = 79_500.0;
        let scored = |words: &[&str]| -> f64 {
            let notes = scoring
                .annotations()
                .iter()
                .filter(|note| words.contains(&note.text.as_str()));
            let inside = notes.map(|note| {
                (
                    note.onset_seconds,
                    note.onset_seconds + note.duration_seconds.unwrap(),
                )
            });
            inside
                .map(|(from, to)| (to.min(seconds) - from).max(0.0) / 30.0)
                .sum()
        };
        let ran = around(&path, 79_500);
        let kept = |stage: &str| {
            rows(&ran)
                .iter()
                .filter(|row| row.1 == stage && row.2.is_empty())
                .count() as f64
        };
        let stages = [
            "Sleep stage W",
            "Sleep stage 1",
            "Sleep stage 2",
            "Sleep stage R",
        ];
        for (words, stage) in stages.into_iter().zip(["W", "N1", "N2", "R"]) {
            assert_eq!(kept(stage), scored(&[words]), "{} {stage}", path.display());
        }
        assert_eq!(
            kept("N3"),
            scored(&["Sleep stage 3", "Sleep stage 4"]),
            "{}",
            path.display()
        );
        assert_eq!(rows(&ran).len(), 2880, "{}", path.display());
    }
    assert_eq!(nights, 60);
}
