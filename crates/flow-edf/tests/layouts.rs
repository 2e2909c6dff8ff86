//! The layouts of Sleep-EDF's telemetry files, and what the reader and the writer say of odd ones.

use std::path::PathBuf;

use flow_edf::{
    Annotation, AnnotationSet, Date, EdfError, EdfWriter, Field, Format, Gap, NewSignal, Recording,
    Samples, Sex, Start, TimeOfDay, Warning, WriteError,
};

fn start(hour: u8) -> Start {
    let date = Date::new(1994, 7, 12).expect("a day");
    Start::new(date, TimeOfDay::new(hour, 0, 0, 0).expect("a time"))
}

/// Two records of a telemetry night: four signals at 100 Hz, a marker at 10 Hz.
fn telemetry() -> Vec<u8> {
    let eeg: Vec<f32> = (0..2000).map(|at| (at % 500) as f32).collect();
    let marker = [1_i16; 200];
    let mut file = EdfWriter::new(Format::EDF, 10.0)
        .patient("X M X Male_60yr")
        .recording("Startdate 12-JUL-1994 X X X")
        .start(start(23));
    for label in ["EEG Fpz-Cz", "EEG Pz-Oz", "EOG horizontal", "EMG submental"] {
        file = file.signal(
            NewSignal::new(label, 1000, Samples::F32(&eeg))
                .unit("uV")
                .transducer("Ag-AgCl electrodes")
                .prefilter("LP:800Hz HP:0.03Hz")
                .digital(-8192, 8191)
                .physical(-3000.0, 3000.0),
        );
    }
    let marker = NewSignal::new("Marker", 100, Samples::I16(&marker))
        .unit("ID+M-E")
        .transducer("MarkerButton")
        .digital(-32, 34)
        .physical(-32.0, 34.0);
    file.signal(marker).to_bytes().expect("a telemetry night")
}

#[test]
fn a_telemetry_night_has_its_layout() {
    let bytes = telemetry();
    assert_eq!(bytes.len(), 1536 + 8200 * 2);
    assert_eq!(&bytes[184..192], b"1536    ");
    let night = Recording::from_bytes(bytes).expect("a telemetry night");
    assert_eq!(night.warnings().next(), None);
    let rates: Vec<_> = night
        .signals()
        .iter()
        .map(|signal| signal.rate_hz)
        .collect();
    assert_eq!(
        rates,
        [
            Some(100.0),
            Some(100.0),
            Some(100.0),
            Some(100.0),
            Some(10.0)
        ]
    );
    assert_eq!(
        (night.patient().sex, night.patient().age_years),
        (Some(Sex::Male), Some(60))
    );
    assert_eq!((night.start(), night.duration_seconds()), (start(23), 20.0));
    let eeg = night.signal_index("EEG Fpz-Cz").expect("a signal");
    let step = 6000.0 / 16383.0;
    let values = night.physical(eeg, 0..2000).expect("all");
    assert!(
        values
            .iter()
            .zip(0..)
            .all(|(value, at)| (value - f64::from(at % 500)).abs() <= step / 2.0 + 1e-9)
    );
    assert!(night.annotations().is_empty());
}

#[test]
fn time_ranges_are_found_by_seconds() {
    let night = Recording::from_bytes(telemetry()).expect("a telemetry night");
    let marker = night.signal_index("Marker").expect("a signal");
    let span = &night.spans(marker, 9.95..10.35).expect("a signal")[0];
    assert_eq!((span.samples.clone(), span.onset_seconds), (100..104, 10.0));
    assert!(
        night
            .spans(marker, 20.0..30.0)
            .expect("a signal")
            .is_empty()
    );
}

