//! Limits on rates over REST: who is refused, by which limiter, for how long, and who is not.

use fluent_backend::clock::Clock;
use fluent_backend::config::{ClientAddressSource, Config};
use fluent_backend::testing::{Answer, Http, TestClient, TestServer, send_frame};
use futures_util::future::join_all;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::support::config::behind_proxy;
use crate::support::local::Operator;
use crate::support::v1::stopped_clock;

const WRONG: &str = "not my password";

/// One server whose limits are on, with a clock that stands still.
async fn limited(change: impl FnOnce(&mut Config)) -> (TestServer, Clock) {
    let clock = stopped_clock();
    let data = fluent_backend::testing::TestData::of_one().await;
    let server = TestServer::start_on(data, clock.clone(), |config| {
        config.limits.enabled = true;
        behind_proxy(config, ClientAddressSource::XForwardedFor);
        change(config);
    })
    .await;
    (server, clock)
}

/// Asks as a client with another address would, behind the proxy.
async fn from(http: &Http, address: &str, method: Method, path: &str, body: Value) -> Answer {
    let headers: HeaderMap = [("x-forwarded-for".parse().unwrap(), address.parse().unwrap())].into_iter().collect();
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    http.send(method, path, headers, body.into()).await
}

async fn login(server: &TestServer, address: &str, name: &str, password: &str) -> Answer {
    let body = json!({"username": name, "password": password});
    from(&server.http(), address, Method::POST, "/auth/login", body).await
}

/// The limiter that has refused, and the milliseconds after which it says to try again.
fn refused(answer: &Answer) -> (String, u64) {
    assert_eq!(answer.problem(), (429, "rate_limited".to_owned()), "{}", answer.text());
    let problem: Value = answer.json();
    let wait = problem["retry_after_ms"].as_u64().unwrap();
    let header: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(header, wait.div_ceil(1000).max(1), "{problem}");
    (problem["limiter"].as_str().unwrap().to_owned(), wait)
}

#[tokio::test]
async fn strangers_cannot_lock_a_user_out_of_a_network_that_is_known() {
    let (server, clock) = limited(|_| {}).await;
    let alice =
        json!({"username": "alice", "email": "a@example.org", "password": TestClient::PASSWORD, "public_key": "AAAA"});
    from(&server.http(), "198.51.100.1", Method::POST, "/auth/register", alice).await.ok();
    login(&server, "198.51.100.1", "alice", TestClient::PASSWORD).await.ok();
    // The first login was from a network that was not known yet.
    clock.advance_secs(60);

    for name in ["alice", "nobody"] {
        for n in 0..5 {
            assert_eq!(login(&server, &format!("203.0.113.{n}"), name, WRONG).await.status, 401);
        }
        let limited = login(&server, "203.0.113.77", name, WRONG).await;
        assert_eq!(refused(&limited), ("login.account".to_owned(), 60_000), "{name}");
        let text: Value = limited.json();
        assert_eq!(text["detail"], "too many logins with this name", "the same for both");
    }
    // The right password does not help a stranger, nor its owner on a network that is new.
    let elsewhere = login(&server, "203.0.113.78", "ALICE", TestClient::PASSWORD).await;
    assert_eq!(refused(&elsewhere).0, "login.account");
    login(&server, "198.51.100.200", "alice", TestClient::PASSWORD).await.ok();

    // At home there is a limit, too, which is the user's own.
    for _ in 0..9 {
        assert_eq!(login(&server, "198.51.100.2", "alice", WRONG).await.status, 401);
    }
    let limited = login(&server, "198.51.100.3", "alice", TestClient::PASSWORD).await;
    assert_eq!(refused(&limited), ("login.known".to_owned(), 30_000));
    clock.advance_secs(60);
    login(&server, "198.51.100.3", "alice", TestClient::PASSWORD).await.ok();
    login(&server, "203.0.113.79", "alice", TestClient::PASSWORD).await.ok();
    server.stop().await;
}

