//! What this server knows of devices that may have to be woken: which are connected to it, and what they have said
//! since that was last written down.
//!
//! Shared by sessions, requests, the writer and the push actor, none of which waits for another. While no device is
//! registered at all, nothing is noted here but who is connected. Bound: an entry for each socket, and one note for
//! each device that is or was connected since the notes were last taken.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::domain::{DeviceId, LoginId, PushProvider, Seq, SocketId, Timestamp, UserId, WakeId};

/// Whom a note is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Who {
    /// The device of this name.
    Device(DeviceId),
    /// The devices that have registered in a login that uses the legacy dialect, which knows no devices.
    Legacy(LoginId),
    /// The device that has registered in this login, if it is the only one: the request did not name it.
    OnlyOf(LoginId),
}

/// What devices have said, or have failed to say, since it was last written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// The newest event that each has acknowledged.
    pub acknowledged: HashMap<(UserId, Who), Seq>,
    /// The newest message that each has not acknowledged although it is connected.
    pub unconfirmed: HashMap<(UserId, Who), Seq>,
    /// Those whose last socket was closed, and when.
    pub closed: HashMap<(UserId, Who), Timestamp>,
}

impl Notes {
    /// Returns whether there is nothing to write down.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.acknowledged.is_empty() && self.unconfirmed.is_empty() && self.closed.is_empty()
    }
}

/// Seconds after a wake-up in which a device that comes has come because of it.
const ANSWERED_WITHIN_S: i64 = 15 * 60;
/// Most wake-ups that are remembered until their devices come.
const MOST_WOKEN: usize = 16_384;

/// A wake-up that a provider has accepted.
#[derive(Debug)]
struct Woken {
    provider: PushProvider,
    at: Timestamp,
    id: WakeId,
}

#[derive(Default)]
struct Board {
    woken: HashMap<(UserId, DeviceId), Woken>,
    live: HashMap<UserId, Vec<(SocketId, Who)>>,
    notes: Notes,
}

/// The devices that are connected to this server, and what was noted of them.
#[derive(Default)]
pub struct Devices {
    /// Whether there is a provider.
    is_enabled: AtomicBool,
    /// Whether a device is registered, as far as this server knows.
    has_targets: AtomicBool,
    board: Mutex<Board>,
    something_due: Notify,
}

impl Devices {
    /// Says whether there is a provider. There is none at first.
    pub fn enable(&self, is_enabled: bool) {
        self.is_enabled.store(is_enabled, Ordering::Relaxed);
    }

