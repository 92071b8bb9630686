//! A view of a running server for threads outside the runtime, which may be stuck.

use std::sync::{Arc, Weak};

use crate::actors::Health;
use crate::http::App;

/// What a thread of its own can see of a running server. It keeps nothing of the server alive but counters.
#[derive(Clone)]
pub struct ServerWatch {
    app: Weak<App>,
    health: Arc<Health>,
}

impl ServerWatch {
    pub(super) fn new(app: &Arc<App>, health: Arc<Health>) -> Self {
        Self { app: Arc::downgrade(app), health }
    }

    /// Returns whether the server does its work: the runtime runs tasks, and those actors run, and do not stand still,
    /// without which no message is stored or delivered.
    #[must_use]
    pub fn works(&self) -> bool {
        self.health.works()
    }

    /// Returns whether the server is stopping.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.health.is_draining()
    }

    /// Returns how many sockets are open.
    #[must_use]
    pub fn open_sockets(&self) -> usize {
        self.app.upgrade().map_or(0, |app| app.sockets.count())
    }
}
