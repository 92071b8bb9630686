//! How the bucket is reached: TLS on the one crypto stack, bounded waits, few repetitions.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::{HttpClient, HttpConnector};
use object_store::{BackoffConfig, ClientConfigKey, ClientOptions, RetryConfig};
use reqwest::redirect::Policy;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::bucket::Bucket;
use super::credentials::CredentialsFile;
use crate::config::MediaS3;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a request is repeated that may be.
const RETRIES: usize = 3;
/// The first wait before that, and the longest.
const BACKOFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// Prepares for requests to the bucket.
pub(super) fn open(settings: &MediaS3) -> io::Result<Bucket> {
    let timeout = Duration::from_secs(settings.timeout_s);
    let connector = Connector { tls: tls(settings)?, timeout };
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(&settings.bucket)
        .with_virtual_hosted_style_request(!settings.path_style)
        .with_allow_http(settings.allow_http)
        // One request a file, which every service has.
        .with_disable_bulk_delete(true)
        .with_retry(RetryConfig {
            backoff: BackoffConfig { init_backoff: BACKOFF[0], max_backoff: BACKOFF[1], base: 2.0 },
            max_retries: RETRIES,
            retry_timeout: timeout,
        })
        .with_http_connector(connector.clone());
    if !settings.region.is_empty() {
        builder = builder.with_region(&settings.region);
    }
    if !settings.endpoint.is_empty() {
        builder = builder.with_endpoint(endpoint(settings)?);
    }
    if !settings.credentials_file.as_os_str().is_empty() {
        let file = CredentialsFile(settings.credentials_file.clone());
        file.read().map_err(io::Error::other)?;
        builder = builder.with_credentials(Arc::new(file));
    }
    let value = |key| builder.get_config_value(&key);
    let region = value(AmazonS3ConfigKey::Region).unwrap_or_else(|| "us-east-1".to_owned());
    let named = value(AmazonS3ConfigKey::Endpoint).map(|url| url.trim_end_matches('/').to_owned());
    let url = match (named, settings.path_style) {
        (Some(endpoint), true) => format!("{endpoint}/{}", settings.bucket),
        (Some(endpoint), false) => endpoint,
        (None, true) => format!("https://s3.{region}.amazonaws.com/{}", settings.bucket),
        (None, false) => format!("https://{}.s3.{region}.amazonaws.com", settings.bucket),
    };
    let http = connector.connect(&ClientOptions::new().with_allow_http(settings.allow_http));
    let s3 = builder.build().map_err(io::Error::other)?;
    Ok(Bucket::new(s3, settings.prefix.trim_end_matches('/'), http.map_err(io::Error::other)?, url, region))
}

/// Returns the URL of the service, with the bucket in front of its host where it belongs there.
fn endpoint(settings: &MediaS3) -> io::Result<String> {
    let mut url = Url::parse(&settings.endpoint).map_err(io::Error::other)?;
    if !settings.path_style {
        let host = format!("{}.{}", settings.bucket, url.host_str().unwrap_or_default());
        url.set_host(Some(&host)).map_err(io::Error::other)?;
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn tls(settings: &MediaS3) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if !settings.ca_file.as_os_str().is_empty() {
        let wrong = |error: &dyn std::fmt::Display| {
            io::Error::other(format!("cannot use the certificates in {}: {error}", settings.ca_file.display()))
        };
        for certificate in CertificateDer::pem_file_iter(&settings.ca_file).map_err(|error| wrong(&error))? {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            roots.add(certificate).map_err(|error| wrong(&error))?;
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Makes the clients of requests: to the bucket, and to whoever gives this machine its credentials.
#[derive(Clone, Debug)]
struct Connector {
    tls: ClientConfig,
    timeout: Duration,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let may_be_plain = options.get_config_value(&ClientConfigKey::AllowHttp).is_some_and(|value| value == "true");
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .https_only(!may_be_plain)
            .no_proxy()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .http1_only()
            .connect_timeout(self.timeout.min(CONNECT_TIMEOUT))
            // Between two bytes, not for the whole of a file.
            .read_timeout(self.timeout)
            .build();
        let failed = |error| object_store::Error::Generic { store: "S3", source: Box::new(error) };
        Ok(HttpClient::new(client.map_err(failed)?))
    }
}
