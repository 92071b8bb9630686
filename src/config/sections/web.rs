//! `[web]`: the web client.

use serde::{Deserialize, Serialize};

/// `[web]`: the web client.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Web {
    /// Whether it is served.
    pub enabled: bool,
}
