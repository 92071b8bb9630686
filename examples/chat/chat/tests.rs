//! Whole conversations with a server that is told what to say.

use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::fake::{Fake, Peer};
use crate::keys::{PartnerKey, RsaKey as _};

const ME: i64 = 1;
const PARTNER: i64 = 2;

/// The user's keys, the partner's, and the directory of both.
struct Desk {
    directory: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn keys(&self, name: &str) -> KeyPair {
        KeyPair::load_or_create(self.directory.path(), name).unwrap()
    }

    fn device(&self) -> std::path::PathBuf {
        self.directory.path().join("device")
    }

    /// A chat, and the keyboard.
    fn chat(&self, fake: &Fake) -> (Chat, mpsc::Sender<Input>) {
        let (keyboard, input) = mpsc::channel(8);
        let device = Device::open(self.device(), ME).unwrap();
        let chat = Chat::new(fake.api(), ME, partner(&self.keys("bob")), self.keys("me"), device, input);
        (chat.unwrap(), keyboard)
    }

    /// A message of the partner.
    fn incoming(&self, seq: u64) -> Value {
        let content = PartnerKey::parse(self.keys("me").public_key()).unwrap().encrypt("hello").unwrap();
        json!({"type":"message","seq":seq,"id":seq,"conversation_id":1,"sender_id":PARTNER,"receiver_id":ME,
            "content":content,"message_type":"text","timestamp":"2026-11-22T15:00:00.000000Z"})
    }
}

fn partner(keys: &KeyPair) -> User {
    User {
        id: PARTNER,
        name: "bob@example.org".to_owned(),
        public_key: keys.public_key().to_owned(),
        key_id: Some("k1".to_owned()),
    }
}

async fn type_in(keyboard: &mpsc::Sender<Input>, line: &str) {
    keyboard.send(Input::Line(line.to_owned())).await.unwrap();
}

fn stored(send: &Value, seq: u64) -> Value {
    json!({"type":"stored","client_id":send["client_id"],"conversation_id":1,"id":seq,"seq":seq,
        "timestamp":"2026-11-22T15:00:01.000000Z","duplicate":false})
}

/// The cursor on disk.
fn cursor(directory: &Path) -> Value {
    let text = std::fs::read(directory.join("device.json")).unwrap();
    serde_json::from_slice::<Value>(&text).unwrap()["cursor"].clone()
}

/// Answers a device that has nothing.
async fn go_live_anew(fake: &Fake) -> (String, Peer) {
    let live = fake.go_live("e:5", "e:5").await;
    fake.expect("/chat/conversations").await.answer("200 OK", &json!([])).await;
    live
}

#[tokio::test]
async fn a_first_chat_and_the_next() {
    let (desk, fake) = (Desk::new(), Fake::start().await);
    let (chat, keyboard) = desk.chat(&fake);
    let server = async {
        let (path, mut peer) = go_live_anew(&fake).await;
        assert!(path.starts_with("/chat/ws?device_id=chat-") && !path.contains("since"), "{path}");
        assert_eq!(peer.hear("presence").await["watch"], json!([PARTNER]));
        assert_eq!(peer.hear("delivered").await["up_to_seq"], 5);

        peer.say(&desk.incoming(7)).await;
        assert_eq!(peer.hear("delivered").await["up_to_seq"], 7);
        assert_eq!(cursor(&desk.device()), "e:7", "saved before it is said");
        let read = peer.hear("read").await;
        assert_eq!((&read["partner_id"], &read["up_to_id"]), (&json!(PARTNER), &json!(7)));

        type_in(&keyboard, "/typing").await;
        assert_eq!(peer.hear("typing").await, json!({"type":"typing","to":PARTNER,"active":true}));
        type_in(&keyboard, "/delete 7 everyone").await;
        let delete = peer.hear("delete").await;
        assert_eq!((&delete["id"], &delete["for"]), (&json!(7), &json!("everyone")));

        type_in(&keyboard, "hi").await;
        let send = peer.hear("send").await;
        assert_eq!(desk.keys("bob").decrypt(send["receiver_encrypted"].as_str().unwrap()).unwrap(), "hi");
        peer.say(&stored(&send, 9)).await;
        peer.say(&json!({"type":"receipt","seq":10,"kind":"read","conversation_id":1,"user_id":PARTNER,
            "partner_id":ME,"up_to_id":9,"timestamp":"t"}))
            .await;
        peer.say(&json!({"type":"deleted","seq":11,"id":7,"conversation_id":1,"partner_id":PARTNER,"for":"everyone",
            "by":ME,"reason":"user"}))
            .await;
        // Something that is answered, so that all before is done.
        type_in(&keyboard, "again").await;
        let send = peer.hear("send").await;
        peer.say(&stored(&send, 12)).await;
        drop(keyboard);
        assert_eq!(peer.closed().await, Some(1000));
    };
    let (result, ()) = tokio::join!(chat.run(), server);
    result.unwrap();
    assert_eq!(cursor(&desk.device()), "e:12");

    let (_, outbox, book) = Device::open(desk.device(), ME).unwrap();
    assert_eq!(outbox.unsent(), 0);
    assert_eq!(book.with(PARTNER).map(|message| message.id).collect::<Vec<_>>(), [9, 12]);
    assert_eq!(book.mark(PARTNER, 9), crate::marks::Mark::Read);

    let (chat, keyboard) = desk.chat(&fake);
    let server = async {
        let (path, peer) = fake.go_live("e:12", "e:12").await;
        assert!(path.ends_with("&since=e%3A12"), "{path}");
        drop(keyboard);
        peer.closed().await;
    };
    let (result, ()) = tokio::join!(chat.run(), server);
    result.unwrap();
}

