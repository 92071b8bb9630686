//! Runs histories, several at once; shrinks a failing one and prints how to repeat it.

use std::cell::RefCell;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use tokio::runtime::{Builder, Runtime};

use super::actions::Action;
use super::bench::Bench;
use super::{Checked, driver};

/// Tries to make a failing history smaller.
const MAX_SHRINK_STEPS: u32 = 2_000;
/// The time for that.
const MAX_SHRINK_MS: u32 = 120_000;

/// A test and its size.
pub(super) struct Suite {
    /// The name of the test function.
    pub(super) test: &'static str,
    /// The environment variable with the number of histories.
    pub(super) cases_variable: &'static str,
    /// Without it.
    pub(super) default_cases: u64,
}

impl Suite {
    /// Runs all histories; fails with the smallest one that fails.
    pub(super) fn run<S: Strategy<Value = Vec<Action>>>(&self, histories: fn() -> S) {
        let cases = variable(self.cases_variable).unwrap_or(self.default_cases);
        let first = variable("MODEL_SEED").unwrap_or_else(|| u64::from(rand::random::<u32>()));
        eprintln!("{}: {cases} histories, MODEL_SEED={first}", self.test);
        let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
        let failures: Vec<String> = std::thread::scope(|scope| {
            let work = || {
                let worker = Worker::new();
                while !failed.load(Ordering::Relaxed) {
                    let case = next.fetch_add(1, Ordering::Relaxed);
                    if case >= cases {
                        worker.finish();
                        return None;
                    }
                    let seed = first.wrapping_add(case);
                    if let Err(failure) = worker.case(seed, histories()) {
                        failed.store(true, Ordering::Relaxed);
                        return Some(self.report(seed, &failure));
                    }
                }
                None
            };
            let workers = std::thread::available_parallelism().map_or(2, |cores| cores.get().min(4));
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            workers.into_iter().filter_map(|worker| worker.join().expect("a worker")).collect()
        });
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    }

    fn report(&self, seed: u64, failure: &TestError<Vec<Action>>) -> String {
        let repeat =
            format!("MODEL_SEED={seed} {}=1 cargo test --test it model::{} -- --exact", self.cases_variable, self.test);
        match failure {
            TestError::Fail(reason, history) => {
                let steps: Vec<String> = history.iter().map(|action| format!("  {action:?}")).collect();
                format!("{reason}\nthe smallest history found:\n{}\nrepeat it with:\n  {repeat}", steps.join("\n"))
            }
            TestError::Abort(reason) => format!("{reason}\n{repeat}"),
        }
    }
}

/// One thread's client side and its server, which serves many histories.
struct Worker {
    runtime: Runtime,
    bench: RefCell<Option<Bench>>,
}

impl Worker {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { runtime, bench: RefCell::new(None) }
    }

    fn case(&self, seed: u64, histories: impl Strategy<Value = Vec<Action>>) -> Result<(), TestError<Vec<Action>>> {
        let config = Config {
            cases: 1,
            rng_seed: RngSeed::Fixed(seed),
            failure_persistence: None,
            max_shrink_iters: MAX_SHRINK_STEPS,
            max_shrink_time: MAX_SHRINK_MS,
            ..Config::default()
        };
        TestRunner::new(config).run(&histories, |history| self.history(&history))
    }

    fn history(&self, history: &[Action]) -> Checked {
        let bench = self.bench.take();
        let mut bench = bench.unwrap_or_else(|| self.runtime.block_on(Bench::start()));
        let outcome = self.runtime.block_on(driver::run(&mut bench, history));
        // The next try must not suffer from what a failed one has done to the server.
        if outcome.is_ok() || self.runtime.block_on(driver::run(&mut bench, &[])).is_ok() {
            self.bench.replace(Some(bench));
        } else {
            bench.discard();
        }
        outcome
    }

    /// The server ends in order, and none of its actors has failed.
    fn finish(&self) {
        if let Some(mut bench) = self.bench.take() {
            self.runtime.block_on(bench.drain());
        }
    }
}

fn variable<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    let Ok(value) = text.parse() else { panic!("{name} is no number: {text}") };
    Some(value)
}
