//! Requests to a server, as any client makes them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use fluent_client::transport::Server;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, StatusCode};
use reqwest::{Client, ClientBuilder, RequestBuilder};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Longest wait for an answer and its end.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a busy server is asked.
const TRIES: u32 = 8;
/// Largest answer: far above any file of the web client.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// Makes a client that trusts whom the system trusts and the authorities in a file, and follows nobody elsewhere.
pub(crate) fn client(authorities: Option<&Path>) -> anyhow::Result<Client> {
    builder(authorities)?.build().context("requests cannot be made")
}

/// As [`client`], for settings beside these.
pub(crate) fn builder(authorities: Option<&Path>) -> anyhow::Result<ClientBuilder> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = authorities {
        let about = || format!("cannot use the certificates in {}", path.display());
        for certificate in CertificateDer::pem_file_iter(path).with_context(about)? {
            roots.add(certificate.with_context(about)?).with_context(about)?;
        }
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        // As a browser opens sockets.
        .http1_only()
        .timeout(PATIENCE))
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Asks one server.
#[derive(Clone)]
pub(crate) struct Http {
    server: Server,
    client: Client,
}

impl Http {
    pub(crate) fn new(server: Server, client: Client) -> Self {
        Self { server, client }
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Gets what is at a path.
    pub(crate) async fn get(&self, path: &str, headers: &[(HeaderName, &str)]) -> anyhow::Result<Answer> {
        let request = self.client.get(self.server.url(path));
        let with = |request: RequestBuilder, (name, value): &(HeaderName, &str)| request.header(name, *value);
        self.send(headers.iter().fold(request, with)).await
    }

    /// Gets JSON with an access token.
    pub(crate) async fn get_json<T: DeserializeOwned>(&self, path: &str, token: &str) -> anyhow::Result<T> {
        let request = self.client.get(self.server.url(path)).header(AUTHORIZATION, format!("Bearer {token}"));
        accepted(&self.send(request).await?)
    }

    /// Posts JSON, and reads JSON. A server that is busy is asked again, as it says.
    pub(crate) async fn post_json<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        let mut left = TRIES;
        loop {
            let request = self.client.post(self.server.url(path)).header(CONTENT_TYPE, "application/json");
            let answer = self.send(request.body(body.to_string())).await?;
            left -= 1;
            if answer.status != StatusCode::SERVICE_UNAVAILABLE || left == 0 {
                return accepted(&answer);
            }
            tokio::time::sleep(retry_after(&answer.headers)).await;
        }
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Answer> {
        let about = || format!("cannot ask {}", self.server);
        let mut response = request.send().await.map_err(reqwest::Error::without_url).with_context(about)?;
        let (status, headers, mut body) = (response.status(), response.headers().clone(), Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url).with_context(about)? {
            body.extend_from_slice(&chunk);
            ensure!(body.len() <= MAX_ANSWER_BYTES, "{} sends too much", self.server);
        }
        Ok(Answer { status, headers, body })
    }
}

/// Returns how long a busy server wants to be left alone.
fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1)).min(PATIENCE)
}

/// Reads the JSON of an answer that says yes.
fn accepted<T: DeserializeOwned>(answer: &Answer) -> anyhow::Result<T> {
    if !answer.status.is_success() {
        let problem: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let detail = problem.as_ref().and_then(|problem| problem["detail"].as_str()).unwrap_or("it says no more");
        bail!("the server answers {}: {detail}", answer.status);
    }
    serde_json::from_slice(&answer.body).context("the server's answer is not understood")
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_busy_server_is_asked_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            for answer in ["503 Busy\r\nRetry-After: 0", "503 Busy\r\nRetry-After: 0", "200 OK", "403 No"] {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]).unwrap();
                let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 1\r\nConnection: close\r\n\r\n7");
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let http = Http::new(url.parse().unwrap(), client(None).unwrap());
        assert_eq!(http.post_json::<u32>("/", &Value::Null).await.unwrap(), 7);
        http.post_json::<u32>("/", &Value::Null).await.unwrap_err();
        serving.join().unwrap();
    }
}
