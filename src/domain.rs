//! Plain data of the product: ids, time stamps, account fields, messages. No I/O and no framework.

mod account;
mod draft;
mod fold;
mod ids;
mod message;
mod timestamp;

pub use account::{EmailAddress, Invalid, MAX_NAME_CHARS, NewAccount, Password, PublicKey, User, UserName};
pub use draft::{Ciphertext, Draft, DraftError, MessageType};
pub use fold::fold_name;
pub use ids::{ConversationId, DirectKey, LoginId, MessageId, SocketId, UserId};
pub use message::{ChatListEntry, Message, MessageCopy};
pub use timestamp::{Timestamp, TimestampError};
