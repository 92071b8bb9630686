//! The second factor: switching it on, signing in with it in either way, and what is refused.

use fluent_backend::clock::Clock;
use fluent_backend::testing::{Answer, TestClient, TestServer};
use http::Method;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::support::config::{fast_janitor, first_round_is_over};
use crate::support::rows::Rows;
use crate::support::v1::stopped_clock;

/// An authenticator app.
struct App(totp_rs::Totp);

impl App {
    fn with(secret: &str) -> Self {
        Self(Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap())
    }

    /// The code that it shows so many seconds from now.
    fn code(&self, clock: &Clock, from_now: i64) -> String {
        self.0.generate(u64::try_from(clock.now().as_secs() + from_now).unwrap()).to_string()
    }
}

/// A user with a second factor, and the next step, whose code was not used.
async fn enrolled(server: &TestServer, clock: &Clock, name: &str) -> (TestClient, App, Vec<String>) {
    let user = server.sign_up(name).await;
    let body = json!({"password": TestClient::PASSWORD});
    let begun: Value = user.http.post("/auth/second_factor/totp", &body).await.ok().json();
    assert_eq!(begun["expires_in"], 600);
    let secret = begun["secret"].as_str().unwrap();
    assert!(secret.len() == 32 && begun["otpauth_url"].as_str().unwrap().contains(secret), "{begun}");
    let app = App::with(secret);
    let confirm = json!({"code": app.code(clock, 0)});
    let on: Value = user.http.post("/auth/second_factor/totp/confirm", &confirm).await.ok().json();
    let codes: Vec<String> = serde_json::from_value(on["recovery_codes"].clone()).unwrap();
    assert_eq!(codes.len(), 10);
    clock.advance_secs(30);
    (user, app, codes)
}

async fn log_in(server: &TestServer, name: &str, password: &str) -> Answer {
    server.http().post("/auth/login", &json!({"username": name, "password": password})).await
}

async fn log_in_with(server: &TestServer, name: &str, code: &str) -> Answer {
    log_in(server, name, &format!("{}:{code}", TestClient::PASSWORD)).await
}

async fn challenge(server: &TestServer, name: &str) -> String {
    let answer = log_in(server, name, TestClient::PASSWORD).await;
    assert_eq!(answer.problem(), (401, "second_factor_required".to_owned()));
    let problem: Value = answer.json();
    assert_eq!((&problem["expires_in"], &problem["methods"]), (&json!(300), &json!(["totp", "recovery"])));
    problem["challenge"].as_str().unwrap().to_owned()
}

async fn answer_challenge(server: &TestServer, challenge: &str, code: &str) -> Answer {
    server.http().post("/auth/login/second_factor", &json!({"challenge": challenge, "code": code})).await
}

fn unauthorized() -> (u16, String) {
    (401, "unauthorized".to_owned())
}

/// A code that is wrong now.
fn wrong(right: &str) -> &'static str {
    if right == "000000" { "000001" } else { "000000" }
}

#[tokio::test]
async fn a_login_waits_for_its_code() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (alice, app, codes) = enrolled(&server, &clock, "alice").await;
    let first = challenge(&server, "alice").await;
    assert_eq!(first.len(), 43);
    let code = app.code(&clock, 0);
    assert_eq!(answer_challenge(&server, &first, wrong(&code)).await.problem(), unauthorized());
    let pair: Value = answer_challenge(&server, &first, &code).await.ok().json();
    let mut keys: Vec<&String> = pair.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["access_token", "refresh_token", "token_type"]);
    // Neither the challenge nor the code is good twice.
    clock.advance_secs(30);
    assert_eq!(answer_challenge(&server, &first, &app.code(&clock, 0)).await.problem(), unauthorized());
    let second = challenge(&server, "alice").await;
    assert_eq!(answer_challenge(&server, &second, &code).await.problem(), unauthorized());
    answer_challenge(&server, &second, &codes[0].to_uppercase()).await.ok();
    let third = challenge(&server, "alice").await;
    assert_eq!(answer_challenge(&server, &third, &codes[0]).await.problem(), unauthorized());

    let state: Value = alice.http.get("/auth/second_factor").await.ok().json();
    assert_eq!((&state["totp"], &state["recovery_codes_left"]), (&json!(true), &json!(9)));
    let sessions: Vec<Value> = alice.http.get("/auth/sessions").await.ok().json();
    let marks: Vec<bool> = sessions.iter().map(|session| session["second_factor"].as_bool().unwrap()).collect();
    assert_eq!(marks, [false, true, true], "the first login was made before");
    server.stop().await;
}

