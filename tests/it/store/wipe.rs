//! A deleted account: no row of any table names it any more, neither by its id nor by its name.

use fluent_backend::testing::{TestClient, TestServer, eventually};
use http::Method;
use serde_json::{Value, json};

use crate::support::config::{fast_janitor, first_round_is_over, lazy_janitor};
use crate::support::rows::{Found, Rows};
use crate::support::traces::Marker;
use crate::support::v1::{exchange, live, merged, partners, send_frame};

/// What nothing else in a store is by chance.
const ID: i32 = 1_234_567;

/// From now on ids of accounts begin here.
async fn number_accounts_from(rows: &Rows, server: &TestServer, id: i32) {
    let last = id - 1;
    rows.execute(&if server.data().is_sqlite() {
        format!("UPDATE sqlite_sequence SET seq = {last} WHERE name = 'users'")
    } else {
        format!("SELECT setval(pg_get_serial_sequence('users', 'id'), {last})")
    })
    .await;
}

/// Whether a value is the id, or one of two in one number, or has the name in it.
fn names(value: &Value, id: i32, name: &str) -> bool {
    match value {
        Value::Number(number) => {
            let number = number.as_i64().unwrap();
            let id = i64::from(id);
            [number, number >> 32, number & 0xffff_ffff].contains(&id)
        }
        Value::String(text) => {
            let hex = name.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            let text = text.to_lowercase();
            text.contains(name)
                || text.contains(&hex)
                || text.split(|c: char| !c.is_ascii_digit()).any(|part| part == id.to_string())
        }
        _ => false,
    }
}

/// Rows with the id or the name in them. Left out are the two places where the id alone must be for a while: that a
/// user is gone is told to those who knew them, for as long as events are kept, and known until the last access token
/// expires.
async fn found(rows: &Rows, id: i32, name: &str) -> Vec<Found> {
    const USER_DELETED: i64 = 6;
    let mut found = rows.all().await;
    found.retain_mut(|found| {
        if found.table == "ended_users" {
            return false;
        }
        let mut row = found.row.clone();
        if found.table == "events" && row["kind"] == USER_DELETED && row["user_id"] != id {
            row.remove("subject");
        }
        row.values().any(|value| names(value, id, name))
    });
    found
}

fn tables(found: &[Found]) -> Vec<&str> {
    let mut tables: Vec<&str> = found.iter().map(|found| found.table.as_str()).collect();
    tables.dedup();
    tables
}

async fn delete_account(user: &TestClient) {
    let password = json!({"password": TestClient::PASSWORD});
    user.http.with_body(Method::DELETE, "/users/me", &password).await.ok();
}

/// Waits until nothing of deleted accounts is left to be destroyed.
async fn wiped(rows: &Rows) {
    eventually("the janitor is done", async || rows.of_table("wipes").await.is_empty().then_some(())).await;
}

