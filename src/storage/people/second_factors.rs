//! Second factors and their recovery codes.

use crate::domain::{Proof, RightCode, SecondFactor, Timestamp, UserId};
use crate::storage::engine::tx::{PoolTransaction, Tx as _};
use crate::storage::people::logins::{Hash, proved};
use crate::storage::{Storage, StorageError};

const FIND: &str = "SELECT secret, last_step, enrolled_at FROM second_factors \
     WHERE user_id = $1 AND enrolled_at IS NOT NULL";
const FIND_PENDING: &str = "SELECT secret FROM second_factors \
     WHERE user_id = $1 AND enrolled_at IS NULL AND expires_at > $2";
const COUNT_CODES: &str = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1";
const HAS_CODE: &str = "SELECT 1 FROM recovery_codes WHERE user_id = $1 AND hash = $2";
/// Replaces a secret that waits for its first code, never one that is in use.
const BEGIN: &str = "INSERT INTO second_factors (user_id, secret, last_step, expires_at) VALUES ($1, $2, 0, $3) \
     ON CONFLICT (user_id) DO UPDATE SET secret = EXCLUDED.secret, last_step = 0, expires_at = EXCLUDED.expires_at \
     WHERE second_factors.enrolled_at IS NULL";
/// Switches on the very secret that the code was right for.
const CONFIRM: &str = "UPDATE second_factors SET enrolled_at = $2, last_step = $3, expires_at = NULL \
     WHERE user_id = $1 AND enrolled_at IS NULL AND expires_at > $2 AND secret = $4";
/// A step is used once (RFC 6238 §5.2), and none before it any more.
const USE_STEP: &str = "UPDATE second_factors SET last_step = $2 \
     WHERE user_id = $1 AND enrolled_at IS NOT NULL AND last_step < $2";
const USE_RECOVERY: &str = "DELETE FROM recovery_codes WHERE user_id = $1 AND hash = $2";
const ADD_RECOVERY: &str = "INSERT INTO recovery_codes (user_id, hash) VALUES ($1, $2)";
const FORGET_RECOVERY: &str = "DELETE FROM recovery_codes WHERE user_id = $1";
/// Foreign keys remove the codes, and the logins that wait for one.
const REMOVE: &str = "DELETE FROM second_factors WHERE user_id = $1 AND enrolled_at IS NOT NULL";

/// The outcome of a change that needs the password and a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorChange {
    /// It is done.
    Done,
    /// The password was replaced meanwhile.
    PasswordReplaced,
    /// The code was used by another request.
    CodeUsed,
}

impl Storage {
    /// Returns the second factor of a user, if it is switched on.
    pub async fn second_factor(&self, user: UserId) -> Result<Option<SecondFactor>, StorageError> {
        let Some(row) = self.reads.query_one(self.statement(FIND, [user.0.into()])).await? else { return Ok(None) };
        let (sealed, last_step, enrolled_at) = row.read()?;
        Ok(Some(SecondFactor { sealed, last_step, enrolled_at }))
    }

    /// Returns the encrypted secret that waits for its first code.
    pub async fn pending_factor(&self, user: UserId, now: Timestamp) -> Result<Option<Vec<u8>>, StorageError> {
        let statement = self.statement(FIND_PENDING, [user.0.into(), now.as_micros().into()]);
        self.reads.query_one(statement).await?.map(|row| row.get(0)).transpose()
    }

    /// Returns how many recovery codes the user has left.
    pub async fn recovery_codes_left(&self, user: UserId) -> Result<i64, StorageError> {
        let row = self.reads.query_one(self.statement(COUNT_CODES, [user.0.into()])).await?;
        row.map_or(Ok(0), |row| row.get(0))
    }

    /// Returns whether the user has a recovery code with this hash.
    pub async fn has_recovery_code(&self, user: UserId, hash: &Hash) -> Result<bool, StorageError> {
        let statement = self.statement(HAS_CODE, [user.0.into(), hash.to_vec().into()]);
        Ok(self.reads.query_one(statement).await?.is_some())
    }

