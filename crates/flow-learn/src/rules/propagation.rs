//! What a rule is made of: parts of the input, parts of the weights, and what they are divided by.

/// How relevance goes through a layer.
#[derive(Debug, Clone, PartialEq)]
pub enum Propagation {
    /// Unchanged; the layer must give as many numbers as it gets.
    Pass,
    /// The sum of these branches.
    Branches(Vec<Branch>),
}

/// One sum over the outputs of a layer.
///
/// With terms `(p, q)`, an input part and a weight part each, and the bias part `c`:
/// `d_k = Σ over terms and j of p_j · q_jk · sign + c_k`, and input `j` gets
/// `scale · Σ over terms of sign · p_j · Σ over gated k of q_jk · R_k / stab(d_k)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// Factor of the whole branch.
    pub scale: f64,
    /// Which outputs take part.
    pub gate: Gate,
    /// The products that are shared out.
    pub terms: Vec<Term>,
    /// The part of the bias in the denominator.
    pub bias: Part,
    /// What keeps the denominator from 0.
    pub stabilizer: Stabilizer,
}

impl Branch {
    /// A branch of all outputs at full scale, stabilised by `stabilizer`.
    pub fn of<const N: usize>(terms: [Term; N], bias: Part, stabilizer: f64) -> Self {
        Self {
            scale: 1.0,
            gate: Gate::All,
            terms: terms.into(),
            bias,
            stabilizer: Stabilizer::Signed(stabilizer),
        }
    }
}

/// A product of an input part and a weight part.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// What stands for `x_j`.
    pub input: InputPart,
    /// What stands for `w_jk`.
    pub weight: Part,
    /// `1` or `−1`.
    pub sign: f64,
}

impl Term {
    /// The product itself.
    pub fn plus(input: InputPart, weight: Part) -> Self {
        let sign = 1.0;
        Self {
            input,
            weight,
            sign,
        }
    }

    /// The product, subtracted.
    pub fn minus(input: InputPart, weight: Part) -> Self {
        let sign = -1.0;
        Self {
            input,
            weight,
            sign,
        }
    }
}

/// What stands for the input in a product.
#[derive(Debug, Clone, PartialEq)]
pub enum InputPart {
    /// `x`
    All,
    /// `x⁺`
    Positive,
    /// `x⁻`
    Negative,
    /// 1
    Ones,
    /// One value for all channels, or one a channel (a unit, where the layer gets a vector).
    Values(Vec<f64>),
}

impl InputPart {
    /// Whether the part is 0 wherever the input is.
    pub fn vanishes_with_input(&self) -> bool {
        matches!(self, Self::All | Self::Positive | Self::Negative)
    }
}

/// What stands for a weight or a bias.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    /// 0
    Nothing,
    /// `w`
    All,
    /// `w⁺`
    Positive,
    /// `w⁻`
    Negative,
    /// `w²`
    Square,
    /// 1
    Ones,
    /// `w + γ·w⁺`
    FavourPositive(f64),
    /// `w + γ·w⁻`
    FavourNegative(f64),
}

impl Part {
    /// The part of one weight.
    pub fn of(self, w: f64) -> f64 {
        match self {
            Self::Nothing => 0.0,
            Self::All => w,
            Self::Positive => w.max(0.0),
            Self::Negative => w.min(0.0),
            Self::Square => w * w,
            Self::Ones => 1.0,
            Self::FavourPositive(gamma) => w + gamma * w.max(0.0),
            Self::FavourNegative(gamma) => w + gamma * w.min(0.0),
        }
    }
}

/// Which outputs of a layer take part in a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// All.
    All,
    /// Those with `z > 0`, bias included.
    Positive,
    /// Those with `z < 0`, bias included.
    Negative,
}

/// What keeps a denominator from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stabilizer {
    /// `d + e` where `d ≥ 0`, else `d − e`.
    Signed(f64),
    /// `e` where `d = 0`, else `d`.
    AtZero(f64),
}

impl Stabilizer {
    /// The stabilised denominator.
    pub fn of(self, d: f64) -> f64 {
        match self {
            Self::Signed(e) if d >= 0.0 => d + e,
            Self::Signed(e) => d - e,
            Self::AtZero(e) if d == 0.0 => e,
            Self::AtZero(_) => d,
        }
    }
}
