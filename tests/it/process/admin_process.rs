//! `fluent-backend admin drain`, `reload` and `config`: the process of the server.

use std::path::Path;

use fluent_backend::testing::{Http, TestData, TestServer, eventually};
use http::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::binary::{ServerProcess, run, run_on};
use crate::support::local::Operator;

async fn admin(data: &TestData, args: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = run_on(data, &[&["admin"], args].concat(), variables).await;
    let printed = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.code(), String::from_utf8(printed).unwrap())
}

async fn admin_json(data: &TestData, args: &[&str], variables: &[(&str, &str)]) -> Value {
    let (code, printed) = admin(data, &[&["--json"], args].concat(), variables).await;
    assert_eq!(code, Some(0), "{args:?}: {printed}");
    serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{printed}"))
}

/// The configured window would leave the half request its 5 s.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_asked_to_stop_ends_within_the_window_that_is_asked_for() {
    let data = TestData::of_one().await;
    let server = ServerProcess::start_on(&data, &[("FLUENT__SERVER__DRAIN_WINDOW_S", "600")]).await;
    let mut half = TcpStream::connect(server.addr).await.unwrap();
    let head = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
    half.write_all(head.as_bytes()).await.unwrap();
    server.http().get("/healthz").await.ok();
    let (code, printed) = admin(&data, &["drain", "--window", "1s"], &[]).await;
    assert_eq!((code, printed.as_str()), (Some(0), "the server stops, within 1 s\n"));
    let log = data.path().join("server.log");
    assert!(server.ended().await.success());
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("an operator stops the server") && log.contains("within the drain window"), "{log}");
    drop(half);
    // The audit log says who it was, and nobody is there any more.
    let (_, audit) = admin(&data, &["audit", "export", "--event", "admin_action"], &[]).await;
    let entry: Value = serde_json::from_str(audit.trim()).unwrap_or_else(|_| panic!("{audit}"));
    assert_eq!((&entry["detail"]["action"], &entry["detail"]["window_s"]), (&json!("drain"), &json!(1)), "{entry}");
    for command in ["drain", "reload"] {
        let (code, printed) = admin(&data, &[command], &[]).await;
        assert!(code == Some(3) && printed.contains("no server runs here"), "{printed}");
    }
}

