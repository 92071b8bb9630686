//! Accounts: registration, the public key, and deletion.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::json;

use super::commands::{AskedCode, uninterrupted};
use super::{Service, ServiceError};
use crate::auth::{Access, AuthError};
use crate::clock::random_token;
use crate::domain::{
    AuditEvent, Authority, ClientAddress, InviteUse, Limiter, LoginEnd, NewAccount, Proof, PublicKey, UserId,
};

impl Service {
    /// Makes an account. [`AuthError::Taken`] when its name, one that looks like it, or its address belongs to another.
    ///
    /// [`ServiceError::InviteRequired`] when it needs an invite and has none that can be used.
    pub async fn register(
        self: &Arc<Self>,
        mut account: NewAccount,
        invite_use: InviteUse,
        address: Option<ClientAddress>,
    ) -> Result<UserId, ServiceError> {
        if invite_use.is_required && invite_use.invite.is_none() {
            return Err(ServiceError::InviteRequired);
        }
        if !self.registration.unique_email {
            let random = random_token().map_err(AuthError::from)?;
            account.email = account.email.shared(&random);
        }
        let service = self.clone();
        // To its end, also when the caller stops waiting: a hang-up must not be a way to ask who has an account.
        let registering = async move {
            let user = service.auth.register(account, invite_use, address).await?;
            service.audit.record(Self::audited(AuditEvent::Registered, user, address));
            if let Some(invite) = invite_use.invite {
                let entry = Self::audited(AuditEvent::InviteUsed, user, address);
                service.audit.record(entry.with(json!({"invite": invite})));
            }
            Ok(user)
        };
        let registered = uninterrupted(registering).await?;
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
        let set = |authority| self.set_key_by(user, key.clone(), authority);
        match password {
            Some(password) => {
                let set = |proof| set(Authority::Password(proof));
                self.proved(user, password, AskedCode::NotAsked, address, set).await
            }
            None => set(self.auth.fresh_login(access))
                .await
                .map_err(|error| if error.is_forbidden() { ServiceError::PasswordNeeded } else { error }),
        }
    }

    async fn set_key_by(&self, user: UserId, key: PublicKey, authority: Authority) -> Result<String, ServiceError> {
        // Each change is announced to all partners of the user.
        self.limiters.take(Limiter::KeyUser, user)?;
        let (writer, permit) = self.writer.permitted().await?;
        let set = writer.set_key(user, key, authority, permit).await;
        // What has changed nothing does not count.
        Ok(set.inspect_err(|_| self.limiters.give_back(Limiter::KeyUser, user))?)
    }

    /// Deletes an account with all its conversations, refuses its tokens and closes its sockets. `address` is the one
    /// that a wrong password is counted for.
    pub async fn delete_account(
        self: &Arc<Self>,
        user: UserId,
        password: SecretString,
        code: Option<String>,
        address: Option<ClientAddress>,
    ) -> Result<(), ServiceError> {
        let service = self.clone();
        uninterrupted(async move { service.delete_to_the_end(user, password, code, address).await }).await?
    }

    async fn delete_to_the_end(
        &self,
        user: UserId,
        password: SecretString,
        code: Option<String>,
        address: Option<ClientAddress>,
    ) -> Result<(), ServiceError> {
        self.delete_or_find_out(user, (password, code), address).await?;
        // Who it was is not kept.
        self.audit.record(Self::audited(AuditEvent::AccountDeleted, user, address));
        Ok(())
    }

    async fn delete_or_find_out(
        &self,
        user: UserId,
        (password, code): (SecretString, Option<String>),
        address: Option<ClientAddress>,
    ) -> Result<(), ServiceError> {
        let delete = |proof| self.delete_proved(user, proof);
        match self.proved(user, password, AskedCode::Asked(code), address, delete).await {
            Ok(()) => Ok(()),
            Err(error) => self.deleted_nevertheless(user, error).await,
        }
    }

    /// Deletes an account whose password is known to be `proof`.
    pub(super) async fn delete_proved_or_gone(&self, user: UserId, proof: Proof) -> Result<(), ServiceError> {
        match self.delete_proved(user, proof).await {
            Ok(()) => Ok(()),
            Err(error) => self.deleted_nevertheless(user, error).await,
        }
    }

    /// Finds out whether an account is gone although its deletion has failed.
    async fn deleted_nevertheless(&self, user: UserId, error: ServiceError) -> Result<(), ServiceError> {
        let is_refused = error.is_forbidden() || error.is_of_proof();
        // After other errors the account may be gone.
        if is_refused || self.storage.user(user).await?.is_some() {
            return Err(error);
        }
        let until = self.auth.access().refused().last_expiry();
        // The writer announces the rest when it has found out.
        self.auth.access().refused().refuse_user(user, until);
        self.registry.end_user(user, LoginEnd::Deleted);
        Ok(())
    }

    async fn delete_proved(&self, user: UserId, proof: Proof) -> Result<(), ServiceError> {
        let until = self.auth.access().refused().last_expiry();
        let (writer, permit) = self.writer.permitted().await?;
        Ok(writer.delete_account(user, proof, until, permit).await?)
    }
}
