//! The gate for clients: shut for good when the server goes down, and for a while when it is *fenced*, that is, cut off
//! from a database that other servers reach.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The gate through which sockets and requests enter. Clones share it.
#[derive(Clone, Debug)]
pub struct Gate(Arc<State>);

#[derive(Debug)]
struct State {
    /// Cancelled when the server goes down.
    drain: CancellationToken,
    /// Cancelled when those who have entered must leave; another one when the gate opens again.
    leave: Mutex<CancellationToken>,
    is_fenced: AtomicBool,
}

impl Default for Gate {
    fn default() -> Self {
        let drain = CancellationToken::new();
        let leave = Mutex::new(drain.child_token());
        Self(Arc::new(State { drain, leave, is_fenced: AtomicBool::new(false) }))
    }
}

impl Gate {
    /// Lets a socket in. The token is cancelled when it must leave; there is none while the gate is shut.
    #[must_use]
    pub fn enter(&self) -> Option<CancellationToken> {
        Some(self.leave().clone()).filter(|leave| !leave.is_cancelled())
    }

    /// Returns the token that is cancelled when the server goes down.
    #[must_use]
    pub fn drain(&self) -> &CancellationToken {
        &self.0.drain
    }

    /// Returns whether the server is fenced.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        self.0.is_fenced.load(Ordering::Relaxed)
    }

    /// Fences the server: all sockets leave, and nobody enters.
    pub(super) fn shut(&self) {
        // First, so that those who leave know over which time.
        self.0.is_fenced.store(true, Ordering::Relaxed);
        self.leave().cancel();
    }

    /// Ends the fence.
    pub(super) fn open(&self) {
        *self.leave() = self.0.drain.child_token();
        self.0.is_fenced.store(false, Ordering::Relaxed);
    }

    fn leave(&self) -> MutexGuard<'_, CancellationToken> {
        // One token or the other, whole after any panic.
        self.0.leave.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_entered_leaves_at_the_fence_and_others_enter_after_it() {
        let gate = Gate::default();
        let before = gate.enter().unwrap();
        gate.shut();
        assert!(before.is_cancelled() && gate.is_fenced() && gate.enter().is_none());
        gate.open();
        let after = gate.enter().unwrap();
        assert!(before.is_cancelled() && !after.is_cancelled() && !gate.is_fenced());
        gate.drain().cancel();
        assert!(after.is_cancelled() && gate.enter().is_none());
        gate.open();
        assert!(gate.enter().is_none(), "a drain is for good");
    }
}
