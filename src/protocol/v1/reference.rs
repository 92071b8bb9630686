//! References: the fields of a request that its reply repeats.

use serde::{Serialize, Serializer};

use crate::domain::ClientId;

/// Longest `ref` text in characters.
const MAX_CHARS: usize = 64;

/// The name that a client gives a frame (`ref`): a text of 0 … 64 characters, or a signed or unsigned integer of 64
/// bits. The server only repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Text(Box<str>),
    Integer(i128),
}

impl Reference {
    /// Takes at most 64 characters.
    #[must_use]
    pub fn text(text: &str) -> Option<Self> {
        text.chars().nth(MAX_CHARS).is_none().then(|| Self(Form::Text(text.into())))
    }

    /// Takes an integer within `i64::MIN ..= u64::MAX`.
    #[must_use]
    pub fn integer(number: i128) -> Option<Self> {
        (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&number).then_some(Self(Form::Integer(number)))
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Form::Text(text) => serializer.serialize_str(text),
            Form::Integer(number) => serializer.serialize_i128(*number),
        }
    }
}

/// The fields of a request that its reply repeats. A field that the frame lacks, or that has another form, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The frame's `ref`.
    pub reference: Option<Reference>,
    /// The `client_id` of a `send`, or of a frame whose type is not known.
    pub client_id: Option<ClientId>,
}
