//! The outline of a recording's signals, small enough for a page: least and greatest value of each piece of an epoch.

use flow_contract::NodeError;

use crate::tensor::Tensors;

/// The letters that levels are written as, from the lowest to the highest.
pub const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Part of all pieces whose deflection fits the scale; what goes beyond is cut.
const INSIDE: f64 = 0.995;

/// The outline of a recording's signals.
#[derive(Debug, PartialEq)]
pub struct Envelope {
    /// Names of the channels.
    pub channels: Vec<String>,
    /// Deflection of the highest level, by channel, in the unit of the epochs.
    pub scale: Vec<f64>,
    /// Two letters of [`DIGITS`] an epoch, channel and piece: the least and the greatest value in it. Level `d` of
    /// 0 … 63 stands for `scale · (2 d / 63 − 1)`.
    pub levels: String,
}

/// How many epochs and channels an artifact of epochs has.
///
/// # Errors
/// When the bytes are no epochs.
pub fn size(epochs: &[u8]) -> Result<(usize, usize), NodeError> {
    let (shape, _) = Tensors::read(epochs)?.f32("x")?;
    match *shape {
        [epochs, channels, _] => Ok((epochs, channels)),
        _ => Err(NodeError::new(format!("`x` has shape {shape:?}"))),
    }
}

/// The outline of an artifact of epochs, each cut into `pieces`.
///
/// # Errors
/// When the bytes are no epochs.
pub fn envelope(epochs: &[u8], pieces: usize) -> Result<Envelope, NodeError> {
    let tensors = Tensors::read(epochs)?;
    let (shape, x) = tensors.f32("x")?;
    let &[_, channels, time] = shape.as_slice() else {
        return Err(NodeError::new(format!("`x` has shape {shape:?}")));
    };
    let names = tensors.fact("channels").unwrap_or_default();
    let pieces = pieces.clamp(1, time.max(1));
    let cut = |piece: usize| piece * time / pieces;
    let ends = |signal: &[f32]| -> Vec<(f32, f32)> {
        let of = |piece: usize| range(&signal[cut(piece)..cut(piece + 1)]);
        (0..pieces).map(of).collect()
    };
    let ends: Vec<(f32, f32)> = x.chunks_exact(time.max(1)).flat_map(ends).collect();
    let scale: Vec<f64> = (0..channels)
        .map(|channel| reach(&ends, channel, channels, pieces))
        .collect();
    let mut levels = String::with_capacity(2 * ends.len());
    for (at, (least, greatest)) in ends.iter().enumerate() {
        let scale = scale[at / pieces % channels];
        levels.extend([*least, *greatest].map(|value| level(f64::from(value), scale)));
    }
    Ok(Envelope {
        channels: names.split('\t').map(str::to_owned).collect(),
        scale,
        levels,
    })
}

fn range(signal: &[f32]) -> (f32, f32) {
    let least = signal.iter().copied().fold(f32::INFINITY, f32::min);
    let greatest = signal.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if least <= greatest {
        (least, greatest)
    } else {
        (0.0, 0.0)
    }
}

/// The deflection that [`INSIDE`] of a channel's pieces stay within; 1 for a flat channel.
fn reach(ends: &[(f32, f32)], channel: usize, channels: usize, pieces: usize) -> f64 {
    let of_channel = ends
        .chunks(pieces)
        .skip(channel)
        .step_by(channels)
        .flatten();
    let mut sizes: Vec<f32> = of_channel
        .map(|(least, greatest)| least.abs().max(greatest.abs()))
        .collect();
    sizes.sort_unstable_by(f32::total_cmp);
    let at = (INSIDE * sizes.len() as f64) as usize;
    let found = sizes
        .get(at.min(sizes.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0);
    if found > 0.0 { f64::from(found) } else { 1.0 }
}

fn level(value: f64, scale: f64) -> char {
    let part = (value / scale).clamp(-1.0, 1.0);
    char::from(DIGITS[((part + 1.0) / 2.0 * 63.0).round() as usize])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::TensorsBuilder;

    #[test]
    fn pieces_keep_their_least_and_greatest() {
        // Two epochs, two channels, four samples.
        let x = [
            0.0, 10.0, -10.0, 0.0, 1.0, 1.0, 1.0, 1.0, //
            5.0, 5.0, 0.0, -5.0, 0.0, 0.0, -1.0, 0.5,
        ];
        let bytes = TensorsBuilder::new()
            .f32("x", &[2, 2, 4], &x)
            .fact("channels", "EEG\tEMG");
        let bytes = bytes.build().unwrap();
        assert_eq!(size(&bytes).unwrap(), (2, 2));
        let found = envelope(&bytes, 2).unwrap();
        assert_eq!(found.channels, ["EEG", "EMG"]);
        assert_eq!(found.scale, [10.0, 1.0]);
        let digit = |value: f64| char::from(DIGITS[((value + 1.0) / 2.0 * 63.0).round() as usize]);
        let expected = [
            0.0, 1.0, -1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, -0.5, 0.0, 0.0, 0.0, -1.0, 0.5,
        ];
        assert_eq!(found.levels, expected.map(digit).iter().collect::<String>());
        assert_eq!(envelope(&bytes, 99).unwrap().levels.len(), 2 * x.len());
        assert!(envelope(b"no", 2).is_err());
    }
}