#[tokio::test]
async fn a_retry_after_a_crash_carries_the_same_bytes() {
    let (desk, fake) = (Desk::new(), Fake::start().await);
    let (chat, keyboard) = desk.chat(&fake);
    let first = async {
        let (_, mut peer) = go_live_anew(&fake).await;
        peer.hear("delivered").await;
        type_in(&keyboard, "hi").await;
        peer.hear("send").await
    };
    // The program ends in the middle.
    let send = tokio::select! {
        result = chat.run() => panic!("{result:?}"),
        send = first => send,
    };
    drop(keyboard);

    let (chat, keyboard) = desk.chat(&fake);
    let server = async {
        let (_, mut peer) = fake.go_live("e:5", "e:5").await;
        assert_eq!(peer.hear("send").await, send);
        // The socket breaks, too.
        peer.say(&json!({"type":"going_away","reconnect_after_ms":1})).await;
        peer.close(1012).await;
        let (_, mut peer) = fake.go_live("e:5", "e:5").await;
        assert_eq!(peer.hear("send").await, send);
        peer.say(&stored(&send, 6)).await;
        drop(keyboard);
        peer.closed().await;
    };
    let (result, ()) = tokio::join!(chat.run(), server);
    result.unwrap();
}

#[tokio::test]
async fn a_partner_with_a_new_key_gets_a_new_message() {
    let (desk, fake) = (Desk::new(), Fake::start().await);
    let (chat, keyboard) = desk.chat(&fake);
    let server = async {
        let (_, mut peer) = go_live_anew(&fake).await;
        type_in(&keyboard, "hi").await;
        let old = peer.hear("send").await;
        assert_eq!(old["receiver_key_id"], "k1");
        peer.say(&json!({"type":"error","code":"stale_key","message":"","retryable":false,
            "client_id":old["client_id"],"key_id":"k2"}))
            .await;
        let new_keys = desk.keys("bob's new phone");
        let answer =
            json!({"id":PARTNER,"user_name":"bob@example.org","public_key":new_keys.public_key(),"key_id":"k2"});
        fake.expect("/chat/partnerinfo?partnerID=2").await.answer("200 OK", &answer).await;
        let new = peer.hear("send").await;
        assert_ne!(new["client_id"], old["client_id"]);
        assert_eq!(new["receiver_key_id"], "k2");
        assert_eq!(new_keys.decrypt(new["receiver_encrypted"].as_str().unwrap()).unwrap(), "hi");
        peer.say(&stored(&new, 6)).await;
        drop(keyboard);
        peer.closed().await;
    };
    let (result, ()) = tokio::join!(chat.run(), server);
    result.unwrap();
}

