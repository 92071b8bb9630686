//! Metrics of the listeners.

use metrics::{Counter, Gauge, counter, gauge};

use super::names;

/// The listeners, as the label `listener`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerKind {
    /// The listener for clients.
    Public,
    /// The listener for operators.
    Admin,
}

impl ListenerKind {
    /// Both, in the order of their discriminants.
    pub const ALL: [Self; 2] = [Self::Public, Self::Admin];

    /// Returns the label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Admin => "admin",
        }
    }
}

/// Metrics of one listener.
pub struct ListenerMetrics {
    /// Connections that have a place.
    pub open: Gauge,
    /// Connections that were closed to make room for a newcomer.
    pub evicted: Counter,
    /// Newcomers that were refused because no connection could be closed for them.
    pub full: Counter,
    /// Connections that were refused because their address has too many.
    pub too_many: Counter,
    /// Connections from blocked networks that were closed because others are being refused already.
    pub banned: Counter,
    /// Connections that were closed because no trusted proxy has said whose they are.
    pub proxy_header: Counter,
}

impl ListenerMetrics {
    /// Makes the series of this listener, at zero, so that they exist before their first event.
    pub(super) fn new(listener: ListenerKind) -> Self {
        let listener = listener.as_str();
        let refused = |reason: &'static str| counter!(names::REFUSED, "listener" => listener, "reason" => reason);
        let made = Self {
            open: gauge!(names::CONNECTIONS, "listener" => listener),
            evicted: counter!(names::EVICTED, "listener" => listener),
            full: refused("full"),
            too_many: refused("address"),
            banned: refused("banned"),
            proxy_header: refused("proxy_header"),
        };
        made.open.set(0.0);
        for counter in [&made.evicted, &made.full, &made.too_many, &made.banned, &made.proxy_header] {
            counter.increment(0);
        }
        made
    }
}
