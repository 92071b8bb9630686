//! The frames of `fluent.v1`: JSON objects with a `type`. `docs/protocol.md` of the server is their specification.

mod client;
mod server;

use serde::Deserialize as _;
use serde_json::Value;

pub use client::{ClientFrame, DeleteFor, Draft};
pub use server::{Attachment, Deleted, ErrorFrame, Limits, Message, Receipt, ReceiptKind, ServerFrame, Stored};

/// A received frame.
#[derive(Debug, PartialEq)]
pub struct Incoming {
    /// The number to which the frame moves the cursor, if it moves it.
    pub seq: Option<u64>,
    /// The frame.
    pub frame: ServerFrame,
}

/// Reads a text frame of the server. An unknown type is [`ServerFrame::Unknown`]; text that is no JSON object with a
/// `type`, and a known type without its fields, are errors.
pub fn parse(text: &str) -> Result<Incoming, serde_json::Error> {
    let value: Value = serde_json::from_str(text)?;
    // An error may name the message it is about, and a reply marked as duplicate repeats an old number.
    let moves_no_cursor = value["type"] == "error" || value["duplicate"] == true;
    let seq = value["seq"].as_u64().filter(|_| !moves_no_cursor);
    Ok(Incoming { seq, frame: ServerFrame::deserialize(value)? })
}

#[cfg(test)]
mod tests;
