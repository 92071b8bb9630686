//! Requests that change messages: handed to the writer like a socket's frames, and waited for.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::app::App;
use super::error::ApiError;
use crate::actors::Turn;
use crate::auth::ClientAddress;
use crate::domain::{Answer, Command, Proof, UserId};

/// Longest wait for one's turn.
const TURN: Duration = Duration::from_secs(3);
/// How often a password is checked anew.
const TRIES: usize = 3;

impl App {
    /// Carries out a command. Once it is handed over it is carried out even when the client goes away.
    pub(super) async fn carry_out(&self, command: Command) -> Result<Answer, ApiError> {
        let turn = self.turn().await?;
        Ok(self.persistence.ask(command, turn).await?)
    }

    /// Carries out what only the password allows. When its hash is replaced between the check and the deed — it may be one of the same
    /// password — the password is checked anew.
    pub(super) async fn carry_out_proved(
        &self,
        user: UserId,
        password: SecretString,
        address: Option<ClientAddress>,
        command: impl Fn(Proof) -> Command,
    ) -> Result<Answer, ApiError> {
        for _ in 0..TRIES {
            let proof = self.auth.check_password(user, password.clone()).await;
            self.note_guess(address, &proof);
            match self.carry_out(command(proof?)).await {
                Err(error) if error.is_forbidden() => {}
                done => return done,
            }
        }
        Err(ApiError::Unavailable)
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
