//! The fields of an incoming object, read in one pass and taken one by one.
//!
//! Only fields that some frame has are kept. All others are skipped without recursion, however deep they are.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::de::Deserializer as _;

use super::Reference;
use crate::domain::ClientId;
use crate::protocol::{ErrorCode, FrameError};

mod visit;

use visit::ObjectVisitor;

/// The largest `seq` and id: the largest integer that JavaScript holds exactly.
pub(super) const MAX_INTEGER: i64 = (1 << 53) - 1;

/// A JSON value, as far as frames need it.
pub(super) enum Value<'a> {
    Null,
    Flag(bool),
    /// An integer without fraction and exponent, within 64 bits with or without sign.
    Integer(i128),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    /// A value that no field holds: a fraction, an object, a list where none belongs.
    Other,
}

/// The known fields of one object.
pub(super) struct Fields<'a>(Vec<Field<'a>>);

struct Field<'a> {
    name: &'static str,
    value: Value<'a>,
    repeated: bool,
}

/// Makes the error for a field that is missing or wrong. `text` names the field and never repeats its value.
pub(super) fn bad_frame(text: impl Display) -> FrameError {
    FrameError::new(ErrorCode::BadFrame, format!("error: {text}"))
}

impl<'a> Fields<'a> {
    /// Reads an object. Returns `bad_json` when the text is not JSON, `bad_frame` when it is no object.
    pub(super) fn read(text: &'a str) -> Result<Self, FrameError> {
        let mut json = serde_json::Deserializer::from_str(text);
        let fields = json.deserialize_any(ObjectVisitor).and_then(|fields| json.end().map(|()| fields));
        // The visitors refuse nothing themselves, so every error is one of syntax.
        fields
            .map_err(|_| FrameError::new(ErrorCode::BadJson, "error: not JSON"))?
            .ok_or_else(|| bad_frame("the frame must be an object"))
    }

    /// Takes a field, once; `None` when it is absent or null.
    pub(super) fn take(&mut self, name: &'static str) -> Result<Option<Value<'a>>, FrameError> {
        debug_assert!(visit::KNOWN.contains(&name), "{name} is not kept");
        let Some(at) = self.0.iter().position(|field| field.name == name) else {
            return Ok(None);
        };
        match self.0.swap_remove(at) {
            Field { repeated: true, .. } => Err(bad_frame(format_args!("{name} is there twice"))),
            Field { value: Value::Null, .. } => Ok(None),
            Field { value, .. } => Ok(Some(value)),
        }
    }

    /// Takes a text that must be there.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Cow<'a, str>, FrameError> {
        self.optional_text(name)?.ok_or_else(|| missing(name))
    }

    /// Takes a text that may be absent.
    pub(super) fn optional_text(&mut self, name: &'static str) -> Result<Option<Cow<'a, str>>, FrameError> {
        match self.take(name)? {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(bad_frame(format_args!("{name} must be a text"))),
        }
    }

    /// Takes an integer within `range` that must be there.
    pub(super) fn integer(&mut self, name: &'static str, range: RangeInclusive<i64>) -> Result<i64, FrameError> {
        self.optional_integer(name, range)?.ok_or_else(|| missing(name))
    }

    /// Takes an integer within `range` that may be absent.
    pub(super) fn optional_integer(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, FrameError> {
        let wrong = || bad_frame(format_args!("{name} must be an integer from {} to {}", range.start(), range.end()));
        match self.take(name)? {
            None => Ok(None),
            Some(Value::Integer(number)) => match i64::try_from(number) {
                Ok(number) if range.contains(&number) => Ok(Some(number)),
                _ => Err(wrong()),
            },
            Some(_) => Err(wrong()),
        }
    }

    /// Takes `true` or `false`, which must be there.
    pub(super) fn flag(&mut self, name: &'static str) -> Result<bool, FrameError> {
        match self.take(name)?.ok_or_else(|| missing(name))? {
            Value::Flag(flag) => Ok(flag),
            _ => Err(bad_frame(format_args!("{name} must be true or false"))),
        }
    }

    /// Takes an array that may be absent.
    pub(super) fn optional_list(&mut self, name: &'static str) -> Result<Option<Vec<Value<'a>>>, FrameError> {
        match self.take(name)? {
            None => Ok(None),
            Some(Value::List(list)) => Ok(Some(list)),
            Some(_) => Err(bad_frame(format_args!("{name} must be an array"))),
        }
    }

    /// Takes the client's name for the frame (`ref`).
    pub(super) fn reference(&mut self) -> Result<Option<Reference>, FrameError> {
        let reference = match self.take("ref")? {
            None => return Ok(None),
            Some(Value::Text(text)) => Reference::text(&text),
            Some(Value::Integer(number)) => Reference::integer(number),
            Some(_) => None,
        };
        reference.map(Some).ok_or_else(|| bad_frame("ref must be a text of at most 64 characters or an integer"))
    }

    /// Takes the client's name for the message (`client_id`).
    pub(super) fn client_id(&mut self) -> Result<Option<ClientId>, FrameError> {
        let Some(text) = self.optional_text("client_id")? else {
            return Ok(None);
        };
        ClientId::parse(&text).map(Some).ok_or_else(|| bad_frame("client_id must match [A-Za-z0-9._:-]{1,64}"))
    }
}

pub(super) fn missing(name: &str) -> FrameError {
    bad_frame(format_args!("{name} is missing"))
}
