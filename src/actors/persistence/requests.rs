//! The verbs of the writer for requests and the janitor: one for each command, which returns what that command is
//! answered with.
//!
//! A command is carried out even when the future of its verb is dropped, and its effects are announced before the
//! answer. Each verb fails when the command is refused, or when its outcome is not known. The permit is held until the
//! answer.

use tokio::sync::oneshot;

use super::messages::PersistenceHandle;
use super::reply::{PendingReply, RETRY_AFTER_MS, RequestPermit};
use crate::domain::{
    AccountChange, AddressRule, AddressRuleChange, Answer, Authority, BegunLogin, Command, Deletion, DeviceId,
    DirectKey, Draft, LoginEnd, LoginId, LoginMark, MessageId, NewPassword, NewTarget, Proof, PublicKey,
    RegisteredTarget, Scope, Seq, Settings, Stored, Timestamp, UserId, WhichLogins,
};
use crate::protocol::{ErrorCode, FrameError};

/// Takes the answer of one kind of command out of the answers of all kinds.
macro_rules! answer {
    ($answer:pat => $taken:expr) => {
        |answer| match answer {
            $answer => Some($taken),
            _ => None,
        }
    };
}

impl PersistenceHandle {
    /// Stores a message and delivers it.
    pub async fn send(&self, draft: Box<Draft>, permit: RequestPermit) -> Result<Stored, FrameError> {
        self.ask(Command::Send(draft), permit, answer!(Answer::Stored(stored) => stored)).await
    }

    /// Deletes a message. Returns the deletion, and whether an earlier command had made it.
    pub async fn delete_message(
        &self,
        user: UserId,
        id: MessageId,
        scope: Scope,
        permit: RequestPermit,
    ) -> Result<(Deletion, bool), FrameError> {
        let command = Command::Delete { user, id, scope };
        self.ask(command, permit, answer!(Answer::Deleted { deletion, duplicate } => (deletion, duplicate))).await
    }

    /// Notes what the user has read in a conversation.
    pub async fn read(
        &self,
        user: UserId,
        conversation: DirectKey,
        up_to: MessageId,
        permit: RequestPermit,
    ) -> Result<(), FrameError> {
        self.done(Command::Read { user, conversation, up_to }, permit).await
    }

    /// As [`read`](Self::read), without an answer.
    pub fn read_unattended(&self, user: UserId, conversation: DirectKey, up_to: MessageId, permit: RequestPermit) {
        self.submit(Command::Read { user, conversation, up_to }, PendingReply::unattended(permit));
    }

    /// Notes what a device of the user keeps.
    pub async fn delivered(&self, user: UserId, up_to: Seq, permit: RequestPermit) -> Result<(), FrameError> {
        self.done(Command::Delivered { user, up_to }, permit).await
    }

    /// Blocks a user, or ends a block.
    pub async fn set_block(
        &self,
        user: UserId,
        other: UserId,
        blocked: bool,
        permit: RequestPermit,
    ) -> Result<(), FrameError> {
        self.done(Command::Block { user, other, blocked }, permit).await
    }

    /// Replaces the public key. Returns the new key's name.
    pub async fn set_key(
        &self,
        user: UserId,
        key: PublicKey,
        authority: Authority,
        permit: RequestPermit,
    ) -> Result<String, FrameError> {
        let command = Command::SetKey { user, key, authority };
        self.ask(command, permit, answer!(Answer::KeySet { key_id } => key_id)).await
    }

    /// Changes the settings that are not `None`. Returns all as they are then.
    pub async fn configure(
        &self,
        user: UserId,
        presence: Option<bool>,
        read_receipts: Option<bool>,
        permit: RequestPermit,
    ) -> Result<Settings, FrameError> {
        let command = Command::Configure { user, presence, read_receipts };
        self.ask(command, permit, answer!(Answer::Configured(settings) => settings)).await
    }

