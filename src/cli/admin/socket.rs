//! `admin socket`: the open sockets of the running server.

use std::fmt::Write as _;

use serde_json::Value;

use super::Shown;
use super::api::Api;
use super::failure::Failure;
use super::table::{cell, table};
use super::units::{bytes, millis, span};

const PATH: &str = "/admin/api/sockets";
const COLUMNS: [(&str, &str); 8] = [
    ("SOCKET", "socket"),
    ("SESSION", "session"),
    ("DIALECT", "dialect"),
    ("MODE", "mode"),
    ("FRAMES", "queue_frames"),
    ("BYTES", "bytes"),
    ("STILL FOR", "still_for"),
    ("AGE", "age"),
];

#[derive(clap::Subcommand)]
pub(super) enum SocketCommand {
    /// List those with the most frames to be written, and the oldest; and how others were closed within the last hour.
    List,
    /// Close one: its client opens another. It keeps nobody out.
    Close {
        /// Its number, as `socket list` shows it.
        socket: u64,
    },
}

pub(super) async fn run(api: &mut Api, command: SocketCommand) -> Result<Shown, Failure> {
    match command {
        SocketCommand::List => {
            let json = api.get(PATH).await?;
            Ok(Shown { text: text(&json), json })
        }
        SocketCommand::Close { socket } => {
            let json = api.delete(&format!("{PATH}/{socket}")).await?;
            Ok(Shown { text: format!("socket {socket} is closed"), json })
        }
    }
}

fn text(list: &Value) -> String {
    let mut text = String::new();
    let each = |list: &Value| list.as_array().cloned().unwrap_or_default();
    // Writing to a text does not fail.
    let _ = writeln!(text, "{} are open", list["open"]);
    for kind in each(&list["kinds"]) {
        let _ = writeln!(text, "  {} {}: {}", cell(&kind["dialect"]), cell(&kind["mode"]), kind["open"]);
    }
    let codes: Vec<String> = each(&list["closed"]["codes"])
        .iter()
        .map(|code| format!("{} with {}", code["count"], cell(&code["code"])))
        .collect();
    let closed = if codes.is_empty() { "none".to_owned() } else { codes.join(", ") };
    let _ = writeln!(text, "closed since {}: {closed}", cell(&list["closed"]["from"]));
    for (title, name, empty) in
        [("longest queues", "worst_queues", "nothing waits to be written"), ("oldest", "oldest", "no socket is open")]
    {
        let rows: Vec<Value> = each(&list[name]).into_iter().map(row).collect();
        let _ = writeln!(text, "\n{title}\n{}", table(&rows.into(), &COLUMNS, empty).trim_end());
    }
    text
}

fn row(mut socket: Value) -> Value {
    socket["bytes"] = bytes(&socket["queue_bytes"]).into();
    socket["still_for"] = millis(&socket["oldest_ms"]).into();
    socket["age"] = span(&socket["age_s"]).into();
    socket
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sockets_are_told_by_kind_and_those_that_stand_out_are_listed() {
        let socket = json!({"socket": 7, "session": "1f", "dialect": "v1", "mode": "background", "queue_frames": 3,
            "queue_bytes": 2048, "oldest_ms": 512, "age_s": 61});
        let mut list = json!({"open": 1, "kinds": [{"dialect": "v1", "mode": "background", "open": 1}],
            "closed": {"from": "2026-11-28T06:00:00.000000Z", "codes": []}, "worst_queues": [], "oldest": [socket]});
        let shown = text(&list);
        for part in [
            "1 are open\n  v1 background: 1\nclosed since 2026-11-28T06:00:00Z: none\n",
            "longest queues\nnothing waits to be written\n",
            "7       1f       v1       background  3       2.0 KiB  512 ms     1 min 1 s",
        ] {
            assert!(shown.contains(part), "{part:?}: {shown}");
        }
        list["closed"]["codes"] = json!([{"code": "1013", "count": 2}, {"code": "1000", "count": 1}]);
        assert!(text(&list).contains("Z: 2 with 1013, 1 with 1000\n"));
    }
}
