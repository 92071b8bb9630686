//! Tokens by which operators' programs reach the admin API.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Service, ServiceError};
use crate::clock::random_bytes;
use crate::domain::{
    AuditEvent, NewAuditEntry, NewOperatorToken, Operator, OperatorScope, OperatorSecret, OperatorToken,
    OperatorTokenId,
};
use crate::storage::StorageError;

/// A token's use is noted once in this time.
const NOTED_EVERY: Duration = Duration::from_mins(1);
/// For so long after the store has confirmed it, a token is known while the store cannot be asked: an operator wants to
/// know why it cannot.
const KNOWN_FOR: Duration = Duration::from_mins(15);
/// The name of tokens of browsers that a link has signed in.
const PAGE_NAME: &str = "page, by a link";
/// For so long they are good, in seconds: a working day.
const PAGE_S: i64 = 12 * 3600;
/// Longest wait for the store when there is another way.
const PATIENCE: Duration = Duration::from_secs(1);

/// The tokens that were used lately.
#[derive(Default)]
pub(super) struct UsedTokens(Mutex<HashMap<OperatorTokenId, Used>>);

#[derive(Clone)]
struct Used {
    token: OperatorToken,
    hash: Vec<u8>,
    /// When the store said so.
    confirmed: Instant,
    /// When it was tried last to note a use.
    noting: Option<Instant>,
}

impl UsedTokens {
    fn of(&self, id: OperatorTokenId, now: Instant) -> Option<Used> {
        self.lock().get(&id).filter(|used| now.duration_since(used.confirmed) < KNOWN_FOR).cloned()
    }

    /// Keeps what the store has confirmed. Returns whether a use is to be noted: once in a while, also when that fails.
    fn keep(&self, token: &OperatorToken, hash: Vec<u8>, now: Instant) -> bool {
        let mut used = self.lock();
        used.retain(|_, used| now.duration_since(used.confirmed) < KNOWN_FOR);
        let noting = used.get(&token.id).and_then(|used| used.noting);
        let is_due = noting.is_none_or(|at| now.duration_since(at) >= NOTED_EVERY);
        let noting = if is_due { Some(now) } else { noting };
        used.insert(token.id, Used { token: token.clone(), hash, confirmed: now, noting });
        is_due
    }

    /// Returns what operators call a token that was used lately.
    pub(super) fn name_of(&self, id: OperatorTokenId) -> Option<String> {
        self.lock().get(&id).map(|used| used.token.name.clone())
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

    /// Makes the token of a browser that a link signs in. Those of former links that have ended are removed.
    pub async fn page_token(&self, scope: OperatorScope, by: Operator) -> Result<OperatorSecret, ServiceError> {
        let now = self.clock.now();
        let is_over = |token: &OperatorToken| token.name == PAGE_NAME && token.has_ended(now);
        for token in self.storage.operator_tokens().await?.iter().filter(|token| is_over(token)) {
            self.storage.revoke_operator_token(token.id).await?;
        }
        let new = NewOperatorToken { name: PAGE_NAME.to_owned(), scope, expires_in_s: Some(PAGE_S) };
        Ok(self.create_operator_token(new, by).await?.1)
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
    /// While the store cannot be asked, a token that it has confirmed within 15 minutes is still known.
    pub async fn operator_token(&self, text: &str) -> Result<Option<OperatorToken>, ServiceError> {
        let Some(secret) = OperatorSecret::parse(text) else { return Ok(None) };
        let is_good = |token: &OperatorToken, hash: &[u8]| secret.matches(hash) && !token.has_ended(self.clock.now());
        let found = match self.used_tokens.of(secret.id, Instant::now()) {
            None => self.storage.operator_token(secret.id).await?,
            Some(used) => match self.ask_for_token(secret.id).await {
                Ok(found) => found,
                Err(_) => return Ok(Some(used.token).filter(|token| is_good(token, &used.hash))),
            },
        };
        let Some((token, hash)) = found else {
            self.used_tokens.forget(secret.id);
            return Ok(None);
        };
        if !is_good(&token, &hash) {
            return Ok(None);
        }
        if self.used_tokens.keep(&token, hash, Instant::now()) {
            // Whoever reads why the store takes no writes must not be kept from it.
            let noting = self.storage.note_operator_token(token.id, self.clock.now());
            if !matches!(tokio::time::timeout(PATIENCE, noting).await, Ok(Ok(()))) {
                tracing::debug!(token.id = %token.id, "the use of a token was not noted");
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::domain::OperatorScope;

    fn token() -> OperatorToken {
        OperatorToken {
            id: OperatorTokenId::new(7),
            name: "a name".to_owned(),
            scope: OperatorScope::Read,
            created_at: Clock::system().now(),
            expires_at: None,
            last_used_at: None,
        }
    }

    /// To be used does not make a token known for longer: only the store does.
    #[test]
    fn a_token_is_known_for_a_quarter_of_an_hour_after_the_store_has_confirmed_it() {
        let (tokens, token, start) = (UsedTokens::default(), token(), Instant::now());
        tokens.keep(&token, vec![1], start);
        for minutes in 1..15 {
            assert!(tokens.of(token.id, start + Duration::from_mins(minutes)).is_some(), "{minutes}");
        }
        assert!(tokens.of(token.id, start + KNOWN_FOR).is_none());
        tokens.keep(&token, vec![1], start + KNOWN_FOR);
        assert!(tokens.of(token.id, start + KNOWN_FOR).is_some());
        tokens.forget(token.id);
        assert!(tokens.of(token.id, start + KNOWN_FOR).is_none());
    }

    /// A store that takes no writes delays one request a minute, and not all.
    #[test]
    fn a_use_is_noted_once_a_minute_whatever_becomes_of_it() {
        let (tokens, token, start) = (UsedTokens::default(), token(), Instant::now());
        let due = |seconds| tokens.keep(&token, vec![1], start + Duration::from_secs(seconds));
        assert_eq!([0, 1, 59, 60, 61, 120].map(due), [true, false, false, true, false, true]);
    }
}
