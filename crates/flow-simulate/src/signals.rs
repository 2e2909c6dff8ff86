//! Turns the course of a night into four signals.

use crate::events::{Canvas, KINDS, KINDS_COUNT, Site, electrode_pop, heartbeat};
use crate::filter::Bank;
use crate::noise::{Purpose, Source};
use crate::parameters::Parameters;
use crate::physiology::{
    EMG, EMG_BANDS, EMG_SHARES, EOG, EOG_BANDS, LANES, LogLevels, Looks, POSTERIOR, Traits,
    average_of, microvolts, modality_of,
};
use crate::stages::{Class, Stage};
use crate::{CHANNELS, RATE_HZ};

/// Samples per second as a count.
const SECOND: usize = RATE_HZ as usize;
/// The correlation of the two EEG channels' noise.
const SHARED: f32 = 0.6;
/// How much of the frontal EEG the eye electrodes see.
const EEG_IN_EOG: f32 = 0.2;
/// White noise of every electrode in µV.
const FLOOR_UV: f32 = 0.8;
/// Physical range of the recorder is ±3000 µV; signals stay just inside.
const LIMIT_UV: f32 = 2999.0;

/// The signals of a night, and how many events of each kind they hold.
pub(crate) struct Signals {
    /// `[channel][sample]` in µV at 100 Hz.
    pub channels: [Vec<f32>; CHANNELS],
    /// In the order of `KINDS`.
    pub counts: [usize; KINDS_COUNT],
}

/// What a night's signals are drawn from.
pub(crate) struct Draft<'a> {
    pub parameters: &'a Parameters,
    pub recording: &'a str,
    pub traits: &'a Traits,
    /// What the body does, second by second.
    pub stages: &'a [Stage],
}

impl Draft<'_> {
    fn source(&self, purpose: Purpose) -> Source {
        Source::new(self.parameters.seed, self.recording, purpose)
    }
}

/// Draws the signals.
pub(crate) fn draw_signals(draft: &Draft) -> Signals {
    let mut canvas = Canvas::silent(draft.stages.len() * SECOND);
    let mut counts = [0; KINDS_COUNT];
    let mut events = draft.source(Purpose::Events);
    let moments = Mood::begin(draft).moments();
    for (second, moment) in moments.iter().enumerate() {
        for (kind, count) in KINDS.iter().zip(&mut counts) {
            if events.chance(moment.rate(kind, draft) / 60.0) {
                let at = second * SECOND + events.whole(0, SECOND as u32 - 1) as usize;
                kind.plant(&mut Site {
                    canvas: &mut canvas,
                    at,
                    traits: draft.traits,
                    source: &mut events,
                });
                *count += 1;
            }
        }
    }
    heartbeat(&mut canvas, draft.traits, &mut events);
    add_artefacts(&mut canvas, draft, &mut events);
    add_background(&mut canvas, &moments, draft);
    Signals {
        channels: canvas.channels,
        counts,
    }
}

fn add_artefacts(canvas: &mut Canvas, draft: &Draft, source: &mut Source) {
    let probability = draft.parameters.quirks.artefacts_per_hour / 3600.0;
    for second in 0..draft.stages.len() {
        for channel in 0..CHANNELS {
            if source.chance(probability) {
                electrode_pop(canvas, second * SECOND, channel, source);
            }
        }
    }
}

/// One second of the body's state.
struct Moment {
    stage: Stage,
    /// How much of the stage's own look each modality shows now.
    own: [f64; 3],
    levels: [f32; LANES],
}

impl Moment {
    /// How often per minute a kind of event comes now.
    fn rate(&self, kind: &crate::events::Kind, draft: &Draft) -> f64 {
        let average = average_of(|look| kind.per_minute[look]);
        let own = self.own[kind.modality as usize];
        let rate = average + own * (kind.per_minute[self.stage as usize] - average);
        (rate * (kind.tempo)(draft.traits)).clamp(0.0, 60.0)
    }
}

/// The slow wandering of a body's state around what its stage asks for.
struct Mood<'a> {
    draft: &'a Draft<'a>,
    looks: Looks,
    source: Source,
    /// Ornstein–Uhlenbeck processes of unit variance: how far each modality strays, and each lane's
    /// log amplitude.
    stray: [f64; 3],
    wander: [f64; LANES],
    levels: LogLevels,
}

