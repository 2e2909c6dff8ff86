//! The six kinds of file: 16 or 24 bits a sample; plain, or with annotations and continuous or not.

use std::fmt;

/// The kind of a file: how wide a sample is, and whether it is plain or "plus".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Format {
    /// 16 bits (EDF) or 24 bits (BDF).
    pub width: SampleWidth,
    /// Plain, or with annotations and continuous or not.
    pub layout: Layout,
}

/// The bits of one stored sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SampleWidth {
    /// EDF: little-endian two's complement, 2 bytes.
    Bits16,
    /// BDF: little-endian two's complement, 3 bytes.
    Bits24,
}

/// How the data records follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Plain EDF or BDF: continuous, no annotations by the standard.
    Plain,
    /// EDF+C or BDF+C: continuous, with annotations.
    Continuous,
    /// EDF+D or BDF+D: each record states its own onset, so there may be gaps.
    Discontinuous,
}

impl Format {
    /// Plain EDF.
    pub const EDF: Self = Self::new(SampleWidth::Bits16, Layout::Plain);
    /// Continuous EDF+.
    pub const EDF_PLUS_C: Self = Self::new(SampleWidth::Bits16, Layout::Continuous);
    /// Discontinuous EDF+.
    pub const EDF_PLUS_D: Self = Self::new(SampleWidth::Bits16, Layout::Discontinuous);
    /// Plain BDF.
    pub const BDF: Self = Self::new(SampleWidth::Bits24, Layout::Plain);
    /// Continuous BDF+.
    pub const BDF_PLUS_C: Self = Self::new(SampleWidth::Bits24, Layout::Continuous);
    /// Discontinuous BDF+.
    pub const BDF_PLUS_D: Self = Self::new(SampleWidth::Bits24, Layout::Discontinuous);

    const fn new(width: SampleWidth, layout: Layout) -> Self {
        Self { width, layout }
    }

    /// Tells whether the standard gives this format annotations.
    #[must_use]
    pub const fn is_plus(self) -> bool {
        !matches!(self.layout, Layout::Plain)
    }

    /// The label that the standard reserves for annotation signals of this format.
    pub(crate) const fn annotation_label(self) -> &'static str {
        match self.width {
            SampleWidth::Bits16 => "EDF Annotations",
            SampleWidth::Bits24 => "BDF Annotations",
        }
    }

    /// The eight bytes that open a file of this format.
    pub(crate) const fn version(self) -> &'static [u8; 8] {
        match self.width {
            SampleWidth::Bits16 => b"0       ",
            SampleWidth::Bits24 => b"\xFFBIOSEMI",
        }
    }

    /// The text of the header's first reserved field.
    pub(crate) const fn reserved(self) -> &'static str {
        match (self.width, self.layout) {
            (SampleWidth::Bits16, Layout::Plain) => "",
            (SampleWidth::Bits16, Layout::Continuous) => "EDF+C",
            (SampleWidth::Bits16, Layout::Discontinuous) => "EDF+D",
            (SampleWidth::Bits24, Layout::Plain) => "24BIT",
            (SampleWidth::Bits24, Layout::Continuous) => "BDF+C",
            (SampleWidth::Bits24, Layout::Discontinuous) => "BDF+D",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.width, self.layout) {
            (SampleWidth::Bits16, Layout::Plain) => "EDF",
            (SampleWidth::Bits24, Layout::Plain) => "BDF",
            _ => self.reserved(),
        })
    }
}

impl SampleWidth {
    /// Bytes of one stored sample.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Bits16 => 2,
            Self::Bits24 => 3,
        }
    }

    /// The smallest and the largest digital value that can be stored.
    #[must_use]
    pub const fn limits(self) -> (i32, i32) {
        match self {
            Self::Bits16 => (i16::MIN as i32, i16::MAX as i32),
            Self::Bits24 => (-8_388_608, 8_388_607),
        }
    }
}
