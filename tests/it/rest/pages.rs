//! The cost of lists: pages are bounded in bytes, each account has at most four requests at once, and unread responses
//! have a budget.

use std::time::Duration;

use fluent_backend::testing::{Http, TestClient, TestServer, eventually};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::v1::{assert_fields, column, conversations, integer, merged, send_frame, seq, two_users};

/// Of contents, on a page.
const PAGE: usize = 1024 * 1024;
/// The largest copy.
const LARGEST: usize = 98_304;

/// Sends this many of the largest messages by REST, to these users in turn; oldest first.
async fn fill(from: &TestClient, to: &[i32], count: usize, letter_of: &str) -> Vec<Value> {
    let large = letter_of.repeat(LARGEST / letter_of.len());
    let mut stored = Vec::new();
    for i in 0..count {
        let frame = send_frame(to[i % to.len()], &format!("large {i} of {}", from.id));
        // With control characters both copies would not fit into a request.
        let small = letter_of.len() == 1 && letter_of < " ";
        let theirs = if small { "r" } else { &large };
        let frame = merged(&frame, json!({"sender_encrypted": large, "receiver_encrypted": theirs}));
        stored.push(from.http.post("/chat/messages", &frame).await.ok().json());
    }
    stored
}

async fn list(http: &Http, path: &str) -> Vec<Value> {
    http.get(path).await.ok().json()
}

/// A page that is not larger than it may be, and not smaller than it could be, or the last one.
#[track_caller]
fn check(page: &[Value], bytes: impl Fn(&Value) -> usize, largest: usize, is_last: bool) {
    let total: usize = page.iter().map(bytes).sum();
    assert!(total <= PAGE, "{total} bytes");
    assert!(is_last || total + largest > PAGE, "only {total} bytes");
}

