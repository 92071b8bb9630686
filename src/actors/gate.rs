//! The gate for clients: shut for good when the server goes down, and for a while when it is *fenced*, that is, cut off
//! from a database that other servers reach.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

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
    /// The longest time of the drain, where an operator has asked for another one than is configured.
    asked_window: OnceLock<Duration>,
}

impl Default for Gate {
    fn default() -> Self {
        let drain = CancellationToken::new();
        let leave = Mutex::new(drain.child_token());
        Self(Arc::new(State { drain, leave, is_fenced: AtomicBool::new(false), asked_window: OnceLock::new() }))
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

    /// Sets the longest time of the drain, before it begins. Returns whether none was set before: it stays.
    #[must_use]
    pub fn ask_for_window(&self, window: Duration) -> bool {
        self.0.asked_window.set(window).is_ok()
    }

    /// Returns the longest time of the drain: what an operator has asked for, or else what is `configured`.
    #[must_use]
    pub fn drain_window(&self, configured: Duration) -> Duration {
        self.0.asked_window.get().copied().unwrap_or(configured)
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

    #[test]
    fn the_first_window_that_is_asked_for_holds_in_the_place_of_the_configured_one() {
        let (gate, configured) = (Gate::default(), Duration::from_secs(30));
        assert_eq!(gate.drain_window(configured), configured);
        assert!(gate.ask_for_window(Duration::from_secs(2)) && !gate.ask_for_window(Duration::from_secs(9)));
        assert_eq!(gate.clone().drain_window(configured), Duration::from_secs(2));
    }
}
