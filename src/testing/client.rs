//! Clients for REST.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{TestSocket, soon};

/// A complete response.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// Returns the body as JSON; fails the test when it is no `T`.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error} in {} {}", self.status, self.text()),
        }
    }

    /// Returns the body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns status and code of a refusal; fails the test when it is not `application/problem+json` with all its
    /// keys.
    #[must_use]
    pub fn problem(&self) -> (u16, String) {
        let kind = self.headers.get(CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
        assert_eq!(kind.as_deref(), Some("application/problem+json"), "{} {}", self.status, self.text());
        let problem: Value = self.json();
        assert_eq!(problem["status"], self.status.as_u16(), "{problem}");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        (self.status.as_u16(), problem["code"].as_str().unwrap_or_default().to_owned())
    }

    /// Returns the response itself when its status is a success; fails the test otherwise.
    #[expect(clippy::return_self_not_must_use, reason = "it is an assertion")]
    pub fn ok(self) -> Self {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
        self
    }
}

/// A client for HTTP with one server, signed in or not.
#[derive(Clone, Debug)]
pub struct Http {
    addr: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    authorization: Option<String>,
}

impl Http {
    /// Makes a client that is not signed in.
    #[must_use]
    pub fn new(addr: SocketAddr) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { addr, client, authorization: None }
    }

    /// Returns a client that sends this `Authorization` header with every request.
    #[must_use]
    pub fn with_authorization(&self, value: impl Into<String>) -> Self {
        Self { authorization: Some(value.into()), ..self.clone() }
    }

    /// Returns the address of the server.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Sends `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, HeaderMap::new(), Bytes::new()).await
    }

    /// Sends `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        self.with_body(Method::POST, path, body).await
    }

    /// Sends `PUT path` with a JSON body.
    pub async fn put(&self, path: &str, body: &impl Serialize) -> Answer {
        self.with_body(Method::PUT, path, body).await
    }

    /// Sends `DELETE path`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, HeaderMap::new(), Bytes::new()).await
    }

    /// Sends a request with any method and a JSON body.
    pub async fn with_body(&self, method: Method, path: &str, body: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(body).expect("the body serialises");
        self.send(method, path, HeaderMap::new(), body.into()).await
    }

    /// Sends a request.
    pub async fn send(&self, method: Method, path: &str, headers: HeaderMap, body: Bytes) -> Answer {
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = format!("http://{}{path}", self.addr).parse().expect("a path");
        *request.headers_mut() = headers;
        let json = http::HeaderValue::from_static("application/json");
        request.headers_mut().entry(CONTENT_TYPE).or_insert(json);
        if let Some(value) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, value.parse().expect("a header value"));
        }
        let asking = async {
            let response = self.client.request(request).await.expect("an answer");
            let (head, body) = response.into_parts();
            let body = body.collect().await.expect("a whole body").to_bytes();
            Answer { status: head.status, headers: head.headers, body }
        };
        soon("an answer", Box::pin(asking)).await
    }
}

/// Both tokens of a login. Any other key fails the test.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenPair {
    /// The token for requests.
    pub access_token: String,
    /// The token for the next refresh.
    pub refresh_token: String,
    /// `Bearer`.
    pub token_type: String,
}

/// A user who is signed in.
#[derive(Clone, Debug)]
pub struct TestClient {
    /// The user's id.
    pub id: i32,
    /// The user's name.
    pub name: String,
    /// The tokens of the login.
    pub tokens: TokenPair,
    /// An HTTP client with the access token.
    pub http: Http,
}

impl TestClient {
    /// The password of every test user.
    pub const PASSWORD: &'static str = "correct horse battery staple";

    /// Registers and logs in.
    pub async fn sign_up(http: Http, name: &str) -> Self {
        let email = if name.contains('@') { name.to_owned() } else { format!("{name}@example.org") };
        let account = json!({"username": name, "email": email, "password": Self::PASSWORD, "public_key": "AAAA"});
        let registered: Value = http.post("/auth/register", &account).await.ok().json();
        let id = registered["id"].as_i64().and_then(|id| i32::try_from(id).ok()).expect("a small integer id");
        Self::log_in(http, name, id).await
    }

    /// Logs in once more, which begins another login.
    pub async fn log_in(http: Http, name: &str, id: i32) -> Self {
        let credentials = json!({"username": name, "password": Self::PASSWORD});
        let tokens: TokenPair = http.post("/auth/login", &credentials).await.ok().json();
        let http = http.with_authorization(format!("Bearer {}", tokens.access_token));
        Self { id, name: name.to_owned(), tokens, http }
    }

    /// Opens a socket as the app does: with the token in the query and in the header.
    pub async fn connect(&self) -> TestSocket {
        let path = format!("/chat/ws?token={}", self.tokens.access_token);
        match TestSocket::open(self.http.addr(), &path, Some(&self.tokens.access_token)).await {
            Ok(socket) => socket,
            Err(error) => panic!("cannot open a socket: {error}"),
        }
    }

    /// Returns all messages with a partner, newest first, read page by page.
    pub async fn history(&self, partner: i32) -> Vec<super::MessageFrame> {
        let mut all: Vec<super::MessageFrame> = Vec::new();
        loop {
            let before = all.last().map(|oldest| format!("&before={}", oldest.timestamp)).unwrap_or_default();
            let path = format!("/chat/all_messages?partnerID={partner}&limit=100{before}");
            let page: Vec<super::MessageFrame> = self.http.get(&path).await.ok().json();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }
}
