//! Presence: which users are online and which are typing. In memory, never stored, and dropped first under load.
//!
//! Supervised by the root. When it fails, its successor asks every session to report its presence again. Bounds: what a
//! client sends here rides on its credit; look-ups for watchers are limited to [`LOOKUPS`] at a time, one a user, and
//! those for typing ([`typing`]) as well; a socket watches a limited list. When a look-up fails, the user sees nothing
//! of the other.

pub(super) mod messages;
mod typing;
mod watchers;

use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::health::Health;
use super::mailbox::{Mailbox, Timed};
use super::registry::messages::RegistryHandle;
use super::session::credit::Credit;
use super::stats::ActorCounters;
use super::who::messages::{Others, WhoHandle};
use crate::clock::Clock;
use crate::domain::{SocketId, Timestamp, UserId};
use crate::protocol::v1::Status;
use crate::storage::{Storage, StorageError};
use messages::PresenceMsg;
use typing::Typists;
use watchers::{Pairs, Watchers};

/// How long a user without a socket still counts as online: a phone that changes networks does not flicker.
const GRACE: Duration = Duration::from_secs(10);
/// Watchers that are looked up at one time.
const LOOKUPS: usize = 2;
/// Users whose last time online is remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

pub(super) struct PresenceActor(pub(super) Arc<ActorCounters>);

#[derive(Clone)]
pub(super) struct PresenceArgs {
    pub(super) storage: Arc<Storage>,
    pub(super) clock: Clock,
    pub(super) health: Arc<Health>,
    pub(super) registry: RegistryHandle,
    /// Who passes typing on to other servers, with NATS.
    pub(super) who: Option<WhoHandle>,
    /// The users of other servers.
    pub(super) others: Others,
}

pub(super) struct PresenceState {
    args: PresenceArgs,
    mailbox: Mailbox<PresenceMsg>,
    /// The number of reconsiderations so far, by which an outdated look-up is recognised.
    round: u64,
    /// Watchers that wait to be looked up, with the credit that bounds them.
    waiting: VecDeque<(UserId, Pairs, Credit)>,
    looked_up: HashSet<UserId>,
    /// Users who count as online, with the number of the departure whose grace period runs, if any.
    online: HashMap<UserId, Option<u64>>,
    departures: u64,
    last_seen: LruCache<UserId, Timestamp>,
    watchers: Watchers,
    typists: Typists,
}

