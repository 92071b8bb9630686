//! The limit of the processors: password verifications and nothing else.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use rustix::process::setpriority_process;
use serde::Serialize;

use crate::process;
use crate::seed::{PASSWORD, password_hash};

/// Verifications on all cores.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Bare {
    pub(super) per_second: f64,
    /// Processor time of each.
    pub(super) cpu_ms: f64,
}

/// Verifies the password of all accounts on as many threads as there are cores, each with memory that it keeps: no
/// program can be faster with this library. `nice` is their priority, so that other programs take as much time from
/// them as from the server.
pub(super) async fn verify(time: Duration, nice: i32) -> Result<Bare> {
    let hash = password_hash()?;
    let before = process::usage(std::process::id())?.cpu;
    let cores = std::thread::available_parallelism()?.get();
    // Own threads: those of the runtime would keep the priority.
    let threads: Vec<_> = (0..cores)
        .map(|_| {
            let (hash, (done, result)) = (hash.clone(), tokio::sync::oneshot::channel());
            std::thread::spawn(move || done.send(on_one_thread(&hash, time, nice)));
            result
        })
        .collect();
    let (mut per_second, mut count) = (0.0, 0);
    for thread in threads {
        let (verified, elapsed) = thread.await.context("a thread has failed")??;
        per_second += f64::from(verified) / elapsed.as_secs_f64();
        count += verified;
    }
    let cpu = process::usage(std::process::id())?.cpu.saturating_sub(before);
    Ok(Bare { per_second, cpu_ms: cpu.as_secs_f64() * 1000.0 / f64::from(count) })
}

fn on_one_thread(hash: &str, time: Duration, nice: i32) -> Result<(u32, Duration)> {
    setpriority_process(Some(rustix::thread::gettid()), nice).context("cannot set the priority of a thread")?;
    let hash = PasswordHash::new(hash).map_err(|error| anyhow!("argon2: {error}"))?;
    let (salt, expected) = hash.salt.zip(hash.hash).context("a hash without salt")?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default());
    let mut blocks = vec![Block::new(); argon2.params().block_count()];
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < time {
        argon2
            .hash_password_into_with_memory(PASSWORD.as_bytes(), &salt, &mut output, &mut blocks)
            .map_err(|error| anyhow!("argon2: {error}"))?;
        ensure!(expected.as_ref() == output.as_slice(), "a wrong hash");
        count = count.checked_add(1).context("too many")?;
    }
    ensure!(count > 0, "no time for a verification");
    Ok((count, start.elapsed()))
}
