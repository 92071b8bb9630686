//! The kinds of actor.

/// The kinds of actor, as the label `actor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// The root: supervises all others.
    Root,
    /// The registry: knows the sessions, and routes to them.
    Registry,
    /// The session of one connected user.
    Session,
    /// The writer: stores commands in batches.
    Persistence,
    /// Presence: who is online and who is typing.
    Presence,
    /// The janitor: deletes what has expired.
    Janitor,
    /// The relay: brings the batches of all servers into one order.
    Relay,
    /// Who is where: what this server knows of the others and of their sockets.
    Who,
    /// Push: wakes devices whose apps sleep.
    Push,
}

impl ActorKind {
    /// All kinds, in the order of their discriminants.
    pub const ALL: [Self; 9] = [
        Self::Root,
        Self::Registry,
        Self::Session,
        Self::Persistence,
        Self::Presence,
        Self::Janitor,
        Self::Relay,
        Self::Who,
        Self::Push,
    ];

    /// Returns the label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Registry => "registry",
            Self::Session => "session",
            Self::Persistence => "persistence",
            Self::Presence => "presence",
            Self::Janitor => "janitor",
            Self::Relay => "relay",
            Self::Who => "who",
            Self::Push => "push",
        }
    }

    /// Returns what its mailbox holds at most, in words.
    #[must_use]
    pub const fn mailbox_bound(self) -> &'static str {
        match self {
            Self::Root => "one message a failed actor",
            Self::Registry => "what was committed for connected users, and one message a handshake",
            Self::Session => "the credit of its sockets, a page for each that catches up, and what was committed",
            Self::Persistence => "the credit of all sockets, the commands of admitted requests, a round of the janitor",
            Self::Presence => "the credit of all sockets, and one message for each that opens or closes",
            Self::Janitor | Self::Push => "one tick",
            Self::Relay => "the batches of this server in flight, and a window of those of others",
            Self::Who => "one message for each socket that opens or closes, and a window of what others say",
        }
    }
}
