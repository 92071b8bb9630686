//! The shares of the server that one account, and the responses to all clients, may take.
//!
//! A response is built whole and then belongs to its connection until it is written: a client that does not read keeps
//! it in memory. So each account has a few requests at work at once, which end when their responses are written; one
//! more waits a while for its turn, as those of an app that loads all its screens at once. The larger responses of all
//! connections together take from a budget, of which clients that are not signed in get a part; a request beyond it
//! gets 503.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::ApiError;
use super::respond::{Response, whole};
use crate::domain::UserId;
use crate::telemetry::metrics;

/// Requests of one account at work at once.
const AT_WORK: usize = 4;
/// Longest wait for a turn.
const WAIT: Duration = Duration::from_secs(3);
/// Requests of one account that may wait.
const WAITING: usize = 64;
/// Bytes up to which responses cost nothing of the budget: the kernel takes them at once, and a change must be
/// confirmed.
const SMALL: u64 = 8 * 1024;
/// The divisor of the budget for clients that are not signed in.
const STRANGERS: usize = 4;

/// The shares of all.
#[derive(Debug)]
pub struct Shares {
    accounts: Mutex<HashMap<UserId, Account>>,
    unwritten: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

#[derive(Debug)]
struct Account {
    turns: Arc<Semaphore>,
    /// Requests that wait or are at work.
    requests: usize,
}

/// A request of an account, until its response is written.
#[derive(Debug)]
pub(super) struct Turn {
    shares: Arc<Shares>,
    user: UserId,
    permit: Option<OwnedSemaphorePermit>,
}

/// A response's bytes, with the permits that are given back when they are written.
struct Held {
    bytes: Bytes,
    _turn: Option<Turn>,
    _room: Vec<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Shares {
    /// Makes shares where all responses together may have `unwritten_bytes` that are not written.
    #[must_use]
    pub fn new(unwritten_bytes: usize) -> Arc<Self> {
        let room = |bytes: usize| Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS)));
        Arc::new(Self {
            accounts: Mutex::default(),
            unwritten: room(unwritten_bytes),
            strangers: room(unwritten_bytes / STRANGERS),
        })
    }

    /// Waits until the account may have one more request at work.
    pub(super) async fn turn(self: &Arc<Self>, user: UserId) -> Result<Turn, ApiError> {
        let turns = {
            let mut accounts = lock(&self.accounts);
            let new = || Account { turns: Arc::new(Semaphore::new(AT_WORK)), requests: 0 };
            let account = accounts.entry(user).or_insert_with(new);
            if account.requests >= AT_WORK + WAITING {
                metrics().answers_refused.increment(1);
                return Err(ApiError::Unavailable);
            }
            account.requests += 1;
            account.turns.clone()
        };
        // Counted from here on, also when it gives up.
        let mut turn = Turn { shares: self.clone(), user, permit: None };
        // The semaphore is never closed.
        let Ok(Ok(permit)) = tokio::time::timeout(WAIT, turns.acquire_owned()).await else {
            metrics().answers_refused.increment(1);
            return Err(ApiError::Unavailable);
        };
        turn.permit = Some(permit);
        Ok(turn)
    }

    /// Makes the response keep the turn and its part of the budget until it is written.
    pub(super) fn hold(&self, response: Response, turn: Option<Turn>) -> Result<Response, ApiError> {
        let size = response.body().size_hint().lower();
        if size == 0 {
            return Ok(response);
        }
        let mut room = Vec::new();
        if size > SMALL {
            let bytes = u32::try_from(size).unwrap_or(u32::MAX);
            let strangers = turn.is_none().then_some(&self.strangers);
            for budget in strangers.into_iter().chain([&self.unwritten]) {
                room.push(budget.clone().try_acquire_many_owned(bytes).map_err(|_| {
                    metrics().answers_refused.increment(1);
                    ApiError::Unavailable
                })?);
            }
        }
        let (head, body) = response.into_parts();
        // hyper keeps the bytes themselves until the kernel has them, not the body that gave them.
        let kept = Held { bytes: whole(body), _turn: turn, _room: room };
        Ok(Response::from_parts(head, Full::new(Bytes::from_owner(kept))))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Before the account may be forgotten: its turns are those of all its requests.
        self.permit = None;
        let mut accounts = lock(&self.shares.accounts);
        if let Some(account) = accounts.get_mut(&self.user) {
            account.requests -= 1;
            if account.requests == 0 {
                accounts.remove(&self.user);
            }
        }
    }
}

fn lock(accounts: &Mutex<HashMap<UserId, Account>>) -> MutexGuard<'_, HashMap<UserId, Account>> {
    // Plain numbers, whole after any panic.
    accounts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