#[tokio::test]
async fn a_challenge_ends_with_five_wrong_codes_with_time_and_with_the_password() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (alice, app, _) = enrolled(&server, &clock, "alice").await;
    let tried = challenge(&server, "alice").await;
    let code = app.code(&clock, 0);
    for _ in 0..5 {
        assert_eq!(answer_challenge(&server, &tried, wrong(&code)).await.problem(), unauthorized());
    }
    assert_eq!(answer_challenge(&server, &tried, &code).await.problem(), unauthorized());

    let late = challenge(&server, "alice").await;
    clock.advance_secs(301);
    assert_eq!(answer_challenge(&server, &late, &app.code(&clock, 0)).await.problem(), unauthorized());

    let old = challenge(&server, "alice").await;
    let change = json!({"old_password": TestClient::PASSWORD, "new_password": "quite another password",
        "code": app.code(&clock, 0)});
    let fresh = TestClient { tokens: refreshed(&server, &alice).await, ..alice.clone() };
    let http = server.http().with_authorization(format!("Bearer {}", fresh.tokens.access_token));
    http.put("/auth/password", &change).await.ok();
    clock.advance_secs(30);
    assert_eq!(answer_challenge(&server, &old, &app.code(&clock, 0)).await.problem(), unauthorized());
    for nonsense in ["", "abc", &"A".repeat(43)] {
        assert_eq!(answer_challenge(&server, nonsense, "000000").await.problem(), unauthorized(), "{nonsense}");
    }
    server.stop().await;
}

async fn refreshed(server: &TestServer, user: &TestClient) -> fluent_backend::testing::TokenPair {
    server.http().post("/auth/refresh", &json!({"refresh_token": user.tokens.refresh_token})).await.ok().json()
}

/// The shipped app has one field, and takes the three keys alone.
#[tokio::test]
async fn the_app_signs_in_by_a_code_behind_the_password() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (_, app, codes) = enrolled(&server, &clock, "alice").await;
    let code = app.code(&clock, 0);
    assert_eq!(log_in_with(&server, "alice", wrong(&code)).await.problem(), unauthorized());
    assert_eq!(log_in(&server, "alice", &format!("not my password:{code}")).await.problem(), unauthorized());
    log_in_with(&server, "alice", &code).await.ok();
    assert_eq!(log_in_with(&server, "alice", &code).await.problem(), unauthorized(), "a code is good once");
    log_in_with(&server, "alice", &app.code(&clock, 30)).await.ok();
    assert_eq!(log_in_with(&server, "alice", &app.code(&clock, 0)).await.problem(), unauthorized(), "nor older ones");
    log_in_with(&server, "alice", &codes[3]).await.ok();
    assert_eq!(log_in_with(&server, "alice", &codes[3]).await.problem(), unauthorized());
    // Without a second factor all of it is the password.
    let odd = json!({"username": "odd", "email": "odd@example.org", "password": "my long password:123456",
        "public_key": "AAAA"});
    server.http().post("/auth/register", &odd).await.ok();
    log_in(&server, "odd", "my long password:123456").await.ok();
    assert_eq!(log_in(&server, "odd", "my long password").await.problem(), unauthorized());
    assert_eq!(log_in(&server, "nobody", "my long password:123456").await.problem(), unauthorized());
    server.stop().await;
}

/// Of many requests with one code, one is let in.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_comes_many_times_at_once_is_good_once() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (_, app, codes) = enrolled(&server, &clock, "alice").await;
    for code in [app.code(&clock, 0), codes[0].clone()] {
        let tries = (0..8).map(|_| log_in_with(&server, "alice", &code));
        let answers = futures_util::future::join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert!(answers.iter().all(|answer| answer.status == 200 || answer.problem() == unauthorized()));
    }
    server.stop().await;
}

#[tokio::test]
async fn it_is_switched_on_and_off_with_password_and_code() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let alice = server.sign_up("alice").await;
    let (password, not_mine) = (json!({"password": TestClient::PASSWORD}), json!({"password": "not my password"}));
    let post = async |path: &str, body: &Value| alice.http.post(&format!("/auth/second_factor{path}"), body).await;
    let forbidden = (403, "forbidden".to_owned());
    assert_eq!(post("/totp/confirm", &json!({"code": "000000"})).await.problem().0, 404);
    assert_eq!(post("/totp", &not_mine).await.problem(), forbidden);
    let replaced: Value = post("/totp", &password).await.ok().json();
    let begun: Value = post("/totp", &password).await.ok().json();
    assert_ne!(begun["secret"], replaced["secret"]);
    let (old, app) = (App::with(replaced["secret"].as_str().unwrap()), App::with(begun["secret"].as_str().unwrap()));
    assert_eq!(post("/totp/confirm", &json!({"code": old.code(&clock, 0)})).await.problem(), forbidden);
    log_in(&server, "alice", TestClient::PASSWORD).await.ok();
    let confirm = json!({"code": app.code(&clock, 0)});
    post("/totp/confirm", &confirm).await.ok();
    assert_eq!(post("/totp/confirm", &confirm).await.problem(), (409, "conflict".to_owned()));
    assert_eq!(post("/totp", &password).await.problem(), (409, "conflict".to_owned()));
    assert_eq!(log_in_with(&server, "alice", &app.code(&clock, 0)).await.problem(), unauthorized(), "it is used up");

    let with = |code: &str| json!({"password": TestClient::PASSWORD, "code": code});
    let needed = (403, "second_factor_required".to_owned());
    clock.advance_secs(30);
    let code = app.code(&clock, 0);
    assert_eq!(post("/recovery_codes", &password).await.problem(), needed);
    assert_eq!(post("/recovery_codes", &with(wrong(&code))).await.problem(), forbidden);
    let mut both_wrong = with(wrong(&code));
    both_wrong["password"] = json!("not my password");
    assert_eq!(post("/recovery_codes", &both_wrong).await.json::<Value>()["detail"], "wrong password");
    let renewed: Value = post("/recovery_codes", &with(&code)).await.ok().json();
    let recovery = renewed["recovery_codes"][9].as_str().unwrap().to_owned();

    let off = async |body: &Value| alice.http.with_body(Method::DELETE, "/auth/second_factor/totp", body).await;
    assert_eq!(off(&password).await.problem(), needed);
    assert_eq!(off(&with(&code)).await.problem(), forbidden, "used for the recovery codes");
    assert_eq!(off(&with(&recovery)).await.status, 204);
    assert_eq!(off(&with(&recovery)).await.problem().0, 404);
    log_in(&server, "alice", TestClient::PASSWORD).await.ok();
    let state: Value = alice.http.get("/auth/second_factor").await.ok().json();
    assert_eq!(state, json!({"totp": false, "recovery_codes_left": 0}));
    server.stop().await;
}

