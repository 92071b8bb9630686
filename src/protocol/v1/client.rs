//! Frames that a client sends.

use std::collections::HashSet;

use super::Context;
use super::fields::{Fields, MAX_INTEGER, Value, bad_frame, missing};
use super::send::{draft, user_id};
use crate::domain::{Command, DirectKey, MessageId, Scope, SendLimits, Seq, UserId};
use crate::protocol::{ErrorCode, FrameError, Request};

/// Every `type` that a client may send.
pub const CLIENT_FRAMES: [&str; 7] = ["send", "delivered", "read", "delete", "typing", "presence", "ping"];

/// Most users that a socket can watch.
const MAX_WATCHED: usize = 256;

/// A frame as it was read.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The fields that the reply repeats; of a bad frame, as far as they could be read.
    pub context: Context,
    /// The request, or the reason why it cannot be taken.
    pub request: Result<Request, FrameError>,
}

/// Reads a frame of `sender`.
#[must_use]
pub fn decode(text: &str, sender: UserId, limits: SendLimits) -> Decoded {
    let mut fields = match Fields::read(text) {
        Ok(fields) => fields,
        Err(error) => return Decoded { context: Context::default(), request: Err(error) },
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
    let request = kind.and_then(|kind| {
        reference?;
        if kind == "send" {
            let client_id = client_id?.ok_or_else(|| missing("client_id"))?;
            draft(fields, client_id, sender, limits).map(|draft| Request::Command(Command::Send(Box::new(draft))))
        } else {
            small(&kind, fields, sender)
        }
    });
    Decoded { context, request }
}

/// Reads all frames but `send`.
fn small(kind: &str, mut fields: Fields<'_>, user: UserId) -> Result<Request, FrameError> {
    let request = match kind {
        "delivered" => {
            let up_to = Seq(fields.integer("up_to_seq", 0..=MAX_INTEGER)?);
            Request::Command(Command::Delivered { user, up_to })
        }
        "read" => {
            let conversation = DirectKey::new(user, any_user(&mut fields, "partner_id")?);
            let up_to = MessageId(fields.integer("up_to_id", 0..=MAX_INTEGER)?);
            Request::Command(Command::Read { user, conversation, up_to })
        }
        "delete" => {
            let id = MessageId(fields.integer("id", 1..=MAX_INTEGER)?);
            Request::Command(Command::Delete { user, id, scope: scope(&mut fields)? })
        }
        "typing" => {
            let conversation = DirectKey::new(user, any_user(&mut fields, "to")?);
            Request::Typing { conversation, active: fields.flag("active")? }
        }
        "presence" => Request::Watch { users: watch(&mut fields)? },
        "ping" => Request::Ping,
        _ => return Err(FrameError::new(ErrorCode::UnknownType, "error: type is not known")),
    };
    Ok(request)
}

/// Reads a user's id; 0 stands for a number that cannot be one.
fn any_user(fields: &mut Fields<'_>, name: &'static str) -> Result<UserId, FrameError> {
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
