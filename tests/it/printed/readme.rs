//! The README's session with curl and websocat, as a person types it.

use std::path::Path;
use std::process::Stdio;

use fluent_backend::testing::soon;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

use super::markdown::block;
use crate::support::binary::ServerProcess;
use crate::support::installed::installed;

pub(super) const TEST: &str = "the_session_of_the_readme_goes_as_it_is_printed";

/// How blocks of the README begin, in their order, and what comes of them.
const SESSION: [(&str, &[&str]); 4] = [
    (
        "URL=http://127.0.0.1:8000",
        &[
            "Backend is online",
            "\"username\":\"alice@example.org\"",
            "\"username\":\"bob@example.org\"",
            "\"user_name\":\"bob@",
            "[]",
        ],
    ),
    ("websocat \"ws://", &["\"content\":\"for alice\""]),
    ("EPOCH=", &["\"type\":\"hello\"", "\"content\":\"for alice\"", "\"type\":\"stored\""]),
    ("curl -s $URL/chat/messages", &["\"type\":\"stored\"", "\"conversation_id\":1"]),
];

#[tokio::test]
async fn the_session_of_the_readme_goes_as_it_is_printed() {
    let Some(websocat) = installed("websocat") else { return };
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    for (first, expected) in SESSION {
        // The only difference: another server may have the port.
        let text = block("README.md", first).replace("127.0.0.1:8000", &server.addr.to_string());
        // What begins with a brace is typed when the program before it runs.
        let (typed, commands): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with('{'));
        run(dir.path(), &websocat, &commands.join("\n"), &typed, expected).await;
    }
    server.stop().await;
}

/// Runs a block in a shell that knows the variables of those before it. Input ends when everything expected has come.
async fn run(dir: &Path, websocat: &Path, commands: &str, typed: &[&str], expected: &[&str]) {
    let script = format!("set -ea\n[ ! -e variables ] || . ./variables\n{commands}\nexport -p >variables\n");
    let path = format!("{}:{}", websocat.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut child = Command::new("bash")
        .args(["-o", "pipefail", "-c", &script])
        .env("PATH", path)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for line in typed {
        input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut errors = child.stderr.take().unwrap();
    let mut printed = String::new();
    let complete = |printed: &str| {
        let mut rest = printed;
        expected.iter().all(|part| rest.split_once(part).map(|(_, behind)| rest = behind).is_some())
    };
    soon("the block prints what it should", async {
        while !complete(&printed)
            && let Some(line) = lines.next_line().await.unwrap()
        {
            printed.push_str(&line);
            printed.push('\n');
        }
    })
    .await;
    drop(input);
    let mut said = String::new();
    soon("the block ends", errors.read_to_string(&mut said)).await.unwrap();
    let status = soon("the block ends", child.wait()).await.unwrap();
    assert!(complete(&printed) && status.success(), "{commands}\nexpected {expected:?}\n{printed}{said}");
}
