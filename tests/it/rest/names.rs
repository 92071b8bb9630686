//! Names are not deceptive: misleading ones are refused, equal or similar ones are taken only once, and people are
//! found.

use fluent_backend::testing::{Answer, Http, TestClient, TestServer};
use futures_util::future::join_all;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

fn account(name: &str, email: &str) -> Value {
    json!({"username": name, "email": email, "password": TestClient::PASSWORD, "public_key": "AAAA"})
}

/// Registers with an address of its own.
async fn register(http: &Http, name: &str) -> Answer {
    let address = format!("{}@example.org", fluent_backend::clock::random_token().unwrap());
    http.post("/auth/register", &account(name, &address)).await
}

async fn login(http: &Http, name: &str) -> u16 {
    let credentials = json!({"username": name, "password": TestClient::PASSWORD});
    http.post("/auth/login", &credentials).await.status.as_u16()
}

/// The names that a search finds, by id.
async fn search(http: &Http, text: &str) -> Vec<String> {
    let path = format!("/auth/get_all_users?search={}", utf8_percent_encode(text, NON_ALPHANUMERIC));
    let found: Vec<Value> = http.get(&path).await.ok().json();
    found.iter().map(|user| user["user_name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn names_that_deceive_or_do_not_show_are_refused() {
    let server = TestServer::start().await;
    let http = server.http();
    for name in [
        "\u{202e}ecila",
        "bob\u{2066}x",
        "a\u{2028}b",
        "\u{2800}\u{2800}\u{2800}",
        "\u{301}\u{301}",
        "\u{1d159}",
        "\u{ffff}",
        "bob\u{2800}",
        "bob\u{3164}",
        "a\u{fff9}b",
        "a\u{e000}b",
        "...",
        "p\u{430}yp\u{430}l",
        &format!("a{}", "\u{301}".repeat(100)),
    ] {
        assert_eq!(register(&http, name).await.problem(), (422, "invalid_name".to_owned()), "{name:?}");
    }
    assert!(search(&http, "").await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn names_of_all_languages_are_kept_and_found() {
    let server = TestServer::start().await;
    let http = server.http();
    for name in [
        "first.last+tag%x_y-z@mail.example",
        "Иван Петров",
        "иван+fluent@почта.рф",
        "日本語テスト",
        "漢字kanjiかな",
        "한국어 이름",
        "中文名字abc",
        "Ελένη",
        "محمد",
        "می\u{200c}خواهم",
        "हिन्दी",
        "Nguyễn Thị",
        "Anna \u{1f338}",
    ] {
        let answer: Value = register(&http, name).await.ok().json();
        assert_eq!(answer["username"], name);
        assert_eq!(login(&http, name).await, 200, "{name}");
        assert_eq!(search(&http, name).await, [name]);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_name_that_looks_like_anothers_is_taken() {
    let server = TestServer::start().await;
    let http = server.http();
    for (first, alike) in [
        ("coco", "\u{441}\u{43e}\u{441}\u{43e}"),
        ("Paypal", "PaypaI"),
        ("IVAN", "lvan"),
        ("anna  smith", "anna smith"),
        ("\u{442}\u{43e}\u{43c}\u{430}", "\u{422}OMA"),
    ] {
        register(&http, first).await.ok();
        let answer = register(&http, alike).await.problem();
        let refused = [(400, "name_taken".to_owned()), (422, "invalid_name".to_owned())];
        assert!(refused.contains(&answer), "{first} {alike} {answer:?}");
        assert_eq!((login(&http, first).await, login(&http, alike).await), (200, 401), "{first}");
    }
    // What only resembles is another.
    for name in ["andre", "André", "Ilia", "Lila"] {
        register(&http, name).await.ok();
    }
    server.stop().await;
}

#[tokio::test]
async fn one_of_many_look_alikes_that_register_at_once_wins() {
    let server = TestServer::start().await;
    let http = server.http();
    let names = ["coco", "\u{441}\u{43e}\u{441}\u{43e}", "c0c0", "COCO"];
    let answers = join_all((0..16).map(|i| register(&http, names[i % 4]))).await;
    let won = answers.iter().filter(|answer| answer.status == 201).count();
    let lost = answers.iter().filter(|answer| answer.status == 400).count();
    assert_eq!((won, lost), (1, 15));
    assert_eq!(search(&http, "").await.len(), 1, "the losers leave no row");
    server.stop().await;
}

#[tokio::test]
async fn the_look_of_a_deleted_account_is_free_again() {
    let server = TestServer::start().await;
    let http = server.http();
    let first = server.sign_up("coco").await;
    assert_eq!(register(&http, "c0c0").await.status, 400);
    let password = json!({"password": TestClient::PASSWORD});
    first.http.with_body(Method::DELETE, "/users/me", &password).await.ok();
    register(&http, "c0c0").await.ok();
    assert_eq!(register(&http, "coco").await.problem(), (400, "name_taken".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn white_space_at_the_ends_is_no_part_of_a_name_that_is_typed() {
    let server = TestServer::start().await;
    let http = server.http();
    register(&http, "alice@example.org").await.ok();
    for typed in ["alice@example.org ", " alice@example.org", "\u{2003}ALICE@example.org\t", "alice@example.org\n"] {
        assert_eq!(login(&http, typed).await, 200, "{typed:?}");
        assert_eq!(search(&http, typed).await, ["alice@example.org"], "{typed:?}");
    }
    let padded = json!({"username": "alice@example.org", "password": format!("{} ", TestClient::PASSWORD)});
    assert_eq!(http.post("/auth/login", &padded).await.status, 401, "of a password it is");
    assert_eq!(search(&http, "  ").await.len(), 1, "nothing was typed");
    server.stop().await;
}

#[tokio::test]
async fn a_search_overlooks_marks_and_finds_nobody_by_what_cannot_be_seen() {
    let server = TestServer::start().await;
    let http = server.http();
    for name in ["André", "andrea", "Søren", "Nguyễn"] {
        register(&http, name).await.ok();
    }
    assert_eq!(search(&http, "andre").await, ["André", "andrea"]);
    assert_eq!(search(&http, "ÁNDRÈ").await, ["André", "andrea"]);
    assert_eq!(search(&http, "soren").await, ["Søren"]);
    assert_eq!(search(&http, "nguyen").await, ["Nguyễn"]);
    for nothing in ["\u{200d}", "\u{301}", "\u{2060}\u{feff}"] {
        assert!(search(&http, nothing).await.is_empty(), "{nothing:?}");
    }
    assert_eq!(search(&http, "").await.len(), 4);
    let all: Vec<Value> = http.get("/auth/get_all_users").await.ok().json();
    assert_eq!(all.len(), 4);
    server.stop().await;
}

#[tokio::test]
async fn an_international_domain_is_one_in_both_spellings() {
    let server = TestServer::start().await;
    let http = server.http();
    let (unicode, ascii) = ("a@münchen.example", "a@xn--mnchen-3ya.example");
    http.post("/auth/register", &account(unicode, unicode)).await.ok();
    for (name, email) in [(ascii, "b@example.org"), ("somebody", ascii), ("somebody", "a@MÜNCHEN.example")] {
        let answer = http.post("/auth/register", &account(name, email)).await;
        assert_eq!(answer.problem(), (400, "name_taken".to_owned()), "{name} {email}");
    }
    for typed in [unicode, ascii, "A@XN--MNCHEN-3YA.EXAMPLE"] {
        assert_eq!(login(&http, typed).await, 200, "{typed}");
        assert_eq!(search(&http, typed).await, [unicode], "{typed}");
    }
    server.stop().await;
}

#[tokio::test]
async fn each_field_of_a_registration_has_a_code_of_its_own() {
    let server = TestServer::start().await;
    let http = server.http();
    http.post("/auth/register", &account("carol", "carol@example.org")).await.ok();
    let account_with = |key: &str, value: &str| {
        let mut body = account("dave", "dave@example.org");
        body[key] = json!(value);
        body
    };
    for (body, problem) in [
        (account("CAROL", "dave@example.org"), (400, "name_taken")),
        (account("dave", "Carol@example.org"), (400, "name_taken")),
        (account_with("username", ""), (422, "invalid_name")),
        (account_with("email", "no address"), (422, "invalid_email")),
        (account_with("password", "short"), (422, "weak_password")),
        (account_with("public_key", "not base64!"), (422, "invalid_key")),
        (json!({"username": "dave"}), (422, "bad_frame")),
    ] {
        let (status, code) = http.post("/auth/register", &body).await.problem();
        assert_eq!((status, code.as_str()), problem, "{body}");
    }
    let user = server.sign_up("erin").await;
    let key = json!({"public_key": "not base64!"});
    assert_eq!(user.http.put("/users/me/public_key", &key).await.problem(), (422, "invalid_key".to_owned()));
    server.stop().await;
}
