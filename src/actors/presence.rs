//! Who is online and who is typing: in memory, never stored, and the first to be dropped under load.
//!
//! Supervised by the root. When it fails, its successor asks every session to introduce itself again. Bounds: what a
//! client sends here rides on its credit; looks at the store for watchers are limited to [`LOOKUPS`] at a time, one a
//! user, and those for typing to [`TYPISTS`], of which more are dropped unless they say that somebody has stopped; a
//! socket watches a limited list. When it cannot be found out whether somebody may still see somebody, they may not.

mod watchers;

use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lru::LruCache;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::mailbox::{Slot, Timed, cast};
use super::registry::RegistryHandle;
use super::session::SessionMsg;
use super::session::credit::Credit;
use crate::clock::Clock;
use crate::domain::{SocketId, Timestamp, UserId};
use crate::protocol::v1::{self, Status};
use crate::storage::{Storage, StorageError};
use crate::telemetry::{ActorKind, metrics};
use watchers::{Pairs, Watchers};

/// How long a user without a socket still counts as online: a phone that changes networks does not flicker.
const GRACE: Duration = Duration::from_secs(10);
/// Least time between two words of typing in one direction.
const TYPING_EVERY: Duration = Duration::from_secs(3);
/// Watchers that are looked up at one time.
const LOOKUPS: usize = 2;
/// Typists that are looked up at one time.
const TYPISTS: usize = 16;
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
    /// One of the two has written to the other: they may have become partners by it.
    Met {
        user: UserId,
        other: UserId,
    },
    /// What two users, or one and all others, are to each other has changed.
    Reconsider {
        user: UserId,
        other: Option<UserId>,
    },
    /// What a look at the store has found that began in this round.
    Looked {
        socket: SocketId,
        of: UserId,
        is_visible: bool,
        round: u64,
    },
    /// The look for a watcher is over, and another may begin.
    LookedAll(Option<UserId>),
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

    pub(super) fn met(&self, user: UserId, other: UserId) {
        self.0.cast(PresenceMsg::Met { user, other });
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
    typists: Arc<Semaphore>,
    /// Counts what was reconsidered.
    round: u64,
    /// Watchers who wait to be looked up, with the credit that bounds them; and those who are.
    waiting: VecDeque<(UserId, Pairs, Credit)>,
    looked_up: HashSet<UserId>,
    /// With the number of the departure that is counted down, if any.
    online: HashMap<UserId, Option<u64>>,
    departures: u64,
    last_seen: LruCache<UserId, Timestamp>,
    watchers: Watchers,
    typing: LruCache<(UserId, UserId), Typing>,
}

/// Who types towards whom.
#[derive(Default)]
struct Typing {
    /// When it was last said that somebody types.
    told: Option<Instant>,
    /// Tells what was said last: the next one waits for it, so that they come in their order.
    telling: Option<JoinHandle<()>>,
}

