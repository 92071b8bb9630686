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
}
