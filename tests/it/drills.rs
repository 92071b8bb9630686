//! Drills on the real program: what each surface says while something is wrong, as docs/operations/drills.md shows it.
//! With `UPDATE_DRILLS=1` the document is written anew from this run.

mod report;
mod surfaces;

use std::time::Duration;

use fluent_backend::testing::{DatabaseLink, TestClient, eventually, send_frame};
use serde_json::json;

use crate::support::binary::ServerProcess;
use crate::support::manager::Manager;
use crate::support::postgres::Postgres;
use crate::support::small_disk::SmallDisk;
use crate::support::v1::live;
use report::Report;
use surfaces::Surfaces;

/// A wedge must be known within so many milliseconds.
const KNOWN_WITHIN_MS: f64 = 7000.0;
/// How much later each answer of a slow database comes.
const SLOW: Duration = Duration::from_millis(400);

#[tokio::test(flavor = "multi_thread")]
async fn a_wedged_writer() {
    let dir = tempfile::tempdir().unwrap();
    let manager = Manager::new(dir.path());
    let variables = [("NOTIFY_SOCKET", manager.path.as_str()), ("WATCHDOG_USEC", "1000000")];
    let server = ServerProcess::start(dir.path(), &variables).await;
    manager.hears("WATCHDOG=1").await;
    let mut surfaces = Surfaces::of(&server, dir.path(), &[]).await;
    surfaces.inflict("persistence", "wedged").await;

    let mut report = Report::new("the writer is wedged");
    report.add("/readyz", &surfaces.readiness(503).await);
    report.add("metrics", &surfaces.metrics(&["fluent_ready", "fluent_actor_stuck{actor=\"persistence\"}"], 1.0).await);
    report.add("overview", &surfaces.overview().await);
    report.add("notice", &surfaces.notice("actor_stuck").await);
    let stuck = surfaces.logged("an actor is stuck").await;
    report.add("log", &stuck);
    report.add("doctor", &surfaces.doctor("server").await);
    let silent = "the service manager is not told";
    report.add("systemd", &surfaces.logged(silent).await);
    // The plain thread that judges says for how long it had worked when it was judged.
    let after_ms = millis_after(&stuck, "busy_for=");
    assert!(after_ms < KNOWN_WITHIN_MS, "known after {after_ms} ms: {stuck}");
    manager.unread();
    let said = server.log().matches(silent).count();
    eventually("the next sign of life is due", async || (server.log().matches(silent).count() > said).then_some(()))
        .await;
    let heard = manager.unread();
    assert!(!heard.iter().any(|message| message.contains("WATCHDOG=1")), "{heard:?}");

    surfaces.inflict("persistence", "none").await;
    surfaces.readiness(200).await;
    manager.hears("WATCHDOG=1").await;
    report.add("healed", &surfaces.logged("the actor works again").await);
    report.compare();
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_panics() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let mut surfaces = Surfaces::of(&server, dir.path(), &[]).await;
    surfaces.inflict("persistence", "panics").await;

    let mut report = Report::new("the writer panics");
    report.add("log", &surfaces.logged("an actor failed").await);
    let restarts = "fluent_actor_restarts_total{actor=\"persistence\"}";
    report.add("metrics", &surfaces.metrics(&[restarts, "fluent_ready"], 1.0).await);
    report.add("notice", &surfaces.notice("actor_restarted").await);
    report.add("/readyz", &surfaces.readiness(200).await);
    report.add("overview", &surfaces.overview().await);
    report.add("doctor", &surfaces.doctor("server").await);
    report.compare();
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_database() {
    let Some(postgres) = Postgres::start().await else { return };
    let link = DatabaseLink::to(postgres.socket()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let url = link.url("fluent", "fluent");
    let variables = [("DATABASE_URL", url.as_str())];
    let server = ServerProcess::start(dir.path(), &variables).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let mut device = live(&alice, "phone").await;
    let mut surfaces = Surfaces::of(&server, dir.path(), &variables).await;
    link.slow_down(SLOW);
    for n in 0..3 {
        device.send(&send_frame(alice.id, &format!("slow {n}"))).await;
        device.expect("stored").await;
    }

    let mut report = Report::new("the database is slow");
    report.add("log", &surfaces.logged("a statement was slow").await);
    report.add("log", &surfaces.logged("a batch was slow").await);
    report.add("metrics", &surfaces.metrics(&["fluent_db_slow_queries_total", "fluent_ready"], 1.0).await);
    report.add("slow", &surfaces.slow_statements().await);
    // The overview knows the commits of the last second, and may be asked in the next one.
    let mut overview = surfaces.overview_with(&["commit_p99_ms"]).await;
    for n in 3..13 {
        if !overview.contains("null") {
            break;
        }
        device.send(&send_frame(alice.id, &format!("slow {n}"))).await;
        device.expect("stored").await;
        overview = surfaces.overview_with(&["commit_p99_ms"]).await;
    }
    report.add("overview", &overview);
    report.add("doctor", &surfaces.doctor("database").await);
    report.add("/readyz", &surfaces.readiness(200).await);
    link.slow_down(Duration::ZERO);
    report.compare();
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk() {
    const MIN_FREE_BYTES: u64 = 1 << 20;
    let dir = tempfile::tempdir().unwrap();
    let disk = SmallDisk::at(&dir.path().join("data"), 64);
    if matches!(disk, SmallDisk::Limited) {
        // What is said of a limit is another error; that nothing is lost then is shown by other tests.
        return;
    }
    let server = disk.serve(dir.path(), MIN_FREE_BYTES).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let mut device = live(&alice, "phone").await;
    let min_free_bytes = MIN_FREE_BYTES.to_string();
    let variables = [("FLUENT__ADMIN__MIN_FREE_BYTES", min_free_bytes.as_str())];
    let mut surfaces = Surfaces::of(&server, dir.path(), &variables).await;
    disk.fill(&server);
    let mut large = send_frame(alice.id, "large");
    for copy in ["receiver_encrypted", "sender_encrypted"] {
        large[copy] = "x".repeat(90_000).into();
    }
    device.send(&large).await;
    let refused = device.expect("error").await;
    assert_eq!((&refused["code"], &refused["retryable"]), (&json!("unavailable"), &json!(true)), "{refused}");

    let mut report = Report::new("the disk is full");
    report.add("log", &surfaces.logged("cannot write to the database").await);
    report.add("/readyz", &surfaces.readiness_of(&["database", "disk"]).await);
    report.add("metrics", &surfaces.metrics(&["fluent_ready", "fluent_db_errors_total{kind=\"full\"}"], 1.0).await);
    report.add("overview", &surfaces.overview().await);
    report.add("notice", &surfaces.notice("disk").await);
    report.add("doctor", &surfaces.doctor("server").await);
    report.add("doctor", &surfaces.doctor("disk").await);
    disk.clear(&server);
    surfaces.readiness(200).await;
    report.add("healed", &surfaces.logged("the database works again").await);
    report.compare();
    assert!(server.stop().await.success());
}

/// The time behind a name in a line of the log, in milliseconds.
fn millis_after(line: &str, name: &str) -> f64 {
    let (_, behind) = line.split_once(name).unwrap_or_else(|| panic!("no {name} in {line}"));
    let text: String = behind.chars().skip_while(|c| !c.is_ascii_digit()).collect();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap();
    let number: f64 = text[..end].parse().unwrap();
    if text[end..].starts_with("ms") { number } else { number * 1000.0 }
}
