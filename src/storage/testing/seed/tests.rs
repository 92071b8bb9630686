use super::*;
use crate::config::Config;
use crate::domain::{Ciphertext, ClientId, Command, Draft, Once};

const PAIRS: [(i32, i32); 6] = [(1, 2), (3, 1), (2, 2), (2, 3), (1, 3), (4, 3)];
const NOW: i64 = 1_700_000_000_000_000;

async fn storage(dir: &std::path::Path) -> Storage {
    let mut config = Config::defaults().unwrap();
    config.server.data_dir = dir.to_owned();
    let storage = Storage::open(&config).await.unwrap();
    let parsed = |name: &str| {
        let email = EmailAddress::parse(format!("{name}@example.org")).unwrap();
        (UserName::parse(name.to_owned()).unwrap(), email)
    };
    let public_key = PublicKey::parse("AAAA".to_owned(), false).unwrap();
    let now = Timestamp::from_micros(NOW);
    let (name, email) = parsed("first");
    let first = storage.create_account(&name, &email, "hash".to_owned(), &public_key, now).await.unwrap();
    let names = ["b", "c", "d"].map(parsed);
    let users = SeedUsers { names: &names, password_hash: "hash", public_key: &public_key, now };
    assert_eq!((first, storage.seed_users(&users).await.unwrap()), (UserId(1), [2, 3, 4].map(UserId).to_vec()));
    storage
}

fn draft(sender: i32, receiver: i32, number: i64) -> Command {
    let copy = |whose| Ciphertext::parse(format!("{whose}:{number}:filler")[..10].to_owned(), 10).unwrap();
    let mut draft = Draft::text(UserId(sender), Some(UserId(receiver)), copy('s'), copy('r'));
    let client_id = ClientId::parse(&format!("01980000-0000-7000-8000-{}", 100_000_000_000 + number)).unwrap();
    draft.once = Some(Once { client_id, content_hash: [7; 32] });
    Command::Send(Box::new(draft))
}

/// Every row of a table as text, in the order in which they were made.
async fn rows(storage: &Storage, table: &str) -> Vec<String> {
    let sql = format!("SELECT name FROM pragma_table_info('{table}') WHERE name <> 'epoch'");
    let columns = storage.reads.query(storage.statement(sql, [])).await.unwrap();
    let columns: Vec<String> = columns.iter().map(|row| format!("quote({})", row.get::<String>(0).unwrap())).collect();
    let sql = format!("SELECT {} FROM {table}", columns.join(" || ',' || "));
    let rows = storage.reads.query(storage.statement(sql, [])).await.unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

#[tokio::test]
async fn what_is_seeded_is_what_a_batch_stores() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (applied, seeded) = (storage(dir.path()).await, storage(other.path()).await);
    let pairs = PAIRS.map(|(a, b)| (UserId(a), UserId(b)));
    let mut number = 0;
    // The second time with the first messages in the store, and while the clock stands still.
    for count in [100, 31] {
        let commands = (0..count).map(|i: usize| {
            let (a, b) = PAIRS[i % PAIRS.len()];
            number += 1;
            if (i / PAIRS.len()).is_multiple_of(2) { draft(a, b, number) } else { draft(b, a, number) }
        });
        let now = Timestamp::from_micros(NOW);
        applied.apply(commands.collect(), now).await.unwrap();
        let count = u64::try_from(count).unwrap();
        let (filler, content_hash) = ("filler", [7; 32]);
        let messages = SeedMessages { pairs: &pairs, count, filler, length: 10, content_hash, now };
        seeded.seed_messages(&messages).await.unwrap();
    }
    for table in ["users", "conversations", "members", "messages", "bodies", "store", "events"] {
        assert_eq!(rows(&seeded, table).await, rows(&applied, table).await, "{table}");
    }
    assert_eq!(rows(&seeded, "messages").await.len(), 131);
    applied.close().await.unwrap();
    seeded.close().await.unwrap();
}
