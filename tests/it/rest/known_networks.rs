//! Networks where users are known to log in.

use fluent_backend::clock::Clock;
use fluent_backend::testing::{TestClient, TestData, TestServer, eventually};
use serde_json::json;

/// An office mistypes its passwords on a Monday: 39 names are no flood yet, where 4 would be one elsewhere.
#[tokio::test]
async fn from_a_network_where_somebody_logs_in_it_takes_ten_times_as_many_names_for_a_ban() {
    let clock = Clock::stopped_at(Clock::system().now());
    let settings = |config: &mut fluent_backend::Config| {
        config.limits.enabled = true;
        config.bans.exempt.clear();
        config.bans.failed_names = 4;
    };
    let server = TestServer::start_on(TestData::of_one().await, clock.clone(), settings).await;
    let log_in = async |name: &str, password: &str| {
        server.http().post("/auth/login", &json!({"username": name, "password": password})).await
    };
    server.sign_up("alice").await;
    // Nobody makes a network known by an account made for that.
    clock.advance_secs(2 * 24 * 3600);
    for name in 1..40 {
        assert_eq!(log_in(&format!("name{name}"), "wrong wrong").await.status, 401, "{name}");
    }
    log_in("alice", TestClient::PASSWORD).await.ok();
    assert_eq!(log_in("name40", "wrong wrong").await.status, 401);
    let is_banned = async || (log_in("alice", TestClient::PASSWORD).await.status == 403).then_some(());
    eventually("the address is banned", is_banned).await;
    server.stop().await;
}
