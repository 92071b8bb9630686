//! The file with the key of a Google service account.

use http::Uri;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::config::Fcm;
use crate::push::PushError;
use crate::push::files::NamedFile;
use crate::push::jwt::SigningKey;

/// What Google's file holds, as far as it is used.
#[derive(Deserialize)]
struct Content {
    #[serde(rename = "type")]
    kind: String,
    project_id: String,
    private_key_id: String,
    private_key: SecretString,
    client_email: String,
    token_uri: String,
}

/// A service account.
pub(super) struct Account {
    /// The project whose apps it may wake.
    pub(super) project_id: String,
    /// Its name.
    pub(super) client_email: String,
    /// Where it gets access tokens.
    pub(super) token_uri: String,
    /// The name of its key.
    pub(super) key_id: String,
    /// Its key.
    pub(super) key: SigningKey,
}

impl Account {
    /// Reads the file that the settings name.
    pub(super) fn load(fcm: &Fcm) -> Result<Self, PushError> {
        let file = NamedFile::new("push.fcm.service_account_file", &fcm.service_account_file);
        let text = file.read()?;
        // The position alone: the reason may repeat a value.
        let content: Content = serde_json::from_slice(&text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            file.wrong(format!("is not the key of a service account in JSON (line {line}, column {column})"))
        })?;
        if content.kind != "service_account" {
            return Err(file.wrong("is of another type than service_account"));
        }
        let is_project = |c: u8| c.is_ascii_alphanumeric() || b"-.:".contains(&c);
        if content.project_id.is_empty() || !content.project_id.bytes().all(is_project) {
            return Err(file.wrong("holds no project_id"));
        }
        let uri: Option<Uri> = content.token_uri.parse().ok();
        if !uri.is_some_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some()) {
            return Err(file.wrong("holds a token_uri that is no https URL"));
        }
        let key = SigningKey::rs256(content.private_key.expose_secret().as_bytes())
            .map_err(|reason| file.wrong(format!("{reason} as private_key")))?;
        let Content { project_id, private_key_id: key_id, client_email, token_uri, .. } = content;
        Ok(Self { project_id, client_email, token_uri, key_id, key })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn message(dir: &Path, text: &str) -> String {
        let path = dir.join("account.json");
        std::fs::write(&path, text).unwrap();
        let service_account_file = path.display().to_string();
        let fcm = Fcm { service_account_file, endpoint: String::new() };
        Account::load(&fcm).err().unwrap().to_string()
    }

    #[test]
    fn a_file_that_is_wrong_is_named_and_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let account = |kind: &str, project: &str, key: &str, uri: &str| {
            format!(
                r#"{{"type":"{kind}","project_id":"{project}","private_key_id":"1","private_key":"{key}",
                    "client_email":"marker@example.com","token_uri":"{uri}"}}"#
            )
        };
        let key = r"-----BEGIN PRIVATE KEY-----\nbWFya2Vy\n-----END PRIVATE KEY-----\n";
        for (text, wrong) in [
            ("marker".to_owned(), "line 1"),
            ("{\"type\":\"marker\"}".to_owned(), "in JSON"),
            (account("authorized_user", "p", key, "https://x.example/"), "service_account"),
            (account("service_account", "p/../q", key, "https://x.example/"), "project_id"),
            (account("service_account", "p", key, "http://x.example/marker"), "token_uri"),
            (account("service_account", "p", key, "https://x.example/"), "holds no RSA key as private_key"),
            (account("service_account", "p", "marker", "https://x.example/"), "PKCS #8"),
        ] {
            let message = message(dir.path(), &text);
            assert!(message.contains(wrong) && message.contains("account.json"), "{message}");
            assert!(message.contains("push.fcm.service_account_file") && !message.contains("marker"), "{message}");
            assert_eq!(message.lines().count(), 1, "{message}");
        }
    }
}
