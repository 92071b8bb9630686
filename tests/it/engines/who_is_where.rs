//! Several servers on one PostgreSQL with NATS between them: what each knows of the others and of their sockets.

mod sockets;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fluent_backend::testing::{Direction, Fate, Nats, NatsLink, NatsMessage, TestDatabase, TestServer, eventually};
use serde_json::Value;

use super::two_servers::SECRET;
use crate::support::nats::{NatsClient, nats};
use crate::support::postgres::database;

/// A server with this name.
async fn server(database: &TestDatabase, url: &str, name: &str) -> TestServer {
    let server = TestServer::start_with(|config| {
        config.auth.secret_key = SECRET.into();
        config.database.url = database.url().into();
        config.cluster.nats_url = url.into();
        name.clone_into(&mut config.cluster.node);
    })
    .await;
    let by_nats = async || {
        let ready: Value = server.http().get("/readyz").await.ok().json();
        (ready["relay"] == "nats").then_some(())
    };
    eventually("NATS is used", by_nats).await;
    server
}

/// What a server shows of the one with this name.
async fn shown(server: &TestServer, name: &str) -> Option<Value> {
    let answer: Value = server.admin().get("/admin/cluster").await.ok().json();
    answer["nodes"].as_array().unwrap().iter().find(|node| node["label"] == name).cloned()
}

async fn eventually_shown(server: &TestServer, name: &str, key: &str, is: impl Fn(&Value) -> bool) -> Value {
    let is_so = async || shown(server, name).await.filter(|node| is(&node[key]));
    eventually(&format!("{key} of {name} is shown"), is_so).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_server_shows_what_the_others_say_of_themselves() {
    let (Some(database), Some(nats)) = (database().await, nats().await) else { return };
    let one = server(&database, &nats.url(), "one").await;
    let link = NatsLink::to(nats.addr()).await.unwrap();
    let two = server(&database, &link.url(), "two").await;
    let alice = two.sign_up("alice").await;
    let mut a = crate::support::v1::live(&alice, "a").await;
    a.store(alice.id, "to myself").await;
    let node = eventually_shown(&one, "two", "sockets", |sockets| *sockets == 1).await;
    assert_eq!((&node["relay"], &node["store_ok"], &node["self"]), (&"nats".into(), &true.into(), &false.into()));
    assert!(node["leaving_until"].is_null(), "{node}");
    eventually_shown(&one, "two", "hold_p99_ms", |held| held.as_f64().is_some_and(|held| held > 0.0)).await;
    // It is cut off from NATS, and renews its row.
    link.sever();
    eventually_shown(&one, "two", "relay", |relay| relay == "polling").await;
    link.mend();
    eventually_shown(&one, "two", "relay", |relay| relay == "nats").await;
    drop(a);
    two.stop().await;
    one.stop().await;
}

/// What the second server hears of a kind of word.
fn overheard(link: &NatsLink, kind: &'static str) -> Arc<Mutex<Vec<NatsMessage>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = heard.clone();
    link.judge(Direction::ToClient, move |message| {
        if message.subject.split('.').nth(2) == Some(kind) {
            ear.lock().unwrap().push(message.clone());
        }
        Fate::Pass
    });
    heard
}

/// Says each word again as it was, and as somebody would like to have it.
async fn say_again(nats: &Nats, words: &[NatsMessage]) {
    let stranger = NatsClient::connect(&nats.url()).await;
    for word in words {
        let say = async |payload: Bytes| stranger.client.publish(word.subject.clone(), payload).await.unwrap();
        say(word.payload.clone()).await;
        for at in [0, 2, word.payload.len() - 1] {
            let mut forged = word.payload.to_vec();
            forged[at] ^= 1;
            say(forged.into()).await;
        }
        say(word.payload.slice(..word.payload.len() / 2)).await;
        say(Bytes::new()).await;
    }
    stranger.client.flush().await.unwrap();
}

/// The last words of a server that has gone do not bring it back.
#[tokio::test(flavor = "multi_thread")]
async fn forged_and_repeated_words_bring_nobody_back() {
    let (Some(database), Some(nats)) = (database().await, nats().await) else { return };
    let link = NatsLink::to(nats.addr()).await.unwrap();
    let one = server(&database, &link.url(), "one").await;
    let heard = overheard(&link, "who");
    let two = server(&database, &nats.url(), "two").await;
    eventually_shown(&one, "two", "relay", |relay| relay == "nats").await;
    two.stop().await;
    let words = heard.lock().unwrap().clone();
    assert!(!words.is_empty());
    let is_gone = async || {
        say_again(&nats, &words).await;
        shown(&one, "two").await.is_none().then_some(())
    };
    eventually("it is gone", is_gone).await;
    say_again(&nats, &words).await;
    assert!(shown(&one, "two").await.is_none());
    one.stop().await;
}
