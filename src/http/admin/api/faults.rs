//! Faults that drills inflict on the actors of a server that was built with the feature `testing`. No released server
//! has this route.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::actors::Fault;
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, json_body};
use crate::http::respond::{Response, no_content};
use crate::telemetry::ActorKind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    actor: String,
    fault: Kind,
    /// By how much a message of a slow actor takes longer.
    #[serde(default)]
    ms: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    None,
    Panics,
    Wedged,
    Slow,
}

/// Inflicts a fault on the actors of a kind, or heals them.
pub(super) async fn inflict(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let Wanted { actor, fault, ms } = json_body(request, "an object with actor, fault and perhaps ms").await?;
    let known = ActorKind::ALL.iter().copied().find(|kind| kind.as_str() == actor);
    let kind = known.ok_or(ApiError::NotFound("there is no such actor"))?;
    app.health.inflict(
        kind,
        match fault {
            Kind::None => Fault::None,
            Kind::Panics => Fault::Panics,
            Kind::Wedged => Fault::Wedged,
            Kind::Slow => Fault::Slow(Duration::from_millis(ms)),
        },
    );
    Ok(no_content())
}
