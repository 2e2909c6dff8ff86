//! Buffers that each thread keeps, so that the steady state touches no fresh memory.

use std::cell::RefCell;

/// Number types that threads keep buffers of.
pub trait Scratch: Sized + 'static {
    /// Takes a buffer the thread kept, or a new one.
    fn take() -> Vec<Self>;
    /// Gives a buffer back for the next taker.
    fn give(buffer: Vec<Self>);
}

macro_rules! scratch {
    ($number:ty, $kept:ident) => {
        thread_local! {
            static $kept: RefCell<Vec<Vec<$number>>> = const { RefCell::new(Vec::new()) };
        }

        impl Scratch for $number {
            fn take() -> Vec<Self> {
                $kept.with_borrow_mut(Vec::pop).unwrap_or_default()
            }

            fn give(buffer: Vec<Self>) {
                $kept.with_borrow_mut(|kept| kept.push(buffer));
            }
        }
    };
}
scratch!(f32, KEPT_F32);
scratch!(f64, KEPT_F64);

/// Calls `work` with `len` numbers of this thread's own; what they are is left from before.
pub(crate) fn with<T: Scratch + Copy + Default, R>(
    len: usize,
    work: impl FnOnce(&mut [T]) -> R,
) -> R {
    let mut buffer = T::take();
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
    let result = work(&mut buffer[..len]);
    T::give(buffer);
    result
}
