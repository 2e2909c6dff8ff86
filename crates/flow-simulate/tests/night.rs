//! What a simulated night holds, whatever is drawn.

use flow_simulate::{
    Class, ClockTime, Effects, LABELS, Medication, Parameters, Quirks, SimulatedNight, Stage,
    night, nights, planted_weights, simulate,
};

fn short() -> Parameters {
    Parameters {
        night_minutes: 20.0,
        ..Parameters::default()
    }
}

fn simulated(parameters: &Parameters, recording: &str) -> SimulatedNight {
    simulate(parameters, &night(recording).expect("the study has it"))
        .expect("parameters are in range")
}

/// FNV-1a over all bits of the signals and the marker.
fn fingerprint(night: &SimulatedNight) -> u64 {
    let samples = night
        .signals
        .iter()
        .flat_map(|signal| &signal.samples)
        .map(|value| value.to_bits());
    let marker = night.marker.iter().map(|value| *value as u32);
    let byte = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    samples
        .chain(marker)
        .flat_map(u32::to_le_bytes)
        .fold(0xcbf2_9ce4_8422_2325, byte)
}

#[test]
fn a_night_has_the_bits_it_always_had() {
    // Any change here changes every simulated study: say so in the changelog under Results.
    assert_eq!(
        format!("{:016x}", fingerprint(&simulated(&short(), "ST7011"))),
        "85a4b8cd1c03647d"
    );
}

#[test]
fn a_night_is_the_same_alone_and_beside_others() {
    let alone = simulated(&short(), "ST7052");
    let beside: Vec<SimulatedNight> = std::thread::scope(|scope| {
        let run = |recording: &'static str| scope.spawn(move || simulated(&short(), recording));
        let running = ["ST7051", "ST7052", "ST7061"].map(run);
        running
            .into_iter()
            .map(|thread| thread.join().expect("nothing panics"))
            .collect()
    });
    assert_eq!(beside[1], alone);
    assert_ne!(fingerprint(&beside[0]), fingerprint(&alone));
}

#[test]
fn seeds_differ_and_a_subject_keeps_its_traits() {
    let other = Parameters { seed: 1, ..short() };
    assert_ne!(
        simulated(&short(), "ST7011").signals,
        simulated(&other, "ST7011").signals
    );
    let [first, second] =
        ["ST7011", "ST7012"].map(|recording| simulated(&short(), recording).truth);
    assert_eq!(first.alpha_hertz, second.alpha_hertz);
    assert_ne!(
        first.alpha_hertz,
        simulated(&short(), "ST7021").truth.alpha_hertz
    );
}

#[test]
fn lengths_fit_together_and_onsets_lie_on_the_grid() {
    let quirks = Quirks {
        hole: 1.0,
        ..Quirks::default()
    };
    for night in nights().into_iter().take(12) {
        let made = simulate(&Parameters { quirks, ..short() }, &night).expect("in range");
        let seconds = made.marker.len() / 10;
        assert_eq!(made.marker.len() % 100, 0, "whole records of 10 s");
        for (signal, label) in made.signals.iter().zip(LABELS) {
            assert_eq!((signal.label, signal.samples.len()), (label, seconds * 100));
            assert!(signal.samples.iter().all(|value| value.abs() < 3000.0));
        }
        let (mut end, mut scored) = (0.0, 0.0);
        for run in &made.scoring {
            assert!(
                run.onset_seconds >= end && run.onset_seconds % 30.0 == 0.0,
                "{run:?}"
            );
            end = run.onset_seconds + run.duration_seconds;
            scored += run.duration_seconds;
        }
        assert!(end <= seconds as f64);
        let labelled = made
            .epochs
            .iter()
            .filter(|epoch| epoch.label.is_some())
            .count();
        assert_eq!(scored, 30.0 * labelled as f64);
        assert!(labelled < made.epochs.len(), "the hole was asked for");
    }
}

#[test]
fn twenty_minutes_hold_every_class() {
    for night in nights() {
        let made = simulate(
            &Parameters {
                quirks: Quirks::NONE,
                label_noise: 0.0,
                ..short()
            },
            &night,
        );
        let epochs = made.expect("in range").epochs;
        for class in Class::ALL {
            let count = epochs
                .iter()
                .filter(|epoch| epoch.stage.class() == Some(class))
                .count();
            assert!(
                count >= 3,
                "{}: {} of {}",
                night.recording,
                count,
                class.name()
            );
        }
    }
}

#[test]
fn the_marker_is_negative_exactly_where_signals_are_flat() {
    let quirks = Quirks {
        errors_per_hour: 30.0,
        ..Quirks::default()
    };
    let made = simulated(&Parameters { quirks, ..short() }, "ST7151");
    assert!(made.marker.iter().any(|value| *value < 0));
    for (index, value) in made.marker.iter().enumerate().skip(1) {
        let block = index * 10..index * 10 + 10;
        let flat = made.signals.iter().all(|signal| {
            let held = signal.samples[block.start - 1];
            signal.samples[block.clone()]
                .iter()
                .all(|sample| *sample == held)
        });
        assert_eq!(flat, *value < 0, "marker sample {index}");
    }
    let share =
        made.marker.iter().filter(|value| **value < 0).count() as f64 / made.marker.len() as f64;
    assert_eq!(made.truth.marker_errors, share);
}

#[test]
fn the_marker_knows_unit_press_and_error_only() {
    let quirks = Quirks {
        presses_per_hour: 20.0,
        errors_per_hour: 20.0,
        ..Quirks::default()
    };
    let made = simulated(&Parameters { quirks, ..short() }, "ST7091");
    let unit = made
        .marker
        .iter()
        .copied()
        .find(|value| (1..=2).contains(value))
        .expect("mostly at rest");
    assert!(
        made.marker
            .iter()
            .all(|value| [unit, unit + 32, unit - 32].contains(value))
    );
    let presses = made
        .marker
        .split(|value| *value != unit + 32)
        .map(<[i16]>::len)
        .max();
    assert!(presses >= Some(20), "a press lasts two seconds");
}

