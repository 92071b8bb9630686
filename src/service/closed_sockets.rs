//! Sockets that operators close.

use serde_json::json;

use super::{Service, ServiceError};
use crate::domain::{AuditEvent, NewAuditEntry, Operator, SocketId, UserId};

impl Service {
    /// Records that an operator has closed a user's socket.
    pub async fn note_closed_socket(&self, socket: SocketId, user: UserId, by: Operator) -> Result<(), ServiceError> {
        let entry = NewAuditEntry::of_operator(AuditEvent::AdminAction, by).about(user);
        self.audit.record_now(entry.with(json!({"action": "close_socket", "socket": socket, "by": by}))).await?;
        tracing::info!(%socket, ?by, "an operator has closed a socket");
        Ok(())
    }
}
