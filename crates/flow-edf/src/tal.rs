//! Time-stamped annotation lists (TALs), the text inside annotation signals.

use crate::field::{self, Encoding};

/// Ends a time stamp and each text.
pub(crate) const TEXT_END: u8 = 0x14;
/// Stands between onset and duration.
pub(crate) const DURATION_MARK: u8 = 0x15;

/// Times further from the start than this, some 30,000 years, are no times; sums of the others stay finite.
pub(crate) const FARTHEST_SECONDS: f64 = 1e12;

/// A remark about a stretch of the recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// Seconds from the recording's first sample; negative before it.
    pub onset_seconds: f64,
    /// Seconds that it lasts; none where the file gives none.
    pub duration_seconds: Option<f64>,
    /// The remark, for example `Sleep stage W`.
    pub text: String,
}

impl Annotation {
    /// Makes an annotation.
    #[must_use]
    pub fn new(onset_seconds: f64, duration_seconds: Option<f64>, text: impl Into<String>) -> Self {
        Self {
            onset_seconds,
            duration_seconds,
            text: text.into(),
        }
    }
}

/// One list: a time stamp and the texts that share it.
#[derive(Debug, PartialEq)]
pub(crate) struct Tal<'a> {
    /// Seconds from the header's start.
    pub(crate) onset: f64,
    pub(crate) duration: Option<f64>,
    /// What stands between the time stamp and the closing byte.
    texts: &'a [u8],
    /// Breaks a rule but can be understood.
    pub(crate) is_sloppy: bool,
}

/// The pieces between NUL bytes, with their offsets; padding has none.
pub(crate) fn pieces(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    bytes.split(|&byte| byte == 0).filter_map(move |piece| {
        let offset = at;
        at += piece.len() + 1;
        piece
            .iter()
            .any(|byte| !byte.is_ascii_whitespace())
            .then_some((offset, piece))
    })
}

impl<'a> Tal<'a> {
    /// Reads one piece; none if it holds no time stamp.
    pub(crate) fn parse(piece: &'a [u8]) -> Option<Self> {
        let end = piece.iter().position(|&byte| byte == TEXT_END)?;
        let (stamp, texts) = (&piece[..end], &piece[end + 1..]);
        let mut parts = stamp.splitn(2, |&byte| byte == DURATION_MARK);
        let (onset, onset_is_sloppy) = onset(parts.next()?)?;
        let duration = match parts.next() {
            None | Some([]) => None,
            Some(text) => Some(seconds(text).filter(|seconds| *seconds >= 0.0)?),
        };
        let closed = texts.strip_suffix(&[TEXT_END]);
        let is_sloppy = onset_is_sloppy || closed.is_none();
        Some(Self {
            onset,
            duration,
            texts: closed.unwrap_or(texts),
            is_sloppy,
        })
    }

    /// Tells whether the list can open a data record: its first text is empty and it has no duration.
    pub(crate) fn is_timekeeping(&self) -> bool {
        self.duration.is_none() && matches!(self.texts, [] | [TEXT_END, ..])
    }

    /// The texts, without empty ones; only a list that holds nothing else has an empty text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (String, Encoding)> + use<'a> {
        let is_bare = self.texts.is_empty();
        let texts = self.texts.split(|&byte| byte == TEXT_END);
        texts
            .filter(move |text| is_bare || !text.is_empty())
            .map(field::decode)
    }
}

/// The onset, and whether it lacks its sign or has something before it.
fn onset(stamp: &[u8]) -> Option<(f64, bool)> {
    if let Some(onset) = seconds(stamp) {
        return Some((onset, !matches!(stamp.first(), Some(b'+' | b'-'))));
    }
    let sign = stamp.iter().rposition(|byte| matches!(byte, b'+' | b'-'))?;
    Some((seconds(&stamp[sign..])?, true))
}

/// A decimal number without an exponent.
fn seconds(text: &[u8]) -> Option<f64> {
    let plain = text
        .iter()
        .all(|byte| byte.is_ascii_digit() || b"+-.".contains(byte));
    let text = std::str::from_utf8(text).ok().filter(|_| plain)?;
    text.parse()
        .ok()
        .filter(|value: &f64| value.abs() <= FARTHEST_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(piece: &[u8]) -> Vec<String> {
        Tal::parse(piece)
            .expect("a list")
            .texts()
            .map(|(text, _)| text)
            .collect()
    }

    #[test]
    fn a_stage_is_read() {
        let tal = Tal::parse(b"+1560\x1590\x14Sleep stage 1\x14").expect("a list");
        assert_eq!(
            (tal.onset, tal.duration, tal.is_sloppy),
            (1560.0, Some(90.0), false)
        );
        assert!(!tal.is_timekeeping());
        assert_eq!(
            tal.texts().next().map(|(text, _)| text).as_deref(),
            Some("Sleep stage 1")
        );
    }

    #[test]
    fn several_texts_share_a_time_stamp() {
        assert_eq!(
            texts(b"+0\x14\x14Recording starts\x14Lights off\x14"),
            ["Recording starts", "Lights off"]
        );
        assert!(
            Tal::parse(b"+0\x14\x14Recording starts\x14").is_some_and(|tal| tal.is_timekeeping())
        );
    }

    #[test]
    fn an_empty_remark_is_a_remark() {
        assert_eq!(texts(b"+5\x152\x14\x14"), [""]);
    }

    #[test]
    fn sloppy_lists_are_read_and_marked() {
        for piece in [&b"7\x14x\x14"[..], b"+7\x14x", b"junk+7\x14x\x14"] {
            let tal = Tal::parse(piece).expect("a list");
            assert_eq!((tal.onset, tal.is_sloppy), (7.0, true));
            assert_eq!(texts(piece), ["x"]);
        }
    }

    #[test]
    fn what_has_no_time_stamp_is_no_list() {
        for piece in [
            &b"hello"[..],
            b"\x14",
            b"+\x14x\x14",
            b"+1e5\x14x\x14",
            b"+1\x15-2\x14x\x14",
            b"+9999999999999\x14x\x14",
            b"+1\x152",
        ] {
            assert_eq!(Tal::parse(piece), None);
        }
    }

    #[test]
    fn texts_fall_back_to_latin_1() {
        let tal = Tal::parse(b"+1\x14\xE9t\xE9\x14").expect("a list");
        assert_eq!(
            tal.texts().collect::<Vec<_>>(),
            [("été".to_owned(), Encoding::Latin1)]
        );
        assert_eq!(texts("+1\x14仰卧\x14".as_bytes()), ["仰卧"]);
    }

    #[test]
    fn pieces_know_where_they_start() {
        let found: Vec<_> = pieces(b"ab\0\0 \0c\0\0").collect();
        assert_eq!(found, [(0, &b"ab"[..]), (6, b"c")]);
    }
}
