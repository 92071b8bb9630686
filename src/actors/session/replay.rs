//! The task that reads for one socket what it has missed. It belongs to the socket and ends with it.
//!
//! One page is on its way at a time: the next one is read when the last frame of the one before is written. So a slow client
//! holds one page of memory, and is never closed for being slow while it reads.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use ractor::ActorRef;
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use super::SessionMsg;
use super::stream::{PageInHand, SeamLimit};
use crate::actors::mailbox::{Timed, cast};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Cursor, DeviceId, Epoch, ResetReason, Seq, SocketId, UserId};
use crate::protocol::{Frame, v1};
use crate::storage::{PageLimit, Replay, Storage, StorageError};
use crate::telemetry::metrics;

/// How long a place in the entrance is held for a page that is being looked for: a store without anything for this user
/// must not keep others out.
const HOLD: Duration = Duration::from_millis(100);

/// Wait before a page is read again that the database did not give.
const RETRY: Duration = Duration::from_secs(1);

/// What all replays of a server share.
pub(in crate::actors) struct Replays {
    storage: Arc<Storage>,
    clock: Clock,
    limits: v1::Limits,
    page: PageLimit,
    pub(in crate::actors) seam: SeamLimit,
}

/// What a client says about itself when it opens a `fluent.v1` socket.
#[derive(Debug)]
pub struct Opening {
    /// Its device.
    pub device: DeviceId,
    /// The cursor that it goes on from.
    pub since: Option<String>,
    /// Whether its user counts as online.
    pub is_background: bool,
    /// Its place among those that are opened.
    pub admission: Box<dyn Any + Send>,
}

/// The first frames of a socket.
#[derive(Debug)]
pub(in crate::actors) struct Greeting {
    pub(in crate::actors) frames: Vec<Frame>,
    pub(in crate::actors) epoch: Epoch,
    pub(in crate::actors) since: Seq,
}

impl Replays {
    /// For the sockets that `config` allows. A page and a seam together never fill the queue of a socket.
    #[must_use]
    pub(in crate::actors) fn new(config: &Config, storage: Arc<Storage>, clock: Clock) -> Self {
        let socket = &config.socket;
        let limits = v1::Limits {
            frame_bytes: socket.max_frame_bytes,
            ciphertext_bytes: socket.max_ciphertext_bytes,
            in_flight: socket.in_flight,
            heartbeat_s: socket.ping_s,
        };
        let frames = (socket.queue_frames / 2).max(1);
        let page = PageLimit { events: socket.sync_page.min(frames), bytes: socket.queue_bytes / 4 };
        let seam = SeamLimit { events: frames, bytes: socket.queue_bytes / 4 };
        Self { storage, clock, limits, page, seam }
    }

    /// Greets a new socket and brings it up to date.
    pub(in crate::actors) fn open(
        self: &Arc<Self>,
        session: ActorRef<Timed<SessionMsg>>,
        user: UserId,
        socket: SocketId,
        opening: Opening,
    ) -> AbortOnDropHandle<()> {
        let replays = self.clone();
        AbortOnDropHandle::new(tokio::spawn(async move {
            let Opening { device, since, admission, .. } = opening;
            let mut reader = Reader { replays, session, user, socket, admission: Some(admission) };
            let greeting = loop {
                let greeting = reader.replays.greeting(user, &device, since.as_deref()).await;
                if let Some(greeting) = reader.retry_later(greeting).await {
                    break greeting;
                }
            };
            let since = greeting.since;
            cast(&reader.session, SessionMsg::Greet { socket, greeting });
            reader.read(since).await;
        }))
    }

    /// Brings a socket up to date that was live.
    pub(in crate::actors) fn resume(
        self: &Arc<Self>,
        session: ActorRef<Timed<SessionMsg>>,
        user: UserId,
        socket: SocketId,
        since: Seq,
    ) -> AbortOnDropHandle<()> {
        let reader = Reader { replays: self.clone(), session, user, socket, admission: None };
        AbortOnDropHandle::new(tokio::spawn(reader.read(since)))
    }

    async fn greeting(&self, user: UserId, device: &DeviceId, since: Option<&str>) -> Result<Greeting, StorageError> {
        let position = self.storage.position().await?;
        let newest = position.newest();
        let honoured: Result<Cursor, ResetReason> = match since {
            Some(since) => position.honours(since),
            None => Ok(newest.clone()),
        };
        let (cursor, reset) = match honoured {
            Ok(cursor) => (cursor, None),
            Err(reason) => (newest.clone(), Some(v1::reset(reason, &newest))),
        };
        let hello =
            v1::hello(&v1::Hello { user, device, cursor: &cursor, server_time: self.clock.now(), limits: self.limits });
        Ok(Greeting { frames: [hello].into_iter().chain(reset).collect(), epoch: position.epoch, since: cursor.seq })
    }
}

/// Does the work, and lets go of what is held when it takes longer than this.
async fn held_for<H, T>(limit: Duration, held: &mut Option<H>, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    if held.is_some() {
        if let Ok(done) = tokio::time::timeout(limit, &mut work).await {
            return done;
        }
        *held = None;
    }
    work.await
}

/// Reads for one socket.
struct Reader {
    replays: Arc<Replays>,
    session: ActorRef<Timed<SessionMsg>>,
    user: UserId,
    socket: SocketId,
    /// Held up to the first page.
    admission: Option<Box<dyn Any + Send>>,
}

impl Reader {
    /// Page after page, until nobody wants one any more.
    async fn read(mut self, since: Seq) {
        let permits = Arc::new(Semaphore::new(1));
        let mut replay = Replay::new(self.user, since);
        // Nobody closes the semaphore.
        while let Ok(permit) = permits.clone().acquire_owned().await {
            let page = loop {
                let Replays { storage, page, clock, .. } = &*self.replays;
                let page = storage.next_page(&mut replay, *page, clock.now());
                let page = held_for(HOLD, &mut self.admission, page).await;
                if let Some(page) = self.retry_later(page).await {
                    break page;
                }
            };
            metrics().replayed.increment(page.events.len() as u64);
            let page = PageInHand { page, permit, admission: self.admission.take() };
            cast(&self.session, SessionMsg::Page { socket: self.socket, page });
        }
    }

    /// What was read; or nothing, after a while: the database may be away, and is asked until it is back.
    async fn retry_later<T>(&mut self, read: Result<T, StorageError>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::warn!(error = %error, "cannot read what a socket has missed; trying again");
                // Nobody else has to wait for a database that is away.
                self.admission = None;
                tokio::time::sleep(RETRY).await;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_place_is_given_back_when_nothing_is_found_in_time() {
        let place = Arc::new(());
        let mut held = Some(place.clone());
        held_for(HOLD, &mut held, tokio::time::sleep(HOLD / 2)).await;
        assert!(held.is_some(), "found in time");
        {
            let looking = held_for(HOLD, &mut held, tokio::time::sleep(HOLD * 10));
            tokio::pin!(looking);
            assert!(tokio::time::timeout(HOLD * 2, &mut looking).await.is_err(), "it goes on looking");
            assert_eq!(Arc::strong_count(&place), 1, "but holds no place");
            looking.await;
        }
        assert!(held.is_none());
    }
}
