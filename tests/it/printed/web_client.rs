//! What the documents say of the demo and of the web client, as a person types it.

use std::path::Path;

use fluent_backend::testing::{Http, TestServer, soon};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use super::commands::shell;
use super::markdown::block;
use crate::support::binary::program;

pub(super) const DEMO_TEST: &str = "the_demo_prints_what_the_readme_shows";

pub(super) const TEST: &str = "the_commands_about_the_web_client_work_as_they_are_printed";

/// Starts the program and reads this many lines that it prints.
async fn start(dir: &Path, args: &[&str], lines: usize) -> (Child, Vec<String>) {
    let mut child = program(dir, &[("TMPDIR", dir.to_str().unwrap())]).args(args).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    soon("it says what it is", async {
        while said.len() < lines {
            said.push(output.next_line().await.unwrap().expect("it runs"));
        }
    })
    .await;
    (child, said)
}

/// A line whose port and code are those of every demo.
fn masked(line: &str) -> String {
    let Some((before, rest)) = line.split_once("http://127.0.0.1:") else { return line.to_owned() };
    let (port, page) = rest.split_once('/').unwrap();
    let (page, code) = page.split_once("#demo=").unwrap();
    assert!(port.parse::<u16>().is_ok() && !code.is_empty(), "{line}");
    format!("{before}/{page}#demo=")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_prints_what_the_readme_shows() {
    let dir = tempfile::tempdir().unwrap();
    let printed = block("README.md", "$ cargo run --release -- demo");
    let (command, shown) = printed.split_once('\n').unwrap();
    let args: Vec<&str> = command.split_once("-- ").unwrap().1.split(' ').collect();
    let shown: Vec<String> = shown.lines().map(masked).collect();
    let (mut child, said) = start(dir.path(), &args, shown.len()).await;
    assert_eq!(said.iter().map(|line| masked(line)).collect::<Vec<_>>(), shown);
    child.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_about_the_web_client_work_as_they_are_printed() {
    let page = "docs/operations/web-client.md";
    let (dir, server) = (tempfile::tempdir().unwrap(), TestServer::start().await);
    let here = |command: &str| command.trim().replace("https://chat.example.org", &format!("http://{}", server.addr()));
    let verified = shell(dir.path(), &here(&block(page, "fluent-backend web verify")), &[]).await;
    assert!(String::from_utf8_lossy(&verified.stdout).contains("are the same"));
    let hashes = shell(dir.path(), "fluent-backend web hashes", &[]).await;
    assert!(String::from_utf8_lossy(&hashes.stdout).starts_with("sha256-"));
    // Another program may have the port.
    let command = here(&block(page, "fluent-backend app")) + " --listen 127.0.0.1:0";
    let (mut child, said) = start(dir.path(), &command.split(' ').skip(1).collect::<Vec<_>>(), 1).await;
    let link = said[0].split_whitespace().last().unwrap();
    let addr = link["http://".len()..].split('/').next().unwrap().parse().unwrap();
    assert!(Http::new(addr).get("/app/").await.ok().text().contains(&server.addr().to_string()));
    child.kill().await.unwrap();
    server.stop().await;
}
