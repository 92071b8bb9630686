//! A terminal in which somebody chats: the example, as a process.

use std::path::{Path, PathBuf};
use std::process::{Command as Builder, Stdio};

use fluent_backend::testing::soon;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The example.
#[derive(Clone)]
pub(crate) struct ChatProgram(PathBuf);

/// One terminal.
pub(crate) struct Terminal {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl ChatProgram {
    /// Builds it by `cargo`, into the directory `target`.
    pub(crate) async fn build(mut cargo: Builder, target: &Path) -> Self {
        let building = move || cargo.args(["build", "--offline", "--example", "chat"]).output();
        let built = tokio::task::spawn_blocking(building).await.unwrap().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Self(target.join("debug/examples/chat"))
    }

    /// Starts it with these arguments in a directory, with the server at this URL.
    pub(crate) fn open(&self, place: &Path, arguments: &str, server: &str) -> Terminal {
        let mut child = Command::new(&self.0)
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
        Terminal { child, input, lines: BufReader::new(output).lines() }
    }
}

impl Terminal {
    pub(crate) async fn types(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Reads up to a line with this in it, and returns the line.
    pub(crate) async fn shows(&mut self, text: &str) -> String {
        let seen = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line.contains(text) {
                    return line;
                }
            }
            panic!("it has ended");
        };
        soon(&format!("{text} is shown"), seen).await
    }

    /// Ends it as Ctrl-D does.
    pub(crate) async fn close(mut self) {
        drop(self.input);
        assert!(soon("it ends", self.child.wait()).await.unwrap().success());
    }

    /// Ends it as `kill -9` does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
