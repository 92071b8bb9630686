//! How many transfers run at once, of one user and of all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::MediaError;
use crate::domain::{Limited, Limiter, UserId};
use crate::telemetry::{Direction, metrics};

/// What a user is told who has too many: transfers end at any moment.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The transfers of this server.
pub(super) struct Transfers {
    running: Mutex<HashMap<UserId, usize>>,
    most: usize,
    most_of_user: usize,
}

/// A place among the transfers that run at once, until it is dropped.
pub struct Transfer {
    transfers: Arc<Transfers>,
    user: UserId,
    direction: Direction,
}

impl Transfers {
    pub(super) fn new(most: usize, most_of_user: usize) -> Arc<Self> {
        Arc::new(Self { running: Mutex::default(), most, most_of_user })
    }

    /// Takes a place, the user's before one of all.
    pub(super) fn begin(self: &Arc<Self>, user: UserId, direction: Direction) -> Result<Transfer, MediaError> {
        let mut running = self.lock();
        if running.get(&user).is_some_and(|own| *own >= self.most_of_user) {
            metrics().limiters.refused(Limiter::MediaTransfers);
            return Err(Limited { limiter: Limiter::MediaTransfers, wait: RETRY_AFTER }.into());
        }
        if running.values().sum::<usize>() >= self.most {
            return Err(MediaError::Crowded);
        }
        *running.entry(user).or_default() += 1;
        metrics().media.transfers(direction).increment(1.0);
        Ok(Transfer { transfers: self.clone(), user, direction })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        // Plain numbers, whole after any panic.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        metrics().media.transfers(self.direction).decrement(1.0);
        let mut running = self.transfers.lock();
        if let Some(own) = running.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                running.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_few_transfers_and_all_users_have_some() {
        let transfers = Transfers::new(3, 2);
        let begin = |user| transfers.begin(UserId(user), Direction::Up);
        let (first, _second) = (begin(1).unwrap(), begin(1).unwrap());
        assert!(matches!(begin(1), Err(MediaError::Limited(_))));
        let _third = begin(2).unwrap();
        assert!(matches!(begin(3), Err(MediaError::Crowded)));
        drop(first);
        assert!(begin(3).is_ok() && begin(1).is_ok());
        assert_eq!(transfers.lock().len(), 2, "a user without transfers is forgotten");
    }
}
