//! Why a server does not start or cannot go on. Each text is one line for the operator.

use std::path::PathBuf;

use crate::actors::{ActorSystemError, Fatal};
use crate::auth::{AuthError, KeyError, SecretError};
use crate::config::ConfigError;
use crate::http::TlsError;
use crate::push::PushError;
use crate::service::media::MediaSetupError;
use crate::storage::StorageError;

/// The server does not start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The settings cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address as it is configured.
        address: String,
        /// The cause, such as that another process listens there.
        source: std::io::Error,
    },
    /// The process may open too few files to be of use.
    #[error(
        "the limit on open files is {files}, and the server needs {least} or more: raise it (systemd: LimitNOFILE=)"
    )]
    TooFewFiles {
        /// The process's limit on open files.
        files: u64,
        /// The lowest limit with which the server starts.
        least: u64,
    },
    /// The data directory cannot be made.
    #[error("cannot make the data directory {}: {source}", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The instance key cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The keys of access tokens cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The store of files cannot be used.
    #[error(transparent)]
    Media(#[from] MediaSetupError),
    /// A provider that wakes devices cannot be used.
    #[error(transparent)]
    Push(#[from] PushError),
    /// The database cannot be opened or used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Password hashing or tokens cannot be set up.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// An actor did not start.
    #[error(transparent)]
    Actors(#[from] ActorSystemError),
    /// The system gives no thread to watch the actors.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// Actors keep failing.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// The root actor is gone.
    #[error("the root actor has ended")]
    RootEnded,
}
