#![doc = include_str!("../README.md")]

mod action;
mod backoff;
mod connection;
mod cursor;
mod event;
#[cfg(feature = "files")]
pub mod files;
mod frame;
#[cfg(feature = "franking")]
pub mod franking;
mod machine;
mod millis;
mod outbox;
mod progress;
mod reads;
#[cfg(feature = "transport")]
pub mod transport;

pub use action::{Action, Notice};
pub use backoff::{Backoff, Pause};
pub use connection::{Refreshed, Refusal, Stop};
pub use cursor::{Cursor, InvalidCursor};
pub use event::Event;
pub use frame::{
    Attachment, ClientFrame, DeleteFor, Deleted, Draft, ErrorFrame, Incoming, Limits, Message, Receipt, ReceiptKind,
    ServerFrame, Stored, parse,
};
pub use machine::Client;
pub use outbox::Outbox;
