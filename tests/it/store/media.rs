//! Rows of files: who may declare how much, how far an upload has come, and when a file is gone.

mod attachments;
mod interleavings;
mod uploads;

use std::sync::Arc;

use fluent_backend::Config;
use fluent_backend::domain::{
    EmailAddress, Media, MediaId, MediaQuota, NewUpload, PublicKey, Timestamp, UserId, UserName,
};
use fluent_backend::storage::{CreatedUpload, Storage};
use fluent_backend::testing::{TestData, TestServer};

/// Hours in seconds.
const HOUR: i64 = 3600;

/// More than any test uses.
const AMPLE: MediaQuota = MediaQuota { bytes: u64::MAX, files: 1_000, pending: 1_000, room: None };

/// A store with some users, numbered from 1.
struct World {
    storage: Storage,
    _data: Arc<TestData>,
}

impl World {
    async fn new() -> Self {
        let data = TestData::new().await;
        let mut config: Config = TestServer::config();
        data.configure(&mut config);
        std::fs::create_dir_all(&config.server.data_dir).unwrap();
        let storage = Box::pin(Storage::open(&config)).await.unwrap();
        let key = PublicKey::parse("AAAA".to_owned(), false).unwrap();
        for i in 1..=3 {
            let email = EmailAddress::parse(format!("user{i}@example.org")).unwrap();
            let name = UserName::parse(format!("User number {i}")).unwrap();
            storage.create_account(&name, &email, String::new(), &key, at(0)).await.unwrap();
        }
        Self { storage, _data: data }
    }

    /// Declares a file of the user 1, whose id is made of `n`.
    async fn created(&self, n: u8, size: u64) -> Media {
        self.declared(&upload(1, n, size), AMPLE).await
    }

    async fn declared(&self, new: &NewUpload, quota: MediaQuota) -> Media {
        match self.storage.create_upload(new, quota, at(0)).await.unwrap() {
            CreatedUpload::New(media) => media,
            other => panic!("{other:?}"),
        }
    }

    /// Declares a file of the user 1, and completes it.
    async fn complete(&self, n: u8, size: u64) -> MediaId {
        let id = self.created(n, size).await.id;
        assert!(self.storage.complete_upload(id, None, at(24 * HOUR), at(0)).await.unwrap());
        id
    }
}

/// Returns a time, in seconds from the beginning of the tests.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_600_000_000_000_000).plus_secs(seconds)
}

fn id(n: u8) -> MediaId {
    MediaId([n; 16])
}

fn upload(owner: i32, n: u8, size: u64) -> NewUpload {
    NewUpload {
        id: id(n),
        owner: UserId(owner),
        size,
        sha256: None,
        metadata: None,
        client_key: None,
        expires_at: at(24 * HOUR),
        store: "local",
    }
}
