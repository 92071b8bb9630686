//! `admin overview` and `admin actors`: the running server at a glance.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Shown;
use super::api::Api;
use super::failure::Failure;
use super::table::{cell, table};
use super::units::{bytes, decimal, millis, span};

pub(super) const OVERVIEW: &str = "/admin/api/overview";
pub(super) const ACTORS: &str = "/admin/api/actors";

/// Columns of a label.
const LABEL: usize = 12;
const COLUMNS: [(&str, &str); 8] = [
    ("ACTOR", "kind"),
    ("STATE", "state"),
    ("RESTARTS", "restarts"),
    ("HANDLED", "handled"),
    ("WAITING", "waiting"),
    ("OLDEST", "oldest"),
    ("BUSY", "busy"),
    ("LAST ERROR", "error"),
];

pub(super) async fn overview(api: &mut Api) -> Result<Shown, Failure> {
    let json = api.get(OVERVIEW).await?;
    Ok(Shown { text: overview_text(&json), json })
}

pub(super) async fn actors(api: &mut Api) -> Result<Shown, Failure> {
    let json = api.get(ACTORS).await?;
    Ok(Shown { text: actors_text(&json), json })
}

/// Returns an overview for people, a line each.
pub(super) fn overview_text(seen: &Value) -> String {
    let mut text = String::new();
    let mut line = |label: &str, words: String| {
        // Writing to a text does not fail.
        let _ = writeln!(text, "{label:<LABEL$}{words}");
    };
    let commit = seen["commit"].as_str().map(|commit| format!(" ({commit})")).unwrap_or_default();
    line(
        "server",
        format!("{}, {}{commit}, up {}", cell(&seen["node"]), cell(&seen["version"]), span(&seen["uptime_s"])),
    );
    line("state", if seen["ready"] == true { "ready" } else { "not ready" }.to_owned());
    for problem in each(&seen["problems"]) {
        line("  problem", format!("{}: {}", cell(&problem["name"]), cell(&problem["reason"])));
    }
    for warned in each(&seen["warnings"]) {
        line("  warning", format!("{}: {}", cell(&warned["name"]), cell(&warned["warning"])));
    }
    let sockets = &seen["sockets"];
    let kinds = ["legacy", "v1", "background"].map(|kind| sockets[kind].as_u64().unwrap_or_default());
    let [legacy, v1, background] = kinds;
    let all: u64 = kinds.iter().sum();
    line("sockets", format!("{all}: {legacy} legacy, {v1} v1, {background} background; {} users", seen["sessions"]));
    line("connections", format!("{} of {}", seen["connections"]["open"], seen["connections"]["limit"]));
    let (stored, refused) = (decimal(&seen["messages_per_s"]), decimal(&seen["refused_per_s"]));
    line("messages", format!("{stored} stored a second; {refused} requests refused by limiters a second"));
    line(
        "commits",
        format!("half within {}, 99 % within {}", millis(&seen["commit_p50_ms"]), millis(&seen["commit_p99_ms"])),
    );
    let mailboxes = seen["mailbox"].as_object();
    let waiting: u64 = mailboxes.into_iter().flatten().filter_map(|(_, mailbox)| mailbox["waiting"].as_u64()).sum();
    line("actors", format!("{waiting} messages wait; {} failures since the start", seen["restarts"]));
    let cores = seen["cpu_cores"].as_f64().map_or_else(|| "?".to_owned(), |cores| format!("{cores:.2}"));
    line("processors", format!("{cores} of {} busy", seen["cpus"]));
    line("memory", bytes(&seen["rss_bytes"]));
    line("files", format!("{} of {} open", cell(&seen["fds"]["open"]), cell(&seen["fds"]["limit"])));
    let hashing = &seen["passwords"];
    line(
        "passwords",
        format!("{} of {} threads busy, {} wait", hashing["busy"], hashing["threads"], hashing["waiting"]),
    );
    for disk in each(&seen["disks"]) {
        let (free, size) = (bytes(&disk["free_bytes"]), bytes(&disk["size_bytes"]));
        line(&format!("disk {}", cell(&disk["disk"])), format!("{free} of {size} free"));
    }
    let database = &seen["database"];
    let log = if database["wal_bytes"].is_null() {
        String::new()
    } else {
        format!(", log {}", bytes(&database["wal_bytes"]))
    };
    line("database", format!("{}, {}{log}", cell(&database["kind"]), bytes(&database["bytes"])));
    for (name, pool) in database["pool"].as_object().into_iter().flatten() {
        let waiting = pool["waiting"].as_u64().map(|waiting| format!(", {waiting} wait")).unwrap_or_default();
        line(&format!("  {name}"), format!("{} of {} connections busy{waiting}", pool["busy"], pool["max"]));
    }
    text
}