/// Messages in all states between the two, in both directions, and everything else that refers to a user.
async fn live_through(server: &TestServer, other: &TestClient, leaving: &TestClient) {
    let (mut o, mut l) = (live(other, "o").await, live(leaving, "l").await);
    let (first, _) = exchange(&mut o, &mut l, "first").await;
    let (theirs, _) = exchange(&mut l, &mut o, "theirs").await;
    for (device, id, scope) in [(&mut o, &theirs["id"], "me"), (&mut l, &first["id"], "me")] {
        device.ask(&json!({"type": "delete", "id": id, "for": scope})).await;
    }
    let (gone, _) = exchange(&mut l, &mut o, "for everyone").await;
    l.ask(&json!({"type": "delete", "id": gone["id"], "for": "everyone"})).await;
    o.expect("deleted").await;
    let (answered, _) = exchange(&mut o, &mut l, "answered").await;
    let reply = merged(&send_frame(other.id, "a reply"), json!({"reply_to": answered["id"], "expires_in_s": 3600}));
    l.ask(&reply).await;
    let reply = o.expect("message").await;
    l.ask(&json!({"type": "read", "partner_id": other.id, "up_to_id": answered["id"]})).await;
    o.expect("receipt").await;
    o.ask(&json!({"type": "read", "partner_id": leaving.id, "up_to_id": reply["id"]})).await;
    l.expect("receipt").await;
    let (_, _) = exchange(&mut o, &mut l, "kept by both").await;
    let note = l.store(leaving.id, "a note").await;
    l.ask(&json!({"type": "delete", "id": note["id"], "for": "me"})).await;
    l.store(leaving.id, "another note").await;
    leaving.connect().await.close().await;
    leaving.http.post("/auth/ws_ticket", &json!({})).await.ok();
    leaving.http.put("/users/me/settings", &json!({"presence": false})).await.ok();
    for (user, key) in [(leaving, "BBBB"), (other, "CCCC")] {
        let body = json!({"public_key": key, "password": TestClient::PASSWORD});
        user.http.put("/users/me/public_key", &body).await.ok();
    }
    for (blocker, blocked) in [(leaving, other), (other, leaving)] {
        blocker.http.put(&format!("/users/{}/block", blocked.id), &json!({})).await.ok();
    }
    other.http.delete(&format!("/users/{}/block", leaving.id)).await.ok();
    assert!(server.open_sockets() >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_of_any_table_names_a_deleted_account() {
    let server = TestServer::start_with(fast_janitor).await;
    let (alice, _bob, mut a, mut b) = partners(&server).await;
    let rows = Rows::of(server.data()).await;
    number_accounts_from(&rows, &server, ID).await;
    let index = rows.of_table("user_grams").await;
    let name = Marker::new();
    let leaving = server.sign_up(&format!("{}@example.org", name.as_str())).await;
    assert_eq!(leaving.id, ID);
    live_through(&server, &alice, &leaving).await;
    // A search finds the name, so that it is in whatever index there is.
    let found_by_name = alice.http.get(&format!("/users/search?query={}", name.as_str())).await.ok().text();
    assert!(found_by_name.contains(name.as_str()), "{found_by_name}");
    let before = found(&rows, ID, name.as_str()).await;
    for table in ["blocks", "conversations", "events", "logins", "members", "messages", "tickets", "users"] {
        assert!(tables(&before).contains(&table), "{table} is looked into: {:?}", tables(&before));
    }
    assert_ne!(rows.of_table("user_grams").await, index);

    delete_account(&leaving).await;
    wiped(&rows).await;
    assert_eq!(found(&rows, ID, name.as_str()).await, Vec::new());
    let left = rows.of_table("user_grams").await;
    assert!(left.len() == index.len() && left.iter().all(|row| index.contains(row)), "{left:?}");
    // Others are as they were.
    for device in [&mut a, &mut b] {
        device.so_far().await;
    }
    exchange(&mut a, &mut b, "still here").await;
    server.stop().await;
}

/// Two users who have everything between them, and whose ids and names are found in no other rows.
async fn two_who_will_leave(server: &TestServer) -> (Rows, [TestClient; 2], [Marker; 2]) {
    let rows = Rows::of(server.data()).await;
    number_accounts_from(&rows, server, ID).await;
    let names = [Marker::new(), Marker::new()];
    let leaving = [server.sign_up(names[0].as_str()).await, server.sign_up(names[1].as_str()).await];
    live_through(server, &leaving[0], &leaving[1]).await;
    (rows, leaving, names)
}

/// Also when both sides of a conversation leave, one after the other: the second one's id is in what the first left.
#[tokio::test(flavor = "multi_thread")]
async fn when_both_sides_leave_neither_is_named() {
    let server = TestServer::start_with(fast_janitor).await;
    let _partners = partners(&server).await;
    let (rows, leaving, [first, second]) = Box::pin(two_who_will_leave(&server)).await;
    for (user, name) in leaving.iter().zip([&first, &second]) {
        delete_account(user).await;
        wiped(&rows).await;
        assert_eq!(found(&rows, user.id, name.as_str()).await, Vec::new(), "{}", user.id);
    }
    assert_eq!(found(&rows, leaving[0].id, first.as_str()).await, Vec::new());
    server.stop().await;
}

/// And when the second one leaves before the first has been destroyed.
#[tokio::test(flavor = "multi_thread")]
async fn when_both_sides_leave_at_once_neither_is_named() {
    let server = TestServer::start_with(lazy_janitor).await;
    first_round_is_over(&server).await;
    let _partners = partners(&server).await;
    let (rows, leaving, [first, second]) = Box::pin(two_who_will_leave(&server)).await;
    for user in &leaving {
        delete_account(user).await;
    }
    assert!(!rows.of_table("wipes").await.is_empty(), "nothing is destroyed yet");
    let data = server.stop_keeping_data().await;
    let server = TestServer::start_on(data, fluent_backend::clock::Clock::system(), fast_janitor).await;
    wiped(&rows).await;
    for (user, name) in leaving.iter().zip([&first, &second]) {
        assert_eq!(found(&rows, user.id, name.as_str()).await, Vec::new(), "{}", user.id);
    }
    server.stop().await;
}
