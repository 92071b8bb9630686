//! The fields of a `send`, on the socket and in the body of `POST /chat/messages`.

use std::borrow::Cow;

use super::content::Content;
use super::fields::{Fields, MAX_INTEGER, Value, bad_frame, missing};
use crate::domain::{
    Ciphertext, ClientId, DirectKey, Draft, FrankingTag, MessageId, MessageType, Objection, Once, SendLimits, Urgency,
    UserId,
};
use crate::protocol::{ErrorCode, FrameError};

/// Hexadecimal digits of a `receiver_key_id`.
const KEY_ID_DIGITS: usize = 16;
/// Longest life of a message in seconds: 365 days.
const MAX_EXPIRY_S: i64 = 31_536_000;

/// Reads the body of `POST /chat/messages`: an object with the fields of a `send`. A `type` and a `ref` in it are
/// ignored.
///
/// `idempotency_key` is the value of the header of that name, which may stand for `client_id`.
pub fn decode_send_body(
    body: &[u8],
    sender: UserId,
    limits: SendLimits,
    idempotency_key: Option<&str>,
) -> Result<(ClientId, Box<Draft>), FrameError> {
    let text = std::str::from_utf8(body).map_err(|_| FrameError::new(ErrorCode::BadJson, "error: not UTF-8"))?;
    let mut fields = Fields::read(text)?;
    let header = idempotency_key
        .map(|key| ClientId::parse(key).ok_or_else(|| bad_frame("Idempotency-Key must match [A-Za-z0-9._:-]{1,64}")))
        .transpose()?;
    let client_id = match (fields.client_id()?, header) {
        (Some(body), Some(header)) if body != header => return Err(bad_frame("client_id and Idempotency-Key differ")),
        (Some(id), _) | (None, Some(id)) => id,
        (None, None) => return Err(missing("client_id")),
    };
    let draft = draft(fields, client_id.clone(), sender, limits)?;
    Ok((client_id, Box::new(draft)))
}

/// Reads everything but the `client_id`.
pub(super) fn draft(
    mut fields: Fields<'_>,
    client_id: ClientId,
    sender: UserId,
    limits: SendLimits,
) -> Result<Draft, FrameError> {
    let to = fields.integer("to", i64::MIN..=i64::MAX)?;
    let receiver_encrypted = copy(&mut fields, "receiver_encrypted")?;
    let sender_encrypted = copy(&mut fields, "sender_encrypted")?;
    let message_type = MessageType::parse(&fields.text("message_type")?)
        .ok_or_else(|| bad_frame("message_type must match [a-z0-9][a-z0-9._-]{0,31}"))?;
    let receiver_key_id = fields.optional_text("receiver_key_id")?;
    if receiver_key_id.as_ref().is_some_and(|id| !is_key_id(id)) {
        return Err(bad_frame("receiver_key_id must match [0-9a-f]{16}"));
    }
    let reply_to = fields.optional_integer("reply_to", 1..=MAX_INTEGER)?;
    let expires_in_s = fields.optional_integer("expires_in_s", 1..=MAX_EXPIRY_S)?;
    let attachment_ids = fields.optional_list("attachment_ids")?.unwrap_or_default();
    let named = attachments(&attachment_ids, limits.attachments)?;
    let tag_text = fields.optional_text("franking_tag")?;
    let franking_tag = tag_text
        .as_deref()
        .map(|tag| FrankingTag::parse(tag).ok_or_else(|| bad_frame("franking_tag must be 43 characters of base64url")));
    let franking_tag = franking_tag.transpose()?;
    let urgency = fields.optional_text("urgency")?;
    let urgency = urgency.as_deref().map_or(Some(Urgency::High), Urgency::parse);
    let urgency = urgency.ok_or_else(|| bad_frame("urgency must be high, normal or none"))?;

    let content = Content {
        to,
        receiver_encrypted: &receiver_encrypted,
        sender_encrypted: &sender_encrypted,
        message_type: message_type.as_str(),
        receiver_key_id: receiver_key_id.as_deref(),
        reply_to,
        expires_in_s,
        attachment_ids: &attachment_ids,
        franking_tag: tag_text.as_deref(),
    };
    let once = Once { client_id, content_hash: content.hash() };
    let limit = limits.ciphertext_bytes;
    let is_too_large = receiver_encrypted.len().max(sender_encrypted.len()) > limit;
    Ok(Draft {
        sender,
        conversation: user_id(to.into()).map(|receiver| DirectKey::new(sender, receiver)),
        sender_copy: ciphertext("sender_encrypted", sender_encrypted)?,
        receiver_copy: ciphertext("receiver_encrypted", receiver_encrypted)?,
        message_type,
        once: Some(once),
        receiver_key_id: receiver_key_id.map(Cow::into_owned),
        reply_to: reply_to.map(MessageId),
        expires_in_s,
        franking_tag,
        attachment_ids: named,
        urgency,
        objection: is_too_large.then_some(Objection::TooLarge { limit }),
        is_counted: false,
    })
}

/// Returns the ids of files, as they are written. Whether there are such files is left to the writer: a retry of a
/// message is answered also when its files have gone since.
fn attachments(ids: &[Value<'_>], most: usize) -> Result<Vec<String>, FrameError> {
    if ids.len() > most {
        return Err(bad_frame(format_args!("attachment_ids must hold at most {most} ids")));
    }
    let mut named: Vec<String> = Vec::with_capacity(ids.len());
    for id in ids {
        let id = match id {
            Value::Text(text) => text.clone().into_owned(),
            Value::Integer(number) => number.to_string(),
            _ => return Err(bad_frame("attachment_ids must hold texts or integers")),
        };
        if named.contains(&id) {
            return Err(bad_frame("attachment_ids must not hold an id twice"));
        }
        named.push(id);
    }
    Ok(named)
}

/// Returns whether the text could name a key.
fn is_key_id(text: &str) -> bool {
    text.len() == KEY_ID_DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns the user id, if the number can be one.
pub(super) fn user_id(number: i128) -> Option<UserId> {
    i32::try_from(number).ok().filter(|&id| id >= 1).map(UserId)
}

/// Takes a copy, which must not be empty. One that is too large is refused only after its message was looked up, so
/// that a retry finds its message also after the limit was lowered.
fn copy<'a>(fields: &mut Fields<'a>, name: &'static str) -> Result<Cow<'a, str>, FrameError> {
    let text = fields.text(name)?;
    if text.is_empty() { Err(bad_frame(format_args!("{name} must not be empty"))) } else { Ok(text) }
}

fn ciphertext(name: &str, text: Cow<'_, str>) -> Result<Ciphertext, FrameError> {
    Ciphertext::parse(text.into_owned(), usize::MAX).map_err(|error| bad_frame(format_args!("{name} {error}")))
}

#[cfg(test)]
mod tests;
