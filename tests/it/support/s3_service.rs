//! A service of S3 that others have written, which `FLUENT_TEST_S3` names by its URL: one without TLS that has a bucket
//! `files` and does not check signatures, as moto (`tests/s3/run`). Each server of a test has a prefix of its own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use fluent_backend::Config;
use fluent_backend::config::MediaStore;

const BUCKET: &str = "files";
/// Names a user: objects are not for everybody, although no signature is checked.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKIAFLUENT/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, \
                      Signature=0";

/// Where a server has its files in the service.
pub(crate) struct S3Service {
    host: String,
    prefix: String,
}

impl S3Service {
    /// Returns the place for what a server keeps in this directory of a test; `None` without such a service.
    pub(crate) fn of(dir: &Path) -> Option<Self> {
        let url = std::env::var("FLUENT_TEST_S3").ok()?;
        let host = url.strip_prefix("http://").expect("FLUENT_TEST_S3 is a URL without TLS").trim_end_matches('/');
        // Names of directories for a while begin with a dot, which prefixes must not.
        let prefix = format!("a/{}", dir.file_name().unwrap().to_str().unwrap().trim_start_matches('.'));
        Some(Self { host: host.to_owned(), prefix })
    }

    /// Lets a server keep its files there.
    pub(crate) fn configure(&self, config: &mut Config, dir: &Path) {
        config.media.store = MediaStore::S3;
        config.media.s3.bucket = BUCKET.into();
        config.media.s3.endpoint = format!("http://{}", self.host);
        config.media.s3.prefix.clone_from(&self.prefix);
        config.media.s3.allow_http = true;
        config.media.s3.path_style = true;
        config.media.s3.credentials_file = credentials(dir);
    }

    /// Returns the same for a process.
    pub(crate) fn variables(&self, dir: &Path) -> Vec<(&'static str, String)> {
        vec![
            ("FLUENT__MEDIA__STORE", "s3".to_owned()),
            ("FLUENT__MEDIA__S3__BUCKET", BUCKET.to_owned()),
            ("FLUENT__MEDIA__S3__ENDPOINT", format!("http://{}", self.host)),
            ("FLUENT__MEDIA__S3__PREFIX", self.prefix.clone()),
            ("FLUENT__MEDIA__S3__ALLOW_HTTP", "true".to_owned()),
            ("FLUENT__MEDIA__S3__PATH_STYLE", "true".to_owned()),
            ("FLUENT__MEDIA__S3__CREDENTIALS_FILE", credentials(dir).display().to_string()),
        ]
    }

    /// Returns the names of the objects of the server, without the prefix.
    pub(crate) fn objects(&self) -> Vec<String> {
        let prefix = format!("{}/", self.prefix);
        let listed = self.ask("GET", &format!("?list-type=2&max-keys=1000&prefix={prefix}"));
        assert!(!listed.contains("<IsTruncated>true"), "more objects than a test makes");
        let keys = listed.split("<Key>").skip(1).map(|text| text.split("</Key>").next().unwrap_or_default());
        keys.filter_map(|key| key.strip_prefix(&prefix).map(str::to_owned)).collect()
    }

    /// Removes an object behind the back of the server.
    pub(crate) fn remove(&self, name: &str) {
        self.ask("DELETE", &format!("/{}/{name}", self.prefix));
    }

    /// Returns the body of a successful answer.
    fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let host = &self.host;
        let head = format!("{method} /{BUCKET}{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {SIGNED}");
        write!(stream, "{head}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
        answer
    }
}

/// Makes a file of keys, which nobody checks.
fn credentials(dir: &Path) -> std::path::PathBuf {
    let path = dir.join("s3.credentials");
    std::fs::write(&path, "[default]\naws_access_key_id = AKIAFLUENT\naws_secret_access_key = any\n").unwrap();
    path
}
