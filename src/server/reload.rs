//! The files that may change while the server runs: at SIGHUP, and when an operator asks for it, they are read anew.

use std::sync::{Arc, Weak};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::keys;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::{App, Tls};
use crate::push::{ProviderState, Sender};
use crate::service::{Outcome, Reload, Reloaded, ReloadedPart};

/// The files of a running server.
pub(super) struct ServerFiles {
    /// It has this itself.
    app: Weak<App>,
    sender: Arc<dyn Sender>,
    tls: Option<Arc<Tls>>,
    clock: Clock,
}

impl ServerFiles {
    pub(super) fn new(app: &Arc<App>, sender: Arc<dyn Sender>, tls: Option<Arc<Tls>>) -> Self {
        Self { app: Arc::downgrade(app), sender, tls, clock: app.clock.clone() }
    }

    async fn read(&self) -> Reloaded {
        let Some(app) = self.app.upgrade() else { return Reloaded::default() };
        let mut parts = vec![
            ReloadedPart::new("token_keys", keys::look(&app, true).await),
            ReloadedPart::new("push", Ok::<_, String>(self.try_push_again())),
            ReloadedPart::new("address_rules", app.address_rules.read(&app.storage).await),
        ];
        app.close_banned_sockets();
        if let Some(tls) = &self.tls {
            parts.push(ReloadedPart::new("certificate", tls.look(true).await));
        }
        let config = app.clone();
        // Files may be on a slow disk.
        let read = tokio::task::spawn_blocking(move || changed_settings(&config.config)).await;
        let (needs_restart, config_error) = match read.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(settings) => (settings, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let reloaded = Reloaded { parts, needs_restart, config_error };
        log(&reloaded);
        reloaded
    }

    /// Tries providers again that were stopped, since their configuration may be right now. Returns whether there were
    /// any.
    fn try_push_again(&self) -> bool {
        let status = self.sender.status(self.clock.now());
        self.sender.reset();
        status.iter().any(|provider| provider.is_configured && provider.state == ProviderState::Stopped)
    }
}

impl Reload for ServerFiles {
    fn reload(&self) -> BoxFuture<'_, Reloaded> {
        self.read().boxed()
    }
}

fn changed_settings(config: &Config) -> Result<Vec<String>, String> {
    config.changed_since().map_err(|error| error.to_string())
}

/// Logs what has come of reading files anew.
fn log(reloaded: &Reloaded) {
    let with = |outcome| reloaded.parts.iter().filter(move |part| part.outcome == outcome).map(|part| part.name);
    let named = |outcome| with(outcome).collect::<Vec<_>>().join(", ");
    let (changed, failed) = (named(Outcome::Changed), named(Outcome::Failed));
    tracing::info!(changed, failed, "the files that may change were read anew");
    if !reloaded.needs_restart.is_empty() {
        let settings = reloaded.needs_restart.join(", ");
        tracing::warn!(settings, "the configuration has other values than those in use: they need a restart");
    }
    if let Some(error) = &reloaded.config_error {
        tracing::error!(error, "the configuration cannot be read: with it no server would start");
    }
}
