//! Threads that only hash, each with memory that it keeps from hash to hash.
//!
//! They give way to all other threads: a hash takes milliseconds, a message microseconds. People who are known have
//! threads of their own, on which at most as many hashes run as there are threads, and as many again are ready for the
//! moment at which one ends. Strangers have one thread fewer, none is ready for them, and their threads run only while
//! nothing else wants the core: a flood of guesses takes none from messages, nor from the hashes of people who are
//! known. All others wait in a [line](super::line) for one of these places, and are refused when that takes too long.

mod priority;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use flume::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use tokio::sync::oneshot;

use super::line::{Line, Requester};
use super::memory::Memory;
use crate::auth::AuthError;

/// Those who may stand in the line, for each thread: so many hashes take about as long as anybody waits.
const ROOM: usize = 64;

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// Running threads. They end when this is dropped, each after its present job.
pub(super) struct Threads {
    /// Jobs of people who are known.
    known: Sender<Job>,
    strangers: Sender<Job>,
    line: Arc<Line>,
}

impl Threads {
    /// Starts `count` threads for people who are known, and `for_strangers` for the others. Each keeps at most `blocks`
    /// (of 1 KiB) until it has had nothing to do for `keep`. Jobs that wait longer than `wait` for a place are refused.
    pub(super) fn start(
        count: usize,
        for_strangers: usize,
        blocks: usize,
        keep: Duration,
        wait: Duration,
    ) -> std::io::Result<Self> {
        let places = count.saturating_mul(2);
        let start = |count: usize, places: usize, give_way: fn()| {
            let (jobs, waiting) = flume::bounded(places);
            for _ in 0..count {
                let waiting = waiting.clone();
                std::thread::Builder::new().name("passwords".to_owned()).spawn(move || {
                    give_way();
                    work(&waiting, &mut Memory::new(blocks), keep);
                })?;
            }
            std::io::Result::Ok(jobs)
        };
        Ok(Self {
            known: start(count, places, priority::low)?,
            strangers: start(for_strangers, for_strangers, priority::idle)?,
            line: Line::new(places, for_strangers, count.saturating_mul(ROOM), wait),
        })
    }

    /// Runs `job` on one of the threads. A job that has begun runs to its end, even when the caller has gone; one that
    /// has not begun is dropped.
    ///
    /// Returns [`AuthError::Busy`] when there is no place in time, [`AuthError::Internal`] when the job panics.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        requester: Requester,
        job: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, AuthError> {
        let place = self.line.place(requester).await?;
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            // The job itself holds the place, so that an abandoned request does not make room for another.
            let _place = place;
            if !answer.is_closed() {
                // The caller may have gone meanwhile.
                let _ = answer.send(job(memory));
            }
        });
        let failed = || AuthError::Internal("a password hash has failed".to_owned());
        let jobs = if requester.is_known { &self.known } else { &self.strangers };
        jobs.try_send(job).map_err(|_| failed())?;
        answered.await.map_err(|_| failed())
    }
}

/// Runs until no more jobs can come.
fn work(jobs: &Receiver<Job>, memory: &mut Memory, keep: Duration) {
    while let Some(job) = next(jobs, memory, keep) {
        // The hook has reported the panic, and the caller notices that the sender is dropped.
        let _ = catch_unwind(AssertUnwindSafe(|| job(memory)));
    }
}

/// Waits for a job, and wipes what the last one has left behind, unless one is waiting already: the next hash
/// overwrites all of it.
fn next(jobs: &Receiver<Job>, memory: &mut Memory, keep: Duration) -> Option<Job> {
    match jobs.try_recv() {
        Ok(job) => return Some(job),
        Err(TryRecvError::Disconnected) => return None,
        Err(TryRecvError::Empty) => memory.wipe(),
    }
    match jobs.recv_timeout(keep) {
        Ok(job) => return Some(job),
        Err(RecvTimeoutError::Disconnected) => return None,
        Err(RecvTimeoutError::Timeout) => memory.give_back(),
    }
    jobs.recv().ok()
}

#[cfg(test)]
mod tests;
