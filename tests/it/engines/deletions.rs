//! Deletions and expiries of a batch are carried out together, and do what each in a batch of its own does: random ones
//! are carried out on two stores, which then hold the same rows up to the numbers that the commands have taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use fluent_backend::domain::{
    Answer, Audience, Ciphertext, Command, Deletion, DirectKey, Draft, Event, EventBody, MessageId, Outcome, Scope,
    Seq, Timestamp, UserId,
};
use fluent_backend::storage::Storage;
use fluent_backend::testing::{TestData, TestServer, seed};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::support::postgres::database;
use crate::support::rows::Rows;

const CASES: u64 = 60;
/// Numbers that a case may take.
const APART: i64 = 1_000;
/// What deletions write.
const TABLES: [&str; 4] = ["messages", "bodies", "members", "events"];

/// A store, and what the numbers of commands are called.
struct Side {
    storage: Storage,
    rows: Rows,
    places: BTreeMap<i64, usize>,
    _data: Arc<TestData>,
}

fn hours(hours: u64) -> Timestamp {
    Timestamp::from_micros(0).plus_secs(i64::try_from(hours).unwrap() * 3_600)
}

impl Side {
    async fn on(data: Arc<TestData>) -> (Self, Vec<UserId>) {
        let mut config = TestServer::config();
        data.configure(&mut config);
        std::fs::create_dir_all(&config.server.data_dir).unwrap();
        let users = Box::pin(seed::users(&config, 0, 3, "correct horse battery staple")).await;
        let (storage, rows) = (Box::pin(Storage::open(&config)).await.unwrap(), Box::pin(Rows::of(&data)).await);
        (Self { storage, rows, places: BTreeMap::new(), _data: data }, users)
    }

    async fn set_up(&mut self, head: i64, commands: &[(u64, Command)]) {
        self.rows.execute(&format!("UPDATE store SET last_seq = {head}")).await;
        for (at, command) in commands {
            let applied = self.storage.apply(vec![command.clone()], hours(*at)).await.unwrap();
            assert!(applied.outcomes[0].answer.is_ok(), "{command:?}: {:?}", applied.outcomes);
        }
    }

    /// Carries out commands in one batch, of which the first has this place.
    async fn apply(&mut self, place: usize, commands: &[Command], now: Timestamp) -> Vec<String> {
        let applied = self.storage.apply(commands.to_vec(), now).await.unwrap();
        self.places.extend((applied.batch.first.0..=applied.batch.last.0).zip(place..));
        applied.outcomes.iter().map(|outcome| self.told(outcome)).collect()
    }

    fn placed(&self, deletion: &Deletion) -> Deletion {
        Deletion { seq: self.place(deletion.seq), ..deletion.clone() }
    }

    /// The place of a command by its number, negative, or the number of what was there before.
    fn place(&self, seq: Seq) -> Seq {
        self.places.get(&seq.0).map_or(seq, |place| Seq(-i64::try_from(*place).unwrap() - 1))
    }

    fn told(&self, Outcome { answer, events }: &Outcome) -> String {
        let answer = match answer {
            Ok(Answer::Deleted { deletion, duplicate }) => format!("{:?} {duplicate}", self.placed(deletion)),
            other => format!("{other:?}"),
        };
        let events: Vec<(&Audience, Seq, Deletion)> = events
            .iter()
            .map(|(told, event)| {
                let Event { seq, body: EventBody::Deleted(deletion) } = &**event else { panic!("{event:?}") };
                (told, self.place(*seq), self.placed(deletion))
            })
            .collect();
        format!("{answer} {events:?}")
    }

    /// The rows, with places instead of the numbers of commands.
    async fn rows(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for found in self.rows.all().await.iter_mut().filter(|found| TABLES.contains(&found.table.as_str())) {
            for column in ["sender_gone", "receiver_gone", "gone_seq", "seq"] {
                if let Some(number) = found.row.get(column).and_then(serde_json::Value::as_i64) {
                    found.row.insert(column.to_owned(), self.place(Seq(number)).0.into());
                }
            }
            rows.push(format!("{} {:?}", found.table, found.row));
        }
        rows.sort();
        rows
    }
}

fn send(from: UserId, to: UserId, expires_in_s: Option<i64>) -> Command {
    let copy = |text: &str| Ciphertext::parse(text.to_owned(), 100).unwrap();
    let mut draft = Draft::text(from, Some(to), copy("mine"), copy("theirs"));
    draft.expires_in_s = expires_in_s;
    Command::Send(Box::new(draft))
}

