//! On PostgreSQL, batches of nothing but messages and receipts among people who are known are stored in one statement.
//! What comes of them is the same as if each kind of command had its own.

mod foreseen;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};

use fluent_backend::Config;
use fluent_backend::domain::{
    Answer, Ciphertext, ClientId, Command, DirectKey, Draft, FrankingTag, MessageId, MessageType, Once, Outcome, Seq,
    Timestamp, UserId,
};
use fluent_backend::storage::Storage;
use fluent_backend::testing::{CommitCut, DatabaseLink, HeldTransaction, TestServer, eventually, seed};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use sea_orm::{ConnectionTrait as _, Database, DatabaseBackend, Statement};

use crate::support::postgres::Postgres;

/// Users who write, and one who never does.
const USERS: u64 = 5;
/// The time of the first batch, and between two, in microseconds.
const STEP: i64 = 1_000_000;
/// Batches of random ones, in all, that must have been stored in one statement for the comparison to say something.
const CASES_ALONE: usize = 20;
/// Tables that batches change, as they look when what differs between any two stores is left out.
const TABLES: [&str; 5] = [
    "SELECT to_jsonb(t)::text FROM messages AS t ORDER BY id",
    "SELECT to_jsonb(t)::text FROM bodies AS t ORDER BY id",
    "SELECT to_jsonb(t)::text FROM conversations AS t ORDER BY id",
    "SELECT to_jsonb(t)::text FROM members AS t ORDER BY user_id, conversation_id",
    "SELECT (to_jsonb(t) - 'epoch' - 'relay_key' - 'instance_check')::text FROM store AS t",
];

/// A PostgreSQL with a store that is reached by a link.
struct World {
    users: Vec<UserId>,
    storage: Storage,
    link: DatabaseLink,
    url: String,
    _postgres: Postgres,
}

fn config(url: &str) -> Config {
    let mut config: Config = TestServer::config();
    config.database.url = url.to_owned().into();
    config
}

impl World {
    async fn open() -> Option<Self> {
        let postgres = Postgres::start().await?;
        let link = DatabaseLink::to(postgres.socket()).await.unwrap();
        let url = postgres.url("fluent");
        let users = seed::users(&config(&url), 0, USERS, "correct horse battery staple").await;
        let storage = Storage::open(&config(&link.url("fluent", "fluent"))).await.unwrap();
        link.record_held();
        Some(Self { users, storage, link, url, _postgres: postgres })
    }

    /// Carries out commands, and returns the outcomes and all attempts that have locked the row of `store`.
    async fn apply(&self, commands: Vec<Command>, now: i64) -> (Vec<Outcome>, Vec<HeldTransaction>) {
        let _ = self.link.take_held();
        let applied = Box::pin(self.storage.apply(commands, Timestamp::from_micros(now))).await.unwrap();
        (applied.outcomes, self.link.take_held())
    }

    /// Lets the first two write to each other, so that they are known.
    async fn acquaint(&self, now: i64) {
        let (a, b) = (self.users[0], self.users[1]);
        self.apply(vec![send(a, b, None), send(b, a, None)], now).await;
    }

    async fn close(self) {
        Box::pin(self.storage.close()).await.unwrap();
    }
}

fn send(from: UserId, to: UserId, name: Option<&str>) -> Command {
    let copy = |text: &str| Ciphertext::parse(text.to_owned(), usize::MAX).unwrap();
    let once = name.map(|name| Once { client_id: ClientId::parse(name).unwrap(), content_hash: [7; 32] });
    Command::Send(Box::new(Draft { once, ..Draft::text(from, Some(to), copy("own"), copy("theirs")) }))
}

fn id_of(outcome: &Outcome) -> Option<MessageId> {
    match &outcome.answer {
        Ok(Answer::Stored(stored)) => Some(stored.id),
        _ => None,
    }
}

fn is_one_statement(held: &[HeldTransaction]) -> bool {
    held.len() == 1 && held[0].round_trips.len() == 1 && held[0].is_committed
}

async fn rows(url: &str, sql: &str) -> Vec<String> {
    let db = Database::connect(url).await.unwrap();
    let rows = db.query_all_raw(Statement::from_string(DatabaseBackend::Postgres, sql)).await.unwrap();
    let rows = rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect();
    db.close().await.unwrap();
    rows
}

/// What somebody does; people and earlier messages are named by where they stand. Nothing is deleted: where the newest
/// message is gone, what a report of delivery names depends on what else is in its batch.
#[derive(Clone, Debug)]
enum Step {
    Send { from: usize, to: usize, name: Option<u8>, with: Beside },
    Read { user: usize, other: usize, back: usize },
    Delivered { user: usize, back: usize },
    Block { user: usize, other: usize, blocked: bool },
}

/// What a message may have beside its copies.
#[derive(Clone, Copy, Debug, Default)]
struct Beside {
    expires_in_s: Option<i64>,
    /// Whether it replies to the newest message of its conversation that was stored before.
    replies: bool,
    is_franked: bool,
    is_photo: bool,
}