#[tokio::test]
async fn a_network_is_known_for_90_days_and_sixteen_of_a_user() {
    let (server, clock) = limited(|config| config.limits.login.account.burst = 1).await;
    server.sign_up("alice").await;
    let known = async |address: &str| {
        // Whether the limit of the name has been used up does not matter to a network that is known.
        login(&server, address, "alice", WRONG).await;
        let answer = login(&server, address, "alice", TestClient::PASSWORD).await;
        answer.status == 200
    };
    for n in 1..=17 {
        clock.advance_secs(60);
        login(&server, &format!("198.51.{n}.1"), "alice", TestClient::PASSWORD).await.ok();
    }
    clock.advance_secs(60);
    assert!(known("198.51.17.9").await && known("198.51.2.9").await);
    assert!(!known("198.51.1.9").await, "the one that was used longest ago");
    assert!(!known("198.52.17.9").await);
    clock.advance_secs(91 * 24 * 60 * 60);
    assert!(!known("198.51.17.9").await, "nobody has been there for long");
    server.stop().await;
}

#[tokio::test]
async fn the_right_password_gives_back_what_it_has_taken_from_the_address() {
    let (server, _) = limited(|config| {
        config.limits.login.address.burst = 2;
        config.limits.login.known.burst = 0;
    })
    .await;
    let alice = server.sign_up("alice").await;
    for _ in 0..10 {
        TestClient::log_in(server.http(), "alice", alice.id).await;
    }
    for n in 0..2 {
        assert_eq!(login(&server, "127.0.0.1", &format!("nobody{n}"), WRONG).await.status, 401);
    }
    assert_eq!(refused(&login(&server, "127.0.0.1", "alice", TestClient::PASSWORD).await).0, "login.address");
    // Of IPv6 a /64 counts, with numbers of its own.
    for n in 0..10 {
        assert_eq!(login(&server, &format!("2001:db8:1:2::{n}"), &format!("none{n}"), WRONG).await.status, 401);
    }
    assert_eq!(
        refused(&login(&server, "2001:db8:1:2:ffff::1", "none", WRONG).await),
        ("login.address".to_owned(), 20_000)
    );
    assert_eq!(login(&server, "2001:db8:1:3::1", "none", WRONG).await.status, 401);
    server.stop().await;
}

/// A request that a limiter counts, by the user who asks; each time another one where that matters.
async fn request(server: &TestServer, user: &TestClient, limiter: &str, n: usize) -> Answer {
    let none = || from(&user.http, "198.51.100.7", Method::GET, "/users/me", Value::Null);
    let anonymous = server.http();
    match limiter {
        "register.address" | "register.server" => {
            let name = format!("{}-{n}", user.name);
            let account = json!({
                "username": name, "email": format!("{name}@example.org"), "password": TestClient::PASSWORD,
                "public_key": "AAAA",
            });
            // The whole server's limit is reached from many addresses.
            let address =
                if limiter == "register.server" { format!("198.51.{n}.7") } else { "198.51.100.7".to_owned() };
            from(&anonymous, &address, Method::POST, "/auth/register", account).await
        }
        "password.user" => user.http.with_body(Method::DELETE, "/users/me", &json!({"password": WRONG})).await,
        "refresh.invalid" => {
            let token = json!({"refresh_token": format!("{n:043}")});
            from(&anonymous, "198.51.100.7", Method::POST, "/auth/refresh", token).await
        }
        "search.user" => user.http.get("/users/search?query=x").await,
        "search.anonymous" => {
            from(&anonymous, "198.51.100.7", Method::GET, "/auth/get_all_users?search=x", Value::Null).await
        }
        "directory.user" => user.http.get(&format!("/chat/partnerinfo?partnerID={}", 3 - user.id)).await,
        "directory.anonymous" => {
            from(&anonymous, "198.51.100.7", Method::GET, "/auth/get_all_users?search=", Value::Null).await
        }
        "event.user" => {
            let receipts = json!({"delivered": {"up_to_seq": 0}});
            user.http.post("/chat/receipts", &receipts).await
        }
        "key.user" => user.http.put("/users/me/public_key", &json!({"public_key": format!("AAA{}", n % 10)})).await,
        "settings.user" => user.http.put("/users/me/settings", &json!({"presence": true})).await,
        "block.user" => user.http.delete(&format!("/users/{}/block", 3 - user.id)).await,
        "ticket.user" => user.http.post("/auth/ws_ticket", &json!({})).await,
        // Counted before it is known that there is no provider.
        "push.register" => user.http.put("/push/targets/pixel", &json!({"provider": "fcm", "token": "x"})).await,
        "push.test" => user.http.post("/push/targets/pixel/test", &json!({})).await,
        "rest.user" => none().await,
        "rest.address" => from(&anonymous, "198.51.100.7", Method::GET, "/root", Value::Null).await,
        other => panic!("no request for {other}"),
    }
}

