//! The second factor of the user who asks: switching it on and off, and its recovery codes.

use secrecy::SecretString;

use super::{Service, ServiceError};
use crate::auth::{AuthError, Enrolment, FactorState};
use crate::domain::{AuditEvent, ClientAddress, Proof, RightCode, UserId};

/// How often a password is checked anew, because its hash was replaced meanwhile.
const TRIES: usize = 3;

impl Service {
    /// Returns whether the second factor of a user is on.
    pub async fn factor_state(&self, user: UserId) -> Result<FactorState, ServiceError> {
        Ok(self.auth.factor_state(user).await?)
    }

    /// Makes a secret for the user's app. `address` is the one that a wrong password is counted for.
    pub async fn begin_factor(
        &self,
        user: UserId,
        password: SecretString,
        address: Option<ClientAddress>,
    ) -> Result<Enrolment, ServiceError> {
        let begin = |proof: Proof| async move { self.auth.begin_factor(user, &proof).await };
        self.with_proof(user, password, address, begin).await
    }

    /// Switches the second factor on with its first code, and returns the recovery codes.
    pub async fn confirm_factor(
        &self,
        user: UserId,
        code: &str,
        address: Option<ClientAddress>,
    ) -> Result<Vec<String>, ServiceError> {
        let codes = self.auth.confirm_factor(user, code).await?;
        self.audit.record(Self::audited(AuditEvent::SecondFactorOn, user, address));
        Ok(codes)
    }

    /// Replaces the recovery codes, and returns the new ones.
    pub async fn replace_recovery_codes(
        &self,
        user: UserId,
        (password, code): (SecretString, Option<String>),
        address: Option<ClientAddress>,
    ) -> Result<Vec<String>, ServiceError> {
        let code = code.as_deref();
        let replace = |proof: Proof| async move {
            let code = self.needed_code(user, code).await?;
            self.auth.replace_recovery_codes(user, &proof, code).await
        };
        self.with_proof(user, password, address, replace).await
    }

    /// Switches the second factor off.
    pub async fn remove_factor(
        &self,
        user: UserId,
        (password, code): (SecretString, Option<String>),
        address: Option<ClientAddress>,
    ) -> Result<(), ServiceError> {
        let code = code.as_deref();
        let remove = |proof: Proof| async move {
            let code = self.needed_code(user, code).await?;
            self.auth.remove_factor(user, &proof, code).await
        };
        self.with_proof(user, password, address, remove).await?;
        self.audit.record(Self::audited(AuditEvent::SecondFactorOff, user, address));
        Ok(())
    }

    /// Returns the code, which must be right. [`AuthError::NoFactor`] when the factor is off.
    async fn needed_code(&self, user: UserId, code: Option<&str>) -> Result<RightCode, AuthError> {
        self.auth.check_code(user, code).await?.ok_or(AuthError::NoFactor)
    }

    /// Carries out what the password allows; `act` returns `None` when the password was replaced meanwhile.
    async fn with_proof<T, F>(
        &self,
        user: UserId,
        password: SecretString,
        address: Option<ClientAddress>,
        act: impl Fn(Proof) -> F,
    ) -> Result<T, ServiceError>
    where
        F: Future<Output = Result<Option<T>, AuthError>>,
    {
        self.auth.limit_password(user, address)?;
        for _ in 0..TRIES {
            let proof = self.auth.check_password(user, password.clone(), address).await;
            self.count_wrong_password(address, &proof);
            let proof = proof?;
            self.auth.password_was_right(address);
            if let Some(done) = act(proof).await? {
                return Ok(done);
            }
        }
        Err(ServiceError::Overloaded)
    }
}
