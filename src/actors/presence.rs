//! Who is online and who is typing: in memory, never stored, and the first to be dropped under load.
//!
//! Supervised by the root. When it fails, its successor asks every session to introduce itself again. Bounds: what a client
//! sends here rides on its credit; looks at the store are limited to [`LOOKUPS`] at a time and what is more is dropped; a socket
//! watches a limited list.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lru::LruCache;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::Semaphore;

use super::credit::Credit;
use super::mailbox::{Slot, Timed, cast};
use super::registry::RegistryHandle;
use super::session::SessionMsg;
use crate::clock::Clock;
use crate::domain::{SocketId, Timestamp, UserId};
use crate::protocol::v1::{self, Status};
use crate::storage::{Storage, StorageError};
use crate::telemetry::{ActorKind, metrics};

/// How long a user without a socket still counts as online: a phone that changes networks does not flicker.
const GRACE: Duration = Duration::from_secs(10);
/// Least time between two words of typing in one direction.
const TYPING_EVERY: Duration = Duration::from_secs(3);
/// Looks at the store at one time.
const LOOKUPS: usize = 32;
/// Users whose last time is remembered, and directions in which typing is.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

pub(super) enum PresenceMsg {
    /// A user has a socket, or none any more.
    Seen {
        user: UserId,
        is_online: bool,
    },
    /// The grace is over, unless the user came back meanwhile.
    Gone {
        user: UserId,
        departure: u64,
    },
    EverybodyLeft,
    Watch {
        user: UserId,
        socket: SocketId,
        session: ActorRef<Timed<SessionMsg>>,
        users: Vec<UserId>,
        credit: Option<Credit>,
    },
    Unwatch(SocketId),
    /// What two users, or one and all others, are to each other has changed.
    Reconsider {
        user: UserId,
        other: Option<UserId>,
    },
    /// What a look at the store has found.
    Looked {
        socket: SocketId,
        watched: UserId,
        is_visible: bool,
    },
    Typing {
        from: UserId,
        to: UserId,
        active: bool,
        credit: Credit,
    },
}

/// The presence actor, whichever incarnation is alive.
#[derive(Clone)]
pub struct PresenceHandle(pub(super) Slot<PresenceMsg>);

impl PresenceHandle {
    /// What two users, or one and all others, may see of each other has changed.
    pub fn reconsider(&self, user: UserId, other: Option<UserId>) {
        self.0.cast(PresenceMsg::Reconsider { user, other });
    }

    pub(super) fn seen(&self, user: UserId, is_online: bool) {
        self.0.cast(PresenceMsg::Seen { user, is_online });
    }

    pub(super) fn everybody_left(&self) {
        self.0.cast(PresenceMsg::EverybodyLeft);
    }

    pub(super) fn watch(
        &self,
        user: UserId,
        socket: SocketId,
        session: ActorRef<Timed<SessionMsg>>,
        users: Vec<UserId>,
        credit: Option<Credit>,
    ) {
        self.0.cast(PresenceMsg::Watch { user, socket, session, users, credit });
    }

    pub(super) fn unwatch(&self, socket: SocketId) {
        self.0.cast(PresenceMsg::Unwatch(socket));
    }

    pub(super) fn typing(&self, from: UserId, to: UserId, active: bool, credit: Credit) {
        self.0.cast(PresenceMsg::Typing { from, to, active, credit });
    }
}

pub(super) struct PresenceActor;

#[derive(Clone)]
pub(super) struct PresenceArgs {
    pub(super) storage: Arc<Storage>,
    pub(super) clock: Clock,
    pub(super) registry: RegistryHandle,
}

pub(super) struct PresenceState {
    args: PresenceArgs,
    lookups: Arc<Semaphore>,
    /// With the number of the departure that is counted down, if any.
    online: HashMap<UserId, Option<u64>>,
    departures: u64,
    last_seen: LruCache<UserId, Timestamp>,
    watchers: HashMap<SocketId, Watcher>,
    watched: HashMap<UserId, HashSet<SocketId>>,
    typing: LruCache<(UserId, UserId), Instant>,
}