/// Correlation over one second of processes with time constants of 40 s and 25 s.
const STRAY_MEMORY: f64 = 0.975;
const WANDER_MEMORY: f64 = 0.96;
/// Share of the way to its target that a log amplitude goes in a second.
const FOLLOW: f64 = 0.5;

impl<'a> Mood<'a> {
    fn begin(draft: &'a Draft<'a>) -> Self {
        let mut source = draft.source(Purpose::Levels);
        let looks = Looks::new();
        let levels = looks.stages[Stage::Wake as usize];
        let stray = [0; 3].map(|_| source.normal());
        let wander = [0; LANES].map(|_| source.normal());
        Self {
            draft,
            looks,
            source,
            stray,
            wander,
            levels,
        }
    }

    fn moments(mut self) -> Vec<Moment> {
        let stages = self.draft.stages;
        stages.iter().map(|stage| self.next(*stage)).collect()
    }

    fn next(&mut self, stage: Stage) -> Moment {
        for stray in &mut self.stray {
            *stray = remember(*stray, STRAY_MEMORY, &mut self.source);
        }
        for wander in &mut self.wander {
            *wander = remember(*wander, WANDER_MEMORY, &mut self.source);
        }
        let own = std::array::from_fn(|modality| self.own_share(stage, modality));
        for lane in 0..LANES {
            let target = self.target(stage, lane, own[modality_of(lane) as usize]);
            self.levels[lane] += FOLLOW * (target - self.levels[lane]);
        }
        Moment {
            stage,
            own,
            levels: microvolts(&self.levels),
        }
    }

    /// The weight of the stage's class less what the moment strays; `1.25 |z|` has mean 1 for a
    /// standard normal `z`.
    fn own_share(&self, stage: Stage, modality: usize) -> f64 {
        let class = stage.class().unwrap_or(Class::Wake);
        let strays = (self.draft.parameters.ambiguity * 1.25 * self.stray[modality].abs()).min(1.0);
        self.draft.traits.weights[class as usize][modality] * (1.0 - strays)
    }

    fn target(&self, stage: Stage, lane: usize, own: f64) -> f64 {
        let average = self.looks.average[lane];
        let look = average + own * (self.looks.stages[stage as usize][lane] - average);
        look + self.draft.traits.log_factor(lane)
            + self.draft.parameters.variability * self.wander[lane]
    }
}

fn remember(value: f64, memory: f64, source: &mut Source) -> f64 {
    memory * value + (1.0 - memory * memory).sqrt() * source.normal()
}

/// Adds the ongoing rhythms and noise, second by second, with amplitudes running straight from
/// moment to moment.
fn add_background(canvas: &mut Canvas, moments: &[Moment], draft: &Draft) {
    let mut background = Background::new(draft);
    let mut before = moments.first().map_or([0.0; LANES], |moment| moment.levels);
    let mut hum = 1.0;
    for (second, moment) in moments.iter().enumerate() {
        background.draw_noise();
        for sample in 0..SECOND {
            let part = (sample + 1) as f32 / SECOND as f32;
            let levels = std::array::from_fn(|lane| {
                before[lane] + part * (moment.levels[lane] - before[lane])
            });
            let values = background.step(sample, &levels);
            hum = -hum;
            for (channel, value) in canvas.channels.iter_mut().zip(values) {
                let at = &mut channel[second * SECOND + sample];
                *at += value;
            }
            finish(canvas, second * SECOND + sample, hum, draft.traits);
        }
        before = moment.levels;
    }
}

/// Amplifies by channel, adds the hum (50 Hz sampled at 100 Hz alternates) and keeps to the
/// recorder's range.
fn finish(canvas: &mut Canvas, at: usize, hum: f32, traits: &Traits) {
    for (channel, gain) in canvas.channels.iter_mut().zip(traits.gains) {
        let value = channel[at] * gain as f32 + hum * traits.mains_uv as f32;
        channel[at] = value.clamp(-LIMIT_UV, LIMIT_UV);
    }
}

/// The filters and the noise they are fed with.
struct Background {
    front: Bank<EOG>,
    back: Bank<EOG>,
    eyes: Bank<{ EMG - EOG }>,
    chin: Bank<4>,
    source: Source,
    /// Two streams for each channel.
    noise: [[[f32; SECOND]; 2]; CHANNELS],
}