    /// Deletes an account. `until` is the moment until which an access token of it could look valid.
    pub async fn delete_account(
        &self,
        user: UserId,
        proof: Proof,
        until: Timestamp,
        permit: RequestPermit,
    ) -> Result<(), FrameError> {
        self.done(Command::DeleteAccount { user, proof, until }, permit).await
    }

    /// Ends logins of the user. Returns how many had not ended before.
    pub async fn end_logins(
        &self,
        user: UserId,
        which: WhichLogins,
        asking: Option<LoginId>,
        end: LoginEnd,
        permit: RequestPermit,
    ) -> Result<usize, FrameError> {
        let command = Command::EndLogins { user, which, asking, end };
        self.ask(command, permit, answer!(Answer::LoginsEnded { count } => count)).await
    }

    /// Changes the password, ends all logins of the user, and returns the one that begins.
    pub async fn change_password(&self, change: NewPassword, permit: RequestPermit) -> Result<BegunLogin, FrameError> {
        let command = Command::ChangePassword(Box::new(change));
        self.ask(command, permit, answer!(Answer::LoginBegun(begun) => begun)).await
    }

    /// Changes an account as an operator does. Returns whether it was otherwise before.
    pub async fn control_account(
        &self,
        user: UserId,
        change: AccountChange,
        permit: RequestPermit,
    ) -> Result<bool, FrameError> {
        let command = Command::ControlAccount { user, change };
        self.ask(command, permit, answer!(Answer::AccountControlled { changed } => changed)).await
    }

    /// Changes the rules about addresses. Returns the rule that was made, if one was.
    pub async fn change_address_rules(
        &self,
        change: AddressRuleChange,
        permit: RequestPermit,
    ) -> Result<Option<AddressRule>, FrameError> {
        let made = |answer| match answer {
            Answer::AddressRule(rule) => Some(Some(rule)),
            Answer::Done => Some(None),
            _ => None,
        };
        self.ask(Command::ChangeAddressRules(Box::new(change)), permit, made).await
    }

    /// Registers a device to be woken.
    pub async fn register_target(
        &self,
        target: NewTarget,
        permit: RequestPermit,
    ) -> Result<RegisteredTarget, FrameError> {
        let command = Command::RegisterTarget(Box::new(target));
        self.ask(command, permit, answer!(Answer::TargetRegistered(registered) => registered)).await
    }

    /// Wakes a device no more.
    pub async fn remove_target(&self, user: UserId, device: DeviceId, permit: RequestPermit) -> Result<(), FrameError> {
        self.done(Command::RemoveTarget { user, device }, permit).await
    }

    /// Sets a mark on a login.
    pub async fn mark_login(&self, mark: LoginMark, permit: RequestPermit) -> Result<(), FrameError> {
        self.done(Command::MarkLogin(mark), permit).await
    }

    /// Destroys a message whose time is over.
    pub async fn expire(&self, id: MessageId, permit: RequestPermit) -> Result<(), FrameError> {
        self.done(Command::Expire(id), permit).await
    }

    /// Destroys everything older than `before`.
    pub async fn retain(&self, before: Timestamp, permit: RequestPermit) -> Result<(), FrameError> {
        self.done(Command::Retain(before), permit).await
    }

    /// Carries out a command whose answer says no more than that it is done.
    async fn done(&self, command: Command, permit: RequestPermit) -> Result<(), FrameError> {
        self.ask(command, permit, |_| Some(())).await
    }

    /// Carries out a command, and takes its answer: the one place that knows which answer belongs to which command.
    async fn ask<T>(
        &self,
        command: Command,
        permit: RequestPermit,
        take: impl FnOnce(Answer) -> Option<T> + Send,
    ) -> Result<T, FrameError> {
        let (caller, answer) = oneshot::channel();
        self.submit(command, PendingReply::caller(caller, permit));
        let answer = answer.await.unwrap_or_else(|_| Err(FrameError::unavailable(RETRY_AFTER_MS)))?;
        take(answer).ok_or_else(|| FrameError::new(ErrorCode::Internal, "error: the server has failed"))
    }
}
