//! What operators do to accounts. All logins of the account end by it: their tokens are refused, their sockets closed.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Value, json};

use super::commands::uninterrupted;
use super::{Service, ServiceError};
use crate::auth::AuthError;
use crate::clock::random_bytes;
use crate::domain::{
    AccountChange, AccountState, AuditEvent, LoginEnd, NewAuditEntry, Operator, Password, Proof, UserId, WhichLogins,
};

/// The characters of a password that the server makes: none looks like another. A power of two of them.
const CHARACTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of such a password: 80 bits.
const PASSWORD_CHARS: usize = 16;
/// How often a deletion is tried while the password keeps being replaced.
const DELETE_TRIES: usize = 3;

impl Service {
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

    /// Ends logins of an account with their tokens and sockets, and returns how many had not ended before.
    /// [`ServiceError::NoSuchLogin`] when the one that is named is none of the account's, or has ended before.
    pub async fn end_logins_of(
        self: &Arc<Self>,
        user: UserId,
        which: WhichLogins,
        by: Operator,
    ) -> Result<usize, ServiceError> {
        let service = self.clone();
        let ending = async move {
            service.account_state(user).await?;
            let ended = service.end_now(user, which, None, LoginEnd::Revoked).await?;
            let detail = match which {
                WhichLogins::Only(_) if ended == 0 => return Err(ServiceError::NoSuchLogin),
                WhichLogins::Only(login) => json!({"session": login, "by": by}),
                _ => json!({"sessions": ended, "by": by}),
            };
            service.note_with(AuditEvent::SessionEnded, user, by, detail).await?;
            Ok(ended)
        };
        uninterrupted(ending).await?
    }

    /// Deletes an account with all its conversations and files, as its owner would, without the password.
    pub async fn delete_account_of(self: &Arc<Self>, user: UserId, by: Operator) -> Result<(), ServiceError> {
        let service = self.clone();
        let deleting = async move {
            for _ in 0..DELETE_TRIES {
                let hash = service.storage.password_hash(user).await?.ok_or(ServiceError::NoSuchUser)?;
                match service.delete_proved_or_gone(user, Proof::of(hash)).await {
                    // The password was replaced meanwhile.
                    Err(error) if error.is_forbidden() => {}
                    Err(error) => return Err(error),
                    // Who it was is not kept.
                    Ok(()) => return service.note(AuditEvent::AccountDeleted, user, by).await,
                }
            }
            Err(ServiceError::Overloaded)
        };
        uninterrupted(deleting).await?
    }

    /// Returns the e-mail address of an account, which is recorded first.
    pub async fn reveal_email(&self, user: UserId, by: Operator) -> Result<String, ServiceError> {
        let email = self.storage.email(user).await?.ok_or(ServiceError::NoSuchUser)?;
        let detail = json!({"action": "reveal_email", "by": by});
        self.note_with(AuditEvent::AdminAction, user, by, detail).await?;
        Ok(email)
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
        self.note_with(event, user, by, json!({"by": by})).await
    }

    async fn note_with(
        &self,
        event: AuditEvent,
        user: UserId,
        by: Operator,
        detail: Value,
    ) -> Result<(), ServiceError> {
        tracing::info!(user.id = %user, ?by, event = event.as_str(), "an operator has looked after an account");
        self.audit.record_now(NewAuditEntry::of_operator(event, by).about(user).with(detail)).await
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
