//! Message franking: tags that travel with messages, the server's word for them, and reports.

use fluent_backend::clock::Clock;
use fluent_backend::domain::FrankingKey;
use fluent_backend::testing::{TestClient, TestServer, eventually};
use http::Method;
use serde_json::{Value, json};

use crate::support::config::fast_janitor;
use crate::support::local::Operator;
use crate::support::rows::Rows;
use crate::support::v1::{assert_fields, exchange, history, live, log_in_again, merged, partners, send_frame};

/// 32 bytes in base64url.
const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
const PLAINTEXT: &str = "meet me behind the house";
const DAY_S: i64 = 24 * 3600;

/// What the sender of this plaintext commits to.
fn tag() -> String {
    FrankingKey::parse(KEY).unwrap().tag(PLAINTEXT).as_str().to_owned()
}

/// A report of a message that says no more than the message itself.
fn report_of(message: &Value) -> Value {
    let mut report = json!({"message_id": message["id"], "reason": "threat"});
    for key in ["conversation_id", "sender_id", "timestamp", "report_token", "franking_tag"] {
        report[key] = message[key].clone();
    }
    report
}

/// Refusals of a report.
async fn refusal(user: &TestClient, report: &Value) -> (u16, String) {
    user.http.post("/reports", report).await.problem()
}

fn invalid() -> (u16, String) {
    (422, "report_invalid".to_owned())
}

#[tokio::test]
async fn a_tag_and_the_servers_word_come_by_every_way_and_to_the_receiver_alone() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = Box::pin(partners(&server)).await;
    let mut second = live(&alice, "a2").await;
    let frame = merged(&send_frame(bob.id, "franked"), json!({"franking_tag": tag()}));
    let stored = a.ask(&frame).await;
    assert_eq!(a.ask(&frame).await["duplicate"], true);
    let other = merged(&frame, json!({"franking_tag": "A".repeat(43)}));
    assert_eq!(a.ask(&other).await["code"], "conflict", "the tag counts for what is the same message");
    let theirs = b.expect("message").await;
    let token = theirs["report_token"].as_str().unwrap();
    assert_eq!((theirs["franking_tag"].as_str(), token.len()), (Some(tag().as_str()), 23), "{theirs}");
    assert_fields(&second.expect("message").await, &json!({"franking_tag": tag(), "report_token": null}));

    let word = json!({"id": stored["id"], "franking_tag": tag(), "report_token": token});
    assert_fields(&history(&bob, alice.id).await[0], &word);
    assert_fields(&history(&alice, bob.id).await[0], &json!({"franking_tag": tag(), "report_token": null}));
    let sync: Value =
        bob.http.get(&format!("/chat/sync?since={}", b.hello["cursor"].as_str().unwrap())).await.ok().json();
    assert_fields(sync["events"].as_array().unwrap().last().unwrap(), &word);
    let list: Value = bob.http.get("/chat/conversations").await.ok().json();
    assert_fields(&list[0]["last_message"], &word);
    // The old dialect is as it was.
    let (mut old, plain) = (bob.connect().await, send_frame(bob.id, "plain"));
    a.ask(&merged(&plain, json!({"message_type": "text", "franking_tag": tag()}))).await;
    old.next_message().await;
    server.stop().await;
}

#[tokio::test]
async fn a_report_proves_who_and_when_and_what_if_the_key_is_disclosed() {
    let server = TestServer::start_alone(|_| {}).await;
    let (alice, bob, mut a, mut b) = Box::pin(partners(&server)).await;
    let franked = merged(&send_frame(bob.id, "franked"), json!({"franking_tag": tag()}));
    a.ask(&franked).await;
    let franked = b.expect("message").await;
    let (_, bare) = exchange(&mut a, &mut b, "bare").await;

    let disclosed = json!({"franking_key": KEY, "plaintext": PLAINTEXT, "note": "he does that every night"});
    let full = merged(&report_of(&franked), disclosed);
    let answer = bob.http.post("/reports", &full).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let first: Value = answer.json();
    assert_eq!(first["level"], "content");
    let answer = bob.http.post("/reports", &report_of(&franked)).await;
    assert_eq!((answer.status.as_u16(), answer.json::<Value>()), (200, first.clone()), "the first one stays");
    // It holds also when the message is gone.
    a.ask(&json!({"type": "delete", "id": bare["id"], "for": "everyone"})).await;
    let answer = bob.http.post("/reports", &report_of(&bare)).await;
    assert_eq!((answer.status.as_u16(), answer.json::<Value>()["level"].clone()), (201, json!("metadata")));

    let mut operator = Operator::of(&server).await;
    let list = operator.get("/admin/api/reports?state=open").await;
    let shown = &list["reports"][1];
    assert_fields(
        shown,
        &json!({
            "id": first["id"], "subject_id": alice.id, "reporter_id": bob.id, "reason": "threat", "has_plaintext": true,
            "plaintext": null, "state": "open", "message_id": franked["id"], "sent_at": franked["timestamp"],
        }),
    );
    let path = format!("/admin/api/reports/{}", first["id"]);
    assert_eq!(operator.get(&path).await["plaintext"], PLAINTEXT);
    let decision = json!({"state": "upheld", "disable_user": true, "note": "not the first time"});
    let (status, decided) = operator.ask(Method::PATCH, &path, Some(decision)).await;
    assert_eq!(
        (status, &decided["state"], &decided["decision_note"]),
        (200, &json!("upheld"), &json!("not the first time"))
    );
    assert_eq!(operator.get(&format!("/admin/api/users/{}", alice.id)).await["state"], "disabled");
    // Decided anew, the note stays.
    let (_, again) = operator.ask(Method::PATCH, &path, Some(json!({"state": "upheld"}))).await;
    assert_eq!(again["decision_note"], "not the first time");
    let long = json!({"state": "upheld", "note": "x".repeat(501)});
    assert_eq!(operator.ask(Method::PATCH, &path, Some(long)).await.0, 422);
    assert_eq!(operator.get("/admin/api/reports?state=open").await["reports"].as_array().unwrap().len(), 1);
    let audit = operator.get("/admin/api/audit?limit=6").await;
    let events: Vec<&Value> = audit["entries"].as_array().unwrap().iter().map(|entry| &entry["event"]).collect();
    let expected = ["report_decided", "report_decided", "account_disabled", "admin_action", "report", "report"];
    assert_eq!(events, expected);
    server.stop().await;
}

