//! Blocks, public keys and settings.

use sea_orm::Value;

use crate::domain::{
    Answer, Audience, Authority, DirectKey, Effect, EventBody, Outcome, PublicKey, Refusal, Settings, User, UserId,
};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place, to_users};
use crate::storage::engine::tx::Tx as _;
use crate::storage::schema::kinds::EventKind;

const BLOCK: &str = "INSERT INTO blocks (user_id, other_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const UNBLOCK: &str = "DELETE FROM blocks WHERE user_id = $1 AND other_id = $2";
const SET_KEY: &str = "UPDATE users SET public_key = $2 WHERE id = $1";
/// Finds the login `$1` when it is the user `$2`'s, has not ended, and began between `$3` and `$4`.
const BEGAN: &str = "SELECT 1 FROM logins WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND created_at >= $3 \
     AND created_at <= $4";
const SETTINGS: &str = "SELECT presence, read_receipts FROM users WHERE id = $1";
const CONFIGURE: &str = "UPDATE users SET presence = $2, read_receipts = $3 WHERE id = $1";
const NEXT_RULES: &str = "UPDATE store SET rules = rules + 1 WHERE id = 1";

/// The keys of all conversations of a user.
const DIRECT_KEYS: &str = "SELECT c.direct_key FROM members AS m \
     JOIN conversations AS c ON c.id = m.conversation_id WHERE m.user_id = $1";

/// Records an event `$2` about the user `$1`, with the detail `$3`, for all users who share a conversation with that
/// user, and for the user too when there is a self-chat, which is shared as well.
pub(super) fn record_for_members(kind: EventKind) -> String {
    let kind = kind.stored();
    format!(
        "INSERT INTO events (user_id, seq, kind, subject, detail) SELECT DISTINCT user_id, CAST($2 AS BIGINT), {kind}, \
         CAST($1 AS BIGINT), CAST($3 AS TEXT) FROM members \
         WHERE conversation_id IN (SELECT conversation_id FROM members WHERE user_id = CAST($1 AS INTEGER))"
    )
}

impl Batch<'_> {
    pub(super) async fn block(
        &mut self,
        place: Place,
        user: UserId,
        other: UserId,
        blocked: bool,
    ) -> Result<Outcome, StorageError> {
        if user == other || self.find_user(other).await?.is_none() || self.find_user(user).await?.is_none() {
            return Ok(Outcome::refused(Refusal::NotFound));
        }
        // Also when nothing changes: another process may have done the same.
        self.effects.push(Effect::VisibilityChanged { user, other: Some(other) });
        let sql = if blocked { BLOCK } else { UNBLOCK };
        if self.execute(sql, [user.0.into(), other.0.into()]).await? == 0 {
            return Ok(Outcome::done(Answer::Done));
        }
        self.next_rules().await?;
        let direct = DirectKey::new(user, other);
        let is_blocked = self.is_blocked(direct).await?;
        if let Some(known) = self.cache.conversations.get_mut(&direct) {
            known.is_blocked = is_blocked;
        }
        let kind = if blocked { EventKind::Blocked } else { EventKind::Unblocked };
        let body = EventBody::Block { user: other, blocked };
        let events = self.publish(Audience::User(user), self.seq(place), kind, i64::from(other.0), "", body).await?;
        Ok(Outcome { answer: Ok(Answer::Done), events })
    }

    pub(super) async fn set_key(
        &mut self,
        place: Place,
        user: UserId,
        key: &PublicKey,
        authority: &Authority,
    ) -> Result<Outcome, StorageError> {
        let Some(account) = self.lock_account(user).await? else { return Ok(Outcome::refused(Refusal::NotFound)) };
        let Some(mut known_user) = self.find_user(user).await? else { return Ok(Outcome::refused(Refusal::NotFound)) };
        if key.is_same(&account.public_key) {
            return Ok(Outcome::done(Answer::KeySet { key_id: known_user.key_id }));
        }
        let is_allowed = match authority {
            Authority::Password(proof) => account.password_hash == proof.hash(),
            Authority::Login { login, after, before } => {
                let between = [after.as_micros().into(), before.as_micros().into()];
                let values = [login.0.into(), user.0.into()].into_iter().chain(between);
                self.tx.query_one(self.statement(BEGAN, values)).await?.is_some()
            }
        };
        if !is_allowed {
            return Ok(Outcome::refused(Refusal::Forbidden));
        }
        let key_id = User { id: user, name: String::new(), public_key: key.as_str().to_owned() }.key_id();
        let answer = Ok(Answer::KeySet { key_id: key_id.clone() });
        self.execute(SET_KEY, [user.0.into(), key.as_str().into()]).await?;
        self.next_rules().await?;
        known_user.key_id.clone_from(&key_id);
        self.cache.users.put(user, known_user.clone());

        let seq = self.seq(place);
        self.execute(record_for_members(EventKind::KeyChanged), [user.0.into(), seq.0.into(), key_id.as_str().into()])
            .await?;
        let body = EventBody::KeyChanged { user, key_id };
        let partners = self.partners(user).await?;
        if partners.is_empty() {
            // No other user shares a conversation, but the user may have other devices.
            let (kind, detail) = (EventKind::KeyChanged, known_user.key_id);
            let events = self.publish(Audience::User(user), seq, kind, i64::from(user.0), &detail, body).await?;
            return Ok(Outcome { answer, events });
        }
        Ok(Outcome { answer, events: to_users([user].into_iter().chain(partners), seq, body) })
    }

    pub(super) async fn configure(
        &mut self,
        id: UserId,
        presence: Option<bool>,
        read_receipts: Option<bool>,
    ) -> Result<Outcome, StorageError> {
        let Some(row) = self.tx.query_one(self.statement(SETTINGS, [id.0.into()])).await? else {
            return Ok(Outcome::refused(Refusal::NotFound));
        };
        self.effects.push(Effect::VisibilityChanged { user: id, other: None });
        let (presence_before, receipts_before) = row.read()?;
        let before = Settings { presence: presence_before, read_receipts: receipts_before };
        let after = Settings {
            presence: presence.unwrap_or(before.presence),
            read_receipts: read_receipts.unwrap_or(before.read_receipts),
        };
        if after != before {
            self.execute(CONFIGURE, [id.0.into(), after.presence.into(), after.read_receipts.into()]).await?;
            self.next_rules().await?;
            if let Some(known) = self.cache.users.get_mut(&id) {
                known.read_receipts = after.read_receipts;
            }
            self.changed = true;
        }
        Ok(Outcome::done(Answer::Configured(after)))
    }

    /// Returns the users with whom a user shares a conversation, themselves included.
    pub(super) async fn partners(&self, user: UserId) -> Result<Vec<UserId>, StorageError> {
        let rows = self.tx.query(self.statement(DIRECT_KEYS, [Value::from(user.0)])).await?;
        rows.iter().map(|row| Ok(DirectKey::from_stored(row.get(0)?).partner_of(user))).collect()
    }

    /// Makes the caches of other processes stale.
    pub(super) async fn next_rules(&mut self) -> Result<(), StorageError> {
        self.execute(NEXT_RULES, []).await?;
        self.cache.changed();
        Ok(())
    }
}
