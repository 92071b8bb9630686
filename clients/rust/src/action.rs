//! Actions: the output of the state machine.

use serde::{Deserialize, Serialize};

use crate::backoff::Pause;
use crate::connection::Stop;
use crate::cursor::Cursor;
use crate::frame::{ClientFrame, Draft, ErrorFrame, ServerFrame};

/// An action of the program. Actions must be carried out in the order given, each before the next.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Open a socket that resumes behind the cursor.
    Connect {
        /// The cursor; `None` on a device without data.
        since: Option<Cursor>,
    },
    /// Drop the socket. No [`Event::Closed`](crate::Event::Closed) is expected.
    Disconnect,
    /// Report [`Event::PauseEnded`](crate::Event::PauseEnded) after this time. Replaces an earlier pause.
    Pause(Pause),
    /// Get new tokens, and report [`Event::Refreshed`](crate::Event::Refreshed).
    Refresh,
    /// Send this frame.
    Send(ClientFrame),
    /// Store this event on the device. Must do nothing for a message that is stored already or was deleted.
    Keep(ServerFrame),
    /// Reload everything, since this device has missed events. On disk, delete the cursor first, then all messages;
    /// then load history and report [`Event::Reloaded`](crate::Event::Reloaded) with this number. Events that are
    /// stored meanwhile stay.
    StartOver(u32),
    /// Write the cursor to disk, after everything that was stored before.
    SaveCursor(Cursor),
    /// Write [`Client::outbox`](crate::Client::outbox) to disk.
    SaveOutbox,
    /// Fetch the receiver's key and encrypt this message anew.
    Renew(Draft),
    /// Report [`Event::SendingResumed`](crate::Event::SendingResumed) after this time.
    PauseSending(Pause),
    /// Show this to the person.
    Tell(Notice),
    /// Stop: there will be no further attempt.
    Stop(Stop),
}

/// News for the person that is not stored.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// All missed events have arrived.
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
    /// The person's action needs a connection, and there is none.
    NotConnected,
    /// The server has sent a text that is no frame.
    NotUnderstood,
}
