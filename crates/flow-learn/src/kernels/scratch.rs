//! Buffers that are kept, so that the steady state touches no fresh memory.
//!
//! Mapping and clearing fresh pages costs a training step as much as its smaller convolutions.
//! Each thread keeps the space of one sample; the tensors of a step go back to a shelf that all
//! threads share when the step is done with them.

use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Numbers below which a buffer is left to the allocator, which keeps such small ones itself.
const SMALL: usize = 4096;

/// The spare buffers that threads share.
pub struct Shelf<T> {
    spare: Vec<Vec<T>>,
    /// Buffers taken and not yet given. Others that are given, because somebody else made them, would
    /// pile up: the shelf keeps no more than were taken.
    lent: usize,
}

/// Types that buffers are kept of.
pub trait Scratch: Copy + Default + Send + Sized + 'static {
    /// This thread's spare buffers.
    fn of_thread<R>(work: impl FnOnce(&mut Vec<Vec<Self>>) -> R) -> R;
    /// The spare buffers that threads share.
    fn of_all() -> &'static Mutex<Shelf<Self>>;
}

macro_rules! scratch {
    ($number:ty, $thread:ident, $all:ident) => {
        thread_local! {
            static $thread: RefCell<Vec<Vec<$number>>> = const { RefCell::new(Vec::new()) };
        }
        static $all: Mutex<Shelf<$number>> = Mutex::new(Shelf::new());

        impl Scratch for $number {
            fn of_thread<R>(work: impl FnOnce(&mut Vec<Vec<Self>>) -> R) -> R {
                $thread.with_borrow_mut(work)
            }

            fn of_all() -> &'static Mutex<Shelf<Self>> {
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
    let spare = if len < SMALL { None } else { shelf().take(len) };
    let Some(mut buffer) = spare else {
        return vec![T::default(); len];
    };
    buffer.resize(len, T::default());
    buffer
}

/// Puts a buffer that a kernel made on the shelf for the next one to take.
pub fn give<T: Scratch>(buffer: Vec<T>) {
    if buffer.capacity() >= SMALL {
        shelf().put(buffer);
    }
}

/// Frees what lies on the shelf.
pub(crate) fn clear() {
    *shelf::<f32>() = Shelf::new();
    *shelf::<f64>() = Shelf::new();
    *shelf::<u32>() = Shelf::new();
}

fn shelf<T: Scratch>() -> MutexGuard<'static, Shelf<T>> {
    T::of_all().lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Shelf<T> {
    const fn new() -> Self {
        Self {
            spare: Vec::new(),
            lent: 0,
        }
    }

    /// The smallest spare buffer that holds `len`, none that is more than twice too large; `None` where
    /// one is to be made.
    ///
    /// A large buffer lent for a small need would be missed, and made anew, by the next large need: so
    /// that a step finds on the shelf what the last one put there, sizes far apart don't share.
    fn take(&mut self, len: usize) -> Option<Vec<T>> {
        self.lent += 1;
        let close = |(_, spare): &(usize, &Vec<T>)| (len..=2 * len).contains(&spare.capacity());
        let spare = self.spare.iter().enumerate().filter(close);
        let best = spare.min_by_key(|(_, spare)| spare.capacity());
        best.map(|(at, _)| at).map(|at| self.spare.swap_remove(at))
    }

    fn put(&mut self, buffer: Vec<T>) {
        if self.lent > 0 {
            self.lent -= 1;
            self.spare.push(buffer);
        }
    }
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

    fn shelf_of(capacities: &[usize]) -> Shelf<u8> {
        Shelf {
            spare: capacities.iter().map(|&n| Vec::with_capacity(n)).collect(),
            lent: 0,
        }
    }

    #[test]
    fn a_shelf_lends_nothing_far_too_large() {
        let mut shelf = shelf_of(&[100, 41, 19, 40]);
        let mut taken = |len| shelf.take(len).map(|buffer| buffer.capacity());
        assert_eq!([taken(20), taken(20), taken(20)], [Some(40), None, None]);
        assert_eq!(
            [taken(21), taken(5), taken(99)],
            [Some(41), None, Some(100)]
        );
    }

    #[test]
    fn a_shelf_keeps_no_more_than_were_taken() {
        let mut shelf = shelf_of(&[10, 20]);
        let foreign = || Vec::with_capacity(30);
        shelf.put(foreign());
        assert_eq!(shelf.spare.len(), 2);
        assert!(shelf.take(20).is_some());
        shelf.put(foreign());
        shelf.put(foreign());
        assert_eq!(shelf.spare.len(), 2);
    }

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
