//! Who may do what with a file, in each of its states. A route that has no row here fails the test, and all that may
//! not be done is answered as for an id that nobody has, byte by byte.

use std::collections::BTreeSet;

use fluent_backend::clock::Clock;
use fluent_backend::domain::Timestamp;
use fluent_backend::testing::{Answer, Http, TestClient, TestServer};
use http::Method;
use serde_json::{Value, json};

use super::{PART, ask, create, patch, random, upload};
use crate::support::files;

const SIZE: usize = 10;

/// What has become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Created,
    Uploading,
    Complete,
    Attached,
    /// Named by a message that its receiver has deleted for themselves.
    HiddenFromReceiver,
    /// Named by a message that was deleted for everyone.
    Released,
    Deleted,
    Expired,
    Lost,
}

impl State {
    const ALL: [Self; 9] = [
        Self::Created,
        Self::Uploading,
        Self::Complete,
        Self::Attached,
        Self::HiddenFromReceiver,
        Self::Released,
        Self::Deleted,
        Self::Expired,
        Self::Lost,
    ];

    fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Uploading)
    }

    fn is_named(self) -> bool {
        matches!(self, Self::Attached | Self::HiddenFromReceiver)
    }

    fn is_whole(self) -> bool {
        self == Self::Complete || self.is_named()
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Owner,
    Receiver,
    Stranger,
    /// Without a token.
    Nobody,
    /// Without a token, by a link of the owner.
    Link,
}

const ALL: [Who; 5] = [Who::Owner, Who::Receiver, Who::Stranger, Who::Nobody, Who::Link];

/// A request, as the OpenAPI document names it, and how it is answered to whom in which state.
struct Row {
    operation: &'static str,
    expected: fn(State, Who) -> u16,
}

/// What an owner alone may do: `of_open`, `of_whole` in these states.
fn to_owner(state: State, who: Who, of_open: u16, of_complete: u16, of_named: u16) -> u16 {
    match who {
        Who::Nobody | Who::Link => 401,
        Who::Owner if state.is_open() => of_open,
        Who::Owner if state == State::Complete => of_complete,
        Who::Owner if state.is_named() => of_named,
        _ => 404,
    }
}

fn may_read(state: State, who: Who) -> bool {
    match who {
        Who::Owner | Who::Link => state.is_whole(),
        Who::Receiver => state == State::Attached,
        Who::Stranger | Who::Nobody => false,
    }
}

/// The rows; that of the deletion comes last, because it succeeds.
const ROWS: [Row; 8] = [
    Row { operation: "POST /media", expected: |_, who| if matches!(who, Who::Nobody | Who::Link) { 401 } else { 201 } },
    Row {
        operation: "GET /media/{id}",
        expected: |state, who| match who {
            _ if may_read(state, who) => 200,
            Who::Nobody => 401,
            _ => 404,
        },
    },
    Row { operation: "HEAD /media/{id}", expected: |state, who| to_owner(state, who, 200, 200, 200) },
    Row { operation: "PATCH /media/{id}", expected: |state, who| to_owner(state, who, 409, 204, 204) },
    Row { operation: "POST /media/{id}", expected: |state, who| to_owner(state, who, 409, 204, 204) },
    Row { operation: "PUT /media/{id}", expected: |state, who| to_owner(state, who, 400, 400, 400) },
    Row {
        operation: "POST /media/{id}/link",
        expected: |state, who| match who {
            Who::Nobody | Who::Link => 401,
            _ if may_read(state, who) => 200,
            _ => 404,
        },
    },
    Row { operation: "DELETE /media/{id}", expected: |state, who| to_owner(state, who, 204, 204, 403) },
];

struct World {
    server: TestServer,
    clock: Clock,
    owner: TestClient,
    receiver: TestClient,
    stranger: TestClient,
}

impl World {
    async fn start() -> Self {
        let clock = Clock::stopped_at(Timestamp::from_micros(1_800_000_000_000_000));
        // Nothing is cleared away while the test looks: what is gone is gone at once.
        let server = files::start_at(clock.clone(), |config| {
            config.messages.clear_every_ms = 3_600_000;
            config.media.unclaimed_s = 500;
        })
        .await;
        let (owner, receiver) = (server.sign_up("owner").await, server.sign_up("receiver").await);
        Self { stranger: server.sign_up("stranger").await, server, clock, owner, receiver }
    }

    fn client(&self, who: Who) -> Http {
        match who {
            Who::Owner => self.owner.http.clone(),
            Who::Receiver => self.receiver.http.clone(),
            Who::Stranger => self.stranger.http.clone(),
            Who::Nobody | Who::Link => self.server.http(),
        }
    }

