use std::time::Duration;

use super::*;
use crate::config::Config;
use crate::domain::{EmailAddress, PublicKey, Timestamp, UserName, Viewer};
use crate::storage::{Before, SeedMessages, SeedUsers};

/// Messages of which three fill a step of a page.
const LARGE: usize = 96 * 1024;

#[tokio::test]
async fn a_page_of_large_messages_waits_for_another_one_and_a_small_page_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::defaults().unwrap();
    dir.path().clone_into(&mut config.server.data_dir);
    let mut storage = Storage::open(&config).await.unwrap();
    let names: Vec<_> = ["anna", "ben"]
        .map(|name| {
            let email = EmailAddress::parse(format!("{name}@example.org")).unwrap();
            (UserName::parse(name.to_owned()).unwrap(), email)
        })
        .into();
    let (public_key, now) = (PublicKey::parse("AAAA".to_owned(), false).unwrap(), Timestamp::from_micros(1));
    let users = SeedUsers { names: &names, password_hash: "", public_key: &public_key, now };
    let users = storage.seed_users(&users).await.unwrap();
    let pairs = [(users[0], users[1])];
    let filler = "x".repeat(LARGE);
    let messages =
        SeedMessages { pairs: &pairs, count: 20, filler: &filler, length: LARGE, content_hash: [0; 32], now };
    storage.seed_messages(&messages).await.unwrap();

    let viewer = Viewer { user: users[1] };
    storage.wait = Duration::from_millis(20);
    let history = |limit| storage.history(viewer, users[0], Before::Newest, limit, now);
    let large = history(100).await.unwrap();
    assert!(large.len() > 5 && large.len() < 20, "it takes several steps: {}", large.len());
    let permit = storage.large_pages.acquire().await.unwrap();
    assert!(matches!(history(100).await, Err(StorageError::TimedOut)));
    assert!(
        matches!(storage.chat_list(viewer, now).await, Ok(list) if list.len() == 1),
        "one message is no large page"
    );
    assert_eq!(history(2).await.unwrap().len(), 2);
    drop(permit);
    assert_eq!(history(100).await.unwrap().len(), large.len());
    storage.close().await.unwrap();
}
