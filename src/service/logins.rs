//! Logins: beginning, refreshing and ending them, and the password.
//!
//! The writer ends logins, and announces it: their tokens are refused and their sockets closed before it replies.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;
use tokio::sync::OnceCell;

use super::commands::{AskedCode, uninterrupted};
use super::{Service, ServiceError};
use crate::auth::{Access, AuthError, Begun, TokenPair};
use crate::domain::{
    AuditEvent, ClientAddress, LoginEnd, LoginId, NewAuditEntry, NewPassword, Password, Proof, UserId, WhichLogins,
};
use crate::telemetry::in_current_request;

/// Wait before another server is told again that a stolen token has ended a login, while the writer is away.
const ANNOUNCE_AGAIN: Duration = Duration::from_secs(1);

impl Service {
    /// Begins a login. When the user has too many, those that were not used for longest end. `address` is the one that
    /// a wrong password is counted for.
    pub async fn log_in(
        self: &Arc<Self>,
        name: String,
        password: SecretString,
        address: Option<ClientAddress>,
    ) -> Result<TokenPair, ServiceError> {
        let service = self.clone();
        let beginning = async move {
            // On the heap: it holds what is compared while the hash is made.
            let begun = Box::pin(service.auth.login(&name, password, address)).await;
            service.count_wrong_password(address, &begun);
            service.count_login(address, &name, &begun);
            Ok(service.begun(begun?, address).await)
        };
        uninterrupted(beginning).await?
    }

    /// Begins a login that has waited for a code.
    pub async fn answer_challenge(
        self: &Arc<Self>,
        challenge: SecretString,
        code: String,
        address: Option<ClientAddress>,
    ) -> Result<TokenPair, ServiceError> {
        let service = self.clone();
        let answering = async move {
            let begun = service.auth.answer_challenge(&challenge, &code, address).await?;
            Ok(service.begun(begun, address).await)
        };
        uninterrupted(answering).await?
    }

    /// Ends the logins that the user has too many of, and returns the tokens of the new one.
    async fn begun(&self, begun: Begun, address: Option<ClientAddress>) -> TokenPair {
        self.audit.record(Self::audited(AuditEvent::Login, begun.user, address));
        if begun.used_recovery_code {
            self.audit.record(Self::audited(AuditEvent::SecondFactorUsedRecovery, begun.user, address));
        }
        if begun.is_beyond {
            let beyond = WhichLogins::Beyond { kept: begun.login };
            // The next login ends those that are left. This one has begun, and its tokens were made.
            if let Err(error) = self.end_now(begun.user, beyond, None, LoginEnd::Revoked).await {
                tracing::warn!(user.id = %begun.user, error = ?error, "logins beyond the limit were not ended");
            }
        }
        begun.pair
    }

    /// Exchanges a refresh token for new tokens. A token that comes back after its successor was used ends the login.
    pub async fn refresh(
        self: &Arc<Self>,
        token: SecretString,
        address: Option<ClientAddress>,
    ) -> Result<TokenPair, ServiceError> {
        let service = self.clone();
        let refreshing = async move {
            let refreshed = service.auth.refresh(&token, address).await;
            if let Err(AuthError::Reused { user, login }) = refreshed {
                let entry = NewAuditEntry::of_server(AuditEvent::RefreshReuse).about(user);
                let entry = entry.from_network(address.map(ClientAddress::network));
                service.audit.record(entry.with(json!({"session": login})));
                service.registry.end_logins(user, &[login], LoginEnd::Revoked);
                service.announce_reuse(user, login).await;
            }
            Ok(refreshed?)
        };
        uninterrupted(refreshing).await?
    }

    /// Lets other servers know that a login has ended, which was done without the writer: it may be away just now.
    async fn announce_reuse(self: &Arc<Self>, user: UserId, login: LoginId) {
        if !self.storage.has_journal() {
            return;
        }
        let service = self.clone();
        let announcing = async move {
            let which = WhichLogins::Only(login);
            while service.end_now(user, which, Some(login), LoginEnd::Revoked).await.is_err() {
                tokio::time::sleep(ANNOUNCE_AGAIN).await;
            }
        };
        // As a rule it is done before the answer; while the writer is away the answer does not wait for it.
        let announcing = tokio::spawn(in_current_request(announcing));
        let _ = tokio::time::timeout(ANNOUNCE_AGAIN, announcing).await;
    }

