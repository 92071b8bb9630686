//! Requests to push services, by doubles of them over TLS.

mod apns;
mod fcm;
mod files;
mod guard;
mod secrets;
mod webpush;

use std::time::Duration;

use fluent_backend::clock::Clock;
use fluent_backend::config::Config;
use fluent_backend::domain::{
    ApnsEnvironment, ApnsStyle, PushAddress, PushOutcome, PushTarget, Sent, Timestamp, Wake, WakeId,
};
use fluent_backend::push::{Patience, Providers, Sender as _};
use tempfile::TempDir;

use crate::support::push::{PushDoubles, TOPIC};

/// Push services, and the server's side of them.
struct Line {
    doubles: PushDoubles,
    providers: Providers,
    clock: Clock,
    dir: TempDir,
}

impl Line {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let clock = Clock::stopped_at(Timestamp::from_micros(1_800_000_123_000_000));
        let doubles = PushDoubles::start(&clock).await;
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::defaults().unwrap();
        config.server.data_dir = dir.path().into();
        doubles.configure(&mut config);
        change(&mut config);
        config.validate().unwrap();
        let providers = Providers::open(&config, &clock).unwrap();
        Self { doubles, providers, clock, dir }
    }

    /// With little patience, for services that never answer.
    async fn start_impatient() -> Self {
        Self::start().await.with(Patience { whole: Duration::from_secs(2), ..Patience::default() })
    }

    /// The same services, with other deadlines.
    fn with(mut self, patience: Patience) -> Self {
        let mut config = Config::defaults().unwrap();
        config.server.data_dir = self.dir.path().into();
        self.doubles.configure(&mut config);
        self.providers = Providers::open_with(&config, &self.clock, patience, guard::nobody()).unwrap();
        self
    }

    /// Wakes a device that was registered a second ago.
    async fn wake(&self, address: &PushAddress) -> Sent {
        self.send(address, true).await
    }

    async fn send(&self, address: &PushAddress, is_urgent: bool) -> Sent {
        let created_at = self.clock.now().plus_secs(-1);
        let target = PushTarget { address: address.clone(), created_at };
        let id = WakeId::parse("AbCdEfGhIjKlMnOp").unwrap();
        self.providers.send(&target, &Wake { id, is_urgent }).await
    }

    /// Wakes a device, and returns the outcome.
    async fn outcome(&self, address: &PushAddress) -> PushOutcome {
        self.wake(address).await.outcome
    }
}

fn fcm(token: &str) -> PushAddress {
    PushAddress::Fcm { token: token.into() }
}

/// A device of Apple; the digit makes its token.
fn apple(digit: char, environment: ApnsEnvironment, style: ApnsStyle) -> PushAddress {
    PushAddress::Apns { token: token(digit).into(), topic: TOPIC.to_owned(), environment, style }
}

fn token(digit: char) -> String {
    digit.to_string().repeat(64)
}
