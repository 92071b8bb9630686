//! The README's two terminals.

use std::path::Path;
use std::process::Stdio;

use fluent_backend::testing::soon;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::markdown::block;
use super::snippet::{cargo, target};
use crate::support::binary::ServerProcess;

pub(super) const TEST: &str = "the_two_terminals_of_the_readme_talk";

/// One of the terminals.
struct Terminal {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Terminal {
    /// Types the command that is printed for this user, for a server that may have another port.
    fn open(dir: &Path, user: &str, server: &str) -> Self {
        let printed = block("README.md", &format!("$ cargo run --release --example chat -- --user {user}"));
        let (_, arguments) = printed.trim_end().split_once(" -- ").unwrap();
        let place = dir.join(user);
        std::fs::create_dir(&place).unwrap();
        let mut child = Command::new(target().join("debug/examples/chat"))
            .args(arguments.split(' '))
            .args(["--server", server])
            .env("FLUENT_PASSWORD", "correct horse battery staple")
            .current_dir(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, lines: BufReader::new(output).lines() }
    }

    async fn types(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Reads up to a line with this in it.
    async fn shows(&mut self, text: &str) {
        let seen = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line.contains(text) {
                    return;
                }
            }
            panic!("it has ended");
        };
        soon(&format!("{text} is shown"), seen).await;
    }

    /// Ends it as Ctrl-D does.
    async fn close(mut self) {
        drop(self.input);
        assert!(soon("it ends", self.child.wait()).await.unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_two_terminals_of_the_readme_talk() {
    let built = tokio::task::spawn_blocking(|| cargo().args(["build", "--offline", "--example", "chat"]).output());
    let built = built.await.unwrap().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let url = format!("http://{}", server.addr);
    let (mut ada, mut brian) = (Terminal::open(dir.path(), "ada", &url), Terminal::open(dir.path(), "brian", &url));
    ada.types("hi").await;
    brian.shows("hi").await;
    ada.shows("✓").await;
    brian.types("good morning").await;
    ada.shows("good morning").await;
    ada.close().await;
    brian.close().await;
    server.stop().await;
}
