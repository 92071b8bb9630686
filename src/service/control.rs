//! What operators ask of the process itself: to stop, and to read its files anew.

use std::sync::OnceLock;

use futures_util::future::BoxFuture;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// What operators ask of the process.
#[derive(Default)]
pub struct Control {
    stop: CancellationToken,
    files: OnceLock<Box<dyn Reload>>,
}

/// The files that may change while a server runs.
pub trait Reload: Send + Sync {
    /// Reads them anew, and returns what has come of it.
    fn reload(&self) -> BoxFuture<'_, Reloaded>;
}

/// What has come of reading files anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reloaded {
    /// What was read, each with its outcome.
    pub parts: Vec<ReloadedPart>,
    /// The settings whose values in the configuration are others than those in use: they hold from the next start on.
    pub needs_restart: Vec<String>,
    /// Why the configuration could not be read anew, for people: with it no server would start.
    pub config_error: Option<String>,
}

/// A part of what was read anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReloadedPart {
    /// Its name: `token_keys`, `push`, `address_rules`, or `certificate`.
    pub name: &'static str,
    /// What has come of it.
    pub outcome: Outcome,
    /// Why it could not be used, for people: what was there before stays in use.
    pub reason: Option<String>,
}

/// What has come of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is as it was.
    Unchanged,
    /// Something else is in use now.
    Changed,
    /// What is there cannot be used.
    Failed,
}

impl ReloadedPart {
    /// A part of which something else is in use now, or not, or that could not be used.
    pub fn new(name: &'static str, read: Result<bool, impl ToString>) -> Self {
        let (outcome, reason) = match read {
            Ok(false) => (Outcome::Unchanged, None),
            Ok(true) => (Outcome::Changed, None),
            Err(error) => (Outcome::Failed, Some(error.to_string())),
        };
        Self { name, outcome, reason }
    }
}

impl Control {
    /// Has the files read by `files` from now on.
    pub fn reload_by(&self, files: Box<dyn Reload>) {
        // Once, at the start of the server.
        let _ = self.files.set(files);
    }

    /// Reads the files anew; returns `None` where there are none, as while no server runs.
    pub async fn reload(&self) -> Option<Reloaded> {
        Some(self.files.get()?.reload().await)
    }

    /// Asks for the stop of the process, in order.
    pub fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    /// Waits until somebody has asked for the stop.
    pub async fn stop_is_asked(&self) {
        self.stop.cancelled().await;
    }
}
