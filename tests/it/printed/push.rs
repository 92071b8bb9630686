//! The settings and commands for waking devices.

use std::collections::HashMap;
use std::process::Command;

use fluent_backend::Config;
use fluent_backend::push::vapid_public_key;

use super::markdown::block;

pub(super) const SETTINGS_TEST: &str = "the_settings_for_a_push_service_of_ones_own_are_taken";
pub(super) const KEY_TEST: &str = "the_key_that_openssl_makes_is_taken";

#[test]
fn the_settings_for_a_push_service_of_ones_own_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fluent.toml");
    std::fs::write(&path, block("docs/operations/push.md", "[push.webpush]")).unwrap();
    let config = Config::load(Some(&path), HashMap::new()).unwrap();
    let allowed: Vec<String> = config.push.webpush.allow.iter().map(ToString::to_string).collect();
    assert_eq!(allowed, ["ntfy.lan:8443", "192.168.7.9/32"]);
    assert!(config.push.makes_webpush());
}

#[test]
fn the_key_that_openssl_makes_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let text = block("docs/operations/push.md", "openssl genpkey");
    let output = Command::new("bash").args(["-ec", &text]).current_dir(dir.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut config = Config::defaults().unwrap();
    config.push.webpush.vapid_key_file = dir.path().join("vapid.pem").display().to_string();
    assert_eq!(vapid_public_key(&config).unwrap().len(), 87);
}
