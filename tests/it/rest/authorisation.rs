//! What somebody with a valid account can do to others: nothing, by no route and no frame. A route or a frame that has
//! no row here fails the test.

mod frames;
mod routes;

use std::collections::BTreeSet;

use fluent_backend::testing::{TestClient, TestDevice, TestServer};
use serde_json::{Value, json};

use crate::support::v1::live;

/// What Bob and Carol say to each other, in no word that is written elsewhere.
const SECRETS: [&str; 4] = ["Ym9iJ3Mgc2VjcmV0", "Y2Fyb2wncyBzZWNyZXQ", "bobs-own-phone", "carols-own-phone"];

/// Bob and Carol, who have a conversation, and a message of it.
struct World {
    server: TestServer,
    bob: TestClient,
    carol: TestClient,
    bobs: TestDevice,
    carols: TestDevice,
    /// The id of Bob's first message to Carol.
    message: i64,
    conversation: i64,
    /// The path of a file of Bob's.
    file: String,
    /// Bob's login.
    login: i64,
    /// The position before everything.
    start: String,
}

impl World {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let (bob, carol) = (server.sign_up("bob").await, server.sign_up("carol").await);
        let head: Value = bob.http.get("/chat/sync").await.ok().json();
        let (mut bobs, mut carols) = (live(&bob, SECRETS[2]).await, live(&carol, SECRETS[3]).await);
        let stored = bobs.store(carol.id, SECRETS[0]).await;
        carols.expect("message").await;
        carols.store(bob.id, SECRETS[1]).await;
        bobs.expect("message").await;
        let file: Value = bob.http.post("/media", &json!({"size": 5})).await.ok().json();
        let logins: Value = bob.http.get("/auth/sessions").await.ok().json();
        Self {
            message: stored["id"].as_i64().unwrap(),
            conversation: stored["conversation_id"].as_i64().unwrap(),
            file: file["upload_url"].as_str().unwrap().to_owned(),
            login: logins[0]["id"].as_i64().unwrap(),
            start: head["cursor"].as_str().unwrap().to_owned(),
            server,
            bob,
            carol,
            bobs,
            carols,
        }
    }

    /// Returns everything that Bob and Carol have, as they see it themselves.
    async fn theirs(&self) -> Vec<Value> {
        let mut theirs = Vec::new();
        for (one, partner) in [(&self.bob, self.carol.id), (&self.carol, self.bob.id)] {
            for path in [
                "/users/me".to_owned(),
                "/users/blocked".to_owned(),
                "/auth/sessions".to_owned(),
                "/chat/conversations".to_owned(),
                format!("/chat/all_messages?partnerID={partner}"),
                format!("/chat/sync?since={}", self.start),
            ] {
                let mut answer: Value = one.http.get(&path).await.ok().json();
                if let Some(page) = answer.as_object_mut() {
                    // It moves with what others do.
                    page.remove("cursor");
                }
                theirs.push(answer);
            }
        }
        theirs
    }

    /// Fails when an answer to somebody else holds something of theirs.
    fn must_not_tell(&self, of: &str, answer: &str) {
        let tokens = [&self.bob.tokens, &self.carol.tokens].map(|tokens| tokens.refresh_token.as_str());
        let addresses = ["bob@example.org", "carol@example.org"];
        for secret in SECRETS.into_iter().chain(tokens).chain(addresses) {
            assert!(!answer.contains(secret), "{of} tells {secret}: {answer}");
        }
    }
}

/// Returns the operations of the OpenAPI document, such as `GET /users`.
async fn operations(server: &TestServer) -> BTreeSet<String> {
    let document: Value = server.http().get("/openapi.json").await.ok().json();
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let methods: Vec<_> = item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        methods.into_iter().map(|method| format!("{method} {path}")).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// Returns the frames that clients may send, of the AsyncAPI document.
fn client_frames() -> BTreeSet<String> {
    let document: Value = serde_json::from_str(include_str!("../../../docs/asyncapi.json")).unwrap();
    let messages = document["channels"]["chat"]["messages"].as_object().unwrap();
    messages.keys().filter_map(|name| name.strip_prefix("client.")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_lets_a_user_see_or_change_what_is_others() {
    let world = World::start().await;
    let rows = routes::rows(&world);
    let named: BTreeSet<String> = rows.iter().map(|row| row.operation.to_owned()).collect();
    assert_eq!(named, operations(&world.server).await, "each operation has its rows");
    let before = world.theirs().await;
    for (number, row) in rows.iter().enumerate() {
        // Some of them end the login or the account.
        let mallory = world.server.sign_up(&format!("mallory{number}")).await;
        let (method, _) = row.operation.split_once(' ').unwrap();
        let answer = mallory.http.with_body(method.parse().unwrap(), &row.path, &row.body).await;
        let (status, text) = (answer.status.as_u16(), answer.text());
        let of = format!("{} {} {}", row.operation, row.path, row.body);
        assert_eq!(status, row.status, "{of}: {text}");
        world.must_not_tell(&of, &text);
        if let Some(expected) = &row.answer {
            assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), expected, "{of}");
        }
        let now = world.theirs().await;
        assert_eq!(before, now, "{of}");
    }
    let World { server, bobs, carols, .. } = world;
    for device in [bobs, carols] {
        device.socket.close().await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_frame_lets_a_user_see_or_change_what_is_others() {
    let mut world = World::start().await;
    let (mallory, oscar) = (world.server.sign_up("mallory").await, world.server.sign_up("oscar").await);
    let (mut device, mut oscars) = (live(&mallory, "m").await, live(&oscar, "o").await);
    // Mallory sees when Oscar is there, and so when all that was asked for before is answered.
    device.store(oscar.id, "hello").await;
    oscars.expect("message").await;
    oscars.store(mallory.id, "hello").await;
    device.expect("message").await;
    let rows = frames::rows(&world, oscar.id);
    let named: BTreeSet<String> = rows.iter().map(|row| row.frame["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(named, client_frames(), "each frame has its rows");
    let before = world.theirs().await;
    for row in rows {
        let of = row.frame.to_string();
        device.send(&row.frame).await;
        device.send(&json!({"type": "ping", "ref": "behind"})).await;
        let (mut answers, mut last) = (Vec::new(), None);
        loop {
            let answer = device.next().await;
            world.must_not_tell(&of, &answer.to_string());
            if answer["type"] == "pong" && answer["ref"] == "behind" {
                last = Some(());
            } else {
                answers.push(answer);
            }
            if last.is_some() && row.answered.is_none_or(|is_last| answers.iter().any(is_last)) {
                break;
            }
        }
        (row.check)(&answers, &of);
        assert_eq!(before, world.theirs().await, "{of}");
    }
    // Notices to one user are sent in their order, and each takes a credit until it is: once another frame was read,
    // the first of them is sent, if it ever is.
    for _ in 0..device.hello["limits"]["in_flight"].as_u64().unwrap() {
        device.send(&json!({"type": "typing", "to": world.bob.id, "active": false})).await;
    }
    let pong = device.ask(&json!({"type": "ping"})).await;
    assert_eq!(pong["type"], "pong", "{pong}");
    // Of all this nobody is told anything.
    for theirs in [&mut world.bobs, &mut world.carols] {
        assert_eq!(theirs.so_far().await, Vec::<Value>::new());
    }
    let World { server, bobs, carols, .. } = world;
    for device in [device, oscars, bobs, carols] {
        device.socket.close().await;
    }
    server.stop().await;
}
