//! The keys of providers, as `config check` and a start read them.

use fluent_backend::clock::Clock;
use fluent_backend::config::Config;
use fluent_backend::push::{Providers, Sender as _};

use super::Line;
use crate::support::binary::run;

/// Sets the file of a key.
type Set = fn(&mut Config, String);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_configured_is_not_offered() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::defaults().unwrap();
    config.server.data_dir = dir.path().into();
    let providers = Providers::open(&config, &Clock::system()).unwrap();
    assert!(providers.offers().is_empty());
    assert_eq!(serde_json::to_value(providers.offers()).unwrap(), serde_json::json!({}));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "no key is made");
    let line = Line::start_with(|config| config.push.enabled = false).await;
    assert!(line.providers.offers().is_empty());
    let subscription = line.doubles.webpush.subscribe();
    assert!(line.providers.check(&subscription.address()).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_wrong_are_found_by_a_check_and_keep_the_server_from_starting() {
    let line = Line::start().await;
    let dir = tempfile::tempdir().unwrap();
    let broken = dir.path().join("broken");
    std::fs::write(&broken, "marker").unwrap();
    let broken = broken.display().to_string();
    let mut config = Config::defaults().unwrap();
    config.server.data_dir = dir.path().join("data");
    line.doubles.configure(&mut config);
    assert_eq!(Providers::check_files(&config).len(), 0);
    let set: [(&str, Set); 4] = [
        ("push.fcm.service_account_file", |config, file| config.push.fcm.service_account_file = file),
        ("push.apns.key_file", |config, file| config.push.apns.key_file = file),
        ("push.webpush.vapid_key_file", |config, file| config.push.webpush.vapid_key_file = file),
        ("push.ca_file", |config, file| config.push.ca_file = file),
    ];
    for (key, set) in set {
        for file in [broken.clone(), dir.path().join("missing").display().to_string()] {
            let mut config = config.clone();
            set(&mut config, file.clone());
            let found: Vec<String> = Providers::check_files(&config).iter().map(ToString::to_string).collect();
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(key) && found[0].contains(&file) && !found[0].contains("marker"), "{found:?}");
            assert!(Providers::open(&config, &Clock::system()).is_err());
        }
    }
    assert!(!dir.path().join("data").exists(), "a check changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_web_push_is_shown_and_replaced_only_when_that_is_meant() {
    let line = Line::start().await;
    let dir = line.dir.path();
    let data = dir.display().to_string();
    let key = line.providers.offers().webpush.unwrap().vapid_public_key;
    let variables = [("FLUENT__SERVER__DATA_DIR", data.as_str())];
    let shown = run(dir, &["push", "vapid", "show"], &variables).await;
    assert_eq!(String::from_utf8_lossy(&shown.stdout).trim(), key);
    let refused = run(dir, &["push", "vapid", "rotate"], &variables).await;
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("--yes"));
    let rotated = run(dir, &["push", "vapid", "rotate", "--yes"], &variables).await;
    assert!(rotated.status.success());
    let shown = run(dir, &["push", "vapid", "show"], &variables).await;
    let shown = String::from_utf8_lossy(&shown.stdout).trim().to_owned();
    assert!(shown != key && String::from_utf8_lossy(&rotated.stdout).contains(&shown));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_the_settings_names_what_push_services_would_refuse() {
    let dir = tempfile::tempdir().unwrap();
    let check = async |name: &str, value: &str| {
        let output = run(dir.path(), &["config", "check"], &[(name, value)]).await;
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (is_valid, said) = check("FLUENT__PUSH__WEBPUSH__CONTACT", "mailto:admin@localhost").await;
    assert!(!is_valid && said.contains("push.webpush.contact") && said.contains("Apple"), "{said}");
    let (is_valid, said) = check("FLUENT__PUSH__FCM__SERVICE_ACCOUNT_FILE", "/does/not/exist.json").await;
    assert!(is_valid && said.contains("/does/not/exist.json"), "{said}");
    let (is_valid, said) = check("FLUENT__PUSH__APNS__KEY_FILE", "/does/not/exist.p8").await;
    assert!(!is_valid && said.contains("push.apns.key_id"), "{said}");
    let (is_valid, said) = check("FLUENT__PUSH__WEBPUSH__ALLOW", "https://push.lan").await;
    assert!(!is_valid && said.contains("push.lan:8443"), "{said}");
}