#[tokio::test]
async fn after_a_reset_history_takes_the_place_of_what_was_kept() {
    let (desk, fake) = (Desk::new(), Fake::start().await);
    let (mut device, _, _) = Device::open(desk.device(), ME).unwrap();
    device.keep(&crate::book::tests::message(3, PARTNER, ME)).unwrap();
    device.save_cursor("old:3".parse().unwrap()).unwrap();
    drop(device);
    let (chat, keyboard) = desk.chat(&fake);
    let server = async {
        let mut peer = fake.expect("/chat/ws").await.upgrade().await;
        peer.say(&json!({"type":"hello","cursor":"new:20"})).await;
        peer.say(&json!({"type":"reset","reason":"epoch","cursor":"new:20"})).await;
        peer.say(&json!({"type":"live","cursor":"new:20"})).await;
        let list = fake.expect("/chat/conversations?limit=100").await;
        assert_eq!(cursor(&desk.device()), Value::Null, "forgotten until history is there");
        peer.say(&desk.incoming(21)).await;
        let partner = json!({"id":PARTNER,"user_name":"bob@example.org","public_key":"k","key_id":"k1"});
        let conversation = json!({"conversation_id":1,"partner":partner,"unread":1,"read_up_to_id":null,
            "partner_read_up_to_id":null,"partner_delivered_up_to_id":null,"blocked":false,"seq":20});
        list.answer("200 OK", &json!([conversation])).await;
        let page = json!([desk.incoming(20)]);
        fake.expect("/chat/all_messages?partnerID=2&limit=20").await.answer("200 OK", &page).await;
        fake.expect("/chat/conversations?limit=100&before=20").await.answer("200 OK", &json!([])).await;
        assert_eq!(peer.hear("delivered").await["up_to_seq"], 21);
        assert_eq!(peer.hear("read").await["up_to_id"], 21);
        drop(keyboard);
        peer.closed().await;
    };
    let (result, ()) = tokio::join!(chat.run(), server);
    result.unwrap();
    assert_eq!(cursor(&desk.device()), "new:21");
    let (_, _, book) = Device::open(desk.device(), ME).unwrap();
    assert_eq!(book.with(PARTNER).map(|message| message.id).collect::<Vec<_>>(), [20, 21]);
}

#[tokio::test]
async fn a_login_that_has_ended_ends_the_chat() {
    let (desk, fake) = (Desk::new(), Fake::start().await);
    let (chat, keyboard) = desk.chat(&fake);
    let server = async {
        type_in(&keyboard, "hi").await;
        let why = json!({"detail":"the session has ended"});
        fake.expect("/chat/ws").await.answer("401 Unauthorized", &why).await;
        fake.expect("/auth/refresh").await.answer("200 OK", &crate::fake::tokens("new")).await;
        fake.expect("/chat/ws").await.answer("401 Unauthorized", &why).await;
    };
    let (result, ()) = tokio::join!(chat.run(), server);
    assert!(result.unwrap_err().to_string().contains("the login has ended"));
    let (_, outbox, _) = Device::open(desk.device(), ME).unwrap();
    assert_eq!(outbox.unsent(), 1, "what was written waits for the next login");
}

#[tokio::test]
async fn what_failed_is_tried_again_when_the_person_says_so() {
    let (desk, fake) = (Desk::new(), Fake::start().await);
    let (chat, keyboard) = desk.chat(&fake);
    let server = async {
        let (_, mut peer) = go_live_anew(&fake).await;
        peer.hear("delivered").await;
        for text in ["one", "two"] {
            type_in(&keyboard, text).await;
            let send = peer.hear("send").await;
            peer.say(&json!({"type":"error","code":"blocked","message":"","retryable":false,
                "client_id":send["client_id"]}))
                .await;
        }
        type_in(&keyboard, "/history").await;
        let page = json!([desk.incoming(4), desk.incoming(3)]);
        fake.expect("/chat/all_messages?partnerID=2&limit=20").await.answer("200 OK", &page).await;
        type_in(&keyboard, "/retry").await;
        let keys = desk.keys("bob");
        let bob = json!({"id":PARTNER,"user_name":"bob","public_key":keys.public_key(),"key_id":"k1"});
        for _ in 0..2 {
            fake.expect("/chat/partnerinfo").await.answer("200 OK", &bob).await;
        }
        let mut texts = Vec::new();
        for seq in [6, 7] {
            let send = peer.hear("send").await;
            texts.push(keys.decrypt(send["receiver_encrypted"].as_str().unwrap()).unwrap());
            peer.say(&stored(&send, seq)).await;
        }
        texts.sort();
        assert_eq!(texts, ["one", "two"]);
        drop(keyboard);
        peer.closed().await;
    };
    let (result, ()) = tokio::join!(chat.run(), server);
    result.unwrap();
    let (_, outbox, _) = Device::open(desk.device(), ME).unwrap();
    assert_eq!((outbox.unsent(), outbox.failed().count()), (0, 0));
}
