//! Accounts: registration, the public key, and deletion.

use std::sync::Arc;

use secrecy::SecretString;

use super::commands::{unexpected, uninterrupted};
use super::{Service, ServiceError};
use crate::auth::{Access, AuthError, ClientAddress};
use crate::domain::{Answer, Authority, Command, NewAccount, PublicKey, UserId};
use crate::protocol::LoginEnd;

impl Service {
    /// Makes an account. [`AuthError::Taken`] when its name, one that looks like it, or its address belongs to another.
    pub async fn register(self: &Arc<Self>, account: NewAccount) -> Result<UserId, ServiceError> {
        let service = self.clone();
        // To its end, also when the caller stops waiting: a hang-up must not be a way to ask who has an account.
        let registered = uninterrupted(async move { service.auth.register(account).await }).await?;
        if let Err(AuthError::Taken) = registered {
            tracing::info!("a registration was refused: the name or the address is taken");
        }
        let user = registered?;
        tracing::info!(user.id = user.0, "registered");
        Ok(user)
    }

    /// Replaces the public key of the user who is signed in as `access`, and returns the new key's name. Without a
    /// password the login must have begun not long ago, else [`ServiceError::PasswordNeeded`].
    pub async fn set_key(
        &self,
        access: Access,
        key: PublicKey,
        password: Option<SecretString>,
        address: Option<ClientAddress>,
    ) -> Result<String, ServiceError> {
        let user = access.user;
        let command = |authority| Command::SetKey { user, key: key.clone(), authority };
        let answer = match password {
            Some(password) => {
                let proved = |proof| command(Authority::Password(proof));
                self.carry_out_proved(user, password, address, proved).await?
            }
            None => self
                .carry_out(command(self.auth.fresh_login(access)))
                .await
                .map_err(|error| if error.is_forbidden() { ServiceError::PasswordNeeded } else { error })?,
        };
        match answer {
            Answer::KeySet { key_id } => Ok(key_id),
            other => Err(unexpected(&other)),
        }
    }

    /// Deletes an account with all its conversations, refuses its tokens and closes its sockets. `address` is the one
    /// that a wrong password is counted for.
    pub async fn delete_account(
        self: &Arc<Self>,
        user: UserId,
        password: SecretString,
        address: Option<ClientAddress>,
    ) -> Result<(), ServiceError> {
        let service = self.clone();
        uninterrupted(async move { service.delete_to_the_end(user, password, address).await }).await?
    }

    async fn delete_to_the_end(
        &self,
        user: UserId,
        password: SecretString,
        address: Option<ClientAddress>,
    ) -> Result<(), ServiceError> {
        let until = self.auth.access().last_expiry();
        let delete = |proof| Command::DeleteAccount { user, proof, until };
        if let Err(error) = self.carry_out_proved(user, password, address, delete).await {
            let is_refused = error.is_forbidden() || matches!(error, ServiceError::Auth(AuthError::WrongPassword));
            // After other errors the account may be gone nevertheless.
            if is_refused || self.storage.user(user).await?.is_some() {
                return Err(error);
            }
        }
        self.auth.access().end_user(user, until);
        self.registry.end_user(user, LoginEnd::Deleted);
        self.presence.reconsider(user, None);
        Ok(())
    }
}
