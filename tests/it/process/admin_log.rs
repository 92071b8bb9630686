//! `fluent-backend admin log`: the filter of a running server's log, and its last warnings.

use fluent_backend::testing::{TestData, eventually};
use serde_json::Value;

use crate::support::binary::{ServerProcess, run, run_on};

async fn admin(data: &TestData, args: &[&str]) -> (Option<i32>, String) {
    let output = run_on(data, &[&["admin", "--json", "log"], args].concat(), &[]).await;
    let printed = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.code(), String::from_utf8(printed).unwrap().trim().to_owned())
}

fn json(printed: &str) -> Value {
    serde_json::from_str(printed).unwrap_or_else(|_| panic!("{printed}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filter_of_the_log_is_switched_for_a_time_and_goes_back_by_itself() {
    let data = TestData::of_one().await;
    let server = ServerProcess::start_on(&data, &[]).await;
    let shown = json(&admin(&data, &["show"]).await.1);
    let configured = shown["filter"]["configured"].clone();
    assert!(shown["filter"]["filter"] == configured && shown["filter"]["until"].is_null(), "{shown}");
    let (code, printed) = admin(&data, &["set", "warn", "--for", "1h"]).await;
    let state = json(&printed);
    assert_eq!((code, &state["filter"], &state["configured"]), (Some(0), &"warn".into(), &configured));
    assert!(state["until"].is_string(), "{state}");
    // A switch is logged at info, when it is made: of these two the second one alone.
    assert_eq!(json(&admin(&data, &["set", "info", "--for", "1h"]).await.1)["filter"], "info");
    let logged = || server.log().matches("has switched the filter").count();
    eventually("info is logged", async || (logged() > 0).then_some(())).await;
    assert_eq!(logged(), 1);
    let (code, printed) = admin(&data, &["set", "fluent_backend=verbose"]).await;
    assert_eq!((code, &json(&printed)["status"]), (Some(1), &422.into()), "{printed}");
    assert_eq!(json(&admin(&data, &["reset"]).await.1)["filter"], configured);
    assert_eq!(json(&admin(&data, &["set", "info", "--for", "1s"]).await.1)["filter"], "info");
    eventually("it goes back", async || {
        let shown = json(&admin(&data, &["show"]).await.1);
        shown["filter"]["until"].is_null().then_some(())
    })
    .await;

    // The audit log has all of it, and an operator elsewhere reads the same lines.
    let audit = run_on(&data, &["admin", "audit", "export", "--event", "config_changed"], &[]).await;
    assert_eq!(String::from_utf8(audit.stdout).unwrap().lines().count(), 4);
    let made = run_on(&data, &["admin", "--json", "token", "create", "--name", "x", "--scope", "read"], &[]).await;
    let secret = json(&String::from_utf8(made.stdout).unwrap())["secret"].as_str().unwrap().to_owned();
    let (elsewhere, url) = (tempfile::tempdir().unwrap(), format!("http://{}", server.admin()));
    let args = ["admin", "--url", &url, "log", "show", "--errors"];
    let shown = run(elsewhere.path(), &args, &[("FLUENT_ADMIN_TOKEN", &secret)]).await;
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains("(as the configuration says)") && text.contains("nothing was wrong"), "{text}");
    assert!(server.stop().await.success());
    let (code, printed) = admin(&data, &["show"]).await;
    assert!(code == Some(3) && printed.contains("no server runs"), "{printed}");
}
