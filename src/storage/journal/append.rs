//! The row that a batch adds to the journal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use sea_orm::DatabaseBackend;

use crate::domain::Record;
use crate::protocol::record::encode;
use crate::storage::Storage;

impl Storage {
    /// Returns whether batches are recorded: on PostgreSQL, which several servers may use.
    #[must_use]
    pub fn has_journal(&self) -> bool {
        self.backend() == DatabaseBackend::Postgres
    }

    /// Returns the record as the journal keeps it.
    pub(in crate::storage) fn record_bytes(&self, record: &Record) -> Vec<u8> {
        encode(record, self.agreed_level())
    }

    /// Returns the statement that adds the record to the journal, with a random number that names it. Its text holds
    /// all values, because only a statement without parameters goes in one message with the `COMMIT` behind it.
    pub(in crate::storage) fn append_statement(&self, record: &Record, nonce: i64) -> String {
        let bytes = STANDARD.encode(self.record_bytes(record));
        format!(
            "INSERT INTO batches (first, last, boot, nonce, at, record) VALUES ({}, {}, {}, {nonce}, \
             (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint, decode('{bytes}', 'base64'))",
            record.first.0, record.last.0, self.boot,
        )
    }
}
