//! Vectors of NEON, four registers to the number of lanes the other architectures have.

#![expect(unsafe_code, reason = "intrinsics")]

use super::Vector;
use std::arch::aarch64::*;

/// 16 `f32` in four registers.
#[derive(Clone, Copy)]
pub struct F32x4x4([float32x4_t; 4]);

/// 8 `f64` in four registers.
#[derive(Clone, Copy)]
pub struct F64x2x4([float64x2_t; 4]);

impl Vector for F32x4x4 {
    type Elem = f32;
    const LANES: usize = 16;
    const ROWS: usize = 4;
    const WIDTH: usize = 1;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([unsafe { vdupq_n_f32(value) }; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self([0, 4, 8, 12].map(|lane| unsafe { vld1q_f32(from.add(lane)) }))
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
        for (n, lanes) in self.0.into_iter().enumerate() {
            unsafe { vst1q_f32(into.add(4 * n), lanes) }
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
        let mut sums = to.0;
        for (n, sum) in sums.iter_mut().enumerate() {
            *sum = unsafe { vfmaq_f32(*sum, self.0[n], by.0[n]) };
        }
        Self(sums)
    }

    // Not `vmaxq`, which makes 0 of −0 where the other architectures keep it.
    #[inline(always)]
    unsafe fn positive(self) -> Self {
        Self(self.0.map(|x| unsafe {
            let zero = vdupq_n_f32(0.0);
            vbslq_f32(vcltq_f32(x, zero), zero, x)
        }))
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        let [a, b, c, d] = self.0;
        unsafe {
            let half = (vaddq_f32(a, c), vaddq_f32(b, d));
            let last = vaddq_f32(half.0, half.1);
            let two = vadd_f32(vget_low_f32(last), vget_high_f32(last));
            vget_lane_f32::<0>(two) + vget_lane_f32::<1>(two)
        }
    }
}

impl Vector for F64x2x4 {
    type Elem = f64;
    const LANES: usize = 8;
    const ROWS: usize = 4;
    const WIDTH: usize = 1;

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        Self([unsafe { vdupq_n_f64(value) }; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        Self([0, 2, 4, 6].map(|lane| unsafe { vld1q_f64(from.add(lane)) }))
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
        for (n, lanes) in self.0.into_iter().enumerate() {
            unsafe { vst1q_f64(into.add(2 * n), lanes) }
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
        let mut sums = to.0;
        for (n, sum) in sums.iter_mut().enumerate() {
            *sum = unsafe { vfmaq_f64(*sum, self.0[n], by.0[n]) };
        }
        Self(sums)
    }

    // Not `vmaxq`, which makes 0 of −0 where the other architectures keep it.
    #[inline(always)]
    unsafe fn positive(self) -> Self {
        Self(self.0.map(|x| unsafe {
            let zero = vdupq_n_f64(0.0);
            vbslq_f64(vcltq_f64(x, zero), zero, x)
        }))
    }

    #[inline(always)]
    unsafe fn sum(self) -> f64 {
        let [a, b, c, d] = self.0;
        unsafe {
            let half = (vaddq_f64(a, c), vaddq_f64(b, d));
            let last = vaddq_f64(half.0, half.1);
            vgetq_lane_f64::<0>(last) + vgetq_lane_f64::<1>(last)
        }
    }
}
