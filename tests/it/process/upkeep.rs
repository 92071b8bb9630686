//! Commands of operators say on which database they act, act on none that is not there, and name causes once.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use fluent_backend::testing::{TestClient, TestData};

use crate::support::binary::{ServerProcess, run, run_on};
use crate::support::postgres;

const FREE: [(&str, &str); 2] = [("FLUENT__SERVER__LISTEN", "127.0.0.1:0"), ("FLUENT__ADMIN__LISTEN", "127.0.0.1:0")];
const NEED_A_STORE: [&[&str]; 5] = [
    &["database", "new-epoch"],
    &["database", "compact"],
    &["migrate", "status"],
    &["backup", "--to", "backup.db"],
    &["copy-db", "--from", "sqlite://data/fluent.db", "--to", "sqlite://copy.db"],
];

async fn refused(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> String {
    let output = run(dir, args, variables).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{args:?} {error}");
    error
}

#[tokio::test]
async fn a_store_that_is_not_there_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    for args in NEED_A_STORE {
        let error = refused(dir.path(), args, &[]).await;
        assert!(error.contains("data/fluent.db"), "{args:?}: {error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "{args:?} has made something");
    }
    // Nor is a file without a store taken for one.
    std::fs::create_dir(dir.path().join("data")).unwrap();
    std::fs::write(dir.path().join("data/fluent.db"), "").unwrap();
    for args in NEED_A_STORE {
        let error = refused(dir.path(), args, &[]).await;
        assert!(error.contains("data/fluent.db"), "{args:?}: {error}");
        assert_eq!(std::fs::metadata(dir.path().join("data/fluent.db")).unwrap().len(), 0, "{args:?}");
    }
}

#[tokio::test]
async fn an_empty_postgresql_database_stays_empty() {
    let Some(database) = postgres::database().await else { return };
    let dir = tempfile::tempdir().unwrap();
    for args in &NEED_A_STORE[..3] {
        let error = refused(dir.path(), args, &[("DATABASE_URL", database.url())]).await;
        assert!(error.contains(database.name()) && error.contains("no store"), "{args:?}: {error}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// The error names the database and leaves out the user who connects.
#[tokio::test]
async fn every_command_names_its_database() {
    let data = TestData::new().await;
    let name = if data.is_sqlite() { "data/fluent.db" } else { data.url().rsplit('/').next().unwrap() };
    let name = name.split('?').next().unwrap();
    for args in [&["migrate", "up"][..], &["migrate", "status"], &["database", "new-epoch"], &["database", "compact"]] {
        let output = run_on(&data, args, &[]).await;
        let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success() && told.contains(name), "{args:?}: {told}");
        assert!(!told.contains("postgres://") && !told.contains('@'), "{args:?}: {told}");
    }
    if data.is_sqlite() {
        for args in [&["backup", "--to", "b.db"][..], &["restore", "--force", "--from", "b.db"]] {
            let output = run_on(&data, args, &[]).await;
            let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(output.status.success() && told.contains(name) && told.contains("b.db"), "{args:?}: {told}");
        }
    }
}

/// A server on PostgreSQL would go on with the old epoch.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_connected_keeps_its_epoch() {
    let Some(database) = postgres::database().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let variables = [("DATABASE_URL", database.url())];
    let server = ServerProcess::start(dir.path(), &variables).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let epoch = async |alice: &TestClient| {
        let (device, _) = alice.live_device("a", None).await;
        device.cursor(0)
    };
    let before = epoch(&alice).await;
    for args in [&["database", "new-epoch"][..], &["database", "compact"]] {
        let error = refused(dir.path(), args, &variables).await;
        assert!(error.contains("a fluent-backend is connected") && error.contains(database.name()), "{error}");
    }
    assert_eq!(epoch(&alice).await, before);
    assert!(server.stop().await.success());
    let output = run(dir.path(), &["database", "new-epoch"], &variables).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// When something cannot be read or made, the error line names it and the cause, each once.
#[tokio::test]
async fn an_error_names_the_file_and_the_cause_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    std::fs::create_dir(file("a.directory")).unwrap();
    std::fs::write(file("junk.db"), "this is no database, but it is long enough to look at".repeat(100)).unwrap();
    std::fs::write(file("plain"), "").unwrap();
    std::fs::create_dir(file("locked")).unwrap();
    std::fs::create_dir(file("locked/fluent.db-lock")).unwrap();
    let sound = tempfile::tempdir().unwrap();
    assert!(run(sound.path(), &["migrate", "up"], &[]).await.status.success());
    let mut bytes = std::fs::read(sound.path().join("data/fluent.db")).unwrap();
    bytes[100..4096].fill(0xa5);
    std::fs::write(file("damaged.db"), bytes).unwrap();
    let cases: [(&[&str], &str, &str, &str, &str); 12] = [
        (&["--config", "a.directory"], "", "", "a.directory", "s a directory"),
        (&["--config", "missing.toml"], "", "", "missing.toml", "No such file"),
        (&[], "DATABASE_URL", "sqlite://junk.db", "junk.db", "not a database"),
        (&["migrate", "up"], "DATABASE_URL", "sqlite://junk.db", "junk.db", "not a database"),
        (&["migrate", "status"], "DATABASE_URL", "sqlite://junk.db", "junk.db", "not a database"),
        (&["database", "compact"], "DATABASE_URL", "sqlite://junk.db", "junk.db", "not a database"),
        (&["backup", "--to", "b.db"], "DATABASE_URL", "sqlite://junk.db", "junk.db", "not a database"),
        (&[], "DATABASE_URL", "sqlite://damaged.db", "damaged.db", "malformed"),
        (&[], "DATABASE_URL", "sqlite://a.directory", "a.directory", "a directory"),
        (&[], "DATABASE_URL", "sqlite://no/such.db", "no/such.db", "directory"),
        (&[], "FLUENT__SERVER__DATA_DIR", "plain/data", "plain/data", "Not a directory"),
        (&[], "FLUENT__SERVER__DATA_DIR", "locked", "fluent.db-lock", "s a directory"),
    ];
    for (args, name, value, subject, cause) in cases {
        let variables: Vec<_> =
            FREE.into_iter().chain([(name, value)].into_iter().filter(|(n, _)| !n.is_empty())).collect();
        let error = refused(dir.path(), args, &variables).await;
        for once in [subject, cause] {
            assert_eq!(error.matches(once).count(), 1, "{args:?} {value}: `{once}` in {error}");
        }
    }
}

/// Files whose permissions count.
#[tokio::test]
async fn a_file_that_may_not_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    assert!(run(dir.path(), &["migrate", "up"], &[]).await.status.success());
    let database = dir.path().join("data/fluent.db");
    std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o000)).unwrap();
    let output = ServerProcess::start_without_privilege(dir.path()).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
    assert_eq!(error.matches("data/fluent.db").count(), 1, "{error}");
    // The superuser may read it all the same.
    let causes = ["ermission denied", "readonly database"].map(|cause| error.matches(cause).count());
    assert_eq!(causes.iter().sum::<usize>(), 1, "{error}");
}
