//! Any bytes: opening must not panic, and what opens must answer every question.
//!
//! `cargo +nightly fuzz run read` in `crates/flow-edf`; seeds go to `fuzz/corpus/read`.
#![no_main]

use flow_edf::{NewSignal, Recording, Samples};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(recording) = Recording::from_bytes(bytes.to_vec()) else {
        return;
    };
    let _ = (
        recording.start(),
        recording.duration_seconds(),
        recording.gaps(),
        recording.runs(),
    );
    assert_eq!(recording.record_onsets().len(), recording.header().records);
    assert!(
        recording
            .annotations()
            .is_sorted_by(|a, b| a.onset_seconds <= b.onset_seconds)
    );
    for warning in recording.warnings() {
        let _ = warning.to_string();
    }
    for (index, signal) in recording.signals().iter().enumerate() {
        let digital = recording
            .digital(index, 0..signal.samples)
            .expect("the samples announced");
        let physical = recording
            .physical(index, 0..signal.samples)
            .expect("the samples announced");
        assert_eq!(
            (digital.len(), physical.len()),
            (signal.samples, signal.samples)
        );
        for span in recording.spans(index, 0.5..100.0).expect("a signal") {
            assert!(recording.digital(index, span.samples).is_ok());
        }
        let _ = recording.signal_index(&signal.label);
        let again =
            flow_edf::EdfWriter::new(recording.header().format, recording.header().record_seconds)
                .signal(NewSignal::like(signal, Samples::I32(&digital)));
        // A damaged header may not be writable, but what is written must be readable.
        if let Ok(bytes) = again.to_bytes() {
            let again = Recording::from_bytes(bytes).expect("our own file");
            assert_eq!(
                again.digital(0, 0..digital.len()).expect("all samples"),
                digital
            );
        }
    }
});
