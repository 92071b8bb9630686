//! Whose the files are, and who else may read them.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use fluent_backend::Config;

use super::finding::Finding;

/// Permissions of the group and of others.
const NOT_OWNER: u32 = 0o077;
/// Permissions of others.
const OTHERS: u32 = 0o007;

pub(super) fn look(config: &Config, file: Option<&Path>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let data_dir = &config.server.data_dir;
    if config.uses_data_dir() {
        findings.extend(directory(data_dir));
    }
    let secrets = [config.secret_file(), config.instance_key_file(), config.vapid_key_file()];
    let keys = std::fs::read_dir(config.token_keys_dir()).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut seen = Vec::new();
    for path in secrets.into_iter().chain(keys).filter(|path| path.is_file()) {
        if !seen.contains(&path) {
            findings.extend(secret(&path, NOT_OWNER));
            seen.push(path);
        }
    }
    // Often the group of those that renew certificates may read it.
    if config.tls.is_on() {
        findings.extend(secret(&config.tls.key, OTHERS));
    }
    findings.extend(file.and_then(settings));
    if findings.is_empty() {
        findings.push(Finding::fine("files", "secrets and data are readable to their owner alone"));
    }
    findings
}

fn directory(path: &Path) -> Option<Finding> {
    let Ok(metadata) = std::fs::metadata(path) else {
        return Some(Finding::fine("files", format!("{} is made at the first start", path.display())));
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & NOT_OWNER != 0 {
        let found = format!("{} has mode {mode:04o}: other users of this machine may look into it", path.display());
        let cure = format!("chmod 700 {}", path.display());
        return Some(Finding::warning("files", found).since("it holds keys and the database").mended_by(cure));
    }
    let user = rustix::process::geteuid();
    if metadata.uid() != user.as_raw() && !user.is_root() {
        let found = format!("{} belongs to the user {}, not to this one", path.display(), metadata.uid());
        let cure = "run this as the user that the server runs as";
        return Some(Finding::warning("files", found).since("what is in it cannot be looked at").mended_by(cure));
    }
    None
}

fn secret(path: &Path, forbidden: u32) -> Option<Finding> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & forbidden != 0).then(|| {
        Finding::error("files", format!("{} has mode {mode:04o}: others may read it", path.display()))
            .since("whoever has this secret can sign tokens, or read what it protects")
            .mended_by(format!("chmod 600 {}", path.display()))
    })
}

/// Returns whether a file of settings with secrets in it can be read by everybody.
fn settings(path: &Path) -> Option<Finding> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let parsed: toml::Table = std::fs::read_to_string(path).ok()?.parse().ok()?;
    let text = |section: &str, key: &str| parsed.get(section)?.get(key)?.as_str().map(ToOwned::to_owned);
    let has_secret = text("auth", "secret_key").is_some_and(|secret| !secret.is_empty());
    let has_password = text("database", "url").and_then(|url| url.parse::<url::Url>().ok()?.password().map(|_| ()));
    (mode & OTHERS != 0 && (has_secret || has_password.is_some())).then(|| {
        Finding::error("files", format!("{} holds a secret, and has mode {mode:04o}", path.display()))
            .since("every user of this machine can read it")
            .mended_by("move SECRET_KEY and DATABASE_URL into a file that only root reads (EnvironmentFile=)")
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::cli::doctor::Level;

    fn file(dir: &Path, name: &str, content: &str, mode: u32) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn what_others_may_read_is_found() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let mut config = Config::defaults().unwrap();
        config.server.data_dir = dir.path().to_owned();
        assert_eq!(look(&config, None).iter().map(|finding| finding.level).collect::<Vec<_>>(), [Level::Fine]);
        file(dir.path(), "secret.key", "x", 0o640);
        let found = look(&config, None);
        assert_eq!((found.len(), found[0].level), (1, Level::Error));
        assert!(found[0].found.contains("secret.key has mode 0640"), "{}", found[0].found);
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(look(&config, None).iter().any(|finding| finding.level == Level::Warning));
    }

    #[test]
    fn settings_with_secrets_are_for_the_server_alone() {
        let dir = tempfile::tempdir().unwrap();
        for (content, mode, is_found) in [
            ("[auth]\nsecret_key = \"0123456789\"", 0o644, true),
            ("[auth]\nsecret_key = \"0123456789\"", 0o640, false),
            ("[auth]\nsecret_key = \"\"", 0o644, false),
            ("[database]\nurl = \"postgres://fluent:hunter2@db/fluent\"", 0o644, true),
            ("[database]\nurl = \"postgres://db/fluent\"", 0o644, false),
        ] {
            assert_eq!(settings(&file(dir.path(), "fluent.toml", content, mode)).is_some(), is_found, "{content}");
        }
    }
}
