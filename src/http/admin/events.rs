//! The server as it works, as a stream of events (`text/event-stream`, WHATWG HTML §9.2).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::unfold;
use http::{HeaderName, HeaderValue, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde::{Deserialize, Serialize};

use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, query};
use crate::http::respond::{Body, Response, typed};
use crate::protocol::{ErrorCode, FrameError};
use crate::service::{LiveEvent, NotFollowed};

/// Milliseconds between two ticks when the request names none.
const EVERY_MS: u64 = 1000;
/// The bounds of that.
const BOUNDS_MS: std::ops::RangeInclusive<u64> = 250..=10_000;
/// The milliseconds after which a browser connects again.
const RETRY: &str = "retry: 2000\n";
/// Makes nginx pass on each event as it comes.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

#[derive(Deserialize)]
struct Wanted {
    every_ms: Option<String>,
}

#[derive(Serialize)]
struct Bye {
    reason: &'static str,
}

/// Everything at once, then what is new, until the server stops.
pub(super) async fn follow(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let wanted: Wanted = query(&request)?;
    let every = every(wanted.every_ms.as_deref())?;
    let reader = app.monitor.follow(every).map_err(|refused| {
        let why = match refused {
            NotFollowed::TooMany => "as many readers follow the server as may; close one of them",
            NotFollowed::Draining => "the server is stopping",
        };
        FrameError::new(ErrorCode::Unavailable, why)
    })?;
    let events = unfold(reader, async |mut reader| {
        let told = reader.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(event(&told)))), reader))
    });
    let mut response = typed(StatusCode::OK, "text/event-stream", Bytes::new());
    *response.body_mut() = Body::stream(StreamBody::new(events));
    response.headers_mut().insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

/// Reads the time between two ticks.
fn every(text: Option<&str>) -> Result<Duration, ApiError> {
    let millis = text.map_or(Some(EVERY_MS), |text| text.parse().ok()).filter(|millis| BOUNDS_MS.contains(millis));
    millis.map(Duration::from_millis).ok_or_else(|| ApiError::Invalid("every_ms must be 250 to 10000".to_owned()))
}

/// Writes an event.
fn event(event: &LiveEvent) -> String {
    match event {
        LiveEvent::Snapshot(snapshot) => format!("{RETRY}{}", written("snapshot", None, snapshot)),
        LiveEvent::Tick(second, tick) => written("tick", Some(*second), tick),
        LiveEvent::Notice(notice) => written("notice", None, notice),
        LiveEvent::KeepAlive => ": keep-alive\n\n".to_owned(),
        LiveEvent::Bye => written("bye", None, &Bye { reason: "draining" }),
    }
}

fn written(name: &str, id: Option<u64>, data: &impl Serialize) -> String {
    // As in `json`: nothing in it can fail to serialise, and JSON is one line.
    let data = serde_json::to_string(data).unwrap_or_default();
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("event: {name}\n{id}data: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_between_ticks_has_bounds() {
        assert_eq!(every(None).unwrap(), Duration::from_secs(1));
        assert_eq!(every(Some("250")).unwrap(), Duration::from_millis(250));
        for wrong in ["", "249", "10001", "-1", "1.5", "x", "99999999999999999999"] {
            assert!(every(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_event_is_written_in_lines_that_end_with_an_empty_one() {
        assert_eq!(event(&LiveEvent::Bye), "event: bye\ndata: {\"reason\":\"draining\"}\n\n");
        assert_eq!(written("tick", Some(7), &["a\nb"]), "event: tick\nid: 7\ndata: [\"a\\nb\"]\n\n");
    }
}
