//! Files that this device encrypts and decrypts, as `docs/protocol.md` of the server describes under "Files in
//! messages": segments, padding, the message that names them, and how an upload or a download goes on after a cut.
//!
//! Nothing here does network or disk by itself: [`seal`] and [`open`] read and write what they are given, and an
//! [`Upload`] or a [`Download`] says which request comes next.

mod content;
mod download;
mod key;
mod message;
mod padding;
mod stream;
mod upload;

pub use content::ContentKey;
pub use download::{Download, DownloadAnswer, DownloadFailed};
pub use key::{FileKey, SEGMENT};
pub use message::{FileEntry, FileMessage, unfranked};
pub use padding::{largest_within, padded, sealed_size};
pub use stream::{OpenError, SealError, Sealed, open, seal};
pub use upload::{Upload, UploadAnswer, UploadFailed, UploadStep};
