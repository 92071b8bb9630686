//! Counters that several threads count in without waiting for each other.
//!
//! An atomic step on memory that another core has just written waits until that core hands it over, which takes longer
//! than everything else that a counter does. So each thread has a copy of its own; who reads adds them up.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of copies. With more threads, some share one.
const SHARDS: usize = 8;

/// The copies of a counter, each in cache lines of its own.
pub(super) struct Shards<T>(Box<[Line<T>]>);

/// Two lines of 64 bytes: processors fetch them in pairs.
#[repr(align(128))]
struct Line<T>(T);

impl<T> Shards<T> {
    /// Makes the copies.
    pub(super) fn new(make: impl Fn() -> T) -> Self {
        Self((0..SHARDS).map(|_| Line(make())).collect())
    }

    /// The copy of the running thread.
    pub(super) fn here(&self) -> &T {
        let Line(copy) = &self.0[place() % SHARDS];
        copy
    }

    /// All copies.
    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|Line(copy)| copy)
    }
}

/// A number that the running thread keeps, in turn.
fn place() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static PLACE: Cell<Option<usize>> = const { Cell::new(None) };
    }
    PLACE.get().unwrap_or_else(|| {
        let place = THREADS.fetch_add(1, Ordering::Relaxed);
        PLACE.set(Some(place));
        place
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn nothing_is_lost_between_threads() {
        let counts = Shards::new(|| AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..2 * SHARDS {
                scope.spawn(|| (0..1000).for_each(|_| _ = counts.here().fetch_add(1, Ordering::Relaxed)));
            }
        });
        let all: u64 = counts.all().map(|count| count.load(Ordering::Relaxed)).sum();
        assert_eq!(all, 2 * SHARDS as u64 * 1000);
    }

    #[test]
    fn no_two_copies_share_a_line() {
        let counts = Shards::new(|| AtomicU64::new(0));
        let places: Vec<_> = counts.all().map(|count| std::ptr::from_ref(count).addr()).collect();
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= 128), "{places:?}");
    }
}
