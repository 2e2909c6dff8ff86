//! How a night runs through its stages: a semi-Markov chain with the statistics of the real
//! telemetry nights.
//!
//! Bout lengths and the stage after each bout are drawn from the counts in `chain.rs`, apart for
//! four parts of the night (so stages 3 and 4 come early and REM late). A short night is a natural
//! one thinned to fewer epochs.

use crate::chain::{BIN_ENDS, BOUTS, FINAL_WAKE, LATENCY, MOVES, PART_ENDS};
use crate::cohort::Medication;
use crate::noise::Source;

/// What an epoch of the scoring may say (Rechtschaffen & Kales 1968).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Awake.
    Wake,
    /// Stage 1.
    One,
    /// Stage 2.
    Two,
    /// Stage 3.
    Three,
    /// Stage 4.
    Four,
    /// Rapid eye movement sleep.
    Rem,
    /// Movement time.
    Movement,
    /// Not scorable.
    Unknown,
}

impl Stage {
    /// Every stage, in the order of the enum.
    pub const ALL: [Self; 8] = [
        Self::Wake,
        Self::One,
        Self::Two,
        Self::Three,
        Self::Four,
        Self::Rem,
        Self::Movement,
        Self::Unknown,
    ];

    /// The words of the hypnogram files.
    pub fn text(self) -> &'static str {
        match self {
            Self::Wake => "Sleep stage W",
            Self::One => "Sleep stage 1",
            Self::Two => "Sleep stage 2",
            Self::Three => "Sleep stage 3",
            Self::Four => "Sleep stage 4",
            Self::Rem => "Sleep stage R",
            Self::Movement => "Movement time",
            Self::Unknown => "Sleep stage ?",
        }
    }

    /// The class an epoch of this stage belongs to; none for movement time and unknown.
    pub fn class(self) -> Option<Class> {
        match self {
            Self::Wake => Some(Class::Wake),
            Self::One => Some(Class::N1),
            Self::Two => Some(Class::N2),
            Self::Three | Self::Four => Some(Class::N3),
            Self::Rem => Some(Class::Rem),
            Self::Movement | Self::Unknown => None,
        }
    }
}

/// The five classes a classifier tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Awake.
    Wake,
    /// Stage 1.
    N1,
    /// Stage 2.
    N2,
    /// Stages 3 and 4.
    N3,
    /// Rapid eye movement sleep.
    Rem,
}

impl Class {
    /// Every class; the position in this list is the row of every stage × modality table here.
    pub const ALL: [Self; 5] = [Self::Wake, Self::N1, Self::N2, Self::N3, Self::Rem];

    /// `W`, `N1`, `N2`, `N3` or `R`.
    pub fn name(self) -> &'static str {
        ["W", "N1", "N2", "N3", "R"][self as usize]
    }
}

/// Scored epochs of the average real night (42,471 in 44 nights); nights not longer than this are
/// thinned from it.
const NATURAL_EPOCHS: usize = 965;

/// Nights of the 44 that begin awake; the others' scoring begins at sleep onset.
const BEGIN_AWAKE: f64 = 36.0 / 44.0;

/// Probability per epoch that stage 3 deepens to 4, and that 4 lightens to 3.
///
/// They make 32 % of the epochs of slow-wave sleep stage 4, as in ST7011 (93 epochs of 3, 43 of 4).
const DEEPEN: f64 = 0.075;
const LIGHTEN: f64 = 0.10;

/// Mean bout length with temazepam ÷ geometric mean of both nights, per class; placebo nights have
/// the inverse.
///
/// From the 44 nights (`tests/golden/estimate_chain.py` prints both means).
const MEDICATED_BOUT: [f64; 5] = [0.88, 0.94, 1.09, 1.09, 0.87];

/// The same for the odds to enter a class.
const MEDICATED_ENTRY: [f64; 5] = [0.93, 1.0, 1.0, 1.0, 1.22];

