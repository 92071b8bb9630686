//! `[media.s3]`: a bucket of S3, or of what speaks its protocol.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::ConfigError;
use crate::config::error::require;

/// Bytes of a part of an upload. All parts but the last have it: S3 wants 5 MiB at least
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>), others want them equal
/// (<https://developers.cloudflare.com/r2/objects/multipart-objects/#limitations>).
pub const S3_PART: u64 = 8 * 1024 * 1024;
/// Most parts of an upload (the page of S3 above).
const MAX_PARTS: u64 = 10_000;
/// Longest wait for an answer, in seconds.
const MAX_TIMEOUT_S: u64 = 300;

/// `[media.s3]`: where files are with `media.store = "s3"`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MediaS3 {
    /// The name of the bucket.
    pub bucket: String,
    /// The region; empty: `AWS_REGION`, or else us-east-1.
    pub region: String,
    /// The URL of the service; empty: that of AWS.
    pub endpoint: String,
    /// What the names of all objects begin with.
    pub prefix: String,
    /// Whether the endpoint may be without TLS.
    pub allow_http: bool,
    /// Whether the bucket is in the path of URLs, not in their host.
    pub path_style: bool,
    /// A file of credentials as programs for AWS have it; empty: the environment or the machine has them.
    pub credentials_file: PathBuf,
    /// A file of certificates in PEM that are trusted besides those of the system; empty: none.
    pub ca_file: PathBuf,
    /// Seconds without an answer after which a request has failed.
    pub timeout_s: u64,
}

impl MediaS3 {
    pub(super) fn validate(&self, max_bytes: u64) -> Result<(), ConfigError> {
        let key = |name: &str| format!("media.s3.{name}");
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let is_bucket = !self.bucket.is_empty() && self.bucket.chars().all(is_name);
        require(is_bucket, key("bucket"), "must name a bucket, since media.store is \"s3\"")?;
        let is_prefix =
            |segment: &str| !segment.is_empty() && segment.chars().all(is_name) && !segment.starts_with('.');
        require(
            self.prefix.is_empty() || self.prefix.trim_end_matches('/').split('/').all(is_prefix),
            key("prefix"),
            "must be names of letters, digits, '-', '_' and '.' with '/' between, and none in front",
        )?;
        if !self.endpoint.is_empty() {
            let url = Url::parse(&self.endpoint).ok().filter(|url| url.has_host() && url.query().is_none());
            let scheme = url.as_ref().map(Url::scheme);
            require(matches!(scheme, Some("https" | "http")), key("endpoint"), "must be a URL such as https://host")?;
            require(
                scheme == Some("https") || self.allow_http,
                key("endpoint"),
                "is without TLS: the names of files and when they are read would be open to the network; \
                 media.s3.allow_http = true allows it",
            )?;
        }
        require((1..=MAX_TIMEOUT_S).contains(&self.timeout_s), key("timeout_s"), "must be 1 to 300")?;
        require(
            max_bytes <= S3_PART * MAX_PARTS,
            "media.max_bytes",
            "must be at most 83886080000 with media.store = \"s3\": an upload has at most 10000 parts",
        )
    }
}

/// Returns an error where the program cannot use a bucket.
pub(super) fn require_feature(is_there: bool) -> Result<(), ConfigError> {
    require(
        is_there,
        "media.store",
        "is \"s3\", which this program was built without: build it with `cargo build --release --features s3`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn settings() -> MediaS3 {
        MediaS3 { bucket: "files".to_owned(), ..Config::defaults().unwrap().media.s3 }
    }

    #[test]
    fn a_program_without_the_feature_says_how_it_is_built() {
        assert!(require_feature(true).is_ok());
        let error = require_feature(false).unwrap_err().to_string();
        assert!(error.contains("--features s3") && !error.contains('\n'), "{error}");
    }

    type Change = fn(&mut MediaS3);

    #[test]
    fn what_cannot_be_a_bucket_is_refused() {
        assert!(settings().validate(100).is_ok());
        let wrong: [(&str, Change); 8] = [
            ("bucket", |s3| s3.bucket.clear()),
            ("bucket", |s3| s3.bucket = "a/b".to_owned()),
            ("prefix", |s3| s3.prefix = "/a".to_owned()),
            ("prefix", |s3| s3.prefix = "a/../b".to_owned()),
            ("endpoint", |s3| s3.endpoint = "minio:9000".to_owned()),
            ("endpoint", |s3| s3.endpoint = "http://minio:9000".to_owned()),
            ("timeout_s", |s3| s3.timeout_s = 0),
            ("timeout_s", |s3| s3.timeout_s = 301),
        ];
        for (key, change) in wrong {
            let mut s3 = settings();
            change(&mut s3);
            let error = s3.validate(100).unwrap_err().to_string();
            assert!(error.contains(&format!("media.s3.{key} ")), "{key}: {error}");
        }
        let plain = MediaS3 { endpoint: "http://minio:9000".to_owned(), allow_http: true, ..settings() };
        assert!(plain.validate(100).is_ok());
        assert!(MediaS3 { prefix: "a/b/".to_owned(), ..settings() }.validate(100).is_ok());
        assert!(settings().validate(S3_PART * MAX_PARTS + 1).unwrap_err().to_string().contains("media.max_bytes"));
    }
}
