//! Files that break the standard and are read all the same, each with its warning.

use flow_edf::{
    Annotation, AnnotationSet, EdfWriter, Field, Format, NewSignal, Recording, Samples,
    Uncalibrated, Warning,
};

const RAMP: [i16; 6] = [0, 1, 2, 3, 4, 5];

/// Three records of two samples, from 0 to 5 by 0.5 uV a step.
fn plain() -> Vec<u8> {
    let signal = NewSignal::new("EEG", 2, Samples::I16(&RAMP))
        .digital(0, 10)
        .physical(0.0, 5.0);
    EdfWriter::new(Format::EDF, 1.0)
        .signal(signal)
        .to_bytes()
        .expect("a valid file")
}

fn noted(annotations: Vec<Annotation>) -> Vec<u8> {
    let set = AnnotationSet::new(annotations).samples_per_record(60);
    EdfWriter::new(Format::EDF_PLUS_C, 0.0)
        .annotations(set)
        .to_bytes()
        .expect("a valid file")
}

fn put(bytes: &mut [u8], at: usize, text: &str) {
    bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
}

fn read(bytes: Vec<u8>) -> (Recording, Vec<Warning>) {
    let recording = Recording::from_bytes(bytes).expect("a readable file");
    let warnings = recording.warnings().cloned().collect();
    (recording, warnings)
}

#[test]
fn decimal_commas_are_read() {
    let mut bytes = plain();
    put(&mut bytes, 256 + 112, "5,0     ");
    let (recording, warnings) = read(bytes);
    assert_eq!(
        recording.physical(0, 0..3).expect("samples"),
        [0.0, 0.5, 1.0]
    );
    assert_eq!(warnings, []);
}

#[test]
fn a_signal_without_a_scale_is_handed_out_as_stored() {
    let cases = [
        (112, "0       ", Uncalibrated::PhysicalRangeEmpty),
        (
            112,
            "five    ",
            Uncalibrated::Unreadable(Field::PhysicalMax),
        ),
        (128, "0       ", Uncalibrated::DigitalRangeEmpty),
        (120, "?       ", Uncalibrated::Unreadable(Field::DigitalMin)),
    ];
    for (offset, text, why) in cases {
        let mut bytes = plain();
        put(&mut bytes, 256 + offset, text);
        let (recording, warnings) = read(bytes);
        assert_eq!(
            recording.physical(0, 0..6).expect("samples"),
            RAMP.map(f64::from),
            "{why}"
        );
        assert_eq!(
            warnings,
            [Warning::NotCalibrated {
                signal: 0,
                label: "EEG".to_owned(),
                why
            }]
        );
    }
}

#[test]
fn a_header_of_unusual_size_is_believed_if_the_file_fits_it() {
    let mut bytes = plain();
    bytes.splice(512..512, [b' '; 256]);
    put(&mut bytes, 184, "768     ");
    let (recording, warnings) = read(bytes);
    assert_eq!(
        recording.digital(0, 0..6).expect("samples"),
        RAMP.map(i32::from)
    );
    assert_eq!(
        warnings,
        [Warning::HeaderBytesWrong {
            stated: "768".to_owned(),
            used: 768
        }]
    );
}

#[test]
fn a_header_size_that_cannot_be_is_ignored() {
    let mut bytes = plain();
    put(&mut bytes, 184, "9999    ");
    let (recording, warnings) = read(bytes);
    assert_eq!(
        recording.digital(0, 0..6).expect("samples"),
        RAMP.map(i32::from)
    );
    assert_eq!(
        warnings,
        [Warning::HeaderBytesWrong {
            stated: "9999".to_owned(),
            used: 512
        }]
    );
}

#[test]
fn the_number_of_signals_follows_from_the_size_of_the_header() {
    let mut bytes = plain();
    put(&mut bytes, 252, "?   ");
    let (recording, warnings) = read(bytes);
    assert_eq!(recording.signals().len(), 1);
    assert_eq!(
        warnings,
        [Warning::SignalCountDerived {
            stated: "?".to_owned(),
            used: 1
        }]
    );
}

