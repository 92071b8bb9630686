//! Metrics of sockets.

use metrics::{counter, gauge};

use super::level::{Level, Total};
use super::names;

/// The close codes that are told apart, as the label `code`: those of RFC 6455 and its registry, and those of
/// `fluent.v1`. All others, which clients make up, are `other`.
pub const CLOSE_CODES: [(u16, &str); 19] = [
    (1000, "1000"),
    (1001, "1001"),
    (1002, "1002"),
    (1003, "1003"),
    (1004, "1004"),
    (1005, "1005"),
    (1006, "1006"),
    (1007, "1007"),
    (1008, "1008"),
    (1009, "1009"),
    (1010, "1010"),
    (1011, "1011"),
    (1012, "1012"),
    (1013, "1013"),
    (1014, "1014"),
    (1015, "1015"),
    (4001, "4001"),
    (4002, "4002"),
    (4003, "4003"),
];
/// The label of all other codes.
const OTHER_CODE: &str = "other";

/// What a socket speaks, and in which mode: the labels `dialect` and `mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    /// The dialect of the shipped Android app.
    Legacy,
    /// `fluent.v1`, of an app that somebody looks at.
    V1,
    /// `fluent.v1`, of an app that does not make its user online.
    Background,
}

impl SocketKind {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 3] = [Self::Legacy, Self::V1, Self::Background];

    /// Returns the value of the label `dialect`.
    #[must_use]
    pub const fn dialect(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::V1 | Self::Background => "v1",
        }
    }

    /// Returns the value of the label `mode`.
    #[must_use]
    pub const fn mode(self) -> &'static str {
        match self {
            Self::Legacy | Self::V1 => "foreground",
            Self::Background => "background",
        }
    }
}

/// Metrics of the open sockets.
pub struct SocketMetrics {
    open: [Level; SocketKind::ALL.len()],
    /// By the codes of [`CLOSE_CODES`], and at the end all others.
    closed: Vec<Total>,
}

impl SocketMetrics {
    /// Makes the series, at zero, so that they exist before their first event.
    pub(super) fn new() -> Self {
        let open = |kind: SocketKind| gauge!(names::SOCKETS, "dialect" => kind.dialect(), "mode" => kind.mode());
        let closed = close_labels().map(|code| Total::new(counter!(names::SOCKETS_CLOSED, "code" => code))).collect();
        Self { open: SocketKind::ALL.map(|kind| Level::new(open(kind))), closed }
    }

    /// Makes the series of the errors with these codes, at zero.
    pub fn prepare_errors(&self, codes: impl IntoIterator<Item = &'static str>) {
        codes.into_iter().for_each(|code| counter!(names::FRAME_ERRORS, "code" => code).increment(0));
    }

    /// Returns how many sockets of a kind are open.
    #[must_use]
    pub fn open(&self, kind: SocketKind) -> &Level {
        &self.open[kind as usize]
    }

    /// Counts a socket that was closed with `code` (1006 when there was no closing handshake).
    pub fn closed(&self, code: u16) {
        let known = CLOSE_CODES.iter().position(|(known, _)| *known == code);
        if let Some(total) = self.closed.get(known.unwrap_or(CLOSE_CODES.len())) {
            total.add(1);
        }
    }

    /// Returns how many sockets were closed with each code, in the order of [`close_labels`].
    pub fn closed_by_code(&self) -> impl Iterator<Item = u64> + '_ {
        self.closed.iter().map(Total::get)
    }

    /// Counts a frame or a message that was refused with an error.
    pub fn refused(&self, code: &'static str) {
        counter!(names::FRAME_ERRORS, "code" => code).increment(1);
    }

    pub(super) fn publish(&self) {
        self.open.iter().for_each(Level::publish);
        self.closed.iter().for_each(Total::publish);
    }
}

/// Returns the values of the label `code`.
pub fn close_labels() -> impl Iterator<Item = &'static str> {
    CLOSE_CODES.iter().map(|(_, label)| *label).chain([OTHER_CODE])
}
