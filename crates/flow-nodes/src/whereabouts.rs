//! Where an epoch among those of several recordings is, in words for errors.

use flow_contract::NodeError;

use crate::recordings::Recorded;

/// The n-th epoch of all chosen recordings: "recording `night`, epoch 3 (from 0)".
#[must_use]
pub fn epoch_in_words(chosen: &[&Recorded<'_>], n: usize) -> String {
    let mut before = 0;
    for one in chosen {
        if n < before + one.count() {
            return in_words(one, n - before);
        }
        before += one.count();
    }
    format!("epoch {n} (from 0)")
}

/// The first number of the chosen recordings that is NaN or infinite, as an error; `None` without one.
#[must_use]
pub fn not_finite(chosen: &[&Recorded<'_>]) -> Option<NodeError> {
    chosen.iter().find_map(|one| {
        let at = one.x.iter().position(|value| !value.is_finite())?;
        let row = at / one.time;
        let (epoch, channel) = (row / one.channels.len(), row % one.channels.len());
        let (place, name) = (in_words(one, epoch), &one.channels[channel]);
        Some(number_not_finite(&place, name, at % one.time, one.x[at]))
    })
}

/// The error of a number that is NaN or infinite.
#[must_use]
pub fn number_not_finite(place: &str, channel: &str, time: usize, value: f32) -> NodeError {
    let what = format!("{place}, channel {channel}: sample {time} (from 0) is {value}");
    NodeError::new(what).help("leave it out, or fill what is missing")
}

fn in_words(one: &Recorded<'_>, epoch: usize) -> String {
    format!("recording `{}`, epoch {epoch} (from 0)", one.recording)
}
