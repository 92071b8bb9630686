//! The rules of metrics: names, units and help texts, labels with few values, and series that exist from the start.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fluent_backend::domain::{Limiter, MediaState, PushOutcome, PushProvider};
use fluent_backend::protocol::ErrorCode;
use fluent_backend::telemetry::{
    ALL_METRICS, ActorKind, BucketOp, CLOSE_CODES, DbFailure, Destroyed, Ephemeral, HandshakeOutcome, LOG_LEVELS,
    ListenerKind, MediaOp, Metric, MetricKind, Pool, RowKind, STATUS_CLASSES, SocketKind,
};
use fluent_backend::testing::{TestData, TestServer, eventually};
use http::Method;

/// Most series of a server.
const MAX_SERIES: usize = 1500;
/// Metrics that exist only where there is what they are about.
const CONDITIONAL: [&str; 3] =
    ["fluent_tls_certificate_not_after_timestamp_seconds", "fluent_wal_bytes", "fluent_disk_free_bytes"];

/// The series of a text for Prometheus: names, each with the labels of its series.
struct Text(BTreeMap<String, Vec<BTreeMap<String, String>>>);

impl Text {
    fn parse(text: &str) -> Self {
        let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let labels = labels.trim_end_matches('}').split("\",").filter(|label| !label.is_empty());
            let label = |label: &str| {
                let (name, value) = label.split_once("=\"").unwrap();
                (name.to_owned(), value.trim_end_matches('"').to_owned())
            };
            found.entry(name.to_owned()).or_default().push(labels.map(label).collect());
        }
        Self(found)
    }

    fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The series of a metric.
    fn of(&self, metric: &Metric) -> Vec<&BTreeMap<String, String>> {
        let suffix = if metric.kind == MetricKind::Histogram { "_count" } else { "" };
        self.0.get(&format!("{}{suffix}", metric.name)).into_iter().flatten().collect()
    }
}

/// The values that a label may have; `None` where they are not a list.
fn values(metric: &Metric, label: &str) -> Option<BTreeSet<&'static str>> {
    let set = |values: &[&'static str]| Some(values.iter().copied().collect());
    match (metric.name, label) {
        ("fluent_build_info", "store") => set(&["sqlite", "postgres"]),
        ("fluent_build_info" | "fluent_http_requests_total" | "fluent_http_request_duration_seconds", _)
            if label != "status" =>
        {
            None
        }
        (_, "status") => set(&STATUS_CLASSES),
        (_, "listener") => Some(ListenerKind::ALL.map(ListenerKind::as_str).into()),
        ("fluent_connections_refused_total", "reason") => set(&["full", "address", "banned", "proxy_header"]),
        (_, "reason") => Some(Destroyed::ALL.map(Destroyed::as_str).into()),
        (_, "dialect") => Some(SocketKind::ALL.map(SocketKind::dialect).into()),
        (_, "mode") => Some(SocketKind::ALL.map(SocketKind::mode).into()),
        ("fluent_handshakes_total", _) => Some(HandshakeOutcome::ALL.map(HandshakeOutcome::as_str).into()),
        ("fluent_sockets_closed_total", _) => {
            Some(CLOSE_CODES.map(|(_, code)| code).into_iter().chain(["other"]).collect())
        }
        ("fluent_frame_errors_total", _) => Some(ErrorCode::ALL.iter().map(|code| code.as_str()).collect()),
        (_, "type") => Some(Ephemeral::ALL.map(Ephemeral::as_str).into()),
        ("fluent_rows_dropped_total", _) => Some(RowKind::ALL.map(RowKind::as_str).into()),
        ("fluent_db_errors_total", _) => Some(DbFailure::ALL.map(DbFailure::as_str).into()),
        ("fluent_media_orphans_total", _) => set(&["whole", "unfinished"]),
        (_, "pool") => Some(Pool::ALL.map(Pool::as_str).into()),
        ("fluent_db_connections", "state") => set(&["busy", "idle"]),
        ("fluent_push_targets", "state") => set(&["active", "suspended"]),
        ("fluent_media_files", "state") => Some(MediaState::ALL.map(MediaState::name).into()),
        (_, "disk") => set(&["store", "media"]),
        (_, "actor") => Some(ActorKind::ALL.map(ActorKind::as_str).into()),
        (_, "level") => Some(LOG_LEVELS.into()),
        (_, "limiter") => Some(Limiter::ALL.iter().map(|limiter| limiter.name()).collect()),
        (_, "from") => set(&["own", "nats", "journal"]),
        (_, "by") => set(&["wait", "journal", "resync"]),
        (_, "direction") => set(&["in", "out", "up", "down"]),
        (_, "what") => set(&["queue", "mac", "malformed", "stale", "epoch", "slow_consumer"]),
        ("fluent_media_bucket_failures_total", _) => Some(BucketOp::ALL.map(BucketOp::as_str).into()),
        (_, "op") => Some(MediaOp::ALL.map(MediaOp::as_str).into()),
        (_, "provider") => Some(PushProvider::ALL.iter().map(|provider| provider.as_str()).collect()),
        (_, "outcome") => Some(PushOutcome::ALL.iter().map(|outcome| outcome.as_str()).collect()),
        (name, label) => panic!("{name} has a label {label} whose values nobody knows"),
    }
}

