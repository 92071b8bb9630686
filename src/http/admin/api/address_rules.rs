//! Which networks may come in.

use std::net::IpAddr;
use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{MAX_PAGE, PAGE, operator};
use crate::domain::{
    AddressRule, ClientAddress, MAX_RULE_REASON, Network, NewAddressRule, RuleAction, RuleScope, WhichRules,
};
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, client_address, json_body, limit, number, path_parameter, query};
use crate::http::respond::{Response, json, no_content};

/// The longest life of a rule that ends, in seconds: ten years.
const MAX_FOR_S: i64 = 10 * 366 * 24 * 3600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    cidr: String,
    action: RuleAction,
    #[serde(default = "all")]
    scope: RuleScope,
    #[serde(default)]
    for_s: Option<i64>,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    force: bool,
}

fn all() -> RuleScope {
    RuleScope::All
}

#[derive(Deserialize)]
struct Page {
    after: Option<String>,
    limit: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    cidr: Option<String>,
    scope: Option<String>,
}

#[derive(Deserialize)]
struct Asked {
    address: Option<String>,
}

#[derive(Serialize)]
struct List {
    rules: Vec<AddressRule>,
}

/// The rules that decide about an address; `null` where none does.
#[derive(Serialize)]
struct Decisions {
    /// About requests with a valid credential, those that need none, and open sockets.
    all: Option<AddressRule>,
    /// About what comes without a valid credential.
    auth: Option<AddressRule>,
}

fn network(text: &str) -> Result<Network, ApiError> {
    text.parse().map_err(|error| ApiError::Invalid(format!("cidr: {error}")))
}

/// Rules in the order of their ids; `after` is the last id of the page before.
pub(super) async fn list(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let page: Page = query(&request)?;
    let after = number("after", page.after.as_deref())?.unwrap_or(0);
    let limit = limit(page.limit.as_deref(), PAGE, MAX_PAGE)?;
    Ok(json(StatusCode::OK, &List { rules: app.service.address_rules(after, limit).await? }))
}

/// Makes a rule, which replaces the one for the same network and scope.
pub(super) async fn create(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let (by, asking) = (operator(&request), client_address(&request));
    let expected = "an object with cidr, action, and perhaps scope, for_s, reason and force";
    let Create { cidr, action, scope, for_s, reason, force } = json_body(request, expected).await?;
    if for_s.is_some_and(|seconds| !(1..=MAX_FOR_S).contains(&seconds)) {
        return Err(ApiError::Invalid(format!("for_s: must be 1 to {MAX_FOR_S}")));
    }
    if reason.chars().count() > MAX_RULE_REASON {
        return Err(ApiError::Invalid(format!("reason: must have at most {MAX_RULE_REASON} characters")));
    }
    let expires_at = for_s.map(|seconds| app.clock.now().plus_secs(seconds));
    let new = NewAddressRule { network: network(&cidr)?, action, scope, reason, expires_at };
    let rule = app.service.set_address_rule(new, asking, force, by).await?;
    Ok(json(StatusCode::CREATED, &rule))
}

/// Removes a rule.
pub(super) async fn remove(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let by = operator(&request);
    let id = path_parameter(&request, "id").and_then(|text| text.parse().ok());
    let id = id.ok_or(ApiError::NotFound("there is no such rule"))?;
    app.service.remove_address_rules(WhichRules::Id(id), by).await?;
    Ok(no_content())
}

/// Removes the rules for the network `cidr`: of the `scope`, or of both.
pub(super) async fn remove_named(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let by = operator(&request);
    let Named { cidr, scope } = query(&request)?;
    let cidr = cidr.ok_or_else(|| ApiError::Invalid("cidr is missing".to_owned()))?;
    let scope = match scope {
        Some(text) => {
            Some(RuleScope::parse(&text).ok_or_else(|| ApiError::Invalid("scope must be all or auth".to_owned()))?)
        }
        None => None,
    };
    app.service.remove_address_rules(WhichRules::Network { network: network(&cidr)?, scope }, by).await?;
    Ok(no_content())
}

/// The rules that would decide about the `address`.
pub(super) async fn check(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let Asked { address } = query(&request)?;
    let address = address.as_deref().and_then(|text| text.parse::<IpAddr>().ok());
    let address = address.ok_or_else(|| ApiError::Invalid("address must be an IP address".to_owned()))?;
    let client = ClientAddress::from(address);
    let all = app.service.deciding_address_rule(client, RuleScope::All).await?;
    let auth = app.service.deciding_address_rule(client, RuleScope::Auth).await?;
    Ok(json(StatusCode::OK, &Decisions { all, auth }))
}
