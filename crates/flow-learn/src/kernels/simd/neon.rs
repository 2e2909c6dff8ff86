//! Vectors of NEON, four registers to the number of lanes the other architectures have.

#![expect(unsafe_code, reason = "intrinsics")]

use super::Vector;
use std::arch::aarch64::*;

/// A vector of four registers, by the intrinsics of its number; `sum` adds up one register.
macro_rules! four_registers {
    (
        $(#[$doc:meta])*
        $vector:ident: 4 x $register:ident of $lanes:literal $number:ty,
        $splat:ident, $load:ident, $store:ident, $add:ident, $multiply_add:ident,
        $less:ident, $select:ident, sum: $sum:ident
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $vector([$register; 4]);

        impl Vector for $vector {
            type Elem = $number;
            const LANES: usize = 4 * $lanes;
            const ROWS: usize = 4;
            const WIDTH: usize = 1;

            #[inline(always)]
            unsafe fn splat(value: $number) -> Self {
                Self([unsafe { $splat(value) }; 4])
            }

            #[inline(always)]
            unsafe fn load(from: *const $number) -> Self {
                Self([0, 1, 2, 3].map(|n| unsafe { $load(from.add($lanes * n)) }))
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
                for (n, lanes) in self.0.into_iter().enumerate() {
                    unsafe { $store(into.add($lanes * n), lanes) }
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
                let mut sums = to.0;
                for (n, sum) in sums.iter_mut().enumerate() {
                    *sum = unsafe { $multiply_add(*sum, self.0[n], by.0[n]) };
                }
                Self(sums)
            }

            // Not `vmaxq`, which makes 0 of −0 where the other architectures keep it.
            #[inline(always)]
            unsafe fn positive(self) -> Self {
                Self(self.0.map(|x| unsafe {
                    let zero = $splat(0.0);
                    $select($less(x, zero), zero, x)
                }))
            }

            #[inline(always)]
            unsafe fn sum(self) -> $number {
                let [a, b, c, d] = self.0;
                unsafe { $sum($add($add(a, c), $add(b, d))) }
            }
        }
    };
}
four_registers!(
    /// 16 `f32` in four registers.
    F32x4x4: 4 x float32x4_t of 4 f32,
    vdupq_n_f32, vld1q_f32, vst1q_f32, vaddq_f32, vfmaq_f32, vcltq_f32, vbslq_f32, sum: sum_f32
);
four_registers!(
    /// 8 `f64` in four registers.
    F64x2x4: 4 x float64x2_t of 2 f64,
    vdupq_n_f64, vld1q_f64, vst1q_f64, vaddq_f64, vfmaq_f64, vcltq_f64, vbslq_f64, sum: sum_f64
);

#[inline(always)]
unsafe fn sum_f32(lanes: float32x4_t) -> f32 {
    unsafe {
        let two = vadd_f32(vget_low_f32(lanes), vget_high_f32(lanes));
        vget_lane_f32::<0>(two) + vget_lane_f32::<1>(two)
    }
}

#[inline(always)]
unsafe fn sum_f64(lanes: float64x2_t) -> f64 {
    unsafe { vgetq_lane_f64::<0>(lanes) + vgetq_lane_f64::<1>(lanes) }
}
