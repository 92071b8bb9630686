//! `[registration]`: who may make an account.

use serde::{Deserialize, Serialize};

use crate::domain::RegistrationMode;

/// `[registration]`: who may make an account.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Who may register, until an operator switches it.
    pub mode: RegistrationMode,
    /// Whether an e-mail address is good for one account only.
    pub unique_email: bool,
}