fn content(message: &Value) -> usize {
    message["content"].as_str().map_or(0, str::len)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_history_ends_at_its_bytes_and_the_next_one_goes_on() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let mut stored = fill(&alice, &[bob.id], 25, "x").await;
    stored.reverse();
    for (user, partner) in [(&alice, bob.id), (&bob, alice.id)] {
        let (mut all, mut before) = (Vec::new(), String::new());
        while all.len() < 25 {
            let path = format!("/chat/all_messages?partnerID={partner}&limit=100{before}");
            let page = list(&user.http, &path).await;
            check(&page, content, LARGEST, all.len() + page.len() == 25);
            // Either cursor leads on.
            let last = page.last().expect("at least one");
            before = if all.len() < 12 {
                format!("&before_id={}", last["id"])
            } else {
                format!("&before={}", last["timestamp"].as_str().unwrap())
            };
            all.extend(page);
        }
        assert_eq!(column(&all, "id"), column(&stored, "id"));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_chats_and_events_end_at_their_bytes() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let mut partners = Vec::new();
    for i in 0..24 {
        partners.push(server.sign_up(&format!("partner{i}")).await.id);
    }
    let mut stored = fill(&alice, &partners, 24, "x").await;
    // The chat list of the app knows no pages: it ends early, with the newest.
    let chats = list(&alice.http, "/chat/chat_list").await;
    let newest: Vec<&Value> = stored.iter().rev().map(|stored| &stored["id"]).collect();
    let ids: Vec<&Value> = chats.iter().map(|chat| &chat["message"]["id"]).collect();
    assert!(!ids.is_empty() && ids == newest[..ids.len()], "{ids:?}");
    check(&chats, |chat| content(&chat["message"]), LARGEST + 300, false);
    let (mut all, mut before) = (Vec::new(), String::new());
    while all.len() < 24 {
        let page = list(&alice.http, &format!("/chat/conversations?limit=100{before}")).await;
        check(&page, |one| content(&one["last_message"]), LARGEST + 300, all.len() + page.len() == 24);
        before = format!("&before={}", seq(page.last().expect("at least one")));
        all.extend(page.iter().map(|one| one["last_message"]["id"].clone()));
    }
    assert_eq!(all.iter().collect::<Vec<_>>(), newest);
    // Small ones first, so that the size of the next ones cannot be foreseen.
    for i in 0..30 {
        let frame = send_frame(partners[0], &format!("small {i}"));
        stored.push(alice.http.post("/chat/messages", &frame).await.ok().json());
    }
    stored.extend(fill(&server.sign_up("bob").await, &[alice.id], 24, "x").await);
    let (mut told, mut cursor) = (Vec::new(), String::new());
    loop {
        let epoch = list_cursor(&alice).await;
        let since = if cursor.is_empty() { format!("{}:0", epoch.split(':').next().unwrap()) } else { cursor };
        let page: Value = alice.http.get(&format!("/chat/sync?since={since}&limit=100")).await.ok().json();
        let events = page["events"].as_array().unwrap().clone();
        check(&events, content, LARGEST, page["more"] == false || events.len() == 100);
        assert!(!events.is_empty() || page["more"] == false);
        told.extend(events);
        cursor = page["cursor"].as_str().unwrap().to_owned();
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(column(&told, "id"), column(&stored, "id"));
    server.stop().await;
}

async fn list_cursor(user: &TestClient) -> String {
    let head: Value = user.http.get("/chat/sync").await.ok().json();
    head["cursor"].as_str().unwrap().to_owned()
}

/// Keys may be long: 16 KiB each.
#[tokio::test(flavor = "multi_thread")]
async fn lists_of_users_end_at_their_bytes() {
    let server = TestServer::start().await;
    let key = "A".repeat(16 * 1024);
    let mut ids = Vec::new();
    for i in 0..80 {
        let account = json!({
            "username": format!("person{i}"), "email": format!("person{i}@example.org"),
            "password": TestClient::PASSWORD, "public_key": key,
        });
        ids.push(integer(&server.http().post("/auth/register", &account).await.ok().json(), "id"));
    }
    let alice = server.sign_up("alice").await;
    for id in &ids {
        alice.http.put(&format!("/users/{id}/block"), &json!({})).await.ok();
    }
    let size = |user: &Value| user["public_key"].as_str().unwrap().len();
    for path in ["/users/search?query=person&limit=100", "/users/search?limit=100", "/users/blocked?"] {
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let page = list(&alice.http, &format!("{path}&after={after}")).await;
            let Some(last) = page.last() else { break };
            after = integer(last, "id");
            check(&page, size, 16 * 1024 + 300, page.iter().any(|user| user["id"] == *ids.last().unwrap()));
            found.extend(page.iter().map(|user| integer(user, "id")).filter(|id| *id != i64::from(alice.id)));
        }
        assert_eq!(found, ids, "{path}");
    }
    let text: Vec<String> = ids.iter().map(i64::to_string).collect();
    let page = list(&alice.http, &format!("/users?ids={}", text.join(","))).await;
    check(&page, size, 16 * 1024 + 300, false);
    assert_eq!(page.iter().map(|user| integer(user, "id")).collect::<Vec<_>>(), ids[..page.len()]);
    check(&list(&server.http(), "/auth/get_all_users").await, size, 16 * 1024 + 300, true);
    assert_eq!(alice.http.get("/users/blocked?after=x").await.problem(), (422, "bad_frame".to_owned()));
    server.stop().await;
}

/// A character of one byte that is written as six.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_as_more_than_it_is_makes_no_larger_pages() {
    let server = TestServer::start_with(|config| config.http.max_body_bytes = 1 << 20).await;
    let alice = server.sign_up("alice").await;
    let stored = fill(&alice, &[alice.id], 12, "\u{1}").await;
    let one = LARGEST * 6;
    let answer = alice.http.get(&format!("/chat/all_messages?partnerID={}&limit=100", alice.id)).await.ok();
    assert!(answer.body.len() <= 2 * PAGE + one, "{} bytes", answer.body.len());
    let page: Vec<Value> = answer.json();
    assert!(!page.is_empty() && page.len() < 12, "{} messages", page.len());
    let (mut told, mut cursor) = (Vec::new(), list_cursor(&alice).await.split(':').next().unwrap().to_owned() + ":0");
    while told.len() < stored.len() {
        let answer = alice.http.get(&format!("/chat/sync?since={cursor}")).await.ok();
        assert!(answer.body.len() <= 2 * PAGE + one, "{} bytes", answer.body.len());
        let page: Value = answer.json();
        let events = page["events"].as_array().unwrap();
        assert!(!events.is_empty());
        told.extend(events.clone());
        assert_eq!(page["more"], told.len() < stored.len());
        cursor = page["cursor"].as_str().unwrap().to_owned();
    }
    assert_eq!(column(&told, "id"), column(&stored, "id"));
    server.stop().await;
}

