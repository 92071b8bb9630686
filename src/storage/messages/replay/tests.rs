use super::*;
use crate::domain::{Answer, Ciphertext, ClientId, Command, DirectKey, Draft, Once, UserId};
use crate::storage::testing::accounts::store_with;

fn now() -> Timestamp {
    Timestamp::from_micros(1_000)
}

const ALICE: UserId = UserId(1);
const BOB: UserId = UserId(2);

async fn storage(dir: &std::path::Path) -> Storage {
    store_with(dir, &["alice", "bob"], now()).await
}

fn send(to: UserId, bytes: usize) -> Command {
    let copy = || Ciphertext::parse("x".repeat(bytes), usize::MAX).unwrap();
    Command::Send(Box::new(Draft::text(ALICE, Some(to), copy(), copy())))
}

async fn pages(storage: &Storage, limit: PageLimit) -> Vec<Page> {
    let (mut replay, mut pages) = (Replay::new(Viewer { user: BOB }, Seq(0)), Vec::new());
    loop {
        let page = storage.next_page(&mut replay, limit, now()).await.unwrap();
        let is_last = page.is_last;
        pages.push(page);
        if is_last {
            return pages;
        }
    }
}

/// Small messages before big ones must not make a page of many big ones.
#[tokio::test]
async fn a_page_ends_at_its_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let storage = storage(dir.path()).await;
    let sizes = || std::iter::repeat_n(1, 8).chain(std::iter::repeat_n(90_000, 64));
    storage.apply(sizes().map(|bytes| send(BOB, bytes)).collect(), now()).await.unwrap();
    let limit = PageLimit { events: 100, bytes: 256 * 1024 };
    let pages = pages(&storage, limit).await;
    for page in &pages {
        let bytes: usize = page.events.iter().map(size).sum();
        assert!(bytes < limit.bytes + 90_000, "{bytes} bytes");
    }
    let told: Vec<usize> = pages.iter().flat_map(|page| &page.events).map(size).collect();
    assert_eq!(told, sizes().collect::<Vec<_>>());
    storage.close().await.unwrap();
}

fn size(event: &Event) -> usize {
    let EventBody::Message(message) = &event.body else { panic!("{event:?}") };
    message.content_for(Viewer { user: BOB }).len()
}

/// A phone that has missed little among much is up to date after a few plans; one that has missed much is not planned
/// further than its plans can hold.
#[test]
fn windows_follow_what_they_find() {
    let empty = std::iter::successors(Some(WINDOW), |window| Some(next_window(*window, 0)));
    let covered: i64 = empty.take(3).sum();
    assert!(covered > 200_000, "{covered}");
    assert_eq!(next_window(4096, PLAN / 4), 8192);
    assert_eq!(next_window(4096, PLAN / 2), 4096);
    assert_eq!(next_window(4096, PLAN - 1), 4096);
    assert_eq!(next_window(4096, PLAN), 2048);
    assert_eq!(next_window(WINDOW, PLAN), WINDOW);
    assert_eq!(next_window(WIDEST, 0), WIDEST);
}

/// Nearly all numbers are other people's: windows without events are passed, and no event is.
#[tokio::test]
async fn what_is_rare_is_found_among_what_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let storage = storage(dir.path()).await;
    let mut expected = Vec::new();
    for batch in 0..20 {
        let first = expected.len() % 7;
        let commands = (0..400).map(|i| send(if i == first { BOB } else { ALICE }, 1)).collect();
        let applied = storage.apply(commands, now()).await.unwrap();
        expected.push(applied.batch.first.0 + i64::try_from(first).unwrap());
        assert_eq!(applied.batch.last.0, (batch + 1) * 400);
    }
    for events in [1, 3, 100] {
        let pages = pages(&storage, PageLimit { events, bytes: 1 << 20 }).await;
        let told: Vec<i64> = pages.iter().flat_map(|page| &page.events).map(|event| event.seq.0).collect();
        assert_eq!(told, expected);
        assert!(pages.iter().all(|page| page.events.len() <= events));
        assert_eq!(pages.last().map(|page| page.up_to), Some(Seq(8000)), "the head of the store");
    }
    storage.close().await.unwrap();
}

/// A batch that is given up on its way, as after ten seconds, must leave nothing in memory that was rolled back.
#[tokio::test]
async fn a_batch_that_is_given_up_leaves_no_conversation_behind() {
    for steps in (0..60).step_by(4) {
        let dir = tempfile::tempdir().unwrap();
        let storage = storage(dir.path()).await;
        // Dropped after so many steps of its work, wherever that is.
        let mut given_up = Box::pin(storage.apply(vec![send(BOB, 1)], now()));
        for _ in 0..steps {
            if futures_util::poll!(&mut given_up).is_ready() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_micros(50)).await;
        }
        drop(given_up);
        let own = storage.apply(vec![once(ALICE, steps)], now()).await.unwrap();
        let shared = storage.apply(vec![once(BOB, steps)], now()).await.unwrap();
        let conversation = |answer: &Result<Answer, _>| match answer {
            Ok(Answer::Stored(stored)) => stored.conversation_id,
            other => panic!("{other:?}"),
        };
        let (own, shared) = (conversation(&own.outcomes[0].answer), conversation(&shared.outcomes[0].answer));
        let between = async |user| storage.direct_conversation(DirectKey::new(ALICE, user)).await.unwrap();
        assert_eq!((between(ALICE).await, between(BOB).await), (Some(own), Some(shared)), "after {steps} steps");
        storage.close().await.unwrap();
    }
}

fn once(to: UserId, number: usize) -> Command {
    let Command::Send(mut draft) = send(to, 1) else { unreachable!("a message") };
    let client_id = ClientId::parse(&format!("{to}-{number}")).unwrap();
    draft.once = Some(Once { client_id, content_hash: [0; 32] });
    Command::Send(draft)
}
