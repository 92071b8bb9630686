//! The alerts and the dashboard: they name metrics that there are, the dashboard shows all of them, and each alert has
//! its entry for whoever it wakes. `tests/prometheus/run` tries the rules.

use std::collections::BTreeSet;
use std::path::Path;

use fluent_backend::telemetry::{ALL_METRICS, MetricKind};
use serde_json::Value;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The names that begin with `prefix` in a text.
fn names<'a>(text: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c: char| !in_word(c)).filter(|word| word.starts_with(prefix));
    words.collect()
}

/// The names of the series of all metrics.
fn series() -> BTreeSet<String> {
    let series = ALL_METRICS.iter().flat_map(|metric| {
        let ends: &[&str] = if metric.kind == MetricKind::Histogram { &["_bucket", "_sum", "_count"] } else { &[] };
        ends.iter().map(|end| format!("{}{end}", metric.name)).chain([metric.name.to_owned()])
    });
    series.collect()
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let text = read("deploy/grafana/fluent.json");
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let queries: Vec<&str> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    for metric in ALL_METRICS {
        let is_shown = queries.iter().any(|query| {
            let shown = names(query, "fluent_");
            shown.iter().any(|name| *name == metric.name || name.strip_suffix("_bucket") == Some(metric.name))
        });
        assert!(is_shown, "{} is not in the dashboard", metric.name);
    }
    let known = series();
    for query in &queries {
        for name in names(query, "fluent_") {
            assert!(known.contains(name), "the dashboard asks for {name}, which there is not");
        }
    }
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have the same id");
}

#[test]
fn every_alert_is_about_known_metrics_tried_and_explained() {
    let (rules, tests) = (read("deploy/prometheus/alerts.yml"), read("deploy/prometheus/alerts_test.yml"));
    let page = read("docs/operations/alerts.md");
    let known = series();
    for name in names(&rules, "fluent_").union(&names(&tests, "fluent_")) {
        assert!(known.contains(*name), "an alert is about {name}, which there is not");
    }
    let of = |text: &str, prefix: &str| -> BTreeSet<String> {
        text.lines().filter_map(|line| line.trim().strip_prefix(prefix)).map(|name| name.trim().to_owned()).collect()
    };
    let alerts = of(&rules, "- alert:");
    assert!(alerts.len() >= 16 && alerts.iter().all(|alert| alert.starts_with("Fluent")), "{alerts:?}");
    assert_eq!(of(&tests, "- alertname:"), alerts, "each alert is tried");
    assert_eq!(of(&page, "##"), alerts, "each alert is explained");
    for alert in alerts {
        let runbook = format!("runbook: docs/operations/alerts.md#{}\n", alert.to_lowercase());
        assert!(rules.contains(&runbook), "{alert} does not name its entry");
    }
}
