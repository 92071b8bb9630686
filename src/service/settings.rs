//! What a user lets others do and see: blocks and settings.

use std::sync::Arc;

use super::commands::uninterrupted;
use super::{Service, ServiceError};
use crate::domain::{Settings, UserId};

impl Service {
    /// Blocks `other`, or no longer. [`ServiceError::SelfBlock`] when both are the same user.
    pub async fn set_block(self: &Arc<Self>, user: UserId, other: UserId, blocked: bool) -> Result<(), ServiceError> {
        if user == other {
            return Err(ServiceError::SelfBlock);
        }
        let service = self.clone();
        let blocking = async move {
            let (writer, permit) = service.writer.permitted().await?;
            Ok(writer.set_block(user, other, blocked, permit).await?)
        };
        uninterrupted(blocking).await?
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
            let (writer, permit) = service.writer.permitted().await?;
            Ok(writer.configure(user, presence, read_receipts, permit).await?)
        };
        uninterrupted(changing).await?
    }
}
