//! Vectors as arrays, which the compiler turns into what the architecture always has.

#![expect(
    unsafe_code,
    reason = "the trait's functions are unsafe for the sake of other vectors"
)]

use super::Vector;
use crate::kernels::Real;

/// Whether a multiplication and an addition round once.
pub(super) const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// An array of numbers.
#[derive(Clone, Copy)]
pub struct Lanes<T, const N: usize>([T; N]);

impl<T: Real, const N: usize> Vector for Lanes<T, N> {
    type Elem = T;
    const LANES: usize = N;
    const ROWS: usize = 4;
    const WIDTH: usize = 1;

    #[inline(always)]
    unsafe fn splat(value: T) -> Self {
        Self([value; N])
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        Self(unsafe { from.cast::<[T; N]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_first(from: *const T, count: usize) -> Self {
        let mut lanes = [T::ZERO; N];
        for (lane, value) in lanes.iter_mut().enumerate().take(count) {
            *value = unsafe { *from.add(lane) };
        }
        Self(lanes)
    }

    #[inline(always)]
    unsafe fn store(self, into: *mut T) {
        unsafe { into.cast::<[T; N]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, into: *mut T, count: usize) {
        for (lane, &value) in self.0.iter().enumerate().take(count) {
            unsafe { *into.add(lane) = value };
        }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, by: Self, to: Self) -> Self {
        let mut lanes = to.0;
        for (lane, (&a, &b)) in lanes.iter_mut().zip(self.0.iter().zip(&by.0)) {
            *lane = if FUSED {
                a.mul_add(b, *lane)
            } else {
                a * b + *lane
            };
        }
        Self(lanes)
    }

    #[inline(always)]
    unsafe fn positive(self) -> Self {
        Self(self.0.map(|x| if x < T::ZERO { T::ZERO } else { x }))
    }

    #[inline(always)]
    unsafe fn sum(self) -> T {
        let mut lanes = self.0;
        let mut half = N / 2;
        while half > 0 {
            for lane in 0..half {
                let other = lanes[lane + half];
                lanes[lane] += other;
            }
            half /= 2;
        }
        lanes[0]
    }
}
