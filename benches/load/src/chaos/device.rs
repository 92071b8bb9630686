//! A phone that speaks fluent.v1 as it should: it keeps its cursor and what it has not got rid of, and returns with
//! both.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context as _, Result};
use fluent_client::{ClientFrame, Cursor};
use tokio::sync::watch;
use tokio::time::{sleep, sleep_until, timeout};

use super::again::{Later, Post};
use super::crowd::Habits;
use super::shared::{Order, Phase, Shared};
use super::timeline::Arrival;
use crate::client;
use crate::clock;
use crate::marked_frame::Dialect;
use crate::outbox::Outbox;
use crate::phone::{Phone, frame_of};
use crate::random::Random;
use crate::socket::{Socket, text_frame};

/// Longest time for a handshake.
const OPEN: Duration = Duration::from_secs(10);
/// Longest wait before the next attempt.
const BACKOFF_MS: u64 = 600;
/// Of a thousand devices that are cut, so many lose the newest of what they have kept …
const FORGETFUL: u64 = 200;
/// … and at most so much of it.
const FORGOTTEN: u64 = 200;

/// Nanoseconds until it looks whether there is something to send …
const LOOK_LATE: u64 = 100_000_000;
/// … and at least so many, when something is due.
const LOOK_SOON: u64 = 2_000_000;

/// A message as the device has kept it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) seq: u64,
    pub(super) pair: u64,
    pub(super) number: u64,
}

/// A device of a user.
pub(super) struct Device {
    pub(super) shared: Arc<Shared>,
    /// Of the user, counted from 0.
    pub(super) user: u32,
    pub(super) name: &'static str,
    pub(super) token: String,
    pub(super) outboxes: Vec<Outbox>,
    /// What decides where a socket resumes, and what is sent when.
    pub(super) phone: Phone,
    /// The newest event on this socket.
    pub(super) newest: u64,
    /// Since when this socket is open, and has caught up.
    pub(super) arrival: Arrival,
    /// All messages of the user, in the order in which they came.
    pub(super) log: Vec<Kept>,
    pub(super) random: Random,
    pub(super) orders: watch::Receiver<Order>,
    /// Of a thousand messages so many are sent once more.
    pub(super) permille_again: u64,
    /// Between two messages, on average.
    pub(super) pause: Duration,
    /// When the next one is written.
    pub(super) writes: u64,
    pub(super) own: Later,
    pub(super) sibling: Later,
    /// To be sent once more after the next return.
    pub(super) on_return: Vec<Vec<u8>>,
    pub(super) post: Arc<Post>,
    /// When the server is told again what is kept.
    pub(super) tell: u64,
    done: Option<Phase>,
}

/// Who a device is.
pub(super) struct Identity {
    pub(super) user: u32,
    /// The user's id on the server.
    pub(super) id: i32,
    pub(super) name: &'static str,
    pub(super) token: String,
    pub(super) outboxes: Vec<Outbox>,
    /// What its sibling has it send, and what it has its sibling send.
    pub(super) later: [Later; 2],
}

impl Device {
    pub(super) fn new(
        shared: &Arc<Shared>,
        who: Identity,
        random: Random,
        orders: watch::Receiver<Order>,
        habits: &Habits,
        post: &Arc<Post>,
    ) -> Self {
        let Identity { user, id, name, token, outboxes, later: [own, sibling] } = who;
        Self {
            shared: shared.clone(),
            user,
            name,
            token,
            outboxes,
            phone: Phone::new(id.into(), Vec::new()),
            newest: 0,
            arrival: Arrival::default(),
            log: Vec::new(),
            random,
            orders,
            permille_again: habits.again,
            pause: habits.pause,
            writes: 0,
            own,
            sibling,
            on_return: Vec::new(),
            post: post.clone(),
            tell: 0,
            done: None,
        }
    }

    /// Comes and goes until the end.
    pub(super) async fn live(mut self) -> Self {
        let mut phase = self.shared.phase.clone();
        while *phase.borrow_and_update() != Phase::End {
            if let Err(error) = self.come(&mut phase).await {
                self.shared.note_end(&error);
            }
            sleep(Duration::from_millis(self.random.below(BACKOFF_MS))).await;
        }
        self
    }

