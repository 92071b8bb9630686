//! Support that several tests need beside `fluent_backend::testing`.

pub(crate) mod binary;
pub(crate) mod caddy;
pub(crate) mod config;
pub(crate) mod device;
pub(crate) mod events;
pub(crate) mod files;
pub(crate) mod flow;
pub(crate) mod front;
pub(crate) mod haproxy;
pub(crate) mod installed;
pub(crate) mod kept;
pub(crate) mod local;
pub(crate) mod manager;
pub(crate) mod nats;
pub(crate) mod nats_operator;
pub(crate) mod nginx;
pub(crate) mod phone;
pub(crate) mod postgres;
pub(crate) mod proxy;
pub(crate) mod push;
pub(crate) mod raw;
pub(crate) mod rows;
pub(crate) mod s3;
pub(crate) mod s3_service;
pub(crate) mod skip;
pub(crate) mod small_disk;
pub(crate) mod tables;
pub(crate) mod terminal;
pub(crate) mod tls;
pub(crate) mod toll;
pub(crate) mod traces;
pub(crate) mod v1;

/// The first sample of a metric in the Prometheus text, its labels as they are written there.
pub(crate) fn sample(metrics: &str, series: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}