/// Sets the burst of one limiter and switches all others off.
fn only(config: &mut Config, limiter: &str, burst: u32) {
    let mut limits = serde_json::to_value(&config.limits).unwrap();
    for (_, group) in limits.as_object_mut().unwrap().iter_mut().filter(|(_, group)| group.is_object()) {
        for (_, row) in group.as_object_mut().unwrap() {
            row["burst"] = 0.into();
        }
    }
    let (group, row) = limiter.split_once('.').unwrap();
    limits[group][row]["burst"] = burst.into();
    limits[group][row]["every_ms"] = 7000.into();
    config.limits = serde_json::from_value(limits).unwrap();
}

#[tokio::test]
async fn each_limiter_of_rest_lets_a_burst_pass_then_one_in_its_time_and_leaves_others_alone() {
    // What one answer tells of, and so counts.
    for (limiter, burst, passes) in [
        ("register.address", 4, 4),
        ("register.server", 4, 4),
        ("password.user", 2, 2),
        ("refresh.invalid", 2, 2),
        ("search.user", 2, 2),
        ("search.anonymous", 2, 2),
        ("directory.user", 100, 100),
        ("directory.anonymous", 101, 50),
        ("event.user", 2, 2),
        ("key.user", 2, 2),
        ("settings.user", 2, 2),
        ("block.user", 2, 2),
        ("ticket.user", 2, 2),
        ("push.register", 2, 2),
        ("push.test", 2, 2),
        ("rest.user", 2, 2),
        ("rest.address", 4, 4),
    ] {
        let (server, clock) = limited(|config| only(config, limiter, burst)).await;
        // Two users, whom the address of the tests has registered and logged in.
        let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
        clock.advance_secs(7 * i64::from(burst));
        for n in 0..passes {
            let answer = request(&server, &alice, limiter, n).await;
            assert_ne!(answer.status, 429, "{limiter}, {n}: {}", answer.text());
        }
        let (named, wait) = refused(&request(&server, &alice, limiter, passes).await);
        assert_eq!(named, limiter);
        assert!((1..=7000).contains(&wait), "{limiter}: {wait}");
        if limiter.ends_with("user") || limiter.starts_with("push.") {
            assert_ne!(request(&server, &bob, limiter, 0).await.status, 429, "{limiter} of another user");
        } else if limiter.ends_with("address") || limiter.ends_with("anonymous") {
            let path = if limiter == "rest.address" { "/root" } else { "/auth/get_all_users?search=x" };
            let other = from(&server.http(), "203.0.113.7", Method::GET, path, Value::Null).await;
            assert_eq!(other.status, 200, "{limiter} of another address");
        }
        clock.advance_secs(14);
        assert_ne!(request(&server, &alice, limiter, passes + 1).await.status, 429, "{limiter} after its time");
        server.stop().await;
    }
}

#[tokio::test]
async fn partners_are_told_of_one_another_without_end() {
    let (server, _) = limited(|config| only(config, "directory.user", 100)).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let ask = async |count: usize| {
        let (path, mut answered) = (format!("/users?ids={},{}", alice.id, bob.id), 0);
        for _ in 0..count {
            answered += usize::from(alice.http.get(&path).await.status == 200);
        }
        answered
    };
    assert_eq!(ask(3).await, 3);
    for (from, to) in [(&alice, &bob), (&bob, &alice)] {
        from.http.post("/chat/messages", &send_frame(to.id, "hello")).await.ok();
    }
    assert_eq!(ask(120).await, 120);
    server.stop().await;
}

