//! A client of `fluent.v1` without its surroundings: what happens goes in as an [`Event`], what is to be done comes out as
//! [`Action`]s. No clock, no network, no disk, no cryptography: to be read as a model for other languages.
//!
//! Three promises shape it:
//! - A message is on disk, encrypted, before it is sent first; resends carry the same bytes (`outbox`).
//! - A cursor is saved only when everything up to it is kept on this device (`cursor`), and `delivered` follows the cursor.
//! - Nothing is shown twice: events are known by their `seq`, messages by their id.
//!
//! `machine` puts it together; `connection` knows when to reconnect, `reads` what the partner is to be told of, `marks` what
//! the receipts mean, `frame` the JSON.

mod backoff;
mod connection;
mod cursor;
mod frame;
mod machine;
mod marks;
mod outbox;
mod reads;

use std::time::Duration;

pub(crate) use backoff::{Backoff, Pause};
pub(crate) use connection::{Refreshed, Refusal, Stop};
pub(crate) use cursor::Cursor;
pub(crate) use frame::{ClientFrame, Deleted, Draft, ErrorFrame, Message, Receipt, ReceiptKind, ServerFrame, Whom};
pub(crate) use machine::Client;
pub(crate) use marks::{Mark, Marks};
pub(crate) use outbox::Outbox;

/// Something that has happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// The program has started.
    Start,
    /// [`Action::Connect`] has not led to a socket. (When it has, `hello` is the first that is heard of it.)
    Refused(Refusal),
    /// A text frame.
    Received(String),
    /// The socket has ended: by the server with a code, or without any; and how long it held.
    Closed { code: Option<u16>, reason: String, held: Duration },
    /// The time of [`Action::Pause`] is over.
    Waited,
    /// How [`Action::Refresh`] has ended.
    Refreshed(Refreshed),
    /// History is loaded, for the [`Action::StartOver`] of this number.
    Reloaded(u32),
    /// It could not be loaded now.
    NotReloaded(u32),
    /// The person has written a message; encrypted once and for all.
    Written(Draft),
    /// A message is encrypted anew, under a new `client_id`.
    Renewed { client_id: String, draft: Draft },
    /// The partner's key could not be had now.
    NotRenewed { client_id: String },
    /// The partner's key is of no use.
    NotEncryptable { client_id: String, why: String },
    /// The person gives up what has failed.
    DiscardFailed,
    /// The time of [`Action::SendLater`] is over.
    SendAgain,
    /// The person has seen the partner's message with this id, and those before it.
    Seen { partner: i64, id: i64 },
    /// The person begins or stops writing.
    Typing { to: i64, active: bool },
    /// The person wants a message gone.
    Delete { id: i64, whom: Whom },
}

/// Something to be done, in the order given, each before the next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Open a socket that resumes behind the cursor.
    Connect { since: Option<Cursor> },
    /// Let go of the socket. No [`Event::Closed`] is expected.
    Disconnect,
    /// Come back with [`Event::Waited`]. Another pause takes its place.
    Pause(Pause),
    /// Get new tokens.
    Refresh,
    /// Send this frame.
    Send(ClientFrame),
    /// Keep what this event says. Again the same, or a message already deleted: nothing to do.
    Keep(ServerFrame),
    /// This device misses something. On disk, forget the cursor first, then all messages; then load history, and say
    /// [`Event::Reloaded`]. What is kept meanwhile stays.
    StartOver(u32),
    /// Write the cursor to disk, after what was kept.
    SaveCursor(Cursor),
    /// Write [`Client::outbox`] to disk.
    SaveOutbox,
    /// Fetch the receiver's key, encrypt this message anew.
    Renew(Draft),
    /// Come back with [`Event::SendAgain`].
    SendLater(Pause),
    /// Let the person know.
    Tell(News),
    /// No further attempt.
    Stop(Stop),
}

/// What is not kept, only told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    /// Everything missed has come.
    Live,
    /// A message will not be sent.
    Failed { draft: Draft, code: String },
    /// Somebody writes, or has stopped.
    Typing { user_id: i64, active: bool },
    /// Somebody comes or goes.
    Presence { user_id: i64, is_online: bool, last_seen: Option<String> },
    /// Another frame was refused.
    Refused(ErrorFrame),
    /// It takes a connection to do that.
    NotConnected,
    /// The server has sent something that is no frame.
    NotUnderstood,
}
