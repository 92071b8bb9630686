//! Stores of unit tests, with users in them.

use std::path::Path;

use crate::config::Config;
use crate::domain::{EmailAddress, PublicKey, Timestamp, UserId, UserName};
use crate::storage::Storage;

/// Returns the settings of a store in `dir`.
pub(crate) fn config_in(dir: &Path) -> Config {
    let mut config = Config::defaults().unwrap();
    dir.clone_into(&mut config.server.data_dir);
    config
}

/// Makes an account for each name, without a password, and returns the ids.
pub(crate) async fn add_users(storage: &Storage, names: &[&str], now: Timestamp) -> Vec<UserId> {
    let key = PublicKey::parse("AAAA".to_owned(), false).unwrap();
    let mut users = Vec::new();
    for name in names {
        let email = EmailAddress::parse(format!("{name}@example.org")).unwrap();
        let name = UserName::parse((*name).to_owned()).unwrap();
        users.push(storage.create_account(&name, &email, String::new(), &key, now).await.unwrap());
    }
    users
}

/// Opens an empty store in `dir` and makes accounts, whose ids count from 1.
pub(crate) async fn store_with(dir: &Path, names: &[&str], now: Timestamp) -> Storage {
    let config = config_in(dir);
    // On the heap, since the tests hold it in futures of their own.
    let storage = Box::pin(Storage::open(&config)).await.unwrap();
    add_users(&storage, names, now).await;
    storage
}
