//! Typing notices: no more in a direction than the limiter `typing.pair` lets pass, and always the one that typing has
//! stopped.
//!
//! Look-ups are limited to [`LOOKUPS`] at a time. Beyond that, a notice that a user types is dropped, and one that a
//! user has stopped waits for its turn: as many wait as have credit.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::actors::registry::messages::RegistryHandle;
use crate::actors::session::credit::Credit;
use crate::actors::who::messages::WhoHandle;
use crate::domain::{DirectKey, Limiter, UserId};
use crate::limits::{LimiterKey, Limiters};
use crate::protocol::v1;
use crate::protocol::who::Typing;
use crate::storage::Storage;
use crate::telemetry::{Ephemeral, metrics};

/// Most look-ups at one time.
pub(super) const LOOKUPS: usize = 16;
/// Directions in which typing is remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// The users who type.
pub(super) struct Typists {
    storage: Arc<Storage>,
    registry: RegistryHandle,
    who: Option<WhoHandle>,
    lookups: Arc<Semaphore>,
    directions: LruCache<(UserId, DirectKey), Direction>,
}

/// One user typing to another.
#[derive(Default)]
struct Direction {
    /// The task that sends the last notice. The next one waits for it, so that they arrive in order.
    sending: Option<JoinHandle<()>>,
}

impl Typists {
    pub(super) fn new(storage: Arc<Storage>, registry: RegistryHandle, who: Option<WhoHandle>) -> Self {
        let lookups = Arc::new(Semaphore::new(LOOKUPS));
        Self { storage, registry, who, lookups, directions: LruCache::new(REMEMBERED) }
    }

    /// Announces that `from` types to `to`, unless there were too many notices lately; always that `from` has stopped.
    pub(super) fn report(&mut self, from: UserId, conversation: DirectKey, active: bool, credit: Credit) {
        let pair = LimiterKey::Pair(from, conversation.partner_of(from));
        let limited = |limiters: &Arc<Limiters>| limiters.take(Limiter::TypingPair, pair).is_err();
        if active && self.storage.limiters().is_some_and(limited) {
            return;
        }
        let direction = self.directions.get_or_insert_mut((from, conversation), Direction::default);
        let permit = self.lookups.clone().try_acquire_owned().ok();
        if active && permit.is_none() {
            metrics().messages.lost(Ephemeral::Typing);
            return;
        }
        let (lookups, before) = (self.lookups.clone(), direction.sending.take());
        let (storage, registry, who) = (self.storage.clone(), self.registry.clone(), self.who.clone());
        direction.sending = Some(tokio::spawn(async move {
            let _held = credit;
            let mut permit = permit;
            if let Some(before) = before.filter(|before| !before.is_finished()) {
                // The previous notice may itself wait for a permit.
                permit = None;
                let _ = before.await;
            }
            // The semaphore is never closed.
            let _permit = match permit {
                Some(permit) => Ok(permit),
                None => lookups.acquire_owned().await,
            };
            announce(&storage, (&registry, who.as_ref()), from, conversation.partner_of(from), active).await;
        }));
    }
}

/// Shows the notice to `to`, wherever that user is connected, when `to` has written to `from` before.
async fn announce(
    storage: &Storage,
    (registry, who): (&RegistryHandle, Option<&WhoHandle>),
    from: UserId,
    to: UserId,
    active: bool,
) {
    if from != to
        && let Ok(Some(relation)) = storage.relation(from, to).await
        && relation.has_received
    {
        registry.send_ephemeral(to, v1::typing(relation.conversation_id, from, active));
        if let Some(who) = who {
            who.typing(Typing { from, to, conversation: relation.conversation_id, active });
        }
    }
}
