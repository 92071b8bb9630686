//! How the server connects to PostgreSQL: encrypted or not, and with which settings.

use std::time::Duration;

use fluent_backend::storage::Storage;
use fluent_backend::storage::testing::databases::{idle_limits, migrate_only};
use fluent_backend::testing::{PostgresSettings, TestData, TestServer};
use http::StatusCode;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sea_orm::{ConnectionTrait as _, Database, DatabaseBackend, Statement, TransactionTrait as _};

use super::two_servers::SECRET;
use crate::support::postgres::{Postgres, database};

/// The certificate of an authority, and one for the name that it has signed, with its key.
pub(super) fn certificates(name: &str) -> (String, (String, String)) {
    let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    (root, (certificate.pem(), key.serialize_pem()))
}

/// A port that is free now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A number that the database returns.
async fn number(url: &str, sql: &str) -> i64 {
    let db = Database::connect(url).await.unwrap();
    let row = db.query_one_raw(Statement::from_string(DatabaseBackend::Postgres, sql)).await.unwrap().unwrap();
    let number = row.try_get_by_index(0).unwrap();
    db.close().await.unwrap();
    number
}

#[tokio::test(flavor = "multi_thread")]
async fn the_url_decides_about_tls() {
    let (root, certificate) = certificates("localhost");
    let port = free_port();
    let settings = PostgresSettings { port: Some(port), certificate: Some(certificate), ..PostgresSettings::default() };
    let Some(postgres) = Postgres::start_with(settings).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let root_file = dir.path().join("root.pem");
    std::fs::write(&root_file, root).unwrap();
    let root_file = root_file.display();
    // Host, parameters, and whether the connection is encrypted; none: it is refused.
    let cases = [
        ("localhost", format!("sslmode=verify-full&sslrootcert={root_file}"), Some(true)),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={root_file}"), None),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={root_file}"), Some(true)),
        ("localhost", "sslmode=verify-full".to_owned(), None),
        ("localhost", "sslmode=require".to_owned(), Some(true)),
        ("localhost", "ssl=prefer".to_owned(), Some(true)),
        ("localhost", String::new(), Some(true)),
        ("localhost", "sslmode=disable".to_owned(), Some(false)),
    ];
    for (host, parameters, encrypted) in cases {
        let url = format!("postgres://fluent@{host}:{port}/fluent?{parameters}");
        let mut config = TestServer::config();
        config.database.url = url.clone().into();
        let Some(encrypted) = encrypted else {
            let error = Storage::migration_state(&config).await.unwrap_err().to_string();
            assert!(error.to_lowercase().contains("certificate"), "{parameters}: {error}");
            continue;
        };
        let server = TestServer::start_with(|config| {
            config.auth.secret_key = SECRET.into();
            config.database.url = url.into();
        });
        let server = server.await;
        let sql = format!(
            "SELECT COUNT(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) \
             WHERE application_name = 'fluent-backend' AND ssl = {encrypted}"
        );
        assert!(number(&postgres.url("fluent"), &sql).await > 0, "{host} {parameters}");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_on_its_side_a_connection_that_must_have_it_is_refused() {
    let port = free_port();
    let settings = PostgresSettings { port: Some(port), ..PostgresSettings::default() };
    let Some(_postgres) = Postgres::start_with(settings).await else { return };
    let mut config = TestServer::config();
    config.database.url = format!("postgres://fluent@localhost:{port}/fluent?sslmode=require").into();
    let error = Storage::migration_state(&config).await.unwrap_err().to_string();
    assert!(error.to_lowercase().contains("tls"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_counted_and_named_as_configured() {
    let Some(database) = database().await else { return };
    let data = TestData::postgres(database);
    let clock = fluent_backend::clock::Clock::system();
    let server = TestServer::start_on(data.clone(), clock.clone(), |config| {
        config.database.application_name = "fluent under test".to_owned();
        config.database.max_connections = 1;
        config.database.write_connections = 1;
    })
    .await;
    let alice = server.sign_up("alice").await;
    let (mut device, _) = alice.live_device("a", None).await;
    device.store(alice.id, "a note").await;
    let mine = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = ";
    let open = number(data.url(), &format!("{mine}'fluent under test'")).await;
    assert!((1..=6).contains(&open), "one each for batches, reads, writes, clearing away, journal, pushes: {open}");
    server.stop().await;

    let url = format!("{}?application_name=mine", data.url());
    let server = TestServer::start_on(data.clone(), clock, |config| config.database.url = url.into()).await;
    assert!(number(data.url(), &format!("{mine}'mine'")).await > 0, "the URL's name counts");
    server.stop().await;
}

/// A statement that waits too long is given up, and the request is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_ends_at_its_timeout() {
    let Some(database) = database().await else { return };
    let data = TestData::postgres(database);
    let server = TestServer::start_on(data.clone(), fluent_backend::clock::Clock::system(), |config| {
        config.database.statement_timeout_ms = 1_000;
    })
    .await;
    let alice = server.sign_up("alice").await;
    let db = Database::connect(data.url()).await.unwrap();
    let tx = db.begin().await.unwrap();
    tx.execute_unprepared("LOCK TABLE users").await.unwrap();
    let answer = alice.http.get("/users/search?query=a").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text());
    tx.rollback().await.unwrap();
    alice.http.get("/users/search?query=a").await.ok();
    db.close().await.unwrap();
    server.stop().await;
}

/// Whoever may hold locks that all servers need loses them when it freezes.
#[tokio::test(flavor = "multi_thread")]
async fn no_connection_keeps_an_abandoned_transaction() {
    let Some(database) = database().await else { return };
    let mut config = TestServer::config();
    config.database.url = database.url().into();
    let limits = idle_limits(&config).await.unwrap();
    assert!(limits.len() == 6 && limits.iter().all(|limit| limit == "2s"), "{limits:?}");
}

/// The lock over migrations is held as long as they take.
#[tokio::test(flavor = "multi_thread")]
async fn migrations_may_take_longer_than_a_transaction_may_idle() {
    let Some(database) = database().await else { return };
    let mut config = TestServer::config();
    config.database.url = database.url().into();
    migrate_only(&config).await.unwrap();
    let db = Database::connect(database.url()).await.unwrap();
    db.execute_unprepared("DELETE FROM seaql_migrations WHERE version LIKE 'm0013%'; DROP SEQUENCE stamps")
        .await
        .unwrap();
    let tx = db.begin().await.unwrap();
    tx.execute_unprepared("LOCK TABLE seaql_migrations IN SHARE ROW EXCLUSIVE MODE").await.unwrap();
    let migrating = tokio::spawn(async move { migrate_only(&config).await });
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!migrating.is_finished());
    tx.rollback().await.unwrap();
    migrating.await.unwrap().unwrap();
    db.close().await.unwrap();
}
