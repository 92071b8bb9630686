//! Keys and certificates: whether they are there, can be read, and hold for a while.

use fluent_backend::Config;
use fluent_backend::auth::{InstanceKey, TokenKeys};
use fluent_backend::clock::Clock;
use fluent_backend::domain::Timestamp;
use fluent_backend::http::Tls;
use fluent_backend::push::Providers;

use super::finding::Finding;
use crate::cli::one_line;

/// A certificate should be renewed sooner than so many days before its end.
const RENEWED_DAYS: i64 = 14;

pub(super) fn look(config: &Config) -> Vec<Finding> {
    let clock = Clock::system();
    let mut findings = vec![token_keys(config, clock.now()), instance_key(config)];
    findings.extend(certificate(config, &clock));
    let push = Providers::check_files(config).into_iter();
    findings.extend(push.map(|error| Finding::error("push", one_line(&error.into()))));
    findings
}

fn token_keys(config: &Config, now: Timestamp) -> Finding {
    match TokenKeys::list(config, now) {
        Ok(keys) if keys.is_empty() => Finding::fine("token keys", "made at the first start"),
        Ok(keys) => Finding::fine("token keys", format!("{} in use", keys.len())),
        Err(error) => Finding::error("token keys", one_line(&error.into()))
            .since("without them the server does not start")
            .mended_by("put the files back from where they are kept safe (docs/operations/secrets.md)"),
    }
}

fn instance_key(config: &Config) -> Finding {
    let path = config.instance_key_file();
    if !path.exists() && config.auth.instance_key_file.is_empty() {
        return Finding::fine("instance key", "made at the first start: keep a copy of it with the backups");
    }
    match InstanceKey::load(config) {
        Ok(_) => Finding::fine("instance key", format!("{}: keep a copy of it with the backups", path.display())),
        Err(error) => Finding::error("instance key", one_line(&error.into()))
            .since("second factors can be read with this key alone")
            .mended_by("put the file back from where it is kept safe (docs/operations/secrets.md)"),
    }
}

fn certificate(config: &Config, clock: &Clock) -> Option<Finding> {
    let tls = match Tls::load(&config.tls, clock) {
        Ok(tls) => tls?,
        Err(error) => return Some(Finding::error("certificate", one_line(&error.into()))),
    };
    let seconds = tls.not_after().as_secs() - clock.now().as_secs();
    let days = seconds.div_euclid(24 * 3600);
    Some(if days < 0 {
        Finding::error("certificate", format!("ended {} days ago", -days)).since("no client connects")
    } else if days < RENEWED_DAYS {
        Finding::warning("certificate", format!("ends in {days} days"))
            .since("whatever renews it should have done so by now")
            .mended_by("renew it; the server takes the new files by itself")
    } else {
        Finding::fine("certificate", format!("{days} days left"))
    })
}
