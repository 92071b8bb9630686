//! Tests of all frames, and of the examples in the documentation.

use crate::domain::SendLimits;

mod asyncapi;
mod client_frames;
mod encode;
mod mutations;
mod server_frames;
mod strict;
mod written;

/// Limits with so many bytes a copy.
pub(super) fn limits(ciphertext_bytes: usize) -> SendLimits {
    SendLimits { ciphertext_bytes, attachments: 10 }
}
