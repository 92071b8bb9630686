//! Plain data of the product: ids, time stamps, account fields, messages. No I/O and no framework.

mod account;
mod command;
mod cursor;
mod draft;
mod event;
mod fold;
mod grams;
mod ids;
mod message;
mod names;
mod proof;
mod timestamp;

pub use account::{EmailAddress, Invalid, MAX_NAME_CHARS, NewAccount, Password, PublicKey, User, UserName};
pub use command::{Answer, Audience, Command, Outcome, Refusal, Settings, Stored};
pub use cursor::{Cursor, CursorError, Epoch, ResetReason};
pub use draft::{Ciphertext, Draft, DraftError, MessageType, Objection, Once};
pub use event::{Deletion, Event, EventBody, Receipt, ReceiptKind, Scope};
pub use fold::fold_name;
pub use grams::{Gram, name_grams, text_grams};
pub use ids::{ConversationId, DirectKey, LoginId, MessageId, Seq, SocketId, UserId};
pub use message::{ChatListEntry, Message};
pub use names::{ClientId, DeviceId};
pub use proof::{Authority, Proof};
pub use timestamp::{Timestamp, TimestampError};
