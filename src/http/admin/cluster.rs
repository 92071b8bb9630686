//! The servers that use the database.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;

use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::Request;
use crate::http::respond::{Response, json};

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

/// The servers that were seen lately, each as it has last described itself.
pub(in crate::http) async fn cluster(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let history =
        app.storage.known_history().ok_or(ApiError::NotFound("only PostgreSQL is used by several servers"))?;
    let nodes = app.storage.nodes().await?;
    let dead_after_ms = i64::try_from(app.config.cluster.dead_after().as_millis()).unwrap_or(i64::MAX);
    let told = app.health.told().0;
    let level = nodes.first().map_or(0, |node| node.agreed_level);
    let nodes = nodes.into_iter().filter(|node| node.is_self || node.seen_ms_ago < dead_after_ms).map(|node| Node {
        boot: format!("{:016x}", node.boot),
        label: node.label,
        version: node.version,
        level: node.level,
        is_self: node.is_self,
        told: if node.is_self { told } else { node.told.0 },
        sockets: if node.is_self { i64::try_from(app.sockets.count()).unwrap_or(i64::MAX) } else { node.sockets },
        relay: node.is_self.then(|| if app.health.relay_is_up() { "nats" } else { "polling" }),
        store_ok: node.is_self.then(|| app.health.storage_works()),
        leaving_until: node.leaving_until.map(|until| until.to_string()),
        seen_ms_ago: node.seen_ms_ago,
        hold_p99_ms: None,
    });
    let nodes = nodes.collect();
    Ok(json(StatusCode::OK, &Cluster { epoch: history.epoch.as_str().to_owned(), told, level, nodes }))
}