    /// Ends the login that asks, refuses its tokens and closes its sockets.
    pub async fn log_out(self: &Arc<Self>, access: Access, address: Option<ClientAddress>) -> Result<(), ServiceError> {
        let which = WhichLogins::Only(access.login);
        self.end_logins(access.user, which, Some(access.login), LoginEnd::Logout).await?;
        let entry = Self::audited(AuditEvent::Logout, access.user, address);
        self.audit.record(entry.with(json!({"session": access.login})));
        Ok(())
    }

    /// Ends all logins of the user who asks, refuses their tokens and closes their sockets.
    pub async fn log_out_everywhere(
        self: &Arc<Self>,
        access: Access,
        address: Option<ClientAddress>,
    ) -> Result<(), ServiceError> {
        let count = self.end_logins(access.user, WhichLogins::All, Some(access.login), LoginEnd::Logout).await?;
        let entry = Self::audited(AuditEvent::Logout, access.user, address);
        self.audit.record(entry.with(json!({"sessions": count})));
        Ok(())
    }

    /// Ends one login of the user who asks. [`ServiceError::NoSuchLogin`] when there is none, it is another user's, or
    /// it has ended before.
    pub async fn end_login(
        self: &Arc<Self>,
        access: Access,
        login: LoginId,
        address: Option<ClientAddress>,
    ) -> Result<(), ServiceError> {
        let which = WhichLogins::Only(login);
        if self.end_logins(access.user, which, Some(access.login), LoginEnd::Revoked).await? == 0 {
            return Err(ServiceError::NoSuchLogin);
        }
        let entry = Self::audited(AuditEvent::SessionEnded, access.user, address);
        self.audit.record(entry.with(json!({"session": login})));
        Ok(())
    }

    /// Ends logins with their tokens and sockets, and returns how many had not ended before. `asking` is the login that
    /// asks, if one does.
    async fn end_logins(
        self: &Arc<Self>,
        user: UserId,
        which: WhichLogins,
        asking: Option<LoginId>,
        end: LoginEnd,
    ) -> Result<usize, ServiceError> {
        let service = self.clone();
        uninterrupted(async move { service.end_now(user, which, asking, end).await }).await?
    }

    pub(super) async fn end_now(
        &self,
        user: UserId,
        which: WhichLogins,
        asking: Option<LoginId>,
        end: LoginEnd,
    ) -> Result<usize, ServiceError> {
        let (writer, permit) = self.writer.permitted().await?;
        writer.end_logins(user, which, asking, end, permit).await.map_err(ServiceError::of_login)
    }

    /// Changes the password of `user`, ends all logins with their tokens and sockets, and begins a new one. `address`
    /// is the one that a wrong password is counted for.
    pub async fn change_password(
        self: &Arc<Self>,
        user: UserId,
        (old, code): (SecretString, Option<String>),
        new: Password,
        address: Option<ClientAddress>,
    ) -> Result<TokenPair, ServiceError> {
        self.auth.check_owner(user, &new).await?;
        let service = self.clone();
        let change = async move { service.change_to_the_end(user, (old, code), new, address).await };
        uninterrupted(change).await?
    }

    async fn change_to_the_end(
        &self,
        user: UserId,
        (old, code): (SecretString, Option<String>),
        new: Password,
        address: Option<ClientAddress>,
    ) -> Result<TokenPair, ServiceError> {
        let hash = OnceCell::new();
        let change = |proof| self.change_proved(user, proof, (&new, address), &hash);
        let pair = self.proved(user, old, AskedCode::Asked(code), address, change).await?;
        self.audit.record(Self::audited(AuditEvent::PasswordChanged, user, address));
        Ok(pair)
    }

    /// Changes the password while `proof` holds. The new one is hashed once, and not before the old one was right.
    async fn change_proved(
        &self,
        user: UserId,
        proof: Proof,
        (new, address): (&Password, Option<ClientAddress>),
        hash: &OnceCell<SecretString>,
    ) -> Result<TokenPair, ServiceError> {
        let hash = hash.get_or_try_init(|| self.auth.hash_password(new.clone(), address)).await?.clone();
        let first = self.auth.first_token()?;
        let (writer, permit) = self.writer.permitted().await?;
        let change =
            NewPassword { user, proof, hash, token: first.stored, network: address.map(ClientAddress::network) };
        let begun = writer.change_password(change, permit).await.map_err(ServiceError::of_login)?;
        Ok(self.auth.tokens_of(user, &begun, &first)?)
    }

    /// Closes the sockets of a login that has ended after its token was checked, when the socket was not there to be
    /// closed yet. Does nothing while the login lasts.
    pub fn close_if_ended(&self, access: Access) {
        if self.auth.access().has_ended(access) {
            self.registry.end_logins(access.user, &[access.login], LoginEnd::Revoked);
        }
    }
}
