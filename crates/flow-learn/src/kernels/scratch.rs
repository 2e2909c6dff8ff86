//! Buffers that are kept, so that the steady state touches no fresh memory.
//!
//! Mapping and clearing fresh pages costs a training step as much as its smaller convolutions.
//! Each thread keeps the space of one sample; the tensors of a step go back to a shelf that all
//! threads share when the step is done with them.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

/// More buffers than a step of a deep network has; what comes beyond is freed.
const MOST: usize = 256;

/// Types that buffers are kept of.
pub trait Scratch: Copy + Default + Send + Sized + 'static {
    /// This thread's spare buffers.
    fn of_thread<R>(work: impl FnOnce(&mut Vec<Vec<Self>>) -> R) -> R;
    /// The spare buffers that threads share.
    fn of_all() -> &'static Mutex<Vec<Vec<Self>>>;
}

macro_rules! scratch {
    ($number:ty, $thread:ident, $all:ident) => {
        thread_local! {
            static $thread: RefCell<Vec<Vec<$number>>> = const { RefCell::new(Vec::new()) };
        }
        static $all: Mutex<Vec<Vec<$number>>> = Mutex::new(Vec::new());

        impl Scratch for $number {
            fn of_thread<R>(work: impl FnOnce(&mut Vec<Vec<Self>>) -> R) -> R {
                $thread.with_borrow_mut(work)
            }

            fn of_all() -> &'static Mutex<Vec<Vec<Self>>> {
                &$all
            }
        }
    };
}
scratch!(f32, THREAD_F32, ALL_F32);
scratch!(f64, THREAD_F64, ALL_F64);
scratch!(u32, THREAD_U32, ALL_U32);

/// Calls `work` with `len` numbers of this thread's own; what they are is left from before.
pub(crate) fn with<T: Scratch, R>(len: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
    let mut buffer = T::of_thread(|spare| best_fit(spare, len)).unwrap_or_default();
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
    let result = work(&mut buffer[..len]);
    T::of_thread(|spare| spare.push(buffer));
    result
}

/// A buffer of `len` numbers; what they are may be left from before.
pub(crate) fn taken<T: Scratch>(len: usize) -> Vec<T> {
    let shelf = || T::of_all().lock().unwrap_or_else(PoisonError::into_inner);
    let mut buffer = best_fit(&mut shelf(), len).unwrap_or_default();
    if buffer.capacity() < len {
        return vec![T::default(); len];
    }
    buffer.resize(len, T::default());
    buffer
}

/// Puts a buffer on the shelf for the next taker.
pub(crate) fn give<T: Scratch>(buffer: Vec<T>) {
    let mut shelf = T::of_all().lock().unwrap_or_else(PoisonError::into_inner);
    if shelf.len() < MOST && buffer.capacity() > 0 {
        shelf.push(buffer);
    }
}

/// Frees what lies on the shelf.
pub(crate) fn clear() {
    fn clear_of<T: Scratch>() {
        T::of_all()
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
    clear_of::<f32>();
    clear_of::<f64>();
    clear_of::<u32>();
}

/// Takes out the last of the smallest buffers that hold `len`, else the largest.
fn best_fit<T>(spare: &mut Vec<Vec<T>>, len: usize) -> Option<Vec<T>> {
    let fitting = |buffer: &Vec<T>| match buffer.capacity() {
        capacity if capacity >= len => (0, capacity),
        capacity => (1, usize::MAX - capacity),
    };
    let best = spare
        .iter()
        .enumerate()
        .rev()
        .min_by_key(|(_, buffer)| fitting(buffer));
    best.map(|(at, _)| at).map(|at| spare.remove(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_that_holds_is_taken() {
        let of = |capacity| Vec::<u8>::with_capacity(capacity);
        let mut spare = vec![of(100), of(10), of(30)];
        assert_eq!(
            best_fit(&mut spare, 20).map(|buffer| buffer.capacity()),
            Some(30)
        );
        assert_eq!(
            best_fit(&mut spare, 500).map(|buffer| buffer.capacity()),
            Some(100)
        );
        assert_eq!(
            best_fit(&mut spare, 1).map(|buffer| buffer.capacity()),
            Some(10)
        );
        assert_eq!(best_fit(&mut spare, 1), None);
    }

    #[test]
    fn nested_buffers_are_apart() {
        with(4, |outer: &mut [f32]| {
            outer.fill(1.0);
            with(4, |inner: &mut [f32]| inner.fill(2.0));
            assert_eq!(outer, [1.0; 4]);
        });
    }
}
