//! The address of a device in a request, as its app has it from its provider.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::{ApnsEnvironment, ApnsStyle, PushAddress};
use crate::http::error::ApiError;
use crate::http::extract::JsonObject;

/// Longest token of FCM, in bytes.
const MAX_FCM_TOKEN: usize = 4096;
/// Digits of a token of APNs.
const APNS_DIGITS: std::ops::RangeInclusive<usize> = 64..=200;
/// Longest endpoint of Web Push, in bytes: what `UnifiedPush` allows.
const MAX_ENDPOINT: usize = 1000;
/// Longest bundle id.
const MAX_TOPIC: usize = 155;

/// Browsers and `UnifiedPush` write keys with and without padding.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize, ToSchema)]
#[schema(as = DeviceAddress)]
pub(in crate::http) struct TargetRequest {
    /// `fcm`, `apns` or `webpush`.
    provider: String,
    /// FCM: the registration token, at most 4,096 bytes; APNs: the device token, 64–200 hexadecimal digits.
    #[schema(value_type = Option<String>)]
    token: Option<SecretString>,
    /// APNs: the app's bundle id, one of those in `/push/config`.
    topic: Option<String>,
    /// APNs: `production` or `sandbox`.
    environment: Option<String>,
    /// APNs: `alert` or `background`, for urgent wake-ups.
    style: Option<String>,
    /// Web Push: the URL of the browser's `PushSubscription`, at most 1,000 bytes.
    #[schema(value_type = Option<String>)]
    endpoint: Option<SecretString>,
    /// Web Push: the keys of the `PushSubscription`.
    #[schema(value_type = Option<KeysBody>)]
    keys: Option<JsonObject<KeysBody>>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = SubscriptionKeys)]
struct KeysBody {
    /// A point on P-256, uncompressed, in base64url.
    p256dh: String,
    /// 16 bytes in base64url.
    #[schema(value_type = String)]
    auth: SecretString,
}

/// Reads an address. What only the provider can judge is judged later.
pub(super) fn address(body: TargetRequest) -> Result<PushAddress, ApiError> {
    match body.provider.as_str() {
        "fcm" => {
            let token = needed("token", body.token)?;
            let length = token.expose_secret().len();
            check((1..=MAX_FCM_TOKEN).contains(&length), "token must have 1 to 4096 bytes")?;
            Ok(PushAddress::Fcm { token })
        }
        "apns" => {
            let token = needed("token", body.token)?;
            let text = token.expose_secret();
            let is_hex = APNS_DIGITS.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
            check(is_hex, "token must be 64 to 200 hexadecimal digits")?;
            let topic = needed("topic", body.topic)?;
            check((1..=MAX_TOPIC).contains(&topic.len()), "topic must be a bundle id")?;
            let environment = needed("environment", body.environment)?;
            let environment = ApnsEnvironment::parse(&environment);
            let style = ApnsStyle::parse(body.style.as_deref().unwrap_or("alert"));
            Ok(PushAddress::Apns {
                token: text.to_ascii_lowercase().into(),
                topic,
                environment: environment.ok_or_else(|| invalid("environment must be production or sandbox"))?,
                style: style.ok_or_else(|| invalid("style must be alert or background"))?,
            })
        }
        "webpush" => {
            let endpoint = needed("endpoint", body.endpoint)?;
            let length = endpoint.expose_secret().len();
            check((1..=MAX_ENDPOINT).contains(&length), "endpoint must have 1 to 1000 bytes")?;
            let JsonObject(keys) = needed("keys", body.keys)?;
            let p256dh = BASE64URL.decode(&keys.p256dh).unwrap_or_default();
            check(p256dh.len() == 65, "p256dh must be 65 bytes in base64url")?;
            let auth = BASE64URL.decode(keys.auth.expose_secret()).unwrap_or_default();
            check(auth.len() == 16, "auth must be 16 bytes in base64url")?;
            Ok(PushAddress::WebPush { endpoint, p256dh, auth })
        }
        _ => Err(invalid("provider must be fcm, apns or webpush")),
    }
}

fn needed<T>(name: &str, value: Option<T>) -> Result<T, ApiError> {
    value.ok_or_else(|| ApiError::Invalid(format!("{name} is missing")))
}

fn check(holds: bool, otherwise: &str) -> Result<(), ApiError> {
    if holds { Ok(()) } else { Err(invalid(otherwise)) }
}

fn invalid(text: &str) -> ApiError {
    ApiError::Invalid(text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::PushProvider;

    fn read(body: Value) -> Result<PushAddress, ApiError> {
        address(serde_json::from_value(body).unwrap())
    }

    #[test]
    fn addresses_of_all_providers_are_read() {
        let fcm = read(json!({"provider": "fcm", "token": "x:y"})).unwrap();
        assert_eq!(fcm.provider(), PushProvider::Fcm);
        let apns = json!({"provider": "apns", "token": "AB".repeat(32), "topic": "org.app", "environment": "sandbox"});
        let apns = read(apns).unwrap();
        assert_eq!(apns.secret().expose_secret(), "ab".repeat(32), "one spelling, so that it is recognised");
        let (key, auth) = (BASE64URL.encode([4; 65]), BASE64URL.encode([7; 16]));
        let padded = auth.trim_end_matches('=');
        for auth in [&auth, padded] {
            let subscription = json!({"provider": "webpush", "endpoint": "https://push.example.org/1",
                "expirationTime": null, "keys": {"p256dh": key, "auth": auth}});
            assert_eq!(read(subscription).unwrap().provider(), PushProvider::WebPush);
        }
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        let long = "x".repeat(4097);
        let digits = "ab".repeat(32);
        for bad in [
            json!({"provider": "nobody"}),
            json!({"provider": "fcm"}),
            json!({"provider": "fcm", "token": ""}),
            json!({"provider": "fcm", "token": long}),
            json!({"provider": "apns", "token": "xyz", "topic": "a", "environment": "sandbox"}),
            json!({"provider": "apns", "token": digits, "topic": "", "environment": "sandbox"}),
            json!({"provider": "apns", "token": digits, "topic": "a", "environment": "moon"}),
            json!({"provider": "apns", "token": digits, "topic": "a", "environment": "sandbox", "style": "loud"}),
            json!({"provider": "webpush", "endpoint": "https://x.org/1"}),
            json!({"provider": "webpush", "endpoint": "https://x.org/1", "keys": {"p256dh": "AA", "auth": "AA"}}),
        ] {
            assert!(matches!(read(bad.clone()), Err(ApiError::Invalid(_))), "{bad}");
        }
    }
}