/// What shapes one night's course.
#[derive(Clone, Copy)]
pub(crate) struct Course {
    /// Epochs from the first to the last scored one.
    pub epochs: usize,
    /// Each class gets at least this many of them.
    pub minimum_per_class: usize,
    /// What was taken.
    pub medication: Medication,
    /// How strongly the medication changes bouts and entries: 0 not at all, 1 as in the real
    /// nights.
    pub medication_strength: f64,
    /// Factor on the odds to enter slow-wave sleep: the subject's own depth of sleep.
    pub depth: f64,
}

/// Draws the stages of a night, `[course.epochs]`.
pub(crate) fn draw_stages(course: &Course, source: &mut Source) -> Vec<Stage> {
    let natural_epochs = course.epochs.max(NATURAL_EPOCHS);
    let natural = split_slow_wave(&draw_classes(course, natural_epochs, source), source);
    let mut stages = thin(&natural, course.epochs, source);
    for class in Class::ALL {
        top_up(&mut stages, &natural, class, course.minimum_per_class);
    }
    stages
}

fn draw_classes(course: &Course, epochs: usize, source: &mut Source) -> Vec<usize> {
    let scale = epochs as f64 / NATURAL_EPOCHS as f64;
    let awake = source.chance(BEGIN_AWAKE);
    let latency = if awake {
        (draw_length(&LATENCY, source) * scale) as usize
    } else {
        0
    };
    let last = (draw_length(&FINAL_WAKE, source) * scale).max(1.0) as usize;
    let asleep_end = epochs.saturating_sub(last).max(latency);
    let mut classes = vec![0; latency];
    let mut class = Class::N1 as usize;
    while classes.len() < asleep_end {
        let part = part_of((classes.len() - latency) as f64 / (asleep_end - latency) as f64);
        let bout = draw_bout(course, part, class, source).min(asleep_end - classes.len());
        classes.extend(std::iter::repeat_n(class, bout));
        class = draw_next(course, part, class, source);
    }
    classes.resize(epochs, 0);
    classes
}

fn part_of(fraction: f64) -> usize {
    PART_ENDS
        .iter()
        .position(|end| fraction < *end)
        .unwrap_or(PART_ENDS.len() - 1)
}

/// Draws a length in epochs: a bin by its count, then evenly within the bin.
fn draw_length(counts: &[u32; BIN_ENDS.len()], source: &mut Source) -> f64 {
    let bin = source.pick(&counts.map(f64::from));
    let first = if bin == 0 { 1 } else { BIN_ENDS[bin - 1] + 1 };
    f64::from(source.whole(first, BIN_ENDS[bin]))
}

fn draw_bout(course: &Course, part: usize, class: usize, source: &mut Source) -> usize {
    let length =
        draw_length(&BOUTS[part][class], source) * medicated(course, MEDICATED_BOUT[class]);
    // Rounded up or down by chance, so that the factor holds for the mean of one-epoch bouts too.
    (length + source.uniform()).floor().max(1.0) as usize
}

fn draw_next(course: &Course, part: usize, class: usize, source: &mut Source) -> usize {
    let mut odds = MOVES[part][class].map(f64::from);
    for (to, odd) in odds.iter_mut().enumerate() {
        *odd *= medicated(course, MEDICATED_ENTRY[to]);
    }
    odds[Class::N3 as usize] *= course.depth;
    source.pick(&odds)
}

/// The factor for this night: `factor^strength` with temazepam, its inverse with placebo, to first
/// order.
fn medicated(course: &Course, factor: f64) -> f64 {
    let change = 1.0 + course.medication_strength * (factor - 1.0);
    match course.medication {
        Medication::Temazepam => change,
        Medication::Placebo => 1.0 / change,
    }
}