#[tokio::test]
async fn probes_and_preflights_are_never_refused() {
    let (server, _) = limited(|config| only(config, "rest.address", 1)).await;
    assert_eq!(server.http().get("/root").await.status, 200);
    assert_eq!(refused(&server.http().get("/nothing").await).0, "rest.address", "what is not there counts, too");
    for _ in 0..20 {
        assert_eq!(server.http().get("/healthz").await.status, 200);
        assert_eq!(server.http().get("/readyz").await.status, 200);
        assert_eq!(server.admin().get("/metrics").await.status, 200);
        let options = server.http().send(Method::OPTIONS, "/auth/login", HeaderMap::new(), bytes::Bytes::new()).await;
        assert_ne!(options.status, 429);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_refresh_waits_rather_than_sign_the_app_out() {
    let server = TestServer::start_alone(|config| {
        config.limits.enabled = true;
        (config.limits.refresh.chain.burst, config.limits.refresh.chain.every_ms) = (2, 300);
        config.auth.refresh_grace_s = 3600;
    })
    .await;
    let alice = server.sign_up("alice").await;
    let token = json!({"refresh_token": alice.tokens.refresh_token});
    let answers = join_all((0..6).map(|_| alice.http.post("/auth/refresh", &token))).await;
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "{:?}",
        answers.iter().map(|a| a.status).collect::<Vec<_>>()
    );
    server.stop().await;
    // Only a wait that is too long is refused.
    let server = TestServer::start_alone(|config| {
        config.limits.enabled = true;
        (config.limits.refresh.chain.burst, config.limits.refresh.chain.every_ms) = (1, 3_600_000);
    })
    .await;
    let alice = server.sign_up("alice").await;
    let token = json!({"refresh_token": alice.tokens.refresh_token});
    alice.http.post("/auth/refresh", &token).await.ok();
    assert_eq!(refused(&alice.http.post("/auth/refresh", &token).await).0, "refresh.chain");
    server.stop().await;
}

#[tokio::test]
async fn the_metrics_have_each_limiter_before_it_refuses() {
    let (server, _) = limited(|config| only(config, "settings.user", 1)).await;
    let alice = server.sign_up("alice").await;
    let metrics = async || server.admin().get("/metrics").await.text();
    let count = |text: &str, limiter: &str| {
        let name = format!("fluent_limiter_refusals_total{{limiter=\"{limiter}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or_else(|| panic!("{name}"));
        line.parse::<f64>().unwrap()
    };
    let before = metrics().await;
    for limiter in fluent_backend::domain::Limiter::ALL {
        count(&before, limiter.name());
    }
    for _ in 0..3 {
        request(&server, &alice, "settings.user", 0).await;
    }
    assert!(count(&metrics().await, "settings.user") >= count(&before, "settings.user") + 2.0);
    server.stop().await;
}

#[tokio::test]
async fn operators_set_limits_of_one_user_and_see_who_is_refused_most() {
    let (server, _) = limited(|config| only(config, "settings.user", 1)).await;
    let (alice, bob, mut operator) =
        (server.sign_up("alice").await, server.sign_up("bob").await, Operator::of(&server).await);
    let passed = async |user: &TestClient| {
        let mut passed = 0;
        while passed < 5 && request(&server, user, "settings.user", 0).await.status == 200 {
            passed += 1;
        }
        passed
    };
    let path = format!("/admin/api/users/{}/limits", alice.id);
    assert_eq!(operator.get(&path).await, json!({}));
    assert_eq!((passed(&alice).await, passed(&bob).await), (1, 1));
    let own = json!({"settings.user": {"burst": 3, "every_ms": 1000.0}});
    assert_eq!(operator.put(&path, own.clone()).await, own);
    assert_eq!((passed(&alice).await, passed(&bob).await), (3, 0));
    assert_eq!(
        operator.put(&path, json!({"settings.user": {"burst": 0, "every_ms": 0.0}})).await["settings.user"]["burst"],
        0
    );
    assert_eq!(passed(&alice).await, 5, "no limit");
    // They outlive a restart.
    let data = server.stop_keeping_data().await;
    let server = TestServer::start_on(data, stopped_clock(), |config| {
        config.limits.enabled = true;
        only(config, "settings.user", 1);
    })
    .await;
    let mut operator = Operator::of(&server).await;
    assert_eq!(operator.get(&path).await["settings.user"]["burst"], 0);
    assert_eq!(operator.put(&path, json!({"settings.user": null})).await, json!({}));
    for wrong in [
        json!({"nothing": null}),
        json!({"login.address": {"burst": 1, "every_ms": 1.0}}),
        json!({"send.user": {"burst": 1, "every_ms": 0.0}}),
        json!({"send.user": {"burst": 1, "every_ms": -1.0}}),
    ] {
        let (status, _) = operator.ask(Method::PUT, &path, Some(wrong.clone())).await;
        assert_eq!(status, 422, "{wrong}");
    }
    server.stop().await;
}
