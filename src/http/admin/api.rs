//! The admin API: what operators read and change, on the local interface, and on the operators' listener with a token.

mod address_rules;
mod audit;
mod database;
#[cfg(feature = "testing")]
mod faults;
mod invites;
mod keys;
mod limiters;
mod limits;
mod links;
mod log;
mod media;
mod openapi;
mod probe;
mod process;
mod push;
mod registration;
mod reports;
mod tokens;
mod user_sessions;
mod users;

use std::sync::LazyLock;
use std::time::Duration;

use super::{events, monitor};
use crate::http::operator_access::asks_to_reveal;
pub(super) use crate::http::operator_access::operator;
use crate::http::route::{BodyLimits, Route, route};
use crate::service::TEST_TIMEOUT;
pub(super) use links::sign_in;

/// Entries of a page when the request names no number.
const PAGE: u64 = 50;
/// Longest time for comparing all files with their rows.
const RECONCILE_TIMEOUT: Duration = Duration::from_hours(24);
/// Most entries of a page.
const MAX_PAGE: u64 = 200;

/// All endpoints of the admin API.
pub(super) static ENDPOINTS: LazyLock<Vec<Route>> = LazyLock::new(endpoints);

/// Returns all endpoints of the admin API.
pub(super) fn endpoints() -> Vec<Route> {
    let endpoints = vec![
        route!(operator GET "/admin/api/overview" monitor::overview),
        route!(operator GET "/admin/api/actors" monitor::actors),
        route!(operator GET "/admin/api/events" events::follow),
        route!(operator GET "/admin/api/sockets" monitor::sockets),
        route!(operator DELETE "/admin/api/sockets/{id}" monitor::close_socket),
        route!(operator GET "/admin/api/registration" registration::show),
        route!(operator PUT "/admin/api/registration" registration::switch, reads: BodyLimits::USERS),
        route!(operator GET "/admin/api/invites" invites::list),
        route!(operator POST "/admin/api/invites" invites::create, reads: BodyLimits::USERS),
        route!(operator DELETE "/admin/api/invites/{id}" invites::revoke),
        route!(operator GET "/admin/api/address_rules" address_rules::list),
        route!(operator POST "/admin/api/address_rules" address_rules::create, reads: BodyLimits::USERS),
        route!(operator DELETE "/admin/api/address_rules" address_rules::remove_named),
        route!(operator DELETE "/admin/api/address_rules/{id}" address_rules::remove),
        route!(operator GET "/admin/api/address_rules/check" address_rules::check),
        route!(operator GET "/admin/api/audit" audit::list),
        route!(operator GET "/admin/api/database/slow" database::slow),
        route!(operator GET "/admin/api/users" users::list),
        route!(operator GET "/admin/api/users/{id}" users::show),
        route!(operator PATCH "/admin/api/users/{id}" users::change, reads: BodyLimits::USERS),
        route!(operator DELETE "/admin/api/users/{id}" users::delete),
        route!(operator POST "/admin/api/users/{id}/reset_password" users::reset_password),
        route!(operator POST "/admin/api/users/{id}/reset_second_factor" users::reset_second_factor),
        route!(operator GET "/admin/api/users/{id}/sessions" user_sessions::list),
        route!(operator DELETE "/admin/api/users/{id}/sessions" user_sessions::end_all),
        route!(operator DELETE "/admin/api/users/{id}/sessions/{sid}" user_sessions::end),
        route!(operator GET "/admin/api/reports" reports::list),
        route!(operator GET "/admin/api/reports/{id}" reports::reveal, reveals: true),
        route!(operator PATCH "/admin/api/reports/{id}" reports::decide, reads: BodyLimits::USERS),
        route!(operator GET "/admin/api/tokens" tokens::list),
        route!(operator POST "/admin/api/tokens" tokens::create, reads: BodyLimits::USERS),
        route!(operator DELETE "/admin/api/tokens/{id}" tokens::revoke),
        route!(operator POST "/admin/api/keys" keys::rotate),
        route!(operator DELETE "/admin/api/keys/{kid}" keys::revoke),
        route!(operator GET "/admin/api/database/tables" database::tables),
        route!(operator GET "/admin/api/log" log::show),
        route!(operator PUT "/admin/api/log" log::switch, reads: BodyLimits::USERS),
        route!(operator GET "/admin/api/log/lines" log::lines),
        route!(operator POST "/admin/api/drain" process::drain, reads: BodyLimits::USERS),
        route!(operator POST "/admin/api/reload" process::reload),
        route!(operator POST "/admin/api/probe" probe::begin),
        route!(operator POST "/admin/api/links" links::create, reads: BodyLimits::USERS),
        route!(operator GET "/admin/api/config" process::settings),
        route!(operator GET "/admin/api/openapi.json" openapi::show),
        route!(operator GET "/admin/api/media" media::status),
        route!(operator POST "/admin/api/media/reconcile" media::reconcile, reads: BodyLimits::USERS,
            timeout: Some(RECONCILE_TIMEOUT)),
        route!(operator GET "/admin/api/push/status" push::status),
        route!(operator GET "/admin/api/push/trace/{id}" push::trace),
        route!(operator POST "/admin/api/push/targets/{user}/{device}/test" push::test, timeout: Some(TEST_TIMEOUT)),
        route!(operator GET "/admin/api/limiters" limiters::list),
        route!(operator DELETE "/admin/api/limiters/{name}" limiters::refill),
        route!(operator GET "/admin/api/users/{id}/limits" limits::of_user),
        route!(operator PUT "/admin/api/users/{id}/limits" limits::set, reads: BodyLimits::USERS),
    ];
    endpoints.into_iter().chain(for_tests()).collect()
}

/// Returns the endpoint by which tests inflict faults.
#[cfg(feature = "testing")]
fn for_tests() -> Vec<Route> {
    vec![route!(operator POST "/admin/api/faults" faults::inflict, reads: BodyLimits::USERS)]
}

/// Returns nothing: a released server has no endpoint for tests.
#[cfg(not(feature = "testing"))]
fn for_tests() -> Vec<Route> {
    Vec::new()
}
