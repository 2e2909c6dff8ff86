//! Vectors of numbers on whatever instructions the machine has, chosen when the program runs.
//!
//! A vector has the same number of lanes on every machine (16 of `f32`, 8 of `f64`), sums its lanes
//! in the same order and multiplies and adds with one rounding, so AVX-512, AVX2 and NEON give the
//! same bytes. Only a machine without fused multiply-add differs; [`numeric_class`] tells the two.

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::Real;

/// A vector of numbers. Functions are unsafe because some need instructions that the caller must
/// know the machine to have, and because pointers are not checked.
#[expect(
    unsafe_code,
    reason = "vector instructions and unchecked loads are what this is for"
)]
pub trait Vector: Copy {
    /// The number.
    type Elem: Real;
    /// Numbers in a vector.
    const LANES: usize;
    /// Rows of a tile that fits the registers.
    const ROWS: usize;
    /// Vectors in each row of a tile.
    const WIDTH: usize;

    /// All lanes the same.
    unsafe fn splat(value: Self::Elem) -> Self;
    /// Reads [`Vector::LANES`] numbers.
    unsafe fn load(from: *const Self::Elem) -> Self;
    /// Reads `count` numbers, 0 in the other lanes.
    unsafe fn load_first(from: *const Self::Elem, count: usize) -> Self;
    /// Writes all lanes.
    unsafe fn store(self, into: *mut Self::Elem);
    /// Writes the first `count` lanes.
    unsafe fn store_first(self, into: *mut Self::Elem, count: usize);
    /// `self · by + to`, rounded once where the machine can.
    unsafe fn multiply_add(self, by: Self, to: Self) -> Self;
    /// `max(0, self)`; NaN stays NaN.
    unsafe fn positive(self) -> Self;
    /// The sum of the lanes: halves are added to each other until one lane is left.
    unsafe fn sum(self) -> Self::Elem;
}

/// Code that runs on any vectors of `T`.
pub trait Kernel<T> {
    /// What it gives.
    type Output;
    /// Runs it; must be inlined into a function that has the instructions of `V`.
    #[expect(
        unsafe_code,
        reason = "`V` may need instructions that only `dispatch` has checked"
    )]
    unsafe fn run<V: Vector<Elem = T>>(self) -> Self::Output;
}

/// The instructions a machine may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Vectors of 512 bits.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// Vectors of 256 bits and fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Vectors of 128 bits and fused multiply-add, which every such machine has.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// What every machine of this architecture has.
    Portable,
}

impl Level {
    /// The best this machine has.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let has_256 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if has_256 && is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if has_256 {
                return Self::Avx2;
            }
        }
        #[cfg(target_arch = "aarch64")]
        return Self::Neon;
        #[cfg(not(target_arch = "aarch64"))]
        Self::Portable
    }

    /// Whether a multiplication and an addition round once.
    pub fn is_fused(self) -> bool {
        self != Self::Portable || portable::FUSED
    }

    /// All this machine has.
    #[cfg(test)]
    pub fn all() -> Vec<Self> {
        match Self::best() {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => vec![Self::Avx512, Self::Avx2, Self::Portable],
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => vec![Self::Avx2, Self::Portable],
            #[cfg(target_arch = "aarch64")]
            Self::Neon => vec![Self::Neon, Self::Portable],
            Self::Portable => vec![Self::Portable],
        }
    }
}

/// Which of two ways of rounding this machine's kernels have: `fused` or `separate`.
///
/// Results are the same bytes on machines of one class; a recipe names the class.
pub fn numeric_class() -> &'static str {
    match Level::best().is_fused() {
        true => "fused",
        false => "separate",
    }
}

/// Number types that kernels can be run on.
pub trait Dispatch: Sized {
    /// Rows of a tile at this level.
    fn tile_rows(level: Level) -> usize;
    /// Runs a kernel with the instructions of a level that this machine has.
    fn dispatch<K: Kernel<Self>>(level: Level, kernel: K) -> K::Output;
}

macro_rules! dispatch {
    ($number:ty, $avx512:ty, $avx2:ty, $neon:ty, $portable:ty) => {
        impl Dispatch for $number {
            fn tile_rows(level: Level) -> usize {
                match level {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => <$avx512 as Vector>::ROWS,
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => <$avx2 as Vector>::ROWS,
                    #[cfg(target_arch = "aarch64")]
                    Level::Neon => <$neon as Vector>::ROWS,
                    Level::Portable => <$portable as Vector>::ROWS,
                }
            }

            #[expect(
                unsafe_code,
                reason = "the level says that the machine has the instructions"
            )]
            fn dispatch<K: Kernel<Self>>(level: Level, kernel: K) -> K::Output {
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx512f,avx2,fma")]
                unsafe fn avx512<K: Kernel<$number>>(kernel: K) -> K::Output {
                    unsafe { kernel.run::<$avx512>() }
                }
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx2,fma")]
                unsafe fn avx2<K: Kernel<$number>>(kernel: K) -> K::Output {
                    unsafe { kernel.run::<$avx2>() }
                }
                match level {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => unsafe { avx512(kernel) },
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => unsafe { avx2(kernel) },
                    #[cfg(target_arch = "aarch64")]
                    Level::Neon => unsafe { kernel.run::<$neon>() },
                    Level::Portable => unsafe { kernel.run::<$portable>() },
                }
            }
        }
    };
}
// Types of other architectures are cut away before they are looked up.
dispatch!(
    f32,
    x86::F32x16,
    x86::F32x8x2,
    neon::F32x4x4,
    portable::Lanes<f32, 16>
);
dispatch!(
    f64,
    x86::F64x8,
    x86::F64x4x2,
    neon::F64x2x4,
    portable::Lanes<f64, 8>
);
