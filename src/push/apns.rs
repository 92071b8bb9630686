//! The Apple Push Notification service, by its HTTP/2 API with tokens.

mod answer;
mod connection;
mod token;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio::time::Instant;
use url::Url;

use super::http::{Patience, Unanswered};
use super::verdict::{Effect, Verdict};
use super::{PushError, Unusable, tls};
use crate::clock::random_bytes;
use crate::config::Config;
use crate::domain::{ApnsEnvironment, ApnsStyle, PushOutcome, Timestamp, Wake};
use answer::{Judged, judge};
use connection::{Answered, Failed, Service};
use token::ProviderToken;

/// Characters of a device token. Apple says that its length may change.
const TOKEN_CHARS: std::ops::RangeInclusive<usize> = 64..=200;
/// Seconds for which Apple keeps an alert for a device that is off: 30 days.
const ALERT_LASTS_S: i64 = 30 * 24 * 3600;
/// Seconds for which it keeps what is delivered in the background.
const BACKGROUND_LASTS_S: i64 = 24 * 3600;
/// Apple shows one alert of an id.
const COLLAPSE_ID: &str = "wake";
/// The key in the app's texts that is shown if its extension does not replace the alert.
const TEXT_KEY: &str = "WAKE";

/// The sender of APNs.
pub(super) struct Apns {
    token: ProviderToken,
    topics: Vec<String>,
    production: Service,
    sandbox: Service,
}

/// A device at Apple.
#[derive(Clone, Copy)]
pub(super) struct Device<'a> {
    /// Its token.
    pub(super) token: &'a SecretString,
    /// The app.
    pub(super) topic: &'a str,
    /// The service that has issued the token.
    pub(super) environment: ApnsEnvironment,
    /// How urgent wake-ups are sent.
    pub(super) style: ApnsStyle,
    /// When it was registered.
    pub(super) created_at: Timestamp,
}

impl Apns {
    /// Reads the key and makes the sender.
    pub(super) fn open(config: &Config, patience: Patience) -> Result<Self, PushError> {
        let mut configuration = tls::configuration(&config.push)?;
        configuration.alpn_protocols = vec![tls::H2.to_vec()];
        let configuration = Arc::new(configuration);
        let service = |apple: &str| {
            let place = Some(config.push.apns.endpoint.as_str()).filter(|own| !own.is_empty()).unwrap_or(apple);
            let url = Url::parse(place).map_err(|error| PushError::Setup(error.to_string()))?;
            Ok(Service::at(&url, &configuration, patience))
        };
        Ok(Self {
            token: ProviderToken::load(&config.push.apns)?,
            topics: config.push.apns.topics.clone(),
            production: service("https://api.push.apple.com")?,
            sandbox: service("https://api.sandbox.push.apple.com")?,
        })
    }

    /// Checks the files alone.
    pub(super) fn check_files(config: &Config) -> Result<(), PushError> {
        ProviderToken::load(&config.push.apns).map(drop)
    }

    /// Returns the apps that are woken.
    pub(super) fn topics(&self) -> &[String] {
        &self.topics
    }

