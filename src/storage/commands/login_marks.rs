//! Marks that logins get when sockets open: their dialect, and their devices.
//!
//! After a restart there may be thousands at once. Those that are next to each other in a batch take as many statements
//! as one does.

use sea_orm::{DatabaseBackend, Statement};

use crate::domain::LoginMark;
use crate::storage::StorageError;
use crate::storage::commands::batch::Batch;
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::tx::Tx as _;

const MARK_LEGACY: &str =
    "WITH {rows} UPDATE logins SET dialect = 1 FROM v WHERE logins.id = v.column1 AND dialect = 0";
const MARK_V1: &str = "WITH {rows} UPDATE logins SET dialect = 2 FROM v WHERE logins.id = v.column1 AND dialect <> 2";
/// At most 32 devices are kept for a login; further ones work, but are not listed.
const MARK_DEVICES: &str = "WITH {rows} INSERT INTO devices (login_id, device_id) SELECT v.column1, v.column2 FROM v \
     JOIN logins AS l ON l.id = v.column1 WHERE (SELECT COUNT(*) FROM devices WHERE login_id = v.column1) < 32";
const UNLESS_KNOWN: PerEngine<&str> = PerEngine {
    sqlite: " ON CONFLICT DO NOTHING",
    // A login that is just being deleted is waited for: it must not make the marks of all others fail.
    postgres: " FOR KEY SHARE OF l ON CONFLICT DO NOTHING",
};

impl Batch<'_> {
    /// Writes marks; the answers are those of commands that have nothing more to say.
    pub(super) async fn mark_logins(&mut self, marks: &[LoginMark]) -> Result<(), StorageError> {
        if marks.is_empty() {
            return Ok(());
        }
        for statement in statements(self.storage.backend(), marks) {
            self.changed |= self.tx.execute(statement).await? > 0;
        }
        Ok(())
    }
}

fn statements(backend: DatabaseBackend, marks: &[LoginMark]) -> Vec<Statement> {
    let (mut legacy, mut v1, mut devices) = (Vec::new(), Vec::new(), Vec::new());
    for mark in marks {
        match mark {
            LoginMark::Legacy(login) => legacy.push([Cell::BigInt(login.0)]),
            LoginMark::V1(login) => v1.push([Cell::BigInt(login.0)]),
            LoginMark::Device(login, device) => devices.push([Cell::BigInt(login.0), Cell::Text(device.as_str())]),
        }
    }
    let mut statements = Bulk::new(legacy).statements(backend, MARK_LEGACY);
    statements.extend(Bulk::new(v1).statements(backend, MARK_V1));
    let end = UNLESS_KNOWN.of(backend);
    statements.extend(Bulk::new(devices).statements(backend, &format!("{MARK_DEVICES}{end}")));
    statements
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Command, DeviceId, NewRefreshToken, Proof, Seq, Timestamp, UserId};
    use crate::storage::LoginDialect;
    use crate::storage::testing::accounts::store_with;

    #[tokio::test]
    async fn marks_of_one_batch_are_all_written_and_take_no_number() {
        let dir = tempfile::tempdir().unwrap();
        let (user, now) = (UserId(1), Timestamp::from_micros(0));
        let storage = store_with(dir.path(), &["alice"], now).await;
        let mut logins = Vec::new();
        for i in 0..60 {
            let token = NewRefreshToken { hash: [i; 32], expires_at: now.plus_secs(60) };
            let proof = Proof::of(String::new());
            logins.push(storage.create_login(user, &proof, None, None, token, (None, now)).await.unwrap().begun().id);
        }
        let mark = |(i, &login): (usize, _)| match i % 3 {
            0 => LoginMark::Legacy(login),
            1 => LoginMark::V1(login),
            _ => LoginMark::Device(login, DeviceId::parse("pixel").unwrap()),
        };
        let marks: Vec<LoginMark> = logins.iter().enumerate().map(mark).collect();
        let commands = || marks.iter().cloned().map(Command::MarkLogin).collect();
        let before = storage.probe_head(0).await.unwrap();
        for _ in 0..2 {
            let applied = storage.apply(commands(), now).await.unwrap();
            assert_eq!((applied.batch.first, applied.batch.last), (Seq(before.0 + 1), before));
            assert!(applied.effects.is_empty());
            assert!(applied.outcomes.iter().all(|outcome| outcome.answer.is_ok() && outcome.events.is_empty()));
        }
        let devices = storage.devices_of(user, logins[0]..=logins[59]).await.unwrap();
        for (i, login) in logins.iter().enumerate() {
            let (owner, dialect) = storage.login(*login, now).await.unwrap().unwrap();
            assert_eq!(owner, user);
            match i % 3 {
                0 => assert_eq!(dialect, LoginDialect::Legacy),
                1 => assert_eq!(dialect, LoginDialect::V1),
                _ => assert_eq!(devices[login], ["pixel"]),
            }
        }
        storage.close().await.unwrap();
    }
}
