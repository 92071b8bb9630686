//! A thread of its own for the writer.
//!
//! Everybody's messages wait for it. Among the other tasks it would wait for its turn after each statement, and the more so the
//! busier the server is.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A running thread with a runtime; what runs on it is dropped with this.
pub(super) struct OwnThread {
    handle: Handle,
    _stop: oneshot::Sender<()>,
}

impl OwnThread {
    pub(super) fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // The word is never said: the sender is dropped.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { handle, _stop: stop })
    }

    /// Runs a future there. `None` when it has panicked, or the thread was stopped before its end.
    pub(super) async fn run<F>(&self, future: F) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.handle.spawn(future).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn runs_elsewhere_and_ends_with_its_owner() {
        let thread = OwnThread::start("writer").unwrap();
        let name = thread.run(async { std::thread::current().name().map(str::to_owned) }).await;
        assert_eq!(name, Some(Some("writer".to_owned())));
        let (held, dropped) = oneshot::channel::<()>();
        thread.handle.spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        drop(thread);
        assert!(dropped.await.is_err());
    }
}
