//! The places of a listener: how many connections it holds, whose they are, and which one is closed when a new
//! connection finds no free place.
//!
//! A connection is a stranger until it has carried a request with a valid credential. When all places are taken, the
//! stranger that has been idle for longest is closed, of the address that holds most strangers: an attacker who fills
//! the places loses their own connections, one for each new one. Connections of users who are signed in keep their
//! places.
//!
//! An arrival, a departure and the first credential of a connection each take a lock for a few steps that grow with the
//! logarithm of the places; a request takes one atomic step, and none once a user has signed in.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

use crate::domain::AddressClass;
use crate::telemetry::{ListenerKind, metrics};

/// The places of one listener.
pub struct Places {
    listener: ListenerKind,
    max: usize,
    max_per_address: usize,
    /// The number of the newest event: only the order of events matters, not their time.
    events: AtomicU64,
    table: Mutex<Table>,
}

/// The reason why a connection gets no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// All places are taken by connections on which a user is signed in.
    Full,
    /// The address has as many places as one address may have.
    TooMany,
}

/// A place that was found.
pub(super) struct Found {
    pub(super) place: Place,
    /// The connection that has lost its place for this one, if any.
    pub(super) evicted: Option<Evicted>,
}

/// The task of a connection that has lost its place; `None` before it is spawned and once a user has signed in.
pub(super) type Evicted = Option<AbortHandle>;

/// The place of a connection; its drop frees it.
pub(super) struct Place {
    places: Arc<Places>,
    id: u64,
    /// The number of the connection's last event.
    active: Arc<AtomicU64>,
    is_known: AtomicBool,
}

#[derive(Default)]
struct Table {
    seats: HashMap<u64, Seat>,
    addresses: HashMap<AddressClass, Held>,
    /// Addresses that hold strangers, ordered by their number.
    crowds: BTreeSet<(usize, AddressClass)>,
}

struct Seat {
    address: AddressClass,
    active: Arc<AtomicU64>,
    /// The event under which the stranger is listed, at most the last one; `None` once it is no stranger.
    listed: Option<u64>,
    task: Option<AbortHandle>,
}

/// The places of one address.
#[derive(Default)]
struct Held {
    seats: usize,
    /// Events and ids of its strangers.
    strangers: BTreeSet<(u64, u64)>,
}

impl Places {
    /// Makes `max` places, of which one address may have `max_per_address`; 0 means all.
    #[must_use]
    pub fn new(listener: ListenerKind, max: usize, max_per_address: usize) -> Arc<Self> {
        let max_per_address = if max_per_address == 0 { usize::MAX } else { max_per_address };
        Arc::new(Self { listener, max, max_per_address, events: AtomicU64::new(0), table: Mutex::default() })
    }

    /// Returns the number of places.
    #[must_use]
    pub fn count(&self) -> usize {
        self.max
    }

