//! Where files and subject table of a study don't agree.

use flow_contract::{NodeError, Observer};

use crate::table::TableBuilder;

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The age in a header; the table's is used.
    Age,
    /// The sex in a header; the table's is used.
    Sex,
    /// The start of a hypnogram; onsets count from it.
    Start,
    /// A file without its partner.
    Partner,
    /// A recording without a row in the table.
    Row,
    /// A row of the table without files.
    Files,
}

impl Fact {
    /// As the table of differences calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Sex => "sex",
            Self::Start => "start",
            Self::Partner => "partner",
            Self::Row => "row",
            Self::Files => "files",
        }
    }

    /// A heading for several.
    fn heading(self) -> &'static str {
        match self {
            Self::Age => "header and subject table differ on age; the table's is used",
            Self::Sex => "header and subject table differ on sex; the table's is used",
            Self::Start => {
                "hypnogram and PSG start at different times; onsets count from the hypnogram's"
            }
            Self::Partner => "files without their partner",
            Self::Row => "recordings without a row in the subject table",
            Self::Files => "rows of the subject table without files",
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The recording it is about.
    pub recording: String,
    /// The file that says it, or the place in the subject table.
    pub file: String,
    /// What differs.
    pub fact: Fact,
    /// What the file says; empty where something is missing.
    pub found: String,
    /// What it should be.
    pub expected: String,
}

impl Difference {
    fn words(&self) -> String {
        match self.fact {
            Fact::Age | Fact::Sex | Fact::Start => {
                format!("{}: {} for {}", self.file, self.found, self.expected)
            }
            Fact::Partner => format!("{} lacks {}", self.file, self.expected),
            Fact::Row => self.recording.clone(),
            Fact::Files => format!("{} ({})", self.recording, self.file),
        }
    }
}

/// All differences of one sort in one line, the first few by name; empty for none.
pub fn words(differences: &[Difference], fact: Fact) -> String {
    const SHOWN: usize = 8;
    let of: Vec<String> = differences
        .iter()
        .filter(|one| one.fact == fact)
        .map(Difference::words)
        .collect();
    if of.is_empty() {
        return String::new();
    }
    let rest = match of.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let shown = of[..of.len().min(SHOWN)].join(", ");
    format!("{} ({}): {shown}{rest}", fact.heading(), of.len())
}

/// Tells all of them, a line a sort.
pub fn tell(differences: &[Difference], observer: &dyn Observer) {
    for fact in [
        Fact::Age,
        Fact::Sex,
        Fact::Start,
        Fact::Partner,
        Fact::Row,
        Fact::Files,
    ] {
        let words = words(differences, fact);
        if !words.is_empty() {
            observer.warn(&words);
        }
    }
}

/// The table: recording, file, fact, found, expected.
pub fn table(differences: &[Difference]) -> Result<Vec<u8>, NodeError> {
    let column = |of: &dyn Fn(&Difference) -> String| -> Vec<String> {
        differences.iter().map(of).collect()
    };
    TableBuilder::new()
        .text("recording", &column(&|one| one.recording.clone()))
        .text("file", &column(&|one| one.file.clone()))
        .text("fact", &column(&|one| one.fact.name().to_owned()))
        .text("found", &column(&|one| one.found.clone()))
        .text("expected", &column(&|one| one.expected.clone()))
        .parquet()
}
