//! The Unix socket of the local interface.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{LocalUser, own_user, serve};
use crate::http::admin;
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::layers::Service;
use crate::http::request_id;
use crate::telemetry::RequestId;

/// Connections at once; further ones wait.
const MAX_CONNECTIONS: usize = 16;
/// Wait after a failed accept, as when the process has no file descriptor left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// A bound socket, before anything is served on it.
pub struct LocalSocket {
    listener: UnixListener,
    file: LocalSocketFile,
}

/// The file of a socket, removed when this is dropped, unless another server has put its own there.
#[derive(Debug)]
pub struct LocalSocketFile {
    path: PathBuf,
    /// Device and inode.
    id: (u64, u64),
}

impl LocalSocket {
    /// Binds the socket, which only its owner may connect to. One that another process has left there is replaced.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let draft = path.with_extension(format!("{}.new", std::process::id()));
        let _ = fs::remove_file(&draft);
        let listener = UnixListener::bind(&draft)?;
        // It gets its name when nobody else may use it any more.
        let named = fs::set_permissions(&draft, fs::Permissions::from_mode(0o600))
            .and_then(|()| fs::symlink_metadata(&draft))
            .and_then(|found| fs::rename(&draft, path).map(|()| found));
        let found = named.inspect_err(|_| drop(fs::remove_file(&draft)))?;
        let file = LocalSocketFile { path: path.to_owned(), id: (found.dev(), found.ino()) };
        Ok(Self { listener, file })
    }

    /// Serves the local interface until `stop` is cancelled; connections run in `tasks`. The file stays for as long as
    /// what is returned.
    pub fn serve(self, app: &Arc<App>, stop: CancellationToken, tasks: &TaskTracker) -> io::Result<LocalSocketFile> {
        let service = admin::local_service(app).map_err(io::Error::other)?;
        let Self { listener, file } = self;
        let connections = tasks.clone();
        tasks.spawn(async move {
            let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
            while let Some(Ok(place)) = stop.run_until_cancelled(places.clone().acquire_owned()).await {
                match stop.run_until_cancelled(listener.accept()).await {
                    Some(Ok((stream, _))) => {
                        let (service, stop) = (service.clone(), stop.clone());
                        connections.spawn(async move {
                            admit(stream, service, stop).await;
                            drop(place);
                        });
                    }
                    Some(Err(error)) => {
                        tracing::debug!(error = %error, "cannot accept a connection of the local interface");
                        tokio::time::sleep(ACCEPT_RETRY).await;
                    }
                    None => return,
                }
            }
        });
        Ok(file)
    }
}

impl Drop for LocalSocketFile {
    fn drop(&mut self) {
        let is_own = fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.id);
        if is_own {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Serves a connection of the server's own user or of the superuser, and refuses that of anybody else.
async fn admit(stream: UnixStream, service: Service, stop: CancellationToken) {
    let user = stream.peer_cred().map(|peer| LocalUser(peer.uid()));
    match user {
        Ok(user) if user.0 == 0 || user.0 == own_user().0 => serve(stream, user, service, stop).await,
        _ => {
            let refuse = hyper::service::service_fn(async |_: http::Request<hyper::body::Incoming>| {
                let refused = ApiError::Forbidden("only the user that the server runs as, and root, may use this");
                let mut refused = refused.into_response();
                request_id::put(&RequestId::random(), &mut refused);
                Ok::<_, std::convert::Infallible>(refused)
            });
            let refusing = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), refuse);
            let _ = stop.run_until_cancelled(refusing).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_its_owners_and_is_removed_only_while_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin.sock");
        fs::write(&path, "left behind").unwrap();
        let first = LocalSocket::bind(&path).unwrap();
        assert_eq!(fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let second = LocalSocket::bind(&path).unwrap();
        drop(first);
        assert!(path.exists(), "it is another server's now");
        drop(second);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