#[test]
fn a_hypnogram_is_reproduced_byte_for_byte() {
    let Some(folder) = std::env::var_os("FLOW_SAMPLE_DATA").map(PathBuf::from) else {
        println!("skipped: FLOW_SAMPLE_DATA, the folder of sample recordings, is not set");
        return;
    };
    let bytes =
        std::fs::read(folder.join("sleep-edf/st/ST7011JP-Hypnogram.edf")).expect("the sample file");
    let read = Recording::from_bytes(bytes.clone()).expect("a hypnogram");
    let notes = AnnotationSet::new(read.annotations())
        .samples_per_record(2922)
        .physical(0.0, 1.0);
    let written = EdfWriter::new(Format::EDF_PLUS_C, 0.0)
        .patient(&read.patient().raw)
        .recording(&read.info().raw)
        .start(read.start())
        .annotations(notes)
        .to_bytes()
        .expect("the same hypnogram");
    assert_eq!(read.warnings().next(), None);
    assert!(
        written == bytes,
        "first difference at byte {:?}",
        written.iter().zip(&bytes).position(|(a, b)| a != b)
    );
}

#[test]
fn gaps_of_a_discontinuous_file_show() {
    let samples: Vec<i32> = (0..40).collect();
    let bytes = EdfWriter::new(Format::BDF_PLUS_D, 1.0)
        .record_onsets([0.0, 1.0, 10.5, 11.5])
        .signal(NewSignal::new("ECG", 10, Samples::I32(&samples)))
        .to_bytes()
        .expect("a file");
    let recording = Recording::from_bytes(bytes).expect("our own file");
    assert_eq!(
        recording.gaps(),
        [Gap {
            record: 2,
            onset_seconds: 2.0,
            seconds: 8.5
        }]
    );
    assert_eq!(
        (recording.duration_seconds(), recording.recorded_seconds()),
        (12.5, 4.0)
    );
    let spans = recording.spans(0, 1.5..10.7).expect("a signal");
    let found: Vec<_> = spans
        .iter()
        .map(|span| (span.samples.clone(), span.onset_seconds))
        .collect();
    assert_eq!(found, [(15..20, 1.5), (20..22, 10.5)]);
}

#[test]
fn a_cut_file_is_read_up_to_its_last_whole_record() {
    let mut bytes = telemetry();
    bytes.truncate(1536 + 8200 + 100);
    let night = Recording::from_bytes(bytes).expect("a cut night");
    let warnings: Vec<_> = night.warnings().cloned().collect();
    let stated = "2".to_owned();
    assert_eq!(
        warnings,
        [
            Warning::PartialRecord {
                bytes: 100,
                record_bytes: 8200
            },
            Warning::RecordCountWrong { stated, found: 1 }
        ]
    );
    assert_eq!(night.signals()[0].samples, 1000);
}

#[test]
fn an_open_record_count_follows_from_the_size() {
    let mut bytes = telemetry();
    bytes[236..244].copy_from_slice(b"-1      ");
    let night = Recording::from_bytes(bytes).expect("a night still being recorded");
    assert_eq!(
        night.warnings().collect::<Vec<_>>(),
        [&Warning::RecordCountOpen { found: 2 }]
    );
    assert_eq!(night.signals()[4].samples, 200);
}

#[test]
fn annotations_spill_into_the_next_record_with_room() {
    let notes: Vec<_> = (0..6)
        .map(|at| Annotation::new(f64::from(at) / 10.0, None, "spindle"))
        .collect();
    let samples = [0_i16; 3];
    let file = |samples_per_record| {
        EdfWriter::new(Format::EDF_PLUS_C, 1.0)
            .signal(NewSignal::new("EEG", 1, Samples::I16(&samples)))
            .annotations(AnnotationSet::new(notes.clone()).samples_per_record(samples_per_record))
            .to_bytes()
    };
    let recording =
        Recording::from_bytes(file(20).expect("two a record fit")).expect("our own file");
    assert_eq!(recording.annotations(), notes);
    let error = file(12).expect_err("one a record is too few");
    assert!(
        matches!(
            error,
            WriteError::AnnotationsDontFit {
                set: 0,
                left: 3,
                bytes: 24
            }
        ),
        "{error}"
    );
}

