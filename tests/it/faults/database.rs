//! PostgreSQL that stops and returns, and connections to it that are cut or stall.

use fluent_backend::testing::{DatabaseLink, TestClient, eventually, send_frame};
use tempfile::TempDir;

use super::load::Load;
use super::{MAX_GROWTH_KIB, assert_recovered, link_to, readiness};
use crate::support::binary::ServerProcess;
use crate::support::postgres::Postgres;
use crate::support::v1::live;

/// A server under load whose connections to its database can be broken; `None` without PostgreSQL.
async fn loaded_over_a_link() -> Option<(Postgres, DatabaseLink, TempDir, ServerProcess, Load)> {
    let postgres = Postgres::start().await?;
    let link = link_to(&postgres).await;
    let dir = tempfile::tempdir().unwrap();
    let variables = [("DATABASE_URL", &*link.url("fluent", "fluent")), ("FLUENT__ADMIN__STUCK_AFTER_MS", "1000")];
    let server = ServerProcess::start(dir.path(), &variables).await;
    let load = Load::start(&server, 6).await;
    Some((postgres, link, dir, server, load))
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_and_started_under_load() {
    const ROUNDS: usize = 2;
    let Some(mut postgres) = Postgres::start().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[("DATABASE_URL", &postgres.url("fluent"))]).await;
    let load = Load::start(&server, 6).await;
    for _ in 0..ROUNDS {
        load.exchange(200).await;
        let before = server.own_kib();
        postgres.crash();
        load.refused().await;
        readiness(&server, 503).await;
        assert!(server.own_kib() < before + MAX_GROWTH_KIB, "{} KiB, {before} before", server.own_kib());
        postgres.restart().await;
        readiness(&server, 200).await;
    }
    assert_recovered(&server, load, 100).await;
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_under_load() {
    const CUTS: usize = 5;
    let Some((_postgres, link, _dir, server, load)) = Box::pin(loaded_over_a_link()).await else { return };
    for _ in 0..CUTS {
        load.exchange(100).await;
        link.cut();
        readiness(&server, 200).await;
    }
    load.exchange(100).await;
    Box::pin(load.settle(&server)).await;
    let log = server.log();
    // Between two transactions a cut may go unnoticed: then another connection is taken.
    let told = log.matches("cannot write to the database").count();
    assert!(told <= CUTS && log.lines().count() < 100, "{log}");
    assert!(server.stop().await.success());
}

/// Nothing gets through for longer than the server waits.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_stand_still_end_by_a_timeout() {
    let Some((_postgres, link, _dir, server, load)) = Box::pin(loaded_over_a_link()).await else { return };
    load.exchange(200).await;
    let before = server.own_kib();
    link.stall();
    // Before the writer gives its transaction up, it counts as stuck.
    let stuck = async || {
        let body: serde_json::Value = server.http().get("/readyz").await.json();
        let checks = body["checks"].as_array().unwrap();
        checks.iter().any(|check| check["name"] == "persistence" && check["ok"] == false).then_some(())
    };
    let ((), ()) = tokio::join!(load.refused(), eventually("the writer counts as stuck", stuck));
    readiness(&server, 503).await;
    assert!(server.own_kib() < before + MAX_GROWTH_KIB, "{} KiB, {before} before", server.own_kib());
    link.flow();
    readiness(&server, 200).await;
    assert_recovered(&server, load, 200).await;
    assert!(server.stop().await.success());
}

/// All connections are dead without a sign of it, as after a failover: new ones are made in their place.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_forgotten_are_replaced() {
    let Some((_postgres, link, _dir, server, load)) = Box::pin(loaded_over_a_link()).await else { return };
    load.exchange(200).await;
    link.strand();
    load.refused().await;
    readiness(&server, 200).await;
    assert_recovered(&server, load, 200).await;
    // Those that were never used again are asked to close.
    link.cut();
    assert!(server.stop().await.success());
}

/// A stop that the database holds up is a restart for the clients all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_without_the_database() {
    let Some(postgres) = Postgres::start().await else { return };
    let link = link_to(&postgres).await;
    let dir = tempfile::tempdir().unwrap();
    let variables = [("DATABASE_URL", &*link.url("fluent", "fluent")), ("FLUENT__SERVER__DRAIN_WINDOW_S", "1")];
    let server = ServerProcess::start(dir.path(), &variables).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let mut device = live(&alice, "a").await;
    link.stall();
    // It will not be answered within the drain window.
    device.send(&send_frame(alice.id, "waits")).await;
    let (_, code) = tokio::join!(server.stop(), device.socket.close_code());
    assert_eq!(code, 1012);
}
