//! What happens now and then: spindles, K-complexes, eye movements, twitches, artefacts.

use crate::math::{cos_turns, exp, sin_turns};
use crate::noise::Source;
use crate::parameters::Modality;
use crate::physiology::{LOOKS, Traits};
use crate::{CHANNELS, RATE_HZ};

/// The four signals while events are added to them, `[channel][sample]` in µV.
pub(crate) struct Canvas {
    pub channels: [Vec<f32>; CHANNELS],
}

impl Canvas {
    /// Silence of so many samples.
    pub(crate) fn silent(samples: usize) -> Self {
        Self {
            channels: std::array::from_fn(|_| vec![0.0; samples]),
        }
    }

    /// Adds a shape from `at` on, weighted by channel; what lies past the end is lost.
    fn add(&mut self, at: usize, shape: &[f64], weights: [f64; CHANNELS]) {
        for (channel, weight) in self.channels.iter_mut().zip(weights) {
            if weight == 0.0 || at >= channel.len() {
                continue;
            }
            for (sample, value) in channel[at..].iter_mut().zip(shape) {
                *sample += (weight * value) as f32;
            }
        }
    }
}

/// A kind of event.
pub(crate) struct Kind {
    /// Name in the truth's list, plural.
    pub name: &'static str,
    /// Whose class weights decide how much the rate depends on the stage.
    pub modality: Modality,
    /// How often per minute in W, 1, 2, 3, 4, R and movement; below 60.
    pub per_minute: [f64; LOOKS],
    /// Factor on the rate on this night.
    pub tempo: fn(&Traits) -> f64,
    plant: fn(&mut Site),
}

/// Where an event is about to be put.
pub(crate) struct Site<'a> {
    pub canvas: &'a mut Canvas,
    pub at: usize,
    pub traits: &'a Traits,
    pub source: &'a mut Source,
}

impl Kind {
    /// Draws the event's particulars and adds it to the signals.
    pub(crate) fn plant(&self, site: &mut Site) {
        (self.plant)(site);
    }
}

/// Number of kinds.
pub(crate) const KINDS_COUNT: usize = 9;

/// Every kind of event; the order decides the order of draws.
pub(crate) static KINDS: [Kind; KINDS_COUNT] = [
    Kind {
        name: "spindles",
        modality: Modality::Eeg,
        per_minute: [0.0, 0.3, 5.0, 2.5, 1.2, 0.1, 0.0],
        tempo: |traits| traits.spindle_rate,
        plant: spindle,
    },
    Kind {
        name: "k_complexes",
        modality: Modality::Eeg,
        per_minute: [0.0, 0.1, 1.8, 1.5, 1.0, 0.0, 0.0],
        tempo: |traits| traits.spindle_rate,
        plant: k_complex,
    },
    Kind {
        name: "vertex_waves",
        modality: Modality::Eeg,
        per_minute: [0.0, 2.5, 0.5, 0.0, 0.0, 0.0, 0.0],
        tempo: |_| 1.0,
        plant: vertex_wave,
    },
    Kind {
        name: "sawtooth_runs",
        modality: Modality::Eeg,
        per_minute: [0.0, 0.1, 0.0, 0.0, 0.0, 2.0, 0.0],
        tempo: |_| 1.0,
        plant: sawtooth_run,
    },
    Kind {
        name: "saccades",
        modality: Modality::Eog,
        per_minute: [20.0, 1.5, 0.5, 0.2, 0.2, 3.0, 20.0],
        tempo: |traits| traits.eye_rate,
        plant: saccade,
    },
    Kind {
        name: "blinks",
        modality: Modality::Eog,
        per_minute: [12.0, 0.5, 0.1, 0.0, 0.0, 0.2, 8.0],
        tempo: |_| 1.0,
        plant: blink,
    },
    Kind {
        name: "eye_movement_bursts",
        modality: Modality::Eog,
        per_minute: [0.2, 0.1, 0.05, 0.0, 0.0, 5.0, 0.0],
        tempo: |traits| traits.eye_rate,
        plant: eye_movement_burst,
    },
    Kind {
        name: "twitches",
        modality: Modality::Emg,
        per_minute: [3.0, 0.8, 0.3, 0.2, 0.2, 5.0, 6.0],
        tempo: |_| 1.0,
        plant: twitch,
    },
    Kind {
        name: "body_movements",
        modality: Modality::Emg,
        per_minute: [0.5, 0.15, 0.05, 0.03, 0.03, 0.05, 30.0],
        tempo: |_| 1.0,
        plant: body_movement,
    },
];

/// Eye movements as the four channels see them; the front of the head sees them too.
const EYES: [f64; CHANNELS] = [0.15, 0.03, 1.0, 0.0];

fn spindle(site: &mut Site) {
    let (seconds, hertz) = (
        site.source.between(0.5, 1.5),
        site.traits.spindle_hertz + 0.2 * site.source.normal(),
    );
    let peak = site.traits.sigma * site.source.between(20.0, 36.0);
    let shape = shape(seconds, |t| peak * hann(t / seconds) * sin_turns(hertz * t));
    site.canvas.add(site.at, &shape, [1.0, 0.8, 0.1, 0.0]);
}

/// A sharp negative wave, then a slower positive one of 60 % its height.
fn k_complex(site: &mut Site) {
    let peak = site.traits.slow_wave * site.source.between(70.0, 140.0);
    let (down, up) = (site.source.between(0.2, 0.3), site.source.between(0.4, 0.6));
    let wave = |t: f64| {
        if t < down {
            -peak * sin_turns(0.5 * t / down)
        } else {
            0.6 * peak * sin_turns(0.5 * (t - down) / up)
        }
    };
    site.canvas
        .add(site.at, &shape(down + up, wave), [1.0, 0.6, 0.3, 0.0]);
}

