//! Second factors: a code beside the password.

use std::fmt;

use super::Timestamp;

/// Time for which a secret waits for its first code, in seconds.
pub const ENROLMENT_S: i64 = 600;
/// Time for which a login waits for its code, in seconds.
pub const CHALLENGE_S: i64 = 300;
/// Wrong codes after which a login that waits is over.
pub const CHALLENGE_TRIES: i32 = 5;
/// Recovery codes that an account gets at once.
pub const RECOVERY_CODES: usize = 10;

/// A second factor that is switched on.
#[derive(Clone)]
pub struct SecondFactor {
    /// The encrypted secret.
    pub sealed: Vec<u8>,
    /// The newest step of 30 seconds whose code was used.
    pub last_step: i64,
    /// When it was switched on.
    pub enrolled_at: Timestamp,
}

impl fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecondFactor").field("enrolled_at", &self.enrolled_at).finish_non_exhaustive()
    }
}

/// A code that is right at this moment, and is used up by what it allows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RightCode {
    /// Of the authenticator app, for this step.
    Step(i64),
    /// A recovery code, by its stored hash.
    Recovery([u8; 32]),
}

impl fmt::Debug for RightCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Step(_) => "Step(..)",
            Self::Recovery(_) => "Recovery(..)",
        })
    }
}

/// A login that waits for its code, to store: only its hash.
#[derive(Clone, Copy)]
pub struct NewChallenge {
    /// SHA-256 of what the client shows.
    pub hash: [u8; 32],
    /// SHA-256 of the password's hash that was right.
    pub proof: [u8; 32],
    /// When it is over.
    pub expires_at: Timestamp,
}
