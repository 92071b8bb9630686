//! What happens on one of the ninety days.

use bytes::Bytes;
use fluent_backend::clock::Clock;
use fluent_backend::domain::{NewAddressRule, NewInvite, Operator, RuleAction, RuleScope};
use fluent_backend::testing::{TestClient, TestDevice, TestServer, eventually, send_frame};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use super::DAY_S;
use crate::support::push::PushDoubles;
use crate::support::v1::{log_in_again, merged, seq};

/// Characters of a ciphertext, and bytes of a file.
const LONG: usize = 480;

/// Those who are there all the time.
pub(super) struct People {
    alice: TestClient,
    bob: TestClient,
    /// Has a second factor.
    carol: TestClient,
}

impl People {
    pub(super) async fn come(server: &TestServer, clock: &Clock) -> Self {
        let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
        let carol = server.sign_up("carol").await;
        let begun: Value = carol.http.post("/auth/second_factor/totp", &password()).await.ok().json();
        let secret = Secret::try_from_base32(begun["secret"].as_str().unwrap()).unwrap();
        let app = Builder::new().with_secret(secret).build().unwrap();
        let code = app.generate(u64::try_from(clock.now().as_secs()).unwrap()).to_string();
        carol.http.post("/auth/second_factor/totp/confirm", &json!({ "code": code })).await.ok();
        Self { alice, bob, carol }
    }

    /// Spends a day: they write to each other, with files, some of it for a time, and delete and report something;
    /// Bob's phone is woken; a guest comes and leaves for good; operators do something.
    pub(super) async fn spend(&self, server: &TestServer, clock: &Clock, doubles: &PushDoubles, number: i64) {
        let (alice, bob) = (log_in_again(server, &self.alice).await, log_in_again(server, &self.bob).await);
        let phone = json!({"provider": "fcm", "token": "phone"});
        assert!(bob.http.put("/push/targets/phone", &phone).await.status.is_success());
        let woken = doubles.fcm.messages().len();
        let (mut a, mut b) = (here(&alice, &format!("a{number}")).await, here(&bob, "b").await);
        let last = write(&alice, &bob, &mut a, &mut b, number).await;
        eventually(&format!("the phone is woken on day {number}"), async || {
            // It may have been woken a moment ago, for what it had not acknowledged yesterday.
            clock.advance_secs(5);
            (doubles.fcm.messages().len() > woken).then_some(())
        })
        .await;
        let here = json!({"delivered": {"up_to_seq": last}, "device_id": "phone"});
        assert_eq!(bob.http.post("/chat/receipts", &here).await.status, 204);
        // Nobody names this one.
        upload(&bob, number).await;
        // For a moment the clock goes wrong.
        clock.advance_secs(-60);
        a.send(&long(&send_frame(bob.id, &format!("behind {number}")))).await;
        a.read_until("stored").await;
        clock.advance_secs(60);
        visit(server, alice.id, number).await;
        let name = json!({"username": self.carol.name, "password": TestClient::PASSWORD});
        assert_eq!(server.http().post("/auth/login", &name).await.status, 401, "a code is asked for");
        operate(server, clock, number).await;
    }
}

/// A device that is live. What expires just now comes before or behind that.
async fn here(user: &TestClient, device_id: &str) -> TestDevice {
    user.live_device(device_id, None).await.0
}

fn password() -> Value {
    json!({"password": TestClient::PASSWORD})
}

fn long(frame: &Value) -> Value {
    let copy = |side: &str| format!("{side}:{}", "x".repeat(LONG));
    merged(frame, json!({"receiver_encrypted": copy("r"), "sender_encrypted": copy("s")}))
}

/// Alice writes to Bob. Returns the number of the last message.
async fn write(alice: &TestClient, bob: &TestClient, a: &mut TestDevice, b: &mut TestDevice, number: i64) -> i64 {
    let file = upload(alice, number).await;
    let mut last = 0;
    for (text, more) in [
        ("plain", json!({})),
        ("brief", json!({"expires_in_s": DAY_S})),
        ("file", json!({"attachment_ids": [file]})),
        ("brief file", json!({"attachment_ids": [file], "expires_in_s": 2 * DAY_S})),
        ("deleted", json!({"attachment_ids": [file]})),
        ("quiet", json!({"urgency": "none"})),
    ] {
        a.send(&merged(&long(&send_frame(bob.id, &format!("{text} {number}"))), more)).await;
        // Between them come the ends of what has expired meanwhile.
        let (_, stored) = a.read_until("stored").await;
        let (_, message) = b.read_until("message").await;
        last = seq(&stored);
        match text {
            "deleted" => a.send(&json!({"type": "delete", "id": stored["id"], "for": "everyone"})).await,
            "plain" => b.send(&json!({"type": "read", "partner_id": alice.id, "up_to_id": stored["id"]})).await,
            "file" => report(bob, &message).await,
            _ => {}
        }
    }
    b.send(&json!({"type": "delivered", "up_to_seq": last})).await;
    last
}

async fn report(user: &TestClient, message: &Value) {
    let mut report = json!({"message_id": message["id"], "reason": "spam"});
    for key in ["conversation_id", "sender_id", "timestamp", "report_token"] {
        report[key] = message[key].clone();
    }
    assert_eq!(user.http.post("/reports", &report).await.status, 201);
}

/// Uploads a file, and returns its id.
async fn upload(user: &TestClient, number: i64) -> String {
    let headers =
        HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))]);
    let content = Bytes::from(format!("{number:>LONG$}"));
    let answer = user.http.send(Method::POST, "/media", headers, content).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let location = answer.headers["location"].to_str().unwrap();
    location.rsplit('/').next().unwrap().to_owned()
}

/// A guest registers, writes, and deletes the account.
async fn visit(server: &TestServer, to: i32, number: i64) {
    let guest = server.sign_up(&format!("guest{number}")).await;
    let mut g = here(&guest, "g").await;
    g.send(&long(&send_frame(to, &format!("hello {number}")))).await;
    g.read_until("stored").await;
    guest.http.post("/auth/ws_ticket", &json!({})).await.ok();
    guest.http.post("/auth/second_factor/totp", &password()).await.ok();
    guest.http.with_body(Method::DELETE, "/users/me", &password()).await.ok();
}

/// An operator makes an invite that nobody uses, and keeps a network out for an hour.
async fn operate(server: &TestServer, clock: &Clock, number: i64) {
    let service = server.server().service();
    let invite = NewInvite::new(1, DAY_S, None, format!("of day {number}")).unwrap();
    service.create_invite(invite, Operator::Unknown).await.unwrap();
    let rule = NewAddressRule {
        network: format!("192.0.2.{number}").parse().unwrap(),
        action: RuleAction::Block,
        scope: RuleScope::All,
        reason: "noise".to_owned(),
        expires_at: Some(clock.now().plus_secs(3600)),
    };
    service.set_address_rule(rule, None, false, Operator::Unknown).await.unwrap();
}