fn vertex_wave(site: &mut Site) {
    let peak = site.source.between(40.0, 80.0);
    let shape = shape(0.2, |t| -peak * sin_turns(5.0 * t) * hann(t / 0.2));
    site.canvas.add(site.at, &shape, [1.0, 0.5, 0.2, 0.0]);
}

/// Two to five seconds of notched triangles at 2–4 Hz.
fn sawtooth_run(site: &mut Site) {
    let (seconds, hertz) = (site.source.between(2.0, 5.0), site.source.between(2.0, 4.0));
    let peak = site.source.between(12.0, 25.0);
    let tooth = |turns: f64| {
        if turns < 0.7 {
            turns / 0.7 * 2.0 - 1.0
        } else {
            1.0 - (turns - 0.7) / 0.15
        }
    };
    let wave = |t: f64| peak * hann(t / seconds) * tooth((hertz * t).fract()).max(-1.0);
    site.canvas
        .add(site.at, &shape(seconds, wave), [1.0, 0.5, 0.2, 0.0]);
}

fn saccade(site: &mut Site) {
    let height = site.source.sign() * site.source.between(25.0, 80.0);
    add_saccade(site, site.at, height);
}

/// A step in 50 ms that leaks away through the amplifier's high-pass and the eyes' return.
fn add_saccade(site: &mut Site, at: usize, height: f64) {
    let (height, leak) = (
        height * site.traits.eye_movement,
        site.source.between(0.5, 1.5),
    );
    let shape = shape(3.0 * leak, |t| {
        height * (t / 0.05).min(1.0) * (exp(-t / leak) - exp(-3.0))
    });
    site.canvas.add(at, &shape, EYES);
}

fn blink(site: &mut Site) {
    let (seconds, peak) = (
        site.source.between(0.25, 0.4),
        site.source.between(40.0, 90.0),
    );
    let shape = shape(seconds, |t| {
        peak * site.traits.eye_movement * hann(t / seconds)
    });
    site.canvas.add(site.at, &shape, [0.8, 0.05, 0.7, 0.02]);
}

/// Three to ten saccades to and fro within a few seconds.
fn eye_movement_burst(site: &mut Site) {
    let (mut at, mut side) = (site.at, site.source.sign());
    for _ in 0..site.source.whole(3, 10) {
        let height = side * site.source.between(40.0, 110.0);
        add_saccade(site, at, height);
        at += (site.source.between(0.15, 0.6) * RATE_HZ) as usize;
        side = if site.source.chance(0.8) { -side } else { side };
    }
}

fn twitch(site: &mut Site) {
    let (seconds, rms) = (
        site.source.between(0.1, 0.4),
        site.source.between(8.0, 20.0),
    );
    muscle_burst(site, seconds, rms * site.traits.muscle_tone);
}

fn muscle_burst(site: &mut Site, seconds: f64, rms: f64) {
    let source = &mut *site.source;
    let shape = shape(seconds, |t| 1.6 * rms * hann(t / seconds) * source.normal());
    site.canvas.add(site.at, &shape, [0.08, 0.05, 0.1, 1.0]);
}

/// The chin tenses and the leads of head and eyes sway.
fn body_movement(site: &mut Site) {
    let (seconds, rms) = (
        site.source.between(1.0, 6.0),
        site.source.between(25.0, 70.0),
    );
    muscle_burst(site, seconds, rms);
    let (hertz, start) = (site.source.between(0.3, 1.0), site.source.uniform());
    let weights = [0; 3].map(|_| site.source.sign() * site.source.between(40.0, 200.0));
    let shape = shape(seconds, |t| {
        hann(t / seconds) * sin_turns(start + hertz * t)
    });
    site.canvas
        .add(site.at, &shape, [weights[0], weights[1], weights[2], 0.0]);
}

/// An electrode pops: one channel steps and recovers.
pub(crate) fn electrode_pop(canvas: &mut Canvas, at: usize, channel: usize, source: &mut Source) {
    let (height, leak) = (
        source.sign() * source.between(80.0, 400.0),
        source.between(0.3, 2.0),
    );
    let shape = shape(4.0 * leak, |t| height * exp(-t / leak));
    canvas.add(
        at,
        &shape,
        std::array::from_fn(|own| f64::from(u8::from(own == channel))),
    );
}

/// The heart's spikes in the chin channel, and less in that of the eyes, all night.
pub(crate) fn heartbeat(canvas: &mut Canvas, traits: &Traits, source: &mut Source) {
    let spike = [0.1, -0.25, 0.5, 1.0, 0.2, -0.4, -0.15];
    let (mut seconds, end) = (0.0, canvas.channels[0].len() as f64 / RATE_HZ);
    while seconds < end {
        let at = (seconds * RATE_HZ) as usize;
        canvas.add(
            at,
            &spike,
            [0.0, 0.0, 0.3, 1.0].map(|weight| weight * traits.heart_uv),
        );
        seconds += (1.0 + 0.05 * source.normal()).clamp(0.7, 1.3) / traits.heart_hertz;
    }
}

/// Samples a function of the time in seconds.
fn shape(seconds: f64, wave: impl FnMut(f64) -> f64) -> Vec<f64> {
    (0..(seconds * RATE_HZ) as usize)
        .map(|sample| sample as f64 / RATE_HZ)
        .map(wave)
        .collect()
}

/// Rises from 0 to 1 and falls back over `0..1`.
fn hann(fraction: f64) -> f64 {
    0.5 - 0.5 * cos_turns(fraction)
}
