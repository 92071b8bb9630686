//! The messages that a record names, read by their numbers.

use std::collections::HashMap;

use crate::domain::{Audience, Message, Seq};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::row::{CiphertextText, Columns as _, FromRow, Row, take_next};
use crate::storage::engine::tx::Tx as _;
use crate::storage::messages::select::MessageColumns;
use crate::storage::schema::numbers::{id_at, seq_of};
use crate::storage::{Storage, StorageError};

/// A message of both sides, and the sides on which it is gone.
struct Found {
    message: MessageColumns,
    is_sender_gone: bool,
    is_receiver_gone: bool,
    sender_copy: String,
    receiver_copy: String,
}

impl FromRow for Found {
    fn from_row(row: &mut Row, next: &mut usize) -> Result<Self, StorageError> {
        let message = MessageColumns::from_row(row, next)?;
        let is_sender_gone = take_next::<Option<i64>>(row, next)?.is_some();
        let is_receiver_gone = take_next::<Option<i64>>(row, next)?.is_some();
        let sender_copy = take_next::<CiphertextText>(row, next)?.0;
        let receiver_copy = take_next::<CiphertextText>(row, next)?.0;
        Ok(Self { message, is_sender_gone, is_receiver_gone, sender_copy, receiver_copy })
    }
}

impl Storage {
    /// Returns the messages whose events have these numbers, each with those who may still be shown it. One that is
    /// gone for both sides is left out: its `deleted` has a later number.
    pub async fn recorded_messages(&self, seqs: &[Seq]) -> Result<HashMap<Seq, (Audience, Message)>, StorageError> {
        if seqs.is_empty() {
            return Ok(HashMap::new());
        }
        let db = self.journal.as_ref().unwrap_or(&self.reads);
        let sql = format!(
            "WITH {{rows}} SELECT {}, m.sender_gone, m.receiver_gone, t.sender_copy, t.receiver_copy \
             FROM v JOIN messages AS m ON m.id = v.column1 JOIN bodies AS t ON t.id = m.id WHERE m.gone_seq IS NULL",
            MessageColumns::select()
        );
        let list = Bulk::new(seqs.iter().map(|seq| [Cell::BigInt(id_at(*seq).0)]));
        let mut messages = HashMap::with_capacity(seqs.len());
        for statement in list.statements(self.backend(), &sql) {
            for row in db.query(statement).await? {
                let Found { message, is_sender_gone, is_receiver_gone, sender_copy, receiver_copy } = row.read()?;
                let message = message.with_copies(sender_copy, receiver_copy);
                let to = match (is_sender_gone, is_receiver_gone) {
                    (false, false) => Audience::Members(message.conversation()),
                    (true, _) => Audience::User(message.receiver),
                    (false, true) => Audience::User(message.sender),
                };
                messages.insert(seq_of(message.id), (to, message));
            }
        }
        Ok(messages)
    }
}
