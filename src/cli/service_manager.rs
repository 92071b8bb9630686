//! What a service manager such as systemd hands to the server, and what it is told: `sd_listen_fds(3)`, `sd_notify(3)`.
//! Without one, nothing is inherited and nobody is told.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context as _, bail};
use fluent_backend::InheritedListeners;
use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::task::AbortHandle;

/// The name of the socket for clients, as `FileDescriptorName=` gives it. A socket that is alone needs none.
const PUBLIC: &str = "public";
/// The name of the socket for operators.
const ADMIN: &str = "admin";
/// By how much each word during the start moves the end of the manager's patience, `TimeoutStartSec=`: migrations of a
/// large database take longer.
const START_PATIENCE: Duration = Duration::from_mins(1);
/// How often that is said.
const START_WORDS: Duration = Duration::from_secs(20);
/// What a stop may take beyond the drain window: the last batches, and closing the database.
const STOP_RESERVE: Duration = Duration::from_secs(20);

/// Takes the listening sockets that were handed to this process. To be called before other threads run, since it
/// removes the variables that name the sockets.
pub(crate) fn inherited() -> anyhow::Result<InheritedListeners> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut handed = ListenFd::from_env();
    let mut listeners = InheritedListeners::default();
    for (index, name) in names_of(&names, handed.len()).into_iter().enumerate() {
        let place = match name {
            PUBLIC => &mut listeners.public,
            ADMIN => &mut listeners.admin,
            other => bail!(
                "the service manager hands over a socket named {other:?}: \
                 set FileDescriptorName= in the socket's unit to `{PUBLIC}` or `{ADMIN}`"
            ),
        };
        let socket: Option<TcpListener> = handed
            .take_tcp_listener(index)
            .with_context(|| format!("the inherited socket `{name}` is not one that listens for TCP"))?;
        if std::mem::replace(place, socket).is_some() {
            bail!("the service manager hands over two sockets named `{name}`: one is expected");
        }
    }
    Ok(listeners)
}

/// Returns the names of so many sockets. One that is alone is for clients unless it is called `admin`, since systemd
/// names it by its unit.
fn names_of(names: &str, count: usize) -> Vec<&str> {
    let given = names.split(':').filter(|_| !names.is_empty());
    let padded = given.chain(std::iter::repeat("unknown")).take(count);
    match padded.collect::<Vec<_>>().as_slice() {
        [alone] if *alone != ADMIN => vec![PUBLIC],
        several => several.to_vec(),
    }
}

/// Says that the server is starting, again and again until dropped, so that a long migration is not taken for a hang.
pub(crate) struct Starting(AbortHandle);

impl Starting {
    /// Begins to say it.
    pub(crate) fn begin() -> Self {
        let saying = async {
            let mut words = tokio::time::interval(START_WORDS);
            loop {
                words.tick().await;
                notify_manager(&[NotifyState::ExtendTimeoutUsec(micros(START_PATIENCE))]);
            }
        };
        Self(tokio::spawn(saying).abort_handle())
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Says that the server serves.
pub(crate) fn say_ready(status: &str) {
    notify_manager(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Says in a line what the server does.
pub(crate) fn say_status(status: &str) {
    notify_manager(&[NotifyState::Status(status)]);
}

/// Says that files are read anew, until [`say_ready`].
pub(crate) fn say_reloading() {
    // systemd refuses the word without the time; without a clock there is no reload to speak of.
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        notify_manager(&[NotifyState::Reloading, now]);
    }
}

/// Says that the server stops, and how long that may take.
pub(crate) fn say_stopping(window: Duration) {
    let patience = micros(window.saturating_add(STOP_RESERVE));
    notify_manager(&[
        NotifyState::Stopping,
        NotifyState::ExtendTimeoutUsec(patience),
        NotifyState::Status("stopping: sockets are closed, messages are written"),
    ]);
}

/// Returns how long the manager waits for a sign of life before it restarts the server; none when it does not wait.
pub(crate) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// Gives a sign of life.
pub(crate) fn vouch() {
    notify_manager(&[NotifyState::Watchdog]);
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

fn notify_manager(words: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(words) {
        tracing::debug!(%error, "the service manager was not reached");
    }
}

#[cfg(test)]
mod tests {
    use super::names_of;

    #[test]
    fn a_socket_alone_is_for_clients_and_several_have_names() {
        assert_eq!(names_of("", 0), Vec::<&str>::new());
        assert_eq!(names_of("", 1), ["public"]);
        assert_eq!(names_of("fluent-backend.socket", 1), ["public"]);
        assert_eq!(names_of("admin", 1), ["admin"]);
        assert_eq!(names_of("admin:public", 2), ["admin", "public"]);
        assert_eq!(names_of("public", 2), ["public", "unknown"]);
    }
}
