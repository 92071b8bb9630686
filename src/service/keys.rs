//! What operators do to the keys of access tokens.

use std::sync::Arc;

use serde_json::json;

use super::commands::uninterrupted;
use super::{Service, ServiceError};
use crate::auth::{AccessTokens, KeyError};
use crate::domain::{AuditEvent, NewAuditEntry, Operator};

impl Service {
    /// Lets the next key sign access tokens. Returns the ids of the key that signs and of the new next one.
    pub async fn rotate_keys(self: &Arc<Self>, by: Operator) -> Result<(String, String), ServiceError> {
        let service = self.clone();
        let rotating = async move {
            let (current, next) = service.change_keys(AccessTokens::rotate).await?;
            service.note_key(AuditEvent::KeyRotated, &current, by).await?;
            Ok((current, next))
        };
        uninterrupted(rotating).await?
    }

    /// Refuses all tokens of a key. The one that signs is rotated first.
    pub async fn revoke_key(self: &Arc<Self>, kid: String, by: Operator) -> Result<(), ServiceError> {
        let service = self.clone();
        let revoking = async move {
            let revoked = kid.clone();
            service.change_keys(move |keys| keys.revoke(&revoked)).await?;
            service.note_key(AuditEvent::KeyRevoked, &kid, by).await
        };
        uninterrupted(revoking).await?
    }

    /// Changes the keys' files, which may be on a slow disk.
    async fn change_keys<T: Send + 'static>(
        &self,
        change: impl FnOnce(&AccessTokens) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let auth = self.auth.clone();
        let changed = tokio::task::spawn_blocking(move || change(auth.access())).await;
        Ok(changed.map_err(|error| ServiceError::Internal(error.to_string()))??)
    }

    async fn note_key(&self, event: AuditEvent, kid: &str, by: Operator) -> Result<(), ServiceError> {
        tracing::info!(key.id = kid, ?by, event = event.as_str(), "an operator has changed the keys of access tokens");
        self.audit.record_now(NewAuditEntry::of_operator(event, by).with(json!({"by": by, "kid": kid}))).await
    }
}
