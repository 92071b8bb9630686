//! The threads that wait for the disk: few, whatever runs at once. Each takes memory of its own, and what many wait for
//! at once is no faster.

use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Threads that wait at once: some read while others write.
const COUNT: usize = 4;
/// Time without work after which a thread ends.
const KEEP: Duration = Duration::from_secs(10);

/// The threads, which are started when there is work. They end after their present work when this is dropped.
pub(super) struct FileThreads(Option<Runtime>);

impl FileThreads {
    /// Prepares the threads.
    pub(super) fn new() -> io::Result<Self> {
        // Nothing but its threads for blocking work is used.
        let mut threads = Builder::new_current_thread();
        threads.max_blocking_threads(COUNT).thread_keep_alive(KEEP).thread_name("files");
        threads.build().map(Some).map(Self)
    }

    /// Begins work, once a thread is free. It runs to its end, whatever becomes of the caller.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> JoinHandle<io::Result<T>> {
        match &self.0 {
            Some(threads) => threads.spawn_blocking(work),
            None => tokio::spawn(async { Err(io::ErrorKind::NotConnected.into()) }),
        }
    }
}

impl Drop for FileThreads {
    fn drop(&mut self) {
        if let Some(threads) = self.0.take() {
            // Without waiting: this may be one of its threads, or one of another runtime.
            threads.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn much_work_at_once_takes_few_threads() {
        let threads = FileThreads::new().unwrap();
        let (running, most) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
        let work: Vec<_> = (0..64)
            .map(|number| {
                let (running, most) = (running.clone(), most.clone());
                threads.begin(move || {
                    let now = {
                        let mut running = running.lock().unwrap();
                        *running += 1;
                        *running
                    };
                    let seen = *most.lock().unwrap();
                    *most.lock().unwrap() = seen.max(now);
                    std::thread::yield_now();
                    *running.lock().unwrap() -= 1;
                    Ok(number)
                })
            })
            .collect();
        let mut done = Vec::new();
        for work in work {
            done.push(work.await.unwrap().unwrap());
        }
        assert_eq!(done, (0..64).collect::<Vec<_>>());
        assert!((1..=COUNT).contains(&*most.lock().unwrap()));
    }
}
