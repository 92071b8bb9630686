//! Requests that change messages: handed to the writer like a socket's frames, and waited for.

use std::time::Duration;

use super::app::App;
use super::error::ApiError;
use crate::domain::{Answer, Command};

/// Longest wait for one's turn.
const TURN: Duration = Duration::from_secs(3);

impl App {
    /// Carries out a command. It is carried out even when the client goes away meanwhile.
    pub(super) async fn carry_out(&self, command: Command) -> Result<Answer, ApiError> {
        // Closed by nobody; too many that wait are an overload.
        let turn = tokio::time::timeout(TURN, self.commands.acquire()).await;
        let _turn = turn.ok().and_then(Result::ok).ok_or(ApiError::Unavailable)?;
        Ok(self.persistence.ask(command).await?)
    }
}