fn beside() -> impl Strategy<Value = Beside> {
    any::<[bool; 4]>().prop_map(|[expires, replies, is_franked, is_photo]| Beside {
        expires_in_s: expires.then_some(60),
        replies,
        is_franked,
        is_photo,
    })
}

/// The newest stored message of each pair of people, the smaller one first.
type Newest = BTreeMap<(usize, usize), MessageId>;

fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

fn step() -> impl Strategy<Value = Step> {
    let person = || 0..usize::try_from(USERS).unwrap() - 1;
    // Behind the newest message that was stored before; 0 is one that does not exist yet.
    let back = || 0..6_usize;
    prop_oneof![
        16 => (person(), person(), proptest::option::weighted(0.3, 0..20_u8), beside())
            .prop_map(|(from, to, name, with)| Step::Send { from, to, name, with }),
        12 => (person(), person(), back()).prop_map(|(user, other, back)| Step::Read { user, other, back }),
        8 => (person(), back()).prop_map(|(user, back)| Step::Delivered { user, back }),
        1 => (person(), person(), proptest::bool::weighted(0.2))
            .prop_map(|(user, other, blocked)| Step::Block { user, other, blocked }),
    ]
}

fn command(step: &Step, users: &[UserId], stored: &[MessageId], newest: &Newest) -> Command {
    let earlier = |back: usize| {
        let newest = stored.last().map_or(0, |id| id.0);
        let place = back.checked_sub(1).and_then(|back| stored.len().checked_sub(back + 1));
        place.map_or(MessageId(newest + 3), |place| stored[place])
    };
    match *step {
        Step::Send { from, to, name, with } => {
            let name = name.map(|name| format!("name-{name}"));
            let Command::Send(mut draft) = send(users[from], users[to], name.as_deref()) else { unreachable!() };
            draft.expires_in_s = with.expires_in_s;
            draft.reply_to = newest.get(&pair(from, to)).copied().filter(|_| with.replies);
            draft.franking_tag = with.is_franked.then(|| FrankingTag::parse(&"A".repeat(43)).unwrap());
            if with.is_photo {
                draft.message_type = MessageType::parse("photo").unwrap();
            }
            Command::Send(draft)
        }
        Step::Read { user, other, back } => Command::Read {
            user: users[user],
            conversation: DirectKey::new(users[user], users[other]),
            up_to: earlier(back),
        },
        Step::Delivered { user, back } => Command::Delivered { user: users[user], up_to: Seq(earlier(back).0) },
        Step::Block { user, other, blocked } => Command::Block { user: users[user], other: users[other], blocked },
    }
}

/// Carries out the same batches in two stores, in one of which none is plain, and compares all that comes of them.
/// Returns how many were stored in one statement.
async fn compare(batches: &[Vec<Step>]) -> Option<usize> {
    let (one, other) = (World::open().await?, World::open().await?);
    let (mut stored, mut newest_of, mut alone) = (Vec::new(), Newest::new(), 0);
    let everybody = 0..usize::try_from(USERS).unwrap() - 1;
    let pairs = everybody.clone().flat_map(|from| everybody.clone().map(move |to| (from, to)));
    // One side of one pair is to write its first message later.
    let pairs = pairs.filter(|pair| *pair != (0, 1));
    let first: Vec<Step> =
        pairs.map(|(from, to)| Step::Send { from, to, name: None, with: Beside::default() }).collect();
    for (i, steps) in [&first].into_iter().chain(batches).enumerate() {
        let now = STEP * i64::try_from(i + 1).unwrap();
        let commands = |world: &World| -> Vec<Command> {
            steps.iter().map(|step| command(step, &world.users, &stored, &newest_of)).collect()
        };
        let (mut plain, mut by_kinds) = (commands(&one), commands(&other));
        // Neither does anything; with the second no batch is plain.
        plain.push(Command::Delivered { user: *one.users.last().unwrap(), up_to: Seq(0) });
        by_kinds.push(Command::Expire(MessageId(i64::MAX >> 1)));
        let (mut found, held) = one.apply(plain, now).await;
        let (mut expected, by_kinds_held) = other.apply(by_kinds, now).await;
        assert!(!is_one_statement(&by_kinds_held) || by_kinds_held[0].round_trips[0].starts_with("BEGIN"), "{steps:?}");
        for last in [found.pop(), expected.pop()] {
            assert!(last.is_some_and(|last| last.events.is_empty()), "it does nothing");
        }
        let shown = |outcomes: &[Outcome]| outcomes.iter().map(|outcome| format!("{outcome:?}")).collect::<Vec<_>>();
        assert_same(&shown(&found), &shown(&expected), &steps);
        let newest = stored.last().copied();
        stored.extend(found.iter().filter_map(id_of).filter(|id| Some(*id) > newest));
        for (step, outcome) in steps.iter().zip(&found) {
            if let (Step::Send { from, to, .. }, Some(id)) = (step, id_of(outcome)) {
                newest_of.insert(pair(*from, *to), id);
            }
        }
        alone += usize::from(is_one_statement(&held));
    }
    for sql in TABLES {
        assert_same(&rows(&one.url, sql).await, &rows(&other.url, sql).await, &batches);
    }
    one.close().await;
    other.close().await;
    Some(alone)
}

