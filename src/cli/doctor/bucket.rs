//! The bucket of files: whether it can be used, and forgets what nobody will finish.

use fluent_backend::Config;
use fluent_backend::config::MediaS3;
use fluent_backend::media::s3::{BucketCheck, check};

use super::finding::Finding;

/// What a server needs.
const RIGHTS: &str = "look at media.s3 and the keys, which must allow s3:GetObject, s3:PutObject, s3:DeleteObject, \
                      s3:AbortMultipartUpload and s3:ListBucket";
const RULE: &str = "a lifecycle rule with AbortIncompleteMultipartUpload, 2 days or more after the beginning \
                    (docs/operations/media.md)";

pub(super) async fn look(config: &Config) -> Vec<Finding> {
    if !config.media.enabled || config.media.is_local() {
        return Vec::new();
    }
    let settings = &config.media.s3;
    match check(settings).await {
        Ok(found) => findings(settings, found),
        Err(error) => vec![unusable(&error)],
    }
}

fn findings(settings: &MediaS3, found: BucketCheck) -> Vec<Finding> {
    if let Err(error) = found.works {
        return vec![unusable(&error)];
    }
    let works = format!("in {} an object was put, read, listed and removed", settings.bucket);
    let rule = match found.ends_uploads {
        Ok(true) => Finding::fine("bucket", "a rule ends uploads that nobody completes"),
        Ok(false) => Finding::warning("bucket", "no rule ends uploads that nobody completes")
            .since("their parts are paid for and listed nowhere")
            .mended_by(RULE),
        Err(error) => Finding::warning("bucket", format!("its rules are not known: {error}"))
            .since("parts of uploads that nobody completes are paid for and listed nowhere")
            .mended_by(format!("{RULE}; s3:GetLifecycleConfiguration lets this be checked")),
    };
    vec![Finding::fine("bucket", works), rule]
}

fn unusable(error: &std::io::Error) -> Finding {
    Finding::error("bucket", error.to_string()).since("no file can be uploaded or read").mended_by(RIGHTS)
}
