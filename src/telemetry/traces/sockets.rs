//! The spans of open sockets that are exported, so that batches can be linked to those whose commands they hold. Frames
//! carry no span: only the number of their socket is known where a batch is written.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use opentelemetry::trace::TraceContextExt as _;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The spans by the numbers of their sockets in this process.
static SPANS: LazyLock<RwLock<HashMap<u64, Span>>> = LazyLock::new(RwLock::default);

/// The span of an open socket. Dropped, it ends.
pub struct SocketSpan {
    number: u64,
    is_kept: bool,
}

impl SocketSpan {
    /// Keeps the span of the socket with this number, if it is exported.
    #[must_use]
    pub fn keep(number: u64, span: &Span) -> Self {
        let is_kept = !span.is_disabled() && span.context().span().span_context().is_sampled();
        if is_kept {
            write().insert(number, span.clone());
        }
        Self { number, is_kept }
    }

    /// Links `span` to those of the sockets with these numbers, as far as they are exported.
    pub fn link(span: &Span, numbers: impl Iterator<Item = u64>) {
        let spans = read();
        if span.is_disabled() || spans.is_empty() {
            return;
        }
        for socket in numbers.filter_map(|number| spans.get(&number)) {
            span.follows_from(socket);
        }
    }
}

impl Drop for SocketSpan {
    fn drop(&mut self) {
        if self.is_kept {
            // Ends it after the lock is given back.
            let ended = write().remove(&self.number);
            drop(ended);
        }
    }
}

fn read() -> RwLockReadGuard<'static, HashMap<u64, Span>> {
    // A map is whole after any panic.
    SPANS.read().unwrap_or_else(PoisonError::into_inner)
}

fn write() -> RwLockWriteGuard<'static, HashMap<u64, Span>> {
    SPANS.write().unwrap_or_else(PoisonError::into_inner)
}
