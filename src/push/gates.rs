//! The gates of all providers and origins.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;

use super::gate::{Gate, News, Noted, Pace};
use super::verdict::Verdict;
use super::{Admission, ProviderState, ProviderStatus};
use crate::domain::{PushProvider, Timestamp};
use crate::telemetry::Seldom;

/// Origins of Web Push that are known at once.
const ORIGINS: NonZeroUsize = NonZeroUsize::new(1000).unwrap();
/// Time between two lines in the log about origins, which users name.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// Whom a gate is before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// A service that the settings name; Apple has two.
    Service(PushProvider, &'static str),
    /// An origin that users have named.
    Origin(String),
}

impl Place {
    fn provider(&self) -> PushProvider {
        match self {
            Self::Service(provider, _) => *provider,
            Self::Origin(_) => PushProvider::WebPush,
        }
    }
}

/// The gates, with the pace of each provider.
#[derive(Debug)]
pub(super) struct Gates {
    services: HashMap<Place, Gate>,
    origins: LruCache<String, Gate>,
    rates: HashMap<PushProvider, Pace>,
    origins_told: Seldom,
}

impl Gates {
    pub(super) fn new() -> Self {
        Self {
            services: HashMap::new(),
            origins: LruCache::new(ORIGINS),
            rates: HashMap::new(),
            origins_told: Seldom::new(LOG_INTERVAL),
        }
    }

    /// Says whether a request may be made now, and notes it if so.
    pub(super) fn admit(&mut self, place: Place, now: Timestamp) -> Admission {
        let bucket = self.rates.entry(place.provider()).or_default();
        let gate = match place {
            Place::Origin(origin) => self.origins.get_or_insert_mut(origin, Gate::default),
            service @ Place::Service(..) => self.services.entry(service).or_default(),
        };
        gate.admit(bucket, now)
    }

    /// Notes what came of a request, and tells the operator what is new.
    pub(super) fn note(&mut self, place: Place, verdict: &Verdict, target: [u8; 32], now: Timestamp) -> Noted {
        let provider = place.provider();
        let is_origin = matches!(place, Place::Origin(_));
        let gate = match place {
            Place::Origin(origin) => self.origins.get_or_insert_mut(origin, Gate::default),
            service @ Place::Service(..) => self.services.entry(service).or_default(),
        };
        let noted = gate.note(verdict, target, now);
        if let Some(news) = noted.news
            && (!is_origin || self.origins_told.is_due())
        {
            log_news(provider, news, verdict.reason.as_deref().unwrap_or_default());
        }
        noted
    }

    /// Lets everybody be asked again who has refused this server.
    pub(super) fn reset(&mut self) {
        self.services.values_mut().for_each(Gate::reset);
        self.origins.iter_mut().for_each(|(_, gate)| gate.reset());
    }

    /// Returns how a provider is doing: the worst of its gates.
    pub(super) fn status(&self, provider: PushProvider, is_configured: bool, now: Timestamp) -> ProviderStatus {
        let services = self.services.iter().filter(|(place, _)| place.provider() == provider).map(|(_, gate)| gate);
        let origins = self.origins.iter().filter(|_| provider == PushProvider::WebPush).map(|(_, gate)| gate);
        let open_origins = origins.clone().filter(|gate| gate.holds_until(now).is_some()).count();
        let worst = services.chain(origins).max_by_key(|gate| rank(gate.state(now)));
        ProviderStatus {
            provider,
            is_configured,
            state: worst.map_or(ProviderState::Working, |gate| gate.state(now)),
            why: worst.and_then(|gate| gate.trouble(now)),
            until: worst.and_then(|gate| gate.holds_until(now)),
            open_origins,
        }
    }
}

fn rank(state: ProviderState) -> u8 {
    match state {
        ProviderState::Working => 0,
        ProviderState::Fused => 1,
        ProviderState::Open => 2,
        ProviderState::Stopped => 3,
    }
}

/// Logs what is new of a provider.
fn log_news(provider: PushProvider, news: News, reason: &str) {
    let provider = provider.as_str();
    match news {
        News::Stopped => tracing::error!(provider, reason, "push: the provider refuses this server: check [push]"),
        News::Opened => tracing::warn!(provider, reason, "push: the provider has failed several times in a row"),
        News::Blown => {
            tracing::error!(provider, reason, "push: the provider calls most devices gone: none is deleted for now");
        }
        News::Mended => tracing::info!(provider, "push: the provider works again"),
    }
}