    /// Checks a token and its app.
    pub(super) fn check(&self, token: &SecretString, topic: &str) -> Result<(), Unusable> {
        let token = token.expose_secret();
        if !TOKEN_CHARS.contains(&token.len()) || !token.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Err(Unusable("the token does not have 64 to 200 hexadecimal digits"));
        }
        if !self.topics.iter().any(|known| known == topic) {
            return Err(Unusable("the topic is none of this server's apps"));
        }
        Ok(())
    }

    /// Sends a wake-up. A token that is bad in its environment is tried in the other one.
    pub(super) async fn send(&self, device: Device<'_>, wake: &Wake, now: Timestamp, deadline: Instant) -> Verdict {
        let other = match device.environment {
            ApnsEnvironment::Production => ApnsEnvironment::Sandbox,
            ApnsEnvironment::Sandbox => ApnsEnvironment::Production,
        };
        let bad = match self.send_in(device.environment, device, wake, now, deadline).await {
            Judged::OtherEnvironment(bad) => bad,
            judged => return judged.verdict(),
        };
        match self.send_in(other, device, wake, now, deadline).await.verdict() {
            good if good.outcome == PushOutcome::Accepted => good,
            again if again.outcome == PushOutcome::Dead => bad,
            // The other environment cannot be asked now, which says nothing of this one.
            unclear if unclear.outcome == PushOutcome::Retry => Verdict { effect: Effect::Works, ..unclear },
            // The key is not for that environment: this one's word about the token stands, but is not the last.
            _ => Verdict { outcome: PushOutcome::Config, effect: Effect::Refuses, ..bad },
        }
    }

    /// Sends a wake-up in an environment: once more with a new token, or over a new connection, where that may help.
    async fn send_in(
        &self,
        environment: ApnsEnvironment,
        device: Device<'_>,
        wake: &Wake,
        now: Timestamp,
        deadline: Instant,
    ) -> Judged {
        let service = match environment {
            ApnsEnvironment::Production => &self.production,
            ApnsEnvironment::Sandbox => &self.sandbox,
        };
        let unsigned = || Judged::Final(Verdict::unasked(PushOutcome::Retry, "no token could be signed"));
        let Ok(mut token) = self.token.header(now) else { return unsigned() };
        let (mut has_reconnected, mut has_renewed) = (false, false);
        loop {
            let Some(request) = request(service, device, &token, wake, now) else { return unsigned() };
            let judged = match ask(service, request, now, deadline).await {
                Ok(answered) => judge(&answered.reply, answered.id.as_deref(), device.created_at),
                Err(failed) if failed.was_in_use && !has_reconnected => {
                    has_reconnected = true;
                    continue;
                }
                Err(failed) => return Judged::Final(Verdict::unanswered(failed.why.as_str())),
            };
            match judged {
                Judged::GoesAway(_) if !has_reconnected => has_reconnected = true,
                Judged::Expired(verdict) if !has_renewed => match self.token.after_expired(&token, now) {
                    Ok(Some(newer)) => (token, has_renewed) = (newer, true),
                    Ok(None) => return Judged::Final(verdict),
                    Err(_) => return unsigned(),
                },
                Judged::ChangesTooOften(verdict) => {
                    self.token.keep(now);
                    return Judged::Final(verdict);
                }
                judged => return judged,
            }
        }
    }
}

impl Judged {
    fn verdict(self) -> Verdict {
        match self {
            Self::Final(verdict)
            | Self::Expired(verdict)
            | Self::ChangesTooOften(verdict)
            | Self::OtherEnvironment(verdict)
            | Self::GoesAway(verdict) => verdict,
        }
    }
}

/// Makes a request over the service's connection, which is dropped when it is of no more use.
async fn ask(
    service: &Service,
    request: Request<Full<Bytes>>,
    now: Timestamp,
    deadline: Instant,
) -> Result<Answered, Failed> {
    let (connection, was_there) = service.connection(deadline).await?;
    let asked = connection.ask(request, now, deadline).await;
    match &asked {
        // Such as `Shutdown`: it ends soon.
        Ok(answered) if answered.reply.status == 503 => service.drop(&connection).await,
        Ok(_) => {}
        Err(_) => service.drop(&connection).await,
    }
    asked.map_err(|failed| Failed { was_in_use: was_there && failed.why == Unanswered::Lost, ..failed })
}

/// Returns the request for a wake-up; `None` when there is no randomness for its id, or a value does not fit a header.
fn request(
    service: &Service,
    device: Device<'_>,
    token: &HeaderValue,
    wake: &Wake,
    now: Timestamp,
) -> Option<Request<Full<Bytes>>> {
    let is_alert = wake.is_urgent && device.style == ApnsStyle::Alert;
    let (kind, priority, lasts) =
        if is_alert { ("alert", "10", ALERT_LASTS_S) } else { ("background", "5", BACKGROUND_LASTS_S) };
    let aps = if is_alert {
        json!({ "alert": { "loc-key": TEXT_KEY }, "mutable-content": 1 })
    } else {
        json!({ "content-available": 1 })
    };
    let body = json!({ "aps": aps, "w": wake.id.as_str() }).to_string();
    let url = format!("https://{}/3/device/{}", service.authority(), device.token.expose_secret());
    let builder = Request::post(url)
        .header(header::AUTHORIZATION, token)
        .header("apns-topic", device.topic)
        .header("apns-id", uuid()?)
        .header("apns-push-type", kind)
        .header("apns-priority", priority)
        .header("apns-expiration", now.as_secs() + lasts)
        .header(header::CONTENT_TYPE, "application/json");
    let builder = if is_alert { builder.header("apns-collapse-id", COLLAPSE_ID) } else { builder };
    builder.body(Full::from(body)).ok()
}

/// Returns a random UUID (RFC 9562 §5.4).
fn uuid() -> Option<String> {
    let mut bytes = random_bytes::<16>().ok()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| hex.get(part).unwrap_or_default());
    Some(parts.join("-"))
}