    /// Makes a file in this state. Returns its path, and the query of a link that its owner has made while that was
    /// possible.
    async fn file(&self, state: State) -> (String, String) {
        let http = &self.owner.http;
        if state.is_open() {
            let path = create(http, SIZE).await;
            if state == State::Uploading {
                patch(http, &path, 0, "hello").await.ok();
            }
            return (path, format!("?l={}", "A".repeat(32)));
        }
        let path = upload(http, &random(SIZE)).await;
        let link: Value = http.post(&format!("{path}/link"), &json!({"expires_in_s": 3600})).await.ok().json();
        let link = link["url"].as_str().unwrap().strip_prefix(&path).unwrap().to_owned();
        match state {
            State::Attached => _ = self.send(&path).await,
            State::HiddenFromReceiver => {
                let message = self.send(&path).await;
                self.receiver.http.delete(&format!("/chat/messages/{message}?for=me")).await.ok();
            }
            State::Released => {
                let message = self.send(&path).await;
                http.delete(&format!("/chat/messages/{message}?for=everyone")).await.ok();
            }
            State::Deleted => _ = http.delete(&path).await.ok(),
            State::Expired => self.clock.advance_secs(500),
            State::Lost => {
                files::lose_whole(&self.server.data_dir());
                assert_eq!(http.get(&path).await.status, 404);
            }
            State::Created | State::Uploading | State::Complete => {}
        }
        (path, link)
    }

    /// Sends a message that names the file, and returns its id.
    async fn send(&self, path: &str) -> i64 {
        let id = path.strip_prefix("/media/").unwrap();
        let message = json!({
            "client_id": id, "to": self.receiver.id, "receiver_encrypted": "r", "sender_encrypted": "s",
            "message_type": "file", "attachment_ids": [id],
        });
        let stored: Value = self.owner.http.post("/chat/messages", &message).await.ok().json();
        stored["id"].as_i64().unwrap()
    }
}

async fn request(http: &Http, operation: &str, path: &str, link: &str) -> Answer {
    let (method, of) = operation.split_once(' ').unwrap();
    let version = ("tus-resumable", "1.0.0");
    let part = [version, ("upload-offset", "10"), ("content-type", PART), ("x-http-method-override", "PATCH")];
    match (method, of) {
        ("POST", "/media") => http.post(&format!("/media{link}"), &json!({"size": 5})).await,
        ("GET", _) => http.get(&format!("{path}{link}")).await,
        ("HEAD", _) => ask(http, "HEAD", &format!("{path}{link}"), &[version], "").await,
        ("PATCH" | "POST", "/media/{id}") => ask(http, method, &format!("{path}{link}"), &part, "").await,
        ("PUT", _) => ask(http, "PUT", &format!("{path}{link}"), &[], "x").await,
        ("POST", "/media/{id}/link") => http.post(&format!("{path}/link{link}"), &json!({})).await,
        ("DELETE", _) => http.send(Method::DELETE, &format!("{path}{link}"), http::HeaderMap::new(), "".into()).await,
        _ => panic!("no request for {operation}"),
    }
}

#[tokio::test]
async fn a_file_is_for_its_owner_and_for_those_who_are_shown_a_message_that_names_it() {
    let world = World::start().await;
    let document: Value = world.server.http().get("/openapi.json").await.ok().json();
    let mut operations = BTreeSet::from(["HEAD /media/{id}".to_owned()]);
    for (path, item) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/media")) {
        operations.extend(item.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())));
    }
    let rows: BTreeSet<String> = ROWS.iter().map(|row| row.operation.to_owned()).collect();
    assert_eq!(rows, operations, "each route has its row");
    let unknown = world.stranger.http.get(&format!("/media/{}", "A".repeat(22))).await;

    for state in State::ALL {
        let (path, link) = world.file(state).await;
        for row in &ROWS {
            // Its owner last, who may change it.
            for who in ALL.into_iter().rev() {
                let link = if who == Who::Link { link.as_str() } else { "" };
                let answer = request(&world.client(who), row.operation, &path, link).await;
                let expected = (row.expected)(state, who);
                let of = format!("{} of a file that is {state:?}, by {who:?}", row.operation);
                assert_eq!(answer.status.as_u16(), expected, "{of}: {}", answer.text());
                if expected == 404 && !row.operation.starts_with("HEAD") {
                    assert_eq!(answer.body, unknown.body, "{of}");
                }
            }
        }
    }
    world.server.stop().await;
}
