//! Who is where: what this server tells the others of itself by NATS, and what it knows of them.
//!
//! Supervised by the root; runs only with NATS. All that it says may be lost: the next word of its kind puts it right.
//! A server tells the others each 50 ms which of its users have other sockets now; one that has missed such a word asks
//! for all of them. When the actor fails, its successor goes on with what was known. Bounds: what is heard, by the
//! places of the link; what its own server reports, by its sockets.

mod fence;
pub(super) mod messages;
pub(super) mod peers;
mod voice;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::health::Health;
use super::mailbox::{Mailbox, Timed};
use super::presence::messages::PresenceHandle;
use super::registry::messages::RegistryHandle;
use super::relay::link::{Link, Unreadable, WordKind};
use super::stats::ActorCounters;
use crate::clock::Clock;
use crate::domain::UserId;
use crate::protocol::who::{Page, Said, Typing, decode};
use crate::protocol::{CloseReason, v1};
use crate::storage::Storage;
use crate::telemetry::{Dropped, metrics};
use fence::Fence;
use messages::{Others, WhoMsg};
use peers::sockets::{Moves, Superseded, in_words};
use peers::{Peers, Place};
use voice::Voice;

/// Time between two looks for who has gone.
const TICK: Duration = Duration::from_millis(500);
/// Time for which changes of sockets are gathered.
const FLUSH: Duration = Duration::from_millis(50);

pub(super) struct WhoActor(pub(super) Arc<ActorCounters>);

#[derive(Clone)]
pub(super) struct WhoArgs {
    pub(super) storage: Arc<Storage>,
    pub(super) clock: Clock,
    pub(super) health: Arc<Health>,
    pub(super) link: Link,
    pub(super) others: Others,
    pub(super) registry: RegistryHandle,
    pub(super) presence: PresenceHandle,
    /// The name of this server, for people.
    pub(super) label: String,
    /// Most sockets of a user.
    pub(super) max_sockets: usize,
    /// The time for which users elsewhere count as they were while nothing is heard.
    pub(super) hold: Duration,
    /// Time without the database after which this server is fenced while others reach it.
    pub(super) fence_after: Duration,
}

pub(super) struct WhoState {
    args: WhoArgs,
    voice: Voice,
    fence: Fence,
    /// Users whose sockets have changed since the others were told.
    changed: BTreeSet<UserId>,
    mailbox: Mailbox<WhoMsg>,
    unreadable: Unreadable,
}

impl Actor for WhoActor {
    type Msg = Timed<WhoMsg>;
    type State = WhoState;
    type Arguments = WhoArgs;

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, args: WhoArgs) -> Result<WhoState, ActorProcessingErr> {
        let mailbox = Mailbox::new(myself, self.0.clone());
        mailbox.cast_every(TICK, || WhoMsg::Tick);
        let WhoArgs { storage, clock, health, link, label, .. } = args.clone();
        let voice = Voice::new(storage, clock, health, link, label);
        let unreadable = Unreadable::new();
        let fence = Fence::new(args.fence_after, Instant::now());
        Ok(WhoState { args, voice, fence, changed: BTreeSet::new(), mailbox, unreadable })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut WhoState,
    ) -> Result<(), ActorProcessingErr> {
        let (message, _busy) = message.open(&self.0);
        #[cfg(feature = "testing")]
        self.0.kind().fault().suffer().await;
        match message {
            WhoMsg::Heard { place, bytes, permit: _until_here } => state.hear(place, &bytes),
            WhoMsg::Up => {
                state.voice.is_heard_anew();
                // What was said meanwhile was not heard, also where nobody has noticed.
                state.args.others.change(|peers| peers.listen(false, Instant::now()));
                state.tick();
                state.voice.say_here();
            }
            WhoMsg::Beat(beat) => state.voice.beat(beat),
            WhoMsg::Rows(rows) => {
                let age = |ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
                let ages = rows.into_iter().map(|(boot, ms)| (boot, age(ms))).collect();
                state.args.others.change(|peers| peers.read_rows(ages, Instant::now()));
            }
            WhoMsg::Opened { user, socket, stamp, mark } => {
                state.args.others.change(|peers| peers.open(user, socket, stamp, mark));
                state.note_change(user);
                state.close_superseded(user);
            }
            WhoMsg::Closed { user, socket } => {
                if state.args.others.change(|peers| peers.close(user, socket)) {
                    state.note_change(user);
                }
            }
            WhoMsg::Left(user) => {
                let users = state.args.others.change(|peers| peers.close_all(user));
                for user in users {
                    state.note_change(user);
                }
            }
            WhoMsg::Typing(typing) => {
                for boot in state.args.others.read(|peers| peers.boots_of(typing.to)) {
                    state.voice.say(WordKind::To(boot), Said::Typing(typing));
                }
            }
            WhoMsg::Flush => state.say_changes(),
            WhoMsg::Tick => {
                state.tick();
                let WhoArgs { storage, health, others, .. } = &state.args;
                state.fence.mind(health, storage, others);
            }
            #[cfg(feature = "testing")]
            WhoMsg::Crash => super::mailbox::crash(),
        }
        Ok(())
    }
}

