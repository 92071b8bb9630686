//! The PostgreSQL of a test ends with the process that has started it, however that ends.

use std::path::PathBuf;
use std::process::Stdio;

use fluent_backend::testing::{eventually, soon};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;

use crate::support::postgres::Postgres;
use crate::support::skip::skip;

/// Tells where its server is, and stays for as long as its input does.
#[tokio::test]
#[ignore = "run by the next test, as a process of its own"]
async fn a_process_with_a_server() {
    let Some(postgres) = Postgres::start().await else { return };
    eprintln!("\n{}", postgres.url("fluent"));
    let _ = tokio::io::stdin().read_u8().await;
}

#[tokio::test]
async fn a_killed_process_takes_its_server_with_it() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "harness::throw_away::a_process_with_a_server", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let url = soon("the process tells", async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.starts_with("postgres://") || line.starts_with("SKIPPED") {
                return line;
            }
        }
        panic!("it has ended before");
    })
    .await;
    if url.starts_with("SKIPPED") {
        skip(&url);
        return;
    }
    let dir = url.split(['@', '/']).find(|part| part.starts_with("%2F")).unwrap().replace("%2F", "/");
    let dir = PathBuf::from(dir);
    let pid = std::fs::read_to_string(dir.join("data/postmaster.pid")).unwrap();
    let process = PathBuf::from("/proc").join(pid.lines().next().unwrap());
    assert!(process.is_dir(), "it runs");
    child.kill().await.unwrap();
    let gone = async || (!dir.exists() && !process.exists()).then_some(());
    eventually("the server and its directory are gone", gone).await;
}
