//! The limit on bad frames, above which a client is closed with 1008.

use std::time::Duration;

use tokio::time::Instant;

/// Most bad frames of a client in [`BAD_FRAMES_WINDOW`].
pub(super) const MAX_BAD_FRAMES: u32 = 60;
/// The time in which [`MAX_BAD_FRAMES`] are counted.
pub(super) const BAD_FRAMES_WINDOW: Duration = Duration::from_mins(1);

/// The bad frames since the window began.
pub(super) struct BadFrames {
    since: Instant,
    count: u32,
}

impl BadFrames {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), count: 0 }
    }

    /// Counts one more bad frame. Returns whether there are too many now.
    pub(super) fn is_too_many(&mut self, now: Instant) -> bool {
        if now.duration_since(self.since) >= BAD_FRAMES_WINDOW {
            *self = Self { since: now, count: 0 };
        }
        self.count += 1;
        self.count > MAX_BAD_FRAMES
    }
}
