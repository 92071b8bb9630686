//! Tokens of operators: who may use which part of the admin API, over the operators' listener.

use std::collections::BTreeSet;

use bytes::Bytes;
use fluent_backend::clock::Clock;
use fluent_backend::http::operator_routes;
use fluent_backend::testing::{Answer, Http, TestServer};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::support::local::Operator;

/// Which scope each route of the admin API needs.
const NEEDED: &[(&str, &str)] = &[
    ("GET /admin/api/overview", "read"),
    ("GET /admin/api/actors", "read"),
    ("GET /admin/api/events", "read"),
    ("GET /admin/api/sockets", "read"),
    ("DELETE /admin/api/sockets/{id}", "write"),
    ("GET /admin/api/registration", "read"),
    ("PUT /admin/api/registration", "write"),
    ("GET /admin/api/invites", "read"),
    ("POST /admin/api/invites", "write"),
    ("DELETE /admin/api/invites/{id}", "write"),
    ("GET /admin/api/address_rules", "read"),
    ("POST /admin/api/address_rules", "write"),
    ("DELETE /admin/api/address_rules", "write"),
    ("DELETE /admin/api/address_rules/{id}", "write"),
    ("GET /admin/api/address_rules/check", "read"),
    ("GET /admin/api/audit", "read"),
    ("GET /admin/api/database/slow", "read"),
    ("GET /admin/api/users", "read"),
    ("GET /admin/api/users/{id}", "read"),
    ("PATCH /admin/api/users/{id}", "write"),
    ("DELETE /admin/api/users/{id}", "write"),
    ("POST /admin/api/users/{id}/reset_password", "write"),
    ("POST /admin/api/users/{id}/reset_second_factor", "write"),
    ("GET /admin/api/users/{id}/sessions", "read"),
    ("DELETE /admin/api/users/{id}/sessions", "write"),
    ("DELETE /admin/api/users/{id}/sessions/{sid}", "write"),
    ("GET /admin/api/reports", "read"),
    ("GET /admin/api/reports/{id}", "write"),
    ("PATCH /admin/api/reports/{id}", "write"),
    ("GET /admin/api/tokens", "read"),
    ("POST /admin/api/tokens", "write"),
    ("DELETE /admin/api/tokens/{id}", "write"),
    ("POST /admin/api/keys", "write"),
    ("DELETE /admin/api/keys/{kid}", "write"),
    ("GET /admin/api/database/tables", "read"),
    ("GET /admin/api/log", "read"),
    ("PUT /admin/api/log", "write"),
    ("GET /admin/api/log/lines", "read"),
    ("POST /admin/api/drain", "write"),
    ("POST /admin/api/reload", "write"),
    ("POST /admin/api/probe", "write"),
    ("POST /admin/api/links", "write"),
    ("GET /admin/api/config", "read"),
    ("GET /admin/api/openapi.json", "read"),
    // Of builds for tests alone.
    ("POST /admin/api/faults", "write"),
    ("GET /admin/api/media", "read"),
    ("POST /admin/api/media/reconcile", "write"),
    ("GET /admin/api/push/status", "read"),
    ("GET /admin/api/push/trace/{id}", "read"),
    ("POST /admin/api/push/targets/{user}/{device}/test", "write"),
    ("GET /admin/api/limiters", "read"),
    ("DELETE /admin/api/limiters/{name}", "write"),
    ("GET /admin/api/users/{id}/limits", "read"),
    ("PUT /admin/api/users/{id}/limits", "write"),
];

