//! The search by its index finds what a scan of all names would find, in the same order and page by page.

use fluent_backend::Config;
use fluent_backend::domain::{Command, EmailAddress, Proof, PublicKey, Timestamp, User, UserId, UserName, search_key};
use fluent_backend::storage::{Storage, UserPage};
use fluent_backend::testing::{TestServer, seed};
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config as Cases, TestRunner};

use crate::support::postgres::database;

/// Names of few letters, so that parts repeat; of letters that fold; of what means something in a pattern; and of
/// anything.
const NAMES: [&str; 5] =
    ["[ab]{1,9}", "[aAÀeEéßſŉﬁ日本]{1,12}", "[a%_\\\\.@*'\"]{1,6}", "user[0-9]{1,4}@ex\\.org", "\\PC{1,20}"];

/// Everybody who is there, by id, with their names as they are searched.
struct Everybody(Vec<(User, String)>);

impl Everybody {
    /// What a search should find.
    fn named(&self, text: &str, after: i32) -> Vec<User> {
        let (text, key) = (text.trim(), search_key(text));
        let strange = text.chars().any(char::is_control) || key.is_empty() != text.is_empty();
        let wanted = |(user, name): &&(User, String)| !strange && user.id.0 > after && name.contains(&key);
        self.0.iter().filter(wanted).map(|(user, _)| user.clone()).collect()
    }
}

async fn register(storage: &Storage, name: &str) -> Option<(User, String)> {
    let (text, public_key) = (name.to_owned(), "AAAA".to_owned());
    let name = UserName::parse(text.clone()).ok()?;
    let address = format!("{}@example.org", fluent_backend::clock::random_token().unwrap());
    let email = EmailAddress::parse(address).unwrap();
    let key = PublicKey::parse(public_key.clone(), false).unwrap();
    let now = Timestamp::from_micros(0);
    let id = storage.create_account(&name, &email, "hash".to_owned(), &key, now).await.ok()?;
    Some((User { id, name: text, public_key }, name.search_key()))
}

async fn delete(storage: &Storage, user: UserId) {
    let (proof, until) = (Proof::of("hash".to_owned()), Timestamp::from_micros(1));
    let applied = storage.apply(vec![Command::DeleteAccount { user, proof, until }], until).await.unwrap();
    assert!(applied.outcomes[0].answer.is_ok());
}

/// All pages of a search.
async fn pages(storage: &Storage, text: &str, mut after: Option<UserId>, limit: u64) -> Vec<User> {
    let mut all = Vec::new();
    loop {
        let page = storage.search_users(text, UserPage { after, limit }).await.unwrap();
        let Some(last) = page.last() else { return all };
        assert!(page.len() as u64 <= limit);
        (after, all) = (Some(last.id), [all, page].concat());
    }
}

fn random<T: std::fmt::Debug>(runner: &mut TestRunner, strategy: &impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).unwrap().current()
}

/// Parts of names, some of them changed a little, and texts that are in no name.
fn some_text(runner: &mut TestRunner, everybody: &Everybody) -> String {
    let (_, key) = &everybody.0[random(runner, &(0..everybody.0.len()))];
    let chars: Vec<char> = key.chars().collect();
    let (from, length, kind) = random(runner, &(0..chars.len(), 0..=chars.len(), 0..NAMES.len()));
    let part: String = chars.iter().skip(from).take(length).collect();
    match random(runner, &(0..8)) {
        0 => part.to_uppercase(),
        1 => format!("{part}{}", random(runner, &"[ab%_]")),
        2 => format!("{part}{part}"),
        3 => random(runner, &NAMES[kind]),
        4 => random(runner, &"\\PC{0,3}|\u{0}|a\u{7f}|(ab){120,130}"),
        _ => part,
    }
}

