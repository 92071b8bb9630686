//! REST beyond what the old app uses: keys of messages, paging by id, conversations, users, the own account.

use fluent_backend::testing::{TestClient, TestServer};
use serde_json::{Value, json};

use crate::support::config::{first_round_is_over, lazy_janitor};
use crate::support::v1::{
    assert_fields, chat_list, column, conversation, conversations, exchange, history, integer, live, log_in_again,
    merged, send_frame, seq, stopped_clock, two_live, two_users,
};

#[tokio::test]
async fn messages_have_more_keys_and_are_paged_by_id() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let mut stored = Vec::new();
    for i in 0..10 {
        stored.push(exchange(&mut a, &mut b, &i.to_string()).await.0);
    }
    stored.reverse();
    let page = async |query: &str| -> Vec<Value> {
        let path = format!("/chat/all_messages?partnerID={}&{query}", bob.id);
        alice.http.get(&path).await.ok().json()
    };
    let all = page("limit=100").await;
    for key in ["id", "seq", "conversation_id", "client_id", "timestamp"] {
        assert_eq!(column(&all, key), column(&stored, key), "{key} of {all:?}");
    }
    assert!(history(&bob, alice.id).await.iter().all(|message| message["client_id"].is_null()), "own ones only");
    let mut paged: Vec<Value> = page("limit=3").await;
    while let Some(oldest) = paged.last().map(|message| message["id"].clone()) {
        let next = page(&format!("limit=3&before_id={oldest}")).await;
        if next.is_empty() {
            break;
        }
        paged.extend(next);
    }
    assert_eq!(paged, all);
    assert_eq!(page("before_id=9007199254740991").await, all);
    let chats = chat_list(&alice).await;
    assert_eq!(chats[0]["message"], all[0], "the chat list has them, too");
    let mixed = format!("before_id={}&before={}", all[3]["id"], all[3]["timestamp"].as_str().unwrap());
    for bad in [mixed.as_str(), "before_id=x", "before_id=", "before_id=-1.5"] {
        let answer = alice.http.get(&format!("/chat/all_messages?partnerID={}&{bad}", bob.id)).await;
        assert_eq!(answer.problem(), (422, "bad_frame".to_owned()), "{bad}");
    }
    server.stop().await;
}

