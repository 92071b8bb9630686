//! Limiters as operators see them, and the buckets that they fill.

use fluent_backend::testing::{TestClient, TestServer};
use http::Method;
use serde_json::{Value, json};

use crate::support::local::Operator;

fn named<'a>(list: &'a Value, limiter: &str) -> &'a Value {
    let limiters = list["limiters"].as_array().unwrap();
    limiters.iter().find(|shown| shown["limiter"] == limiter).unwrap()
}

#[tokio::test]
async fn a_bucket_that_is_empty_is_shown_and_filled() {
    let server = TestServer::start_alone(|config| config.limits.enabled = true).await;
    let mut operator = Operator::of(&server).await;
    let alice = server.sign_up("alice").await;
    let log_in = async |password: &str| {
        let body = json!({"username": "alice", "password": password});
        server.http().post("/auth/login", &body).await
    };
    let mut tries = 0;
    while log_in("wrong wrong wrong").await.status != 429 {
        tries += 1;
        assert!(tries < 1000, "nothing refuses");
    }
    let refused = log_in(TestClient::PASSWORD).await;
    let limiter = refused.json::<Value>()["limiter"].as_str().unwrap().to_owned();
    let list = operator.get("/admin/api/limiters").await;
    let shown = named(&list, &limiter);
    let worst = &shown["worst"][0];
    assert!(list["keys"].as_u64().unwrap() > 0 && list["max_keys"].as_u64().unwrap() > 0, "{list}");
    assert!(shown["refused"].as_u64() >= Some(2) && shown["numbers"]["burst"].as_u64() > Some(0), "{shown}");
    assert!(worst["count"].as_u64() >= Some(2) && worst["next_token_ms"].as_u64() > Some(0), "{shown}");
    assert!(!shown.to_string().contains("alice") && !shown.to_string().contains("127.0.0.1"), "{shown}");

    let key = escaped(worst["key"].as_str().unwrap());
    operator.delete(&format!("/admin/api/limiters/{limiter}?key={key}")).await;
    let list = operator.get("/admin/api/limiters").await;
    assert_eq!(named(&list, &limiter)["worst"][0]["next_token_ms"], 0);
    assert_ne!(log_in(TestClient::PASSWORD).await.json::<Value>()["limiter"], limiter.as_str());
    let audit = operator.get("/admin/api/audit?limit=20&event=admin_action").await;
    let detail = &audit["entries"][0]["detail"];
    assert_eq!((&detail["action"], &detail["limiter"]), (&json!("refill_limiter"), &json!(limiter)));

    operator.delete(&format!("/admin/api/limiters/settings.user?key=user%20{}", alice.id)).await;
    for (path, expected) in [
        ("/admin/api/limiters/nothing?key=7", 404),
        ("/admin/api/limiters/settings.user?key=alice", 422),
        ("/admin/api/limiters/settings.user", 422),
        ("/admin/api/limiters/login.address?key=10.0.0.0/8", 422),
    ] {
        assert_eq!(operator.ask(Method::DELETE, path, None).await.0, expected, "{path}");
    }
    server.stop().await;
}

fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