/// Makes a token at this machine's socket, and returns its id and its text.
async fn token(operator: &mut Operator, scope: &str, expires_in_s: Option<i64>) -> (String, String) {
    let body = json!({"name": scope, "scope": scope, "expires_in_s": expires_in_s});
    let made = operator.post("/admin/api/tokens", body).await;
    let text = |key: &str| made[key].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

async fn ask(http: &Http, route: &str, headers: &[(&'static str, &str)]) -> Answer {
    let (method, path) = route.split_once(' ').unwrap();
    let path = ["{id}", "{kid}", "{sid}", "{user}", "{device}"]
        .iter()
        .fold(path.to_owned(), |path, name| path.replace(name, "1"));
    let path = path.replace("{name}", "login.account");
    // A stream of events that is granted has no end.
    let path = path.replace("/events", "/events?every_ms=0");
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let method: Method = method.parse().unwrap();
    let body = if method == Method::GET { Bytes::new() } else { Bytes::from_static(b"{}") };
    http.send(method, &path, headers, body).await
}

async fn status(http: &Http, route: &str, token: Option<&str>) -> u16 {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    let answer = ask(http, route, &[&headers[..], &[("content-type", "application/json")]].concat()).await;
    assert_eq!(answer.status == 401, answer.headers.contains_key("www-authenticate"), "{route}");
    answer.status.as_u16()
}

#[tokio::test]
async fn each_route_of_the_admin_api_has_a_row() {
    let of_api = |route: &String| route.split_once(' ').unwrap().1.starts_with("/admin/api/");
    let routes: BTreeSet<String> = operator_routes().into_iter().filter(of_api).collect();
    let rows: BTreeSet<String> = NEEDED.iter().map(|(route, _)| (*route).to_owned()).collect();
    let missing: Vec<_> = routes.symmetric_difference(&rows).collect();
    assert!(missing.is_empty(), "not in one of both: {missing:?}");
}

#[tokio::test]
async fn the_document_of_the_api_names_each_route_and_the_scope_that_it_needs() {
    let server = TestServer::start().await;
    let document = Operator::of(&server).await.get("/admin/api/openapi.json").await;
    for (route, scope) in NEEDED {
        let (method, path) = route.split_once(' ').unwrap();
        let operation = &document["paths"][path][method.to_lowercase()];
        assert_eq!(operation["x-scope"], *scope, "{route}");
        let parameters = operation["parameters"].as_array().map_or(0, Vec::len);
        assert_eq!(parameters, path.matches('{').count(), "{route}");
    }
    let ids: Vec<&Value> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .map(|operation| &operation["operationId"])
        .collect();
    let distinct: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(ids.len(), distinct.len(), "{ids:?}");
    server.stop().await;
}

/// No route × (none, wrong, of another kind, expired, revoked, narrow) lets anybody in.
#[tokio::test]
async fn only_a_token_of_the_scope_is_let_in() {
    let clock = Clock::stopped_at(Clock::system().now());
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let mut operator = Operator::of(&server).await;
    let (_, expired) = token(&mut operator, "write", Some(60)).await;
    let (id, revoked) = token(&mut operator, "write", None).await;
    operator.delete(&format!("/admin/api/tokens/{id}")).await;
    let (_, metrics) = token(&mut operator, "metrics", None).await;
    let (_, read) = token(&mut operator, "read", None).await;
    let (_, write) = token(&mut operator, "write", Some(3600)).await;
    clock.advance_secs(61);
    let wrong = format!("{}{}", &write[..write.len() - 1], if write.ends_with('A') { "B" } else { "A" });
    let admin = server.admin();
    for &(route, scope) in NEEDED {
        for refused in [None, Some("x"), Some(wrong.as_str()), Some(&expired), Some(&revoked)] {
            assert_eq!(status(&admin, route, refused).await, 401, "{route} {refused:?}");
        }
        assert_eq!(status(&admin, route, Some(&metrics)).await, 403, "{route}");
        let with_read = status(&admin, route, Some(&read)).await;
        assert_eq!(with_read == 403, scope == "write", "{route}: {with_read}");
        let with_write = status(&admin, route, Some(&write)).await;
        assert!(![401, 403, 405].contains(&with_write) && with_write < 500, "{route}: {with_write}");
        // Nothing of it is there for clients.
        assert_eq!(status(&server.http(), route, Some(&write)).await, 404, "{route}");
    }
    server.stop().await;
}

/// A page that a browser shows may neither use a stolen token nor find the API under its own name.
#[tokio::test]
async fn pages_of_other_sites_are_refused_with_any_token() {
    let server = TestServer::start().await;
    let mut operator = Operator::of(&server).await;
    let (_, write) = token(&mut operator, "write", None).await;
    let (bearer, admin) = (format!("Bearer {write}"), server.admin());
    let own = format!("http://{}", admin.addr());
    for (header, value, expected) in [
        ("host", "evil.example", 421),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("origin", own.as_str(), 200),
    ] {
        let headers = [("authorization", bearer.as_str()), (header, value)];
        let answer = ask(&admin, "GET /admin/api/registration", &headers).await;
        assert_eq!(answer.status.as_u16(), expected, "{header}: {value}");
    }
    server.stop().await;
}

/// No route × foreign `Host` × (none, a token that may do all) lets anybody in, and none of it has done anything.
#[tokio::test]
async fn each_route_for_operators_answers_under_its_own_names_alone() {
    let server = TestServer::start().await;
    let mut operator = Operator::of(&server).await;
    let (_, write) = token(&mut operator, "write", None).await;
    let (bearer, admin) = (format!("Bearer {write}"), server.admin());
    let audited = operator.get("/admin/api/audit").await;
    let routes = operator_routes();
    assert!(routes.len() > NEEDED.len() && routes.iter().any(|route| route == "GET /metrics"), "{routes:?}");
    for route in &routes {
        for foreign in ["evil.example", "evil.example:9000", "127.0.0.1.evil.example", "localhost.evil.example:80"] {
            for token in [None, Some(bearer.as_str())] {
                let headers: Vec<_> = token.into_iter().map(|token| ("authorization", token)).collect();
                let headers = [&headers[..], &[("host", foreign), ("content-type", "application/json")]].concat();
                let answer = ask(&admin, route, &headers).await;
                assert_eq!(answer.status, 421, "{route} at {foreign}");
                assert_eq!(answer.json::<Value>()["code"], "forbidden", "{route} at {foreign}");
            }
        }
        // Without a token, the API of its own name asks for one; what needs none is not refused by its host.
        let is_of_api = NEEDED.iter().any(|(known, _)| known == route);
        let answer = ask(&admin, route, &[("host", "localhost:1")]).await;
        assert!(if is_of_api { answer.status == 401 } else { answer.status != 421 }, "{route}: {}", answer.status);
    }
    assert_eq!(operator.get("/admin/api/audit").await, audited);
    assert_eq!(status(&admin, "GET /readyz", None).await, 200);
    server.stop().await;
}

#[tokio::test]
async fn metrics_can_be_kept_for_those_with_a_token() {
    let server = TestServer::start_with(|config| config.admin.metrics_token = true).await;
    let mut operator = Operator::of(&server).await;
    let (_, metrics) = token(&mut operator, "metrics", None).await;
    let admin = server.admin();
    assert_eq!(status(&admin, "GET /metrics", None).await, 401);
    assert_eq!(status(&admin, "GET /metrics", Some(&metrics)).await, 200);
    for open in ["GET /healthz", "GET /readyz"] {
        assert_eq!(status(&admin, open, None).await, 200, "{open}");
    }
    server.stop().await;
}

/// What was done with a token is told by its id; the secret is nowhere but in the answer that made it.
#[tokio::test]
async fn a_token_acts_in_its_own_name_and_its_secret_is_kept_nowhere() {
    let server = TestServer::start().await;
    let mut operator = Operator::of(&server).await;
    let (id, write) = token(&mut operator, "write", None).await;
    let admin = server.admin().with_authorization(format!("Bearer {write}"));
    admin.put("/admin/api/registration", &json!({"mode": "invite"})).await.ok();
    let audit = operator.get("/admin/api/audit").await;
    let entries = audit["entries"].as_array().unwrap();
    assert_eq!(entries[0]["detail"]["by"], json!({"token": id, "name": "write"}), "{audit}");
    assert_eq!(entries[1]["event"], "operator_token_created");
    let list = operator.get("/admin/api/tokens").await;
    let listed = &list["tokens"][0];
    assert!(listed["last_used_at"].is_string() && listed.get("secret").is_none(), "{list}");
    // What is before it is public.
    let secret = &write["fla_".len() + id.len() + 1..];
    for shown in [&audit, &list] {
        assert!(!shown.to_string().contains(secret), "{shown}");
    }
    server.stop().await;
}

#[tokio::test]
async fn there_is_room_for_a_hundred_tokens() {
    let server = TestServer::start().await;
    let mut operator = Operator::of(&server).await;
    let body = || json!({"name": "one of many", "scope": "read"});
    for _ in 0..100 {
        operator.post("/admin/api/tokens", body()).await;
    }
    let (status, problem) = operator.ask(Method::POST, "/admin/api/tokens", Some(body())).await;
    assert_eq!((status, &problem["code"]), (409, &Value::from("conflict")));
    for (body, field) in [
        (json!({"name": "", "scope": "read"}), "name"),
        (json!({"name": "x", "scope": "all"}), "scope"),
        (json!({"name": "x", "scope": "read", "expires_in_s": 0}), "expires_in_s"),
    ] {
        let (status, problem) = operator.ask(Method::POST, "/admin/api/tokens", Some(body)).await;
        assert!(status == 422 && problem["detail"].as_str().unwrap().starts_with(field), "{problem}");
    }
    server.stop().await;
}
