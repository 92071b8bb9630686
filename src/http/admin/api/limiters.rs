//! Limiters: their numbers, what they have refused, the keys that they refuse most often, and filling a bucket.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::limits::Numbers;
use super::operator;
use crate::domain::{Limiter, LimiterKind};
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, path_parameter, query};
use crate::http::respond::{Response, json, no_content};
use crate::limits::WorstKey;
use crate::telemetry::metrics;

#[derive(Deserialize)]
struct Which {
    key: Option<String>,
}

#[derive(Serialize)]
struct Worst {
    /// A network, an id, or the hash of a name.
    key: String,
    count: u64,
    /// By how much the count may be too high.
    error: u64,
    /// Milliseconds until it has a token again; 0 when it has one.
    next_token_ms: u64,
}

#[derive(Serialize)]
struct Shown {
    limiter: &'static str,
    /// What a refusal says.
    text: &'static str,
    /// What its buckets are kept by.
    counts_by: &'static str,
    /// `None` when it is off, or a cap without buckets.
    numbers: Option<Numbers>,
    refused: u64,
    delayed: u64,
    overflowed: u64,
    worst: Vec<Worst>,
}

#[derive(Serialize)]
struct List {
    /// Buckets that are not full, of all limiters together.
    keys: usize,
    max_keys: usize,
    limiters: Vec<Shown>,
}

/// All limiters of this server: what has happened at each since the start, and the keys that were refused or made to
/// wait most often.
pub(super) async fn list(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let (keys, max_keys) = app.limiters.room();
    let limiters = Limiter::ALL.iter().map(|limiter| shown(&app, *limiter)).collect();
    Ok(json(StatusCode::OK, &List { keys, max_keys, limiters }))
}

fn shown(app: &App, limiter: Limiter) -> Shown {
    let counts = metrics().limiters.counts(limiter);
    let worst = |worst: WorstKey| Worst {
        key: worst.key.to_string(),
        count: worst.count,
        error: worst.error,
        next_token_ms: u64::try_from(app.limiters.wait(limiter, worst.key).as_nanos().div_ceil(1_000_000))
            .unwrap_or(u64::MAX),
    };
    Shown {
        limiter: limiter.setting(),
        text: limiter.text(),
        counts_by: kind(limiter.kind()),
        numbers: app.config.limit(limiter).map(Numbers::from),
        refused: counts.refused,
        delayed: counts.delayed,
        overflowed: counts.overflowed,
        worst: app.limiters.worst(limiter).into_iter().map(worst).collect(),
    }
}

fn kind(kind: LimiterKind) -> &'static str {
    match kind {
        LimiterKind::Class => "class",
        LimiterKind::User => "user",
        LimiterKind::Pair => "pair",
        LimiterKind::Name => "name",
        LimiterKind::Known => "known",
        LimiterKind::Login => "login",
        LimiterKind::Socket => "socket",
        LimiterKind::Server => "server",
    }
}

/// Fills the buckets that `key` names.
pub(super) async fn refill(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let Which { key } = query(&request)?;
    let named = path_parameter(&request, "name").unwrap_or_default();
    let limiter = Limiter::ALL.iter().copied().find(|limiter| limiter.setting() == named);
    let limiter = limiter.ok_or(ApiError::NotFound("there is no such limiter"))?;
    let key = key.ok_or_else(|| ApiError::Invalid("key is missing".to_owned()))?;
    app.service.refill(limiter, &key, operator(&request)).await?;
    Ok(no_content())
}
