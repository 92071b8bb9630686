//! The dialect of the shipped Android client: five keys in each message, camel case only where that client has it.
//!
//! The client takes any text frame with the five message keys for a message and decrypts it at once; a content that is
//! not for it ends its listener. So nothing but a message ever carries all five, and errors carry none of them.

use std::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::json::{self, Text};
use super::{ErrorCode, Frame, FrameError, Request};
use crate::domain::{Ciphertext, Command, Draft, DraftError, Message, Timestamp, UserId, Viewer};

/// The only type of message in this dialect.
pub const TEXT: &str = "text";

/// A frame of a client. Other keys are ignored.
struct Send {
    receiver_id: i64,
    receiver_copy: String,
    sender_copy: String,
    message_type: String,
}

/// Reads a frame of `sender`; `max_ciphertext` is in bytes.
pub fn decode(text: &str, sender: UserId, max_ciphertext: usize) -> Result<Request, FrameError> {
    let send: Send = serde_json::from_str(text).map_err(|error| json_error(&error))?;
    if send.message_type != TEXT {
        return Err(FrameError::new(ErrorCode::BadFrame, "Validation error: messageType must be \"text\""));
    }
    let copy = |key, text| Ciphertext::parse(text, max_ciphertext).map_err(|error| copy_error(key, error));
    let receiver = i32::try_from(send.receiver_id).ok().map(UserId);
    let receiver_copy = copy("receiver_encrypted", send.receiver_copy)?;
    let draft = Draft::text(sender, receiver, copy("sender_encrypted", send.sender_copy)?, receiver_copy);
    Ok(Request::Command(Command::Send(Box::new(draft))))
}

/// Returns a message as `viewer`'s sockets get it; `None` for types that this client cannot show.
#[must_use]
pub fn message(message: &Message, viewer: Viewer) -> Option<Frame> {
    let body = MessageBody::new(message, viewer);
    (message.message_type == TEXT).then(|| Frame::json_with(&body, body.content.0.len()))
}

/// Returns an error in a form that this client survives.
#[must_use]
pub fn error(error: &FrameError) -> Frame {
    #[derive(Serialize)]
    struct Body<'a> {
        r#type: &'static str,
        code: ErrorCode,
        message: &'a str,
        retryable: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    }
    Frame::json(&Body {
        r#type: "error",
        code: error.code,
        message: &error.message,
        retryable: error.code.is_retryable(),
        retry_after_ms: error.retry_after_ms,
    })
}

/// A message with the five keys of this dialect.
#[derive(Serialize)]
struct MessageBody<'a> {
    sender_id: UserId,
    receiver_id: UserId,
    content: Text<&'a str>,
    message_type: &'a str,
    #[serde(serialize_with = "json::timestamp")]
    timestamp: Timestamp,
}

impl<'a> MessageBody<'a> {
    fn new(message: &'a Message, viewer: Viewer) -> Self {
        Self {
            sender_id: message.sender,
            receiver_id: message.receiver,
            content: Text(message.content_for(viewer)),
            message_type: &message.message_type,
            timestamp: message.timestamp,
        }
    }
}

fn json_error(error: &serde_json::Error) -> FrameError {
    // serde's own text may quote the value, so this one names only the kind and the key.
    match error.classify() {
        serde_json::error::Category::Data => {
            FrameError::new(ErrorCode::BadFrame, format!("Validation error: {}", safe_text(error)))
        }
        _ => FrameError::new(ErrorCode::BadJson, "Invalid JSON format"),
    }
}

/// The errors whose text the visitor below writes itself and which never hold a value. All others get a general text.
fn safe_text(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let own = text.split(" at line ").next().unwrap_or_default();
    match own.strip_prefix(OWN_ERROR) {
        Some(own) => own.to_owned(),
        None => {
            "invalid frame: expected an object with receiverID (integer), receiver_encrypted, sender_encrypted and \
                 messageType (text)"
                .to_owned()
        }
    }
}

const OWN_ERROR: &str = "frame: ";

impl<'de> Deserialize<'de> for Send {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SendVisitor)
    }
}

/// Reads the object key by key, so that each error can name its key.
struct SendVisitor;

impl<'de> Visitor<'de> for SendVisitor {
    type Value = Send;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Send, A::Error> {
        let own = |text: String| de::Error::custom(format!("{OWN_ERROR}{text}"));
        let (mut receiver_id, mut receiver_copy, mut sender_copy, mut message_type) = (None, None, None, None);
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let repeated = match &*key {
                "receiverID" => receiver_id.replace(map.next_value()?).is_some(),
                "receiver_encrypted" => receiver_copy.replace(map.next_value()?).is_some(),
                "sender_encrypted" => sender_copy.replace(map.next_value()?).is_some(),
                "messageType" => message_type.replace(map.next_value()?).is_some(),
                _ => {
                    map.next_value::<de::IgnoredAny>()?;
                    false
                }
            };
            if repeated {
                return Err(own(format!("{key} is there twice")));
            }
        }
        let missing = |key: &str| own(format!("{key} is missing"));
        Ok(Send {
            receiver_id: receiver_id.ok_or_else(|| missing("receiverID"))?,
            receiver_copy: receiver_copy.ok_or_else(|| missing("receiver_encrypted"))?,
            sender_copy: sender_copy.ok_or_else(|| missing("sender_encrypted"))?,
            message_type: message_type.ok_or_else(|| missing("messageType"))?,
        })
    }
}

fn copy_error(key: &str, error: DraftError) -> FrameError {
    let code = match error {
        DraftError::TooLarge { .. } => ErrorCode::TooLarge,
        DraftError::Empty => ErrorCode::BadFrame,
    };
    FrameError::new(code, format!("Validation error: {key} {error}"))
}

#[cfg(test)]
mod tests;
