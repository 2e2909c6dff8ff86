//! What became of an epoch of the night, and why.

/// Kept, or the reason for dropping it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is used.
    Kept,
    /// The scoring begins later.
    BeforeScoring,
    /// Between two scored spans.
    Hole,
    /// The scoring has ended, the signal goes on.
    AfterScoring,
    /// `Sleep stage ?`.
    Unscored,
    /// Movement time.
    Movement,
    /// Other words of the scorer.
    NoClass,
    /// It overlaps an epoch that was scored before.
    ScoredTwice,
    /// The signal begins later or ends earlier.
    OutsideSignal,
    /// A gap of a discontinuous recording.
    Gap,
    /// Before the lights went off.
    BeforeLightsOff,
    /// Too far from the first or the last epoch of sleep.
    OutsideMargin,
    /// The marker is negative.
    TelemetryError,
    /// A channel hardly moves.
    Flat,
    /// A channel holds infinity or no number.
    NotFinite,
}

impl Fate {
    /// All reasons, in the order in which tables and messages list them.
    pub const REASONS: [Self; 14] = [
        Self::BeforeScoring,
        Self::Hole,
        Self::AfterScoring,
        Self::Unscored,
        Self::Movement,
        Self::NoClass,
        Self::ScoredTwice,
        Self::OutsideSignal,
        Self::Gap,
        Self::BeforeLightsOff,
        Self::OutsideMargin,
        Self::TelemetryError,
        Self::Flat,
        Self::NotFinite,
    ];

    /// The reason in words, empty for a kept epoch.
    pub fn words(self) -> &'static str {
        match self {
            Self::Kept => "",
            Self::BeforeScoring => "before scoring",
            Self::Hole => "hole in scoring",
            Self::AfterScoring => "after scoring",
            Self::Unscored => "unscored",
            Self::Movement => "movement",
            Self::NoClass => "no class",
            Self::ScoredTwice => "scored twice",
            Self::OutsideSignal => "outside the signal",
            Self::Gap => "gap in the signal",
            Self::BeforeLightsOff => "before lights off",
            Self::OutsideMargin => "outside the wake margin",
            Self::TelemetryError => "telemetry error",
            Self::Flat => "flat signal",
            Self::NotFinite => "not finite",
        }
    }
}

/// How many epochs fell to each reason that occurs: `movement: 3, flat signal: 1`.
pub fn reasons(fates: &[Fate]) -> String {
    let count = |fate: Fate| fates.iter().filter(|one| **one == fate).count();
    let counted = Fate::REASONS.into_iter().map(|fate| (fate, count(fate)));
    let words = counted
        .filter(|(_, count)| *count > 0)
        .map(|(fate, count)| format!("{}: {count}", fate.words()));
    words.collect::<Vec<_>>().join(", ")
}
