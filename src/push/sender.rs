//! What the rest of the server asks of providers.

use futures_util::future::BoxFuture;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{PushAddress, PushProvider, PushTarget, Sent, Timestamp, Wake};

/// Wakes devices by the providers that are configured. Cheap to ask; only [`send`](Self::send) takes time.
pub trait Sender: Send + Sync {
    /// Returns what clients need to register.
    fn offers(&self) -> Offers;

    /// Refuses an address that cannot be used. Looks nothing up.
    fn check(&self, address: &PushAddress) -> Result<(), Unusable>;

    /// Returns by what requests at once are counted: the provider, and of Web Push the endpoint's origin.
    fn origin(&self, address: &PushAddress) -> String;

    /// Returns whether a request may be made now. One that may is counted as made.
    fn admit(&self, address: &PushAddress, now: Timestamp) -> Admission;

    /// Sends a wake-up; takes 10 s at most.
    fn send<'a>(&'a self, target: &'a PushTarget, wake: &'a Wake) -> BoxFuture<'a, Sent>;

    /// Tries providers again that were stopped for a fault of the configuration.
    fn reset(&self);

    /// Returns the state of each provider.
    fn status(&self, now: Timestamp) -> Vec<ProviderStatus>;
}

/// Why an address cannot be used, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub &'static str);

/// Whether a request may be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Go,
    /// Not before a time.
    Wait {
        /// The time.
        until: Timestamp,
        /// Why.
        why: Hold,
    },
}

/// Why a request must wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Enough requests were made just now.
    Rate,
    /// The provider does not work, or has asked for a pause.
    Breaker,
    /// The provider refuses this server's configuration.
    Stopped,
}

/// What clients need to register; what is not configured is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Offers {
    /// Firebase Cloud Messaging.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fcm: Option<FcmOffer>,
    /// The Apple Push Notification service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apns: Option<ApnsOffer>,
    /// Web Push, and so `UnifiedPush`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webpush: Option<WebPushOffer>,
}

impl Offers {
    /// Returns whether there is no provider.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fcm.is_none() && self.apns.is_none() && self.webpush.is_none()
    }
}

/// What an app needs to register with FCM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FcmOffer {
    /// The Firebase project.
    pub project_id: String,
}

/// What an app needs to register with APNs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApnsOffer {
    /// The bundle ids that may be registered.
    pub topics: Vec<String>,
}

/// What an app needs to subscribe with a service of Web Push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WebPushOffer {
    /// The `applicationServerKey`, in base64url.
    pub vapid_public_key: String,
}

/// The state of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderStatus {
    /// The provider.
    pub provider: PushProvider,
    /// Whether it is configured.
    pub is_configured: bool,
    /// Whether it works.
    pub state: ProviderState,
    /// Its last error.
    pub why: Option<String>,
    /// When it is tried again.
    pub until: Option<Timestamp>,
    /// Origins of Web Push that are held back.
    pub open_origins: usize,
}

/// Whether a provider works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderState {
    /// Requests are made.
    Working,
    /// It has failed too often, and is tried again soon.
    Open,
    /// It refuses this server's configuration.
    Stopped,
    /// It says of too many addresses that they are dead: none is deleted.
    Fused,
}

impl ProviderState {
    /// Returns its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Open => "open",
            Self::Stopped => "stopped",
            Self::Fused => "fused",
        }
    }
}