#[track_caller]
fn assert_same(found: &[String], expected: &[String], context: &dyn Debug) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{context:?}");
    }
    assert_eq!(found.len(), expected.len(), "{context:?}");
}

#[test]
fn one_statement_does_what_several_do() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let batches = proptest::collection::vec(proptest::collection::vec(step(), 1..8), 60);
    let cases = Cases { cases: 4, max_shrink_iters: 16, failure_persistence: None, ..Cases::default() };
    let alone = AtomicUsize::new(0);
    let done = TestRunner::new(cases).run(&batches, |batches| {
        alone.fetch_add(runtime.block_on(compare(&batches)).unwrap_or(CASES_ALONE), Ordering::Relaxed);
        Ok(())
    });
    done.unwrap();
    let alone = alone.into_inner();
    assert!(alone >= CASES_ALONE, "{alone} batches were stored in one statement");
}

#[tokio::test]
async fn a_server_that_is_alone_stores_messages_and_receipts_in_one_round_trip() {
    let Some(world) = World::open().await else { return };
    world.acquaint(STEP).await;
    let (a, b) = (world.users[0], world.users[1]);
    // What prepares the statement is a round trip, too.
    world.apply(vec![send(a, b, None)], 2 * STEP).await;
    let (outcomes, held) = world.apply(vec![send(a, b, None), send(b, a, None)], 3 * STEP).await;
    assert!(is_one_statement(&held), "{held:#?}");
    let named = id_of(&outcomes[0]).unwrap();
    let read = Command::Read { user: b, conversation: DirectKey::new(a, b), up_to: named };
    world.apply(vec![send(b, a, Some("prepared"))], 4 * STEP).await;
    let commands = vec![read, Command::Delivered { user: a, up_to: Seq(named.0) }, send(b, a, Some("once"))];
    let (outcomes, held) = world.apply(commands, 5 * STEP).await;
    assert!(is_one_statement(&held), "{held:#?}");
    assert!(outcomes.iter().all(|outcome| outcome.answer.is_ok() && !outcome.events.is_empty()), "{outcomes:?}");
    world.close().await;
}

/// Its outcome is then found out as that of every batch.
#[tokio::test]
async fn a_statement_that_commits_alone_can_be_in_doubt() {
    let Some(world) = World::open().await else { return };
    let (a, b) = (world.users[0], world.users[1]);
    for (cut, start, count) in [(CommitCut::Before, 1, 3), (CommitCut::After, 4, 7)] {
        world.acquaint(start * STEP).await;
        world.apply(vec![send(a, b, None)], (start + 1) * STEP).await;
        world.link.cut_next_commit(cut);
        let now = Timestamp::from_micros((start + 2) * STEP);
        Box::pin(world.storage.apply(vec![send(a, b, None)], now)).await.unwrap_err();
        let stored = rows(&world.url, "SELECT id::text FROM messages").await.len();
        assert_eq!(stored, count, "{cut:?}");
    }
    assert_eq!(world.link.commits_cut(), 2);
    world.close().await;
}

/// A server gives up a connection, finds out where the store stands, and goes on; what was on its way comes too late.
#[tokio::test]
async fn a_statement_that_comes_too_late_stores_nothing() {
    let Some(world) = World::open().await else { return };
    world.acquaint(STEP).await;
    let (a, b) = (world.users[0], world.users[1]);
    world.apply(vec![send(a, b, None)], 2 * STEP).await;
    let writers = "SELECT pid::text FROM pg_stat_activity WHERE query LIKE 'WITH taken%'";
    let writer = rows(&world.url, writers).await;
    assert_eq!(writer.len(), 1);

    world.link.strand();
    let asked = world.link.commits_asked();
    let late = Box::pin(world.storage.apply(vec![send(a, b, None)], Timestamp::from_micros(3 * STEP)));
    let is_asked = async || (world.link.commits_asked() > asked).then_some(());
    tokio::select! {
        _ = late => panic!("nothing gets through"),
        () = eventually("the statement is on its way", is_asked) => {}
    }
    let beside = Storage::open(&config(&world.url)).await.unwrap();
    let head = beside.probe_head(0).await.unwrap();
    world.link.flow();
    let is_gone = async || (!rows(&world.url, writers).await.contains(&writer[0])).then_some(());
    eventually("the connection has ended", is_gone).await;
    assert_eq!(beside.probe_head(0).await.unwrap(), head);
    assert_eq!(rows(&world.url, "SELECT id::text FROM messages").await.len(), 3);
    Box::pin(beside.close()).await.unwrap();
    world.close().await;
}
