//! Keys in a file, as programs for AWS have it
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>).

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use object_store::aws::AwsCredential;
use object_store::{CredentialProvider, Error};

/// The profile that is read.
const PROFILE: &str = "default";

/// The keys of a file, which is read with each request: new ones count at once.
#[derive(Debug)]
pub(super) struct CredentialsFile(pub(super) PathBuf);

impl CredentialsFile {
    pub(super) fn read(&self) -> Result<AwsCredential, String> {
        let text = std::fs::read_to_string(&self.0);
        let text = text.map_err(|error| format!("cannot read {}: {error}", self.0.display()))?;
        parse(&text).ok_or_else(|| format!("{} has no keys for the profile {PROFILE}", self.0.display()))
    }
}

impl CredentialProvider for CredentialsFile {
    type Credential = AwsCredential;

    fn get_credential<'a, 'async_trait>(
        &'a self,
    ) -> Pin<Box<dyn Future<Output = object_store::Result<Arc<AwsCredential>>> + Send + 'async_trait>>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        let found = self.read().map(Arc::new).map_err(|text| Error::Generic { store: "S3", source: text.into() });
        Box::pin(std::future::ready(found))
    }
}

/// Returns the keys of the profile; lines before any profile are its own.
fn parse(text: &str) -> Option<AwsCredential> {
    let (mut profile, mut key_id, mut secret_key, mut token) = (PROFILE, None, None, None);
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            profile = name.trim();
        } else if let Some((name, value)) = line.split_once('=').filter(|_| profile == PROFILE) {
            let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
            match name.trim() {
                "aws_access_key_id" => key_id = value,
                "aws_secret_access_key" => secret_key = value,
                "aws_session_token" => token = value,
                _ => {}
            }
        }
    }
    Some(AwsCredential { key_id: key_id?, secret_key: secret_key?, token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_the_default_profile_are_read() {
        let text = "[other]\naws_access_key_id=x\n\n[default]\n# a comment\naws_access_key_id = AKID\n\
                    aws_secret_access_key = a/b+c=\nregion = eu\n[last]\naws_session_token = t\n";
        let found = parse(text).unwrap();
        assert_eq!((&*found.key_id, &*found.secret_key, found.token), ("AKID", "a/b+c=", None));
        let found = parse("aws_access_key_id=A\naws_secret_access_key=B\naws_session_token=C").unwrap();
        assert_eq!(found.token.as_deref(), Some("C"));
        for bad in ["", "[default]\naws_access_key_id=A", "[x]\naws_access_key_id=A\naws_secret_access_key=B"] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
