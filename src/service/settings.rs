//! What a user lets others do and see: blocks and settings.

use super::{Service, ServiceError};
use crate::domain::{Settings, UserId};

impl Service {
    /// Blocks `other`, or no longer. [`ServiceError::SelfBlock`] when both are the same user.
    pub async fn set_block(&self, user: UserId, other: UserId, blocked: bool) -> Result<(), ServiceError> {
        if user == other {
            return Err(ServiceError::SelfBlock);
        }
        let (writer, permit) = self.writer.permitted().await?;
        Ok(writer.set_block(user, other, blocked, permit).await?)
    }

    /// Changes the settings that are not `None`, and returns all as they are then.
    pub async fn configure(
        &self,
        user: UserId,
        presence: Option<bool>,
        read_receipts: Option<bool>,
    ) -> Result<Settings, ServiceError> {
        let (writer, permit) = self.writer.permitted().await?;
        Ok(writer.configure(user, presence, read_receipts, permit).await?)
    }
}
