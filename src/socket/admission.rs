//! The admission control, which bounds how many `fluent.v1` sockets are being opened at once.
//!
//! An opening costs the server about a millisecond of work: the registration, and the first page of what the socket has
//! missed. After a restart, thousands of clients come back together. If all of them were admitted at once, all other
//! messages would wait behind thousands of tasks that are ready at each of their steps. So a few are at work at a time,
//! and the others wait in the order of their arrival. That takes no longer, since the work is the same.
//!
//! A permit is given back when the first page has been made into frames; a slow reader does not hold it. Bounds: the
//! time that an opening waits, and the openings of one user.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::domain::UserId;
use crate::telemetry::metrics;

/// Openings at work at once for each core: enough to keep the cores and the readers of the store busy, and no more.
const AT_WORK_PER_CORE: usize = 8;

/// The reason why a socket was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// The socket has waited for too long: the server is overloaded.
    #[error("too many sockets are being opened")]
    Crowded,
    /// The user opens more sockets at once than may be live.
    #[error("the user opens too many sockets at once")]
    TooMany,
    /// The server is going down.
    #[error("the server is going down")]
    Closing,
}

/// The admission control of a server.
#[derive(Clone, Debug)]
pub struct Admission {
    permits: Arc<Semaphore>,
    users: Arc<Mutex<HashMap<UserId, usize>>>,
    max_per_user: usize,
    max_wait: Duration,
    drain: CancellationToken,
}

impl Admission {
    /// Admits sockets until `drain` is cancelled. Each waits for `max_wait` at most, and a user opens `max_per_user`
    /// sockets at once at most.
    #[must_use]
    pub fn new(max_per_user: usize, max_wait: Duration, drain: CancellationToken) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self::with_permits(cores.saturating_mul(AT_WORK_PER_CORE), max_per_user, max_wait, drain)
    }

    fn with_permits(permits: usize, max_per_user: usize, max_wait: Duration, drain: CancellationToken) -> Self {
        let permits = Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        Self { permits, users: Arc::default(), max_per_user, max_wait, drain }
    }

    /// Waits for a permit. Dropping the future leaves the queue. Fails when the wait was too long, when
    /// the user opens too many sockets, or when the server is going down.
    pub async fn admit(&self, user: UserId) -> Result<AdmissionPermit, NotAdmitted> {
        let slot = UserSlot::begin(self, user)?;
        // Fails when another opening waits.
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(AdmissionPermit { _permit: permit, _slot: slot });
        }
        let waiting = Waiting::begin();
        let permit = tokio::select! {
            biased;
            () = self.drain.cancelled() => return Err(NotAdmitted::Closing),
            permit = timeout(self.max_wait, self.permits.clone().acquire_owned()) => permit,
        };
        drop(waiting);
        match permit {
            Ok(Ok(permit)) => Ok(AdmissionPermit { _permit: permit, _slot: slot }),
            // The semaphore is never closed.
            Ok(Err(_)) => Err(NotAdmitted::Closing),
            Err(_) => Err(NotAdmitted::Crowded),
        }
    }
}

/// The right of a socket to be opened now; its drop admits the next one.
#[derive(Debug)]
pub struct AdmissionPermit {
    _permit: OwnedSemaphorePermit,
    _slot: UserSlot,
}

/// Counts an opening among those of its user.
#[derive(Debug)]
struct UserSlot {
    users: Arc<Mutex<HashMap<UserId, usize>>>,
    user: UserId,
}

impl UserSlot {
    fn begin(admission: &Admission, user: UserId) -> Result<Self, NotAdmitted> {
        let mut users = lock(&admission.users);
        let count = users.entry(user).or_default();
        if *count >= admission.max_per_user {
            return Err(NotAdmitted::TooMany);
        }
        *count += 1;
        Ok(Self { users: admission.users.clone(), user })
    }
}

impl Drop for UserSlot {
    fn drop(&mut self) {
        let mut users = lock(&self.users);
        if let Some(count) = users.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                users.remove(&self.user);
            }
        }
    }
}

fn lock(users: &Mutex<HashMap<UserId, usize>>) -> MutexGuard<'_, HashMap<UserId, usize>> {
    // Plain numbers, whole after any panic.
    users.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts a waiting opening in the metrics.
struct Waiting;

impl Waiting {
    fn begin() -> Self {
        metrics().handshakes.waiting.rise();
        Self
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        metrics().handshakes.waiting.fall();
    }
}

#[cfg(test)]
mod tests;
