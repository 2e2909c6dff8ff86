//! Whatever is written is read back bit by bit.

use flow_edf::{
    Annotation, AnnotationSet, Date, EdfWriter, Format, NewSignal, Recording, SampleWidth, Samples,
    Start, TimeOfDay,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Plot {
    format: Format,
    record_seconds: f64,
    records: usize,
    signals: Vec<Channel>,
    sets: Vec<Vec<Annotation>>,
    gaps: Vec<f64>,
}

#[derive(Clone, Debug)]
struct Channel {
    samples_per_record: usize,
    digital: (i32, i32),
    physical: (f64, f64),
    samples: Vec<i32>,
}

fn plots() -> impl Strategy<Value = Plot> {
    let formats = [
        Format::EDF,
        Format::BDF,
        Format::EDF_PLUS_C,
        Format::BDF_PLUS_C,
        Format::EDF_PLUS_D,
        Format::BDF_PLUS_D,
    ];
    let seconds = prop::sample::select(vec![1.0, 10.0, 0.5, 0.0039, 30.0, 1234.5]);
    (prop::sample::select(formats.to_vec()), seconds, 1..6_usize).prop_flat_map(
        |(format, record_seconds, records)| {
            let sets = if format.is_plus() { 0..3_usize } else { 0..1 };
            (
                prop::collection::vec(channels(format, records), 1..4),
                prop::collection::vec(prop::collection::vec(annotations(), 0..8), sets),
                prop::collection::vec(0.0..100.0_f64, records),
            )
                .prop_map(move |(signals, sets, gaps)| Plot {
                    format,
                    record_seconds,
                    records,
                    signals,
                    sets,
                    gaps,
                })
        },
    )
}

fn channels(format: Format, records: usize) -> impl Strategy<Value = Channel> {
    let (low, high) = format.width.limits();
    let limits = (low..high).prop_flat_map(move |min| (Just(min), min + 1..=high));
    let physical = prop::sample::select(vec![
        (-3000.0, 3000.0),
        (0.5, 0.25),
        (0.0, 0.001),
        (-1.0, 1.0),
    ]);
    (limits, physical, 1..40_usize).prop_flat_map(move |(digital, physical, samples_per_record)| {
        prop::collection::vec(digital.0..=digital.1, records * samples_per_record).prop_map(
            move |samples| Channel {
                samples_per_record,
                digital,
                physical,
                samples,
            },
        )
    })
}

fn annotations() -> impl Strategy<Value = Annotation> {
    let seconds = prop_oneof![
        (-1e6..1e6_f64),
        (0..100_000_u32).prop_map(|ms| f64::from(ms) / 1000.0)
    ];
    let text = "[^\u{0}\u{14}\u{15}]{0,12}";
    (
        seconds.clone(),
        prop::option::of(seconds.prop_map(f64::abs)),
        text,
    )
        .prop_map(|(onset, duration, text)| Annotation::new(onset, duration, text))
}

fn onsets(plot: &Plot) -> Vec<f64> {
    let mut onset = 0.0;
    let mut onsets = vec![onset];
    for gap in plot.gaps.iter().skip(1) {
        // Whole milliseconds, as a recorder would write them.
        onset += plot.record_seconds + (gap * 1000.0).round() / 1000.0;
        onset = (onset * 1e6).round() / 1e6;
        onsets.push(onset);
    }
    onsets
}

fn write(plot: &Plot) -> Vec<u8> {
    let mut file = EdfWriter::new(plot.format, plot.record_seconds);
    if plot.format == Format::EDF_PLUS_D || plot.format == Format::BDF_PLUS_D {
        file = file.record_onsets(onsets(plot));
    }
    for (number, channel) in plot.signals.iter().enumerate() {
        let samples = Samples::I32(&channel.samples);
        let signal = NewSignal::new(format!("S{number}"), channel.samples_per_record, samples)
            .digital(channel.digital.0, channel.digital.1);
        file = file.signal(signal.physical(channel.physical.0, channel.physical.1));
    }
    for set in &plot.sets {
        file = file.annotations(AnnotationSet::new(set.clone()));
    }
    file.to_bytes().expect("a file that the format can hold")
}

fn in_order(annotations: impl IntoIterator<Item = Annotation>) -> Vec<Annotation> {
    let mut all: Vec<_> = annotations.into_iter().collect();
    let key = |a: &Annotation| (a.duration_seconds.unwrap_or(-1.0), a.text.clone());
    all.sort_by(|a, b| {
        let onsets = (a.onset_seconds + 0.0).total_cmp(&(b.onset_seconds + 0.0));
        onsets.then_with(|| key(a).partial_cmp(&key(b)).expect("no NaN"))
    });
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn samples_and_annotations_survive(plot in plots()) {
        let bytes = write(&plot);
        let recording = Recording::from_bytes(bytes.clone()).expect("our own file");
        prop_assert_eq!(recording.warnings().next(), None);
        prop_assert_eq!(recording.header().format, plot.format);
        prop_assert_eq!(recording.header().records, plot.records);
        for (index, channel) in plot.signals.iter().enumerate() {
            let signal = &recording.signals()[index];
            prop_assert_eq!((signal.digital_min, signal.digital_max), channel.digital);
            prop_assert_eq!(&recording.digital(index, 0..signal.samples).expect("all"), &channel.samples);
        }
        prop_assert_eq!(
            in_order(recording.annotations().iter().cloned()),
            in_order(plot.sets.iter().flatten().cloned())
        );
        if plot.format.layout == flow_edf::Layout::Discontinuous {
            prop_assert_eq!(recording.record_onsets(), onsets(&plot));
        }
        prop_assert_eq!(write(&plot), bytes);
    }

    #[test]
    fn physical_values_lead_back_to_their_digital_ones(plot in plots()) {
        let recording = Recording::from_bytes(write(&plot)).expect("our own file");
        let physical: Vec<Vec<f64>> = (0..plot.signals.len())
            .map(|index| recording.physical(index, 0..recording.signals()[index].samples).expect("all"))
            .collect();
        let format = match plot.format.width {
            SampleWidth::Bits16 => Format::EDF,
            SampleWidth::Bits24 => Format::BDF,
        };
        let mut file = EdfWriter::new(format, plot.record_seconds);
        for (signal, values) in recording.signals().iter().zip(&physical) {
            file = file.signal(NewSignal::like(signal, Samples::F64(values)));
        }
        let again = Recording::from_bytes(file.to_bytes().expect("the same values")).expect("our own file");
        for (index, channel) in plot.signals.iter().enumerate() {
            prop_assert_eq!(&again.digital(index, 0..channel.samples.len()).expect("all"), &channel.samples);
        }
    }

    #[test]
    fn any_part_is_the_part_of_the_whole(plot in plots(), from in 0.0..1.0_f64, to in 0.0..1.0_f64) {
        let recording = Recording::from_bytes(write(&plot)).expect("our own file");
        for (index, signal) in recording.signals().iter().enumerate() {
            let at = |part: f64| (part * signal.samples as f64) as usize;
            let range = at(from.min(to))..at(from.max(to));
            let whole = recording.physical(index, 0..signal.samples).expect("all");
            prop_assert_eq!(&recording.physical(index, range.clone()).expect("part"), &whole[range.clone()]);
            let mut narrow = vec![0.0_f32; range.len()];
            recording.physical_into(index, range.start, &mut narrow).expect("part");
            prop_assert!(narrow.iter().zip(&whole[range]).all(|(narrow, wide)| *narrow == *wide as f32));
        }
    }

    #[test]
    fn subsecond_starts_survive_with_decimal_annotations(
        nanosecond in (0..1_000_000_u32).prop_map(|micro| micro * 1000),
        onset in (0..10_000_000_u32).prop_map(|tenth_of_ms| f64::from(tenth_of_ms) / 10_000.0),
    ) {
        let time = TimeOfDay::new(23, 59, 59, nanosecond).expect("a time");
        let start = Start::new(Date::new(1994, 7, 12).expect("a day"), time);
        let annotation = Annotation::new(onset, None, "button");
        let bytes = EdfWriter::new(Format::EDF_PLUS_C, 0.0)
            .start(start)
            .annotations(AnnotationSet::new([annotation.clone()]))
            .to_bytes()
            .expect("a file");
        let recording = Recording::from_bytes(bytes).expect("our own file");
        prop_assert_eq!(recording.start(), start);
        prop_assert_eq!(recording.annotations(), &[annotation][..]);
    }
}