    /// Returns whether there is a provider.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.is_enabled.load(Ordering::Relaxed)
    }

    /// Says whether the store has a device that is registered.
    pub fn set_has_targets(&self, has_targets: bool) {
        self.has_targets.store(has_targets, Ordering::Relaxed);
    }

    /// Returns whether there may be a device to be woken.
    #[must_use]
    pub fn has_targets(&self) -> bool {
        self.is_enabled() && self.has_targets.load(Ordering::Relaxed)
    }

    /// Says that something may be due.
    pub fn note_due(&self) {
        self.something_due.notify_one();
    }

    /// Waits until something may be due.
    pub async fn due(&self) {
        self.something_due.notified().await;
    }

    /// Notes that a socket is open.
    pub fn opened(&self, user: UserId, socket: SocketId, who: Who) {
        if !self.is_enabled() {
            return;
        }
        let mut board = self.lock();
        board.notes.closed.remove(&(user, who.clone()));
        let live = board.live.entry(user).or_default();
        live.retain(|(other, _)| *other != socket);
        live.push((socket, who));
    }

    /// Notes that a socket is closed.
    pub fn closed(&self, user: UserId, socket: SocketId, now: Timestamp) {
        if !self.is_enabled() {
            return;
        }
        let mut board = self.lock();
        let Some(live) = board.live.get_mut(&user) else { return };
        let Some(index) = live.iter().position(|(other, _)| *other == socket) else { return };
        let (_, who) = live.swap_remove(index);
        let is_last = live.iter().all(|(_, other)| *other != who);
        if live.is_empty() {
            board.live.remove(&user);
        }
        if is_last && self.has_targets() {
            board.notes.closed.insert((user, who), now);
        }
    }

    /// Notes that all sockets of a user are closed, or of all users.
    pub fn left(&self, user: Option<UserId>, now: Timestamp) {
        let mut board = self.lock();
        let users: Vec<UserId> = user.map_or_else(|| board.live.keys().copied().collect(), |user| vec![user]);
        for user in users {
            for (_, who) in board.live.remove(&user).unwrap_or_default() {
                if self.has_targets() {
                    board.notes.closed.insert((user, who), now);
                }
            }
        }
    }

    /// Returns the devices of a user that are connected here, and the legacy logins.
    #[must_use]
    pub fn live_of(&self, user: UserId) -> Vec<Who> {
        let board = self.lock();
        board.live.get(&user).map(|live| live.iter().map(|(_, who)| who.clone()).collect()).unwrap_or_default()
    }

    /// Returns the connected devices of many users, for a statement.
    #[must_use]
    pub fn live_lists(&self, users: &[UserId]) -> Vec<LiveList> {
        let board = self.lock();
        users
            .iter()
            .map(|user| board.live.get(user).map_or_else(LiveList::default, |live| LiveList::of(live)))
            .collect()
    }

    /// Notes that a device has everything up to this event.
    pub fn acknowledge(&self, user: UserId, who: Who, up_to: Seq) {
        if self.has_targets() {
            raise(&mut self.lock().notes.acknowledged, (user, who), up_to);
        }
    }

    /// Notes that a device has not acknowledged this message in time, although it is connected.
    pub fn note_unconfirmed(&self, user: UserId, who: Who, message: Seq) {
        if self.has_targets() {
            raise(&mut self.lock().notes.unconfirmed, (user, who), message);
        }
    }

    /// Notes that a provider has accepted a wake-up.
    pub fn woken(&self, user: UserId, device: DeviceId, provider: PushProvider, id: WakeId, at: Timestamp) {
        let mut board = self.lock();
        if board.woken.len() >= MOST_WOKEN {
            board.woken.retain(|_, woken| woken.at.plus_secs(ANSWERED_WITHIN_S) > at);
        }
        if board.woken.len() < MOST_WOKEN {
            board.woken.insert((user, device), Woken { provider, at, id });
        }
    }

    /// Notes that a device has come, perhaps naming the wake-up. Returns by whom it was woken here, and how many
    /// microseconds ago.
    pub fn came(
        &self,
        user: UserId,
        device: &DeviceId,
        wake: Option<&WakeId>,
        now: Timestamp,
    ) -> Option<(PushProvider, i64)> {
        if !self.has_targets() {
            return None;
        }
        let Woken { provider, at, id } = self.lock().woken.remove(&(user, device.clone()))?;
        let is_in_time = wake.map_or_else(|| at.plus_secs(ANSWERED_WITHIN_S) > now, |wake| *wake == id);
        is_in_time.then(|| (provider, (now.as_micros() - at.as_micros()).max(0)))
    }

    /// Takes the notes. Of those about closed sockets only what is older than `closed_by`.
    #[must_use]
    pub fn take(&self, closed_by: Timestamp) -> Notes {
        let mut board = self.lock();
        let mut notes = std::mem::take(&mut board.notes);
        let (due, later) = notes.closed.into_iter().partition(|(_, at)| *at <= closed_by);
        (notes.closed, board.notes.closed) = (due, later);
        notes
    }

    /// Puts notes back that could not be written down.
    pub fn put_back(&self, notes: Notes) {
        let mut board = self.lock();
        for (who, up_to) in notes.acknowledged {
            raise(&mut board.notes.acknowledged, who, up_to);
        }
        for (who, message) in notes.unconfirmed {
            raise(&mut board.notes.unconfirmed, who, message);
        }
        for (who, at) in notes.closed {
            board.notes.closed.entry(who).or_insert(at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        // Maps whose entries stand alone: whole after any panic.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Devices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Devices").field("is_enabled", &self.is_enabled()).finish_non_exhaustive()
    }
}

fn raise(notes: &mut HashMap<(UserId, Who), Seq>, who: (UserId, Who), seq: Seq) {
    let newest = notes.entry(who).or_insert(seq);
    *newest = (*newest).max(seq);
}

/// Connected devices as texts that a statement searches: each name between commas, which no name holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveList {
    /// Names of devices: `,pixel,tablet,`; empty when there are none.
    pub devices: String,
    /// Legacy logins: `,12,`; empty when there are none.
    pub logins: String,
}

impl LiveList {
    fn of(live: &[(SocketId, Who)]) -> Self {
        let (mut devices, mut logins) = (String::new(), String::new());
        let add = |list: &mut String, name: &dyn std::fmt::Display| {
            if list.is_empty() {
                list.push(',');
            }
            // Writing to a text does not fail.
            let _ = write!(list, "{name},");
        };
        for (_, who) in live {
            match who {
                Who::Device(device) => add(&mut devices, &device.as_str()),
                Who::Legacy(login) | Who::OnlyOf(login) => add(&mut logins, login),
            }
        }
        Self { devices, logins }
    }
}

#[cfg(test)]
mod tests;
