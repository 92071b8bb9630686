//! The files of several nodes in `deploy`. haproxy and nginx run with theirs in other tests; Docker, Compose and Helm
//! are not run: what their files name must be there.

use std::process::Command;

use super::markdown::read;
use crate::support::front::{certificate, deployed, replaced};
use crate::support::installed::installed;

#[test]
fn nats_server_takes_its_configuration() {
    let Some(program) = installed("nats-server") else { return };
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate();
    std::fs::write(dir.path().join("nats.crt"), certificate).unwrap();
    std::fs::write(dir.path().join("nats.key"), key).unwrap();
    let path = dir.path().join("nats.conf");
    let text = replaced(&deployed("nats.conf"), "/etc/nats/tls/", &format!("{}/", dir.path().display()));
    std::fs::write(&path, text).unwrap();
    let mut command = Command::new(program);
    command.args(["-t", "-c"]).arg(path).env("FLUENT_NATS_PASSWORD", "f81d4fae7dec");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("is valid"), "{said}");
    // Without one it does not start, rather than let everybody in.
    let output = command.env_remove("FLUENT_NATS_PASSWORD").output().unwrap();
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// All texts that start the server with settings in the environment.
const STARTS: [&str; 3] = ["Dockerfile", "compose.yml", "helm/fluent/templates/deployment.yaml"];
const TEMPLATES: [&str; 5] = ["deployment.yaml", "hpa.yaml", "networkpolicy.yaml", "pdb.yaml", "service.yaml"];

/// The characters of names, from the beginning of a text.
fn name(text: &str, is_part: impl Fn(char) -> bool) -> &str {
    text.split(|c| !is_part(c)).next().unwrap()
}

/// A variable of another name would be ignored or refused at the start.
#[test]
fn the_variables_of_the_deployed_files_are_settings() {
    let defaults: toml::Table = read("config/default.toml").parse().unwrap();
    let mut seen = 0;
    for file in STARTS {
        let text = deployed(file);
        for (at, prefix) in text.match_indices("FLUENT__") {
            let variable = name(&text[at + prefix.len()..], |c| c.is_ascii_uppercase() || c == '_');
            let (section, key) = variable.split_once("__").unwrap();
            let setting = defaults[&section.to_lowercase()].get(key.to_lowercase());
            assert!(setting.is_some(), "{file}: there is no setting {section}.{key}");
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} settings are found");
}

#[test]
fn the_values_of_the_chart_are_there() {
    let values = deployed("helm/fluent/values.yaml");
    for file in TEMPLATES {
        let text = deployed(&format!("helm/fluent/templates/{file}"));
        assert_eq!(text.matches("{{").count(), text.matches("}}").count(), "{file}");
        for (at, prefix) in text.match_indices(".Values.") {
            let path = name(&text[at + prefix.len()..], |c| c.is_ascii_alphanumeric() || c == '.');
            let mut rest = values.as_str();
            for (depth, key) in path.split('.').enumerate() {
                let line = format!("\n{}{key}:", "  ".repeat(depth));
                let there = rest.find(&line);
                rest = &rest[there.unwrap_or_else(|| panic!("{file}: values.yaml has no {path}"))..];
            }
        }
    }
}

/// The numbers that the documents explain.
#[test]
fn the_chart_lets_a_node_leave_in_order() {
    let deployment = deployed("helm/fluent/templates/deployment.yaml");
    for line in [
        "terminationGracePeriodSeconds: {{ add .Values.drainWindowSeconds 30 }}",
        "preStop: { exec: { command: [\"sleep\", \"5\"] } }",
        "minReadySeconds: 10",
        "maxUnavailable: 0",
        "maxSurge: 1",
        "httpGet: { path: /readyz, port: clients }",
    ] {
        assert!(deployment.lines().any(|there| there.trim() == line), "{line}");
    }
    let autoscaler = deployed("helm/fluent/templates/hpa.yaml");
    assert!(autoscaler.contains("metric: { name: fluent_sockets }") && !autoscaler.contains("cpu"), "{autoscaler}");
}