#[tokio::test]
async fn a_stop_is_asked_for_once_and_for_an_hour_at_most() {
    let server = TestServer::start_alone(|config| config.server.drain_window_s = 7).await;
    let mut operator = Operator::of(&server).await;
    for wrong in [json!({"window_s": 3601}), json!({"window_s": -1}), json!({"window": 1}), json!([])] {
        assert_eq!(operator.ask(Method::POST, "/admin/api/drain", Some(wrong.clone())).await.0, 422, "{wrong}");
    }
    assert_eq!(operator.post("/admin/api/drain", json!({})).await, json!({"window_s": 7}));
    let (status, problem) = operator.ask(Method::POST, "/admin/api/drain", Some(json!({"window_s": 1}))).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_anew_is_told_and_so_is_what_needs_a_restart() {
    let data = TestData::of_one().await;
    let file = data.path().join("fluent.toml");
    let settings = |text: &str| std::fs::write(&file, text).unwrap();
    settings("[socket]\nin_flight = 9\n");
    let path = file.to_str().unwrap().to_owned();
    let signed = [("FLUENT__AUTH__TOKEN_ALGORITHM", "EdDSA"), ("FLUENT_CONFIG", path.as_str())];
    let server = ServerProcess::start_on(&data, &signed).await;
    let reload = async || admin_json(&data, &["reload"], &[]).await;
    let part = |name: &str, outcome: &str| json!({"name": name, "outcome": outcome, "reason": null});
    let parts =
        |keys: &str| json!([part("token_keys", keys), part("push", "unchanged"), part("address_rules", "unchanged")]);
    let nothing = json!({"parts": parts("unchanged"), "needs_restart": [], "config_error": null});
    assert_eq!(reload().await, nothing);

    settings("[socket]\nin_flight = 10\n[server]\nkeep_alive_s = 30\n");
    let changed = reload().await;
    assert_eq!(changed["needs_restart"], json!(["server.keep_alive_s", "socket.in_flight"]));
    let (_, printed) = admin(&data, &["reload"], &[]).await;
    assert!(printed.contains("token_keys: unchanged\n"), "{printed}");
    assert!(printed.contains("socket.in_flight: has another value, which needs a restart\n"), "{printed}");
    settings("[socket]\nin_flight = many\n");
    let wrong = reload().await;
    assert!(wrong["config_error"].as_str().unwrap().contains("fluent.toml"), "{wrong}");
    assert_eq!(wrong["parts"], parts("unchanged"));

    // A directory that cannot be read any more: the keys in use stay.
    let keys = data.path().join("data/keys");
    let aside = data.path().join("data/aside");
    std::fs::rename(&keys, &aside).unwrap();
    std::fs::write(&keys, "no directory").unwrap();
    let failed = reload().await;
    assert_eq!(failed["parts"][0]["outcome"], "failed", "{failed}");
    assert!(failed["parts"][0]["reason"].is_string());
    std::fs::remove_file(&keys).unwrap();
    std::fs::rename(&aside, &keys).unwrap();

    // By the signal the same is in the log.
    settings("[socket]\nin_flight = 8\n");
    server.hang_up();
    eventually("the log says so", async || server.log().contains("settings=\"socket.in_flight\"").then_some(())).await;
    assert!(server.stop().await.success());
}

async fn settings(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Vec<Value> {
    let output = run(dir, &[&["admin", "--json", "config"], args].concat(), variables).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["settings"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_say_where_they_were_read_and_hide_secrets_with_a_server_and_without() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("fluent.toml");
    std::fs::write(&file, "[socket]\nin_flight = 9\n").unwrap();
    let secret = "0123456789abcdef0123456789abcdef";
    let variables = [("FLUENT_CONFIG", file.to_str().unwrap()), ("SECRET_KEY", secret)];
    let server = ServerProcess::start(dir.path(), &variables).await;
    // What a start would read is another value; the server's own is shown.
    std::fs::write(&file, "[socket]\nin_flight = 10\n").unwrap();
    let key = json!({"key": "auth.secret_key", "value": "[redacted]", "source": "environment"});
    let in_flight = |value: u32| json!({"key": "socket.in_flight", "value": value, "source": "file"});
    let shown = settings(dir.path(), &["--changed"], &[]).await;
    assert!(shown.contains(&key) && shown.contains(&in_flight(9)), "{shown:?}");
    assert!(shown.iter().all(|setting| setting["source"] != "default"));
    assert_eq!(settings(dir.path(), &["in_flight"], &[]).await.len(), 2, "and the bytes in flight");
    assert!(server.stop().await.success());
    let shown = settings(dir.path(), &[], &variables).await;
    assert!(shown.contains(&key) && shown.contains(&in_flight(10)), "{shown:?}");
    assert!(shown.len() > 100 && !shown.iter().any(|setting| setting.to_string().contains(secret)));
    let printed = run(dir.path(), &["admin", "config", "secret_key"], &variables).await;
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.starts_with("SETTING ") && printed.contains("[redacted]"), "{printed}");
}

/// What the page does with a link: it gives the code, and gets a token of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_signs_one_browser_in_at_the_page() {
    let data = TestData::of_one().await;
    let server = ServerProcess::start_on(&data, &[]).await;
    let (listen, page) = (server.admin().to_string(), Http::new(server.admin()));
    let variables = [("FLUENT__ADMIN__LISTEN", listen.as_str())];
    let made = admin_json(&data, &["open", "--scope", "read"], &variables).await;
    let link = made["link"].as_str().unwrap();
    let code = link.strip_prefix(&format!("http://{listen}/admin/#sign-in=")).unwrap_or_else(|| panic!("{link}"));
    let sign_in = async |code: &str| page.post("/admin/sign_in", &json!({"code": code})).await;
    assert_eq!(sign_in(&"A".repeat(43)).await.status, 404);
    let token = sign_in(code).await.ok().json::<Value>()["token"].as_str().unwrap().to_owned();
    assert_eq!(sign_in(code).await.status, 404, "a link works once");
    assert_eq!(server.http().post("/admin/sign_in", &json!({"code": code})).await.status, 404, "not for clients");
    let signed_in = page.with_authorization(format!("Bearer {token}"));
    signed_in.get("/admin/api/overview").await.ok();
    assert_eq!(signed_in.post("/admin/api/reload", &json!({})).await.status, 403, "it only reads");
    let (_, printed) = admin(&data, &["open"], &variables).await;
    assert!(printed.contains("/admin/#sign-in=") && printed.contains("within 60 s"), "{printed}");
    let (_, tokens) = admin(&data, &["token", "list"], &[]).await;
    assert!(tokens.contains("page, by a link"), "{tokens}");
    assert!(server.stop().await.success());
}
