//! The admission: how many `fluent.v1` sockets are being opened at once.
//!
//! What an opening asks of the server — its registration, and the first page of what it has missed — is work of a millisecond.
//! After a restart thousands come back together; were they all let in, the messages of everybody else would wait behind
//! thousands of tasks that are ready at each of their steps. So a few are at work at a time, and the others wait in the
//! order in which they came: that costs nothing, and takes no longer, since the work is the same.
//!
//! A place is given back when the first page has been made into frames, whatever the client does meanwhile: nobody holds it by
//! reading slowly. Bounds: the time that one waits, and the openings of one user.

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

/// Why an opening was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// Others were before it for too long: the server is overloaded.
    #[error("too many sockets are being opened")]
    Crowded,
    /// The user opens more sockets at once than may be live.
    #[error("the user opens too many sockets at once")]
    TooMany,
    /// The server is going down.
    #[error("the server is going down")]
    Closing,
}

/// Where sockets are let in.
#[derive(Clone, Debug)]
pub struct Admission {
    places: Arc<Semaphore>,
    users: Arc<Mutex<HashMap<UserId, usize>>>,
    max_per_user: usize,
    max_wait: Duration,
    drain: CancellationToken,
}

impl Admission {
    /// An admission that closes when `drain` is cancelled. It lets each wait for `max_wait`, and a user open `max_per_user`
    /// sockets at once.
    #[must_use]
    pub fn new(max_per_user: usize, max_wait: Duration, drain: CancellationToken) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self::with_places(cores.saturating_mul(AT_WORK_PER_CORE), max_per_user, max_wait, drain)
    }

    fn with_places(places: usize, max_per_user: usize, max_wait: Duration, drain: CancellationToken) -> Self {
        let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Self { places, users: Arc::default(), max_per_user, max_wait, drain }
    }

    /// Waits for a place. Whoever gives up waiting, gives up the place in the queue too.
    pub async fn admit(&self, user: UserId) -> Result<AdmissionPermit, NotAdmitted> {
        let slot = UserSlot::begin(self, user)?;
        // Free only when nobody waits.
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Ok(AdmissionPermit { _place: place, _slot: slot });
        }
        let waiting = Waiting::begin();
        let place = tokio::select! {
            biased;
            () = self.drain.cancelled() => return Err(NotAdmitted::Closing),
            place = timeout(self.max_wait, self.places.clone().acquire_owned()) => place,
        };
        drop(waiting);
        match place {
            Ok(Ok(place)) => Ok(AdmissionPermit { _place: place, _slot: slot }),
            // Nobody closes the semaphore.
            Ok(Err(_)) => Err(NotAdmitted::Closing),
            Err(_) => {
                metrics().openings_refused.increment(1);
                Err(NotAdmitted::Crowded)
            }
        }
    }
}

/// A place in the admission; dropped, the next one is let in.
#[derive(Debug)]
pub struct AdmissionPermit {
    _place: OwnedSemaphorePermit,
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

/// Shows how many wait.
struct Waiting;

impl Waiting {
    fn begin() -> Self {
        metrics().openings_waiting.increment(1);
        Self
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        metrics().openings_waiting.decrement(1);
    }
}

#[cfg(test)]
mod tests;
