//! Health and the operators' listener.

use fluent_backend::testing::{TestData, TestServer};

use super::recording::Recording;
use crate::support::v1::stopped_clock;

#[tokio::test]
async fn answers_about_health_are_byte_by_byte_the_recorded_ones() {
    let server = TestServer::start_on(TestData::of_one().await, stopped_clock(), |_| {}).await;
    // On PostgreSQL `/readyz` says how servers learn of each other.
    let file = if server.data().is_sqlite() { "admin" } else { "admin.postgres" };
    let mut recording = Recording::of(&server, file, &[]);
    recording.part("For clients");
    for path in ["/", "/root", "/healthz", "/readyz"] {
        recording.request(&format!("GET {path}"), &[], "").await;
    }
    recording.part("For operators");
    recording.move_to(server.admin().addr());
    for path in ["/healthz", "/readyz", "/nowhere"] {
        recording.request(&format!("GET {path}"), &[], "").await;
    }
    let origin = "Origin: https://app.example.org".to_owned();
    recording.request("GET /metrics", &[origin], "").await;
    recording.finish();
    server.stop().await;
}
