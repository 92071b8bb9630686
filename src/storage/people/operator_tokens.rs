//! Tokens of operators' programs.

use std::sync::LazyLock;

use crate::domain::{OperatorScope, OperatorSecret, OperatorToken, OperatorTokenId, Timestamp};
use crate::storage::engine::row::{Columns as _, columns};
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

/// Most tokens at a time.
const MAX_TOKENS: i64 = 100;

columns! {
    /// A token.
    struct TokenColumns {
        id: OperatorTokenId = "id",
        name: String = "name",
        scope: String = "scope",
        created_at: Timestamp = "created_at",
        expires_at: Option<Timestamp> = "expires_at",
        last_used_at: Option<Timestamp> = "last_used_at",
        hash: Vec<u8> = "hash",
    }
}

impl TokenColumns {
    /// Returns the token and its hash. A scope that this version does not know is good for the least.
    fn token(self) -> (OperatorToken, Vec<u8>) {
        let token = OperatorToken {
            id: self.id,
            name: self.name,
            scope: OperatorScope::parse(&self.scope).unwrap_or(OperatorScope::Metrics),
            created_at: self.created_at,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
        };
        (token, self.hash)
    }
}

const COUNT: &str = "SELECT COUNT(*) FROM operator_tokens";
const CREATE: &str = "INSERT INTO operator_tokens (id, hash, name, scope, created_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6)";
static LIST: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM operator_tokens ORDER BY created_at, id", TokenColumns::select()));
static FIND: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM operator_tokens WHERE id = $1", TokenColumns::select()));
const REVOKE: &str = "DELETE FROM operator_tokens WHERE id = $1";
const USE: &str = "UPDATE operator_tokens SET last_used_at = $2 WHERE id = $1";

impl Storage {
    /// Keeps a token. Returns whether there was room for it.
    pub async fn create_operator_token(
        &self,
        token: &OperatorToken,
        secret: &OperatorSecret,
    ) -> Result<bool, StorageError> {
        let values = [
            token.id.get().into(),
            secret.hash().to_vec().into(),
            token.name.clone().into(),
            token.scope.as_str().into(),
            token.created_at.as_micros().into(),
            token.expires_at.map(Timestamp::as_micros).into(),
        ];
        let tx = self.begin().await?;
        let count = tx.query_one(self.statement(COUNT, [])).await?;
        let count: i64 = count.ok_or(StorageError::Corrupt("a count without a row"))?.get(0)?;
        let has_room = count < MAX_TOKENS;
        if has_room {
            tx.execute(self.statement(CREATE, values)).await?;
        }
        tx.commit().await?;
        Ok(has_room)
    }

    /// Returns all tokens, the oldest first; those that have ended among them.
    pub async fn operator_tokens(&self) -> Result<Vec<OperatorToken>, StorageError> {
        let rows = self.reads.query(self.statement(LIST.as_str(), [])).await?;
        rows.into_iter().map(|row| Ok(row.read::<TokenColumns>()?.token().0)).collect()
    }

    /// Returns a token, and the hash of its secret.
    pub async fn operator_token(&self, id: OperatorTokenId) -> Result<Option<(OperatorToken, Vec<u8>)>, StorageError> {
        let row = self.reads.query_one(self.statement(FIND.as_str(), [id.get().into()])).await?;
        row.map(|row| Ok(row.read::<TokenColumns>()?.token())).transpose()
    }

    /// Forgets a token. Returns whether there was one.
    pub async fn revoke_operator_token(&self, id: OperatorTokenId) -> Result<bool, StorageError> {
        let tx = self.begin().await?;
        let revoked = tx.execute(self.statement(REVOKE, [id.get().into()])).await? > 0;
        tx.commit().await?;
        Ok(revoked)
    }

    /// Notes that a token is used.
    pub async fn note_operator_token(&self, id: OperatorTokenId, now: Timestamp) -> Result<(), StorageError> {
        let tx = self.begin().await?;
        tx.execute(self.statement(USE, [id.get().into(), now.as_micros().into()])).await?;
        tx.commit().await
    }
}