impl Background {
    fn new(draft: &Draft) -> Self {
        let bands = draft.traits.eeg_bands();
        Self {
            front: Bank::new(&bands, RATE_HZ),
            back: Bank::new(&bands, RATE_HZ),
            eyes: Bank::new(&EOG_BANDS, RATE_HZ),
            chin: Bank::new(&EMG_BANDS, RATE_HZ),
            source: draft.source(Purpose::Background),
            noise: [[[0.0; SECOND]; 2]; CHANNELS],
        }
    }

    fn draw_noise(&mut self) {
        for noise in self.noise.as_flattened_mut() {
            self.source.white(noise);
        }
    }

    /// The next sample of the four channels, in µV.
    fn step(&mut self, sample: usize, levels: &[f32; LANES]) -> [f32; CHANNELS] {
        let [front, back, eyes, chin] =
            std::array::from_fn(|channel| [0, 1].map(|stream| self.noise[channel][stream][sample]));
        let (eeg, rest) = levels.split_at(EOG);
        let posterior: [f32; EOG] = std::array::from_fn(|lane| eeg[lane] * POSTERIOR[lane]);
        let own = (1.0 - SHARED * SHARED).sqrt();
        let frontal = weighted(&self.front.step(front), eeg);
        let occipital = weighted(
            &self
                .back
                .step([0, 1].map(|stream| SHARED * front[stream] + own * back[stream])),
            &posterior,
        );
        let eye = weighted(&self.eyes.step(eyes), &rest[..EMG - EOG]);
        let muscle = levels[EMG] * weighted(&self.chin.step(chin), &EMG_SHARES);
        [
            frontal + FLOOR_UV * back[0],
            occipital + FLOOR_UV * front[0],
            eye + EEG_IN_EOG * frontal + FLOOR_UV * chin[0],
            muscle + FLOOR_UV * eyes[0],
        ]
    }
}

fn weighted(values: &[f32], weights: &[f32]) -> f32 {
    values
        .iter()
        .zip(weights)
        .map(|(value, weight)| value * weight)
        .sum()
}

/// What the body does second by second; true changes lie some seconds off the borders of the
/// epochs.
pub(crate) fn seconds_of(
    epochs: &[Stage],
    shift_sd_seconds: f64,
    source: &mut Source,
) -> Vec<Stage> {
    let mut seconds: Vec<Stage> = epochs.iter().flat_map(|stage| [*stage; 30]).collect();
    for border in 1..epochs.len() {
        if epochs[border - 1] == epochs[border] {
            continue;
        }
        let shift = (shift_sd_seconds * source.normal()).clamp(-12.0, 12.0) as isize;
        let at = (border * 30).saturating_add_signed(shift);
        if shift < 0 {
            seconds[at..border * 30].fill(epochs[border]);
        } else {
            seconds[border * 30..at].fill(epochs[border - 1]);
        }
    }
    seconds
}

/// Holds the signals at their last value while the telemetry is in error.
pub(crate) fn flatten(channels: &mut [Vec<f32>; CHANNELS], from: usize, to: usize) {
    for channel in channels {
        let (from, to) = (from.min(channel.len()), to.min(channel.len()));
        let held = from.checked_sub(1).map_or(0.0, |before| channel[before]);
        channel[from..to].fill(held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn true_changes_stay_near_the_borders() {
        let epochs = [Stage::Wake, Stage::One, Stage::Two];
        let mut source = Source::new(5, "x", Purpose::Timeline);
        for _ in 0..200 {
            let seconds = seconds_of(&epochs, 5.0, &mut source);
            assert_eq!(seconds.len(), 90);
            assert!(seconds[..18].iter().all(|stage| *stage == Stage::Wake));
            assert!(seconds[42..48].iter().all(|stage| *stage == Stage::One));
            assert!(seconds[72..].iter().all(|stage| *stage == Stage::Two));
        }
    }

    #[test]
    fn an_error_holds_the_last_value() {
        let mut channels = std::array::from_fn(|_| vec![1.0, 2.0, 3.0, 4.0]);
        flatten(&mut channels, 2, 9);
        assert_eq!(channels[0], [1.0, 2.0, 2.0, 2.0]);
    }
}
