//! No provider at all.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{Admission, Offers, ProviderState, ProviderStatus, Sender, Unusable};
use crate::domain::{PushAddress, PushOutcome, PushProvider, PushTarget, Sent, Timestamp, Wake};

/// Wakes nothing: no provider is configured.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

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
        let absent = |provider: &PushProvider| ProviderStatus {
            provider: *provider,
            is_configured: false,
            state: ProviderState::Working,
            why: None,
            until: None,
            open_origins: 0,
        };
        PushProvider::ALL.iter().map(absent).collect()
    }
}
