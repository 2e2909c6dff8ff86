//! Vectors of AVX-512, and pairs of vectors of AVX2 that make up the same number of lanes.

#![expect(unsafe_code, reason = "intrinsics")]

use super::Vector;
use std::arch::x86_64::*;

/// 16 `f32` in one register.
#[derive(Clone, Copy)]
pub struct F32x16(__m512);

/// 8 `f64` in one register.
#[derive(Clone, Copy)]
pub struct F64x8(__m512d);

/// 16 `f32` in two registers.
#[derive(Clone, Copy)]
pub struct F32x8x2(__m256, __m256);

/// 8 `f64` in two registers.
#[derive(Clone, Copy)]
pub struct F64x4x2(__m256d, __m256d);

/// `count` ones from the lowest bit.
#[inline(always)]
fn ones(count: usize) -> u32 {
    (1_u32 << count) - 1
}

impl Vector for F32x16 {
    type Elem = f32;
    const LANES: usize = 16;
    const ROWS: usize = 8;
    const WIDTH: usize = 3;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        Self(unsafe { _mm512_maskz_loadu_ps(ones(count) as __mmask16, from) })
    }

    #[inline(always)]
    unsafe fn store(self, into: *mut f32) {
        unsafe { _mm512_storeu_ps(into, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, into: *mut f32, count: usize) {
        unsafe { _mm512_mask_storeu_ps(into, ones(count) as __mmask16, self.0) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, by: Self, to: Self) -> Self {
        Self(unsafe { _mm512_fmadd_ps(self.0, by.0, to.0) })
    }

    // The second operand is what `max` gives where one is NaN.
    #[inline(always)]
    unsafe fn positive(self) -> Self {
        Self(unsafe { _mm512_max_ps(_mm512_setzero_ps(), self.0) })
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        unsafe {
            let low = _mm512_castps512_ps256(self.0);
            let high = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(self.0)));
            sum_f32(_mm256_add_ps(low, high))
        }
    }
}

impl Vector for F64x8 {
    type Elem = f64;
    const LANES: usize = 8;
    const ROWS: usize = 8;
    const WIDTH: usize = 3;

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        Self(unsafe { _mm512_set1_pd(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        Self(unsafe { _mm512_loadu_pd(from) })
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f64, count: usize) -> Self {
        Self(unsafe { _mm512_maskz_loadu_pd(ones(count) as __mmask8, from) })
    }

    #[inline(always)]
    unsafe fn store(self, into: *mut f64) {
        unsafe { _mm512_storeu_pd(into, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, into: *mut f64, count: usize) {
        unsafe { _mm512_mask_storeu_pd(into, ones(count) as __mmask8, self.0) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, by: Self, to: Self) -> Self {
        Self(unsafe { _mm512_fmadd_pd(self.0, by.0, to.0) })
    }

    #[inline(always)]
    unsafe fn positive(self) -> Self {
        Self(unsafe { _mm512_max_pd(_mm512_setzero_pd(), self.0) })
    }

    #[inline(always)]
    unsafe fn sum(self) -> f64 {
        unsafe {
            let low = _mm512_castpd512_pd256(self.0);
            let high = _mm512_extractf64x4_pd::<1>(self.0);
            sum_f64(_mm256_add_pd(low, high))
        }
    }
}

impl Vector for F32x8x2 {
    type Elem = f32;
    const LANES: usize = 16;
    const ROWS: usize = 4;
    const WIDTH: usize = 1;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe {
            let half = _mm256_set1_ps(value);
            Self(half, half)
        }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        let mut lanes = [0.0; 16];
        unsafe {
            std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count);
            Self::load(lanes.as_ptr())
        }
    }

    #[inline(always)]
    unsafe fn store(self, into: *mut f32) {
        unsafe {
            _mm256_storeu_ps(into, self.0);
            _mm256_storeu_ps(into.add(8), self.1);
        }
    }

    #[inline(always)]
    unsafe fn store_first(self, into: *mut f32, count: usize) {
        let mut lanes = [0.0; 16];
        unsafe {
            self.store(lanes.as_mut_ptr());
            std::ptr::copy_nonoverlapping(lanes.as_ptr(), into, count);
        }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, by: Self, to: Self) -> Self {
        unsafe {
            Self(
                _mm256_fmadd_ps(self.0, by.0, to.0),
                _mm256_fmadd_ps(self.1, by.1, to.1),
            )
        }
    }

    #[inline(always)]
    unsafe fn positive(self) -> Self {
        unsafe {
            let zero = _mm256_setzero_ps();
            Self(_mm256_max_ps(zero, self.0), _mm256_max_ps(zero, self.1))
        }
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        unsafe { sum_f32(_mm256_add_ps(self.0, self.1)) }
    }
}

impl Vector for F64x4x2 {
    type Elem = f64;
    const LANES: usize = 8;
    const ROWS: usize = 4;
    const WIDTH: usize = 1;

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        unsafe {
            let half = _mm256_set1_pd(value);
            Self(half, half)
        }
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        unsafe { Self(_mm256_loadu_pd(from), _mm256_loadu_pd(from.add(4))) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f64, count: usize) -> Self {
        let mut lanes = [0.0; 8];
        unsafe {
            std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count);
            Self::load(lanes.as_ptr())
        }
    }

    #[inline(always)]
    unsafe fn store(self, into: *mut f64) {
        unsafe {
            _mm256_storeu_pd(into, self.0);
            _mm256_storeu_pd(into.add(4), self.1);
        }
    }

    #[inline(always)]
    unsafe fn store_first(self, into: *mut f64, count: usize) {
        let mut lanes = [0.0; 8];
        unsafe {
            self.store(lanes.as_mut_ptr());
            std::ptr::copy_nonoverlapping(lanes.as_ptr(), into, count);
        }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, by: Self, to: Self) -> Self {
        unsafe {
            Self(
                _mm256_fmadd_pd(self.0, by.0, to.0),
                _mm256_fmadd_pd(self.1, by.1, to.1),
            )
        }
    }

    #[inline(always)]
    unsafe fn positive(self) -> Self {
        unsafe {
            let zero = _mm256_setzero_pd();
            Self(_mm256_max_pd(zero, self.0), _mm256_max_pd(zero, self.1))
        }
    }

    #[inline(always)]
    unsafe fn sum(self) -> f64 {
        unsafe { sum_f64(_mm256_add_pd(self.0, self.1)) }
    }
}

#[inline(always)]
unsafe fn sum_f32(lanes: __m256) -> f32 {
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
unsafe fn sum_f64(lanes: __m256d) -> f64 {
    unsafe {
        let two = _mm_add_pd(
            _mm256_castpd256_pd128(lanes),
            _mm256_extractf128_pd::<1>(lanes),
        );
        _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
    }
}
