//! What travels on the socket: frames and their codecs, without any I/O.

mod error;
mod frame;
pub mod legacy;
pub mod v1;

pub use error::{Detail, ErrorCode, FrameError};
pub use frame::Frame;
