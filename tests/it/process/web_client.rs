//! `web` and `app`: which client a server serves, and the client without a server.

use std::process::{Output, Stdio};

use bytes::Bytes;
use fluent_backend::http::WebClient;
use fluent_backend::testing::{Answer, Http, TestServer, soon};
use http::header::{ACCEPT_ENCODING, CONTENT_SECURITY_POLICY};
use http::{HeaderMap, Method, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Child;

use crate::support::binary::{program, run};

async fn verify(server: &str) -> (Output, String) {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["web", "verify", server], &[]).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, said)
}

#[tokio::test]
async fn the_hashes_that_are_printed_are_those_of_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["web", "hashes"], &[]).await;
    assert!(output.status.success());
    let client = WebClient::embedded().expect("the client is in the program");
    let lines = client.files().iter().map(|(name, file)| format!("{}  {name}\n", file.integrity()));
    let expected = lines.collect::<Vec<_>>().concat();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert!(expected.contains("  index.html\n") && expected.contains("  sw.js\n"), "{expected}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_the_same_build_serves_the_same_client_and_one_without_it_does_not() {
    let server = TestServer::start().await;
    let (output, said) = verify(&format!("http://{}", server.addr())).await;
    assert!(output.status.success() && said.contains("files are the same"), "{said}");
    server.stop().await;
    let without = TestServer::start_with(|config| config.web.enabled = false).await;
    let (output, said) = verify(&format!("http://{}", without.addr())).await;
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("/app/sw.js: the server answers 404"), "{said}");
    without.stop().await;
}

/// Passes requests on, one a connection, and the answers through `change`.
async fn in_front_of(server: Http, change: fn(&str, Answer) -> Answer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap_or(0) > 0 {}
            let head = String::from_utf8_lossy(&head).into_owned();
            let Some(path) = head.split(' ').nth(1) else { continue };
            let coding = if head.contains("accept-encoding: br") { "br" } else { "identity" };
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, coding.parse().unwrap())]);
            let answer = change(path, server.send(Method::GET, path, headers, Bytes::new()).await);
            let headers = answer.headers.iter().filter(|(name, _)| *name != "content-length");
            let headers = headers.map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()));
            let headers = headers.collect::<Vec<_>>().concat();
            let written = format!("HTTP/1.1 {}\r\nconnection: close\r\n{headers}", answer.status);
            let _ = stream.write_all(format!("{written}\r\n").as_bytes()).await;
            let _ = stream.write_all(&answer.body).await;
        }
    });
    format!("http://{address}")
}

/// What a server changes in the answer for a path.
type Change = fn(&str, Answer) -> Answer;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_server_changes_in_the_client_is_found() {
    let server = TestServer::start().await;
    let changes: [(Change, &str); 4] = [
        (|_, answer| answer, "files are the same"),
        (
            |path, mut answer| {
                if path == "/app/sw.js" && !answer.headers.contains_key("content-encoding") {
                    answer.body = [&answer.body[..], b"\nleak()"].concat().into();
                }
                answer
            },
            "/app/sw.js: other bytes (identity)",
        ),
        (
            |path, mut answer| {
                if path == "/app/" && answer.headers.contains_key("content-encoding") {
                    answer.body = [&answer.body[..], b"x"].concat().into();
                }
                answer
            },
            "/app/: other bytes (br)",
        ),
        (
            |path, mut answer| {
                if path == "/app/index.html" {
                    answer.headers.insert(CONTENT_SECURITY_POLICY, "default-src *".parse().unwrap());
                }
                answer
            },
            "/app/index.html: another Content-Security-Policy",
        ),
    ];
    for (number, (change, expected)) in changes.into_iter().enumerate() {
        let (output, said) = verify(&in_front_of(server.http(), change).await).await;
        assert!(said.contains(expected), "{expected}: {said}");
        assert_eq!(output.status.success(), number == 0, "{said}");
        assert!(number == 0 || said.contains(" 1 of "), "only that: {said}");
    }
    server.stop().await;
}

/// The client without a server of its own.
struct Standalone {
    child: Child,
    link: String,
    http: Http,
}

impl Standalone {
    async fn start(server: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut command = program(dir.path(), &[]);
        let mut child = command
            .args(["app", "--server", server, "--listen", "127.0.0.1:0", "--no-open"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let printed = soon("the link is printed", output.next_line()).await.unwrap().expect("it runs");
        let link = printed.split_whitespace().last().unwrap().to_owned();
        let addr = link["http://".len()..].split('/').next().unwrap().parse().unwrap();
        Self { child, link, http: Http::new(addr) }
    }

    /// Ends it, and returns what it has said beside the link.
    async fn interrupt(self) -> String {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::INT).unwrap();
        let output = soon("it ends", self.child.wait_with_output()).await.unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stderr).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_on_ones_own_machine_speaks_to_one_server_and_is_the_same_otherwise() {
    let server = TestServer::start().await;
    let origin = format!("http://{}", server.addr());
    let standalone = Standalone::start(&origin).await;
    let (own, http) = (WebClient::embedded().expect("the client is in the program"), &standalone.http);
    assert!(standalone.link.ends_with("/app/"), "{}", standalone.link);
    for (name, file) in own.files().iter() {
        let answer = http.get(&format!("/app/{name}")).await.ok();
        assert_eq!(answer.body == *file.plain(), name != "index.html", "{name}");
        let policy = answer.headers["content-security-policy"].to_str().unwrap().to_owned();
        let added = format!(" {origin} {}", origin.replace("http", "ws"));
        assert_eq!(policy.replace(&added, ""), own.content_policy().to_str().unwrap());
        assert!(policy.contains(&format!("connect-src 'self'{added};")), "{policy}");
    }
    let start = http.get("/app/").await.ok().text();
    assert!(start.contains(&format!("<meta name=\"fluent-server\" content=\"{origin}\">")), "{start}");
    let to_client = http.get("/").await;
    assert_eq!(
        (to_client.status, &to_client.headers["location"]),
        (StatusCode::PERMANENT_REDIRECT, &"/app/".parse().unwrap())
    );
    assert_eq!(http.get("/auth/sessions").await.problem(), (404, "not_found".to_owned()), "it is no server");
    assert_eq!(http.post("/app/", &serde_json::json!({})).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let said = standalone.interrupt().await;
    assert!(!said.contains("warning"), "{said}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_keep_such_a_client_from_its_server_is_said() {
    let server = TestServer::start_with(|config| config.http.cors_origins = Vec::new()).await;
    let said = Standalone::start(&format!("http://{}", server.addr())).await.interrupt().await;
    assert!(said.contains("http.cors_origins"), "{said}");
    server.stop().await;
    let dir = tempfile::tempdir().unwrap();
    for (args, named) in [
        (["app", "--server", "https://chat.example", "--listen", "0.0.0.0:8010"], "address of this machine alone"),
        (["app", "--server", "chat.example", "--listen", "127.0.0.1:0"], "the address of a server"),
    ] {
        let output = run(dir.path(), &args, &[]).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(named), "{said}");
    }
}
