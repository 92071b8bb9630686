//! Plaintext, private keys, passwords and tokens are in no file of the server and in no log line; ciphertext is in no
//! log.

use std::path::Path;

use serde_json::json;

use crate::support::binary::ServerProcess;
use crate::support::phone::{PASSWORD, Phone};

const PLAINTEXT: &str = "PLAINTEXT-MARKER meet me at the old bridge";
const SECRET: &str = "SECRET-MARKER the HS256 secret of the server";

/// Every file below `dir` with its bytes.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_readable_is_kept_or_logged() {
    let dir = tempfile::tempdir().unwrap();
    let variables = [("SECRET_KEY", SECRET), ("FLUENT__LOG__FILTER", "trace")];
    let server = ServerProcess::start(dir.path(), &variables).await;
    let (mut alice, mut bob) = (Phone::new(server.http()), Phone::new(server.http()));
    alice.sign_up("alice@example.org").await;
    bob.sign_up("bob@example.org").await;
    let (mut a, mut b) = (alice.connect().await, bob.connect().await);
    let (for_bob, for_alice) = alice.encrypt_for(&alice.partner(bob.id).await, PLAINTEXT);
    a.send_message(bob.id, &for_bob, &for_alice).await;
    assert_eq!(bob.decrypt(&b.next_message().await.content), PLAINTEXT);
    // Errors are where secrets slip out.
    let first = alice.tokens.clone().unwrap();
    a.send_text(&json!({"receiverID": "x", "receiver_encrypted": for_bob, "sender_encrypted": PLAINTEXT}).to_string())
        .await;
    let _own = a.next_message().await;
    a.next_error().await;
    server.http().post("/auth/login", &json!({"username": "alice@example.org", "password": [PASSWORD]})).await;
    server.http().post("/auth/login", &json!({"username": PASSWORD, "password": PASSWORD})).await;
    server.http().with_authorization(format!("Bearer {}x", first.access_token)).get("/chat/chat_list").await;
    let body = json!({"refresh_token": first.refresh_token});
    let second: fluent_backend::testing::TokenPair = server.http().post("/auth/refresh", &body).await.ok().json();
    alice.log_in("alice@example.org").await;
    alice.messages(bob.id, "").await;
    let log = server.log();
    assert!(server.stop().await.success());

    assert!(log.contains("DEBUG"), "the log is as talkative as it can be");
    let tokens = [&first, &second, alice.tokens.as_ref().unwrap()]
        .into_iter()
        .flat_map(|pair| [pair.access_token.clone(), pair.refresh_token.clone()]);
    let secrets: Vec<String> = tokens.chain([PLAINTEXT, PASSWORD, SECRET].map(str::to_owned)).collect();
    for secret in &secrets {
        for (file, bytes) in files(dir.path()) {
            assert!(!contains(&bytes, secret.as_bytes()), "{secret} is in {file}");
        }
    }
    for copy in [&for_bob, &for_alice] {
        assert!(!log.contains(copy.as_str()), "a ciphertext is in the log");
    }
    let database = std::fs::read(dir.path().join("data/fluent.db")).unwrap();
    assert!(contains(&database, for_bob.as_bytes()), "the search finds what is there");
}
