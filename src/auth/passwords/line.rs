//! The line in front of the threads that hash: who is known comes first, and one network does not fill it.
//!
//! A flood of guesses from many networks delays strangers. People who are signed in, or come from where they have
//! logged in before, stand in a line of their own, which is served first; and strangers never have all places, so that
//! these people find one at once.

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
    /// How many more strangers may have a place, when one is free.
    free_for_strangers: usize,
    known: VecDeque<oneshot::Sender<Place>>,
    strangers: VecDeque<oneshot::Sender<Place>>,
    /// One permit for each class that has somebody in the line; the others of the class wait for it outside.
    classes: HashMap<AddressClass, Arc<Semaphore>>,
}

/// A place at the threads; its drop lets the next one in.
pub(super) struct Place {
    line: Option<Arc<Line>>,
    is_known: bool,
}

impl Line {
    /// Makes a line for `places`, of which strangers have at most `for_strangers`. At most `room` stand in it, each for
    /// at most `wait`.
    pub(super) fn new(places: usize, for_strangers: usize, room: usize, wait: Duration) -> Arc<Self> {
        let (known, strangers, classes) = (VecDeque::new(), VecDeque::new(), HashMap::new());
        let state = State { free: places, free_for_strangers: for_strangers, known, strangers, classes };
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
        if state.take(is_known) {
            return Ok(Ok(Place { line: Some(self.clone()), is_known }));
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

    /// Gives a place back, and lets in who may have one now.
    fn release(self: &Arc<Self>, was_known: bool) {
        let mut state = self.state();
        state.give_back(was_known);
        for is_known in [true, false] {
            while let Some(next) = state.next(is_known) {
                if let Err(mut back) = next.send(Place { line: Some(self.clone()), is_known }) {
                    // Whoever it was for has gone. Its drop would ask for the state, which is ours just now.
                    back.line = None;
                    state.give_back(is_known);
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whole between any two of its changes.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a free place, if there is one for such a person.
    fn take(&mut self, is_known: bool) -> bool {
        if self.free == 0 || (!is_known && self.free_for_strangers == 0) {
            return false;
        }
        self.free -= 1;
        self.free_for_strangers -= usize::from(!is_known);
        true
    }

    fn give_back(&mut self, was_known: bool) {
        self.free += 1;
        self.free_for_strangers += usize::from(!was_known);
    }

    /// Takes a place for the first of a line, if there is both.
    fn next(&mut self, is_known: bool) -> Option<oneshot::Sender<Place>> {
        let is_empty = if is_known { self.known.is_empty() } else { self.strangers.is_empty() };
        if is_empty || !self.take(is_known) {
            return None;
        }
        if is_known { self.known.pop_front() } else { self.strangers.pop_front() }
    }

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
        if let Some(line) = self.line.take() {
            line.release(self.is_known);
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