    /// Returns how many places are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.table().seats.len()
    }

    /// Returns the listener that the places belong to.
    pub(super) fn listener(&self) -> ListenerKind {
        self.listener
    }

    /// Returns whether a new connection would find no place.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let table = self.table();
        table.seats.len() >= self.max && table.crowds.is_empty()
    }

    /// Finds a place for a connection of `address`; an `unlimited` one is not held to the limit of its address.
    pub(super) fn enter(self: &Arc<Self>, address: AddressClass, unlimited: bool) -> Result<Found, NoPlace> {
        let mut table = self.table();
        let held = table.addresses.get(&address).map_or(0, |held| held.seats);
        if !unlimited && held >= self.max_per_address {
            return Err(NoPlace::TooMany);
        }
        let evicted = if table.seats.len() < self.max { None } else { Some(table.evict().ok_or(NoPlace::Full)?) };
        let now = self.happened();
        let active = Arc::new(AtomicU64::new(now));
        table.take(now, Seat { address, active: active.clone(), listed: None, task: None });
        drop(table);
        let place = Place { places: self.clone(), id: now, active, is_known: AtomicBool::new(false) };
        let listener = metrics().listener(self.listener);
        listener.open.increment(1);
        if evicted.is_some() {
            listener.evicted.increment(1);
        }
        Ok(Found { place, evicted })
    }

    /// Counts an event and returns its number.
    fn happened(&self) -> u64 {
        self.events.fetch_add(1, Ordering::Relaxed)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // No step leaves the table half done, so it is whole after a panic.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Notes a request.
    pub(super) fn touch(&self) {
        if !self.is_known.load(Ordering::Relaxed) {
            self.active.store(self.places.happened(), Ordering::Relaxed);
        }
    }

    /// Notes a request with a valid credential: the place is kept from now on.
    pub(super) fn vouch(&self) {
        if !self.is_known.load(Ordering::Relaxed) && !self.is_known.swap(true, Ordering::Relaxed) {
            self.places.table().know(self.id);
        }
    }

    /// Returns the listener that the place belongs to.
    pub(super) fn listener(&self) -> ListenerKind {
        self.places.listener
    }

    /// Counts the connection for `address`, whose it is by what its proxy says. Returns whether that address may have
    /// one more.
    pub(super) fn belongs_to(&self, address: AddressClass) -> bool {
        let mut table = self.places.table();
        let held = table.addresses.get(&address).map_or(0, |held| held.seats);
        if held >= self.places.max_per_address {
            return false;
        }
        let Some(mut seat) = table.leave(self.id) else { return false };
        seat.address = address;
        table.take(self.id, seat);
        true
    }

    /// Sets the task that serves the connection, which is aborted when the place goes to another one.
    pub(super) fn served_by(&self, task: AbortHandle) {
        // Strangers only: the handle keeps the memory of a task that has ended, and it ends once a socket is open.
        if let Some(seat) = self.places.table().seats.get_mut(&self.id).filter(|seat| seat.listed.is_some()) {
            seat.task = Some(task);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let seat = self.places.table().leave(self.id);
        drop(seat);
        metrics().listener(self.places.listener).open.decrement(1);
    }
}

impl Table {
    /// Seats a stranger.
    fn take(&mut self, id: u64, mut seat: Seat) {
        seat.listed = Some(id);
        let held = self.addresses.entry(seat.address).or_default();
        held.seats += 1;
        self.list(seat.address, |strangers| strangers.insert((id, id)));
        self.seats.insert(id, seat);
    }

    /// Takes the place of the stranger that has been idle for longest, of the address that holds most strangers.
    /// Returns `None` when there is no stranger.
    fn evict(&mut self) -> Option<Evicted> {
        let &(_, address) = self.crowds.last()?;
        loop {
            let strangers = &mut self.addresses.get_mut(&address)?.strangers;
            let &(listed, id) = strangers.first()?;
            let seat = self.seats.get_mut(&id)?;
            let active = seat.active.load(Ordering::Relaxed);
            if active == listed {
                return self.leave(id).map(|seat| seat.task);
            }
            // It was active since it was listed: it is listed anew now, and not with every request.
            strangers.remove(&(listed, id));
            strangers.insert((active, id));
            seat.listed = Some(active);
        }
    }

    /// Takes a connection off the list of strangers.
    fn know(&mut self, id: u64) {
        let Some(seat) = self.seats.get_mut(&id) else { return };
        let (address, listed) = (seat.address, seat.listed.take());
        let task = seat.task.take();
        if let Some(listed) = listed {
            self.list(address, |strangers| strangers.remove(&(listed, id)));
        }
        drop(task);
    }

    /// Frees the place of a connection.
    fn leave(&mut self, id: u64) -> Option<Seat> {
        let seat = self.seats.remove(&id)?;
        if let Some(listed) = seat.listed {
            self.list(seat.address, |strangers| strangers.remove(&(listed, id)));
        }
        let held = self.addresses.get_mut(&seat.address)?;
        held.seats -= 1;
        if held.seats == 0 {
            self.addresses.remove(&seat.address);
        }
        Some(seat)
    }

    /// Changes an address's list of strangers, and its rank with it.
    fn list(&mut self, address: AddressClass, change: impl FnOnce(&mut BTreeSet<(u64, u64)>) -> bool) {
        let Some(held) = self.addresses.get_mut(&address) else { return };
        let before = held.strangers.len();
        change(&mut held.strangers);
        let after = held.strangers.len();
        self.crowds.remove(&(before, address));
        if after > 0 {
            self.crowds.insert((after, address));
        }
    }
}

#[cfg(test)]
mod tests;
