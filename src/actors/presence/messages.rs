//! The messages of the presence actor, and the handle through which others send them.

use crate::actors::mailbox::Slot;
use crate::actors::session::credit::Credit;
use crate::actors::session::messages::SessionHandle;
use crate::domain::{DirectKey, SocketId, UserId};

pub(in crate::actors) enum PresenceMsg {
    /// A user has a first socket, or no socket any more.
    Seen {
        user: UserId,
        is_online: bool,
    },
    /// The grace period is over, unless the user came back meanwhile.
    GraceOver {
        user: UserId,
        departure: u64,
    },
    /// Users have come to other servers, or have left them; of those who are
    /// `forgotten`, nobody knows when they have left.
    Elsewhere {
        arrived: Vec<UserId>,
        left: Vec<UserId>,
        forgotten: bool,
    },
    /// The grace period of users who have left other servers is over.
    ElsewhereGraceOver {
        users: Vec<UserId>,
        departure: u64,
    },
    /// The registry was replaced: no user is connected any more.
    RegistryReplaced,
    Watch {
        user: UserId,
        socket: SocketId,
        session: SessionHandle,
        users: Vec<UserId>,
        credit: Option<Credit>,
    },
    Unwatch(SocketId),
    /// One of the two has written to the other, which may have made them partners.
    Met {
        user: UserId,
        other: UserId,
    },
    /// The visibility between two users, or between one and all others, may have changed.
    Reconsider {
        user: UserId,
        other: Option<UserId>,
    },
    /// The visibility between any two users may have changed.
    ReconsiderAll,
    /// The result of a look-up that began in this round.
    LookedUp {
        socket: SocketId,
        of: UserId,
        is_visible: bool,
        round: u64,
    },
    /// The look-up for a watcher is over, and another may begin.
    LookUpDone(Option<UserId>),
    Typing {
        from: UserId,
        conversation: DirectKey,
        active: bool,
        credit: Credit,
    },
}

/// The handle of the presence actor and of its successors.
#[derive(Clone)]
pub struct PresenceHandle(pub(in crate::actors) Slot<PresenceMsg>);

impl PresenceHandle {
    /// Looks up again whether two users, or one and all others, may see each other.
    pub(in crate::actors) fn reconsider(&self, user: UserId, other: Option<UserId>) {
        self.0.cast(PresenceMsg::Reconsider { user, other });
    }

    /// Looks up again who may see whom, as after changes that were missed.
    pub(in crate::actors) fn reconsider_all(&self) {
        self.0.cast(PresenceMsg::ReconsiderAll);
    }

    /// Reports that one of the two has written to the other.
    pub(in crate::actors) fn met(&self, user: UserId, other: UserId) {
        self.0.cast(PresenceMsg::Met { user, other });
    }

    /// Reports that a user has a first socket, or no socket any more.
    pub(in crate::actors) fn seen(&self, user: UserId, is_online: bool) {
        self.0.cast(PresenceMsg::Seen { user, is_online });
    }

    /// Reports that users have come to other servers or left them. Those who are `forgotten` are offline at once.
    pub(in crate::actors) fn elsewhere(&self, arrived: Vec<UserId>, left: Vec<UserId>, forgotten: bool) {
        if !arrived.is_empty() || !left.is_empty() {
            self.0.cast(PresenceMsg::Elsewhere { arrived, left, forgotten });
        }
    }

    /// Reports that all sessions have ended with their registry.
    pub(in crate::actors) fn registry_replaced(&self) {
        self.0.cast(PresenceMsg::RegistryReplaced);
    }

    /// Replaces the list of users whose presence a socket is shown. The credit is given back after the look-up.
    pub(in crate::actors) fn watch(
        &self,
        user: UserId,
        socket: SocketId,
        session: SessionHandle,
        users: Vec<UserId>,
        credit: Option<Credit>,
    ) {
        self.0.cast(PresenceMsg::Watch { user, socket, session, users, credit });
    }

    pub(in crate::actors) fn unwatch(&self, socket: SocketId) {
        self.0.cast(PresenceMsg::Unwatch(socket));
    }

    /// Reports that `from` has begun to write in a conversation, or has stopped.
    pub(in crate::actors) fn typing(&self, from: UserId, conversation: DirectKey, active: bool, credit: Credit) {
        self.0.cast(PresenceMsg::Typing { from, conversation, active, credit });
    }
}
