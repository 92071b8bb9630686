//! The README's two terminals.

use std::path::Path;

use super::markdown::block;
use super::snippet::{cargo, target};
use crate::support::binary::ServerProcess;
use crate::support::terminal::{ChatProgram, Terminal};

pub(super) const TEST: &str = "the_two_terminals_of_the_readme_talk";

/// Builds the example.
pub(crate) async fn chat_program() -> ChatProgram {
    ChatProgram::build(cargo(), &target()).await
}

/// Types the command that is printed for this user, for a server that may have another port.
fn open(program: &ChatProgram, dir: &Path, user: &str, server: &str) -> Terminal {
    let printed = block("README.md", &format!("$ cargo run --release --example chat -- --user {user}"));
    let (_, arguments) = printed.trim_end().split_once(" -- ").unwrap();
    let place = dir.join(user);
    std::fs::create_dir(&place).unwrap();
    program.open(&place, arguments, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_two_terminals_of_the_readme_talk() {
    let program = chat_program().await;
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let url = format!("http://{}", server.addr);
    let [mut ada, mut brian] = ["ada", "brian"].map(|user| open(&program, dir.path(), user, &url));
    ada.types("hi").await;
    brian.shows("hi").await;
    ada.shows("✓").await;
    brian.types("good morning").await;
    ada.shows("good morning").await;
    ada.close().await;
    brian.close().await;
    server.stop().await;
}
