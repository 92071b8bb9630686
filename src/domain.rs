//! Plain data of the product: ids, time stamps, account fields, messages. No I/O and no framework.

mod account;
mod draft;
mod fold;
mod ids;
mod message;
mod timestamp;

pub use account::{EmailAddress, Invalid, NewAccount, Password, PublicKey, User, UserName};
pub use draft::{Ciphertext, Draft, DraftError, MAX_MESSAGE_TYPE_CHARS, MessageType};
pub use fold::fold_name;
pub use ids::{ConversationId, DirectKey, LoginId, MessageId, SocketId, UserId};
pub use message::{ChatListEntry, Message};
pub use timestamp::{Timestamp, TimestampError};
