//! Two servers in turn, under the same load: this one and the reference, another build of it, or itself with limits or
//! with push.

mod outcome;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::marked_frame::Dialect;
use crate::place::{Place, Store, Where};
use crate::relay::{Outcome, Relay};
use crate::report;
use crate::target::Target;
use outcome::{Comparison, Round};

/// Runs both in turn, each time on a fresh database.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Compare {
    /// Where the reference stores messages; by default where the server does
    #[arg(long, value_enum)]
    against: Option<Store>,
    /// Instead of the reference: the program of another build of the server, such as the one before a change
    #[arg(long, value_name = "PATH", conflicts_with = "against")]
    with: Option<PathBuf>,
    /// Instead of the reference: this server with all limits switched on, of which none is reached
    #[arg(long, conflicts_with_all = ["against", "with"])]
    limits: bool,
    /// Instead of the reference: this server with Web Push, against itself without; devices are registered with
    /// --offline --registered, and none otherwise
    #[arg(long, conflicts_with_all = ["against", "with", "limits"])]
    push: bool,
    /// The wire that is spoken; by default legacy, with --receipts v1
    #[arg(long, value_enum)]
    dialect: Option<Dialects>,
    /// Rounds in which both run
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    #[command(flatten)]
    relay: Relay,
    #[command(flatten)]
    place: Where,
}

/// The wires that are compared.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Dialects {
    /// The Android app's.
    Legacy,
    /// fluent.v1.
    V1,
    /// One after the other.
    Both,
}

impl Dialects {
    fn each(self) -> &'static [Dialect] {
        match self {
            Self::Legacy => &[Dialect::Legacy],
            Self::V1 => &[Dialect::V1],
            Self::Both => &[Dialect::Legacy, Dialect::V1],
        }
    }
}

/// The server to compare with.
enum Other {
    /// The bare relay with this store.
    Reference(Store),
    /// Another build of the server, or this one with limits or push; and its name.
    Build(&'static str, Place),
}

impl Compare {
    pub(crate) async fn run(&self) -> Result<()> {
        let dialects = self.dialects()?;
        let is_server = self.with.is_some() || self.limits || self.push;
        ensure!(
            !self.relay.receipts || is_server,
            "--receipts needs --with, --limits or --push: the reference has no receipts"
        );
        let mut place = self.place.place(!is_server && self.against == Some(Store::Postgres)).await?;
        if self.push {
            place = place.with_push("server", false);
        }
        let other = match &self.with {
            Some(program) => Other::Build("other", place.with_program("other", program).context("--with")?),
            None if self.limits => Other::Build("limited", place.with_limits("limited")),
            None if self.push => Other::Build("pushing", place.with_push("pushing", true)),
            None => Other::Reference(self.against.unwrap_or(place.store())),
        };
        let mut are_sound = true;
        for dialect in dialects {
            let comparison = self.compare(&place, &other, dialect).await?;
            are_sound &= comparison.is_sound;
            report::print(&comparison)?;
        }
        ensure!(are_sound, "one of the two is not sound: see the runs above");
        Ok(())
    }

    fn dialects(&self) -> Result<Vec<Dialect>> {
        match self.dialect {
            Some(dialects) => dialects.each().iter().map(|&dialect| self.relay.dialect(Some(dialect))).collect(),
            None => Ok(vec![self.relay.dialect(None)?]),
        }
    }

    async fn compare(&self, place: &Place, other: &Other, dialect: Dialect) -> Result<Comparison> {
        let mut rounds = Vec::new();
        for number in 0..self.rounds {
            // Alternating, so that effects of running first do not always favour the same one.
            let other_first = if number % 2 == 0 { None } else { Some(self.other(place, other, dialect).await?) };
            let server = place.server(self.relay.accounts(), dialect).await?;
            // Without push no device can be registered.
            let mut relay = self.relay.clone();
            relay.registered &= !self.push;
            let server = measure(&relay, &server, dialect).await?;
            let other = match other_first {
                Some(outcome) => outcome,
                None => self.other(place, other, dialect).await?,
            };
            rounds.push(Round { server, other });
        }
        let (name, store) = match other {
            Other::Reference(store) => ("reference", *store),
            Other::Build(name, place) => (*name, place.store()),
        };
        Ok(Comparison::of(name, store, dialect, serde_json::to_value(&self.relay)?, &rounds))
    }

    async fn other(&self, place: &Place, other: &Other, dialect: Dialect) -> Result<Outcome> {
        let accounts = self.relay.accounts();
        let target = match other {
            Other::Reference(store) => place.reference(accounts, *store).await?,
            Other::Build(_, place) => place.server(accounts, dialect).await?,
        };
        measure(&self.relay, &target, dialect).await
    }
}

async fn measure(relay: &Relay, target: &Target, dialect: Dialect) -> Result<Outcome> {
    let outcome = relay.run(target, dialect).await?;
    report::print(&outcome)?;
    Ok(outcome)
}
