//! The line in front of the threads that hash: who is known comes first, and one network does not fill it.
//!
//! A flood of guesses from many networks delays strangers. People who are signed in, or come from where they have
//! logged in before, stand in a line of their own, which is served first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::auth::AuthError;
use crate::domain::{AddressClass, ClientAddress};

/// Who has a password hashed.
#[derive(Clone, Copy, Debug)]
pub struct Requester {
    /// Whether it is a user who is signed in, or comes from a network where that user has logged in before.
    pub is_known: bool,
    /// The class of the address, of which one stands in the line at a time.
    pub class: Option<AddressClass>,
}

impl Requester {
    /// Somebody of whom nothing is known but the address.
    #[must_use]
    pub fn stranger(address: Option<ClientAddress>) -> Self {
        Self { is_known: false, class: address.map(ClientAddress::class) }
    }

    /// A user who is signed in.
    #[must_use]
    pub fn signed_in(address: Option<ClientAddress>) -> Self {
        Self { is_known: true, ..Self::stranger(address) }
    }
}

/// The places at the threads, and those who wait for one.
pub(super) struct Line {
    state: Mutex<State>,
    /// Most who stand in the line.
    room: usize,
    wait: Duration,
}

struct State {
    free: usize,
    known: VecDeque<oneshot::Sender<Place>>,
    strangers: VecDeque<oneshot::Sender<Place>>,
    /// One permit for each class that has somebody in the line; the others of the class wait for it outside.
    classes: HashMap<AddressClass, Arc<Semaphore>>,
}

/// A place at the threads; its drop lets the next one in.
pub(super) struct Place(Option<Arc<Line>>);

impl Line {
    /// Makes a line for `places`, in which at most `room` stand, each for at most `wait`.
    pub(super) fn new(places: usize, room: usize, wait: Duration) -> Arc<Self> {
        let state = State { free: places, known: VecDeque::new(), strangers: VecDeque::new(), classes: HashMap::new() };
        Arc::new(Self { state: Mutex::new(state), room, wait })
    }

    /// Waits for a place. Returns [`AuthError::Busy`] when there is none in time, or when the line is full of others.
    pub(super) async fn place(self: &Arc<Self>, requester: Requester) -> Result<Place, AuthError> {
        let deadline = Instant::now() + self.wait;
        // Held until there is a place.
        let _entered = match requester.class {
            Some(class) => Some(timeout_at(deadline, self.enter(class)).await.map_err(|_| AuthError::Busy)?),
            None => None,
        };
        let granted = match self.join(requester.is_known)? {
            Ok(place) => return Ok(place),
            Err(granted) => granted,
        };
        // Whoever must leave the line for another one learns it by the end of the channel.
        timeout_at(deadline, granted).await.ok().and_then(Result::ok).ok_or(AuthError::Busy)
    }

    /// Waits until nobody else of the class is in the line.
    async fn enter(self: &Arc<Self>, class: AddressClass) -> Entered {
        let turn = self.state().classes.entry(class).or_insert_with(|| Arc::new(Semaphore::new(1))).clone();
        let mut entered = Entered { line: self.clone(), class, permit: None };
        // The semaphore is never closed.
        entered.permit = turn.acquire_owned().await.ok();
        entered
    }

    /// Takes a free place, or stands in the line and returns what tells of one.
    fn join(self: &Arc<Self>, is_known: bool) -> Result<Result<Place, oneshot::Receiver<Place>>, AuthError> {
        let mut state = self.state();
        if state.free > 0 {
            state.free -= 1;
            return Ok(Ok(Place(Some(self.clone()))));
        }
        if state.len() >= self.room {
            state.forget_gone();
        }
        if state.len() >= self.room && state.strangers.pop_front().is_none() && (!is_known || self.room == 0) {
            return Err(AuthError::Busy);
        }
        if state.len() >= self.room {
            // All of them are known: the one that has waited for longest goes.
            state.known.pop_front();
        }
        let (grant, granted) = oneshot::channel();
        let line = if is_known { &mut state.known } else { &mut state.strangers };
        line.push_back(grant);
        Ok(Err(granted))
    }

    fn release(self: &Arc<Self>) {
        let mut state = self.state();
        let mut place = Place(Some(self.clone()));
        while let Some(next) = state.known.pop_front().or_else(|| state.strangers.pop_front()) {
            match next.send(place) {
                Ok(()) => return,
                Err(back) => place = back,
            }
        }
        state.free += 1;
        // Its drop would release it once more.
        place.0 = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whole between any two of its changes.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn len(&self) -> usize {
        self.known.len() + self.strangers.len()
    }

    /// Forgets those who do not wait any more.
    fn forget_gone(&mut self) {
        self.known.retain(|grant| !grant.is_closed());
        self.strangers.retain(|grant| !grant.is_closed());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(line) = self.0.take() {
            line.release();
        }
    }
}

/// Somebody of a class in the line, or outside of it.
struct Entered {
    line: Arc<Line>,
    class: AddressClass,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        drop(self.permit.take());
        let mut state = self.line.state();
        // One reference is the table's. Others are of those who wait outside, and keep it.
        if state.classes.get(&self.class).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            state.classes.remove(&self.class);
        }
    }
}

#[cfg(test)]
mod tests;