fn split_slow_wave(classes: &[usize], source: &mut Source) -> Vec<Stage> {
    let mut deep = false;
    let mut stage = |class: usize| {
        deep =
            class == Class::N3 as usize && source.chance(if deep { 1.0 - LIGHTEN } else { DEEPEN });
        match Class::ALL[class] {
            Class::Wake => Stage::Wake,
            Class::N1 => Stage::One,
            Class::N2 => Stage::Two,
            Class::N3 if deep => Stage::Four,
            Class::N3 => Stage::Three,
            Class::Rem => Stage::Rem,
        }
    };
    classes.iter().map(|class| stage(*class)).collect()
}

/// Takes every `natural.len() / epochs`-th epoch, beginning anywhere within the first step.
fn thin(natural: &[Stage], epochs: usize, source: &mut Source) -> Vec<Stage> {
    let (step, offset) = (natural.len() as f64 / epochs as f64, source.uniform());
    let at = |epoch| ((epoch as f64 + offset) * step) as usize;
    (0..epochs)
        .map(|epoch| natural[at(epoch).min(natural.len() - 1)])
        .collect()
}

/// Raises a class to its minimum, at the epochs whose stretch of the natural night holds most of
/// it.
///
/// Only classes above their own minimum give epochs away; between equals the earliest epoch
/// changes.
fn top_up(stages: &mut [Stage], natural: &[Stage], class: Class, minimum: usize) {
    let representative = match class {
        Class::Wake => Stage::Wake,
        Class::N1 => Stage::One,
        Class::N2 => Stage::Two,
        Class::N3 => Stage::Three,
        Class::Rem => Stage::Rem,
    };
    while count(stages, class) < minimum {
        let Some(epoch) = best_donor(stages, natural, class, minimum) else {
            return;
        };
        stages[epoch] = representative;
    }
}

fn best_donor(stages: &[Stage], natural: &[Stage], class: Class, minimum: usize) -> Option<usize> {
    let rich = Class::ALL.map(|other| count(stages, other) > minimum);
    let gives = |epoch: usize| {
        stages[epoch]
            .class()
            .is_some_and(|own| own != class && rich[own as usize])
    };
    let held = |epoch: usize| {
        let stretch =
            epoch * natural.len() / stages.len()..(epoch + 1) * natural.len() / stages.len();
        // Where no stretch holds the class, the commonest donor gives, in the class's half of the
        // night.
        let own = stages[epoch].class().map_or(0, |own| count(stages, own));
        let late = (epoch * 2 >= stages.len()) == (class == Class::Rem);
        (count(&natural[stretch], class), late, own)
    };
    (0..stages.len())
        .filter(|epoch| gives(*epoch))
        .rev()
        .max_by_key(|epoch| held(*epoch))
}

