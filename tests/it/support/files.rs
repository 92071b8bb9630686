//! Servers that keep files where the environment says: in a directory, or with `FLUENT_TEST_MEDIA=s3` in a bucket, of a
//! service in the test's process or of the one that `FLUENT_TEST_S3` names.

use std::collections::BTreeSet;
use std::path::Path;

use fluent_backend::Config;
use fluent_backend::clock::Clock;
use fluent_backend::testing::TestServer;

use super::s3::S3Double;
use super::s3_service::S3Service;

/// Returns whether files are in a bucket.
pub(crate) fn are_in_a_bucket() -> bool {
    match std::env::var("FLUENT_TEST_MEDIA").as_deref() {
        Err(_) | Ok("" | "local") => false,
        Ok("s3") => true,
        Ok(other) => panic!("FLUENT_TEST_MEDIA is `local` or `s3`, not {other:?}"),
    }
}

fn place(config: &mut Config) {
    if are_in_a_bucket() {
        let dir = config.server.data_dir.parent().unwrap().to_owned();
        match S3Service::of(&dir) {
            Some(service) => service.configure(config, &dir),
            None => S3Double::start(&dir).configure(config),
        }
    }
}

pub(crate) async fn start() -> TestServer {
    start_with(|_| {}).await
}

pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> TestServer {
    start_at(Clock::system(), change).await
}

pub(crate) async fn start_alone(change: impl FnOnce(&mut Config)) -> TestServer {
    let change = |config: &mut Config| {
        place(config);
        change(config);
    };
    Box::pin(TestServer::start_alone(change)).await
}

pub(crate) async fn start_at(clock: Clock, change: impl FnOnce(&mut Config)) -> TestServer {
    let change = |config: &mut Config| {
        place(config);
        change(config);
    };
    Box::pin(TestServer::start_at(clock, change)).await
}

/// Returns what a process must know to keep files in this directory of a test, and a service that must stay meanwhile.
pub(crate) fn of_process(dir: &Path) -> Vec<(&'static str, String)> {
    match S3Service::of(dir) {
        _ if !are_in_a_bucket() => Vec::new(),
        Some(service) => service.variables(dir),
        None => S3Double::start(dir).variables(),
    }
}

/// Returns the number of files that a server has, by its data directory; an unfinished one counts as one.
pub(crate) fn count(data_dir: &Path) -> usize {
    if let Some(service) = service(data_dir) {
        // An unfinished one has pieces.
        let file = |name: String| name.strip_prefix("up/").and_then(|name| name.split('/').next()).map(str::to_owned);
        let objects = service.objects();
        let unfinished: BTreeSet<String> = objects.iter().cloned().filter_map(file).collect();
        return unfinished.len() + objects.iter().filter(|name| !name.starts_with("up/")).count();
    }
    let dir = if are_in_a_bucket() { data_dir.parent().unwrap().join("s3/files") } else { data_dir.join("media") };
    files_in(&dir)
}

fn service(data_dir: &Path) -> Option<S3Service> {
    S3Service::of(data_dir.parent().unwrap()).filter(|_| are_in_a_bucket())
}

fn files_in(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    // In a bucket it has pieces.
    let is_one = dir.parent().is_some_and(|above| above.ends_with("b/up"));
    let count: usize = entries.map(|path| if path.is_dir() { files_in(&path) } else { 1 }).sum();
    if is_one { count.min(1) } else { count }
}

/// Removes all whole files of a server, behind its back.
pub(crate) fn lose_whole(data_dir: &Path) {
    if let Some(service) = service(data_dir) {
        return service.objects().iter().filter(|name| !name.starts_with("up/")).for_each(|name| service.remove(name));
    }
    let dir = if are_in_a_bucket() { data_dir.parent().unwrap().join("s3/files/a/b") } else { data_dir.join("media") };
    for shard in std::fs::read_dir(dir).unwrap() {
        let shard = shard.unwrap().path();
        if !shard.ends_with("up") {
            std::fs::remove_dir_all(shard).unwrap();
        }
    }
}
