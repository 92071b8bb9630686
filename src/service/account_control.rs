//! What operators do to accounts. All logins of the account end by it: their tokens are refused, their sockets closed.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::json;

use super::commands::uninterrupted;
use super::{Service, ServiceError};
use crate::auth::AuthError;
use crate::clock::random_bytes;
use crate::domain::{AccountChange, AccountState, AuditEvent, NewAuditEntry, Operator, Password, UserId};

/// The characters of a password that the server makes: none looks like another. A power of two of them.
const CHARACTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of such a password: 80 bits.
const PASSWORD_CHARS: usize = 16;

impl Service {
    /// Returns the account that signs in with this name.
    pub async fn account_named(&self, name: &str) -> Result<AccountState, ServiceError> {
        self.storage.account_named(name).await?.ok_or(ServiceError::NoSuchUser)
    }

    /// Returns an account as operators see it.
    pub async fn account_state(&self, user: UserId) -> Result<AccountState, ServiceError> {
        self.storage.account_state(user).await?.ok_or(ServiceError::NoSuchUser)
    }

    /// Disables an account, and ends its logins, or enables it. While it is disabled, a login is answered as one with a
    /// wrong password; messages to it are stored as ever.
    pub async fn set_disabled(
        self: &Arc<Self>,
        user: UserId,
        disabled: bool,
        by: Operator,
    ) -> Result<AccountState, ServiceError> {
        let service = self.clone();
        let setting = async move {
            let change = if disabled { AccountChange::Disable } else { AccountChange::Enable };
            if service.control(user, change).await? {
                let event = if disabled { AuditEvent::AccountDisabled } else { AuditEvent::AccountEnabled };
                service.note(event, user, by).await?;
            }
            service.account_state(user).await
        };
        uninterrupted(setting).await?
    }

    /// Gives an account a random password, which is returned and stored nowhere, and ends its logins.
    pub async fn reset_password(self: &Arc<Self>, user: UserId, by: Operator) -> Result<SecretString, ServiceError> {
        let service = self.clone();
        let resetting = async move {
            service.account_state(user).await?;
            let password = SecretString::from(random_password()?);
            let new = Password::parse(&password).map_err(AuthError::from)?;
            let hash = service.auth.hash_password(new, None).await?;
            service.control(user, AccountChange::ReplacePassword(hash)).await?;
            service.note(AuditEvent::PasswordChanged, user, by).await?;
            Ok(password)
        };
        uninterrupted(resetting).await?
    }

    /// Switches the second factor of an account off, and ends its logins. Returns whether it was on.
    pub async fn reset_second_factor(self: &Arc<Self>, user: UserId, by: Operator) -> Result<bool, ServiceError> {
        let service = self.clone();
        let resetting = async move {
            let was_on = service.account_state(user).await?.second_factor;
            service.control(user, AccountChange::RemoveSecondFactor).await?;
            if was_on {
                service.note(AuditEvent::SecondFactorOff, user, by).await?;
            }
            Ok(was_on)
        };
        uninterrupted(resetting).await?
    }

    /// Makes a change and ends the account's logins, both or neither. Returns whether it was otherwise before.
    async fn control(&self, user: UserId, change: AccountChange) -> Result<bool, ServiceError> {
        let (writer, permit) = self.writer.permitted().await?;
        writer.control_account(user, change, permit).await.map_err(|error| match ServiceError::of_login(error) {
            error if error.is_not_found() => ServiceError::NoSuchUser,
            error => error,
        })
    }

    async fn note(&self, event: AuditEvent, user: UserId, by: Operator) -> Result<(), ServiceError> {
        tracing::info!(user.id = %user, ?by, event = event.as_str(), "an operator has changed an account");
        let entry = NewAuditEntry::of_operator(event, by).about(user).with(json!({"by": by}));
        self.audit.record_now(entry).await
    }
}

/// Returns a random password.
fn random_password() -> Result<String, ServiceError> {
    let random = random_bytes::<PASSWORD_CHARS>().map_err(AuthError::from)?;
    let character = |byte: &u8| CHARACTERS.get(usize::from(byte & 31)).copied().unwrap_or(b'a');
    Ok(random.iter().map(character).map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_password_is_one_that_may_be_chosen() {
        for _ in 0..100 {
            let password = random_password().unwrap();
            assert_eq!(password.len(), PASSWORD_CHARS);
            assert!(Password::parse(&SecretString::from(password)).is_ok());
        }
    }
}
