//! No bytes make the reader panic or ask for memory that the file doesn't justify.

use flow_edf::{Annotation, AnnotationSet, EdfWriter, Format, NewSignal, Recording, Samples};
use proptest::prelude::*;

/// A small valid file of each format, to be damaged.
fn valid(format: Format) -> Vec<u8> {
    let ramp: Vec<i16> = (0..60).collect();
    let mut file = EdfWriter::new(format, 0.5)
        .signal(NewSignal::new("EEG", 10, Samples::I16(&ramp[..30])).physical(-100.0, 100.0))
        .signal(NewSignal::new("Marker", 1, Samples::I16(&ramp[..3])));
    if format.is_plus() {
        let notes = [
            Annotation::new(0.25, Some(1.0), "Sleep stage W"),
            Annotation::new(1.0, None, "µ"),
        ];
        file = file
            .annotations(AnnotationSet::new(notes))
            .annotations(AnnotationSet::default());
    }
    if format.layout == flow_edf::Layout::Discontinuous {
        file = file.record_onsets([0.0, 2.0, 2.5]);
    }
    file.to_bytes().expect("a valid file")
}

fn formats() -> impl Strategy<Value = Format> {
    prop::sample::select(vec![
        Format::EDF,
        Format::BDF,
        Format::EDF_PLUS_C,
        Format::EDF_PLUS_D,
        Format::BDF_PLUS_C,
        Format::BDF_PLUS_D,
    ])
}

/// Asks everything; whatever opens must answer within its file's size.
fn ask_everything(bytes: Vec<u8>) {
    let size = bytes.len();
    let recording = match Recording::from_bytes(bytes) {
        Ok(recording) => recording,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let _ = (
        recording.start(),
        recording.duration_seconds(),
        recording.gaps(),
    );
    assert!(recording.record_onsets().len() <= size);
    assert!(recording.annotations().len() <= size);
    assert!(
        recording
            .warnings()
            .all(|warning| !warning.to_string().is_empty())
    );
    for (index, signal) in recording.signals().iter().enumerate() {
        assert!(signal.samples <= size);
        let all = recording
            .digital(index, 0..signal.samples)
            .expect("the samples announced");
        assert_eq!(all.len(), signal.samples);
        assert!(recording.physical(index, 0..signal.samples).is_ok());
        assert!(recording.physical(index, 0..signal.samples + 1).is_err());
        let spans = recording.spans(index, 0.25..1e9).expect("a signal");
        assert!(spans.iter().all(|span| span.samples.end <= signal.samples));
        let _ = recording.signal_index(&signal.label);
    }
}

#[test]
fn the_files_to_be_damaged_are_valid() {
    for format in [Format::EDF, Format::EDF_PLUS_D, Format::BDF_PLUS_C] {
        let recording = Recording::from_bytes(valid(format)).expect("a valid file");
        assert_eq!(recording.warnings().next(), None);
    }
}

#[test]
fn claims_of_the_header_cost_no_memory() {
    let mut bytes = valid(Format::EDF);
    bytes[236..244].copy_from_slice(b"99999999"); // data records
    ask_everything(bytes.clone());
    let samples = 256 + 216 * 2;
    bytes[samples..samples + 16].copy_from_slice(b"9999999999999999"); // samples of each
    ask_everything(bytes.clone());
    bytes[252..256].copy_from_slice(b"9999"); // signals
    ask_everything(bytes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_never_panic(
        format in formats(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = valid(format);
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        ask_everything(bytes);
    }

    #[test]
    fn fields_of_digits_never_panic(
        format in formats(),
        fields in prop::collection::vec((0..60_usize, "[-+0-9.,eE ]{8}"), 1..4),
    ) {
        let mut bytes = valid(format);
        for (place, text) in fields {
            let signals = if format.is_plus() { 4 } else { 2 };
            // The numeric fields: of the file, and the columns of the signals.
            let start = match place {
                0..=1 => 236 + 8 * place,
                2 => 184,
                _ => 256 + [104, 112, 120, 128, 216][place % 5] * signals + 8 * (place / 5 % signals),
            };
            bytes[start..start + 8].copy_from_slice(text.as_bytes());
        }
        ask_everything(bytes);
    }

    #[test]
    fn noise_in_annotations_never_panics(noise in prop::collection::vec(
        prop::sample::select(b"\0\x14\x15+-.0159 \xC3\xA9x".to_vec()), 0..200)
    ) {
        let mut bytes = valid(Format::EDF_PLUS_D);
        let end = bytes.len();
        let start = end - noise.len().min(end - 1300);
        bytes[start..].copy_from_slice(&noise[..end - start]);
        ask_everything(bytes);
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        ask_everything(bytes.clone());
        let mut opened = b"0       ".to_vec();
        opened.extend(bytes);
        ask_everything(opened);
    }
}
