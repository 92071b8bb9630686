//! Files between two terminals, whose programs are killed in the middle, and so is the server.

use std::path::{Path, PathBuf};

use fluent_backend::testing::eventually;

use crate::printed::chat_program;
use crate::support::binary::ServerProcess;
use crate::support::toll::Toll;

/// Size of the file.
const BYTES: usize = 3 * 1024 * 1024;
/// What passes until everything stands still: all that comes before, and more than one part of an upload.
const SOME: usize = 1_600_000;
/// Of these, what is at least on the disk of the one who reads, before the program is killed.
const KEPT: u64 = 1_200_000;
/// So much that nothing stands still again.
const ALL: usize = 100_000_000;

/// The files on their way in the keys of the one who chats in this directory.
fn on_their_way(place: &Path) -> Vec<PathBuf> {
    let (mut found, mut waiting) = (Vec::new(), vec![place.join("chat-keys")]);
    while let Some(path) = waiting.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => waiting.push(path),
                Some(extension) if ["sealed", "part"].iter().any(|kind| extension == *kind) => found.push(path),
                _ => {}
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_arrives_though_both_programs_and_the_server_are_killed_in_the_middle() {
    let program = chat_program().await;
    let dir = tempfile::tempdir().unwrap();
    let [alice_place, bob_place, server_place] = ["alice", "bob", "server"].map(|name| dir.path().join(name));
    for place in [&alice_place, &bob_place, &server_place] {
        std::fs::create_dir(place).unwrap();
    }
    let content: Vec<u8> = (0..BYTES / 16).flat_map(|_| rand::random::<u128>().to_le_bytes()).collect();
    let source = dir.path().join("a cat.jpg");
    std::fs::write(&source, &content).unwrap();

    let server = ServerProcess::start(&server_place, &[]).await;
    let (alices_way, bobs_way) = (Toll::start(server.addr, SOME).await, Toll::start(server.addr, ALL).await);
    let open_alice = || {
        let url = format!("http://{}", alices_way.addr);
        program.open(&alice_place, "--user alice@example.org --to bob@example.org", &url)
    };
    let open_bob = || {
        let url = format!("http://{}", bobs_way.addr);
        program.open(&bob_place, "--user bob@example.org --to alice@example.org", &url)
    };
    let mut bob = open_bob();
    let mut alice = open_alice();
    alice.types("hello").await;
    bob.shows("hello").await;
    alice.types(&format!("/send {}", source.display())).await;
    alices_way.is_shut().await;
    assert_eq!(on_their_way(&alice_place).len(), 1);
    alice.kill().await;
    server.kill().await;

    // What is sent was encrypted once: nothing is left of its source.
    std::fs::write(&source, "something else").unwrap();
    let server = ServerProcess::start(&server_place, &[]).await;
    for way in [&alices_way, &bobs_way] {
        way.lead_to(server.addr);
    }
    let before = alices_way.passed();
    alices_way.allow(ALL);
    let mut alice = open_alice();
    alice.shows("[a cat.jpg, 3.15 MB]").await;
    let again = alices_way.passed() - before;
    assert!(again < (BYTES - 1_000_000) as u64, "{again} bytes were sent again");
    let gone = || async { on_their_way(&alice_place).is_empty().then_some(()) };
    eventually("nothing is left of what was sent", gone).await;

    let shown = bob.shows("[a cat.jpg, 3.15 MB]").await;
    let save = shown.split_once("MB] ").unwrap().1.strip_suffix(" saves it").unwrap().to_owned();
    bobs_way.allow(SOME);
    bob.types(&save).await;
    bobs_way.is_shut().await;
    // What has passed may still be on its way to the disk.
    let is_kept = || async {
        let [part] = &on_their_way(&bob_place)[..] else { return None };
        (std::fs::metadata(part).unwrap().len() > KEPT).then_some(())
    };
    eventually("bob keeps what has come", is_kept).await;
    bob.kill().await;
    let before = bobs_way.passed();
    bobs_way.allow(ALL);
    let mut bob = open_bob();
    bob.shows("[a cat.jpg, 3.15 MB]").await;
    bob.types(&save).await;
    bob.shows("saved as a cat.jpg").await;
    let again = bobs_way.passed() - before;
    assert!(again < (BYTES - 1_000_000) as u64, "{again} bytes came again");
    assert!(std::fs::read(bob_place.join("a cat.jpg")).unwrap() == content, "equal bytes");
    assert_eq!(on_their_way(&bob_place), Vec::<PathBuf>::new());
    bob.close().await;
    alice.close().await;
    server.stop().await;
}