/// A socket that is told who is online.
struct Watcher {
    user: UserId,
    session: ActorRef<Timed<SessionMsg>>,
    told: HashMap<UserId, Told>,
}

/// What a watcher knows of somebody.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Online,
    Offline,
}

impl Actor for PresenceActor {
    type Msg = Timed<PresenceMsg>;
    type State = PresenceState;
    type Arguments = PresenceArgs;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, args: PresenceArgs) -> Result<PresenceState, ActorProcessingErr> {
        args.registry.introduce();
        Ok(PresenceState {
            args,
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
            online: HashMap::new(),
            departures: 0,
            last_seen: LruCache::new(REMEMBERED),
            watchers: HashMap::new(),
            watched: HashMap::new(),
            typing: LruCache::new(REMEMBERED),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut PresenceState,
    ) -> Result<(), ActorProcessingErr> {
        match message.open(ActorKind::Presence) {
            PresenceMsg::Seen { user, is_online: true } => state.arrive(user),
            PresenceMsg::Seen { user, is_online: false } => state.depart(&myself, user),
            PresenceMsg::Gone { user, departure } => state.gone(user, departure),
            PresenceMsg::EverybodyLeft => {
                let users: Vec<UserId> = state.online.keys().copied().collect();
                for user in users {
                    state.depart(&myself, user);
                }
                state.watchers.clear();
                state.watched.clear();
            }
            PresenceMsg::Watch { user, socket, session, users, credit } => {
                state.watch(socket, Watcher { user, session, told: HashMap::new() }, &users);
                state.look(&myself, users.into_iter().map(|watched| (socket, watched)).collect(), credit);
            }
            PresenceMsg::Unwatch(socket) => state.unwatch(socket),
            PresenceMsg::Reconsider { user, other } => {
                let pairs = state.pairs(user, other);
                state.look(&myself, pairs, None);
            }
            PresenceMsg::Looked { socket, watched, is_visible } => state.tell(socket, watched, is_visible),
            PresenceMsg::Typing { from, to, active, credit } => state.typing(from, to, active, credit),
        }
        Ok(())
    }
}

impl PresenceState {
    fn arrive(&mut self, user: UserId) {
        if self.online.insert(user, None).is_none() {
            self.publish(user);
        }
    }

    fn depart(&mut self, myself: &ActorRef<Timed<PresenceMsg>>, user: UserId) {
        let Some(leaving) = self.online.get_mut(&user) else { return };
        self.departures += 1;
        let departure = self.departures;
        *leaving = Some(departure);
        self.last_seen.put(user, self.args.clock.now());
        myself.send_after(GRACE, move || Timed::new(PresenceMsg::Gone { user, departure }));
    }

    fn gone(&mut self, user: UserId, departure: u64) {
        if self.online.get(&user) == Some(&Some(departure)) {
            self.online.remove(&user);
            self.publish(user);
        }
    }

    /// Tells those who may know that somebody has come or gone.
    fn publish(&mut self, user: UserId) {
        let sockets: Vec<SocketId> = self.watched.get(&user).into_iter().flatten().copied().collect();
        for socket in sockets {
            let is_told = |watcher: &Watcher| watcher.told.get(&user).is_some_and(|told| *told != Told::Nothing);
            if self.watchers.get(&socket).is_some_and(is_told) {
                self.tell(socket, user, true);
            }
        }
    }

    fn watch(&mut self, socket: SocketId, mut watcher: Watcher, users: &[UserId]) {
        self.unwatch(socket);
        for user in users {
            watcher.told.insert(*user, Told::Nothing);
            self.watched.entry(*user).or_default().insert(socket);
        }
        if !users.is_empty() {
            self.watchers.insert(socket, watcher);
        }
    }

    fn unwatch(&mut self, socket: SocketId) {
        let Some(watcher) = self.watchers.remove(&socket) else { return };
        for user in watcher.told.into_keys() {
            if let Some(sockets) = self.watched.get_mut(&user) {
                sockets.remove(&socket);
                if sockets.is_empty() {
                    self.watched.remove(&user);
                }
            }
        }
    }

    /// Who watches `user` and whom `user` watches, or only as far as that is `other`.
    fn pairs(&self, user: UserId, other: Option<UserId>) -> Vec<(SocketId, UserId)> {
        let between = |a: UserId, b: UserId| a == user && other.is_none_or(|other| other == b);
        let watchers = self
            .watchers
            .iter()
            .flat_map(|(socket, watcher)| watcher.told.keys().map(move |watched| (*socket, watcher.user, *watched)));
        let concerned =
            watchers.filter(|(_, watcher, watched)| between(*watcher, *watched) || between(*watched, *watcher));
        concerned.map(|(socket, _, watched)| (socket, watched)).collect()
    }

    /// Finds out who may see whom, when there are not too many who want to know that already.
    fn look(&self, myself: &ActorRef<Timed<PresenceMsg>>, pairs: Vec<(SocketId, UserId)>, credit: Option<Credit>) {
        let asked: Vec<_> = pairs
            .into_iter()
            .filter_map(|(socket, watched)| self.watchers.get(&socket).map(|w| (socket, w.user, watched)))
            .collect();
        if asked.is_empty() {
            return;
        }
        let Ok(permit) = self.lookups.clone().try_acquire_owned() else {
            metrics().whispers_dropped.increment(1);
            return;
        };
        let (storage, myself) = (self.args.storage.clone(), myself.clone());
        tokio::spawn(async move {
            let _held = (permit, credit);
            for (socket, watcher, watched) in asked {
                if let Ok(is_visible) = is_visible(&storage, watcher, watched).await {
                    cast(&myself, PresenceMsg::Looked { socket, watched, is_visible });
                }
            }
        });
    }

    fn tell(&mut self, socket: SocketId, of: UserId, is_visible: bool) {
        let status = self.status(of);
        let Some(watcher) = self.watchers.get_mut(&socket) else { return };
        let Some(told) = watcher.told.get_mut(&of) else { return };
        let (now, status) = match (is_visible, status) {
            (false, _) if *told == Told::Nothing => return,
            (false, _) => (Told::Nothing, Status::Offline { last_seen: None }),
            (true, Status::Online) => (Told::Online, status),
            (true, Status::Offline { .. }) => (Told::Offline, status),
        };
        if std::mem::replace(told, now) != now {
            let frame = v1::presence(of, status);
            cast(&watcher.session, SessionMsg::Whisper { socket: Some(socket), frame });
        }
    }

    fn status(&mut self, user: UserId) -> Status {
        if self.online.contains_key(&user) {
            Status::Online
        } else {
            Status::Offline { last_seen: self.last_seen.get(&user).copied() }
        }
    }

    fn typing(&mut self, from: UserId, to: UserId, active: bool, credit: Credit) {
        let now = Instant::now();
        let is_early = self.typing.get(&(from, to)).is_some_and(|last| now.duration_since(*last) < TYPING_EVERY);
        if is_early {
            return;
        }
        let Ok(permit) = self.lookups.clone().try_acquire_owned() else {
            metrics().whispers_dropped.increment(1);
            return;
        };
        self.typing.put((from, to), now);
        let (storage, registry) = (self.args.storage.clone(), self.args.registry.clone());
        tokio::spawn(async move {
            let _held = (permit, credit);
            // Only towards somebody who has written to the one who types.
            if from != to
                && let Ok(Some(relation)) = storage.relation(from, to).await
                && relation.has_received
            {
                registry.whisper(to, v1::typing(relation.conversation_id, from, active));
            }
        });
    }
}

/// Whether the two are partners and neither minds.
async fn is_visible(storage: &Storage, to: UserId, of: UserId) -> Result<bool, StorageError> {
    let relation = if to == of { None } else { storage.relation(to, of).await? };
    Ok(relation.is_some_and(|r| r.has_sent && r.has_received && r.both_show_presence))
}