/// Returns the actors as a table.
pub(super) fn actors_text(tree: &Value) -> String {
    let root = &tree["root"];
    let mut rows = vec![row(root)];
    for child in each(&root["children"]) {
        rows.push(row(child));
        let sessions = &child["sessions"];
        if !sessions.is_null() {
            rows.push(json!({
                "kind": format!("{} sessions", sessions["actors"]), "restarts": sessions["restarts"],
                "handled": sessions["handled"], "waiting": sessions["waiting"],
                "oldest": millis(&sessions["oldest_wait_ms"]),
            }));
        }
    }
    table(&rows.into(), &COLUMNS, "")
}

fn row(actor: &Value) -> Value {
    let mut row = actor.clone();
    row["oldest"] = millis(&actor["oldest_wait_ms"]).into();
    row["busy"] = millis(&actor["busy_ms"]).into();
    row["error"] = actor["last_error"]["text"].clone();
    row
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overview_says_what_is_wrong_and_how_near_the_limits_are() {
        let seen = json!({
            "node": "a1", "version": "0.1.0", "commit": "abc", "uptime_s": 3661, "ready": false,
            "problems": [{"name": "persistence", "reason": "has worked on one message for 7.2 s"}],
            "warnings": [{"name": "push", "warning": "fcm is suspended"}],
            "sessions": 5, "sockets": {"legacy": 1, "v1": 2, "background": 3},
            "connections": {"open": 7, "limit": 20}, "messages_per_s": 212.04, "refused_per_s": 0.0,
            "commit_p50_ms": 1.28, "commit_p99_ms": null, "restarts": 1,
            "mailbox": {"registry": {"waiting": 2}, "session": {"waiting": 3}},
            "cpu_cores": 0.42, "cpus": 2, "rss_bytes": 104_857_600, "fds": {"open": 9, "limit": null},
            "passwords": {"threads": 2, "busy": 1, "waiting": 0},
            "disks": [{"disk": "store", "free_bytes": 1024, "size_bytes": 2048}],
            "database": {"kind": "sqlite", "bytes": 4096, "wal_bytes": 0,
                "pool": {"reads": {"size": 1, "max": 8, "busy": 1, "waiting": null}}},
        });
        let text = overview_text(&seen);
        for line in [
            "server      a1, 0.1.0 (abc), up 1 h 1 min",
            "state       not ready",
            "  problem   persistence: has worked on one message for 7.2 s",
            "  warning   push: fcm is suspended",
            "sockets     6: 1 legacy, 2 v1, 3 background; 5 users",
            "connections 7 of 20",
            "messages    212.0 stored a second; 0.0 requests refused by limiters a second",
            "commits     half within 1.3 ms, 99 % within -",
            "actors      5 messages wait; 1 failures since the start",
            "processors  0.42 of 2 busy",
            "memory      100.0 MiB",
            "files       9 of - open",
            "disk store  1.0 KiB of 2.0 KiB free",
            "database    sqlite, 4.0 KiB, log 0 B",
            "  reads     1 of 8 connections busy",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line:?}: {text}");
        }
    }

    #[test]
    fn actors_are_a_table_with_the_sessions_below_their_registry() {
        let actor = |kind: &str, state: &str| {
            json!({
                "kind": kind, "state": state, "restarts": 0, "handled": 12, "waiting": 1, "oldest_wait_ms": 2,
                "busy_ms": 7200, "last_error": {"text": "disk full", "at": "now"},
            })
        };
        let mut root = actor("root", "running");
        let mut registry = actor("registry", "stuck");
        registry["sessions"] = json!({"actors": 3, "restarts": 4, "handled": 5, "waiting": 6, "oldest_wait_ms": 7});
        root["children"] = json!([registry, actor("janitor", "running")]);
        let text = actors_text(&json!({"root": root}));
        let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[2], ["registry", "stuck", "0", "12", "1", "2", "ms", "7.2", "s", "disk", "full"]);
        assert_eq!(words[3], ["3", "sessions", "-", "4", "5", "6", "7", "ms", "-", "-"]);
        assert_eq!((words.len(), words[4][0]), (5, "janitor"));
    }
}
