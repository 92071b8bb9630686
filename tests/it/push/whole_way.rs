//! The whole way of a message with a file to a phone that sleeps, by the real program: it is woken, comes, gets the
//! message and the file, decrypts both and says so; and the operators' commands tell how it went.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fluent_backend::clock::Clock;
use fluent_backend::testing::{Answer, Http, TestClient, TestData, eventually};
use fluent_client::files::{ContentKey, FileEntry, FileKey, FileMessage, Sealed, open, seal};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use crate::support::binary::{ServerProcess, run_on};
use crate::support::push::PushDoubles;

/// Bytes of the picture: several segments of ciphertext.
const PICTURE: usize = 150_000;
const CAPTION: &str = "a caption that nobody else may read";

async fn ask(http: &Http, method: Method, path: &str, header: (&'static str, &str), body: impl Into<Bytes>) -> Answer {
    let value = HeaderValue::from_str(header.1).unwrap();
    http.send(method, path, HeaderMap::from_iter([(HeaderName::from_static(header.0), value)]), body.into()).await
}

/// Encrypts a picture, uploads it, and sends the message that names it. Returns the `stored` and the file's id.
async fn send_picture(from: &TestClient, to: i32, picture: &[u8], content: &ContentKey) -> (Value, String) {
    let (key, mut ciphertext) = (FileKey::random().unwrap(), Vec::new());
    let size = picture.len() as u64;
    let Sealed { sha256, .. } = seal(&key, picture, size, 1 << 20, &mut ciphertext).unwrap();
    let octets = ("content-type", "application/octet-stream");
    let uploaded = ask(&from.http, Method::POST, "/media", octets, ciphertext).await;
    assert_eq!(uploaded.status, 201, "{}", uploaded.text());
    let id = uploaded.headers["location"].to_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let entry = FileEntry {
        id: id.clone(),
        file_name: "beach.jpg".to_owned(),
        file_type: "image/jpeg".to_owned(),
        size,
        encryption_key: key.text(),
        sha256,
        thumbnail: None,
    };
    let message = FileMessage { v: 1, text: Some(CAPTION.to_owned()), files: vec![entry] };
    let sealed = STANDARD.encode(content.seal(&message.text()).unwrap());
    let frame = json!({
        "client_id": "picture", "to": to, "receiver_encrypted": sealed, "sender_encrypted": sealed,
        "message_type": FileMessage::KIND, "attachment_ids": [id],
    });
    (from.http.post("/chat/messages", &frame).await.ok().json(), id)
}

/// Downloads what a message names, cut in the middle and resumed, and decrypts it.
async fn open_picture(to: &TestClient, message: &Value, content: &ContentKey) -> (FileMessage, Vec<u8>) {
    let sealed = STANDARD.decode(message["content"].as_str().unwrap()).unwrap();
    let told = FileMessage::parse(&content.open(&sealed).unwrap()).unwrap();
    let (attachment, entry) = (&message["attachments"][0], &told.files[0]);
    assert_eq!(attachment["id"], entry.id.as_str());
    let url = attachment["file_url"].as_str().unwrap();
    let mut ciphertext = Vec::new();
    for range in ["bytes=0-70000", "bytes=70001-"] {
        let part = ask(&to.http, Method::GET, url, ("range", range), "").await;
        assert_eq!(part.status, 206);
        ciphertext.extend_from_slice(&part.body);
    }
    let mut picture = Vec::new();
    open(entry, &ciphertext[..], ciphertext.len() as u64, &mut picture).unwrap();
    (told, picture)
}

/// What `admin push status` says of FCM: configured, state, devices active and suspended, owed.
fn of_fcm(status: &str) -> Vec<&str> {
    let line = status.lines().find(|line| line.starts_with("fcm ")).unwrap_or_default();
    line.split_whitespace().take(6).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleeping_phone_is_woken_for_a_picture_and_its_story_is_told() {
    let (data, doubles) = (TestData::of_one().await, PushDoubles::start(&Clock::system()).await);
    let variables = doubles.fcm_variables();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = ServerProcess::start_on(&data, &variables).await;
    let alice = TestClient::sign_up(server.http(), "alice-of-the-picture").await;
    let bob = TestClient::sign_up(server.http(), "bob-of-the-phone").await;
    let admin = async |args: &[&str]| {
        let output = run_on(&data, &[&["admin", "push"], args].concat(), &variables).await;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    // Bob's phone was here once, and sleeps.
    let (phone, _) = bob.live_device("phone-of-bob", None).await;
    let since = phone.hello["cursor"].as_str().unwrap().to_owned();
    phone.socket.close().await;
    let target = json!({"provider": "fcm", "token": "fcm-token"});
    assert_eq!(bob.http.put("/push/targets/phone-of-bob", &target).await.status, 201);

    let content = ContentKey::random().unwrap();
    let picture: Vec<u8> = (0..PICTURE).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let (stored, file) = send_picture(&alice, bob.id, &picture, &content).await;
    let id = stored["id"].to_string();
    let woken = async || doubles.fcm.messages().pop().filter(|asked| asked.status == Some(200));
    let asked = eventually("the phone is woken", woken).await;
    let wake = asked.json()["message"]["data"]["w"].as_str().unwrap().to_owned();
    let told = async |words: &str| {
        let (code, trace, error) = admin(&["trace", &id]).await;
        assert_eq!(code, Some(0), "{error}");
        trace.contains(words).then_some(trace)
    };
    let trace = eventually("the wake-up is told", async || told("covered by the wake-up").await).await;
    assert!(trace.starts_with("phone-of-bob (fcm, active)\n  asked fcm at "), "{trace}");
    assert!(trace.contains(": accepted, status 200, after "), "{trace}");

    let page = format!("/chat/sync?since={since}&device_id=phone-of-bob&wake={wake}");
    let page: Value = bob.http.get(&page).await.ok().json();
    let events = page["events"].as_array().unwrap();
    let message = events.iter().find(|event| event["type"] == "message").unwrap();
    assert_eq!((&message["id"], &message["attachments"][0]["id"]), (&stored["id"], &json!(file)));
    let (read, found) = open_picture(&bob, message, &content).await;
    assert!(found == picture, "the picture is whole");
    assert_eq!((read.text.as_deref(), read.files[0].file_name.as_str()), (Some(CAPTION), "beach.jpg"));
    let kept = json!({"delivered": {"up_to_seq": stored["seq"]}, "device_id": "phone-of-bob"});
    assert_eq!(bob.http.post("/chat/receipts", &kept).await.status, 204);

    let trace = eventually("all is told", async || told("acknowledged: the device has everything").await).await;
    assert!(trace.contains("  the device was here at ") && !trace.contains("owed"), "{trace}");
    let (_, status, _) = admin(&["status"]).await;
    let fcm = status.lines().find(|line| line.starts_with("fcm ")).unwrap();
    assert_eq!(
        fcm.split_whitespace().take(6).collect::<Vec<_>>(),
        ["fcm", "true", "working", "1", "0", "0"],
        "{status}"
    );
    assert!(status.trim_end().ends_with("no device is owed a wake-up"), "{status}");
    assert_eq!(doubles.fcm.messages().len(), 1);

    // Both commands work beside a running server and at the store of a stopped one.
    let unknown = admin(&["trace", "4711"]).await;
    assert_eq!(unknown.0, Some(1), "{}", unknown.2);
    server.stop().await;
    assert_eq!(admin(&["trace", &id]).await, (Some(0), trace, String::new()));
    let (_, idle, _) = admin(&["status"]).await;
    assert_eq!(of_fcm(&idle), ["fcm", "true", "-", "1", "0", "0"], "nobody asks it: {idle}");
    assert_eq!(idle.lines().last(), status.lines().last());
    assert_eq!(admin(&["trace", "4711"]).await, unknown);
    let (key, content) = (&read.files[0].encryption_key, message["content"].as_str().unwrap());
    doubles.check(&["of-the", "of-bob", "beach", "caption", key, content, &file]);
}
