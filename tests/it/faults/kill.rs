//! `kill -9` under full load.

use rand::RngExt as _;

use super::load::Load;
use crate::support::binary::ServerProcess;
use crate::support::postgres::Postgres;

/// `FLUENT_KILL_ROUNDS` for more.
const ROUNDS: usize = 3;

async fn kill_again_and_again(url: &str) {
    let rounds = std::env::var("FLUENT_KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let dir = tempfile::tempdir().unwrap();
    let variables = [("DATABASE_URL", url)];
    let mut server = ServerProcess::start(dir.path(), &variables).await;
    let load = Load::start(&server, 6).await;
    for _ in 0..rounds {
        let count = rand::rng().random_range(1..600);
        load.exchange(count).await;
        load.moved(None);
        server.kill().await;
        server = ServerProcess::start(dir.path(), &variables).await;
        load.moved(Some(server.addr));
    }
    let count = Box::pin(load.settle(&server)).await;
    eprintln!("{count} messages, {rounds} kills");
    let log = server.log();
    assert!(!log.contains("panicked") && log.lines().count() < 40 * (rounds + 1), "{log}");
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_on_sqlite() {
    kill_again_and_again("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_on_postgresql() {
    let Some(postgres) = Postgres::start().await else { return };
    kill_again_and_again(&postgres.url("fluent")).await;
}
