//! Messages that one side has deleted: they cost that side nothing, and the other side has them as before.

use fluent_backend::clock::Clock;
use fluent_backend::domain::UserId;
use fluent_backend::testing::{TestClient, TestData, TestServer, seed};
use serde_json::{Value, json};

use crate::support::v1::{assert_fields, chat_list, column, conversation, exchange, history, integer, partners};

/// Messages that one side has deleted: more than any page or step of a walk holds.
const DELETED: u64 = 5_000;

/// That it costs the same, too, is shown by the plans of the queries and measured by `fluent-load deleted`.
#[tokio::test(flavor = "multi_thread")]
async fn lists_show_the_same_whatever_was_deleted() {
    let data = TestData::new().await;
    let mut config = TestServer::config();
    data.configure(&mut config);
    let users = seed::users(&config, 0, 4, TestClient::PASSWORD).await;
    let [deleter, partner, plain, other] = <[UserId; 4]>::try_from(users).unwrap();
    seed::messages(&config, &[(deleter, partner)], DELETED, 64).await;
    seed::deletions(&config, deleter).await;
    seed::messages(&config, &[(deleter, partner), (plain, other)], 20, 64).await;
    let server = TestServer::start_on(data, Clock::system(), |_| {}).await;
    let deleter = TestClient::log_in(server.http(), &seed::name(0), deleter.0).await;
    let plain = TestClient::log_in(server.http(), &seed::name(2), plain.0).await;
    let head: Value = plain.http.get("/chat/sync").await.ok().json();
    let epoch = head["cursor"].as_str().unwrap().split(':').next().unwrap();
    let sync = format!("/chat/sync?since={epoch}:0");
    let history = |partner: UserId| format!("/chat/all_messages?partnerID={partner}&limit=100");
    for (path, same) in [
        (history(partner), history(other)),
        ("/chat/chat_list".to_owned(), "/chat/chat_list".to_owned()),
        ("/chat/conversations".to_owned(), "/chat/conversations".to_owned()),
        (sync.clone(), sync),
    ] {
        let found = |answer: Value| answer.as_array().or(answer["events"].as_array()).map(Vec::len);
        let (mine, theirs) = (deleter.http.get(&path).await, plain.http.get(&same).await);
        assert_eq!(found(mine.ok().json()), found(theirs.ok().json()), "{path}");
    }
    // Who has not deleted them has them all.
    let partner = TestClient::log_in(server.http(), &seed::name(1), partner.0).await;
    let page: Vec<Value> = partner.http.get(&history(UserId(deleter.id))).await.ok().json();
    assert_eq!(page.len(), 100);
    server.stop().await;
}

/// In all combinations: each side is shown its own, in the order of all.
#[tokio::test]
async fn each_side_has_what_it_has_not_deleted() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let before = integer(&conversation(&alice, bob.id).await, "seq");
    let mut ids = Vec::new();
    for i in 0..42 {
        let stored = if i % 2 == 0 {
            exchange(&mut a, &mut b, &i.to_string()).await.0
        } else {
            exchange(&mut b, &mut a, &i.to_string()).await.0
        };
        ids.push(integer(&stored, "id"));
    }
    let mut left = [ids.clone(), ids.clone()];
    for (i, id) in ids.iter().enumerate() {
        for (side, user, is_deleted) in [(0, &alice, i % 3 == 0 || i > 39), (1, &bob, i % 4 == 1 || i > 36)] {
            if is_deleted {
                user.http.delete(&format!("/chat/messages/{id}?for=me")).await.ok();
                left[side].retain(|kept| kept != id);
            }
        }
        if i % 14 == 0 {
            alice.http.delete(&format!("/chat/messages/{id}?for=everyone")).await.ok();
            for side in &mut left {
                side.retain(|kept| kept != id);
            }
        }
    }
    for (user, partner, mut left) in [(&alice, bob.id, left[0].clone()), (&bob, alice.id, left[1].clone())] {
        let (_, missed) = user.live_device("late", Some(&a.cursor(before))).await;
        let messages: Vec<Value> = missed.into_iter().filter(|frame| frame["type"] == "message").collect();
        assert_eq!(
            column(&messages, "id"),
            left.iter().map(|id| json!(id)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
        left.reverse();
        let mut paged: Vec<i64> = Vec::new();
        while paged.len() < left.len() {
            let last = paged.last().map(|id| format!("&before_id={id}")).unwrap_or_default();
            let path = format!("/chat/all_messages?partnerID={partner}&limit=4{last}");
            let page: Vec<Value> = user.http.get(&path).await.ok().json();
            assert_eq!(page.len(), 4.min(left.len() + 2 - paged.len()), "pages are full");
            paged.extend(page.iter().map(|message| integer(message, "id")));
        }
        assert_eq!(paged[..left.len()], left);
        assert_eq!(history(user, partner).await.len(), left.len() + 2, "and the two hellos");
        assert_eq!(chat_list(user).await[0]["message"]["id"], left[0]);
        assert_fields(&conversation(user, partner).await["last_message"], &json!({"id": left[0]}));
    }
    server.stop().await;
}
