//! Tokens of devices, endpoints, and the tokens that the server signs are in no log line, however much is logged.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use fluent_backend::domain::ApnsEnvironment::Production;
use fluent_backend::domain::ApnsStyle::Alert;
use fluent_backend::domain::PushOutcome::Accepted;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use super::{Line, apple, fcm, token};
use crate::support::push::Plan;

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// On one thread, which alone is listened to: the doubles' lines are there too, with what they have received.
#[tokio::test]
async fn no_secret_is_logged() {
    let log = Log::default();
    let collector = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(collector);
    let line = Line::start().await;
    let subscription = line.doubles.webpush.subscribe();
    let devices = [fcm("device-secret"), apple('a', Production, Alert), subscription.address()];
    for device in &devices {
        assert_eq!(line.outcome(device).await, Accepted);
    }
    // Errors are where secrets slip out.
    for plan in [Plan::body(500, "<html>"), Plan::body(403, "device-secret"), Plan::Reset, Plan::status(410)] {
        for double in [line.doubles.fcm.double(), line.doubles.apns.double(), line.doubles.webpush.double()] {
            double.plan([plan.clone(), plan.clone()]);
        }
        for device in &devices {
            let reason = line.wake(device).await.reason.unwrap_or_default();
            assert!(!reason.contains("secret") && !reason.contains(&token('a')), "{reason}");
        }
    }
    let text = log.text();
    assert!(text.contains("TRACE") && text.contains("h2::"), "the log is as talkative as it can be");
    let path = subscription.endpoint.rsplit('/').next().unwrap();
    for secret in ["device-secret", &token('a'), path, "ya29.", "eyJ", "PRIVATE KEY", "vapid t="] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}
