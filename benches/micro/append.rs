//! A batch of messages: numbers, rows and commit on a SQLite file with `synchronous=FULL`.

use fluent_backend::Config;
use fluent_backend::domain::{
    Ciphertext, ClientId, Command, Draft, EmailAddress, Once, PublicKey, Timestamp, UserId, UserName,
};
use fluent_backend::storage::Storage;
use tokio::runtime::Runtime;

use crate::{CIPHERTEXT, Part, config};

/// Pairs of users who write to each other.
pub(crate) const PAIRS: i32 = 50;

pub(crate) fn parts() -> impl Iterator<Item = Part> {
    let sizes = [1, 8, 64, 200, 512];
    [("legacy", false), ("v1", true)].into_iter().flat_map(move |(dialect, has_name)| {
        sizes.into_iter().map(move |messages| Part {
            name: format!("append_{dialect}_{messages}"),
            messages,
            prepare: Box::new(move || appending(messages, has_name)),
        })
    })
}

fn appending(messages: u64, has_name: bool) -> Box<dyn FnMut()> {
    let runtime = Runtime::new().unwrap();
    // On the project's disk: a temporary directory may be in memory.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let storage = runtime.block_on(storage(&config(dir.path())));
    let mut names = 0;
    Box::new(move || {
        let _keep = &dir;
        let commands = (0..messages).map(|_| send(has_name, &mut names).2).collect();
        runtime.block_on(storage.apply(commands, Timestamp::from_micros(0))).unwrap();
    })
}

/// Returns a store with all users.
pub(crate) async fn storage(config: &Config) -> Storage {
    let storage = Storage::open(config).await.unwrap();
    let key = PublicKey::parse("AAAA".to_owned(), false).unwrap();
    for number in 1..=PAIRS * 2 {
        let name = UserName::parse(format!("user{number}")).unwrap();
        let email = EmailAddress::parse(format!("user{number}@example.org")).unwrap();
        storage.create_account(&name, &email, String::new(), &key, Timestamp::from_micros(0)).await.unwrap();
    }
    storage
}

/// Returns the next message, with the places of its sender and its receiver among the users.
pub(crate) fn send(has_name: bool, names: &mut i32) -> (usize, usize, Command) {
    *names += 1;
    let pair = *names % PAIRS;
    let copy = || Ciphertext::parse("c".repeat(CIPHERTEXT), CIPHERTEXT).unwrap();
    let mut draft = Draft::text(UserId(1 + 2 * pair), Some(UserId(2 + 2 * pair)), copy(), copy());
    if has_name {
        let client_id = ClientId::parse(&format!("018f0000-0000-7000-8000-{names:012}")).unwrap();
        draft.once = Some(Once { client_id, content_hash: [7; 32] });
    }
    let sender = usize::try_from(2 * pair).unwrap();
    (sender, sender + 1, Command::Send(Box::new(draft)))
}