#[test]
fn room_that_no_header_can_state_is_refused() {
    let set = AnnotationSet::default().samples_per_record(usize::MAX);
    let file = EdfWriter::new(Format::BDF_PLUS_C, 0.0).annotations(set);
    let error = file.to_bytes().expect_err("too many samples");
    assert!(
        matches!(
            error,
            WriteError::TextTooLong {
                field: Field::SamplesPerRecord,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn labels_lead_to_signals_or_to_words() {
    let samples = [0_i16; 2];
    let signal = |label| NewSignal::new(label, 1, Samples::I16(&samples));
    let file = EdfWriter::new(Format::EDF, 1.0)
        .signal(signal("EEG Fpz-Cz"))
        .signal(signal("E"))
        .signal(signal("E"));
    let recording = Recording::from_bytes(file.to_bytes().expect("a file")).expect("our own file");
    let twice = recording.signal_index("E").expect_err("two signals");
    assert!(matches!(&twice, EdfError::AmbiguousLabel { indices, .. } if *indices == [1, 2]));
    let none = recording
        .signal_index("Fpz-Cz")
        .expect_err("no signal")
        .to_string();
    assert_eq!(
        none,
        "the recording has no signal `Fpz-Cz` (did you mean `EEG Fpz-Cz`?); it has `EEG Fpz-Cz`, `E`, `E`"
    );
}

#[test]
fn damage_is_named_with_its_place() {
    let mut bytes = telemetry();
    let place = 256 + 216 * 5 + 8 * 3;
    bytes[place..place + 8].copy_from_slice(b"1O00    ");
    let error = Recording::from_bytes(bytes)
        .expect_err("a damaged field")
        .to_string();
    assert_eq!(
        error,
        "the recording: field `number of samples in each data record` of signal 3 at byte 1360 is `1O00`, \
         but must be a whole number that isn't negative; the header is damaged there: fetch the file again or \
         mend the field"
    );
}

#[test]
fn what_a_format_cannot_hold_is_refused() {
    let samples = [0_i16; 3];
    let plain = |signal| {
        EdfWriter::new(Format::EDF, 1.0)
            .signal(signal)
            .to_bytes()
            .expect_err("refused")
    };
    let signal = || NewSignal::new("EEG", 1, Samples::I16(&samples));
    assert!(matches!(
        plain(signal().unit("µV")),
        WriteError::TextNotAscii {
            signal: Some(0),
            ..
        }
    ));
    assert!(matches!(
        plain(signal().physical(0.0, 1.0 / 3.0)),
        WriteError::NumberTooLong { .. }
    ));
    assert!(matches!(
        plain(signal().physical(1.0, 1.0)),
        WriteError::Range { .. }
    ));
    assert!(matches!(
        plain(signal().digital(1, 2)),
        WriteError::SampleOutOfRange { index: 0, .. }
    ));
    let two = NewSignal::new("EEG", 2, Samples::I16(&samples));
    assert!(matches!(
        plain(two),
        WriteError::PartialRecord { samples: 3, .. }
    ));
    let nan = NewSignal::new("EEG", 1, Samples::F64(&[0.0, f64::NAN]));
    assert!(matches!(
        plain(nan),
        WriteError::SampleOutOfRange { index: 1, .. }
    ));
    let label = NewSignal::new("EDF Annotations", 1, Samples::I16(&samples));
    assert!(matches!(plain(label), WriteError::LabelReserved { .. }));
    let noted = EdfWriter::new(Format::EDF, 1.0)
        .signal(signal())
        .annotations(AnnotationSet::default());
    assert!(matches!(
        noted.to_bytes(),
        Err(WriteError::AnnotationsNeedPlus { .. })
    ));
    let dated = EdfWriter::new(Format::EDF, 1.0)
        .signal(signal())
        .recording("Startdate 01-JAN-2000 X X X");
    assert!(matches!(
        dated.to_bytes(),
        Err(WriteError::DatesDisagree { .. })
    ));
}

#[test]
fn a_file_written_to_disk_is_mapped_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("night.edf");
    let samples: Vec<i16> = (0..100).collect();
    let file =
        EdfWriter::new(Format::EDF, 1.0).signal(NewSignal::new("EEG", 50, Samples::I16(&samples)));
    file.write_file(&path).expect("a written file");
    let recording = Recording::open(&path).expect("our own file");
    assert_eq!(recording.digital(0, 98..100).expect("samples"), [98, 99]);
    let gone = Recording::open(folder.path().join("gone.edf"))
        .expect_err("no file")
        .to_string();
    assert!(gone.contains("gone.edf"), "{gone}");
}
