//! On PostgreSQL a transaction makes few round trips while it holds the row of `store`, for which all writers wait,
//! whatever is in it.
//!
//! Counted are all from the statement that locks the row to the end of the transaction, both included. What prepares a
//! statement counts, too; so the same kinds of commands come a few times before, on the same connection.

mod chats;
mod deletions;

use fluent_backend::Config;
use fluent_backend::domain::{Answer, Command, Outcome, Refusal, Timestamp, UserId};
use fluent_backend::storage::Storage;
use fluent_backend::testing::{DatabaseLink, HeldTransaction, TestServer, seed};
use sea_orm::{ConnectionTrait as _, Database, DatabaseBackend, Statement};

use crate::support::postgres::Postgres;
use chats::{Chat, PAIRS};

const ALLOWED: usize = 8;
/// Each with people who are unknown to the store's caches; the last is looked at.
const ROUNDS: usize = 3;
/// In microseconds: after each moment everything that is to expire has.
const MOMENTS: [i64; ROUNDS] = [1_000_000_000, 2_000_000_000, 3_000_000_000];
/// Messages with each fate that are not in the batches of every day.
const SOME: usize = 20;

/// A store behind a link, and one beside it, which has nothing in its caches that the first one knows.
struct Two {
    /// Whether the row is held before a batch is formed.
    holds_row: bool,
    users: Vec<UserId>,
    storage: Storage,
    beside: Storage,
    link: DatabaseLink,
    postgres: Postgres,
}

impl Two {
    async fn open() -> Option<Self> {
        Self::open_with(false).await
    }

    async fn open_with(holds_row: bool) -> Option<Self> {
        let postgres = Postgres::start().await?;
        let link = DatabaseLink::to(postgres.socket()).await.unwrap();
        let config = |url: String| {
            let mut config: Config = TestServer::config();
            config.database.url = url.into();
            config
        };
        let direct = config(postgres.url("fluent"));
        let count = u64::try_from(ROUNDS * (2 * PAIRS + SOME)).unwrap();
        let users = seed::users(&direct, 0, count, "correct horse battery staple").await;
        let beside = Storage::open(&direct).await.unwrap();
        let storage = Storage::open(&config(link.url("fluent", "fluent"))).await.unwrap();
        link.record_held();
        Some(Self { holds_row, users, storage, beside, link, postgres })
    }

    /// People of a round who write to each other, and some who have never written to anybody.
    fn people(&self, round: usize) -> (&[UserId], &[UserId]) {
        let all = 2 * PAIRS + SOME;
        self.users[round * all..][..all].split_at(2 * PAIRS)
    }

    /// Carries out a batch by the store behind the link, and returns its outcomes and what it has held the row for.
    async fn apply(&self, commands: Vec<Command>, now: Timestamp) -> (Vec<Outcome>, HeldTransaction) {
        let _ = self.link.take_held();
        let applied = if self.holds_row {
            Box::pin(self.storage.apply_in_turn(commands, now)).await
        } else {
            Box::pin(self.storage.apply(commands, now)).await
        };
        let outcomes = applied.unwrap().outcomes;
        let mut held = self.link.take_held();
        assert_eq!(held.len(), 1, "{held:#?}");
        (outcomes, held.remove(0))
    }

    async fn close(self) {
        Box::pin(self.storage.close()).await.unwrap();
        Box::pin(self.beside.close()).await.unwrap();
    }
}

#[track_caller]
fn assert_few(HeldTransaction { round_trips, is_committed }: &HeldTransaction) {
    assert!(is_committed);
    let count = round_trips.len();
    assert!(count <= ALLOWED, "{count} round trips:\n{}", round_trips.join("\n"));
}

/// The number of messages that were stored now, of positions that moved, of other commands that somebody is told of
/// (`delivered`, and what expires), and of messages that are deleted now.
fn done(outcomes: &[Outcome]) -> (usize, usize, usize, usize) {
    let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
    (
        count(|outcome| matches!(&outcome.answer, Ok(Answer::Stored(stored)) if !stored.duplicate)),
        count(|outcome| matches!(outcome.answer, Ok(Answer::Read { duplicate: false, .. }))),
        count(|outcome| matches!(outcome.answer, Ok(Answer::Done)) && !outcome.events.is_empty()),
        count(|outcome| matches!(outcome.answer, Ok(Answer::Deleted { duplicate: false, .. }))),
    )
}

