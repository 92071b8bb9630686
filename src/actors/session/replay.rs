//! The task that reads missed events for one socket. It belongs to the socket and ends with it.
//!
//! One page is on its way at a time: the next one is read when the last frame of the one before is written. So a slow
//! client holds one page of memory, and is never closed for being slow while it reads.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use super::messages::{SessionHandle, SessionMsg};
use super::new_socket::Opening;
use super::stream::{Greeting, PageInHand, SeamLimit};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{DeviceId, Seq, SocketId, UserId, Viewer, WakeId};
use crate::protocol::franking::ReportTokens;
use crate::protocol::v1;
use crate::push::Who;
use crate::storage::{OpenedReplay, PageLimit, Replay, Storage, StorageError};
use crate::telemetry::metrics;

/// Longest time for which an admission is held while a page is read: a long search for this user's events must not keep
/// other sockets out.
const HOLD: Duration = Duration::from_millis(100);

/// Wait before a failed read is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The parts that all replays of a server share.
pub(in crate::actors) struct Replays {
    pub(in crate::actors) storage: Arc<Storage>,
    pub(in crate::actors) clock: Clock,
    limits: v1::Limits,
    page: PageLimit,
    pub(in crate::actors) seam: SeamLimit,
    pub(in crate::actors) tokens: Arc<ReportTokens>,
}

impl Replays {
    /// Makes replays for the sockets that `config` allows. A page and a seam together never fill the queue of a socket.
    #[must_use]
    pub(in crate::actors) fn new(
        config: &Config,
        storage: Arc<Storage>,
        clock: Clock,
        tokens: Arc<ReportTokens>,
    ) -> Self {
        let socket = &config.socket;
        let limits = v1::Limits {
            frame_bytes: socket.max_frame_bytes,
            ciphertext_bytes: socket.max_ciphertext_bytes,
            in_flight: socket.in_flight,
            heartbeat_s: socket.ping_s,
            media: config
                .media
                .enabled
                .then_some(v1::MediaLimits { bytes: config.media.max_bytes, per_message: config.media.per_message }),
        };
        let frames = (socket.queue_frames / 2).max(1);
        let page = PageLimit { events: socket.sync_page.min(frames), bytes: socket.queue_bytes / 4 };
        let seam = SeamLimit { events: frames, bytes: socket.queue_bytes / 4 };
        Self { storage, clock, limits, page, seam, tokens }
    }

    /// Greets a new socket and brings it up to date.
    pub(in crate::actors) fn open(
        self: &Arc<Self>,
        session: SessionHandle,
        viewer: Viewer,
        socket: SocketId,
        opening: Opening,
    ) -> AbortOnDropHandle<()> {
        let replays = self.clone();
        AbortOnDropHandle::new(tokio::spawn(async move {
            let Opening { device, since, wake, admission, .. } = opening;
            let mut reader = Reader { replays, session, socket, admission: Some(admission) };
            let opened = loop {
                let opened = reader.replays.storage.open_replay(viewer, since.as_ref()).await;
                if let Some(opened) = reader.retry_later(opened).await {
                    break opened;
                }
            };
            reader.replays.note_opening(viewer.user, &device, wake.as_ref(), &opened);
            let greeting = reader.replays.greeting(viewer, &device, &opened);
            reader.session.send(SessionMsg::Greet { socket, greeting });
            reader.read(opened.replay).await;
        }))
    }

    /// Brings a socket up to date that was live before.
    pub(in crate::actors) fn resume(
        self: &Arc<Self>,
        session: SessionHandle,
        viewer: Viewer,
        socket: SocketId,
        since: Seq,
    ) -> AbortOnDropHandle<()> {
        let reader = Reader { replays: self.clone(), session, socket, admission: None };
        AbortOnDropHandle::new(tokio::spawn(reader.read(Replay::new(viewer, since))))
    }

    /// Notes that a device is here: with the cursor it says what it has.
    fn note_opening(&self, user: UserId, device: &DeviceId, wake: Option<&WakeId>, opened: &OpenedReplay) {
        let devices = self.storage.devices();
        if opened.reset.is_none() {
            devices.acknowledge(user, Who::Device(device.clone()), opened.cursor.seq);
        }
        if let Some((provider, micros)) = devices.came(user, device, wake, self.clock.now()) {
            metrics().push.came(provider, Duration::from_micros(micros.unsigned_abs()));
        }
    }

    /// The first frames of a socket whose stream is `opened`.
    fn greeting(&self, viewer: Viewer, device: &DeviceId, opened: &OpenedReplay) -> Greeting {
        let cursor = &opened.cursor;
        let reset = opened.reset.map(|reason| v1::reset(reason, cursor));
        let hello = v1::hello(&v1::Hello {
            user: viewer.user,
            device,
            cursor,
            server_time: self.clock.now(),
            limits: self.limits,
        });
        let frames = [hello].into_iter().chain(reset).collect();
        Greeting { frames, epoch: cursor.epoch.clone(), since: cursor.seq, stamp: opened.stamp }
    }
}

/// Awaits `work`, and drops `held` when that takes longer than `limit`.
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

/// The reader of one socket.
struct Reader {
    replays: Arc<Replays>,
    session: SessionHandle,
    socket: SocketId,
    /// The admission, held until the first page.
    admission: Option<Box<dyn Any + Send>>,
}

impl Reader {
    /// Reads page after page, until the socket has caught up and drops this task.
    async fn read(mut self, mut replay: Replay) {
        let permits = Arc::new(Semaphore::new(1));
        // The semaphore is never closed.
        while let Ok(permit) = permits.clone().acquire_owned().await {
            let page = loop {
                let Replays { storage, page, clock, .. } = &*self.replays;
                let page = storage.next_page(&mut replay, *page, clock.now());
                let page = held_for(HOLD, &mut self.admission, page).await;
                if let Some(page) = self.retry_later(page).await {
                    break page;
                }
            };
            metrics().messages.replayed.increment(page.events.len() as u64);
            let page = PageInHand { page, permit, admission: self.admission.take() };
            self.session.send(SessionMsg::Page { socket: self.socket, page });
        }
    }

    /// Returns the value that was read. After a failed read waits [`RETRY`] and returns `None`: the caller tries again.
    async fn retry_later<T>(&mut self, read: Result<T, StorageError>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                let connection = self.socket.0;
                tracing::warn!(
                    connection.id = connection,
                    error = %error,
                    "cannot read what a socket has missed; trying again"
                );
                // Other sockets need not wait while the database is unreachable.
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
