//! Requests that change messages: handed to the writer like a socket's frames, and waited for.

use std::sync::Arc;
use std::time::Duration;

use super::app::App;
use super::error::ApiError;
use crate::actors::Turn;
use crate::domain::{Answer, Command};

/// Longest wait for one's turn.
const TURN: Duration = Duration::from_secs(3);

impl App {
    /// Carries out a command. Once it is handed over it is carried out even when the client goes away.
    pub(super) async fn carry_out(&self, command: Command) -> Result<Answer, ApiError> {
        let turn = self.turn().await?;
        Ok(self.persistence.ask(command, turn).await?)
    }

    /// Carries out commands that are handed over together, so that the writer merges what it can.
    pub(super) async fn carry_out_all(
        &self,
        commands: Vec<Command>,
    ) -> Result<Vec<Result<Answer, ApiError>>, ApiError> {
        let turn = self.turn().await?;
        let asked = commands.into_iter().map(|command| self.persistence.ask(command, turn.clone()));
        let answers = futures_util::future::join_all(asked).await;
        Ok(answers.into_iter().map(|answer| answer.map_err(ApiError::from)).collect())
    }

    /// Carries out a command that nobody waits for, unless too many others wait.
    pub(super) fn carry_out_if_idle(&self, command: Command) {
        if let Ok(turn) = self.commands.clone().try_acquire_owned() {
            self.persistence.tell(command, Arc::new(turn));
        }
    }

    async fn turn(&self) -> Result<Turn, ApiError> {
        // Closed by nobody; too many that wait are an overload.
        let turn = tokio::time::timeout(TURN, self.commands.clone().acquire_owned()).await;
        turn.ok().and_then(Result::ok).map(Arc::new).ok_or(ApiError::Unavailable)
    }
}