#[tokio::test]
async fn whatever_is_not_proved_is_refused_alike() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = Box::pin(partners(&server)).await;
    a.ask(&merged(&send_frame(bob.id, "franked"), json!({"franking_tag": tag()}))).await;
    let good = report_of(&b.expect("message").await);
    let (stored, own) = exchange(&mut b, &mut a, "of the reporter").await;
    for change in [
        json!({"message_id": 1}),
        json!({"conversation_id": 99}),
        json!({"sender_id": bob.id}),
        json!({"sender_id": 99}),
        json!({"timestamp": "2026-11-22T15:00:00.000000Z"}),
        json!({"report_token": own["report_token"]}),
        json!({"report_token": ""}),
        json!({"franking_tag": null}),
        json!({"franking_tag": "A".repeat(43)}),
        json!({"franking_key": KEY, "plaintext": "something else"}),
        json!({"franking_key": "A".repeat(43), "plaintext": PLAINTEXT}),
    ] {
        assert_eq!(refusal(&bob, &merged(&good, change.clone())).await, invalid(), "{change}");
    }
    for change in [
        json!({"reason": "dislike"}),
        json!({"timestamp": "yesterday"}),
        json!({"franking_tag": "A"}),
        json!({"franking_key": KEY}),
        json!({"plaintext": PLAINTEXT}),
        json!({"franking_key": KEY, "plaintext": "x".repeat(64 * 1024 + 1)}),
        json!({"note": "x".repeat(1001)}),
        json!({"message_id": "1"}),
    ] {
        let refused = refusal(&bob, &merged(&good, change.clone())).await;
        assert_eq!(refused, (422, "bad_frame".to_owned()), "{change}");
    }
    // The sender, and whoever else gets hold of it, can report nothing with it.
    let carol = server.sign_up("carol").await;
    for user in [&alice, &carol] {
        assert_eq!(refusal(user, &good).await, invalid());
    }
    assert_eq!(refusal(&bob, &merged(&report_of(&own), json!({"message_id": stored["id"]}))).await, invalid());
    alice.http.with_body(Method::DELETE, "/users/me", &json!({"password": TestClient::PASSWORD})).await.ok();
    assert_eq!(refusal(&bob, &good).await, invalid(), "there is nobody left to be reported");
    server.stop().await;
}

#[tokio::test]
async fn a_report_has_its_time_and_what_it_discloses_a_shorter_one() {
    let clock = Clock::stopped_at(Clock::system().now());
    let server = TestServer::start_at(clock.clone(), |config| {
        fast_janitor(config);
        config.auth.access_token_s = 400 * DAY_S;
        config.auth.refresh_token_s = 401 * DAY_S;
    })
    .await;
    let (_alice, bob, mut a, mut b) = Box::pin(partners(&server)).await;
    a.ask(&merged(&send_frame(bob.id, "franked"), json!({"franking_tag": tag()}))).await;
    let franked = b.expect("message").await;
    let (_, bare) = exchange(&mut a, &mut b, "bare").await;
    let full = merged(&report_of(&franked), json!({"franking_key": KEY, "plaintext": PLAINTEXT}));
    let made: Value = bob.http.post("/reports", &full).await.ok().json();
    clock.advance_secs(31 * DAY_S);
    let bob = log_in_again(&server, &bob).await;
    assert_eq!(refusal(&bob, &report_of(&bare)).await, invalid(), "it is too old");

    let mut operator = Operator::of(&server).await;
    let path = format!("/admin/api/reports/{}", made["id"]);
    operator.ask(Method::PATCH, &path, Some(json!({"state": "dismissed"}))).await;
    let rows = Rows::of(server.data()).await;
    assert_eq!(rows.of_table("reports").await[0]["plaintext"], PLAINTEXT);
    clock.advance_secs(31 * DAY_S);
    let is_wiped = async || rows.of_table("reports").await[0]["plaintext"].is_null().then_some(());
    eventually("the plaintext is wiped", is_wiped).await;
    clock.advance_secs(120 * DAY_S);
    let is_gone = async || rows.of_table("reports").await.is_empty().then_some(());
    eventually("the report is dropped", is_gone).await;
    server.stop().await;
}