#[test]
fn signals_in_records_of_no_time_have_no_rate() {
    let mut bytes = plain();
    put(&mut bytes, 244, "0       ");
    let (recording, _) = read(bytes);
    assert_eq!(recording.signals()[0].rate_hz, None);
    assert_eq!(recording.digital(0, 4..6).expect("samples"), [4, 5]);
    assert!(recording.spans(0, 0.0..1.0).expect("a signal").is_empty());
}

#[test]
fn an_unreadable_start_is_no_start() {
    let mut bytes = plain();
    put(&mut bytes, 168, "00.00.00");
    put(&mut bytes, 176, "25.00.00");
    let (recording, warnings) = read(bytes);
    assert_eq!(
        (recording.start().date, recording.start().time),
        (None, None)
    );
    assert_eq!(warnings.len(), 2);
}

#[test]
fn the_four_digit_year_goes_first() {
    let mut bytes = plain();
    put(&mut bytes, 88, "Startdate 01-JAN-1901 X X X");
    let (recording, warnings) = read(bytes);
    assert_eq!(
        recording
            .start()
            .date
            .map(|date| date.to_string())
            .as_deref(),
        Some("1901-01-01")
    );
    assert!(
        matches!(warnings[..], [Warning::StartDatesDiffer { .. }]),
        "{warnings:?}"
    );
}

#[test]
fn latin_1_texts_are_read() {
    let mut bytes = noted(vec![Annotation::new(1.0, None, "e'te'")]);
    let place = bytes
        .windows(5)
        .position(|window| window == b"e'te'")
        .expect("the text");
    bytes[place..place + 5].copy_from_slice(b"\xE9t\xE9!!");
    let (recording, warnings) = read(bytes);
    assert_eq!(recording.annotations()[0].text, "été!!");
    // The list begins with `+1` and the byte that ends it.
    assert_eq!(
        warnings,
        [Warning::TextsNotUtf8 {
            count: 1,
            offset: place - 3
        }]
    );
}

#[test]
fn overlapping_annotations_and_line_breaks_are_kept() {
    let notes = vec![
        Annotation::new(-5.0, None, "before the start"),
        Annotation::new(0.0, Some(100.0), "supine\r\nposition"),
        Annotation::new(30.0, Some(30.0), "Sleep stage 2"),
        Annotation::new(30.0, Some(0.5), ""),
    ];
    let (recording, warnings) = read(noted(notes.clone()));
    assert_eq!(recording.annotations(), notes);
    assert_eq!(warnings, []);
}

#[test]
fn junk_among_annotations_is_left_out_and_counted() {
    let mut bytes = noted(vec![Annotation::new(1.0, None, "kept")]);
    let end = bytes.len();
    bytes[end - 20..end - 13].copy_from_slice(b"garbage");
    let (recording, warnings) = read(bytes);
    assert_eq!(recording.annotations().len(), 1);
    assert_eq!(
        warnings,
        [Warning::AnnotationsUnreadable {
            count: 1,
            offset: end - 20
        }]
    );
}

#[test]
fn a_first_record_without_a_time_keeps_its_annotation() {
    let mut bytes = noted(vec![Annotation::new(1.0, None, "first of all")]);
    bytes[512..517].fill(0); // the time-keeping list
    let (recording, warnings) = read(bytes);
    assert_eq!(
        recording.annotations(),
        [Annotation::new(1.0, None, "first of all")]
    );
    assert_eq!(warnings, [Warning::OnsetsMissing { count: 1, first: 0 }]);
}

#[test]
fn other_files_are_told_apart() {
    let error = |bytes: &[u8]| {
        Recording::from_bytes(bytes.to_vec())
            .expect_err("no recording")
            .to_string()
    };
    assert!(error(b"").contains("an empty file"));
    assert!(error(b"GDF 2.20").contains("a GDF file"));
    assert!(error(b"\x1F\x8B\x08\0\0\0\0\0").contains("a gzip archive"));
    assert!(error(b"0       ").contains("ends inside its header"));
}
