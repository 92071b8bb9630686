//! Files: uploads and downloads at the server, at a bare server with the same library, and at nginx, in turn; the
//! server's memory while many files move at once; and messages beside transfers.

mod bare;
mod beside;
mod crowd;
mod line;
mod moving;
mod nginx;
mod outcome;
mod side;
mod speed;

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::bystanders;
use crate::place::Place;
use crate::report;
pub(crate) use bare::serve;
use line::Content;
use outcome::Outcome;

/// Bytes of a MiB.
const MIB: u64 = 1024 * 1024;
/// Wait for what a server does after the last response: it closes files, and threads that are not needed end.
const SETTLE: Duration = Duration::from_secs(2);

/// Files that are sent to and read from the server.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Media {
    /// Size of each file in MiB
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1024))]
    mib: u32,
    /// Connections whose speed is measured, each of a user of its own; each moves one file
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    connections: u32,
    /// Rounds, in each of which all servers run
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// What is measured
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["speed", "memory", "messages"])]
    parts: Vec<Part>,
    /// Uploads, and as many downloads, that run at once while memory is measured
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=32))]
    crowd: u32,
    /// Seconds after the last of them at which memory is measured again
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=3600))]
    after: u64,
    /// Seconds in which messages are measured alone, and beside transfers, in each round
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    #[command(flatten)]
    #[serde(flatten)]
    bystanders: bystanders::Plan,
    /// Decides what files and messages hold
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A part of the measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    /// Bytes a second and processor time, against other servers.
    Speed,
    /// The server's memory while many files move.
    Memory,
    /// Messages beside transfers.
    Messages,
}

impl Media {
    /// Runs all parts, and prints the result of each as soon as it is there.
    pub(crate) async fn run(&self, place: &Place) -> Result<Outcome> {
        let content = Content::new(self.seed);
        let mut outcome = Outcome::new(place.store(), self);
        if self.parts.contains(&Part::Speed) {
            outcome.speed = Some(Box::pin(speed::measure(self, place, &content)).await?);
        }
        if self.parts.contains(&Part::Memory) {
            let crowd = Box::pin(crowd::measure(self, place, &content)).await?;
            report::say(&format!("media {crowd}"));
            outcome.memory = Some(crowd);
        }
        if self.parts.contains(&Part::Messages) {
            outcome.messages = Some(Box::pin(beside::measure(self, place, &content)).await?);
        }
        Ok(outcome)
    }

    /// Returns the bytes of a file.
    fn bytes(&self) -> u64 {
        u64::from(self.mib) * MIB
    }
}