/// What people do all day, and so many deletions: returns what the last of the batches has held the row for.
async fn all_day(two: &Two, deletions: usize) -> HeldTransaction {
    let mut last = None;
    for (round, moment) in MOMENTS.into_iter().enumerate() {
        let now = Timestamp::from_micros(moment);
        let chats = chats::made(&two.beside, two.people(round).0, now).await;
        let commands: Vec<Command> = chats.iter().enumerate().flat_map(|(i, chat)| chat.day(i, deletions)).collect();
        let (outcomes, held) = two.apply(commands, now).await;
        assert_eq!(done(&outcomes), (PAIRS, PAIRS, PAIRS, deletions));
        last = Some(held);
    }
    last.unwrap()
}

/// Everything at once that has no barrier: of people who are known and unknown, first words, repetitions, replies,
/// refusals, positions in the middle, and so many deletions, and messages that expire.
async fn at_worst(two: &Two, deletions: usize) -> HeldTransaction {
    let (mut known, mut last) = (Vec::<Chat>::new(), None);
    for (round, moment) in MOMENTS.into_iter().enumerate() {
        let now = Timestamp::from_micros(moment);
        let (people, strangers) = two.people(round);
        let chats = chats::made(&two.beside, people, now).await;
        let mut commands = Vec::new();
        for (i, chat) in chats.iter().enumerate() {
            commands.extend(chat.day(i, deletions));
            if i < SOME {
                commands.extend(chat.seldom(strangers[i], known.get(i)));
            }
            if i < deletions {
                commands.extend(chat.gone());
            }
        }
        let later = Timestamp::from_micros(moment + 100_000_000);
        let (outcomes, held) = two.apply(commands, later).await;
        // Beside what is done all day: a reply, a first word, and one of two that are the same; what has expired.
        assert_eq!(done(&outcomes), (PAIRS + 3 * SOME, PAIRS, PAIRS + deletions, deletions));
        let refused =
            |expected: Refusal| outcomes.iter().filter(|it| it.answer.as_ref().err() == Some(&expected)).count();
        assert_eq!((refused(Refusal::UnknownUser), refused(Refusal::NotFound)), (SOME, SOME + deletions));
        known = chats;
        last = Some(held);
    }
    last.unwrap()
}

/// How many messages are gone for somebody, which were deleted or have expired.
async fn gone(two: &Two) -> usize {
    let db = Database::connect(two.postgres.url("fluent")).await.unwrap();
    let sql = "SELECT COUNT(*) FROM messages WHERE COALESCE(gone_seq, sender_gone, receiver_gone) IS NOT NULL";
    let row = db.query_one_raw(Statement::from_string(DatabaseBackend::Postgres, sql)).await.unwrap().unwrap();
    db.close().await.unwrap();
    usize::try_from(row.try_get_by_index::<i64>(0).unwrap()).unwrap()
}

#[tokio::test]
async fn a_batch_of_messages_and_receipts() {
    let Some(two) = Two::open().await else { return };
    assert_few(&all_day(&two, 0).await);
    Box::pin(two.close()).await;
}

#[tokio::test]
async fn the_worst_batch_without_deletions() {
    let Some(two) = Two::open().await else { return };
    assert_few(&at_worst(&two, 0).await);
    Box::pin(two.close()).await;
}

#[tokio::test]
async fn the_worst_batch() {
    let Some(two) = Two::open().await else { return };
    assert_few(&at_worst(&two, SOME).await);
    assert_eq!(gone(&two).await, ROUNDS * 2 * SOME);
    Box::pin(two.close()).await;
}

/// Where several servers are live, what must be looked up is asked under the lock.
#[tokio::test]
async fn a_batch_whose_turn_was_waited_for() {
    let Some(two) = Two::open_with(true).await else { return };
    let held = all_day(&two, SOME).await;
    assert_few(&held);
    assert!(held.round_trips[0].starts_with("BEGIN; SELECT"), "{held:#?}");
    Box::pin(two.close()).await;
}

#[tokio::test]
async fn the_worst_batch_whose_turn_was_waited_for() {
    let Some(two) = Two::open_with(true).await else { return };
    assert_few(&at_worst(&two, SOME).await);
    assert_eq!(gone(&two).await, ROUNDS * 2 * SOME);
    Box::pin(two.close()).await;
}
