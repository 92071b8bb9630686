//! The services that wake devices: what they offer, and how a device is woken by one of them.

mod nothing;
mod sender;

use std::sync::Arc;

pub use nothing::Nothing;
pub use sender::{
    Admission, ApnsOffer, FcmOffer, Hold, Offers, ProviderState, ProviderStatus, Sender, Unusable, WebPushOffer,
};

use crate::clock::Clock;
use crate::config::Config;

/// A provider could not be made ready.
#[derive(Debug, thiserror::Error)]
#[error("push: {0}")]
pub struct PushError(pub String);

/// Makes the providers of the configuration ready.
pub fn open(_config: &Config, _clock: &Clock) -> Result<Arc<dyn Sender>, PushError> {
    Ok(Arc::new(Nothing))
}
