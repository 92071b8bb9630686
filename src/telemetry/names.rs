//! The names of all metrics, and what each one is.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(super) const SOCKETS: &str = "fluent_sockets";
pub(super) const SESSIONS: &str = "fluent_sessions";
pub(super) const MESSAGES_STORED: &str = "fluent_messages_stored_total";
pub(super) const MESSAGES_DELIVERED: &str = "fluent_messages_delivered_total";
pub(super) const COMMIT_SECONDS: &str = "fluent_commit_seconds";
pub(super) const BATCH_ROWS: &str = "fluent_batch_rows";
pub(super) const IN_FLIGHT: &str = "fluent_messages_in_flight";
pub(super) const PASSWORD_SECONDS: &str = "fluent_password_seconds";
pub(super) const MAILBOX_WAIT_SECONDS: &str = "fluent_mailbox_wait_seconds";
pub(super) const ACTOR_RESTARTS: &str = "fluent_actor_restarts_total";
pub(super) const HTTP_REQUESTS: &str = "fluent_http_requests_total";
pub(super) const HTTP_SECONDS: &str = "fluent_http_seconds";
pub(super) const SOCKETS_CLOSED: &str = "fluent_sockets_closed_total";
pub(super) const FRAME_ERRORS: &str = "fluent_frame_errors_total";

/// The kinds of actor, as the label `actor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// Supervises all others.
    Root,
    /// Routes between sessions.
    Registry,
    /// One connected user.
    Session,
    /// Writes messages.
    Persistence,
}

impl ActorKind {
    /// All kinds, in the order of their discriminants.
    pub const ALL: [Self; 4] = [Self::Root, Self::Registry, Self::Session, Self::Persistence];

    /// The label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Registry => "registry",
            Self::Session => "session",
            Self::Persistence => "persistence",
        }
    }
}

pub(super) fn describe() {
    describe_gauge!(SOCKETS, Unit::Count, "Open sockets");
    describe_gauge!(SESSIONS, Unit::Count, "Session actors: users with at least one socket");
    describe_counter!(MESSAGES_STORED, Unit::Count, "Messages committed");
    describe_counter!(MESSAGES_DELIVERED, Unit::Count, "Message frames handed to a socket's queue");
    describe_histogram!(COMMIT_SECONDS, Unit::Seconds, "Time of a batch's transaction");
    describe_histogram!(BATCH_ROWS, Unit::Count, "Messages in a batch");
    describe_gauge!(IN_FLIGHT, Unit::Count, "Messages that wait for their commit");
    describe_histogram!(PASSWORD_SECONDS, Unit::Seconds, "Time of a password hash with its wait");
    describe_histogram!(MAILBOX_WAIT_SECONDS, Unit::Seconds, "Time a message lay in an actor's mailbox");
    describe_counter!(ACTOR_RESTARTS, Unit::Count, "Actors that failed and were replaced");
    describe_counter!(HTTP_REQUESTS, Unit::Count, "Requests by route and status");
    describe_histogram!(HTTP_SECONDS, Unit::Seconds, "Time from request head to answer head");
    describe_counter!(SOCKETS_CLOSED, Unit::Count, "Sockets closed, by close code");
    describe_counter!(FRAME_ERRORS, Unit::Count, "Error frames sent, by code");
}
