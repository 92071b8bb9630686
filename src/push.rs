//! The push services that wake sleeping devices: Firebase Cloud Messaging, Apple's, and Web Push.
//!
//! A wake-up says "come and sync", and holds a random id that means nothing outside. When a device is owed one, who
//! sends it, and what becomes of it is not decided here: this module makes one request to one provider, says what its
//! answer means, and holds back what a provider cannot take. It knows no actor and no table.

mod apns;
mod devices;
mod error;
mod fcm;
mod files;
mod gate;
mod gates;
mod guard;
mod http;
mod jwt;
mod nothing;
mod providers;
mod retry_after;
mod sender;
mod time;
mod tls;
mod verdict;
mod webpush;

use std::sync::Arc;

pub use devices::{Devices, LiveList, Notes, Who};
pub use error::PushError;
pub use guard::LookUp;
pub use http::Patience;
pub use nothing::Nothing;
pub use providers::Providers;
pub use sender::{
    Admission, ApnsOffer, FcmOffer, Hold, Offers, ProviderState, ProviderStatus, Sender, Unusable, WebPushOffer,
};
pub use webpush::{rotate_vapid, vapid_public_key};

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::Wake;

/// Makes the sender: reads the keys of the providers that are configured, and at the first start makes Web Push's.
pub fn open(config: &Config, clock: &Clock) -> Result<Arc<dyn Sender>, PushError> {
    Ok(Arc::new(Providers::open(config, clock)?))
}

/// Returns the text of a wake-up for Web Push.
fn payload(wake: &Wake) -> String {
    format!(r#"{{"t":"wake","w":"{}"}}"#, wake.id.as_str())
}
