//! Frames of the socket, records between servers, and their codecs, without any I/O.

mod close;
mod error;
mod frame;
pub mod legacy;
pub mod record;
mod request;
pub mod v1;
pub mod who;

pub use close::CloseReason;
pub use error::{Detail, ErrorCode, FrameError};
pub use frame::Frame;
pub use request::Request;