#[test]
fn a_tidy_world_is_tidy() {
    let parameters = Parameters {
        quirks: Quirks::NONE,
        label_noise: 0.0,
        ..short()
    };
    let made = simulated(&parameters, "ST7101");
    assert_eq!(made.scoring[0].onset_seconds, 0.0);
    assert!(made.marker.iter().all(|value| *value == made.marker[0]));
    assert!(
        made.epochs
            .iter()
            .all(|epoch| epoch.label == Some(epoch.stage))
    );
    assert!(made.marker.len() < (made.epochs.len() * 30 + 10) * 10);
    assert_eq!(made.truth.wrong_labels, 0.0);
}

#[test]
fn quirks_are_as_frequent_as_asked() {
    let parameters = Parameters {
        night_minutes: 60.0,
        label_noise: 0.1,
        ..Parameters::default()
    };
    let parameters = Parameters {
        quirks: Quirks {
            movement: 0.1,
            unknown: 0.1,
            ..Quirks::default()
        },
        ..parameters
    };
    let all: Vec<SimulatedNight> = nights()
        .iter()
        .take(16)
        .map(|night| simulate(&parameters, night).expect("in range"))
        .collect();
    let labels: Vec<Stage> = all
        .iter()
        .flat_map(|made| &made.epochs)
        .filter_map(|epoch| epoch.label)
        .collect();
    let share = |wanted| {
        labels.iter().filter(|label| **label == wanted).count() as f64 / labels.len() as f64
    };
    // About 1900 epochs: four standard errors of a tenth are 0.028.
    assert!((share(Stage::Movement) - 0.1).abs() < 0.028);
    assert!((share(Stage::Unknown) - 0.09).abs() < 0.028);
    let wrong = all.iter().map(|made| made.truth.wrong_labels).sum::<f64>() / all.len() as f64;
    assert!((wrong - 0.1).abs() < 0.03, "{wrong}");
}

#[test]
fn lights_go_off_just_before_three_recordings_and_in_all_others_after_their_start() {
    for night in nights() {
        let made = simulate(
            &Parameters {
                night_minutes: 10.0,
                ..short()
            },
            &night,
        )
        .expect("in range");
        let after = (night.lights_off.seconds() - made.start.clock.seconds()).rem_euclid(86_400);
        let before_start = ["ST7021", "ST7022", "ST7162"].contains(&night.recording.as_str());
        assert_eq!(
            after > 43_200,
            before_start,
            "{}: {after} s",
            night.recording
        );
        assert!((1..=12).contains(&made.start.month) && (1..=28).contains(&made.start.day));
    }
    let midnight = simulated(&short(), "ST7021");
    assert_eq!(
        midnight.lights_off,
        ClockTime {
            hour: 0,
            minute: 0,
            second: 0
        }
    );
}

#[test]
fn planted_effects_are_in_the_truth_by_their_formula() {
    let parameters = Parameters {
        individuality: 0.0,
        ..short()
    };
    // Woman of 20, two decades below 40, on temazepam.
    let made = simulated(&parameters, "ST7102").truth;
    let Effects {
        temazepam,
        age_per_decade,
        female,
    } = parameters.effects;
    let factor =
        (1.0 + temazepam.sigma) * (1.0 + age_per_decade.sigma).powi(-2) * (1.0 + female.sigma);
    assert!((made.sigma - factor).abs() < 1e-12);
    let weight =
        parameters.weights[3][0] + temazepam.contrast[3][0] - 2.0 * age_per_decade.contrast[3][0];
    assert!((made.weights[3][0] - weight).abs() < 1e-12);
    let night = night("ST7102").expect("the study has it");
    assert_eq!(night.medication, Medication::Temazepam);
    assert_eq!(planted_weights(&short(), &night), made.weights);
}

#[test]
fn slow_waves_shrink_with_age_in_the_signal_itself() {
    let mut parameters = Parameters {
        individuality: 0.0,
        quirks: Quirks::NONE,
        ..short()
    };
    parameters.effects.age_per_decade.slow_wave = -0.2;
    let rms = |age_years| {
        let night = flow_simulate::Night {
            age_years,
            ..night("ST7041").expect("the study has it")
        };
        let made = simulate(&parameters, &night).expect("in range");
        let deep = made
            .epochs
            .iter()
            .filter(|epoch| epoch.stage.class() == Some(Class::N3));
        let samples = deep.flat_map(|epoch| {
            &made.signals[0].samples[epoch.onset_seconds as usize * 100..][..3000]
        });
        let squares: Vec<f64> = samples.map(|value| f64::from(value * value)).collect();
        (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
    };
    assert!(rms(70) < 0.75 * rms(20));
}

#[test]
fn the_flat_truth_names_every_number_once() {
    let pairs = simulated(&short(), "ST7011").truth.pairs();
    let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"weight.R.emg") && names.contains(&"effect.temazepam.contrast.N1.eeg"));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(pairs.iter().all(|(_, value)| value.is_finite()));
}

#[test]
fn an_impossible_recording_id_is_refused() {
    for recording in ["", "a name of more than sixteen bytes"] {
        let night = flow_simulate::Night {
            recording: recording.to_owned(),
            ..nights()[0].clone()
        };
        let said = simulate(&short(), &night)
            .expect_err("too long or empty")
            .to_string();
        assert_eq!(
            said,
            format!("recording id `{recording}` must have 1 to 16 bytes")
        );
    }
}