#[tokio::test]
async fn a_new_password_and_the_end_of_an_account_want_a_code() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (alice, app, codes) = enrolled(&server, &clock, "alice").await;
    let needed = (403, "second_factor_required".to_owned());
    let forbidden = (403, "forbidden".to_owned());
    let mut change = json!({"old_password": TestClient::PASSWORD, "new_password": "quite another password"});
    assert_eq!(alice.http.put("/auth/password", &change).await.problem(), needed);
    change["code"] = json!(wrong(&app.code(&clock, 0)));
    assert_eq!(alice.http.put("/auth/password", &change).await.problem(), forbidden);
    change["code"] = json!(app.code(&clock, 0));
    let pair: Value = alice.http.put("/auth/password", &change).await.ok().json();
    let http = server.http().with_authorization(format!("Bearer {}", pair["access_token"].as_str().unwrap()));
    let sessions: Vec<Value> = http.get("/auth/sessions").await.ok().json();
    assert_eq!(sessions.last().unwrap()["second_factor"], true);

    let mut end = json!({"password": "quite another password"});
    assert_eq!(http.with_body(Method::DELETE, "/users/me", &end).await.problem(), needed);
    end["code"] = json!(codes[0]);
    assert_eq!(http.with_body(Method::DELETE, "/users/me", &end).await.status, 204);
    let rows = Rows::of(server.data()).await;
    for table in ["second_factors", "recovery_codes", "login_challenges"] {
        assert!(rows.of_table(table).await.is_empty(), "{table}");
    }
    server.stop().await;
}

#[tokio::test]
async fn codes_are_counted_only_where_the_password_is_right() {
    let clock = stopped_clock();
    let server = TestServer::start_alone_at(clock.clone(), |config| {
        config.limits.enabled = true;
        (config.limits.login.address.burst, config.limits.login.account.burst) = (0, 0);
        config.limits.login.known.burst = 0;
    })
    .await;
    let (_, app, codes) = enrolled(&server, &clock, "alice").await;
    // One token was taken for the enrolment. A stranger takes none.
    for _ in 0..20 {
        assert_eq!(log_in(&server, "alice", "a guess:123456").await.problem(), unauthorized());
    }
    for code in &codes[..4] {
        log_in_with(&server, "alice", code).await.ok();
    }
    let refused = log_in_with(&server, "alice", &app.code(&clock, 0)).await;
    assert_eq!(refused.problem(), (429, "rate_limited".to_owned()));
    assert_eq!(refused.json::<Value>()["limiter"], "second_factor.account");
    server.stop().await;
}

/// Nothing readable of it is in the database, and what nobody has finished is cleared away.
#[tokio::test]
async fn the_database_keeps_no_secret_and_no_leftovers() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), fast_janitor).await;
    first_round_is_over(&server).await;
    let (_, app, codes) = enrolled(&server, &clock, "alice").await;
    let bob = server.sign_up("bob").await;
    let begun: Value =
        bob.http.post("/auth/second_factor/totp", &json!({"password": TestClient::PASSWORD})).await.ok().json();
    let waiting = challenge(&server, "alice").await;
    let rows = Rows::of(server.data()).await;
    assert_eq!((rows.of_table("second_factors").await.len(), rows.of_table("login_challenges").await.len()), (2, 1));
    let everything = json!(rows.all().await.into_iter().map(|found| found.row).collect::<Vec<_>>()).to_string();
    let secret: String = app.0.secret().as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let everything = everything.to_lowercase();
    for readable in [secret, begun["secret"].as_str().unwrap().to_lowercase(), codes[0].clone(), waiting.to_lowercase()]
    {
        assert!(!everything.contains(&readable), "{readable}");
    }
    clock.advance_secs(601);
    let is_clear = async || {
        let left = (rows.of_table("second_factors").await.len(), rows.of_table("login_challenges").await.len());
        (left == (1, 0)).then_some(())
    };
    fluent_backend::testing::eventually("only the factor that is on is left", is_clear).await;
    server.stop().await;
}
