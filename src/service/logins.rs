//! Logins: beginning, refreshing and ending them, and the password.

use std::sync::Arc;

use secrecy::SecretString;

use super::commands::uninterrupted;
use super::{Service, ServiceError};
use crate::auth::{Access, AuthError, ClientAddress, TokenPair};
use crate::domain::{LoginId, Password, UserId};
use crate::protocol::LoginEnd;
use crate::storage::Which;

impl Service {
    /// Begins a login. When the user has too many, the one that was not used for longest ends and its sockets are
    /// closed. `address` is the one that a wrong password is counted for.
    pub async fn log_in(
        self: &Arc<Self>,
        name: String,
        password: SecretString,
        address: Option<ClientAddress>,
    ) -> Result<TokenPair, ServiceError> {
        let service = self.clone();
        let beginning = async move {
            let begun = service.auth.login(&name, password).await;
            service.count_wrong_password(address, &begun);
            let begun = begun?;
            service.registry.end_logins(begun.user, &begun.ended, LoginEnd::Revoked);
            Ok(begun.pair)
        };
        uninterrupted(beginning).await?
    }

    /// Exchanges a refresh token for new tokens. A token that comes back after its successor was used ends the login
    /// and closes its sockets.
    pub async fn refresh(self: &Arc<Self>, token: SecretString) -> Result<TokenPair, ServiceError> {
        let service = self.clone();
        let refreshing = async move {
            let refreshed = service.auth.refresh(&token).await;
            if let Err(AuthError::Reused { user, login }) = &refreshed {
                service.registry.end_logins(*user, &[*login], LoginEnd::Revoked);
            }
            refreshed
        };
        Ok(uninterrupted(refreshing).await??)
    }

    /// Ends the login that asks, refuses its tokens and closes its sockets.
    pub async fn log_out(self: &Arc<Self>, access: Access) -> Result<(), ServiceError> {
        self.end_logins(access, Which::Only(access.login), LoginEnd::Logout).await.map(drop)
    }

    /// Ends all logins of the user who asks, refuses their tokens and closes their sockets.
    pub async fn log_out_everywhere(self: &Arc<Self>, access: Access) -> Result<(), ServiceError> {
        self.end_logins(access, Which::All, LoginEnd::Logout).await.map(drop)
    }

    /// Ends one login of the user who asks. [`ServiceError::NoSuchLogin`] when there is none, it is another user's, or
    /// it has ended before.
    pub async fn end_login(self: &Arc<Self>, access: Access, login: LoginId) -> Result<(), ServiceError> {
        match self.end_logins(access, Which::Only(login), LoginEnd::Revoked).await? {
            0 => Err(ServiceError::NoSuchLogin),
            _ => Ok(()),
        }
    }

    /// Ends logins with their tokens and sockets, and returns how many had not ended before.
    async fn end_logins(self: &Arc<Self>, access: Access, which: Which, end: LoginEnd) -> Result<usize, ServiceError> {
        let service = self.clone();
        let ending = async move {
            let ended = service.auth.end_sessions(access, which).await?;
            match which {
                // Whatever the store knows of them.
                Which::All => service.registry.end_user(access.user, end),
                Which::Only(login) => service.registry.end_logins(access.user, &[login], end),
            }
            Ok(ended.len())
        };
        uninterrupted(ending).await?
    }

    /// Changes the password of `user`, ends all logins with their tokens and sockets, and begins a new one. `address`
    /// is the one that a wrong password is counted for.
    pub async fn change_password(
        self: &Arc<Self>,
        user: UserId,
        old: SecretString,
        new: Password,
        address: Option<ClientAddress>,
    ) -> Result<TokenPair, ServiceError> {
        self.auth.check_owner(user, &new).await?;
        let service = self.clone();
        let changing = async move {
            let begun = service.auth.change_password(user, old, new).await;
            service.count_wrong_password(address, &begun);
            let begun = begun?;
            // Before the new tokens are given out.
            service.registry.end_user(user, LoginEnd::Password);
            Ok(begun.pair)
        };
        uninterrupted(changing).await?
    }

    /// Closes the sockets of a login that has ended after its token was checked, when the socket was not there to be
    /// closed yet. Does nothing while the login lasts.
    pub fn close_if_ended(&self, access: Access) {
        if self.auth.access().has_ended(access) {
            self.registry.end_logins(access.user, &[access.login], LoginEnd::Revoked);
        }
    }
}