    /// One connection, until it ends or is to be made anew.
    async fn come(&mut self, phase: &mut watch::Receiver<Phase>) -> Result<()> {
        let addr = self.shared.server().await?;
        self.orders.mark_unchanged();
        let begun = *phase.borrow_and_update();
        let since = self.phone.connect()?;
        self.newest = since.as_ref().map_or(0, Cursor::seq);
        let is_new = since.is_none();
        let since = since.map(|cursor| format!("&since={cursor}")).unwrap_or_default();
        let query = format!("device_id={}{since}", self.name);
        let opening = client::open(addr, &self.token, Dialect::V1, &query);
        let opened = timeout(OPEN, opening).await.context("no handshake in time").and_then(|socket| socket);
        let socket = opened.inspect_err(|error| {
            self.phone.refused();
            self.shared.note_unopened(error);
        })?;
        self.shared.opened.fetch_add(1, Relaxed);
        // Some do not wait for what they have missed.
        let is_eager = !is_new && self.random.chance(500);
        self.arrival = Arrival { open_since: clock::now(), live_since: None };
        self.shared.timeline.iter().for_each(|timeline| timeline.is_open(1));
        let ended = self.stay(socket, phase, begun, is_eager).await;
        if let Some(timeline) = &self.shared.timeline {
            timeline.is_open(-1);
            timeline.is_live(-i64::from(self.arrival.live_since.is_some()));
        }
        match ended {
            Ok(Some(newest)) => self.phone.forget(newest),
            _ => self.phone.closed(),
        }
        ended.map(|_| ())
    }

    /// Talks on a socket until it ends or is to be made anew. Returns the newest event that is kept when others are
    /// forgotten.
    async fn stay(
        &mut self,
        mut socket: Socket,
        phase: &mut watch::Receiver<Phase>,
        begun: Phase,
        is_eager: bool,
    ) -> Result<Option<u64>> {
        // What came together with the answer to the handshake is there already.
        let mut is_live = self.take(&mut socket)?;
        if is_eager {
            self.phone.waiting().for_each(|draft| socket.queue(&frame_of(&ClientFrame::Send(draft.clone()))));
        }
        for frame in std::mem::take(&mut self.on_return) {
            socket.queue(&frame);
        }
        loop {
            let now = *phase.borrow_and_update();
            if now == Phase::End || (now == Phase::Return && begun != now) {
                return Ok(None);
            }
            if is_live || is_eager {
                self.send(&mut socket, now, is_live);
            }
            if is_live && now != Phase::Storm && self.done != Some(now) && self.is_rid() {
                self.done = Some(now);
                self.shared.note_ready();
            }
            tokio::select! {
                turned = socket.transfer() => {
                    turned?;
                    is_live |= self.take(&mut socket)?;
                }
                () = sleep_until(clock::instant(self.next_look(now, is_live))) => {}
                Ok(()) = self.orders.changed() => {
                    let order = *self.orders.borrow_and_update();
                    match order {
                        Order::Cut => return Ok(self.cut(socket).await),
                        Order::Stall(time) => sleep(time).await,
                        Order::Go => {}
                    }
                }
                _ = phase.changed() => {}
            }
        }
    }

    /// Notes that the socket has caught up.
    pub(super) fn note_live(&mut self) {
        let is_first = self.arrival.live_since.replace(clock::now()).is_none();
        self.shared.timeline.iter().for_each(|timeline| timeline.is_live(is_first.into()));
    }

    /// When it looks again whether there is something to send, even if nothing comes.
    fn next_look(&self, phase: Phase, is_live: bool) -> u64 {
        let (soon, late) = (clock::now() + LOOK_SOON, clock::now() + LOOK_LATE);
        if !is_live || self.pause.is_zero() || self.permille_again > 0 {
            return late;
        }
        // Thousands of phones that look more often than they must take the server's cores away.
        let writes = if phase == Phase::Storm { self.writes } else { u64::MAX };
        writes.min(self.tell).min(self.phone.resumes().unwrap_or(u64::MAX)).max(soon)
    }

    /// Nothing waits for an answer.
    fn is_rid(&self) -> bool {
        self.outboxes.iter().all(|outbox| outbox.waiting() == 0)
    }

    /// Goes without a word, in the middle of a frame, perhaps; and may not have kept the newest of what has come.
    async fn cut(&mut self, mut socket: Socket) -> Option<u64> {
        if self.random.chance(500) {
            let (frame, _) = text_frame(br#"{"type":"ping","ref":"cut off in the middle"}"#);
            let part = self.random.index(frame.len());
            socket.queue(frame.get(..part).unwrap_or_default());
            let _ = timeout(Duration::from_millis(1), socket.transfer()).await;
        }
        drop(socket);
        if !self.random.chance(FORGETFUL) {
            return None;
        }
        let kept = self.log.len().saturating_sub(usize::try_from(self.random.below(FORGOTTEN)).unwrap_or(0));
        self.log.truncate(kept);
        Some(self.log.last().map_or(0, |kept| kept.seq))
    }
}