impl Actor for PresenceActor {
    type Msg = Timed<PresenceMsg>;
    type State = PresenceState;
    type Arguments = PresenceArgs;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, args: PresenceArgs) -> Result<PresenceState, ActorProcessingErr> {
        Ok(PresenceState {
            args,
            typists: Arc::new(Semaphore::new(TYPISTS)),
            round: 0,
            waiting: VecDeque::new(),
            looked_up: HashSet::new(),
            online: HashMap::new(),
            departures: 0,
            last_seen: LruCache::new(REMEMBERED),
            watchers: Watchers::default(),
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
                state.watchers = Watchers::default();
            }
            PresenceMsg::Watch { user, socket, session, users, credit } => {
                state.watchers.watch(socket, user, session, &users);
                let pairs: Pairs = users.into_iter().map(|of| (socket, of)).collect();
                match credit {
                    Some(credit) => state.waiting.push_back((user, pairs, credit)),
                    // Introduced anew, not asked.
                    None => state.look(&myself, None, pairs, None),
                }
                state.look_for_next(&myself);
            }
            PresenceMsg::Unwatch(socket) => state.watchers.unwatch(socket),
            PresenceMsg::Met { user, other } => {
                let pairs = state.watchers.untold(user, other);
                if !pairs.is_empty() {
                    state.look(&myself, None, pairs, None);
                }
            }
            PresenceMsg::Reconsider { user, other } => {
                state.round += 1;
                let pairs = state.watchers.pairs(user, other);
                state.look(&myself, None, pairs, None);
            }
            PresenceMsg::Looked { socket, of, is_visible: true, round } if round != state.round => {
                // Something has changed since: it may have been this.
                state.look(&myself, None, vec![(socket, of)], None);
            }
            PresenceMsg::Looked { socket, of, is_visible, .. } => state.tell(socket, of, is_visible),
            PresenceMsg::LookedAll(user) => {
                user.map(|user| state.looked_up.remove(&user));
                state.look_for_next(&myself);
            }
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
        for socket in self.watchers.of(user) {
            self.tell(socket, user, true);
        }
    }

    /// Begins with the next watcher, when not too many are looked up already.
    fn look_for_next(&mut self, myself: &ActorRef<Timed<PresenceMsg>>) {
        while self.looked_up.len() < LOOKUPS {
            let next = self.waiting.iter().position(|(user, ..)| !self.looked_up.contains(user));
            let Some((user, pairs, credit)) = next.and_then(|next| self.waiting.remove(next)) else { return };
            self.looked_up.insert(user);
            self.look(myself, Some(user), pairs, Some(credit));
        }
    }

    /// Finds out who may see whom. Nobody keeps seeing somebody because that could not be found out.
    fn look(&self, myself: &ActorRef<Timed<PresenceMsg>>, turn: Option<UserId>, pairs: Pairs, credit: Option<Credit>) {
        let asked: Vec<_> = pairs
            .into_iter()
            .filter_map(|(socket, of)| self.watchers.user(socket).map(|user| (socket, user, of)))
            .collect();
        let (storage, myself, round) = (self.args.storage.clone(), myself.clone(), self.round);
        tokio::spawn(async move {
            let _held = credit;
            for (socket, to, of) in asked {
                let is_visible = is_visible(&storage, to, of).await.unwrap_or(false);
                cast(&myself, PresenceMsg::Looked { socket, of, is_visible, round });
            }
            cast(&myself, PresenceMsg::LookedAll(turn));
        });
    }

    fn tell(&mut self, socket: SocketId, of: UserId, is_visible: bool) {
        let status = is_visible.then(|| self.status(of));
        self.watchers.tell(socket, of, status);
    }

    fn status(&mut self, user: UserId) -> Status {
        if self.online.contains_key(&user) {
            Status::Online
        } else {
            Status::Offline { last_seen: self.last_seen.get(&user).copied() }
        }
    }

    /// That somebody types is told once in a while; that they have stopped, always.
    fn typing(&mut self, from: UserId, to: UserId, active: bool, credit: Credit) {
        let now = Instant::now();
        let typing = self.typing.get_or_insert_mut((from, to), Typing::default);
        let is_early = typing.told.is_some_and(|told| now.duration_since(told) < TYPING_EVERY);
        if active && is_early {
            return;
        }
        let place = self.typists.clone().try_acquire_owned().ok();
        if active && place.is_none() {
            metrics().whispers_dropped.increment(1);
            return;
        }
        if active {
            typing.told = Some(now);
        }
        let (typists, before) = (self.typists.clone(), typing.telling.take());
        let (storage, registry) = (self.args.storage.clone(), self.args.registry.clone());
        typing.telling = Some(tokio::spawn(async move {
            let _held = credit;
            let mut place = place;
            if let Some(before) = before.filter(|before| !before.is_finished()) {
                // It may wait for a place itself.
                place = None;
                let _ = before.await;
            }
            // Nobody closes the semaphore. As many wait as have credit.
            let _place = match place {
                Some(place) => Ok(place),
                None => typists.acquire_owned().await,
            };
            // Only towards somebody who has written to the one who types.
            if from != to
                && let Ok(Some(relation)) = storage.relation(from, to).await
                && relation.has_received
            {
                registry.whisper(to, v1::typing(relation.conversation_id, from, active));
            }
        }));
    }
}

/// Whether the two are partners and neither minds.
async fn is_visible(storage: &Storage, to: UserId, of: UserId) -> Result<bool, StorageError> {
    let relation = if to == of { None } else { storage.relation(to, of).await? };
    Ok(relation.is_some_and(|r| r.has_sent && r.has_received && r.both_show_presence))
}

#[cfg(test)]
mod tests;