/// The text, once the monitor has passed its first rounds.
async fn text(server: &TestServer) -> (String, Text) {
    let rendered = async || {
        let text = server.admin().get("/metrics").await.ok().text();
        text.contains("fluent_db_connections{").then_some(text)
    };
    let text = eventually("the monitor has passed", rendered).await;
    let parsed = Text::parse(&text);
    (text, parsed)
}

#[test]
fn names_end_in_their_unit_and_say_what_they_are() {
    for Metric { kind, name, help, unit, .. } in ALL_METRICS {
        let rest = name.strip_prefix("fluent_").unwrap_or_else(|| panic!("{name} is not ours"));
        assert!(rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        assert!(!help.is_empty() && !help.ends_with('.') && help.len() <= 110, "{name}: {help}");
        assert_eq!(name.ends_with("_total"), *kind == MetricKind::Counter, "{name}");
        let stem = name.trim_end_matches("_total");
        let unit = match unit {
            metrics::Unit::Seconds => "_seconds",
            metrics::Unit::Bytes => "_bytes",
            metrics::Unit::Count => "",
            other => panic!("{name} is not in a base unit: {other:?}"),
        };
        assert!(stem.ends_with(unit), "{name} does not end in {unit}");
        let is_timed = stem.ends_with("_seconds") || stem.ends_with("_bytes");
        assert!(is_timed != unit.is_empty(), "{name} has no unit");
    }
    let names: BTreeSet<_> = ALL_METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), ALL_METRICS.len(), "a name is there twice");
}

/// `rate()` does not see an increase from nothing to one, so that a series must not begin with its first event.
#[tokio::test]
async fn all_series_are_there_from_the_start_and_their_labels_have_few_values() {
    let server = TestServer::start_on(TestData::of_one().await, fluent_backend::clock::Clock::system(), |_| {}).await;
    let (rendered, before) = text(&server).await;
    for metric in ALL_METRICS {
        let series = before.of(metric);
        let is_conditional = CONDITIONAL.contains(&metric.name) || metric.name.starts_with("fluent_disk_");
        if series.is_empty() && (is_conditional || metric.name == "fluent_database_bytes") {
            continue;
        }
        assert!(!series.is_empty(), "{} has no series", metric.name);
        assert!(rendered.contains(&format!("# HELP {} ", metric.name)), "{} has no help", metric.name);
        for labels in series {
            let names: BTreeSet<&str> = labels.keys().map(String::as_str).collect();
            assert_eq!(names, metric.labels.iter().copied().collect(), "{}", metric.name);
            for (label, value) in labels {
                let known = values(metric, label);
                assert!(known.is_none_or(|known| known.contains(value.as_str())), "{}: {label}={value}", metric.name);
            }
        }
    }
    for name in before.0.keys().filter(|name| name.starts_with("fluent_")) {
        let known = ALL_METRICS.iter().any(|metric| {
            let ends: &[&str] =
                if metric.kind == MetricKind::Histogram { &["_bucket", "_sum", "_count"] } else { &[""] };
            ends.iter().any(|end| *name == format!("{}{end}", metric.name))
        });
        assert!(known, "{name} is in no list");
    }
    assert!(before.count() <= MAX_SERIES, "{} series", before.count());
    for process in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds"]
    {
        assert!(before.0.contains_key(process), "{process}");
    }

    // What a server does makes no new ones, whatever clients ask for.
    let alice = server.sign_up("alice").await;
    let mut socket = alice.connect().await;
    socket.send_message(alice.id, "r", "s").await;
    socket.next_message().await;
    socket.send_text("no JSON").await;
    socket.next_text().await;
    socket.close().await;
    for (method, path) in [("GET", "/nowhere"), ("BREW", "/auth/login"), ("OPTIONS", "/users/me"), ("HEAD", "/root")] {
        let method: Method = method.parse().unwrap();
        server.http().send(method, path, http::HeaderMap::new(), bytes::Bytes::new()).await;
    }
    let (_, after) = text(&server).await;
    let new = |name: &str, labels: &BTreeMap<String, String>| {
        name.starts_with("fluent_") && !before.0.get(name).is_some_and(|before| before.contains(labels))
    };
    for (name, series) in &after.0 {
        for labels in series.iter().filter(|labels| new(name, labels)) {
            assert!(name.contains("disk") || name.contains("bytes"), "new: {name} {labels:?}");
        }
    }
    server.stop().await;
}

#[test]
fn every_metric_is_in_the_documents() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations");
    let texts: String =
        std::fs::read_dir(docs).unwrap().map(|page| std::fs::read_to_string(page.unwrap().path()).unwrap()).collect();
    for Metric { name, labels, .. } in ALL_METRICS {
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        assert!(texts.contains(&format!("`{name}{labels}`")), "`{name}{labels}` is not described in docs/operations");
    }
    // And the documents name no others.
    let known: Vec<&str> = ALL_METRICS.iter().map(|metric| metric.name).collect();
    for (at, _) in texts.match_indices("`fluent_") {
        let name: String = texts[at + 1..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
        let is_known = known.contains(&name.as_str()) || name.ends_with('_') || name == "fluent_backend";
        assert!(is_known, "the documents name {name}, which there is not");
    }
}
