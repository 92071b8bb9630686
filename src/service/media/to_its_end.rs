//! Work that goes on by itself when whoever waits for it is gone.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;

/// Runs work within the task that waits for it, and beside it once that has given up. A task of its own from the
/// beginning would be woken for every piece that a connection has read.
pub(super) struct ToItsEnd<F: Future<Output: Send> + Send + 'static>(Option<Pin<Box<F>>>);

impl<F: Future<Output: Send> + Send + 'static> ToItsEnd<F> {
    pub(super) fn new(work: F) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for ToItsEnd<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Some(work) = &mut self.0 else { return Poll::Pending };
        let output = ready!(work.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for ToItsEnd<F> {
    fn drop(&mut self) {
        // What has panicked has ended. There is no runtime when the process ends.
        if let Some(work) = self.0.take().filter(|_| !std::thread::panicking())
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_for_it_any_more() {
        assert_eq!(ToItsEnd::new(async { 1 }).await, 1);
        let ((go, gone), (done, is_done)) = (oneshot::channel(), oneshot::channel());
        let mut work = ToItsEnd::new(async move { done.send(gone.await) });
        assert!((&mut work).now_or_never().is_none(), "it waits");
        drop(work);
        go.send(2).unwrap();
        assert_eq!(is_done.await.unwrap(), Ok(2));
    }
}
