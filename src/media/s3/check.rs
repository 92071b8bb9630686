//! What an operator wants to know of a bucket: whether files can be kept in it, and whether it forgets what nobody will
//! finish.

use std::io;

use bytes::Bytes;
use object_store::aws::AwsAuthorizer;
use object_store::client::{HttpRequest, HttpRequestBody};

use super::bucket::{Bucket, away};
use super::client;
use crate::config::MediaS3;

/// What was found.
#[derive(Debug)]
pub struct BucketCheck {
    /// Whether an object could be put, read and removed, and objects listed.
    pub works: io::Result<()>,
    /// Whether a rule ends uploads in parts that nobody completes; an error where the service does not tell.
    pub ends_uploads: io::Result<bool>,
}

/// Tries a bucket: puts a small object beside those of files, reads it and removes it.
pub async fn check(settings: &MediaS3) -> io::Result<BucketCheck> {
    let bucket = client::open(settings)?;
    let works = round_trip(&bucket).await;
    let ends_uploads = if works.is_ok() { ends_uploads(&bucket).await } else { Err(away("it was not asked")) };
    Ok(BucketCheck { works, ends_uploads })
}

async fn round_trip(bucket: &Bucket) -> io::Result<()> {
    use futures_util::StreamExt as _;
    let path = bucket.path(&format!("check-{:016x}", rand::random::<u64>()));
    let content = Bytes::from_static(b"Written by `fluent-backend doctor`, which removes it.");
    bucket.put(&path, vec![content.clone()]).await?;
    let got = bucket.get_whole(&path).await;
    let listed = bucket.list(Some(bucket.path("up"))).next().await.transpose();
    bucket.delete(&path).await?;
    listed?;
    if got? == content { Ok(()) } else { Err(away("what was read is not what was written")) }
}

/// Asks for the rules of the bucket
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html>).
async fn ends_uploads(bucket: &Bucket) -> io::Result<bool> {
    let credential = bucket.s3().credentials().get_credential().await.map_err(away)?;
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.uri_mut() = format!("{}?lifecycle", bucket.url).parse().map_err(away)?;
    AwsAuthorizer::new(&credential, "s3", &bucket.region).try_authorize(&mut request, None).map_err(away)?;
    let answer = bucket.http.execute(request).await.map_err(away)?;
    let status = answer.status();
    let body = answer.into_body().bytes().await.map_err(away)?;
    let text = String::from_utf8_lossy(&body);
    if status.is_success() {
        Ok(has_rule(&text))
    } else if text.contains("NoSuchLifecycleConfiguration") {
        Ok(false)
    } else {
        Err(away(format!("status {status}")))
    }
}

/// Returns whether a rule is on that ends uploads in parts.
fn has_rule(text: &str) -> bool {
    text.split("<Rule>")
        .skip(1)
        .any(|rule| rule.contains("<Status>Enabled</Status>") && rule.contains("<AbortIncompleteMultipartUpload>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_rule_that_is_on_ends_uploads() {
        let rule = |status: &str, action: &str| {
            format!("<LifecycleConfiguration><Rule><Status>{status}</Status><{action}>…</{action}></Rule>")
        };
        assert!(has_rule(&rule("Enabled", "AbortIncompleteMultipartUpload")));
        assert!(!has_rule(&rule("Disabled", "AbortIncompleteMultipartUpload")));
        assert!(!has_rule(&rule("Enabled", "Expiration")));
        let both = rule("Enabled", "Expiration") + &rule("Disabled", "AbortIncompleteMultipartUpload");
        assert!(!has_rule(&both) && !has_rule(""));
    }
}
