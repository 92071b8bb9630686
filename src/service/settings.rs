//! What a user lets others do and see: blocks and settings.

use std::sync::Arc;

use super::commands::{unexpected, uninterrupted};
use super::{Service, ServiceError};
use crate::domain::{Answer, Command, Settings, UserId};

impl Service {
    /// Blocks `other`, or no longer. [`ServiceError::SelfBlock`] when both are the same user.
    pub async fn set_block(self: &Arc<Self>, user: UserId, other: UserId, blocked: bool) -> Result<(), ServiceError> {
        if user == other {
            return Err(ServiceError::SelfBlock);
        }
        let service = self.clone();
        let blocking = async move {
            let done = service.carry_out(Command::Block { user, other, blocked }).await;
            // Also after an error: it may have been done.
            service.presence.reconsider(user, Some(other));
            done
        };
        uninterrupted(blocking).await?.map(drop)
    }

    /// Changes the settings that are not `None`, and returns all as they are then.
    pub async fn configure(
        self: &Arc<Self>,
        user: UserId,
        presence: Option<bool>,
        read_receipts: Option<bool>,
    ) -> Result<Settings, ServiceError> {
        let service = self.clone();
        let changing = async move {
            let answer = service.carry_out(Command::Configure { user, presence, read_receipts }).await;
            // Also after an error: it may have been done.
            service.presence.reconsider(user, None);
            answer
        };
        match uninterrupted(changing).await?? {
            Answer::Configured(settings) => Ok(settings),
            other => Err(unexpected(&other)),
        }
    }
}
