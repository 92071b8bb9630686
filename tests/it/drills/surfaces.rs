//! What operators see of a server: each surface as text.

use std::path::{Path, PathBuf};

use fluent_backend::testing::{Http, eventually};
use serde_json::{Value, json};

use crate::support::binary::{ServerProcess, run};
use crate::support::events::EventStream;
use crate::support::local::Operator;
use crate::support::sample;

/// The surfaces of a running server.
pub(super) struct Surfaces<'a> {
    server: &'a ServerProcess,
    dir: PathBuf,
    /// What `doctor` needs to know beside the address of the operators' listener.
    variables: &'a [(&'a str, &'a str)],
    operator: Operator,
    admin: Http,
}

impl<'a> Surfaces<'a> {
    pub(super) async fn of(server: &'a ServerProcess, dir: &Path, variables: &'a [(&'a str, &'a str)]) -> Self {
        let operator = Operator::at(&dir.join("data")).await;
        Self { server, dir: dir.to_owned(), variables, operator, admin: Http::new(server.admin()) }
    }

    /// Inflicts a fault on an actor.
    pub(super) async fn inflict(&mut self, actor: &str, fault: &str) {
        self.operator.post("/admin/api/faults", json!({"actor": actor, "fault": fault})).await;
    }

    /// Waits until `/readyz` has this status. Returns what is amiss.
    pub(super) async fn readiness(&self, status: u16) -> String {
        let seen = async || Some(self.admin.get("/readyz").await).filter(|answer| answer.status == status);
        let answer = eventually(&format!("/readyz is {status}"), seen).await;
        amiss(status, &answer.json())
    }

    /// Waits until these checks of `/readyz` fail. Returns what is amiss.
    pub(super) async fn readiness_of(&self, failing: &[&str]) -> String {
        let seen = async || {
            let body: Value = self.admin.get("/readyz").await.json();
            let fails = |name: &&str| {
                body["checks"].as_array().unwrap().iter().any(|check| check["name"] == **name && check["ok"] == false)
            };
            failing.iter().all(fails).then_some(body)
        };
        amiss(503, &eventually("the checks fail", seen).await)
    }

    /// Waits until the last of these series has this value, or a greater one. Returns all of them.
    pub(super) async fn metrics(&self, series: &[&str], value: f64) -> String {
        let seen = async || {
            let metrics = self.admin.get("/metrics").await.text();
            let last = sample(&metrics, series.last()?);
            last.is_some_and(|last| last >= value).then_some(metrics)
        };
        let metrics = eventually("the metrics show it", seen).await;
        let lines = series.iter().map(|series| format!("{series} {}", sample(&metrics, series).unwrap()));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What `GET /admin/api/overview`, on which the page lives, says is amiss.
    pub(super) async fn overview(&mut self) -> String {
        self.overview_with(&[]).await
    }

    /// As above, with these numbers.
    pub(super) async fn overview_with(&mut self, numbers: &[&str]) -> String {
        let overview = self.operator.get("/admin/api/overview").await;
        // What is said of media is about the machine that this runs on, not about the drill.
        let warnings = overview["warnings"].as_array().unwrap().iter().filter(|warning| warning["name"] != "media");
        let warnings: Vec<&Value> = warnings.collect();
        let mut shown = json!({"ready": overview["ready"], "problems": overview["problems"], "warnings": warnings});
        for number in numbers {
            shown[*number] = overview[*number].clone();
        }
        shown.to_string()
    }

    /// What the stream of events has given notice of.
    pub(super) async fn notice(&self, kind: &str) -> String {
        let seen = async || {
            let mut events = EventStream::at(&self.dir.join("data"), "").await;
            let snapshot = events.next_named("snapshot").await;
            snapshot.data["notices"].as_array().unwrap().iter().find(|notice| notice["kind"] == kind).cloned()
        };
        eventually("a notice is given", seen).await.to_string()
    }

    /// The slowest statement of the last hour.
    pub(super) async fn slow_statements(&mut self) -> String {
        let slow = self.operator.get("/admin/api/database/slow").await;
        let statements = slow["statements"].as_array().unwrap();
        assert!(!statements.is_empty());
        format!("{} kinds of statements above {} ms", statements.len(), slow["over_ms"])
    }

    /// Waits until the log has a line with this text. Returns it.
    pub(super) async fn logged(&self, text: &str) -> String {
        let seen = async || self.server.log().lines().find(|line| line.contains(text)).map(ToOwned::to_owned);
        self.shown(&eventually(&format!("the log says {text:?}"), seen).await)
    }

    /// A text with the place of a server in that of the directory of this test.
    fn shown(&self, text: &str) -> String {
        text.replace(&*self.dir.to_string_lossy(), "/var/lib/fluent")
    }

    /// What `doctor` finds about a subject.
    pub(super) async fn doctor(&self, check: &str) -> String {
        let admin = self.server.admin().to_string();
        let variables = [&[("FLUENT__ADMIN__LISTEN", admin.as_str())], self.variables].concat();
        let output = run(&self.dir, &["doctor"], &variables).await;
        let text = String::from_utf8(output.stdout).unwrap();
        let mut found = Vec::new();
        for line in text.lines() {
            // A reason and a cure follow their finding, indented.
            let is_of_last = line.starts_with("     ") && !found.is_empty();
            let is_asked = line.split_whitespace().nth(1) == Some(check);
            match (is_asked, is_of_last) {
                (true, _) | (_, true) => found.push(line.split_whitespace().collect::<Vec<_>>().join(" ")),
                _ if !found.is_empty() => break,
                _ => {}
            }
        }
        assert!(!found.is_empty(), "nothing about {check}: {text}");
        self.shown(&found.join("\n"))
    }
}

/// The checks that fail or warn, and the status.
fn amiss(status: u16, body: &Value) -> String {
    let of_drill =
        |check: &&Value| (check["ok"] == false || check.get("warning").is_some()) && check["name"] != "media";
    let checks: Vec<String> =
        body["checks"].as_array().unwrap().iter().filter(of_drill).map(ToString::to_string).collect();
    format!("{status} {}", checks.join("\n"))
}
