//! The link to the other servers on the same store, by NATS: what is said there comes at once, or not at all.
//!
//! Nothing depends on it, and nothing waits for it. Its subjects and its seals are those of one history: under another
//! epoch it is opened anew. Bounds: 256 words that wait to be said, 1,024 that wait to be heard of each kind.

mod connect;
mod line;
mod seal;
mod word;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::config::Cluster;
use crate::domain::Epoch;
use crate::storage::Storage;
use crate::telemetry::{Dropped, metrics};
use connect::{QUEUE, Way};
use seal::SEAL;

pub(in crate::actors) use connect::LinkError;
pub(in crate::actors) use line::Ear;
pub(in crate::actors) use word::{Heard, Unreadable, Word, WordKind};

/// Most bytes of a word.
pub(in crate::actors) const MAX_WORD: usize = 256 * 1024 - SEAL;

/// The link. Clones share it; it ends with the last one.
#[derive(Clone)]
pub(in crate::actors) struct Link(Arc<Shared>);

struct Shared {
    way: Arc<Way>,
    open: Mutex<Open>,
}

/// The link in one history. Dropped, it says and hears nothing more.
struct Open {
    words: mpsc::Sender<Word>,
    is_up: Arc<AtomicBool>,
    running: JoinHandle<()>,
}

impl Open {
    /// Opens the link in a history. It connects by itself, now and whenever it was cut off.
    fn new(way: Arc<Way>, epoch: Epoch) -> Self {
        let (words, queue) = mpsc::channel(QUEUE);
        let is_up = Arc::new(AtomicBool::new(false));
        let running = tokio::spawn(way.run(epoch, queue, is_up.clone()));
        Self { words, is_up, running }
    }

    fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Relaxed)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Link {
    /// Opens the link in a history, when one is configured.
    pub(in crate::actors) async fn open(
        config: &Cluster,
        storage: Arc<Storage>,
        epoch: Epoch,
        ear: Ear,
    ) -> Result<Option<Self>, LinkError> {
        let Some(way) = Way::new(config, storage, ear).await?.map(Arc::new) else { return Ok(None) };
        let open = Mutex::new(Open::new(way.clone(), epoch));
        Ok(Some(Self(Arc::new(Shared { way, open }))))
    }

    /// Opens it in another history. Of the former one it says and hears nothing more.
    pub(in crate::actors) fn reopen(&self, epoch: Epoch) {
        *self.now() = Open::new(self.0.way.clone(), epoch);
    }

    /// Returns whether what is said is heard, as far as is known.
    pub(in crate::actors) fn is_up(&self) -> bool {
        self.now().is_up()
    }

    /// Says a word, without waiting. It is dropped when the link is down, when too many wait, and when it is too large.
    pub(in crate::actors) fn say(&self, word: Word) {
        let open = self.now();
        let is_sayable = open.is_up() && word.bytes.len() <= MAX_WORD;
        if !is_sayable || open.words.try_send(word).is_err() {
            metrics().cluster.dropped(Dropped::Queue);
        }
    }

    fn now(&self) -> MutexGuard<'_, Open> {
        // It is whole after any panic.
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
