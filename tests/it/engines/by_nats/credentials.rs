//! NATS with users who have a token and a key, in the file that `cluster.nats_creds` names.

use fluent_backend::testing::{TestDatabase, share_instance_key};

use super::refused::one_line;
use super::{NO_FILES, SECRET, by_nats_alone, two_speak_by_nats};
use crate::support::binary::run;
use crate::support::nats::nats_with;
use crate::support::nats_operator::Operator;
use crate::support::postgres::database;

/// Starts a process with this file. It ends, and the reason is returned: one line that names the setting and the file.
async fn refused_start(database: &TestDatabase, url: &str, file: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let variables = [
        ("DATABASE_URL", database.url()),
        ("SECRET_KEY", SECRET),
        ("FLUENT__CLUSTER__NATS_URL", url),
        ("FLUENT__CLUSTER__NATS_CREDS", file),
        NO_FILES,
    ];
    share_instance_key(&dir.path().join("data"));
    let output = run(dir.path(), &[], &variables).await;
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.trim().lines().count(), 1, "{text}");
    assert!(text.contains("cluster.nats_creds") && text.contains(file), "{text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_log_in_at_nats_with_credentials() {
    let Some(database) = database().await else { return };
    let operator = Operator::new();
    let Some(nats) = nats_with(&operator.settings()).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let credentials = operator.credentials();
    let right = file("right.creds", &credentials);
    let with_credentials = |config: &mut fluent_backend::Config| {
        by_nats_alone(config);
        config.cluster.nats_creds.clone_from(&right);
    };
    let url = nats.url();
    two_speak_by_nats(&database, &url, with_credentials).await;

    // Of an operator whom this NATS does not know, and of nobody: the server serves without NATS.
    let strange = file("strange.creds", &Operator::new().credentials());
    one_line(&database, &[("NATS_URL", &url), ("NATS_CREDS", &strange)], "authorization").await;
    one_line(&database, &[("NATS_URL", &url)], "authorization").await;
    // What is no such file is an error of the settings.
    let seed = credentials.lines().find(|line| line.starts_with("SU")).unwrap();
    let half = file("half.creds", credentials.split("\n\n").next().unwrap());
    let broken = file("broken.creds", &credentials.replace(seed, "SUNOSEED"));
    for wrong in [half, broken, dir.path().join("none.creds").display().to_string()] {
        let text = refused_start(&database, &url, &wrong).await;
        assert!(!text.contains("eyJ") && !text.contains("SUNO"), "{text}");
    }
}
