//! The client of NATS: says what is queued, hears what others say, and finds out whether that works.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_nats::{Client, Event, RequestErrorKind, Subscriber};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{StreamExt as _, select_all};
use tokio::sync::{Semaphore, mpsc};

use super::seal::Seals;
use super::word::{Heard, LOG_EVERY, Word, WordKind};
use crate::domain::Epoch;
use crate::telemetry::{Dropped, Seldom, metrics};

/// Time between two questions to the server.
pub(super) const PROBE_EVERY: Duration = Duration::from_secs(2);
/// The link counts as down when nothing has come for so long.
const SILENCE: Duration = Duration::from_secs(4);
/// Most words that were heard and not dealt with; more wait in the client, which drops what is too much.
const HEARD: usize = 256;
/// Takes what comes from the link in a history.
pub(in crate::actors) type Ear = Arc<dyn Fn(&Epoch, Heard) + Send + Sync>;

/// One client, and what it shares among the things that it does at once.
pub(super) struct Line {
    pub(super) client: Client,
    pub(super) epoch: Epoch,
    /// The beginning of all subjects.
    pub(super) prefix: String,
    pub(super) boot: i64,
    /// Whether NATS is reached over TLS.
    pub(super) is_tls: bool,
    pub(super) seals: Seals,
    pub(super) ear: Ear,
    pub(super) is_up: Arc<AtomicBool>,
    /// When something came last.
    pub(super) pulse: Mutex<Instant>,
}

impl Line {
    /// Runs until the client or the queue ends.
    pub(super) async fn run(self, mut words: mpsc::Receiver<Word>, events: mpsc::UnboundedReceiver<Event>) {
        let mut streams = Vec::new();
        for kind in [WordKind::Log, WordKind::Who, WordKind::To(self.boot)] {
            match self.client.subscribe(subject(&self.prefix, kind)).await {
                Ok(stream) => streams.push((kind, stream)),
                Err(error) => return tracing::error!(error = %error, "cannot subscribe to NATS"),
            }
        }
        tokio::select! {
            () = self.speak(&mut words) => {}
            () = self.listen(streams) => {}
            () = self.watch(events) => {}
        }
    }

    async fn speak(&self, words: &mut mpsc::Receiver<Word>) {
        while let Some(Word { kind, bytes }) = words.recv().await {
            let Some(sealed) = self.seals.seal(kind, bytes) else { continue };
            let length = sealed.len() as u64;
            match self.client.publish(subject(&self.prefix, kind), Bytes::from(sealed)).await {
                Ok(()) => metrics().cluster.bytes_out.increment(length),
                Err(_) => metrics().cluster.dropped(Dropped::Queue),
            }
        }
    }

    async fn listen(&self, streams: Vec<(WordKind, Subscriber)>) {
        let places = Arc::new(Semaphore::new(HEARD));
        let forged = Seldom::new(LOG_EVERY);
        let mut all = select_all(streams.into_iter().map(|(kind, stream)| stream.map(move |message| (kind, message))));
        while let Some((kind, message)) = all.next().await {
            self.beat();
            metrics().cluster.bytes_in.increment(message.payload.len() as u64);
            let Some(bytes) = self.seals.open(kind, message.payload) else {
                metrics().cluster.dropped(Dropped::Mac);
                if forged.is_due() {
                    tracing::warn!(
                        subject = message.subject.as_str(),
                        "somebody who does not know this store's key speaks by NATS: it is not listened to"
                    );
                }
                continue;
            };
            // Fails only when it is closed, which it never is.
            let Ok(place) = places.clone().acquire_owned().await else { return };
            (self.ear)(&self.epoch, Heard::Word { kind, bytes, place });
        }
    }

    /// Follows the connection. The link is up when the server has answered a question that was asked behind the
    /// subscriptions, and down when the connection has ended or nothing has come for a while.
    async fn watch(&self, mut events: mpsc::UnboundedReceiver<Event>) {
        let trouble = Seldom::new(LOG_EVERY);
        let mut tick = tokio::time::interval(PROBE_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut is_connected, mut is_probing, mut was_up) = (false, false, false);
        let mut probe: BoxFuture<'_, bool> = Box::pin(std::future::pending());
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(Event::Connected) => {
                        (is_connected, is_probing) = (true, true);
                        probe = Box::pin(self.probe());
                    }
                    Some(Event::Disconnected) => {
                        (is_connected, is_probing) = (false, false);
                        probe = Box::pin(std::future::pending());
                        self.set_up(false);
                    }
                    Some(Event::SlowConsumer(_)) => {
                        metrics().cluster.dropped(Dropped::SlowConsumer);
                        (self.ear)(&self.epoch, Heard::Missed);
                    }
                    Some(event @ (Event::ServerError(_) | Event::ClientError(_))) => {
                        if trouble.is_due() {
                            self.warn(&event);
                        }
                    }
                    Some(Event::LameDuckMode | Event::Draining | Event::Closed) => {}
                    None => return,
                },
                answered = &mut probe => {
                    probe = Box::pin(std::future::pending());
                    is_probing = false;
                    if answered {
                        was_up = true;
                        self.beat();
                        self.set_up(true);
                    }
                }
                _ = tick.tick() => {
                    if self.silence() > SILENCE {
                        self.set_up(false);
                        // Nothing else tells of what takes connections and is of no use.
                        if !was_up && trouble.is_due() {
                            tracing::warn!("NATS does not answer; trying again");
                        }
                    }
                    if is_connected && !is_probing {
                        is_probing = true;
                        probe = Box::pin(self.probe());
                    }
                }
            }
        }
    }

    /// Warns of trouble. The client does not say why it cannot connect, so the line names what the reason may be.
    fn warn(&self, trouble: &Event) {
        if self.is_tls {
            tracing::warn!(
                error = %trouble,
                "trouble with NATS: is it there, and is its certificate one that cluster.nats_ca or the system trusts? \
                 Trying again"
            );
        } else {
            tracing::warn!(error = %trouble, "trouble with NATS; trying again");
        }
    }

    /// Asks the server what nobody answers. Returns whether it says so.
    async fn probe(&self) -> bool {
        match self.client.request(format!("{}.nobody", self.prefix), Bytes::new()).await {
            Ok(_) => true,
            Err(error) => error.kind() == RequestErrorKind::NoResponders,
        }
    }

    fn set_up(&self, is_up: bool) {
        if self.is_up.swap(is_up, Ordering::Relaxed) == is_up {
            return;
        }
        if is_up {
            tracing::info!("NATS answers: batches of other servers come at once");
            (self.ear)(&self.epoch, Heard::Up);
        } else {
            tracing::warn!("NATS does not answer: batches of other servers are looked for in the database");
            (self.ear)(&self.epoch, Heard::Down);
        }
    }

    fn beat(&self) {
        *self.pulse.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn silence(&self) -> Duration {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

/// Returns the subject of a kind of words.
fn subject(prefix: &str, kind: WordKind) -> String {
    match kind {
        WordKind::Log => format!("{prefix}.log"),
        WordKind::Who => format!("{prefix}.who"),
        WordKind::To(boot) => format!("{prefix}.to.{boot:016x}"),
    }
}
