//! Frames of the socket, records between servers, what proxies tell of clients, and their codecs, without any I/O.

mod close;
mod error;
mod forwarded;
mod frame;
pub mod franking;
mod json;
pub mod legacy;
pub mod media_link;
mod proxy_header;
pub mod record;
mod request;
pub mod tus;
pub mod v1;
pub mod who;

pub use close::CloseReason;
pub use error::{Detail, ErrorCode, FrameError};
pub use forwarded::{ForwardedList, MAX_FORWARDED_ENTRIES};
pub use frame::Frame;
pub use proxy_header::{PROXY_HEADER_START, ProxyHeaderError, proxy_header_client, proxy_header_length};
pub use request::Request;
