//! An operator at the local interface of a server.

use std::path::Path;

use fluent_backend::http::LocalClient;
use fluent_backend::testing::TestServer;
use http::Method;
use serde_json::Value;

/// A client of the Unix socket in the server's data directory.
pub(crate) struct Operator(LocalClient);

impl Operator {
    pub(crate) async fn of(server: &TestServer) -> Self {
        Self::at(&server.data_dir()).await
    }

    /// An operator of the server with this data directory.
    pub(crate) async fn at(data_dir: &Path) -> Self {
        Self(LocalClient::connect(&data_dir.join("admin.sock")).await.unwrap())
    }

    /// Sends a request, and returns the status and the JSON of its answer.
    pub(crate) async fn ask(&mut self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let answer = self.0.ask(method, path, body.as_ref()).await.unwrap();
        let json = if answer.body.is_empty() { Value::Null } else { serde_json::from_slice(&answer.body).unwrap() };
        (answer.status.as_u16(), json)
    }

    async fn done(&mut self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, json) = self.ask(method, path, body).await;
        assert!((200..300).contains(&status), "{path}: {status} {json}");
        json
    }

    pub(crate) async fn get(&mut self, path: &str) -> Value {
        self.done(Method::GET, path, None).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: Value) -> Value {
        self.done(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&mut self, path: &str, body: Value) -> Value {
        self.done(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&mut self, path: &str) {
        self.done(Method::DELETE, path, None).await;
    }
}
