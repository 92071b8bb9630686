//! A dedicated thread for the writer.
//!
//! The messages of all users wait for the writer. Among the other tasks it would wait for its turn after each
//! statement, the longer the busier the server is.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A running thread with a runtime. Its drop waits until each task there has come to its next await and is dropped, so
/// that nothing of this server still writes to the store when the next server opens it.
pub(in crate::actors) struct DedicatedThread {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl DedicatedThread {
    /// Starts a thread of this name. Fails when the system gives no thread or no event loop.
    pub(in crate::actors) fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Nothing is ever sent: the sender is dropped.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Runs a future there and returns its output; `None` when it has panicked, or when the thread was stopped first.
    pub(in crate::actors) async fn run<F>(&self, future: F) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.handle.spawn(future).await.ok()
    }
}

impl Drop for DedicatedThread {
    fn drop(&mut self) {
        self.stop = None;
        // The thread cannot wait for itself. A panic there was caught by its runtime.
        let thread = self.thread.take().filter(|thread| thread.thread().id() != std::thread::current().id());
        let _ = thread.map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn runs_elsewhere_and_ends_with_its_owner() {
        let thread = DedicatedThread::start("writer").unwrap();
        let name = thread.run(async { std::thread::current().name().map(str::to_owned) }).await;
        assert_eq!(name, Some(Some("writer".to_owned())));
        let (held, dropped) = oneshot::channel::<()>();
        thread.handle.spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        drop(thread);
        // Dropped at once: nothing of it outlives its owner.
        assert!(dropped.now_or_never().is_some_and(|held| held.is_err()));
    }
}
