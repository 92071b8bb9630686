//! What comes out of the state machine.

use serde::{Deserialize, Serialize};

use crate::backoff::Pause;
use crate::connection::Stop;
use crate::cursor::Cursor;
use crate::frame::{ClientFrame, Draft, ErrorFrame, ServerFrame};

/// Something to be done, in the order given, each before the next.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Open a socket that resumes behind the cursor.
    Connect {
        /// The cursor; none on a device that has nothing.
        since: Option<Cursor>,
    },
    /// Let go of the socket. No [`Event::Closed`](crate::Event::Closed) is expected.
    Disconnect,
    /// Return with [`Event::PauseEnded`](crate::Event::PauseEnded). It replaces an earlier pause.
    Pause(Pause),
    /// Get new tokens, and return with [`Event::Refreshed`](crate::Event::Refreshed).
    Refresh,
    /// Send this frame.
    Send(ClientFrame),
    /// Keep what this event says. It does nothing for a message that is kept already or was deleted.
    Keep(ServerFrame),
    /// This device misses something. On disk, forget the cursor first, then all messages; then load history and return
    /// with [`Event::Reloaded`](crate::Event::Reloaded) and this number. What is kept meanwhile stays.
    StartOver(u32),
    /// Write the cursor to disk, after everything that was kept.
    SaveCursor(Cursor),
    /// Write [`Client::outbox`](crate::Client::outbox) to disk.
    SaveOutbox,
    /// Fetch the receiver's key and encrypt this message anew.
    Renew(Draft),
    /// Return with [`Event::SendingResumed`](crate::Event::SendingResumed).
    PauseSending(Pause),
    /// Let the person know.
    Tell(Notice),
    /// There is no further attempt.
    Stop(Stop),
}

/// News that is told and not kept.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Everything missed has come.
    Live,
    /// A message will not be sent.
    Failed {
        /// The message.
        draft: Draft,
        /// The error code, or the reason why it could not be encrypted.
        code: String,
    },
    /// Another user is writing, or has stopped.
    Typing {
        /// The other user.
        user_id: i64,
        /// Whether the user is writing.
        active: bool,
    },
    /// A watched user has come or gone.
    Presence {
        /// The watched user.
        user_id: i64,
        /// Whether the user is online.
        is_online: bool,
        /// When the user was last seen, as the server wrote it.
        last_seen: Option<String>,
    },
    /// A frame that is no `send` was refused.
    Refused(ErrorFrame),
    /// What the person wants takes a connection.
    NotConnected,
    /// The server has sent something that is no frame.
    NotUnderstood,
}