/// Asks for the same list again and again on a connection of its own, and reads nothing: what the kernel takes is soon
/// full.
async fn ask_without_reading(user: &TestClient, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(user.http.addr()).await.unwrap();
    let token = &user.tokens.access_token;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.repeat(24).as_bytes()).await.unwrap();
    stream
}

/// Longer than a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_does_not_read_has_four_requests_at_work_and_harms_nobody_else() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    fill(&alice, &[alice.id], 11, "x").await;
    fill(&bob, &[bob.id], 1, "x").await;
    let path = format!("/chat/all_messages?partnerID={}&limit=100", alice.id);
    let mut unread = Vec::new();
    for _ in 0..8 {
        unread.push(ask_without_reading(&alice, &path).await);
    }
    // Until the kernel takes no more, one more request may find a turn.
    let refused = async || {
        let answer = tokio::time::timeout(PATIENCE, alice.http.get("/chat/chat_list")).await.expect("an answer");
        (answer.status == 503).then_some(answer)
    };
    let answer = eventually("a fifth request that is refused", refused).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
    assert!(answer.headers.contains_key("retry-after"));
    // Everybody else is served, and so is this account's socket, whose app may be on another way to the server.
    for path in ["/chat/chat_list", "/chat/conversations", "/users/me"] {
        bob.http.get(path).await.ok();
    }
    let (mut device, _) = alice.live_device("a", None).await;
    assert_fields(&device.ask(&json!({"type": "ping"})).await, &json!({"type": "pong"}));
    drop(unread);
    let answered = async || (alice.http.get("/chat/chat_list").await.status == 200).then_some(());
    eventually("served again", answered).await;
    server.stop().await;
}

/// As an app does that loads all its screens when it starts.
#[tokio::test(flavor = "multi_thread")]
async fn many_requests_at_once_all_get_their_turn() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    fill(&alice, &[alice.id], 11, "x").await;
    let paths = ["/chat/chat_list", "/chat/conversations", "/users/me", "/chat/all_messages?limit=100&partnerID="];
    let asked = (0..32).map(|i| {
        let path = paths[i % paths.len()].replace("partnerID=", &format!("partnerID={}", alice.id));
        let http = alice.http.clone();
        async move { http.get(&path).await.status.as_u16() }
    });
    let statuses = futures_util::future::join_all(asked).await;
    assert_eq!(statuses, vec![200; 32]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_answers_have_a_budget_for_all() {
    let server = TestServer::start_alone(|config| config.http.unwritten_bytes = 8 << 20).await;
    let (alice, bob) = two_users(&server).await;
    let carol = server.sign_up("carol").await;
    for user in [&alice, &bob, &carol] {
        fill(user, &[user.id], 11, "x").await;
    }
    let path = |user: &TestClient| format!("/chat/all_messages?partnerID={}&limit=100", user.id);
    let mut unread = Vec::new();
    for user in [&alice, &bob] {
        for _ in 0..8 {
            unread.push(ask_without_reading(user, &path(user)).await);
        }
    }
    // Two accounts have four answers of a mebibyte each: a large one of a third does not fit any more, but all that is
    // small does.
    let refused = async || {
        let answer = carol.http.get(&path(&carol)).await;
        (answer.status == 503).then_some(answer)
    };
    let answer = eventually("an answer that does not fit", refused).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
    assert!(answer.headers.contains_key("retry-after"));
    carol.http.get("/users/me").await.ok();
    carol.http.post("/chat/messages", &send_frame(alice.id, "small")).await.ok();
    assert_eq!(conversations(&carol).await.len(), 2, "what is left of the budget is enough for a tenth of a page");
    drop(unread);
    let answered = async || (carol.http.get(&path(&carol)).await.status == 200).then_some(());
    eventually("served again", answered).await;
    server.stop().await;
}
