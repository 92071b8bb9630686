//! Reports: what a receiver tells the operators of a message.

use serde::{Deserialize, Serialize};

use super::{ConversationId, FrankingKey, FrankingTag, Invalid, MessageId, ReportId, Timestamp, UserId};

/// Longest note of a reporter, in characters.
const MAX_NOTE_CHARS: usize = 1000;
/// Longest note of a decision, in characters.
const MAX_DECISION_NOTE_CHARS: usize = 500;
/// Largest plaintext in bytes: 64 KiB.
const MAX_PLAINTEXT_BYTES: usize = 64 * 1024;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the word for it, in the store and on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// Reads the word.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// Why a message is reported.
    ReportReason {
        /// Unwanted mass messages.
        Spam = "spam",
        /// Harassment.
        Harassment = "harassment",
        /// A threat.
        Threat = "threat",
        /// Something forbidden by law.
        Illegal = "illegal",
        /// Something else, which the note says.
        Other = "other",
    }
}

words! {
    /// What a report proves.
    ReportLevel {
        /// Who has sent a message to whom, and when.
        Metadata = "metadata",
        /// What the message says, too.
        Content = "content",
    }
}

words! {
    /// What operators have decided.
    ReportState {
        /// Nothing yet.
        Open = "open",
        /// The report is right.
        Upheld = "upheld",
        /// It is not.
        Dismissed = "dismissed",
    }
}

/// The facts about a message that a report token attests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attested {
    /// The message.
    pub message: MessageId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Who has sent it.
    pub sender: UserId,
    /// Who has received it.
    pub receiver: UserId,
    /// When it was stored.
    pub timestamp: Timestamp,
    /// What the sender has committed to, if anything.
    pub tag: Option<FrankingTag>,
}

/// What a message is disclosed with.
#[derive(Clone)]
pub struct Disclosure {
    /// The key in its plaintext.
    pub key: FrankingKey,
    /// The plaintext without the key.
    pub plaintext: String,
}

impl Disclosure {
    /// Checks its size.
    pub fn new(key: FrankingKey, plaintext: String) -> Result<Self, Invalid> {
        if plaintext.len() > MAX_PLAINTEXT_BYTES {
            return Err(Invalid { field: "plaintext", reason: "must have at most 65536 bytes" });
        }
        Ok(Self { key, plaintext })
    }
}

/// A report that is to be checked and stored.
#[derive(Clone)]
pub struct NewReport {
    /// What is said of the message; its receiver is the reporter.
    pub attested: Attested,
    /// The server's own word for that.
    pub token: String,
    /// Why it is reported.
    pub reason: ReportReason,
    /// For operators.
    pub note: String,
    /// What it says, if the reporter discloses it.
    pub disclosure: Option<Disclosure>,
}

impl NewReport {
    /// Checks the note.
    pub fn check_note(note: &str) -> Result<(), Invalid> {
        if note.chars().nth(MAX_NOTE_CHARS).is_some() {
            return Err(Invalid { field: "note", reason: "must have at most 1000 characters" });
        }
        Ok(())
    }
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its id.
    pub id: ReportId,
    /// Who has reported, while the account exists.
    pub reporter: Option<UserId>,
    /// Who has sent the message.
    pub subject: UserId,
    /// The message.
    pub message: MessageId,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// What is proved.
    pub level: ReportLevel,
    /// Why it was reported.
    pub reason: ReportReason,
    /// What the reporter says.
    pub note: String,
    /// What the message says, until it is wiped.
    pub plaintext: Option<String>,
    /// What operators have decided.
    pub state: ReportState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// What operators have noted when they decided.
    pub decision_note: Option<String>,
}

/// What an operator decides of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportDecision {
    /// The decision.
    pub state: ReportState,
    /// Whether the account of the sender is disabled, too.
    pub disables_user: bool,
    /// A note for operators; `None` leaves an earlier one as it is.
    pub note: Option<String>,
}

impl ReportDecision {
    /// Checks the note.
    pub fn new(state: ReportState, disables_user: bool, note: Option<String>) -> Result<Self, Invalid> {
        if note.as_ref().is_some_and(|note| note.chars().nth(MAX_DECISION_NOTE_CHARS).is_some()) {
            return Err(Invalid { field: "note", reason: "must have at most 500 characters" });
        }
        Ok(Self { state, disables_user, note })
    }
}
