//! Frames that a client sends.

use std::collections::HashSet;

use super::Context;
use super::fields::{Fields, MAX_INTEGER, Value, bad_frame, missing};
use super::send::{draft, user_id};
use crate::domain::{Draft, MessageId, Scope, Seq, UserId};
use crate::protocol::{ErrorCode, FrameError};

/// Every `type` that a client may send.
pub const CLIENT_FRAMES: [&str; 7] = ["send", "delivered", "read", "delete", "typing", "presence", "ping"];

/// Most users that a socket can watch.
const MAX_WATCHED: usize = 256;

/// A well-formed frame of a client.
#[derive(Clone, Debug)]
pub enum ClientFrame {
    /// Store and deliver a message.
    Send(Box<Draft>),
    /// This device has kept every event up to this one.
    Delivered {
        /// 0 … 2^53 - 1.
        up_to: Seq,
    },
    /// The user has read the partner's messages.
    Read {
        /// The partner whose messages were read; 0 when the number cannot be a user id.
        partner: UserId,
        /// The newest message that was read, 0 … 2^53 - 1.
        up_to: MessageId,
    },
    /// Delete a message.
    Delete {
        /// 1 … 2^53 - 1.
        id: MessageId,
        /// Whether for one side or for both.
        scope: Scope,
    },
    /// The user is typing, or has stopped.
    Typing {
        /// The receiver; 0 when the number cannot be a user id.
        to: UserId,
        /// Whether typing has begun.
        active: bool,
    },
    /// Watch when these users come and go.
    Presence {
        /// The users, in place of the former list: at most 256, each once, in the order given.
        watch: Vec<UserId>,
    },
    /// A ping; the reply is a pong.
    Ping,
}

/// A frame as it was read.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The fields that the reply repeats; of a bad frame, as far as they could be read.
    pub context: Context,
    /// The content of the frame, or the reason why it cannot be taken.
    pub frame: Result<ClientFrame, FrameError>,
}

/// Reads a frame of `sender`; `max_ciphertext` is in bytes.
#[must_use]
pub fn decode(text: &str, sender: UserId, max_ciphertext: usize) -> Decoded {
    let mut fields = match Fields::read(text) {
        Ok(fields) => fields,
        Err(error) => return Decoded { context: Context::default(), frame: Err(error) },
    };
    let kind = fields.text("type");
    let reference = fields.reference();
    // `client_id` is a field of `send` and of unknown frames; in the others it is ignored.
    let known = |kind: &str| CLIENT_FRAMES.contains(&kind);
    let client_id = match kind.as_deref() {
        Ok(kind) if kind != "send" && known(kind) => Ok(None),
        _ => fields.client_id(),
    };
    let context = Context {
        reference: reference.as_ref().ok().cloned().flatten(),
        client_id: client_id.as_ref().ok().cloned().flatten(),
    };
    let frame = kind.and_then(|kind| {
        reference?;
        if kind == "send" {
            let client_id = client_id?.ok_or_else(|| missing("client_id"))?;
            draft(fields, client_id, sender, max_ciphertext).map(|draft| ClientFrame::Send(Box::new(draft)))
        } else {
            small(&kind, fields)
        }
    });
    Decoded { context, frame }
}

/// Reads all frames but `send`.
fn small(kind: &str, mut fields: Fields<'_>) -> Result<ClientFrame, FrameError> {
    let frame = match kind {
        "delivered" => ClientFrame::Delivered { up_to: Seq(fields.integer("up_to_seq", 0..=MAX_INTEGER)?) },
        "read" => ClientFrame::Read {
            partner: user(&mut fields, "partner_id")?,
            up_to: MessageId(fields.integer("up_to_id", 0..=MAX_INTEGER)?),
        },
        "delete" => {
            ClientFrame::Delete { id: MessageId(fields.integer("id", 1..=MAX_INTEGER)?), scope: scope(&mut fields)? }
        }
        "typing" => ClientFrame::Typing { to: user(&mut fields, "to")?, active: fields.flag("active")? },
        "presence" => ClientFrame::Presence { watch: watch(&mut fields)? },
        "ping" => ClientFrame::Ping,
        _ => return Err(FrameError::new(ErrorCode::UnknownType, "error: type is not known")),
    };
    Ok(frame)
}

fn user(fields: &mut Fields<'_>, name: &'static str) -> Result<UserId, FrameError> {
    let number = fields.integer(name, i64::MIN..=i64::MAX)?;
    Ok(user_id(number.into()).unwrap_or(UserId(0)))
}

fn scope(fields: &mut Fields<'_>) -> Result<Scope, FrameError> {
    match &*fields.text("for")? {
        "me" => Ok(Scope::Me),
        "everyone" => Ok(Scope::Everyone),
        _ => Err(bad_frame("for must be \"me\" or \"everyone\"")),
    }
}

fn watch(fields: &mut Fields<'_>) -> Result<Vec<UserId>, FrameError> {
    let list = fields.optional_list("watch")?.ok_or_else(|| missing("watch"))?;
    if list.len() > MAX_WATCHED {
        return Err(bad_frame("watch must hold at most 256 integers"));
    }
    let (mut users, mut seen) = (Vec::with_capacity(list.len()), HashSet::new());
    for item in list {
        let Value::Integer(number) = item else {
            return Err(bad_frame("watch must hold integers"));
        };
        users.extend(user_id(number).filter(|&user| seen.insert(user)));
    }
    Ok(users)
}

#[cfg(test)]
mod tests;
