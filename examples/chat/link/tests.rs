//! Against a server of its own.

use fluent_client::Refusal;

use super::*;
use crate::fake::{Fake, tokens};

async fn event(link: &mut Link) -> Event {
    match link.next().await {
        Happening::Event(event) => event,
        _ => panic!("no event"),
    }
}

fn link(fake: &Fake) -> Link {
    Link::new(fake.api(), "here".to_owned())
}

#[tokio::test]
async fn a_handshake_says_who_and_since_when() {
    let fake = Fake::start().await;
    let mut link = link(&fake);
    link.connect(Some("e:5".parse().unwrap()));
    let server = async {
        let request = fake.next().await;
        assert_eq!(request.path(), "/chat/ws?device_id=here&since=e%3A5");
        assert_eq!(request.header("sec-websocket-protocol"), Some("fluent.v1"));
        assert_eq!(request.header("authorization"), Some("Bearer old"));
        let mut peer = request.upgrade().await;
        peer.say(&serde_json::json!({"type":"hello"})).await;
        peer.close(4002).await;
    };
    let client = async {
        assert!(matches!(event(&mut link).await, Event::Received(text) if text == r#"{"type":"hello"}"#));
        let closed = event(&mut link).await;
        assert!(matches!(closed, Event::Closed { code: Some(4002), reason, .. } if reason == "why"));
    };
    tokio::join!(server, client);
}

#[tokio::test]
async fn a_connection_that_breaks_has_no_code() {
    let fake = Fake::start().await;
    let mut link = link(&fake);
    link.connect(None);
    let server = async {
        let request = fake.next().await;
        assert_eq!(request.path(), "/chat/ws?device_id=here");
        drop(request.upgrade().await);
    };
    let client = async { assert!(matches!(event(&mut link).await, Event::Closed { code: None, .. })) };
    tokio::join!(server, client);
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let fake = Fake::start().await;
    let mut link = link(&fake);
    let why = serde_json::json!({"detail":"why"});
    for (status, is_expected) in [
        ("401 Unauthorized", (|refusal| matches!(refusal, Refusal::Unauthorized(_))) as fn(&Refusal) -> bool),
        ("403 Forbidden", |refusal| matches!(refusal, Refusal::Forbidden(_))),
        ("400 Bad Request", |refusal| matches!(refusal, Refusal::Final(why) if why.contains("why"))),
        ("429 Too Many Requests", |refusal| *refusal == Refusal::Passing { retry_after: None }),
        ("503 Service Unavailable\r\nretry-after: 7", |refusal| {
            *refusal == Refusal::Passing { retry_after: Some(Duration::from_secs(7)) }
        }),
    ] {
        link.connect(None);
        let server = async { fake.next().await.answer(status, &why).await };
        let ((), event) = tokio::join!(server, event(&mut link));
        let Event::Refused(refusal) = event else { panic!("{event:?}") };
        assert!(is_expected(&refusal), "{status}: {refusal:?}");
    }
}

#[tokio::test]
async fn new_tokens_are_used() {
    let fake = Fake::start().await;
    let mut link = link(&fake);
    link.refresh();
    let server = async { fake.expect("/auth/refresh").await.answer("200 OK", &tokens("new")).await };
    let ((), event) = tokio::join!(server, event(&mut link));
    assert!(matches!(event, Event::Refreshed(Refreshed::Done)));

    link.connect(None);
    let server = async { assert_eq!(fake.next().await.header("authorization"), Some("Bearer new")) };
    tokio::join!(server, async { drop(link.next().await) });
    link.refresh();
    let server = async { fake.next().await.answer("401 Unauthorized", &serde_json::json!({"detail":"spent"})).await };
    let ((), happening) = tokio::join!(server, link.next());
    assert!(matches!(happening, Happening::Event(Event::Refreshed(Refreshed::Refused(why))) if why.contains("spent")));
}

#[tokio::test]
async fn a_report_says_what_the_server_has_said_of_the_message() {
    let fake = Fake::start().await;
    let mut link = link(&fake);
    link.report(Report {
        message_id: 7,
        conversation_id: 1,
        sender_id: 2,
        timestamp: "2026-11-22T15:00:00.000000Z".to_owned(),
        token: "token".to_owned(),
        franking_tag: None,
        reason: "spam",
    });
    let server = async {
        let request = fake.expect("/reports").await;
        assert_eq!(request.header("authorization"), Some("Bearer old"));
        let sent = request.exchange("201 Created", &serde_json::json!({"id":1,"level":"metadata"})).await;
        assert_eq!((&sent["report_token"], &sent["reason"]), (&"token".into(), &"spam".into()), "{sent}");
    };
    let client = async {
        let Happening::Reported(Ok(reported)) = link.next().await else { panic!("no report") };
        assert_eq!(reported.level, "metadata");
    };
    tokio::join!(server, client);
}