impl WhoState {
    fn tick(&mut self) {
        let (now, time, hears) = (Instant::now(), self.args.clock.now(), self.args.link.is_up());
        let gone = self.args.others.change(|peers| {
            peers.listen(hears, now);
            peers.gone(now, time)
        });
        for boot in gone {
            tracing::info!(boot = %format_args!("{boot:016x}"), "another server has gone");
            let moves = self.args.others.change(|peers| peers.drop_sockets(boot));
            self.show(moves, false);
        }
        for boot in self.args.others.read(|peers| peers.overdue(time)) {
            let moves = self.args.others.change(|peers| peers.drop_sockets(boot));
            self.show(moves, false);
        }
        if hears {
            self.args.others.read(Peers::boots).into_iter().for_each(|boot| self.ask_if_needed(boot, None));
        } else if self.args.others.read(|peers| peers.is_deaf_for(self.args.hold, now)) {
            for boot in self.args.others.read(Peers::boots) {
                let moves = self.args.others.change(|peers| peers.drop_sockets(boot));
                self.show(moves, true);
            }
        }
    }

    /// Acts on changes at other servers: shows who has come and gone, and closes what must give way.
    fn show(&mut self, moves: Moves, forgotten: bool) {
        let Moves { arrived, left, touched } = moves;
        self.args.presence.elsewhere(arrived, left, forgotten);
        for user in touched {
            self.close_superseded(user);
        }
    }

    fn close_superseded(&self, user: UserId) {
        for (socket, why) in self.args.others.read(|peers| peers.superseded(user, self.args.max_sockets)) {
            let reason = match why {
                Superseded::Device => CloseReason::Replaced,
                Superseded::Count => CloseReason::TooMany,
            };
            self.args.registry.supersede(user, socket, reason);
        }
    }

    /// Notes that the sockets of a user have changed here, and tells the others soon.
    fn note_change(&mut self, user: UserId) {
        if self.changed.is_empty() {
            self.mailbox.cast_after(FLUSH, || WhoMsg::Flush);
        }
        self.changed.insert(user);
    }

    fn say_changes(&mut self) {
        let changed = std::mem::take(&mut self.changed).into_iter().collect();
        let users = self.args.others.read(|peers| peers.own_sockets(Some(changed)));
        for users in in_words(users) {
            self.voice.say_changed(users);
        }
    }

    /// Asks a server for all its sockets, when some of them are not known. Its last change has this number.
    fn ask_if_needed(&mut self, boot: i64, number: Option<u64>) {
        if self.args.others.change(|peers| peers.must_ask(boot, number, Instant::now())) {
            self.voice.say(WordKind::To(boot), Said::Asked);
        }
    }

    /// Tells a server of all sockets of this one.
    fn answer(&mut self, boot: i64) {
        let parts = in_words(self.args.others.read(|peers| peers.own_sockets(None)));
        let (number, count) = (self.voice.changes(), parts.len());
        for (index, users) in parts.into_iter().enumerate() {
            let is_last = index + 1 == count;
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            self.voice.say(WordKind::To(boot), Said::Page(Page { number, index, is_last, users }));
        }
    }

    fn hear(&mut self, place: Place, bytes: &Bytes) {
        let word = match decode(bytes) {
            Ok(Some(word)) => word,
            Ok(None) => return,
            Err(error) => {
                self.unreadable.note(&error);
                return;
            }
        };
        let (now, time) = (Instant::now(), self.args.clock.now());
        if !self.args.others.change(|peers| peers.admit(place, &word, now, time)) {
            return metrics().cluster.dropped(Dropped::Stale);
        }
        match word.said {
            Said::Here(here) => {
                let (is_new, changes) = (here.is_new, here.changes);
                self.args.others.change(|peers| peers.describe(word.boot, here));
                self.ask_if_needed(word.boot, Some(changes));
                if is_new {
                    self.voice.introduce();
                }
            }
            Said::Changed(changed) => {
                let number = changed.number;
                let moves = self.args.others.change(|peers| peers.changed(word.boot, changed));
                self.show(moves, false);
                self.ask_if_needed(word.boot, Some(number));
            }
            Said::Asked => self.answer(word.boot),
            Said::Page(page) => {
                let moves = self.args.others.change(|peers| peers.page(word.boot, page));
                self.show(moves, false);
            }
            Said::Typing(Typing { from, to, conversation, active }) => {
                self.args.registry.send_ephemeral(to, v1::typing(conversation, from, active));
            }
        }
    }
}
