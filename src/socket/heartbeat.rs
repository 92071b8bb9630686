//! The heartbeat: when a socket is pinged, and when a silent peer counts as gone.

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::Instant;

/// The action that is due at [`Heartbeat::deadline`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Do nothing yet.
    Wait,
    /// Send a ping.
    Ping,
    /// Give up the peer: nothing came back in time.
    Dead,
}

/// The pings of one socket. Anything that is received counts as a sign of life.
pub(super) struct Heartbeat {
    every: Duration,
    timeout: Duration,
    next_ping: Instant,
    pong_due: Option<Instant>,
}

impl Heartbeat {
    /// A heartbeat that pings at this interval, a tenth more or less, so that sockets opened together do not ping
    /// together.
    pub(super) fn new(every: Duration, timeout: Duration, now: Instant) -> Self {
        let every = every.mul_f64(rand::rng().random_range(0.9..1.1));
        Self { every, timeout, next_ping: now + every, pong_due: None }
    }

    /// Returns when to call [`beat`](Self::beat). While the socket is not `reading`, no pong can come and none is
    /// missed.
    pub(super) fn deadline(&self, reading: bool) -> Instant {
        match self.pong_due {
            Some(due) if reading => due.min(self.next_ping),
            _ => self.next_ping,
        }
    }

    /// Returns what is due at `now`.
    pub(super) fn beat(&mut self, now: Instant, reading: bool) -> Beat {
        if reading && self.pong_due.is_some_and(|due| now >= due) {
            return Beat::Dead;
        }
        if now < self.next_ping {
            return Beat::Wait;
        }
        self.next_ping = now + self.every;
        self.pong_due.get_or_insert(now + self.timeout);
        Beat::Ping
    }

    /// Notes that something was received.
    pub(super) fn heard(&mut self) {
        self.pong_due = None;
    }

    /// Gives the peer the full time for its pong when the socket is read again after a pause.
    pub(super) fn resumed(&mut self, now: Instant) {
        if let Some(due) = &mut self.pong_due {
            *due = now + self.timeout;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(20);
    const TIMEOUT: Duration = Duration::from_secs(10);

    /// A heartbeat that has just pinged, and the moment.
    fn pinged() -> (Heartbeat, Instant) {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(EVERY, TIMEOUT, start);
        let now = heartbeat.deadline(true);
        assert!(now >= start + EVERY.mul_f64(0.9) && now <= start + EVERY.mul_f64(1.1));
        assert_eq!(heartbeat.beat(start, true), Beat::Wait);
        assert_eq!(heartbeat.beat(now, true), Beat::Ping);
        (heartbeat, now)
    }

    #[test]
    fn silence_is_death() {
        let (mut heartbeat, now) = pinged();
        assert_eq!(heartbeat.deadline(true), now + TIMEOUT);
        assert_eq!(heartbeat.beat(now + TIMEOUT, true), Beat::Dead);
    }

    #[test]
    fn any_frame_is_life() {
        let (mut heartbeat, now) = pinged();
        heartbeat.heard();
        assert_eq!(heartbeat.beat(now + TIMEOUT, true), Beat::Wait);
    }

    #[test]
    fn a_socket_that_is_not_read_cannot_die_of_silence() {
        let (mut heartbeat, now) = pinged();
        assert_eq!(heartbeat.beat(now + TIMEOUT, false), Beat::Wait);
        heartbeat.resumed(now + TIMEOUT);
        assert_eq!(heartbeat.beat(now + TIMEOUT, true), Beat::Wait);
        assert_eq!(heartbeat.deadline(true).min(now + TIMEOUT * 2), heartbeat.deadline(true));
    }
}
