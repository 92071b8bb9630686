//! No provider at all, or none that is asked by this process.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{Admission, Offers, ProviderState, ProviderStatus, Sender, Unusable};
use crate::config::Config;
use crate::domain::{PushAddress, PushOutcome, PushProvider, PushTarget, Sent, Timestamp, Wake};

/// Wakes nothing: no provider is configured, or the server does not run.
#[derive(Clone, Debug, Default)]
pub struct Nothing {
    configured: Vec<PushProvider>,
}

impl Nothing {
    /// Says which providers a running server would use.
    #[must_use]
    pub fn beside(config: &Config) -> Self {
        let push = &config.push;
        let is_on = |provider: &PushProvider| match provider {
            PushProvider::Fcm => push.enabled && push.fcm.is_on(),
            PushProvider::Apns => push.enabled && push.apns.is_on(),
            PushProvider::WebPush => push.makes_webpush(),
        };
        Self { configured: PushProvider::ALL.iter().copied().filter(is_on).collect() }
    }
}

impl Sender for Nothing {
    fn offers(&self) -> Offers {
        Offers::default()
    }

    fn check(&self, _: &PushAddress) -> Result<(), Unusable> {
        Err(Unusable("this server does not wake devices by this provider"))
    }

    fn origin(&self, address: &PushAddress) -> String {
        address.provider().as_str().to_owned()
    }

    fn admit(&self, _: &PushAddress, _: Timestamp) -> Admission {
        Admission::Go
    }

    fn send<'a>(&'a self, _: &'a PushTarget, _: &'a Wake) -> BoxFuture<'a, Sent> {
        let reason = Some("not configured".to_owned());
        let sent = Sent { reason, for_all: true, ..Sent::new(PushOutcome::Config, Duration::ZERO) };
        Box::pin(std::future::ready(sent))
    }

    fn reset(&self) {}

    fn status(&self, _: Timestamp) -> Vec<ProviderStatus> {
        let idle = |provider: &PushProvider| ProviderStatus {
            provider: *provider,
            is_configured: self.configured.contains(provider),
            state: ProviderState::Working,
            why: None,
            until: None,
            open_origins: 0,
        };
        PushProvider::ALL.iter().map(idle).collect()
    }
}