    /// Stores an encrypted secret until it is confirmed, in the place of one that was not. Returns
    /// [`FactorChange::CodeUsed`] when the factor is on.
    pub async fn begin_factor(
        &self,
        user: UserId,
        proof: &Proof,
        sealed: Vec<u8>,
        expires_at: Timestamp,
    ) -> Result<FactorChange, StorageError> {
        let tx = self.begin().await?;
        if proved(&tx, user, proof).await?.is_none() {
            return Ok(FactorChange::PasswordReplaced);
        }
        let values = [user.0.into(), sealed.into(), expires_at.as_micros().into()];
        if tx.execute(self.statement(BEGIN, values)).await? == 0 {
            return Ok(FactorChange::CodeUsed);
        }
        tx.commit().await?;
        Ok(FactorChange::Done)
    }

    /// Switches the factor on, whose first code was that of `step`, with its recovery codes. Returns false when the
    /// secret is no longer the one that waits.
    pub async fn confirm_factor(
        &self,
        user: UserId,
        sealed: Vec<u8>,
        step: i64,
        codes: &[Hash],
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let tx = self.begin().await?;
        let values = [user.0.into(), now.as_micros().into(), step.into(), sealed.into()];
        if tx.execute(self.statement(CONFIRM, values)).await? == 0 {
            return Ok(false);
        }
        self.add_recovery_codes(&tx, user, codes).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Replaces all recovery codes.
    pub async fn replace_recovery_codes(
        &self,
        user: UserId,
        proof: &Proof,
        code: RightCode,
        codes: &[Hash],
    ) -> Result<FactorChange, StorageError> {
        let tx = self.begin().await?;
        if proved(&tx, user, proof).await?.is_none() {
            return Ok(FactorChange::PasswordReplaced);
        }
        if !self.use_code_in(&tx, user, code).await? {
            return Ok(FactorChange::CodeUsed);
        }
        tx.execute(self.statement(FORGET_RECOVERY, [user.0.into()])).await?;
        self.add_recovery_codes(&tx, user, codes).await?;
        tx.commit().await?;
        Ok(FactorChange::Done)
    }

    /// Switches the factor off.
    pub async fn remove_factor(
        &self,
        user: UserId,
        proof: &Proof,
        code: RightCode,
    ) -> Result<FactorChange, StorageError> {
        let tx = self.begin().await?;
        if proved(&tx, user, proof).await?.is_none() {
            return Ok(FactorChange::PasswordReplaced);
        }
        if !self.use_code_in(&tx, user, code).await? {
            return Ok(FactorChange::CodeUsed);
        }
        tx.execute(self.statement(REMOVE, [user.0.into()])).await?;
        tx.commit().await?;
        Ok(FactorChange::Done)
    }

    /// Uses up a code. Returns false when it was used before.
    pub async fn use_code(&self, user: UserId, code: RightCode) -> Result<bool, StorageError> {
        let tx = self.begin().await?;
        let was_new = self.use_code_in(&tx, user, code).await?;
        tx.commit().await?;
        Ok(was_new)
    }

    pub(in crate::storage) async fn use_code_in(
        &self,
        tx: &PoolTransaction,
        user: UserId,
        code: RightCode,
    ) -> Result<bool, StorageError> {
        let statement = match code {
            RightCode::Step(step) => self.statement(USE_STEP, [user.0.into(), step.into()]),
            RightCode::Recovery(hash) => self.statement(USE_RECOVERY, [user.0.into(), hash.to_vec().into()]),
        };
        Ok(tx.execute(statement).await? == 1)
    }

    async fn add_recovery_codes(&self, tx: &PoolTransaction, user: UserId, codes: &[Hash]) -> Result<(), StorageError> {
        for hash in codes {
            tx.execute(self.statement(ADD_RECOVERY, [user.0.into(), hash.to_vec().into()])).await?;
        }
        Ok(())
    }
}
