//! The shares of the server that one account, and the responses to all clients, may take.
//!
//! A response belongs to its connection until it is written: a client that does not read keeps it in memory. So each
//! account has a few requests at work at once, which end when their responses are written; one more waits a while for
//! its permit, as those of an app that loads all its screens at once. The larger responses of all connections together
//! take from a budget, of which clients that are not signed in get a part; a request beyond it gets 503. A response
//! that is made while it is written takes a fixed part: what a connection holds of it at a time.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::BoxError;

use super::error::ApiError;
use super::respond::{Body, Response};
use crate::domain::UserId;
use crate::telemetry::metrics;

/// Requests of one account at work at once.
const AT_WORK: usize = 4;
/// Longest wait for a permit.
const WAIT: Duration = Duration::from_secs(3);
/// Requests of one account that may wait.
const WAITING: usize = 64;
/// Bytes up to which responses cost nothing of the budget: the kernel takes them at once, and a change must be
/// confirmed.
const SMALL: usize = 8 * 1024;
/// Bytes of the budget that a stream takes: about what hyper buffers of one before it asks for more.
const STREAM: usize = 64 * 1024;
/// The divisor of the budget for clients that are not signed in.
const STRANGERS: usize = 4;

/// The shares of all accounts and connections.
#[derive(Debug)]
pub struct Shares {
    accounts: Mutex<HashMap<UserId, Account>>,
    unwritten: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

#[derive(Debug)]
struct Account {
    permits: Arc<Semaphore>,
    /// Requests that wait or are at work.
    requests: usize,
}

/// The permit of an account's request to be at work, until its response is written.
#[derive(Debug)]
pub(super) struct AccountPermit {
    shares: Arc<Shares>,
    user: UserId,
    permit: Option<OwnedSemaphorePermit>,
}

/// What a response takes of the shares, given back when the last of it is written.
struct Taken {
    _permit: Option<AccountPermit>,
    _room: Vec<OwnedSemaphorePermit>,
}

/// Bytes of a response that keep what it has taken. hyper keeps the bytes themselves until the kernel has them, not the
/// body that gave them.
struct HeldBytes<T> {
    bytes: Bytes,
    _taken: T,
}

impl<T> AsRef<[u8]> for HeldBytes<T> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A stream that keeps what its response has taken, as do the frames of it that are not written yet.
struct HeldStream {
    body: UnsyncBoxBody<Bytes, BoxError>,
    taken: Arc<Taken>,
}

impl hyper::body::Body for HeldStream {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let hold = |bytes| Bytes::from_owner(HeldBytes { bytes, _taken: self.taken.clone() });
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(hold))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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
    pub(super) async fn permit(self: &Arc<Self>, user: UserId) -> Result<AccountPermit, ApiError> {
        let permits = {
            let mut accounts = lock(&self.accounts);
            let new = || Account { permits: Arc::new(Semaphore::new(AT_WORK)), requests: 0 };
            let account = accounts.entry(user).or_insert_with(new);
            if account.requests >= AT_WORK + WAITING {
                metrics().http.answers_refused.increment(1);
                return Err(ApiError::Unavailable);
            }
            account.requests += 1;
            account.permits.clone()
        };
        // Counted from here on, also when it gives up.
        let mut account = AccountPermit { shares: self.clone(), user, permit: None };
        // The semaphore is never closed.
        let Ok(Ok(permit)) = tokio::time::timeout(WAIT, permits.acquire_owned()).await else {
            metrics().http.answers_refused.increment(1);
            return Err(ApiError::Unavailable);
        };
        account.permit = Some(permit);
        Ok(account)
    }

    /// Makes the response keep the permit and its part of the budget until it is written. Fails when the budget is
    /// spent.
    pub(super) fn hold(&self, response: Response, permit: Option<AccountPermit>) -> Result<Response, ApiError> {
        let size = match response.body() {
            Body::Whole(bytes) if bytes.is_empty() => return Ok(response),
            Body::Whole(bytes) => bytes.len(),
            Body::Stream(_) => STREAM,
        };
        let taken = Taken { _room: self.room(size, permit.is_none())?, _permit: permit };
        Ok(response.map(|body| match body {
            Body::Whole(bytes) => Body::Whole(Bytes::from_owner(HeldBytes { bytes, _taken: taken })),
            Body::Stream(body) => Body::stream(HeldStream { body, taken: Arc::new(taken) }),
        }))
    }

    /// Returns the bytes of the budget that are free.
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.unwritten.available_permits()
    }

    /// Takes room for a response from the budget, and for a stranger from theirs as well.
    fn room(&self, size: usize, is_stranger: bool) -> Result<Vec<OwnedSemaphorePermit>, ApiError> {
        if size <= SMALL {
            return Ok(Vec::new());
        }
        let bytes = u32::try_from(size).unwrap_or(u32::MAX);
        let strangers = is_stranger.then_some(&self.strangers);
        let budgets = strangers.into_iter().chain([&self.unwritten]);
        let taken = budgets.map(|budget| budget.clone().try_acquire_many_owned(bytes));
        taken.collect::<Result<_, _>>().map_err(|_| {
            metrics().http.answers_refused.increment(1);
            ApiError::Unavailable
        })
    }
}

impl Drop for AccountPermit {
    fn drop(&mut self) {
        // Before the account may be forgotten: its permits are those of all its requests.
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
