//! The HTTP client of the exporter: the one that push services are reached with, on the one crypto stack.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::variable;

/// The most bytes of an answer that are read.
const MAX_ANSWER: usize = 64 * 1024;
/// Longest time of a request; the exporter's own timeout is shorter, unless a variable says otherwise.
const TIMEOUT: Duration = Duration::from_mins(1);
/// The variables that name a file with the authorities that are trusted besides those of the system.
const CERTIFICATES: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"];

/// The client.
#[derive(Debug)]
pub(super) struct Client(reqwest::Client);

impl Client {
    /// Makes the client. Returns why it cannot be made.
    pub(super) fn new() -> Result<Self, String> {
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls()?)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT);
        builder.build().map(Self).map_err(|error| error.to_string())
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut answer = self.0.execute(request.try_into()?).await?;
        let mut response = Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            std::mem::swap(headers, answer.headers_mut());
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err("the answer of the collector is too long".into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(response.body(body.into())?)
    }
}

/// Returns the configuration of TLS: the authorities that the system trusts, and those of a file.
fn tls() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some((name, file)) = CERTIFICATES.iter().find_map(|name| Some((name, variable(name)?))) {
        let certificates = CertificateDer::pem_file_iter(&file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let certificates = certificates.map_err(|error| format!("{name}: {file}: {error}"))?;
        if certificates.is_empty() {
            return Err(format!("{name}: {file} holds no certificates in PEM"));
        }
        roots.add_parsable_certificates(certificates);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
