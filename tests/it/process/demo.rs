//! `demo`: one command, and somebody is there who writes back.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use fluent_backend::testing::{Http, eventually, soon};
use http::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::support::binary::program;
use crate::support::phone::Phone;

/// A demo that has printed its links.
struct Demo {
    child: Child,
    links: [String; 2],
    http: Http,
    _output: Lines<BufReader<ChildStdout>>,
}

impl Demo {
    /// Starts it with the directory for temporary files in `dir`.
    async fn start(dir: &Path) -> Self {
        Self::start_with(dir, &["demo", "--no-open"], &[]).await
    }

    async fn start_with(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Self {
        // Settings of a server that is run here otherwise: a demo has nothing to do with them.
        let others = [("TMPDIR", dir.to_str().unwrap()), ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")];
        let mut command = program(dir, &[&others, variables].concat());
        let mut child = command.args(args).stderr(Stdio::inherit()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut links = Vec::new();
        soon("the demo prints its links", async {
            while links.len() < 2 {
                let line = output.next_line().await.unwrap().expect("the demo runs");
                links.extend(line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned));
            }
        })
        .await;
        let addr = links[0]["http://".len()..].split('/').next().unwrap().parse().unwrap();
        Self { child, links: links.try_into().unwrap(), http: Http::new(addr), _output: output }
    }

    /// What a browser does with a link: its fragment is in no request.
    async fn follow(&self, link: &str) -> Value {
        let (page, fragment) = link.split_once('#').unwrap();
        let path = &page[format!("http://{}", self.http.addr()).len()..];
        assert_eq!((path, self.http.get(path).await.status), ("/app/", StatusCode::OK));
        let code = fragment.strip_prefix("demo=").unwrap();
        let answer = self.http.post("/app/demo", &json!({"code": code})).await.ok();
        assert_eq!(answer.headers["cache-control"], "no-store");
        let again = self.http.post("/app/demo", &json!({"code": code})).await;
        assert_eq!(again.problem(), (404, "not_found".to_owned()), "a link works once");
        answer.json()
    }

    async fn interrupt(mut self) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::INT).unwrap();
        let status = soon("the demo ends", self.child.wait()).await.unwrap();
        assert_eq!(status.code(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_the_link_of_a_demo_writes_to_echo_and_gets_it_back() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Demo::start(dir.path()).await;
    let mut phones = Vec::new();
    for (link, name) in demo.links.iter().zip(["alice", "bob"]) {
        let account = demo.follow(link).await;
        let text = |key: &str| account[key].as_str().unwrap();
        assert_eq!(text("username"), name);
        let mut phone = Phone::with_key(demo.http.clone(), text("private_key"));
        phone.log_in_with(name, text("password")).await;
        phones.push((phone, account["partner"].clone()));
    }
    for (phone, partner) in &phones {
        let id = i32::try_from(partner["user_id"].as_i64().unwrap()).unwrap();
        let echo = phone.partner(id).await;
        assert_eq!((echo.user_name.as_str(), &partner["username"]), ("echo", &json!("echo")));
        let greeting = &phone.messages(id, "").await[0];
        assert!(phone.decrypt(&greeting.content).contains("Whatever you write to me comes back"));
        // In the dialect of the app, too.
        let mut socket = phone.connect().await;
        for said in ["hello", "Grüße 👋", &"x".repeat(245)] {
            let (for_echo, own) = phone.encrypt_for(&echo, said);
            socket.send_message(id, &for_echo, &own).await;
            assert_eq!(phone.decrypt(&socket.next_message().await.content), said);
            let answer = soon("the echo", socket.next_message()).await;
            assert_eq!((answer.sender_id, phone.decrypt(&answer.content).as_str()), (id, said));
        }
        // What nobody can read is not answered, and ends nothing.
        socket.send_message(id, "bm90IGVuY3J5cHRlZA==", "own").await;
        socket.next_message().await;
        let (for_echo, own) = phone.encrypt_for(&echo, "still there?");
        socket.send_message(id, &for_echo, &own).await;
        socket.next_message().await;
        assert_eq!(phone.decrypt(&soon("the echo", socket.next_message()).await.content), "still there?");
    }
    demo.interrupt().await;
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Who has no browser here: the test notes what would be opened.
#[tokio::test(flavor = "multi_thread")]
async fn the_browser_is_given_the_link_by_a_page_that_nobody_else_can_read() {
    let dir = tempfile::tempdir().unwrap();
    let (tools, temporary) = (dir.path().join("tools"), dir.path().join("temporary"));
    std::fs::create_dir(&tools).unwrap();
    std::fs::create_dir(&temporary).unwrap();
    let opener = tools.join("xdg-open");
    std::fs::write(&opener, format!("#!/bin/sh\necho \"$@\" >{0}/new && mv {0}/new {0}/opened", tools.display()))
        .unwrap();
    std::fs::set_permissions(&opener, Permissions::from_mode(0o700)).unwrap();
    let path = format!("{}:/usr/bin:/bin", tools.display());
    let home = temporary.to_str().unwrap();
    let demo = Demo::start_with(&temporary, &["demo"], &[("PATH", &path), ("DISPLAY", ":7"), ("HOME", home)]).await;
    let argument =
        eventually("the browser is started", async || std::fs::read_to_string(tools.join("opened")).ok()).await;
    let page = Path::new(argument.trim().strip_prefix("file://").unwrap());
    assert_eq!(page.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(page).unwrap();
    assert!(text.contains(&format!("url={}\"", demo.links[0])), "{text}");
    demo.interrupt().await;
    assert!(std::fs::read_dir(&temporary).unwrap().next().is_none());
}
