//! `fluent-backend admin overview`, `actors`, `top` and `socket`: a server that runs, as people and scripts see it.

use fluent_backend::testing::{TestClient, TestData, soon};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::support::binary::{ServerProcess, program, run, run_on};

/// Starts `admin top` beside the data, with its output to be read.
fn top(data: &TestData, args: &[&str]) -> Child {
    let variables = [("DATABASE_URL", data.url())];
    program(data.path(), &variables).args(["admin", "top"]).args(args).spawn().unwrap()
}

#[tokio::test]
async fn without_a_server_they_say_so_and_touch_no_store() {
    let dir = tempfile::tempdir().unwrap();
    for command in [&["overview"][..], &["actors"], &["top"], &["socket", "list"]] {
        let output = run(dir.path(), &[&["admin"], command].concat(), &[]).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{command:?}: {said}");
        assert!(said.contains("no server runs here") && said.contains("--url"), "{said}");
    }
    let json = run(dir.path(), &["admin", "--json", "overview"], &[]).await;
    let problem: Value = serde_json::from_slice(&json.stderr).unwrap();
    assert_eq!(problem["code"], "unreachable");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was made");
}

#[tokio::test]
async fn a_running_server_is_seen_by_its_socket_and_by_its_address() {
    let data = TestData::of_one().await;
    let server = ServerProcess::start_on(&data, &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let mut socket = alice.connect().await;
    let token = run_on(&data, &["admin", "--json", "token", "create", "--name", "x", "--scope", "write"], &[]).await;
    let token: Value = serde_json::from_slice(&token.stdout).unwrap();
    let (url, secret) = (format!("http://{}", server.admin()), token["secret"].as_str().unwrap());
    let elsewhere = tempfile::tempdir().unwrap();
    for by_address in [false, true] {
        let admin = async |args: &[&str]| {
            let output = if by_address {
                let args = [&["admin", "--url", &url], args].concat();
                run(elsewhere.path(), &args, &[("FLUENT_ADMIN_TOKEN", secret)]).await
            } else {
                run_on(&data, &[&["admin"], args].concat(), &[]).await
            };
            assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let seen = admin(&["overview"]).await;
        assert!(seen.contains("state       ready\n") && seen.contains("1: 1 legacy, 0 v1"), "{seen}");
        let seen: Value = serde_json::from_str(&admin(&["--json", "overview"]).await).unwrap();
        assert_eq!((&seen["ready"], &seen["sockets"]["legacy"]), (&json!(true), &json!(1)));
        let seen = admin(&["actors"]).await;
        assert!(seen.starts_with("ACTOR ") && seen.contains("1 sessions") && seen.contains("persistence"), "{seen}");
        let seen = admin(&["top", "--count", "2"]).await;
        assert_eq!((seen.matches("state       ready\n").count(), seen.contains('\x1b')), (2, false), "{seen}");
        let lines = admin(&["--json", "top", "--count", "2"]).await;
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let ready = |line: &Value| line["overview"]["ready"] == true && line["actors"]["root"]["kind"] == "root";
        assert!(lines.len() == 2 && lines.iter().all(ready), "{lines:?}");
    }
    let list = run_on(&data, &["admin", "--json", "socket", "list"], &[]).await;
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    let number = list["oldest"][0]["socket"].to_string();
    let shown = run_on(&data, &["admin", "socket", "list"], &[]).await;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.starts_with("1 are open\n") && shown.contains("legacy foreground: 1"), "{shown}");
    assert!(run_on(&data, &["admin", "socket", "close", &number], &[]).await.status.success());
    assert_eq!(socket.close_code().await, 1012);
    let again = run_on(&data, &["admin", "socket", "close", "0"], &[]).await;
    assert_eq!(again.status.code(), Some(1), "there is no such socket");
    server.stop().await;
}

#[tokio::test]
async fn it_follows_the_server_until_ctrl_c_until_nobody_reads_or_until_the_server_is_gone() {
    let data = TestData::of_one().await;
    let server = ServerProcess::start_on(&data, &[]).await;
    let mut watched = top(&data, &["--json"]);
    let mut lines = BufReader::new(watched.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        let line = soon("a look", lines.next_line()).await.unwrap().unwrap();
        assert!(serde_json::from_str::<Value>(&line).unwrap()["overview"].is_object(), "{line}");
    }
    let pid = Pid::from_raw(i32::try_from(watched.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(soon("it ends", watched.wait()).await.unwrap().code(), Some(0), "as people expect of Ctrl-C");

    let mut unread = top(&data, &[]);
    let mut lines = BufReader::new(unread.stdout.take().unwrap()).lines();
    soon("a line", lines.next_line()).await.unwrap().unwrap();
    drop(lines);
    assert_eq!(soon("it ends", unread.wait()).await.unwrap().code(), Some(0), "as before `head`");

    let mut left = top(&data, &[]);
    let mut lines = BufReader::new(left.stdout.take().unwrap()).lines();
    soon("a line", lines.next_line()).await.unwrap().unwrap();
    server.stop().await;
    let read_on = async { while let Ok(Some(_)) = lines.next_line().await {} };
    soon("it prints no more", read_on).await;
    assert_eq!(soon("it ends", left.wait()).await.unwrap().code(), Some(3), "the server is gone");
}
