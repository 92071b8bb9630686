//! Samples of memory and counters over time.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use super::drift::Drift;
use super::ledger::Ledger;
use crate::memory::Memory;
use crate::progress::Progress;
use crate::report::say;
use crate::target::Target;

/// Longest interval between two samples.
const OFTEN: Duration = Duration::from_secs(5);

/// The memory and the counters over time.
pub(super) struct Samples(Vec<Sample>);

#[derive(Clone, Copy, Debug, Serialize)]
struct Sample {
    at_s: u64,
    memory: Memory,
    online: u64,
    sent: u64,
    received: u64,
}

impl Samples {
    /// Takes samples for `length`, and prints a line every `every`.
    pub(super) async fn gather(target: &Target, ledger: &Ledger, length: Duration, every: Duration) -> Result<Self> {
        let progress = Progress::over(&target.name, length);
        let often = OFTEN.min(length / 20);
        let start = Instant::now();
        let mut samples: Vec<Sample> = Vec::new();
        let (mut look, mut line, mut last) = (often, every, (start, 0));
        while look <= length {
            sleep_until(start + look).await;
            progress.at(look);
            let sample = Sample {
                at_s: look.as_secs(),
                memory: target.pid.map_or(Ok(Memory::default()), Memory::of)?,
                online: ledger.online.load(Relaxed),
                sent: ledger.sent.load(Relaxed),
                received: ledger.received.load(Relaxed),
            };
            samples.push(sample);
            if look >= line {
                line += every;
                let messages = Duration::from_secs(1).as_secs_f64() / last.0.elapsed().as_secs_f64()
                    * f64::from(u32::try_from(sample.received - last.1).unwrap_or(u32::MAX));
                last = (Instant::now(), sample.received);
                let Sample { at_s, memory, online, .. } = sample;
                say(&format!(
                    "  {at_s} s: RSS {:.1} MiB, heap {:.1} MiB; {online} online, {messages:.0} messages/s, {} errors, \
                     {} failed sockets",
                    memory.rss_mib(),
                    memory.anon_mib(),
                    ledger.errors(),
                    ledger.failed.load(Relaxed)
                ));
            }
            look += often;
        }
        Ok(Self(samples))
    }

    /// Returns the drift of the resident memory, and of the part that belongs to no file.
    pub(super) fn drifts(&self) -> (Drift, Drift) {
        let of = |part: fn(Memory) -> f64| {
            let values: Vec<f64> = self.0.iter().map(|sample| part(sample.memory)).collect();
            Drift::of(&values)
        };
        (of(Memory::rss_mib), of(Memory::anon_mib))
    }
}
