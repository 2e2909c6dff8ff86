//! Vectors of AVX-512, and pairs of vectors of AVX2 that make up the same number of lanes.

#![expect(unsafe_code, reason = "intrinsics")]

use super::Vector;
use std::arch::x86_64::*;

/// A vector of AVX-512, by the intrinsics of its number; `sum` adds up one of 256 bits.
macro_rules! one_register {
    (
        $(#[$doc:meta])*
        $vector:ident: $register:ident of $lanes:literal $number:ty, masks of $mask:ty,
        $splat:ident, $load:ident, $load_first:ident, $store:ident, $store_first:ident,
        $multiply_add:ident, $max:ident, $zero:ident,
        low: $low:ident, high: $high:ident, $add:ident, sum: $sum:ident
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $vector($register);

        impl Vector for $vector {
            type Elem = $number;
            const LANES: usize = $lanes;
            const ROWS: usize = 8;
            const WIDTH: usize = 3;

            #[inline(always)]
            unsafe fn splat(value: $number) -> Self {
                Self(unsafe { $splat(value) })
            }

            #[inline(always)]
            unsafe fn load(from: *const $number) -> Self {
                Self(unsafe { $load(from) })
            }

            #[inline(always)]
            unsafe fn load_first(from: *const $number, count: usize) -> Self {
                Self(unsafe { $load_first(ones(count) as $mask, from) })
            }

            #[inline(always)]
            unsafe fn store(self, into: *mut $number) {
                unsafe { $store(into, self.0) }
            }

            #[inline(always)]
            unsafe fn store_first(self, into: *mut $number, count: usize) {
                unsafe { $store_first(into, ones(count) as $mask, self.0) }
            }

            #[inline(always)]
            unsafe fn multiply_add(self, by: Self, to: Self) -> Self {
                Self(unsafe { $multiply_add(self.0, by.0, to.0) })
            }

            // The second operand is what `max` gives where one is NaN.
            #[inline(always)]
            unsafe fn positive(self) -> Self {
                Self(unsafe { $max($zero(), self.0) })
            }

            #[inline(always)]
            unsafe fn sum(self) -> $number {
                unsafe { $sum($add($low(self.0), $high(self.0))) }
            }
        }
    };
}
one_register!(
    /// 16 `f32` in one register.
    F32x16: __m512 of 16 f32, masks of __mmask16,
    _mm512_set1_ps, _mm512_loadu_ps, _mm512_maskz_loadu_ps, _mm512_storeu_ps, _mm512_mask_storeu_ps,
    _mm512_fmadd_ps, _mm512_max_ps, _mm512_setzero_ps,
    low: _mm512_castps512_ps256, high: high_ps, _mm256_add_ps, sum: sum_ps
);
one_register!(
    /// 8 `f64` in one register.
    F64x8: __m512d of 8 f64, masks of __mmask8,
    _mm512_set1_pd, _mm512_loadu_pd, _mm512_maskz_loadu_pd, _mm512_storeu_pd, _mm512_mask_storeu_pd,
    _mm512_fmadd_pd, _mm512_max_pd, _mm512_setzero_pd,
    low: _mm512_castpd512_pd256, high: high_pd, _mm256_add_pd, sum: sum_pd
);

/// A vector of two registers of AVX2, by the intrinsics of its number; `sum` adds up one register.
macro_rules! two_registers {
    (
        $(#[$doc:meta])*
        $vector:ident: 2 x $register:ident of $lanes:literal $number:ty,
        $splat:ident, $load:ident, $store:ident, $multiply_add:ident, $max:ident, $zero:ident,
        $add:ident, sum: $sum:ident
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $vector($register, $register);

        impl Vector for $vector {
            type Elem = $number;
            const LANES: usize = 2 * $lanes;
            const ROWS: usize = 4;
            const WIDTH: usize = 1;

            #[inline(always)]
            unsafe fn splat(value: $number) -> Self {
                let half = unsafe { $splat(value) };
                Self(half, half)
            }

            #[inline(always)]
            unsafe fn load(from: *const $number) -> Self {
                unsafe { Self($load(from), $load(from.add($lanes))) }
            }

            #[inline(always)]
            unsafe fn load_first(from: *const $number, count: usize) -> Self {
                let mut lanes = [0.0; Self::LANES];
                unsafe {
                    std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count);
                    Self::load(lanes.as_ptr())
                }
            }

            #[inline(always)]
            unsafe fn store(self, into: *mut $number) {
                unsafe {
                    $store(into, self.0);
                    $store(into.add($lanes), self.1);
                }
            }

            #[inline(always)]
            unsafe fn store_first(self, into: *mut $number, count: usize) {
                let mut lanes = [0.0; Self::LANES];
                unsafe {
                    self.store(lanes.as_mut_ptr());
                    std::ptr::copy_nonoverlapping(lanes.as_ptr(), into, count);
                }
            }

            #[inline(always)]
            unsafe fn multiply_add(self, by: Self, to: Self) -> Self {
                unsafe {
                    Self(
                        $multiply_add(self.0, by.0, to.0),
                        $multiply_add(self.1, by.1, to.1),
                    )
                }
            }

            #[inline(always)]
            unsafe fn positive(self) -> Self {
                unsafe { Self($max($zero(), self.0), $max($zero(), self.1)) }
            }

            #[inline(always)]
            unsafe fn sum(self) -> $number {
                unsafe { $sum($add(self.0, self.1)) }
            }
        }
    };
}
two_registers!(
    /// 16 `f32` in two registers.
    F32x8x2: 2 x __m256 of 8 f32,
    _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps, _mm256_max_ps,
    _mm256_setzero_ps, _mm256_add_ps, sum: sum_ps
);
two_registers!(
    /// 8 `f64` in two registers.
    F64x4x2: 2 x __m256d of 4 f64,
    _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_fmadd_pd, _mm256_max_pd,
    _mm256_setzero_pd, _mm256_add_pd, sum: sum_pd
);

/// `count` ones from the lowest bit.
#[inline(always)]
fn ones(count: usize) -> u32 {
    (1_u32 << count) - 1
}

#[inline(always)]
unsafe fn high_ps(lanes: __m512) -> __m256 {
    unsafe { _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(lanes))) }
}

#[inline(always)]
unsafe fn high_pd(lanes: __m512d) -> __m256d {
    unsafe { _mm512_extractf64x4_pd::<1>(lanes) }
}

#[inline(always)]
unsafe fn sum_ps(lanes: __m256) -> f32 {
    unsafe {
        let four = _mm_add_ps(
            _mm256_castps256_ps128(lanes),
            _mm256_extractf128_ps::<1>(lanes),
        );
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
    }
}

#[inline(always)]
unsafe fn sum_pd(lanes: __m256d) -> f64 {
    unsafe {
        let two = _mm_add_pd(
            _mm256_castpd256_pd128(lanes),
            _mm256_extractf128_pd::<1>(lanes),
        );
        _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
    }
}
