//! Tokens by which operators' programs reach the admin API.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Service, ServiceError};
use crate::clock::random_bytes;
use crate::domain::{
    AuditEvent, NewAuditEntry, NewOperatorToken, Operator, OperatorSecret, OperatorToken, OperatorTokenId,
};
use crate::storage::StorageError;

/// A token's use is noted once in this time.
const NOTED_EVERY_S: i64 = 60;
/// For so long a token that was used is known while the store cannot be asked: an operator wants to know why it cannot.
const KNOWN_FOR: Duration = Duration::from_mins(15);
/// Longest wait for the store when the token is known.
const PATIENCE: Duration = Duration::from_secs(1);

/// The tokens that were used lately.
#[derive(Default)]
pub(super) struct UsedTokens(Mutex<HashMap<OperatorTokenId, Used>>);

#[derive(Clone)]
struct Used {
    token: OperatorToken,
    hash: Vec<u8>,
    at: Instant,
}

impl UsedTokens {
    fn of(&self, id: OperatorTokenId) -> Option<Used> {
        self.lock().get(&id).filter(|used| used.at.elapsed() < KNOWN_FOR).cloned()
    }

    fn keep(&self, token: OperatorToken, hash: Vec<u8>) {
        let mut used = self.lock();
        used.retain(|_, used| used.at.elapsed() < KNOWN_FOR);
        used.insert(token.id, Used { token, hash, at: Instant::now() });
    }

    fn forget(&self, id: OperatorTokenId) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OperatorTokenId, Used>> {
        // Whole after any panic: entries are only inserted and removed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Makes a token, and returns it with its secret, which is stored nowhere. [`ServiceError::TooManyTokens`] when
    /// there are 100.
    pub async fn create_operator_token(
        &self,
        new: NewOperatorToken,
        by: Operator,
    ) -> Result<(OperatorToken, OperatorSecret), ServiceError> {
        let id = OperatorTokenId::new(i64::from_be_bytes(random()?));
        let secret = OperatorSecret::new(id, random()?);
        let now = self.clock.now();
        let expires_at = new.expires_in_s.map(|seconds| now.plus_secs(seconds));
        let token =
            OperatorToken { id, name: new.name, scope: new.scope, created_at: now, expires_at, last_used_at: None };
        if !self.storage.create_operator_token(&token, &secret).await? {
            return Err(ServiceError::TooManyTokens);
        }
        let entry = NewAuditEntry::of_operator(AuditEvent::OperatorTokenCreated, by);
        let detail = json!({"token": id, "name": token.name, "scope": token.scope, "by": by});
        self.audit.record_now(entry.with(detail)).await?;
        tracing::info!(token.id = %id, scope = token.scope.as_str(), ?by, "a token for operators was made");
        Ok((token, secret))
    }

    /// Returns all tokens, the oldest first.
    pub async fn operator_tokens(&self) -> Result<Vec<OperatorToken>, ServiceError> {
        Ok(self.storage.operator_tokens().await?)
    }

    /// Refuses a token from now on, on all servers of the database. [`ServiceError::NoSuchToken`] when there is none.
    pub async fn revoke_operator_token(&self, id: OperatorTokenId, by: Operator) -> Result<(), ServiceError> {
        let revoked = self.storage.revoke_operator_token(id).await?;
        self.used_tokens.forget(id);
        if !revoked {
            return Err(ServiceError::NoSuchToken);
        }
        let entry = NewAuditEntry::of_operator(AuditEvent::OperatorTokenRevoked, by);
        self.audit.record_now(entry.with(json!({"token": id, "by": by}))).await?;
        tracing::info!(token.id = %id, ?by, "a token for operators was revoked");
        Ok(())
    }

    /// Returns the token that this text is; `None` when it is none, or has ended.
    ///
    /// While the store cannot be asked, a token that was used within 15 minutes is still known.
    pub async fn operator_token(&self, text: &str) -> Result<Option<OperatorToken>, ServiceError> {
        let Some(secret) = OperatorSecret::parse(text) else { return Ok(None) };
        let known = self.used_tokens.of(secret.id);
        let found = match known {
            None => self.storage.operator_token(secret.id).await?,
            Some(used) => match self.ask_for_token(secret.id).await {
                Ok(found) => found,
                Err(_) => Some((used.token, used.hash)),
            },
        };
        let Some((token, hash)) = found else {
            self.used_tokens.forget(secret.id);
            return Ok(None);
        };
        let now = self.clock.now();
        if !secret.matches(&hash) || token.has_ended(now) {
            return Ok(None);
        }
        if token.last_used_at.is_none_or(|at| at.plus_secs(NOTED_EVERY_S) <= now) {
            // Whoever reads why the store takes no writes must not be kept from it.
            if let Err(error) = self.storage.note_operator_token(token.id, now).await {
                tracing::debug!(%error, "the use of a token was not noted");
            }
        }
        self.used_tokens.keep(token.clone(), hash);
        Ok(Some(token))
    }

    async fn ask_for_token(&self, id: OperatorTokenId) -> Result<Option<(OperatorToken, Vec<u8>)>, StorageError> {
        let asked = tokio::time::timeout(PATIENCE, self.storage.operator_token(id)).await;
        asked.unwrap_or(Err(StorageError::Corrupt("no answer in time")))
    }
}

fn random<const N: usize>() -> Result<[u8; N], ServiceError> {
    random_bytes().map_err(|error| ServiceError::Internal(error.to_string()))
}
