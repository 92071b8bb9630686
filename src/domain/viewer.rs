//! Who is shown something.

use super::UserId;

/// Who is shown messages and events: decides which copy of a message is shown, and what is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Viewer {
    /// The user.
    pub user: UserId,
}
