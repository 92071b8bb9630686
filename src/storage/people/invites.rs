//! Invites: made and revoked by operators, taken by registrations.

use std::sync::LazyLock;

use crate::domain::{Invite, InviteCode, InviteId, NewInvite, Timestamp, UserId};
use crate::storage::engine::page::bind;
use crate::storage::engine::row::{Columns as _, columns};
use crate::storage::engine::tx::{PoolTransaction, Tx as _};
use crate::storage::{Storage, StorageError};

columns! {
    /// An invite.
    struct InviteColumns {
        id: InviteId = "id",
        code_begins: String = "code_begins",
        uses: i32 = "uses",
        uses_left: i32 = "uses_left",
        bound_to: Option<String> = "bound_to",
        note: String = "note",
        created_at: Timestamp = "created_at",
        expires_at: Timestamp = "expires_at",
        revoked_at: Option<Timestamp> = "revoked_at",
        used_at: Option<Timestamp> = "used_at",
        used_by: Option<UserId> = "used_by",
    }
}

impl From<InviteColumns> for Invite {
    fn from(row: InviteColumns) -> Self {
        Self {
            id: row.id,
            code_begins: row.code_begins,
            uses: row.uses,
            uses_left: row.uses_left,
            bound_to: row.bound_to,
            note: row.note,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            used_at: row.used_at,
            used_by: row.used_by,
        }
    }
}

const CREATE: &str = "INSERT INTO invites \
     (hash, code_begins, uses, uses_left, bound_to, bound_key, note, created_at, expires_at) \
     VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8) RETURNING id";
static LIST: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {} FROM invites WHERE id < $1 ORDER BY id DESC LIMIT $2 + 0", InviteColumns::select())
});
const REVOKE: &str = "UPDATE invites SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL AND uses_left > 0";
const EXISTS: &str = "SELECT id FROM invites WHERE id = $1";
/// The invite of the code `$1`, or one that is bound to `$2` or `$3`: the code first, since it was given.
const FIND: &str = "SELECT id FROM invites WHERE uses_left > 0 AND revoked_at IS NULL AND expires_at > $4 \
     AND (bound_key IS NULL AND hash = $1 OR bound_key IN ($2, $3)) \
     ORDER BY CASE WHEN hash = $1 THEN 0 ELSE 1 END, id LIMIT 1";
/// Whether the invite can still be used is looked at here, while its row is locked.
const TAKE: &str = "UPDATE invites SET uses_left = uses_left - 1, used_at = $3, used_by = $2 \
     WHERE id = $1 AND uses_left > 0 AND revoked_at IS NULL AND expires_at > $3";

impl Storage {
    /// Makes an invite with this code.
    pub async fn create_invite(
        &self,
        new: NewInvite,
        code: &InviteCode,
        now: Timestamp,
    ) -> Result<Invite, StorageError> {
        let (begins, expires_at) = (code.begins(), now.plus_secs(new.expires_in_s));
        let values = [
            code.hash().to_vec().into(),
            begins.clone().into(),
            new.uses.into(),
            new.bound_to.clone().into(),
            new.bound_key().into(),
            new.note.clone().into(),
            now.as_micros().into(),
            expires_at.as_micros().into(),
        ];
        let tx = self.begin().await?;
        let row = tx.query_one(self.statement(CREATE, values)).await?;
        let id = row.ok_or(StorageError::Corrupt("an invite without an id"))?.get(0)?;
        tx.commit().await?;
        Ok(Invite {
            id,
            code_begins: begins,
            uses: new.uses,
            uses_left: new.uses,
            bound_to: new.bound_to,
            note: new.note,
            created_at: now,
            expires_at,
            revoked_at: None,
            used_at: None,
            used_by: None,
        })
    }

    /// Returns invites before this one, newest first.
    pub async fn invites(&self, before: Option<InviteId>, limit: u64) -> Result<Vec<Invite>, StorageError> {
        let values = [before.map_or(i64::MAX, |id| id.0).into(), bind(limit)];
        let rows = self.reads.query(self.statement(LIST.as_str(), values)).await?;
        rows.into_iter().map(|row| row.read::<InviteColumns>().map(Invite::from)).collect()
    }

    /// Ends an invite that can still be used. `None` when there is none with this id; otherwise whether it ended now.
    pub async fn revoke_invite(&self, id: InviteId, now: Timestamp) -> Result<Option<bool>, StorageError> {
        let tx = self.begin().await?;
        let revoked = tx.execute(self.statement(REVOKE, [id.0.into(), now.as_micros().into()])).await? > 0;
        let exists = revoked || tx.query_one(self.statement(EXISTS, [id.0.into()])).await?.is_some();
        tx.commit().await?;
        Ok(exists.then_some(revoked))
    }

    /// Returns an invite that can be used by the account with these folded names: that of the code, or one that is
    /// bound to one of them.
    pub async fn find_invite(
        &self,
        code: Option<&InviteCode>,
        keys: [&str; 2],
        now: Timestamp,
    ) -> Result<Option<InviteId>, StorageError> {
        let hash = code.map_or_else(Vec::new, |code| code.hash().to_vec());
        let [name, address] = keys;
        let values = [hash.into(), name.into(), address.into(), now.as_micros().into()];
        let row = self.reads.query_one(self.statement(FIND, values)).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Takes one use of an invite for an account that the same transaction makes. Returns whether there was one left.
    pub(super) async fn take_invite(
        &self,
        tx: &PoolTransaction,
        id: InviteId,
        user: UserId,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let values = [id.0.into(), user.0.into(), now.as_micros().into()];
        Ok(tx.execute(self.statement(TAKE, values)).await? > 0)
    }
}
