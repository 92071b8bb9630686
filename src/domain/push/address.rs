//! The address of a device at its provider. Tokens and endpoints are secrets: whoever has one may wake the device.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $number:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$about])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns its name in requests and answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// Returns the one of this name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text)
            }

            /// Returns its number in tables. Released numbers never change.
            #[must_use]
            pub const fn stored(self) -> i16 {
                match self {
                    $(Self::$variant => $number,)+
                }
            }

            /// Returns the one with this number in tables.
            #[must_use]
            pub fn from_stored(number: i16) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.stored() == number)
            }
        }
    };
}
pub(super) use names;

names! {
    /// A service that wakes devices.
    PushProvider {
        /// Firebase Cloud Messaging, for Android.
        Fcm = 1, "fcm";
        /// The Apple Push Notification service.
        Apns = 2, "apns";
        /// Any service that speaks Web Push (RFC 8030): browsers', and `UnifiedPush` distributors'.
        WebPush = 3, "webpush";
    }
}

names! {
    /// Which of Apple's two services has issued a token.
    ApnsEnvironment {
        /// For apps from the App Store and `TestFlight`.
        Production = 1, "production";
        /// For apps that Xcode has installed.
        Sandbox = 2, "sandbox";
    }
}

names! {
    /// How an urgent wake-up reaches an app on iOS.
    ApnsStyle {
        /// As a notification whose text the app's extension replaces.
        Alert = 1, "alert";
        /// In the background, which iOS allows a few times an hour.
        Background = 2, "background";
    }
}

/// The address of a device at its provider.
#[derive(Clone)]
pub enum PushAddress {
    /// At FCM.
    Fcm {
        /// The registration token.
        token: SecretString,
    },
    /// At APNs.
    Apns {
        /// The device token, in lower-case hexadecimal digits.
        token: SecretString,
        /// The app's bundle id.
        topic: String,
        /// The service that has issued the token.
        environment: ApnsEnvironment,
        /// How urgent wake-ups are sent.
        style: ApnsStyle,
    },
    /// At a service of Web Push.
    WebPush {
        /// The subscription's URL.
        endpoint: SecretString,
        /// The subscription's public key: a point on P-256, uncompressed, 65 bytes.
        p256dh: Vec<u8>,
        /// The subscription's secret: 16 bytes.
        auth: Vec<u8>,
    },
}

impl PushAddress {
    /// Returns the provider.
    #[must_use]
    pub fn provider(&self) -> PushProvider {
        match self {
            Self::Fcm { .. } => PushProvider::Fcm,
            Self::Apns { .. } => PushProvider::Apns,
            Self::WebPush { .. } => PushProvider::WebPush,
        }
    }

    /// Returns the token, or the URL of a subscription.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        match self {
            Self::Fcm { token } | Self::Apns { token, .. } => token,
            Self::WebPush { endpoint, .. } => endpoint,
        }
    }

    /// Returns the SHA-256 of the token or URL, by which an address that moves to another account is recognised.
    #[must_use]
    pub fn secret_hash(&self) -> [u8; 32] {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.secret().expose_secret().as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.as_ref());
        bytes
    }
}

impl fmt::Debug for PushAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushAddress({})", self.provider().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_be_printed_and_is_named_by_its_secret() {
        let fcm = |token: &str| PushAddress::Fcm { token: token.into() };
        assert_eq!(format!("{:?}", fcm("marker")), "PushAddress(fcm)");
        let subscription =
            PushAddress::WebPush { endpoint: "marker".into(), p256dh: vec![4; 65], auth: b"0123456789abcdef".to_vec() };
        assert_eq!(format!("{subscription:?}"), "PushAddress(webpush)");
        assert_eq!(subscription.secret_hash(), fcm("marker").secret_hash());
        assert_ne!(fcm("other").secret_hash(), fcm("marker").secret_hash());
    }

    #[test]
    fn names_and_numbers_lead_back() {
        for provider in PushProvider::ALL {
            assert_eq!(PushProvider::parse(provider.as_str()), Some(*provider));
            assert_eq!(PushProvider::from_stored(provider.stored()), Some(*provider));
        }
        assert_eq!(PushProvider::parse("nobody"), None);
        assert_eq!(ApnsStyle::from_stored(0), None);
    }
}
