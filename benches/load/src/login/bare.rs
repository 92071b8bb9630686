//! What the processors can do: password verifications and nothing else.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};

use crate::seed::{PASSWORD, password_hash};

/// How many verifications of a password with the server's cost all cores together do in a second.
pub(super) async fn verifications_per_second(time: Duration) -> Result<f64> {
    let hash = password_hash()?;
    let threads: Vec<_> = (0..std::thread::available_parallelism()?.get())
        .map(|_| {
            let hash = hash.clone();
            tokio::task::spawn_blocking(move || verify(&hash, time))
        })
        .collect();
    let mut sum = 0.0;
    for thread in threads {
        sum += thread.await??;
    }
    Ok(sum)
}

/// The same for one thread.
fn verify(hash: &str, time: Duration) -> Result<f64> {
    let hash = PasswordHash::new(hash).map_err(|error| anyhow!("argon2: {error}"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default());
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < time {
        argon2.verify_password(PASSWORD.as_bytes(), &hash).map_err(|error| anyhow!("argon2: {error}"))?;
        count = count.checked_add(1).context("too many")?;
    }
    ensure!(count > 0, "no time for a verification");
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}