async fn finds_what_a_scan_finds(config: &Config, names: usize, searches: usize) {
    let mut runner = TestRunner::new(Cases::default());
    let storage = Storage::open(config).await.unwrap();
    let mut everybody = Everybody(Vec::new());
    for i in 0..names {
        let name: String = random(&mut runner, &NAMES[i % NAMES.len()]);
        everybody.0.extend(register(&storage, &name).await);
        if random(&mut runner, &(0..5)) == 0 {
            let gone = random(&mut runner, &(0..everybody.0.len()));
            delete(&storage, everybody.0.remove(gone).0.id).await;
        }
        if everybody.0.is_empty() {
            everybody.0.extend(register(&storage, "somebody").await);
        }
    }
    // All pieces of `cabca`, over and over, and at last that itself: a long search.
    for i in 0..names {
        everybody.0.extend(register(&storage, &format!("abca{i}cab")).await);
    }
    everybody.0.extend(register(&storage, "cabca").await);
    assert_eq!(pages(&storage, "CABCA", None, 2).await, everybody.named("cabca", 0));
    for _ in 0..searches {
        let text = some_text(&mut runner, &everybody);
        let limit = random(&mut runner, &prop_oneof![1..8_u64, Just(100)]);
        let newest = everybody.0.last().map_or(1, |(user, _)| user.id.0);
        let after =
            random(&mut runner, &prop_oneof![Just(None), (-1..newest + 2).prop_map(Some), Just(Some(i32::MAX))]);
        let found = pages(&storage, &text, after.map(UserId), limit).await;
        assert_eq!(found, everybody.named(&text, after.unwrap_or(0)), "{text:?} after {after:?} by {limit}");
    }
    assert_eq!(storage.search_users("a", UserPage { after: None, limit: 0 }).await.unwrap(), []);
    storage.close().await.unwrap();
}

fn in_dir(dir: &tempfile::TempDir) -> Config {
    let mut config = TestServer::config();
    dir.path().clone_into(&mut config.server.data_dir);
    config
}

#[tokio::test]
async fn on_sqlite() {
    for _ in 0..3 {
        let dir = tempfile::tempdir().unwrap();
        Box::pin(finds_what_a_scan_finds(&in_dir(&dir), 120, 300)).await;
    }
}

#[tokio::test]
async fn on_postgresql() {
    let Some(database) = database().await else { return };
    let mut config = TestServer::config();
    config.database.url = database.url().into();
    Box::pin(finds_what_a_scan_finds(&config, 60, 150)).await;
}

/// Accounts come and go on two servers at once, all with pieces in common.
#[tokio::test(flavor = "multi_thread")]
async fn no_name_is_lost_between_two_servers() {
    let Some(database) = database().await else { return };
    let mut config = TestServer::config();
    config.database.url = database.url().into();
    let (one, two) = (Storage::open(&config).await.unwrap(), Storage::open(&config).await.unwrap());
    let (one, two) = (&one, &two);
    // Each name is wanted on both; of those who get one some leave again.
    let made = join_all((0..80).map(|i| async move {
        let storage = if i % 2 == 0 { one } else { two };
        let (user, _) = register(storage, &format!("anna{}", i / 2)).await?;
        if i % 3 == 0 {
            delete(two, user.id).await;
            return None;
        }
        Some(user)
    }))
    .await;
    let mut made: Vec<User> = made.into_iter().flatten().collect();
    made.sort_unstable_by_key(|user| user.id);
    assert!(made.len() > 10, "{made:?}");
    for text in ["a", "nn", "ANNA"] {
        assert_eq!(pages(one, text, None, 100).await, made, "{text}");
    }
    one.close().await.unwrap();
    two.close().await.unwrap();
}

/// What is seeded is found too.
#[tokio::test]
async fn among_many() {
    let dir = tempfile::tempdir().unwrap();
    let config = in_dir(&dir);
    seed::users(&config, 0, 2_500, "12345678").await;
    let storage = Storage::open(&config).await.unwrap();
    let everybody = storage.search_users("", UserPage { after: None, limit: 10_000 }).await.unwrap();
    let everybody = Everybody(everybody.into_iter().map(|user| (user.clone(), search_key(&user.name))).collect());
    assert_eq!(everybody.0.len(), 2_500);
    for text in ["a", "ø", "an", "anna", "zoë", "@example.org", "example.orgexample", &seed::name(1_234), "qqqq"] {
        assert_eq!(pages(&storage, text, None, 100).await, everybody.named(text, 0), "{text}");
    }
    storage.close().await.unwrap();
}
