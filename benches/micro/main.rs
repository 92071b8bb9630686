//! Micro-benchmarks of the parts of a message's way.
//!
//! `cargo bench --bench micro` measures their time. `cargo bench --bench micro -- repeat PART TIMES` only runs one of
//! them, for `valgrind` and `perf` (`benches/instructions.sh`). The figures are for comparing a change with the state
//! before it, on one machine and within one hour.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark that cannot run fails")]

mod actors;
mod append;
mod codec;
mod limits;
mod token;

use std::path::Path;
use std::time::Instant;

use criterion::{Criterion, Throughput};
use fluent_backend::Config;

/// Length of an encrypted copy: the base64 of an RSA-2048 ciphertext.
const CIPHERTEXT: usize = 344;

/// A measured part of a message's way.
struct Part {
    name: String,
    /// Messages in one run.
    messages: u64,
    /// Prepares a run, and returns it.
    prepare: Box<dyn Fn() -> Box<dyn FnMut()>>,
}

fn parts() -> Vec<Part> {
    codec::parts().chain(token::parts()).chain(limits::parts()).chain(append::parts()).chain(actors::parts()).collect()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["repeat", name, times] => repeat(name, times.parse().unwrap()),
        _ => measure(),
    }
}

fn repeat(name: &str, times: u64) {
    let part = parts().into_iter().find(|part| part.name == name).expect("no such part");
    let mut run = (part.prepare)();
    let started = Instant::now();
    (0..times).for_each(|_| run());
    eprintln!("{name}: {} messages in {:?}", times * part.messages, started.elapsed());
}

fn measure() {
    let mut criterion = Criterion::default().configure_from_args();
    for part in parts() {
        let mut group = criterion.benchmark_group("micro");
        group.throughput(Throughput::Elements(part.messages));
        group.bench_function(&part.name, |bencher| {
            let mut run = (part.prepare)();
            bencher.iter(&mut run);
        });
        group.finish();
    }
    criterion.final_summary();
}

fn config(data_dir: &Path) -> Config {
    let mut config = Config::defaults().unwrap();
    data_dir.clone_into(&mut config.server.data_dir);
    config
}
