//! Files that clients have encrypted and uploaded: opaque bytes, of which the server learns size and times.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Timestamp, UserId};

/// Characters of 16 bytes in base64url without padding.
const CHARS: usize = 22;

/// The id of a file: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaId(pub [u8; 16]);

impl MediaId {
    /// Reads 22 characters of base64url without padding.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Each id has one text: the decoder refuses bits that stand for nothing.
        if text.len() == CHARS { URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self) } else { None }
    }

    /// Returns 32 lower-case hexadecimal digits, for names of files: those of base64 collide where case does not
    /// matter.
    #[must_use]
    pub fn hex(self) -> String {
        use std::fmt::Write as _;
        self.0.iter().fold(String::with_capacity(32), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Reads what [`hex`](Self::hex) returns.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        is_hex.then(|| u128::from_str_radix(text, 16).ok())?.map(|number| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MediaId({self})")
    }
}

/// What has become of a file so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MediaState {
    /// Declared; no byte has come.
    Created,
    /// Some bytes have come.
    Uploading,
    /// All bytes have come; no message names it.
    Complete,
    /// Messages name it.
    Attached,
    /// Its bytes are being removed. To users it does not exist.
    Deleting,
}

impl MediaState {
    /// All states, in their order.
    pub const ALL: [Self; 5] = [Self::Created, Self::Uploading, Self::Complete, Self::Attached, Self::Deleting];

    /// Returns its name, as in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Uploading => "uploading",
            Self::Complete => "complete",
            Self::Attached => "attached",
            Self::Deleting => "deleting",
        }
    }

    /// Returns whether bytes are still missing.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Uploading)
    }
}

/// A file as the database knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Media {
    /// Its id.
    pub id: MediaId,
    /// The user who uploads it; `None` when the account is gone, and the file with it.
    pub owner: Option<UserId>,
    /// Its size in bytes, as declared.
    pub size: u64,
    /// How many of its bytes are kept for certain.
    pub offset: u64,
    /// What has become of it.
    pub state: MediaState,
    /// SHA-256 of its bytes, when the client has declared it.
    pub sha256: Option<[u8; 32]>,
    /// The `Upload-Metadata` of its creation, until it is complete.
    pub metadata: Option<String>,
    /// When it was declared.
    pub created_at: Timestamp,
    /// When it goes unless a message names it by then; `None` while messages do.
    pub expires_at: Option<Timestamp>,
    /// Since when its bytes are missing, or not as many as there should be.
    pub lost_at: Option<Timestamp>,
    /// The kind of the store that has its bytes.
    pub store: String,
    /// What the store must remember of the upload.
    pub upload: Option<String>,
}

impl Media {
    /// Returns whether users may still find it at the time `now`: a file whose time is over may wait for its removal.
    #[must_use]
    pub fn is_there(&self, now: Timestamp) -> bool {
        self.state != MediaState::Deleting && self.lost_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }
}

impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Media")
            .field("id", &self.id)
            .field("size", &self.size)
            .field("offset", &self.offset)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// A file as a message names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The file.
    pub id: MediaId,
    /// Its size in bytes.
    pub size: u64,
}

impl Attachment {
    /// Returns the text of some files, as it is kept with a message and told between servers: each id with its size,
    /// such as `AAAAAAAAAAAAAAAAAAAAAA:1024`, and blanks between.
    #[must_use]
    pub fn list(attachments: &[Self]) -> String {
        let text: Vec<String> = attachments.iter().map(|file| format!("{}:{}", file.id, file.size)).collect();
        text.join(" ")
    }

    /// Reads what [`list`](Self::list) returns; `None` when it is something else.
    #[must_use]
    pub fn read_list(text: &str) -> Option<Vec<Self>> {
        let file = |part: &str| {
            let (id, size) = part.split_once(':')?;
            Some(Self { id: MediaId::parse(id)?, size: size.parse().ok()? })
        };
        text.split_ascii_whitespace().map(file).collect()
    }
}

/// A file that is declared.
#[derive(Clone)]
pub struct NewUpload {
    /// Its id: random.
    pub id: MediaId,
    /// The user who uploads it.
    pub owner: UserId,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, if declared.
    pub sha256: Option<[u8; 32]>,
    /// The `Upload-Metadata`.
    pub metadata: Option<String>,
    /// The `Idempotency-Key`.
    pub client_key: Option<String>,
    /// When it goes unless a message names it by then.
    pub expires_at: Timestamp,
    /// The kind of the store that has its bytes.
    pub store: &'static str,
}

/// How much users may keep. What is over counts no more; what is declared counts at once.
#[derive(Clone, Copy, Debug)]
pub struct MediaQuota {
    /// Most bytes of a user.
    pub bytes: u64,
    /// Most files of a user.
    pub files: u64,
    /// Most files of a user that are not whole.
    pub pending: u64,
    /// Bytes that all files that are not whole may still take together, this one included; `None`: any number.
    pub room: Option<u64>,
}

/// Which quota is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaQuotaKind {
    /// The bytes of the user.
    Bytes,
    /// The files of the user.
    Files,
    /// The files of the user that are not whole.
    Pending,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let files = [(0, 1), (0xff, u64::MAX)].map(|(byte, size)| Attachment { id: MediaId([byte; 16]), size });
        assert_eq!(Attachment::list(&files[..1]), "AAAAAAAAAAAAAAAAAAAAAA:1");
        for count in 0..=2 {
            assert_eq!(Attachment::read_list(&Attachment::list(&files[..count])).unwrap(), files[..count]);
        }
        for bad in ["x", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA:-1", "AAAA:1"] {
            assert!(Attachment::read_list(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_id_has_one_text() {
        let id = MediaId([0xff; 16]);
        assert_eq!(id.to_string(), "_____________________w");
        assert_eq!(MediaId::parse(&id.to_string()), Some(id));
        assert_eq!((id.hex().as_str(), MediaId::from_hex(&id.hex())), (&*"f".repeat(32), Some(id)));
        let mixed = MediaId(*b"0123456789abcdef");
        assert_eq!(mixed.hex(), "30313233343536373839616263646566");
        assert_eq!(MediaId::from_hex(&mixed.hex()), Some(mixed));
        for bad in
            ["", "_____________________x", "______________________w", "++++++++++++++++++++++", "____________________"]
        {
            assert!(MediaId::parse(bad).is_none(), "{bad}");
        }
        for bad in ["", &"F".repeat(32), &"f".repeat(31), "+f313233343536373839616263646566"] {
            assert!(MediaId::from_hex(bad).is_none(), "{bad}");
        }
    }
}