/// Messages of a case with ids from `first` on: some too old to be deleted for everyone, the oldest gone by retention,
/// and some read.
fn messages(random: &mut StdRng, users: &[UserId], first: i64, at: u64) -> Vec<(u64, Command)> {
    let mut any = || users[random.random_range(0..users.len())];
    let mut commands: Vec<(u64, Command)> =
        (0..20).map(|i| (at + i, send(any(), any(), (i % 3 == 0).then_some(60)))).collect();
    commands.push((at + 21, Command::Retain(hours(at + 2))));
    for _ in 0..4 {
        let (user, partner) = (users[random.random_range(0..3)], users[random.random_range(0..3)]);
        let up_to = MessageId(first + random.random_range(0..20));
        let conversation = DirectKey::new(user, partner);
        // Conversations that nobody has begun are none to read.
        let is_begun = commands
            .iter()
            .any(|(_, command)| matches!(command, Command::Send(draft) if draft.conversation == Some(conversation)));
        if is_begun {
            commands.push((at + 22, Command::Read { user, conversation, up_to }));
        }
    }
    commands
}

async fn compare(data: impl AsyncFn() -> Option<Arc<TestData>>) {
    let (Some(one), Some(other)) = (data().await, data().await) else { return };
    let ((mut together, users), (mut apart, _)) = (Side::on(one).await, Side::on(other).await);
    for case in 0..CASES {
        let mut random = StdRng::seed_from_u64(case);
        let (head, at) = (i64::try_from(case).unwrap() * APART, case * 100);
        let setup = messages(&mut random, &users, head + 1, at);
        for side in [&mut together, &mut apart] {
            side.set_up(head, &setup).await;
        }
        let commands: Vec<Command> = (0..random.random_range(1..60))
            .map(|_| {
                // A few messages, so that each meets several; the last of them is none.
                let id = MessageId(head + 1 + random.random_range(0..21));
                let (user, is_for_me) = (users[random.random_range(0..3)], random.random_ratio(2, 3));
                let scope = if is_for_me { Scope::Me } else { Scope::Everyone };
                if random.random_ratio(1, 5) { Command::Expire(id) } else { Command::Delete { user, id, scope } }
            })
            .collect();
        let now = hours(at + 30).plus_secs(-1_800);
        let outcomes = together.apply(0, &commands, now).await;
        for (place, command) in commands.iter().enumerate() {
            let alone = apart.apply(place, std::slice::from_ref(command), now).await;
            assert_eq!(outcomes[place], alone[0], "case {case}, {place}: {command:?}");
        }
        assert_eq!(together.rows().await, apart.rows().await, "case {case}: {commands:?}");
    }
    for side in [together, apart] {
        side.storage.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_of_a_batch_do_what_each_does_alone_on_sqlite() {
    Box::pin(compare(async || Some(TestData::sqlite()))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_of_a_batch_do_what_each_does_alone_on_postgresql() {
    Box::pin(compare(async || database().await.map(TestData::postgres))).await;
}

/// A deletion comes behind the sends and receipts of its batch.
#[tokio::test]
async fn a_deletion_finds_what_its_batch_has_stored_before_it_and_nothing_else() {
    let (side, users) = Side::on(TestData::sqlite()).await;
    let (alice, bob) = (users[0], users[1]);
    let delete = |id| Command::Delete { user: alice, id: MessageId(id), scope: Scope::Everyone };
    let read = |id| Command::Read { user: bob, conversation: DirectKey::new(alice, bob), up_to: MessageId(id) };
    let send = || send(alice, bob, None);
    let unread = async |side: &Side| {
        let rows = side.rows.of_table("members").await;
        rows.iter().find(|row| row["user_id"] == bob.0).unwrap()["unread"].clone()
    };
    let batch = vec![send(), send(), delete(1), delete(6), delete(4), send(), read(2), delete(2)];
    let applied = side.storage.apply(batch, hours(1)).await.unwrap();
    assert_eq!(applied.batch.first, Seq(1));
    let is_ok: Vec<bool> = applied.outcomes.iter().map(|outcome| outcome.answer.is_ok()).collect();
    assert_eq!(is_ok, [true, true, true, false, false, true, true, true]);
    assert_eq!(unread(&side).await, 1, "the one that is there");
    side.storage.apply(vec![read(6), delete(6)], hours(1)).await.unwrap();
    assert_eq!(unread(&side).await, 0);
    side.storage.close().await.unwrap();
}
