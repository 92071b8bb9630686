//! All providers that are configured, behind one door.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::apns::{Apns, Device};
use super::fcm::Fcm;
use super::gates::{Gates, Place};
use super::guard::{LookUp, SystemLookUp};
use super::http::Patience;
use super::verdict::Verdict;
use super::webpush::{Vapid, WebPush};
use super::{Admission, ApnsOffer, FcmOffer, Offers, ProviderStatus, PushError, Sender, Unusable, WebPushOffer, tls};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{ApnsEnvironment, PushAddress, PushOutcome, PushProvider, PushTarget, Sent, Timestamp, Wake};

/// The providers that are configured.
pub struct Providers {
    fcm: Option<Fcm>,
    apns: Option<Apns>,
    webpush: Option<WebPush>,
    gates: Mutex<Gates>,
    clock: Clock,
    patience: Patience,
}

/// The provider of an address is not configured.
const NOT_CONFIGURED: Unusable = Unusable("the server does not use this provider");

impl Providers {
    /// Reads the keys of the providers that are configured, and at the first start makes that of Web Push.
    pub fn open(config: &Config, clock: &Clock) -> Result<Self, PushError> {
        Self::open_with(config, clock, Patience::default(), Arc::new(SystemLookUp))
    }

    /// As [`open`](Self::open), with other deadlines, and another way to look up the hosts that users name.
    pub fn open_with(
        config: &Config,
        clock: &Clock,
        patience: Patience,
        look_up: Arc<dyn LookUp>,
    ) -> Result<Self, PushError> {
        let push = &config.push;
        let (fcm, apns) = (push.enabled && push.fcm.is_on(), push.enabled && push.apns.is_on());
        Ok(Self {
            fcm: fcm.then(|| Fcm::open(config, patience)).transpose()?,
            apns: apns.then(|| Apns::open(config, patience)).transpose()?,
            webpush: push.makes_webpush().then(|| WebPush::open(config, patience, look_up)).transpose()?,
            gates: Mutex::new(Gates::new()),
            clock: clock.clone(),
            patience,
        })
    }

    /// Reads the files that a start would read, and changes nothing. Returns what is wrong with them.
    #[must_use]
    pub fn check_files(config: &Config) -> Vec<PushError> {
        let push = &config.push;
        if !push.enabled {
            return Vec::new();
        }
        let mut checks = Vec::new();
        if push.fcm.is_on() {
            checks.push(Fcm::check_files(config));
        }
        if push.apns.is_on() {
            checks.push(Apns::check_files(config));
        }
        if push.makes_webpush() {
            checks.push(Vapid::check(config));
        }
        if !checks.is_empty() {
            checks.push(tls::configuration(push).map(drop));
        }
        checks.into_iter().filter_map(Result::err).collect()
    }

    fn gates(&self) -> MutexGuard<'_, Gates> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, address: &PushAddress) -> Place {
        match address {
            PushAddress::Fcm { .. } => Place::Service(PushProvider::Fcm, "fcm"),
            // Another host, so that nobody's tokens of the sandbox stop what is in production.
            PushAddress::Apns { environment: ApnsEnvironment::Production, .. } => {
                Place::Service(PushProvider::Apns, "apns")
            }
            PushAddress::Apns { environment: ApnsEnvironment::Sandbox, .. } => {
                Place::Service(PushProvider::Apns, "apns-sandbox")
            }
            PushAddress::WebPush { endpoint, .. } => {
                Place::Origin(self.webpush.as_ref().map(|webpush| webpush.origin(endpoint)).unwrap_or_default())
            }
        }
    }

    async fn ask(&self, target: &PushTarget, wake: &Wake, now: Timestamp, deadline: Instant) -> Verdict {
        let Unusable(missing) = NOT_CONFIGURED;
        let missing = || Verdict::unasked(PushOutcome::Config, missing);
        match &target.address {
            PushAddress::Fcm { token } => match &self.fcm {
                Some(fcm) => Box::pin(fcm.send(token, wake, now, deadline)).await,
                None => missing(),
            },
            PushAddress::Apns { token, topic, environment, style } => match &self.apns {
                Some(apns) => {
                    let (environment, style, created_at) = (*environment, *style, target.created_at);
                    let device = Device { token, topic, environment, style, created_at };
                    Box::pin(apns.send(device, wake, now, deadline)).await
                }
                None => missing(),
            },
            PushAddress::WebPush { endpoint, p256dh, auth } => match &self.webpush {
                Some(webpush) => Box::pin(webpush.send((endpoint, p256dh, auth), wake, now, deadline)).await,
                None => missing(),
            },
        }
    }
}

impl Sender for Providers {
    fn offers(&self) -> Offers {
        Offers {
            fcm: self.fcm.as_ref().map(|fcm| FcmOffer { project_id: fcm.project_id().to_owned() }),
            apns: self.apns.as_ref().map(|apns| ApnsOffer { topics: apns.topics().to_vec() }),
            webpush: self
                .webpush
                .as_ref()
                .map(|webpush| WebPushOffer { vapid_public_key: webpush.public_key().to_owned() }),
        }
    }

    fn check(&self, address: &PushAddress) -> Result<(), Unusable> {
        match address {
            PushAddress::Fcm { token } => self.fcm.as_ref().ok_or(NOT_CONFIGURED).and_then(|_| Fcm::check(token)),
            PushAddress::Apns { token, topic, .. } => {
                self.apns.as_ref().ok_or(NOT_CONFIGURED).and_then(|apns| apns.check(token, topic))
            }
            PushAddress::WebPush { endpoint, p256dh, auth } => {
                self.webpush.as_ref().ok_or(NOT_CONFIGURED).and_then(|webpush| webpush.check(endpoint, p256dh, auth))
            }
        }
    }

    fn origin(&self, address: &PushAddress) -> String {
        match self.place(address) {
            Place::Service(_, name) => name.to_owned(),
            Place::Origin(origin) => origin,
        }
    }

    fn admit(&self, address: &PushAddress, now: Timestamp) -> Admission {
        let place = self.place(address);
        self.gates().admit(place, now)
    }

    fn send<'a>(&'a self, target: &'a PushTarget, wake: &'a Wake) -> BoxFuture<'a, Sent> {
        Box::pin(async move {
            let started = Instant::now();
            let verdict = self.ask(target, wake, self.clock.now(), started + self.patience.whole).await;
            let place = self.place(&target.address);
            let noted = self.gates().note(place, &verdict, target.address.secret_hash(), self.clock.now());
            let Verdict { outcome, status, reason, provider_id, after, .. } = verdict;
            let (is_fused, for_all, took) = (noted.is_fused, noted.for_all, started.elapsed());
            Sent { outcome, status, reason, provider_id, after, is_fused, for_all, took }
        })
    }

    fn reset(&self) {
        self.gates().reset();
        if let Some(fcm) = &self.fcm {
            fcm.reset();
        }
    }

    fn status(&self, now: Timestamp) -> Vec<ProviderStatus> {
        let gates = self.gates();
        let offers = self.offers();
        let all = [
            (PushProvider::Fcm, offers.fcm.is_some()),
            (PushProvider::Apns, offers.apns.is_some()),
            (PushProvider::WebPush, offers.webpush.is_some()),
        ];
        all.into_iter().map(|(provider, is_configured)| gates.status(provider, is_configured, now)).collect()
    }
}
