//! Push services that a test starts on this machine, over TLS with an authority of their own: FCM with Google's token
//! endpoint, Apple's, and one of Web Push.
//!
//! Each checks what the real one would check, answers as told, and keeps all that it was asked.

mod apns;
mod authority;
mod captured;
mod fcm;
mod frames;
mod keys;
mod server;
mod webpush;

use fluent_backend::clock::Clock;
use fluent_backend::config::{AllowedPlace, Config};
use tempfile::TempDir;

pub(crate) use apns::{ApnsDouble, TOPIC};
pub(crate) use authority::Authority;
pub(crate) use captured::Captured;
pub(crate) use fcm::{FcmDouble, PROJECT};
pub(crate) use server::Plan;
pub(crate) use webpush::{Subscription, WebPushDouble};

/// All push services.
pub(crate) struct PushDoubles {
    dir: TempDir,
    authority: Authority,
    pub(crate) fcm: FcmDouble,
    pub(crate) apns: ApnsDouble,
    pub(crate) webpush: WebPushDouble,
}

impl PushDoubles {
    /// Starts them, with this time.
    pub(crate) async fn start(clock: &Clock) -> Self {
        let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        std::fs::write(dir.path().join("ca.pem"), authority.pem()).unwrap();
        let fcm = FcmDouble::start(&authority, clock).await;
        std::fs::write(dir.path().join("account.json"), fcm.account()).unwrap();
        let apns = ApnsDouble::start(&authority, clock).await;
        std::fs::write(dir.path().join("AuthKey.p8"), apns.key()).unwrap();
        let webpush = WebPushDouble::start(&authority, clock).await;
        Self { dir, authority, fcm, apns, webpush }
    }

    /// Lets a server use them.
    pub(crate) fn configure(&self, config: &mut Config) {
        let file = |name: &str| self.dir.path().join(name).display().to_string();
        let push = &mut config.push;
        push.ca_file = file("ca.pem");
        push.fcm.service_account_file = file("account.json");
        push.fcm.endpoint = self.fcm.double().url();
        push.apns.key_file = file("AuthKey.p8");
        push.apns.key_id = apns::KEY_ID.into();
        push.apns.team_id = apns::TEAM_ID.into();
        push.apns.topics = vec![TOPIC.to_owned()];
        push.apns.endpoint = self.apns.double().url();
        push.webpush.contact = webpush::CONTACT.into();
        push.webpush.allow = vec![self.webpush.place()];
    }

    /// Returns the settings by which a server process uses FCM alone.
    pub(crate) fn fcm_variables(&self) -> [(&'static str, String); 3] {
        let file = |name: &str| self.dir.path().join(name).display().to_string();
        [
            ("FLUENT__PUSH__CA_FILE", file("ca.pem")),
            ("FLUENT__PUSH__FCM__SERVICE_ACCOUNT_FILE", file("account.json")),
            ("FLUENT__PUSH__FCM__ENDPOINT", self.fcm.double().url()),
        ]
    }

    /// Returns the authority that has signed their certificates.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Fails the test when a request was not as the real services want it, or holds one of these texts, which stand for
    /// what no push service may learn. Bodies of Web Push are searched as the device decrypts them. What every test
    /// keeps from them is searched for when a double is dropped.
    pub(crate) fn check(&self, markers: &[&str]) {
        for double in [self.fcm.double(), self.apns.double(), self.webpush.double()] {
            assert_eq!(double.faults(), Vec::<String>::new());
            double.check_secrecy(markers);
        }
    }
}

/// Returns a place that is allowed beside the public internet.
fn place(host: &str, port: u16) -> AllowedPlace {
    AllowedPlace::Service { host: host.to_owned(), port }
}