#[tokio::test]
async fn conversations_are_listed_newest_first_and_paged_by_seq() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let mut a = live(&alice, "a").await;
    assert_eq!(conversations(&alice).await, Vec::<Value>::new());
    let mut partners = Vec::new();
    for i in 0..7 {
        let user = server.sign_up(&format!("user{i}")).await;
        a.store(user.id, &format!("to {i}")).await;
        partners.push(user);
    }
    // The third writes back: newest, and unread.
    let answer = partners[2].http.post("/chat/messages", &send_frame(alice.id, "back")).await.ok().json::<Value>();
    let all = conversations(&alice).await;
    let ids: Vec<i32> = [2, 6, 5, 4, 3, 1, 0].map(|i: usize| partners[i].id).to_vec();
    assert_eq!(all.iter().map(|one| one["partner"]["id"].clone()).collect::<Vec<_>>(), ids);
    let newest = &all[0];
    assert_fields(
        newest,
        &json!({
            "conversation_id": answer["conversation_id"], "seq": answer["seq"], "unread": 1, "blocked": false,
            "read_up_to_id": null, "partner_read_up_to_id": null, "partner_delivered_up_to_id": null,
        }),
    );
    assert_fields(
        &newest["last_message"],
        &json!({"id": answer["id"], "content": "r:back", "sender_id": partners[2].id}),
    );
    let partner: Value = alice.http.get(&format!("/chat/partnerinfo?partnerID={}", partners[2].id)).await.ok().json();
    assert_fields(&newest["partner"], &json!({"id": partner["id"], "user_name": "user2", "key_id": partner["key_id"]}));
    let (mut paged, mut before) = (Vec::new(), String::new());
    loop {
        let path = format!("/chat/conversations?limit=3{before}");
        let page: Vec<Value> = alice.http.get(&path).await.ok().json();
        let Some(last) = page.last() else { break };
        before = format!("&before={}", seq(last));
        paged.extend(page);
    }
    assert_eq!(paged, all);
    let most: Vec<Value> = alice.http.get("/chat/conversations?limit=100000").await.ok().json();
    assert_eq!(most, all, "a limit above the maximum is clamped");
    assert_eq!(alice.http.get("/chat/conversations?before=x").await.problem(), (422, "bad_frame".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn the_own_account_and_its_settings() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let me: Value = alice.http.get("/users/me").await.ok().json();
    let expected = json!({
        "id": alice.id, "user_name": "alice", "email": "alice@example.org", "public_key": "AAAA",
        "key_id": "63c1dd951ffedf6f", "settings": {"presence": true, "read_receipts": true},
    });
    assert_eq!(me, expected);
    let put = async |body: Value| alice.http.put("/users/me/settings", &body).await;
    for (change, settings) in [
        (json!({}), json!({"presence": true, "read_receipts": true})),
        (json!({"presence": false}), json!({"presence": false, "read_receipts": true})),
        (json!({"read_receipts": false}), json!({"presence": false, "read_receipts": false})),
        (json!({"presence": true, "read_receipts": true}), json!({"presence": true, "read_receipts": true})),
    ] {
        assert_eq!(put(change.clone()).await.ok().json::<Value>(), settings, "{change}");
        let me: Value = alice.http.get("/users/me").await.ok().json();
        assert_eq!(me, merged(&expected, json!({"settings": settings})));
    }
    for bad in [json!({"presence": "no"}), json!([]), json!({"read_receipts": 1})] {
        assert_eq!(put(bad.clone()).await.problem(), (422, "bad_frame".to_owned()), "{bad}");
    }
    for (bad, code) in [
        (json!({}), "bad_frame"),
        (json!({"public_key": 7}), "bad_frame"),
        (json!({"public_key": ""}), "invalid_key"),
        (json!({"public_key": "not base64!"}), "invalid_key"),
    ] {
        let answer = alice.http.put("/users/me/public_key", &bad).await;
        assert_eq!(answer.problem(), (422, code.to_owned()), "{bad}");
    }
    for path in ["/users/me", "/users/search?query=a", "/users?ids=1"] {
        assert_eq!(server.http().get(path).await.problem(), (401, "unauthorized".to_owned()), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn users_are_searched_by_pages() {
    let server = TestServer::start().await;
    let (alice, _) = two_users(&server).await;
    for name in ["An_na", "an%na", "ANna", "annA2", "other"] {
        server.sign_up(name).await;
    }
    let search =
        async |query: &str| -> Vec<Value> { alice.http.get(&format!("/users/search?{query}")).await.ok().json() };
    let names = |users: &[Value]| users.iter().map(|user| user["user_name"].to_string()).collect::<Vec<_>>();
    assert_eq!(names(&search("query=anna").await), ["\"ANna\"", "\"annA2\""]);
    assert_eq!(names(&search("query=N_N").await), ["\"An_na\""], "_ is literal");
    assert_eq!(names(&search("query=n%25n").await), ["\"an%na\""], "% is literal");
    let first = search("query=an&limit=2").await;
    let second = search(&format!("query=an&limit=2&after={}", first[1]["id"])).await;
    assert_eq!([names(&first), names(&second)].concat(), names(&search("query=an&limit=1000").await));
    assert_eq!((first.len(), second.len()), (2, 2));
    for user in first {
        assert_eq!(user.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "public_key", "user_name"]);
    }
    assert_eq!(search("query=example.org").await, Vec::<Value>::new(), "never by, nor with, an e-mail address");
    for bad in ["limit=0", "limit=-1", "limit=x", "after=x"] {
        let answer = alice.http.get(&format!("/users/search?query=a&{bad}")).await;
        assert_eq!(answer.problem(), (422, "bad_frame".to_owned()), "{bad}");
    }
    server.stop().await;
}

/// A login session that only the old app uses has read what it fetches; one that has used anything new has not.
#[tokio::test]
async fn the_old_app_has_read_what_it_fetches() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    // In another login session of his: partners are told.
    log_in_again(&server, &bob).await.http.post("/chat/messages", &send_frame(alice.id, "hello")).await.ok();
    a.expect("message").await;
    let mut stored = Vec::new();
    for i in 0..3 {
        stored.push(a.store(bob.id, &i.to_string()).await);
    }
    let newest = format!("/chat/all_messages?partnerID={}", alice.id);
    // Not yet one of the old app: it has opened no socket.
    bob.http.get(&newest).await.ok();
    assert_eq!(a.so_far().await, Vec::<Value>::new());
    bob.connect().await.close().await;
    // An older page is not what the person sees first.
    let older = format!("{newest}&before={}", stored[2]["timestamp"].as_str().unwrap());
    bob.http.get(&older).await.ok();
    assert_eq!(a.so_far().await, Vec::<Value>::new());
    bob.http.get(&newest).await.ok();
    let receipt = a.expect("receipt").await;
    assert_fields(&receipt, &json!({"kind": "read", "user_id": bob.id, "up_to_id": stored[2]["id"]}));
    // Once it has used something of v1 it speaks for itself, and stays so.
    bob.live_device("b", None).await.0.socket.close().await;
    a.store(bob.id, "later").await;
    for path in ["/chat/chat_list", &newest] {
        bob.connect().await.close().await;
        bob.http.get(path).await.ok();
        assert_eq!(a.so_far().await, Vec::<Value>::new(), "{path}");
    }
    assert_fields(&conversation(&bob, alice.id).await, &json!({"unread": 1, "read_up_to_id": stored[2]["id"]}));
    server.stop().await;
}

/// The counter counts what came, what was read, what was deleted before it was read, and for each side by itself.
#[tokio::test]
async fn unread_counts_what_came_and_was_neither_read_nor_deleted() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let unread = async |user: &TestClient, partner: i32| integer(&conversation(user, partner).await, "unread");
    let mut ids = Vec::new();
    for i in 0..5 {
        ids.push(exchange(&mut a, &mut b, &i.to_string()).await.0["id"].clone());
    }
    assert_eq!((unread(&bob, alice.id).await, unread(&alice, bob.id).await), (5, 0));
    exchange(&mut b, &mut a, "answer").await;
    assert_eq!((unread(&bob, alice.id).await, unread(&alice, bob.id).await), (5, 1), "own ones do not count");
    b.ask(&json!({"type": "read", "partner_id": alice.id, "up_to_id": ids[1]})).await;
    assert_eq!(unread(&bob, alice.id).await, 3);
    // Deleted: read ones change nothing, unread ones count less, no matter who deleted them.
    for (id, scope, left) in [(&ids[0], "me", 3), (&ids[3], "me", 2)] {
        b.ask(&json!({"type": "delete", "id": id, "for": scope})).await;
        assert_eq!(unread(&bob, alice.id).await, left);
    }
    a.read_until("receipt").await;
    a.ask(&json!({"type": "delete", "id": ids[4], "for": "everyone"})).await;
    assert_eq!(unread(&bob, alice.id).await, 1);
    a.ask(&json!({"type": "delete", "id": ids[2], "for": "me"})).await;
    assert_eq!(unread(&bob, alice.id).await, 1, "her copy is hers");
    b.read_until("deleted").await;
    b.ask(&json!({"type": "read", "partner_id": alice.id, "up_to_id": ids[2]})).await;
    assert_eq!(unread(&bob, alice.id).await, 0);
    server.stop().await;
}

/// From that moment on, whenever the janitor comes.
#[tokio::test]
async fn what_has_expired_does_not_count_as_unread() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), lazy_janitor).await;
    first_round_is_over(&server).await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let expiring = |name: &str, s: i64| merged(&send_frame(bob.id, name), json!({"expires_in_s": s}));
    exchange(&mut a, &mut b, "stays").await;
    for (name, seconds) in [("short", 10), ("short too", 10), ("long", 1000), ("deleted", 10)] {
        a.ask(&expiring(name, seconds)).await;
        let message = b.expect("message").await;
        if name == "deleted" {
            b.ask(&json!({"type": "delete", "id": message["id"], "for": "me"})).await;
        }
    }
    assert_fields(&conversation(&bob, alice.id).await, &json!({"unread": 4}));
    clock.advance_secs(9);
    assert_fields(&conversation(&bob, alice.id).await, &json!({"unread": 4}));
    clock.advance_secs(2);
    assert_fields(&conversation(&bob, alice.id).await, &json!({"unread": 2}));
    assert_eq!(history(&bob, alice.id).await.len(), 2, "as many as there are");
    let (late, _) = exchange(&mut a, &mut b, "late").await;
    assert_fields(&conversation(&bob, alice.id).await, &json!({"unread": 3}));
    b.ask(&json!({"type": "read", "partner_id": alice.id, "up_to_id": late["id"]})).await;
    assert_fields(&conversation(&bob, alice.id).await, &json!({"unread": 0}));
    assert_fields(&conversation(&alice, bob.id).await, &json!({"unread": 0}));
    server.stop().await;
}

