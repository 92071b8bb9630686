//! Login marks, written when sockets open: a login's dialect and its devices.
//!
//! After a restart there may be thousands at once. So the first caller writes the marks of all waiting callers in one
//! transaction, and the others wait for it: a commit costs more than the statements in it.

use std::sync::{Mutex, PoisonError};

use sea_orm::{DatabaseBackend, Statement};
use tokio::sync::oneshot;

use crate::domain::{DeviceId, LoginId};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

const MARK_LEGACY: &str =
    "WITH {rows} UPDATE logins SET dialect = 1 FROM v WHERE logins.id = v.column1 AND dialect = 0";
const MARK_V1: &str = "WITH {rows} UPDATE logins SET dialect = 2 FROM v WHERE logins.id = v.column1 AND dialect <> 2";
/// At most 32 devices are kept for a login; further ones work, but are not listed.
const MARK_DEVICES: &str = "WITH {rows} INSERT INTO devices (login_id, device_id) SELECT v.column1, v.column2 FROM v \
     JOIN logins AS l ON l.id = v.column1 WHERE (SELECT COUNT(*) FROM devices WHERE login_id = v.column1) < 32";
const UNLESS_KNOWN: PerEngine<&str> = PerEngine {
    sqlite: " ON CONFLICT DO NOTHING",
    // Waits for a login that is being deleted, which would otherwise make the marks of all others fail.
    postgres: " FOR KEY SHARE OF l ON CONFLICT DO NOTHING",
};

/// A mark to write.
#[derive(Clone, Debug)]
pub(in crate::storage) enum LoginMark {
    /// The login has opened a legacy socket; it stays V1 when it is that.
    Legacy(LoginId),
    V1(LoginId),
    Device(LoginId, DeviceId),
}

/// A mark, and the channel for the result of writing it.
type WaitingMark = (LoginMark, oneshot::Sender<Result<(), String>>);

/// The marks that wait to be written.
#[derive(Default)]
pub(in crate::storage) struct LoginMarks {
    waiting: Mutex<Vec<WaitingMark>>,
    turn: tokio::sync::Mutex<()>,
}

impl LoginMarks {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<WaitingMark>> {
        // A plain list is consistent after any panic.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage {
    /// Waits until the mark is committed. Returns [`StorageError::Shared`] with the cause when another caller, which
    /// wrote this mark too, failed.
    pub(in crate::storage) async fn mark_login(&self, note: LoginMark) -> Result<(), StorageError> {
        loop {
            let (done, mut noted) = oneshot::channel();
            self.login_marks.waiting().push((note.clone(), done));
            let _turn = self.login_marks.turn.lock().await;
            match noted.try_recv() {
                Ok(written) => return written.map_err(StorageError::Shared),
                // Not written yet: this caller writes all marks.
                Err(oneshot::error::TryRecvError::Empty) => {
                    let all = std::mem::take(&mut *self.login_marks.waiting());
                    let written = self.write_login_marks(all.iter().map(|(mark, _)| mark)).await;
                    for (_, done) in all {
                        // The other callers may have been dropped.
                        let _ = done.send(written.as_ref().map(drop).map_err(ToString::to_string));
                    }
                    return written;
                }
                // The caller that was writing this mark was dropped: try again.
                Err(oneshot::error::TryRecvError::Closed) => {}
            }
        }
    }

    async fn write_login_marks(&self, notes: impl Iterator<Item = &LoginMark>) -> Result<(), StorageError> {
        let tx = self.begin().await?;
        for statement in statements(self.backend(), notes) {
            tx.execute(statement).await?;
        }
        tx.commit().await
    }
}

fn statements<'a>(backend: DatabaseBackend, notes: impl Iterator<Item = &'a LoginMark>) -> Vec<Statement> {
    let (mut legacy, mut v1, mut devices) = (Vec::new(), Vec::new(), Vec::new());
    for note in notes {
        match note {
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
    use std::sync::Arc;

    use super::*;
    use crate::config::Config;
    use crate::domain::{EmailAddress, Proof, PublicKey, Timestamp, UserName};
    use crate::storage::{LoginDialect, NewRefreshToken};

    #[tokio::test]
    async fn what_comes_together_is_noted_for_everybody() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::defaults().unwrap();
        dir.path().clone_into(&mut config.server.data_dir);
        let storage = Arc::new(Storage::open(&config).await.unwrap());
        let name = UserName::parse("alice".to_owned()).unwrap();
        let email = EmailAddress::parse("alice@example.org".to_owned()).unwrap();
        let key = PublicKey::parse("AAAA".to_owned(), false).unwrap();
        let now = Timestamp::from_micros(0);
        let user = storage.create_account(&name, &email, String::new(), &key, now).await.unwrap();
        let mut logins = Vec::new();
        for i in 0..60 {
            let token = NewRefreshToken { hash: [i; 32], expires_at: now.plus_secs(60) };
            let proof = Proof::of(String::new());
            logins.push(storage.create_login(user, &proof, None, token, now).await.unwrap().unwrap().id);
        }
        let noting = logins.iter().enumerate().map(|(i, &login)| {
            let storage = storage.clone();
            tokio::spawn(async move {
                match i % 3 {
                    0 => storage.mark_legacy(login).await,
                    1 => storage.mark_v1(login).await,
                    _ => storage.mark_device(login, &DeviceId::parse("pixel").unwrap()).await,
                }
            })
        });
        let noting: Vec<_> = noting.collect();
        // One who does not wait takes nothing with it.
        let gone = tokio::spawn({
            let (storage, login) = (storage.clone(), logins[2]);
            async move { storage.mark_v1(login).await }
        });
        gone.abort();
        for noted in noting {
            noted.await.unwrap().unwrap();
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
