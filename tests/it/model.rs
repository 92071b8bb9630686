//! The model test: random histories against the real server, and against a reference that is nothing but the contract.
//! At the end of each, every device has the reference's list of events: nothing lost, nothing twice, nothing out of
//! order.
//!
//! A failure prints the smallest history found and the command that repeats it. `MODEL_CASES` and `MODEL_RESTART_CASES`
//! say how many histories run, `MODEL_SEED` with which seed the first begins (each history has the seed after the
//! former one's).

mod actions;
mod bench;
mod cut;
mod device;
mod driver;
mod event;
mod reference;
mod runner;

use std::time::Duration;

use proptest::test_runner::TestCaseError;

use runner::Suite;

/// The result of a check: an error fails the history, which is then made smaller.
type Checked<T = ()> = Result<T, TestCaseError>;

/// How long anything may take: less than the tests' usual deadline, since a failing history is tried many times.
const DEADLINE: Duration = Duration::from_secs(10);

/// Waits for `future`; fails the history with `what` when it takes too long.
async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> Checked<T> {
    let late = |_| TestCaseError::fail(format!("timed out: {what}"));
    tokio::time::timeout(DEADLINE, future).await.map_err(late)
}

#[test]
fn every_device_ends_with_the_events_of_the_reference() {
    Suite {
        test: "every_device_ends_with_the_events_of_the_reference",
        cases_variable: "MODEL_CASES",
        default_cases: 2_000,
    }
    .run(actions::history);
}

#[test]
fn restarts_lose_nothing_and_repeat_nothing() {
    Suite {
        test: "restarts_lose_nothing_and_repeat_nothing",
        cases_variable: "MODEL_RESTART_CASES",
        default_cases: 60,
    }
    .run(actions::history_with_restarts);
}
