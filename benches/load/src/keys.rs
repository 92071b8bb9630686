//! The keys of limiters: what they cost in memory and time. They are those of the server, in the tool's own process.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

use anyhow::{Context as _, Result};
use fluent_backend::clock::Clock;
use fluent_backend::config::Config;
use fluent_backend::domain::{ClientAddress, Limiter, Timestamp};
use fluent_backend::limits::Limiters;
use serde::Serialize;

use crate::process;

/// Time after which all buckets are full again, in seconds.
const FULL_AGAIN_S: i64 = 3600;

/// Many keys at once.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub(crate) struct Keys {
    /// Addresses, half of them IPv6, and as many names
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    each: u32,
    /// Keys that the table may hold; by default all of them. The server's own limit is `limits.max_keys`
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_keys: Option<usize>,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    #[serde(flatten)]
    keys: Keys,
    /// Memory beyond that before the first key.
    mib: f64,
    /// The same after all buckets are full again, and dropped.
    mib_after: f64,
    /// Nanoseconds for a new key.
    new_ns: f64,
    /// Nanoseconds for one that is there.
    known_ns: f64,
    sweep_ms: f64,
    refused: u64,
}

impl Keys {
    #[expect(clippy::cast_precision_loss, reason = "counts and times are far below 2^52")]
    pub(crate) fn run(&self) -> Result<Outcome> {
        let mut config = Config::defaults()?;
        // An IPv6 address has a key for the site around it, too.
        config.limits.max_keys = self.max_keys.unwrap_or(3 * self.each as usize);
        let clock = Clock::stopped_at(Timestamp::from_micros(1_700_000_000_000_000));
        let limiters = Limiters::new(&config, &clock);
        let before = rss_kib()?;
        let beyond = |now: u64| now.saturating_sub(before) as f64 / 1024.0;
        let take_all = || {
            let (start, mut refused) = (Instant::now(), 0);
            for number in 0..self.each {
                refused += u64::from(limiters.take(Limiter::LoginAddress, address(number).class()).is_err());
                let name = limiters.name_key(&format!("user-{number}"));
                refused += u64::from(limiters.take(Limiter::LoginAccount, name).is_err());
            }
            (start.elapsed().as_nanos() as f64 / f64::from(self.each) / 2.0, refused)
        };
        let (new_ns, refused) = take_all();
        let mib = beyond(rss_kib()?);
        let (known_ns, _) = take_all();
        clock.advance_secs(FULL_AGAIN_S);
        let start = Instant::now();
        limiters.sweep();
        let sweep_ms = start.elapsed().as_secs_f64() * 1000.0;
        let mib_after = beyond(rss_kib()?);
        Ok(Outcome { workload: "keys", keys: self.clone(), mib, mib_after, new_ns, known_ns, sweep_ms, refused })
    }
}

/// An address of its own for each number, in many networks.
fn address(number: u32) -> ClientAddress {
    let [_, a, b, c] = number.to_be_bytes();
    ClientAddress::from(if number.is_multiple_of(2) {
        IpAddr::from([10, a, b, c])
    } else {
        let [high, low] = [u16::from(a) << 8 | u16::from(b), u16::from(c)];
        IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, high, low, 0, 0, 0, 1))
    })
}

fn rss_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("cannot read /proc/self/status")?;
    process::field(&status, "VmRSS:").context("no memory in /proc/self/status")
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { keys, mib, mib_after, new_ns, known_ns, sweep_ms, refused, .. } = self;
        write!(
            f,
            "keys: {0} addresses and {0} names: {mib:.1} MiB, {mib_after:.1} after they were dropped; ",
            keys.each
        )?;
        write!(f, "{new_ns:.0} ns a new one, {known_ns:.0} ns a known one, {sweep_ms:.1} ms a sweep; {refused} refused")
    }
}
