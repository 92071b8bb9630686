//! Why a command was not carried out, as an exit code and a text.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Value, json};

/// Why a command was not carried out.
#[derive(Debug)]
pub(in crate::cli) enum Failure {
    /// The server has refused it, or has not found what it names.
    Refused {
        /// Its status.
        status: u16,
        /// Its answer: `application/problem+json`.
        problem: Value,
    },
    /// Neither a server nor its store is reached.
    Unreachable(String),
    /// This user may not use the server's socket or its files.
    NotAllowed(String),
}

impl Failure {
    /// Returns the exit code: 1 refused or not found, 3 not reachable, 4 not allowed.
    pub(in crate::cli) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused { status: 401 | 403, .. } | Self::NotAllowed(_) => 4,
            Self::Refused { .. } => 1,
            Self::Unreachable(_) => 3,
        })
    }

    /// Returns it for programs, in the form of the API's refusals.
    pub(in crate::cli) fn json(&self) -> Value {
        match self {
            Self::Refused { problem, .. } => problem.clone(),
            Self::Unreachable(detail) => json!({"code": "unreachable", "detail": detail}),
            Self::NotAllowed(detail) => json!({"code": "not_allowed", "detail": detail}),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, problem } => match problem["detail"].as_str() {
                Some(detail) => f.write_str(detail),
                None => write!(f, "the server has answered with the status {status}"),
            },
            Self::Unreachable(detail) | Self::NotAllowed(detail) => f.write_str(detail),
        }
    }
}
