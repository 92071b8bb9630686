//! Who is where: what this server tells the others of itself by NATS, and what it knows of them.
//!
//! Supervised by the root; runs only with NATS. All that it says may be lost: the next word of its kind puts it right.
//! When it fails, its successor begins anew. Bounds: what is heard, by the places of the link.

pub(super) mod messages;
pub(super) mod peers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::health::Health;
use super::mailbox::{Mailbox, Timed};
use super::relay::link::{Link, Word as LinkWord, WordKind};
use super::stats::ActorCounters;
use crate::clock::Clock;
use crate::protocol::record::LEVEL;
use crate::protocol::who::{Here, Said, Word, decode, encode};
use crate::storage::Storage;
use crate::telemetry::{Dropped, Seldom, metrics};
use messages::{Beat, Others, WhoMsg};
use peers::Place;

/// Time between two looks for who has gone.
const TICK: Duration = Duration::from_millis(500);
/// Least time between two words of this server that it is there.
const LEAST_PAUSE: Duration = Duration::from_millis(100);
/// The row of this server is renewed every two seconds, while the database takes it.
const WRITES_WITHIN: Duration = Duration::from_secs(5);
/// Time between two lines about words that cannot be read.
const LOG_EVERY: Duration = Duration::from_mins(1);

pub(super) struct WhoActor(pub(super) Arc<ActorCounters>);

#[derive(Clone)]
pub(super) struct WhoArgs {
    pub(super) storage: Arc<Storage>,
    pub(super) clock: Clock,
    pub(super) health: Arc<Health>,
    pub(super) link: Link,
    pub(super) others: Others,
    /// The name of this server, for people.
    pub(super) label: String,
}

pub(super) struct WhoState {
    args: WhoArgs,
    /// The number of its last word. It begins at the time, so that a successor goes on above it.
    n: u64,
    /// What it was told last of its own server.
    beat: Option<Beat>,
    /// When it has said last that it is there.
    beaten: Option<Instant>,
    /// Whether it has not said that it is there since it can hear the others.
    is_new: bool,
    /// When the database was last found to take what this server writes.
    written: Instant,
    unreadable: Seldom,
}

impl Actor for WhoActor {
    type Msg = Timed<WhoMsg>;
    type State = WhoState;
    type Arguments = WhoArgs;

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, args: WhoArgs) -> Result<WhoState, ActorProcessingErr> {
        Mailbox::new(myself, self.0.clone()).cast_every(TICK, || WhoMsg::Tick);
        let n = u64::try_from(args.clock.now().as_micros()).unwrap_or(0);
        let (written, unreadable) = (Instant::now(), Seldom::new(LOG_EVERY));
        Ok(WhoState { args, n, beat: None, beaten: None, is_new: true, written, unreadable })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut WhoState,
    ) -> Result<(), ActorProcessingErr> {
        let (message, _busy) = message.open(&self.0);
        match message {
            WhoMsg::Heard { place, bytes, permit: _until_here } => state.hear(place, &bytes),
            WhoMsg::Up => {
                state.is_new = true;
                state.tick();
                state.say_here();
            }
            WhoMsg::Beat(beat) => {
                state.beat = Some(beat);
                state.say_here();
            }
            WhoMsg::Rows(rows) => {
                state.written = Instant::now();
                let age = |ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
                let ages = rows.into_iter().map(|(boot, ms)| (boot, age(ms))).collect();
                state.args.others.change(|peers| peers.read_rows(ages, Instant::now()));
            }
            WhoMsg::Tick => state.tick(),
            #[cfg(feature = "testing")]
            WhoMsg::Crash => super::mailbox::crash(),
        }
        Ok(())
    }
}

impl WhoState {
    fn tick(&mut self) {
        let (now, hears) = (Instant::now(), self.args.link.is_up());
        let gone = self.args.others.change(|peers| {
            peers.listen(hears, now);
            peers.gone(now)
        });
        for boot in gone {
            tracing::info!(boot = %format_args!("{boot:016x}"), "another server has gone");
        }
    }

    fn hear(&mut self, place: Place, bytes: &Bytes) {
        let word = match decode(bytes) {
            Ok(Some(word)) => word,
            Ok(None) => return,
            Err(error) => {
                metrics().cluster.dropped(Dropped::Malformed);
                if self.unreadable.is_due() {
                    tracing::warn!(error = %error, "another server says by NATS what cannot be read: is it newer?");
                }
                return;
            }
        };
        let (now, time) = (Instant::now(), self.args.clock.now());
        if !self.args.others.change(|peers| peers.admit(place, &word, now, time)) {
            return metrics().cluster.dropped(Dropped::Stale);
        }
        match word.said {
            Said::Here(here) => {
                let is_new = here.is_new;
                self.args.others.change(|peers| peers.describe(word.boot, here));
                if is_new && self.beaten.is_none_or(|beaten| beaten.elapsed() >= LEAST_PAUSE) {
                    self.say_here();
                }
            }
            Said::Changed(_) | Said::Asked | Said::Page(_) | Said::Typing(_) => {}
        }
    }

    /// Says that this server is there.
    fn say_here(&mut self) {
        let Some(Beat { sockets, leaving_in }) = self.beat.filter(|_| self.args.link.is_up()) else { return };
        let WhoArgs { storage, clock, health, label, .. } = &self.args;
        let writes = health.storage_works() && storage.requests_can_write();
        let leaving_in = leaving_in.map(|wait| i64::try_from(wait.as_secs()).unwrap_or(i64::MAX));
        let here = Here {
            label: label.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            level: LEVEL,
            told: health.told().0,
            sockets: sockets as u64,
            store_ok: writes && self.written.elapsed() < WRITES_WITHIN,
            leaving_until: leaving_in.map(|wait| clock.now().plus_secs(wait)),
            hold_p99_us: storage.hold_p99().and_then(|held| u64::try_from(held.as_micros()).ok()),
            changes: 0,
            is_new: std::mem::take(&mut self.is_new),
        };
        self.beaten = Some(Instant::now());
        self.say(WordKind::Who, Said::Here(here));
    }

    fn say(&mut self, kind: WordKind, said: Said) {
        self.n += 1;
        let (boot, at) = (self.args.storage.boot(), self.args.clock.now());
        let bytes = encode(&Word { boot, n: self.n, at, said });
        self.args.link.say(LinkWord { kind, bytes });
    }
}