fn count(stages: &[Stage], class: Class) -> usize {
    stages
        .iter()
        .filter(|stage| stage.class() == Some(class))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Purpose;

    /// Shares of the real nights: W, N1, N2, N3, R of 42,471 epochs.
    const REAL_SHARES: [f64; 5] = [0.0990, 0.0860, 0.4674, 0.1510, 0.1966];
    /// Mean bout of the real nights in epochs without first and last wake, both kinds of nights
    /// together.
    const REAL_BOUTS: [f64; 5] = [3.58, 2.71, 11.14, 7.10, 21.97];

    fn course(epochs: usize, medication: Medication) -> Course {
        Course {
            epochs,
            minimum_per_class: 3,
            medication,
            medication_strength: 1.0,
            depth: 1.0,
        }
    }

    fn many_nights(epochs: usize) -> Vec<Vec<Stage>> {
        let draw = |seed| {
            let medication = if seed % 2 == 0 {
                Medication::Placebo
            } else {
                Medication::Temazepam
            };
            draw_stages(
                &course(epochs, medication),
                &mut Source::new(seed, "x", Purpose::Stages),
            )
        };
        (0..400).map(draw).collect()
    }

    fn shares(stages: &[Stage]) -> [f64; 5] {
        Class::ALL.map(|class| count(stages, class) as f64 / stages.len() as f64)
    }

    #[test]
    fn stage_shares_are_those_of_the_real_nights() {
        let simulated = shares(&many_nights(NATURAL_EPOCHS).concat());
        for (ours, real) in simulated.iter().zip(REAL_SHARES) {
            assert!((ours - real).abs() < 0.02, "{simulated:?}");
        }
    }

    #[test]
    fn mean_bouts_are_those_of_the_real_nights() {
        let (mut bouts, mut epochs) = ([0.0; 5], [0.0; 5]);
        for night in many_nights(NATURAL_EPOCHS) {
            let classes: Vec<_> = night.iter().filter_map(|stage| stage.class()).collect();
            let runs: Vec<_> = classes.chunk_by(|a, b| a == b).collect();
            for run in &runs[1..runs.len() - 1] {
                bouts[run[0] as usize] += 1.0;
                epochs[run[0] as usize] += run.len() as f64;
            }
        }
        let means: Vec<f64> = epochs
            .iter()
            .zip(bouts)
            .map(|(epochs, bouts)| epochs / bouts)
            .collect();
        for (ours, real) in means.iter().zip(REAL_BOUTS) {
            assert!((ours / real - 1.0).abs() < 0.10, "{means:?}");
        }
    }

    #[test]
    fn slow_wave_sleep_comes_early_and_rem_late() {
        let halves = |which: usize| {
            let half = |night: &Vec<Stage>| {
                night
                    .chunks(NATURAL_EPOCHS.div_ceil(2))
                    .nth(which)
                    .map(<[_]>::to_vec)
            };
            shares(
                &many_nights(NATURAL_EPOCHS)
                    .iter()
                    .filter_map(half)
                    .collect::<Vec<_>>()
                    .concat(),
            )
        };
        let (first, second) = (halves(0), halves(1));
        assert!(first[3] > 2.5 * second[3], "{first:?} {second:?}");
        assert!(second[4] > 1.5 * first[4], "{first:?} {second:?}");
    }

    #[test]
    fn a_third_of_slow_wave_sleep_is_stage_four() {
        let all = many_nights(NATURAL_EPOCHS).concat();
        let four = all.iter().filter(|stage| **stage == Stage::Four).count() as f64;
        let share = four / count(&all, Class::N3) as f64;
        assert!((share - 43.0 / 136.0).abs() < 0.03, "{share}");
    }

    #[test]
    fn a_short_night_keeps_the_shares_and_has_every_class() {
        for epochs in [20, 40, 60] {
            let nights = many_nights(epochs);
            for night in &nights {
                assert_eq!(night.len(), epochs);
                assert!(
                    Class::ALL.iter().all(|class| count(night, *class) >= 3),
                    "{night:?}"
                );
            }
            let simulated = shares(&nights.concat());
            assert!(simulated[2] > 0.3, "{simulated:?}");
        }
    }

    #[test]
    fn a_drug_of_no_strength_leaves_the_night_as_it_is() {
        let draw = |medication_strength, medication| {
            let course = Course {
                medication_strength,
                ..course(965, medication)
            };
            draw_stages(&course, &mut Source::new(6, "m", Purpose::Stages))
        };
        let both =
            |strength| [Medication::Placebo, Medication::Temazepam].map(|of| draw(strength, of));
        let ([none, same], [placebo, temazepam]) = (both(0.0), both(1.0));
        assert_eq!(none, same);
        assert_ne!(placebo, temazepam);
    }

    #[test]
    fn temazepam_nights_have_less_wake() {
        let wake = |medication| {
            let draw = |seed| {
                draw_stages(
                    &course(965, medication),
                    &mut Source::new(seed, "m", Purpose::Stages),
                )
            };
            shares(&(0..200).flat_map(draw).collect::<Vec<_>>())[0]
        };
        let (placebo, temazepam) = (wake(Medication::Placebo), wake(Medication::Temazepam));
        assert!(temazepam < 0.92 * placebo, "{placebo} {temazepam}");
    }
}