impl Actor for PresenceActor {
    type Msg = Timed<PresenceMsg>;
    type State = PresenceState;
    type Arguments = PresenceArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        args: PresenceArgs,
    ) -> Result<PresenceState, ActorProcessingErr> {
        Ok(PresenceState {
            typists: Typists::new(args.storage.clone(), args.registry.clone(), args.who.clone()),
            args,
            mailbox: Mailbox::new(myself, self.0.clone()),
            round: 0,
            waiting: VecDeque::new(),
            looked_up: HashSet::new(),
            online: HashMap::new(),
            departures: 0,
            last_seen: LruCache::new(REMEMBERED),
            watchers: Watchers::default(),
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut PresenceState,
    ) -> Result<(), ActorProcessingErr> {
        let (message, _busy) = message.open(&self.0);
        #[cfg(feature = "testing")]
        self.0.kind().fault().suffer().await;
        match message {
            PresenceMsg::Seen { user, is_online: true } => state.arrive(user),
            PresenceMsg::Seen { user, is_online: false } => state.depart(user),
            // Of a server that is stopping phones leave one after the other, and come back elsewhere.
            PresenceMsg::GraceOver { .. } if state.args.health.is_draining() => {}
            PresenceMsg::GraceOver { user, departure } => state.end_grace(user, departure),
            PresenceMsg::Elsewhere { arrived, left, forgotten } => {
                for user in arrived {
                    state.publish(user);
                }
                state.leave_elsewhere(left, forgotten);
            }
            PresenceMsg::ElsewhereGraceOver { users, departure } => {
                for user in users {
                    state.end_grace(user, departure);
                }
            }
            PresenceMsg::RegistryReplaced => state.forget_sessions(),
            PresenceMsg::Watch { user, socket, session, users, credit } => {
                state.watchers.watch(socket, user, session, &users);
                state.look_up_watched(user, users.into_iter().map(|of| (socket, of)).collect(), credit);
            }
            PresenceMsg::Unwatch(socket) => state.watchers.unwatch(socket),
            PresenceMsg::Met { user, other } => {
                let pairs = state.watchers.not_yet_shown(user, other);
                if !pairs.is_empty() {
                    state.look_up(None, pairs, None);
                }
            }
            PresenceMsg::Reconsider { user, other } => state.reconsider(state.watchers.pairs(user, other)),
            PresenceMsg::ReconsiderAll => state.reconsider(state.watchers.all_pairs()),
            PresenceMsg::LookedUp { socket, of, is_visible: true, round } if round != state.round => {
                // A reconsideration came in between and may concern this pair.
                state.look_up(None, vec![(socket, of)], None);
            }
            PresenceMsg::LookedUp { socket, of, is_visible, .. } => state.show(socket, of, is_visible),
            PresenceMsg::LookUpDone(user) => {
                user.map(|user| state.looked_up.remove(&user));
                state.look_up_next();
            }
            PresenceMsg::Typing { from, conversation, active, credit } => {
                state.typists.report(from, conversation, active, credit);
            }
        }
        Ok(())
    }
}

impl PresenceState {
    /// Queues the look-up of those that a socket has begun to watch, or looks them up at once when no request asked.
    fn look_up_watched(&mut self, user: UserId, pairs: Pairs, credit: Option<Credit>) {
        match credit {
            Some(credit) => self.waiting.push_back((user, pairs, credit)),
            // Reported anew by the session, without a request of the client.
            None => self.look_up(None, pairs, None),
        }
        self.look_up_next();
    }

    /// Looks up these pairs anew; look-ups that are on their way no longer count.
    fn reconsider(&mut self, pairs: Pairs) {
        self.round += 1;
        self.look_up(None, pairs, None);
    }

    fn arrive(&mut self, user: UserId) {
        if self.online.insert(user, None).is_none() {
            self.publish(user);
        }
    }

    fn depart(&mut self, user: UserId) {
        let Some(leaving) = self.online.get_mut(&user) else { return };
        self.departures += 1;
        let departure = self.departures;
        *leaving = Some(departure);
        self.last_seen.put(user, self.args.clock.now());
        self.mailbox.cast_after(GRACE, move || PresenceMsg::GraceOver { user, departure });
    }

    fn end_grace(&mut self, user: UserId, departure: u64) {
        if self.online.get(&user) == Some(&Some(departure)) {
            self.online.remove(&user);
            self.publish(user);
        }
    }

    /// Handles that users have left all other servers.
    fn leave_elsewhere(&mut self, mut users: Vec<UserId>, forgotten: bool) {
        users.retain(|user| self.online.get(user) != Some(&None));
        if forgotten {
            for user in users {
                self.last_seen.pop(&user);
                self.publish(user);
            }
            return;
        }
        self.departures += 1;
        let (departure, now) = (self.departures, self.args.clock.now());
        for user in &users {
            self.online.insert(*user, Some(departure));
            self.last_seen.put(*user, now);
        }
        self.mailbox.cast_after(GRACE, move || PresenceMsg::ElsewhereGraceOver { users, departure });
    }

    /// Handles the end of all sessions with their registry.
    fn forget_sessions(&mut self) {
        let users: Vec<UserId> = self.online.keys().copied().collect();
        for user in users {
            self.depart(user);
        }
        self.watchers = Watchers::default();
    }

    /// Shows to the watchers of a user that the user has come or gone, if they may see it.
    fn publish(&mut self, user: UserId) {
        for socket in self.watchers.of(user) {
            self.show(socket, user, true);
        }
    }

    /// Begins the look-ups of the next watcher, unless [`LOOKUPS`] are running.
    fn look_up_next(&mut self) {
        while self.looked_up.len() < LOOKUPS {
            let next = self.waiting.iter().position(|(user, ..)| !self.looked_up.contains(user));
            let Some((user, pairs, credit)) = next.and_then(|next| self.waiting.remove(next)) else { return };
            self.looked_up.insert(user);
            self.look_up(Some(user), pairs, Some(credit));
        }
    }

    /// Looks up whether the watchers may see the users. A look-up that fails counts as a refusal.
    fn look_up(&self, watcher: Option<UserId>, pairs: Pairs, credit: Option<Credit>) {
        let asked: Vec<_> = pairs
            .into_iter()
            .filter_map(|(socket, of)| self.watchers.user(socket).map(|user| (socket, user, of)))
            .collect();
        let (storage, mailbox, round) = (self.args.storage.clone(), self.mailbox.clone(), self.round);
        tokio::spawn(async move {
            let _held = credit;
            for (socket, to, of) in asked {
                let is_visible = is_visible(&storage, to, of).await.unwrap_or(false);
                mailbox.cast(PresenceMsg::LookedUp { socket, of, is_visible, round });
            }
            mailbox.cast(PresenceMsg::LookUpDone(watcher));
        });
    }

    /// Shows a socket the presence of a user, when it may see it.
    fn show(&mut self, socket: SocketId, of: UserId, is_visible: bool) {
        let status = is_visible.then(|| self.status(of));
        self.watchers.show(socket, of, status);
    }

    fn status(&mut self, user: UserId) -> Status {
        if self.online.contains_key(&user) || self.args.others.is_online(user) {
            Status::Online
        } else {
            Status::Offline { last_seen: self.last_seen.get(&user).copied() }
        }
    }
}

/// Returns whether the two are partners and neither hides from the other.
async fn is_visible(storage: &Storage, to: UserId, of: UserId) -> Result<bool, StorageError> {
    let relation = if to == of { None } else { storage.relation(to, of).await? };
    Ok(relation.is_some_and(|r| r.has_sent && r.has_received && r.both_show_presence))
}

#[cfg(test)]
mod tests;
