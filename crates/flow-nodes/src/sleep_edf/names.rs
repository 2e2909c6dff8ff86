//! What the file names of a Sleep-EDF study say: `ST7011J0-PSG.edf`, `ST7011JP-Hypnogram.edf`.

use flow_contract::Input;

/// Which of the two studies; subjects and sex codes of one mean nothing in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Study {
    /// `ST`: placebo and temazepam, recorded by telemetry.
    Telemetry,
    /// `SC`: no medication, recorded on cassettes at home.
    Cassette,
}

impl Study {
    /// The recording of a subject's night, as its files begin.
    pub fn recording(self, subject: u32, night: u32) -> String {
        format!("{}{subject:02}{night}", self.prefix())
    }

    /// What it is called.
    pub fn words(self) -> &'static str {
        match self {
            Self::Telemetry => "the telemetry study (ST)",
            Self::Cassette => "the cassette study (SC)",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Telemetry => "ST7",
            Self::Cassette => "SC4",
        }
    }
}

/// Which file of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The signals.
    Psg,
    /// The scoring.
    Hypnogram,
}

impl Role {
    /// The end of the file's name, and what the partner is called.
    pub fn words(self) -> &'static str {
        match self {
            Self::Psg => "PSG",
            Self::Hypnogram => "Hypnogram",
        }
    }
}

/// A file name taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// The study.
    pub study: Study,
    /// The recording: the first six characters.
    pub recording: String,
    /// Signals or scoring.
    pub role: Role,
}

impl FileName {
    /// Reads the last part of a path, with or without its extension; `None` for a file of another name.
    pub fn parse(path: &str) -> Option<Self> {
        let lower = base(path).to_ascii_lowercase();
        let lower = lower.strip_suffix(".edf").unwrap_or(&lower);
        let (length, role) = [Role::Psg, Role::Hypnogram].into_iter().find_map(|role| {
            let end = format!("-{}", role.words()).to_ascii_lowercase();
            Some((lower.strip_suffix(&end)?.len(), role))
        })?;
        let stem = base(path).get(..length)?;
        let study = [Study::Telemetry, Study::Cassette]
            .into_iter()
            .find(|study| stem.starts_with(study.prefix()))?;
        let digits = stem.get(3..6)?;
        let fits = stem.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| Self {
            study,
            recording: stem[..6].to_owned(),
            role,
        })
    }
}

/// The last part of a path.
pub fn base(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// How the study calls a file: the label it came with, which is part of the recipe.
pub fn path(input: &Input) -> Option<String> {
    let texts: Vec<String> = input
        .labels
        .iter()
        .map(|(_, value)| value.to_string())
        .collect();
    let named = texts.iter().find(|text| FileName::parse(text).is_some());
    named.or(texts.first()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_study_recording_and_role() {
        let read = |name| FileName::parse(name).map(|name| (name.study, name.recording, name.role));
        let telemetry = |role| Some((Study::Telemetry, "ST7011".to_owned(), role));
        assert_eq!(read("data/ST7011J0-PSG.edf"), telemetry(Role::Psg));
        assert_eq!(read("ST7011JP-Hypnogram.EDF"), telemetry(Role::Hypnogram));
        assert_eq!(read("ST7011J0-PSG"), telemetry(Role::Psg));
        let cassette = Some((Study::Cassette, "SC4822".to_owned(), Role::Hypnogram));
        assert_eq!(read("a/b/SC4822GC-Hypnogram.edf"), cassette);
        for other in [
            "ST701-PSG.edf",
            "SC4001E0-PSG_first5min.edf",
            "ST7é11J0-PSG.edf",
            "x.csv",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
        assert_eq!(Study::Cassette.recording(0, 1), "SC4001");
    }
}
