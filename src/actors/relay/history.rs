//! Another history of the store under a running server: after a restore, or a failover that has lost commits.
//!
//! All sockets are closed with 1012, and devices come back with cursors that the new history does not honour: they are
//! sent `reset`. Nothing of the former history is announced any more.

use super::sequencer::Sequencer;
use super::{ENDED_BEFORE_S, RelayMsg, RelayState, Resync};
use crate::actors::registry::messages::Delivery;
use crate::domain::Seq;
use crate::storage::{KnownHistory, Storage, StorageError};

impl RelayState {
    /// Leaves the history that this server knows: finds out which one the store has now.
    pub(super) fn leave_history(&mut self) {
        if std::mem::replace(&mut self.is_leaving, true) {
            return;
        }
        self.args.health.set_history_changes(true);
        let (storage, mailbox) = (self.args.storage.clone(), self.mailbox.clone());
        tokio::spawn(async move {
            mailbox.cast(RelayMsg::Anew(present(&storage).await));
        });
    }

    /// Goes on in another history.
    pub(super) fn begin_anew(&mut self, history: Option<KnownHistory>) {
        self.is_leaving = false;
        let Some(history) = history.filter(|history| Some(&history.epoch) != self.epoch.as_ref()) else { return };
        tracing::warn!(
            told = self.sequencer.told().0,
            head = history.head.0,
            epoch = history.epoch.as_str(),
            "the store has a new epoch: all sockets are closed, and devices load their history anew"
        );
        self.epoch = Some(history.epoch.clone());
        self.sequencer = Sequencer::new(history.head);
        self.gap = None;
        if let Some(link) = &self.args.link {
            link.reopen(history.epoch.clone());
        }
        self.note_link();
        (self.is_behind, self.lost) = (false, Seq(0));
        // From here on the writer may store under the new epoch, and what it stores comes behind this.
        self.args.storage.adopt_history(history);
        self.args.listeners.registry.deliver(vec![Delivery::Resync(Resync::NewHistory)]);
        self.args.listeners.presence.reconsider_all();
        // Logins may have ended in it that this server has not heard of.
        self.endings_from.get_or_insert(self.complete_at.plus_secs(-ENDED_BEFORE_S));
        self.look();
    }
}

/// Returns the history that the store has now. When it still has the name of the one that this server knows, it lacks
/// something of that one, and is given a new name first.
async fn present(storage: &Storage) -> Result<Option<KnownHistory>, StorageError> {
    let (known, present) = (storage.known_history(), storage.present_history().await?);
    let is_named_alike = known.zip(present.as_ref()).is_some_and(|(known, present)| known.epoch == present.epoch);
    if !is_named_alike {
        return Ok(present);
    }
    if storage.leave_history().await? {
        tracing::error!(
            "the database lacks messages that were confirmed, as after a failover to a standby that did not have them \
             yet: the history goes on under a new epoch"
        );
    }
    storage.present_history().await
}
