//! Commands that come from no socket: handed to the writer as a socket's frames are, and waited for.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tracing::Instrument as _;

use super::{Service, ServiceError};
use crate::actors::RequestPermit;
use crate::auth::ClientAddress;
use crate::domain::{Answer, Command, Proof, UserId};

/// Requests whose commands may wait for the writer at once. A request brings at most 257 commands and
/// `http.max_body_bytes`.
pub(super) const MAX_COMMANDS: usize = 256;
/// Longest wait for a permit.
const PERMIT_TIMEOUT: Duration = Duration::from_secs(3);
/// How often a password is checked anew.
const TRIES: usize = 3;

/// Runs `work` to its end even when the caller stops waiting: what is stored must also be acted on.
pub(super) async fn uninterrupted<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, ServiceError> {
    tokio::spawn(work.in_current_span()).await.map_err(|error| ServiceError::Internal(error.to_string()))
}

/// The error for an answer that the command cannot have.
pub(super) fn unexpected(answer: &Answer) -> ServiceError {
    ServiceError::Internal(format!("the writer returned an answer of another command: {answer:?}"))
}

impl Service {
    /// Carries out a command. Once it is handed over it is carried out even when the caller stops waiting.
    pub(super) async fn carry_out(&self, command: Command) -> Result<Answer, ServiceError> {
        let permit = self.permit().await?;
        Ok(self.persistence.ask(command, permit).await?)
    }

    /// Carries out a command that only the password allows. When the password's hash is replaced between the check and
    /// the command, perhaps by one of the same password, the password is checked anew.
    pub(super) async fn carry_out_proved(
        &self,
        user: UserId,
        password: SecretString,
        address: Option<ClientAddress>,
        command: impl Fn(Proof) -> Command,
    ) -> Result<Answer, ServiceError> {
        for _ in 0..TRIES {
            let proof = self.auth.check_password(user, password.clone()).await;
            self.count_wrong_password(address, &proof);
            match self.carry_out(command(proof?)).await {
                Err(error) if error.is_forbidden() => {}
                done => return done,
            }
        }
        Err(ServiceError::Overloaded)
    }

    /// Carries out commands that are handed over together, so that the writer merges what it can. Returns one result a
    /// command, in their order.
    pub(super) async fn carry_out_all(
        &self,
        commands: Vec<Command>,
    ) -> Result<Vec<Result<Answer, ServiceError>>, ServiceError> {
        let permit = self.permit().await?;
        let asked = commands.into_iter().map(|command| self.persistence.ask(command, permit.clone()));
        let answers = futures_util::future::join_all(asked).await;
        Ok(answers.into_iter().map(|answer| answer.map_err(ServiceError::from)).collect())
    }

    /// Carries out a command whose outcome is not waited for, unless too many others wait.
    pub(super) fn carry_out_if_idle(&self, command: Command) {
        if let Ok(permit) = self.commands.clone().try_acquire_owned() {
            self.persistence.tell(command, Arc::new(permit));
        }
    }

    async fn permit(&self) -> Result<RequestPermit, ServiceError> {
        // The semaphore is never closed: an error means an overload.
        let permit = tokio::time::timeout(PERMIT_TIMEOUT, self.commands.clone().acquire_owned()).await;
        permit.ok().and_then(Result::ok).map(Arc::new).ok_or(ServiceError::Overloaded)
    }
}