/// The number of another user's message, or of none, is a position in the order of all messages: paging goes on from
/// it.
#[tokio::test]
async fn history_is_paged_from_any_number() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let carol = server.sign_up("carol").await;
    let mut c = live(&carol, "c").await;
    let (mut mine, mut others) = (Vec::new(), Vec::new());
    for i in 0..6 {
        mine.push(integer(&exchange(&mut a, &mut b, &i.to_string()).await.0, "id"));
        others.push(integer(&exchange(&mut b, &mut c, &format!("other {i}")).await.0, "id"));
        // A number that no message has.
        b.ask(&json!({"type": "delete", "id": others[i], "for": "everyone"})).await;
        c.expect("deleted").await;
    }
    let before = async |id: i64| -> Vec<i64> {
        let path = format!("/chat/all_messages?partnerID={}&limit=100&before_id={id}", bob.id);
        alice.http.get(&path).await.ok().json::<Vec<Value>>().iter().map(|message| integer(message, "id")).collect()
    };
    for id in 0..others[5] + 5 {
        let expected: Vec<i64> = mine.iter().rev().copied().filter(|&mine| mine < id).collect();
        assert_eq!(before(id).await, expected, "before {id}");
    }
    server.stop().await;
}

/// A client that keeps fewer digits gets some messages twice, but misses none.
#[tokio::test]
async fn a_before_that_was_cut_leaves_nothing_out() {
    let server = TestServer::start_at(stopped_clock(), |_| {}).await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    for i in 0..5 {
        exchange(&mut a, &mut b, &i.to_string()).await;
    }
    let all = history(&alice, bob.id).await;
    let text = |i: usize| all[i]["timestamp"].as_str().unwrap().to_owned();
    let page = async |before: &str| -> Vec<Value> {
        let path = format!("/chat/all_messages?partnerID={}&before={before}", bob.id);
        alice.http.get(&path).await.ok().json()
    };
    // 2026-09-21T14:13:20.000001Z and so on.
    let exact = text(2);
    assert_eq!(page(&exact).await, all[3..], "six decimals are exact");
    for digits in ["23", "22", "20", "19"] {
        let cut = format!("{}Z", &exact[..digits.parse::<usize>().unwrap()].trim_end_matches('.'));
        assert_eq!(page(&cut).await, all, "{cut}");
    }
    // With an offset whose sign is not percent-encoded.
    assert_eq!(page(&exact.replace('Z', "+00:00")).await, all[3..]);
    assert_eq!(page(&exact.replace("14:", "16:").replace('Z', "+02:00")).await, all[3..]);
    for newest in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T00:00:00+00:00"] {
        assert_eq!(page(newest).await, all, "{newest}");
    }
    for bad in ["2026-09-21%2014:13:20", "2026-09-21T14:13:20", "9999-13-01T00:00:00Z", "10000-01-01T00:00:00Z", "+"] {
        let answer = alice.http.get(&format!("/chat/all_messages?partnerID={}&before={bad}", bob.id)).await;
        assert_eq!(answer.problem(), (422, "bad_frame".to_owned()), "{bad}");
    }
    server.stop().await;
}
