//! The servers that use the database.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

use crate::actors::Described;
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::Request;
use crate::http::respond::{Response, json};
use crate::protocol::record::LEVEL;
use crate::storage;
use crate::version::VERSION;

/// A server that has said nothing by NATS for so long does not reach it: two words of it are missing.
const SILENT: Duration = Duration::from_secs(5);

/// Longest wait for what the database says of the servers: whoever asks may want to know why it says nothing.
const READ_FOR: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Cluster {
    epoch: String,
    /// The number up to which this server has announced everything.
    told: i64,
    /// What all servers can read.
    level: i32,
    nodes: Vec<Node>,
}

/// A server. What this one cannot know of another is `null`.
#[derive(Serialize)]
struct Node {
    /// 16 hexadecimal digits.
    boot: String,
    label: String,
    version: String,
    level: i32,
    #[serde(rename = "self")]
    is_self: bool,
    told: i64,
    sockets: i64,
    relay: Option<&'static str>,
    store_ok: Option<bool>,
    leaving_until: Option<String>,
    seen_ms_ago: i64,
    hold_p99_ms: Option<f64>,
}

/// The servers that were seen lately, each as it has last described itself. While the database is away: this one, and
/// those of which it hears.
pub(in crate::http) async fn cluster(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let history =
        app.storage.known_history().ok_or(ApiError::NotFound("only PostgreSQL is used by several servers"))?;
    let read = tokio::time::timeout(READ_FOR, app.storage.nodes()).await;
    let rows = read.unwrap_or(Ok(Vec::new())).unwrap_or_default();
    let level = app.storage.agreed_level();
    let dead_after_ms = i64::try_from(app.config.cluster.dead_after().as_millis()).unwrap_or(i64::MAX);
    let mut others = app.others.described();
    let mut nodes: Vec<Node> = Vec::with_capacity(rows.len());
    for row in rows {
        let said = others.iter().position(|other| other.boot == row.boot).map(|at| others.swap_remove(at));
        nodes.push(Node::of(&app, row, said));
    }
    if !nodes.iter().any(|node| node.is_self) {
        nodes.push(Node::own(&app));
    }
    // Those whose row could not be renewed.
    nodes.extend(others.into_iter().map(Node::heard));
    nodes.retain(|node| node.is_self || node.seen_ms_ago < dead_after_ms);
    nodes.sort_by(|one, other| (&one.label, &one.boot).cmp(&(&other.label, &other.boot)));
    let (epoch, told) = (history.epoch.as_str().to_owned(), app.health.told().0);
    Ok(json(StatusCode::OK, &Cluster { epoch, told, level, nodes }))
}

impl Node {
    /// Describes a server that has a row in the database, and what it has said by NATS.
    fn of(app: &App, row: storage::Node, said: Option<Described>) -> Self {
        if row.is_self {
            let leaving_until = row.leaving_until.map(|until| until.to_string());
            return Self { leaving_until, seen_ms_ago: row.seen_ms_ago, ..Self::own(app) };
        }
        match said.map(Self::heard) {
            Some(heard) if heard.seen_ms_ago <= row.seen_ms_ago => heard,
            // It writes its row, and its words do not come.
            Some(heard) if heard.relay == Some("polling") => Self {
                relay: heard.relay,
                hold_p99_ms: heard.hold_p99_ms,
                store_ok: heard.store_ok,
                ..Self::written(row)
            },
            Some(heard) => Self { seen_ms_ago: row.seen_ms_ago, ..heard },
            None => Self::written(row),
        }
    }

    /// Describes this server by what it knows of itself.
    fn own(app: &App) -> Self {
        Self {
            boot: format!("{:016x}", app.storage.boot()),
            label: app.config.cluster.name(),
            version: VERSION.to_owned(),
            level: LEVEL,
            is_self: true,
            told: app.health.told().0,
            sockets: signed(app.sockets.count() as u64),
            relay: Some(if app.health.relay_is_up() { "nats" } else { "polling" }),
            store_ok: Some(app.health.can_write(&app.storage)),
            leaving_until: None,
            seen_ms_ago: 0,
            hold_p99_ms: app.storage.hold_p99().map(|held| held.as_secs_f64() * 1000.0),
        }
    }

    /// Describes a server by its row in the database.
    fn written(row: storage::Node) -> Self {
        Self {
            boot: format!("{:016x}", row.boot),
            label: row.label,
            version: row.version,
            level: row.level,
            is_self: row.is_self,
            told: row.told.0,
            sockets: row.sockets,
            relay: None,
            store_ok: None,
            leaving_until: row.leaving_until.map(|until| until.to_string()),
            seen_ms_ago: row.seen_ms_ago,
            hold_p99_ms: None,
        }
    }

    /// Describes a server by what it has said by NATS.
    fn heard(Described { boot, here, silent_for }: Described) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "far less than 2^52")]
        let hold_p99_ms = here.hold_p99_us.map(|micros| micros as f64 / 1000.0);
        Self {
            boot: format!("{boot:016x}"),
            label: here.label,
            version: here.version,
            level: here.level,
            is_self: false,
            told: here.told,
            sockets: signed(here.sockets),
            relay: Some(if silent_for < SILENT { "nats" } else { "polling" }),
            store_ok: Some(here.store_ok),
            leaving_until: here.leaving_until.map(|until| until.to_string()),
            seen_ms_ago: i64::try_from(silent_for.as_millis()).unwrap_or(i64::MAX),
            hold_p99_ms,
        }
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
