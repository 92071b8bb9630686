//! The Apple Push Notification service: HTTP/2 alone, and one stream until a good token was seen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use fluent_backend::clock::Clock;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::json;

use super::authority::Authority;
use super::captured::Captured;
use super::keys::{p256, verified};
use super::server::{Double, Judge, Plan, lock};

/// The app.
pub(crate) const TOPIC: &str = "org.example.chat";
pub(super) const KEY_ID: &str = "KEY4567890";
pub(super) const TEAM_ID: &str = "TEAM567890";

/// Apple's service.
pub(crate) struct ApnsDouble {
    double: Double,
    apple: Arc<Apple>,
    key: String,
}

struct Apple {
    key: DecodingKey,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By connection: the streams that are open, and whether a request was answered by 200.
    connections: HashMap<usize, (usize, bool)>,
    /// The tokens that were seen, in their order.
    tokens: Vec<String>,
    issued: Vec<i64>,
    /// Answers by device tokens.
    devices: HashMap<String, Vec<Plan>>,
}

impl ApnsDouble {
    pub(super) async fn start(authority: &Authority, clock: &Clock) -> Self {
        let (key, verifying) = p256();
        let apple = Arc::new(Apple { key: verifying, clock: clock.clone(), state: Mutex::default() });
        let tls = authority.server("localhost", &["h2"]);
        Self { double: Double::start(tls, apple.clone()).await, apple, key }
    }

    /// Returns the file with the key.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn double(&self) -> &Double {
        &self.double
    }

    /// Returns `iat` of the tokens that were seen, each once.
    pub(crate) fn issued(&self) -> Vec<i64> {
        lock(&self.apple.state).issued.clone()
    }

    /// Answers requests for this device so, in their order, and then as good ones.
    pub(crate) fn plan_for(&self, device: &str, plans: impl IntoIterator<Item = Plan>) {
        lock(&self.apple.state).devices.entry(device.to_owned()).or_default().extend(plans);
    }
}

impl Judge for Apple {
    fn judge(&self, request: &mut Captured) -> Result<Plan, String> {
        let mut state = lock(&self.state);
        let (open, is_proved) = state.connections.entry(request.connection).or_default();
        *open += 1;
        if *open > 1 && !*is_proved {
            return Err("a second stream before the first 200".to_owned());
        }
        self.check_token(request, &mut state)?;
        let device = request.path.strip_prefix("/3/device/").unwrap_or_default();
        if device.len() < 64 || !device.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Err(format!("no such path: {}", request.path));
        }
        check_request(request, self.clock.now().as_secs())?;
        let planned = state.devices.get_mut(device).filter(|plans| !plans.is_empty()).map(|plans| plans.remove(0));
        let id = request.header("apns-id").to_owned();
        Ok(planned.unwrap_or(Plan::Answer(200, Some(("apns-id", id)), String::new())))
    }

    fn answered(&self, connection: usize, status: u16) {
        if let Some((open, is_proved)) = lock(&self.state).connections.get_mut(&connection) {
            *open -= 1;
            *is_proved |= status == 200;
        }
    }
}

impl Apple {
    fn check_token(&self, request: &Captured, state: &mut State) -> Result<(), String> {
        let token = request.header("authorization").strip_prefix("bearer ").unwrap_or_default().to_owned();
        let (header, claims) = verified(&token, &self.key, Algorithm::ES256)?;
        let issued = claims["iat"].as_i64().unwrap_or_default();
        let age = self.clock.now().as_secs() - issued;
        if header.kid.as_deref() != Some(KEY_ID) || claims != json!({ "iss": TEAM_ID, "iat": issued }) {
            return Err(format!("a token: {header:?} {claims}"));
        }
        if !(-60..3600).contains(&age) {
            return Err(format!("a token that is {age} s old"));
        }
        if !state.tokens.contains(&token) {
            state.tokens.push(token);
            state.issued.push(issued);
        }
        Ok(())
    }
}

/// All headers and the body are what they must be.
fn check_request(request: &Captured, now: i64) -> Result<(), String> {
    let header = |name| request.header(name);
    let wake = request.json()["w"].clone();
    let is_alert = header("apns-push-type") == "alert";
    let (kind, priority, collapse, lasts) =
        if is_alert { ("alert", "10", "wake", 2_592_000) } else { ("background", "5", "", 86_400) };
    let aps = if is_alert {
        json!({ "alert": { "loc-key": "WAKE" }, "mutable-content": 1 })
    } else {
        json!({ "content-available": 1 })
    };
    let expires: i64 = header("apns-expiration").parse().unwrap_or_default();
    let found = [header("apns-push-type"), header("apns-priority"), header("apns-collapse-id"), header("apns-topic")];
    let is_good = found == [kind, priority, collapse, TOPIC]
        && header("content-type") == "application/json"
        && (expires - now - lasts).abs() <= 60
        && is_uuid(header("apns-id"))
        && request.json() == json!({ "aps": aps, "w": wake })
        && wake.as_str().is_some_and(|wake| wake.len() == 16);
    if is_good { Ok(()) } else { Err(format!("a request: {:?} {}", request.headers, request.json())) }
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}
