use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::*;

const ANYBODY: Requester = Requester { is_known: true, class: None };
const STRANGER: Requester = Requester { is_known: false, class: None };
const LONG: Duration = Duration::from_mins(1);

fn threads(count: usize, keep: Duration, wait: Duration) -> Threads {
    Threads::start(count, 1, 8, keep, wait).unwrap()
}

/// Waits until the memory of the only thread is as wanted.
async fn wait_for_memory(threads: &Threads, wanted: fn(&Memory) -> bool) {
    let deadline = Instant::now() + LONG;
    while !threads.run(ANYBODY, move |memory| wanted(memory)).await.unwrap() {
        assert!(Instant::now() < deadline, "not in time");
        tokio::task::yield_now().await;
    }
}

async fn fill(threads: &Threads) -> usize {
    let fill = |memory: &mut Memory| {
        let blocks = memory.lend(8).unwrap();
        for block in blocks.iter_mut() {
            block.as_mut().fill(u64::MAX);
        }
        blocks.as_ptr().addr()
    };
    threads.run(ANYBODY, fill).await.unwrap()
}

#[tokio::test]
async fn memory_is_wiped_and_used_again() {
    let threads = threads(1, LONG, LONG);
    let first = fill(&threads).await;
    let is_wiped = |memory: &Memory| {
        let blocks = memory.blocks();
        blocks.len() == 8 && blocks.iter().all(|block| block.as_ref().iter().all(|word| *word == 0))
    };
    wait_for_memory(&threads, is_wiped).await;
    assert_eq!(fill(&threads).await, first);
}

#[tokio::test]
async fn memory_is_given_back_when_nobody_comes() {
    let threads = threads(1, Duration::ZERO, LONG);
    fill(&threads).await;
    wait_for_memory(&threads, |memory| memory.blocks().is_empty()).await;
}

#[tokio::test]
async fn no_more_at_once_than_threads() {
    let threads = threads(2, LONG, LONG);
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let meeting = Arc::new(std::sync::Barrier::new(2));
    join_all((0..20).map(|_| {
        let (running, most, meeting) = (running.clone(), most.clone(), meeting.clone());
        threads.run(ANYBODY, move |_| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Both jobs wait here, so that they do run at once.
            meeting.wait();
            running.fetch_sub(1, Ordering::SeqCst);
        })
    }))
    .await;
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn whoever_finds_no_place_in_time_is_refused() {
    let threads = threads(1, LONG, Duration::from_millis(1));
    let (begun, has_begun) = oneshot::channel();
    let (go, wait) = mpsc::channel::<()>();
    let mut running = Box::pin(threads.run(ANYBODY, move |_| {
        begun.send(()).unwrap();
        wait.recv().unwrap();
    }));
    assert!(running.as_mut().now_or_never().is_none());
    has_begun.await.unwrap();
    let mut ready = Box::pin(threads.run(ANYBODY, |_| ()));
    assert!(ready.as_mut().now_or_never().is_none());
    assert!(matches!(threads.run(ANYBODY, |_| ()).await, Err(AuthError::Busy)));
    go.send(()).unwrap();
    running.await.unwrap();
    ready.await.unwrap();
    threads.run(ANYBODY, |_| ()).await.unwrap();
}

/// A client that disconnects and returns must not cause two hashes.
#[tokio::test]
async fn what_nobody_waits_for_does_not_begin() {
    let threads = threads(1, LONG, LONG);
    let (begun, has_begun) = oneshot::channel();
    let (go, wait) = mpsc::channel::<()>();
    let mut running = Box::pin(threads.run(ANYBODY, move |_| {
        begun.send(()).unwrap();
        wait.recv().unwrap();
    }));
    assert!(running.as_mut().now_or_never().is_none());
    has_begun.await.unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = || {
        let runs = runs.clone();
        Box::pin(threads.run(ANYBODY, move |_| runs.fetch_add(1, Ordering::SeqCst)))
    };
    let mut given_up = counted();
    assert!(given_up.as_mut().now_or_never().is_none());
    drop(given_up);
    let mut again = counted();
    assert!(again.as_mut().now_or_never().is_none());
    go.send(()).unwrap();
    running.await.unwrap();
    again.await.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_panic_loses_no_thread_and_no_place() {
    let threads = threads(1, LONG, LONG);
    for _ in 0..3 {
        let panicked = threads.run(ANYBODY, |_| panic!("a panic that a test wants")).await;
        assert!(matches!(panicked, Err(AuthError::Internal(_))));
    }
    fill(&threads).await;
}

#[tokio::test]
async fn strangers_and_people_who_are_known_do_not_wait_for_each_other() {
    let threads = threads(1, LONG, LONG);
    let meeting = Arc::new(std::sync::Barrier::new(2));
    let meet = |requester| {
        let meeting = meeting.clone();
        threads.run(requester, move |_| meeting.wait())
    };
    let (known, stranger) = futures_util::join!(meet(ANYBODY), meet(STRANGER));
    assert!(known.unwrap().is_leader() != stranger.unwrap().is_leader());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn hashes_give_way_and_nobody_else() {
    use rustix::process::getpriority_process;
    use thread_priority::unix::{NormalThreadSchedulePolicy, ThreadSchedulePolicy, thread_schedule_policy};
    const IDLE: ThreadSchedulePolicy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let here = getpriority_process(Some(rustix::thread::gettid())).unwrap();
    let threads = threads(1, LONG, LONG);
    let there = threads.run(ANYBODY, |_| getpriority_process(Some(rustix::thread::gettid())).unwrap()).await.unwrap();
    assert_eq!(there, (here + priority::NICER).min(19));
    assert_eq!(getpriority_process(Some(rustix::thread::gettid())).unwrap(), here);
    let policy = async |requester| threads.run(requester, |_| thread_schedule_policy().unwrap()).await.unwrap();
    assert_eq!(policy(STRANGER).await, IDLE);
    assert!(policy(ANYBODY).await != IDLE && thread_schedule_policy().unwrap() != IDLE);
}
