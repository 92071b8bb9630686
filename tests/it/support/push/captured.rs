//! What a push service was asked, and what it learns from that.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use serde_json::Value;

/// The headers that a push service is sent, and no others.
const HEADERS: [&str; 15] = [
    "accept",
    "apns-collapse-id",
    "apns-expiration",
    "apns-id",
    "apns-priority",
    "apns-push-type",
    "apns-topic",
    "authorization",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "topic",
    "ttl",
    "urgency",
];
/// What tests call their users, and what no push service may learn of them and their messages.
const MARKERS: [&str; 11] =
    ["alice", "bob", "carol", "guest", "sender", "receiver", "unread", "badge", "seq", "conversation", "encrypted"];

/// A request as it was received.
#[derive(Clone, Debug)]
pub(crate) struct Captured {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// What the body says to the device, if it is encrypted.
    pub(crate) decrypted: Option<String>,
    /// The status of the answer, if it was answered.
    pub(crate) status: Option<u16>,
    /// The number of the connection, from 0.
    pub(crate) connection: usize,
}

impl Captured {
    /// Returns a header as text; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns the body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Fails the test when it has a header that it need not have, or one of [`MARKERS`] or of `more` in whatever place.
    pub(super) fn check_secrecy(&self, more: &[&str]) {
        let odd = self.headers.keys().find(|name| !HEADERS.contains(&name.as_str()));
        assert_eq!(odd, None, "{:?}", self.headers);
        let learned = self.learned();
        for marker in MARKERS.iter().chain(more) {
            assert!(!learned.contains(marker), "{marker:?} went to a push service: {learned}");
        }
    }

    /// Returns all that a push service learns from it, as a text, but for what is random: keys, signatures, the name of
    /// the wake-up. What tokens claim is decoded.
    fn learned(&self) -> String {
        let body = self.decrypted.clone().unwrap_or_else(|| String::from_utf8_lossy(&self.body).into_owned());
        let body = match serde_json::from_str::<Value>(&body) {
            Ok(mut body) => {
                forget_random(&mut body);
                body.to_string()
            }
            Err(_) => with_claims(&body),
        };
        let headers = self.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            format!("{name}: {}\n", if name == "authorization" { with_claims(&value) } else { value })
        });
        format!("{}\n{}{body}", self.path, headers.collect::<String>())
    }
}

/// Empties what is a random name.
fn forget_random(body: &mut Value) {
    match body {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "w" { *value = Value::Null } else { forget_random(value) }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(forget_random),
        _ => {}
    }
}

/// Returns the text with the header and claims of a JSON Web Token in its place, and without other long words: these
/// are keys.
fn with_claims(text: &str) -> String {
    let decoded = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let words = text.split([' ', '=', '&', ',']).map(|word| match word.split('.').collect::<Vec<_>>()[..] {
        [header, claims, _] if header.starts_with("ey") => {
            format!("{} {}", decoded(header).unwrap_or_default(), decoded(claims).unwrap_or_default())
        }
        _ if word.len() == 87 => String::new(),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}
