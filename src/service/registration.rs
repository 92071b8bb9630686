//! Who may register, and invites.

use serde_json::json;

use super::{Service, ServiceError};
use crate::clock::random_bytes;
use crate::domain::{
    AuditEvent, Invite, InviteCode, InviteId, InviteUse, NewAccount, NewAuditEntry, NewInvite, Operator,
    RegistrationMode, Timestamp,
};

impl Service {
    /// Returns who may register now.
    pub async fn registration(&self) -> Result<RegistrationMode, ServiceError> {
        Ok(self.switched_registration().await?.map_or(self.registration.mode, |(mode, _)| mode))
    }

    /// Returns what an operator has switched registration to, and when; `None` while the configuration holds.
    pub async fn switched_registration(&self) -> Result<Option<(RegistrationMode, Timestamp)>, ServiceError> {
        Ok(self.storage.registration().await?)
    }

    /// Switches who may register, on all servers of the database.
    pub async fn switch_registration(&self, mode: RegistrationMode, by: Operator) -> Result<(), ServiceError> {
        self.storage.switch_registration(mode, self.clock.now()).await?;
        let entry = NewAuditEntry::of_operator(AuditEvent::ConfigChanged, by);
        self.audit.record_now(entry.with(json!({"setting": "registration.mode", "value": mode, "by": by}))).await?;
        tracing::info!(%mode, ?by, "registration was switched");
        Ok(())
    }

    /// Returns who may register, or [`ServiceError::RegistrationClosed`] when nobody may.
    pub async fn registration_for_newcomers(&self) -> Result<RegistrationMode, ServiceError> {
        match self.registration().await? {
            RegistrationMode::Closed => Err(ServiceError::RegistrationClosed),
            mode => Ok(mode),
        }
    }

    /// Finds the invite with which an account would be made: that of the code, or one that is bound to the account's
    /// name or address. Nothing is taken yet.
    pub async fn find_invite(
        &self,
        mode: RegistrationMode,
        account: &NewAccount,
        code: Option<&str>,
    ) -> Result<InviteUse, ServiceError> {
        let code = code.and_then(InviteCode::parse);
        let keys = [account.name.key(), account.email.key()];
        let invite = self.storage.find_invite(code.as_ref(), keys, self.clock.now()).await?;
        Ok(InviteUse { invite, is_required: mode == RegistrationMode::Invite })
    }

    /// Makes an invite, and returns it with its code, which is stored nowhere.
    pub async fn create_invite(&self, new: NewInvite, by: Operator) -> Result<(Invite, InviteCode), ServiceError> {
        let code = InviteCode::new(random_bytes().map_err(|error| ServiceError::Internal(error.to_string()))?);
        let invite = self.storage.create_invite(new, &code, self.clock.now()).await?;
        let entry = NewAuditEntry::of_operator(AuditEvent::InviteCreated, by);
        let detail = json!({"invite": invite.id, "uses": invite.uses, "bound": invite.bound_to.is_some(), "by": by});
        self.audit.record_now(entry.with(detail)).await?;
        tracing::info!(invite.id = %invite.id, uses = invite.uses, ?by, "an invite was made");
        Ok((invite, code))
    }

    /// Returns invites before this one, newest first.
    pub async fn invites(&self, before: Option<InviteId>, limit: u64) -> Result<Vec<Invite>, ServiceError> {
        Ok(self.storage.invites(before, limit).await?)
    }

    /// Ends an invite. [`ServiceError::NoSuchInvite`] when there is none; one that cannot be used any more stays as it
    /// is.
    pub async fn revoke_invite(&self, id: InviteId, by: Operator) -> Result<(), ServiceError> {
        let revoked = self.storage.revoke_invite(id, self.clock.now()).await?.ok_or(ServiceError::NoSuchInvite)?;
        if revoked {
            let entry = NewAuditEntry::of_operator(AuditEvent::InviteRevoked, by);
            self.audit.record_now(entry.with(json!({"invite": id, "by": by}))).await?;
            tracing::info!(invite.id = %id, ?by, "an invite was revoked");
        }
        Ok(())
    }
}
