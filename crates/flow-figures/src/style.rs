//! One visual language: sizes in points, colours, and what each modality looks like.

/// One column of a journal page, 85 mm, in points.
pub(crate) const COLUMN: f64 = 85.0 * 72.0 / 25.4;
/// A full journal page, 180 mm, in points.
pub(crate) const FULL: f64 = 180.0 * 72.0 / 25.4;
/// White space around everything.
pub(crate) const MARGIN: f64 = 8.0;

/// Size of a figure's title.
pub(crate) const TITLE: f64 = 8.5;
/// Size of axis titles, legends and panel titles.
pub(crate) const TEXT: f64 = 7.0;
/// Size of tick labels and notes.
pub(crate) const SMALL: f64 = 6.0;

/// A colour with opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Colour {
    pub red: u8,
    pub green: u8,
    pub blue: u8,
    /// Opacity in percent: whole numbers print the same everywhere.
    pub opacity: u8,
}

impl Colour {
    pub const fn hex(value: u32) -> Colour {
        let [_, red, green, blue] = value.to_be_bytes();
        Colour {
            red,
            green,
            blue,
            opacity: 100,
        }
    }

    pub const fn faded(self, opacity: u8) -> Colour {
        Colour { opacity, ..self }
    }

    /// Mixes towards `other`; `part` 0 is `self`, 1 is `other`.
    pub fn mixed(self, other: Colour, part: f64) -> Colour {
        let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * part).round();
        Colour {
            red: mix(self.red, other.red) as u8,
            green: mix(self.green, other.green) as u8,
            blue: mix(self.blue, other.blue) as u8,
            opacity: self.opacity,
        }
    }

    /// Black or white, whichever can be read on this colour (WCAG relative luminance).
    pub fn ink_on(self) -> Colour {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        let luminance =
            0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue);
        if luminance > 0.3 { INK } else { WHITE }
    }
}

pub(crate) const WHITE: Colour = Colour::hex(0xFFFFFF);
pub(crate) const INK: Colour = Colour::hex(0x1A1A1A);
pub(crate) const GREY: Colour = Colour::hex(0x5F5F5F);
pub(crate) const RULE: Colour = Colour::hex(0x8A8A8A);
pub(crate) const GRID: Colour = Colour::hex(0xE3E3E3);
pub(crate) const HATCH: Colour = Colour::hex(0xC4C4C4);
pub(crate) const PALE: Colour = Colour::hex(0xF4F4F4);

// Okabe & Ito 2008, "Color Universal Design".
pub(crate) const BLUE: Colour = Colour::hex(0x0072B2);
pub(crate) const ORANGE: Colour = Colour::hex(0xE69F00);
pub(crate) const GREEN: Colour = Colour::hex(0x009E73);
pub(crate) const VERMILLION: Colour = Colour::hex(0xD55E00);
pub(crate) const PURPLE: Colour = Colour::hex(0xCC79A7);
pub(crate) const SKY: Colour = Colour::hex(0x56B4E9);

/// Shape of a data point, so that colour is never the only sign.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
}

/// What one modality looks like in every figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Look {
    pub colour: Colour,
    pub marker: Marker,
}

const fn look(colour: Colour, marker: Marker) -> Look {
    Look { colour, marker }
}

/// The three modalities with a fixed look come first, the spare looks after.
const LOOKS: [Look; 8] = [
    look(BLUE, Marker::Circle),
    look(ORANGE, Marker::Square),
    look(GREEN, Marker::Triangle),
    look(VERMILLION, Marker::Diamond),
    look(PURPLE, Marker::Circle),
    look(SKY, Marker::Square),
    look(Colour::hex(0x7A7A7A), Marker::Triangle),
    look(Colour::hex(0xB8A400), Marker::Diamond),
];

/// Names whose look is fixed: EEG, EOG and EMG are the same in every figure and every study.
const FIXED: [&str; 3] = ["EEG", "EOG", "EMG"];

/// Most modalities a figure can tell apart.
pub(crate) const MOST_MODALITIES: usize = LOOKS.len();

/// Gives each modality its look; names that start with EEG, EOG or EMG get theirs first.
pub(crate) fn looks(modalities: &[String]) -> Vec<Look> {
    let mut taken = [false; LOOKS.len()];
    let fixed: Vec<Option<usize>> = modalities
        .iter()
        .map(|name| {
            let slot = FIXED
                .iter()
                .position(|f| name.to_uppercase().starts_with(f))?;
            (!std::mem::replace(&mut taken[slot], true)).then_some(slot)
        })
        .collect();
    // Spare looks first, so that blue means EEG even where there is no EEG.
    let mut free = (FIXED.len()..LOOKS.len())
        .chain(0..FIXED.len())
        .filter(|&s| !taken[s]);
    fixed
        .iter()
        .map(|slot| LOOKS[slot.or_else(|| free.next()).unwrap_or(0)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|s| s.to_string()).collect()
    }

    #[test]
    fn eeg_eog_emg_keep_their_colours_in_any_order() {
        let looks = looks(&names(&[
            "ECG",
            "EMG submental",
            "eeg Fpz-Cz",
            "EOG",
            "EEG Pz-Oz",
        ]));
        assert_eq!(looks[1].colour, GREEN);
        assert_eq!(looks[2].colour, BLUE);
        assert_eq!(looks[3].colour, ORANGE);
        assert_eq!(looks[0].colour, VERMILLION);
        assert_eq!(looks[4].colour, PURPLE);
    }

    #[test]
    fn eight_strangers_all_look_different() {
        let looks = looks(&names(&["a", "b", "c", "d", "e", "f", "g", "h"]));
        for (i, a) in looks.iter().enumerate() {
            assert!(looks[..i].iter().all(|b| b.colour != a.colour));
        }
    }

    #[test]
    fn ink_is_white_on_blue_and_dark_on_orange() {
        assert_eq!(BLUE.ink_on(), WHITE);
        assert_eq!(ORANGE.ink_on(), INK);
    }
}
