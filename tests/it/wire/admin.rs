//! Health and the operators' listener.

use fluent_backend::testing::TestServer;

use super::recording::Recording;
use crate::support::v1::stopped_clock;

#[tokio::test]
async fn answers_about_health_are_byte_by_byte_the_recorded_ones() {
    let server = TestServer::start_at(stopped_clock(), |_| {}).await;
    let mut recording = Recording::of(&server, "admin", &[]);
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
