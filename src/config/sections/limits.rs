//! `[limits]`: limits on rates.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::config::error::require;
use crate::domain::{LimitRule, Limiter, limiter_table};

/// A bucket of tokens.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Tokens of a full bucket; 0 switches the limiter off.
    pub burst: u32,
    /// Milliseconds until one token is back.
    pub every_ms: u64,
    /// Whether a key that cannot be counted passes.
    pub fail_open: bool,
}

/// A bucket of bytes.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bytes {
    /// Bytes of a full bucket; 0 switches the limiter off.
    pub burst: u32,
    /// Bytes that come back a second.
    pub per_s: u64,
    /// Whether a key that cannot be counted passes.
    pub fail_open: bool,
}

/// What the settings of a bucket say.
trait Bucket {
    fn rule(&self) -> LimitRule;
}

impl Bucket for Rate {
    fn rule(&self) -> LimitRule {
        LimitRule { burst: self.burst, every: Duration::from_millis(self.every_ms), fail_open: self.fail_open }
    }
}

impl Bucket for Bytes {
    fn rule(&self) -> LimitRule {
        let every = Duration::from_nanos(1_000_000_000_u64.checked_div(self.per_s).unwrap_or_default());
        LimitRule { burst: self.burst, every, fail_open: self.fail_open }
    }
}

macro_rules! settings {
    (
        buckets { $($group:ident { $($row:ident: $name:ident, $unit:ident, $key:ident, $text:literal;)* })* }
        caps { $($caps:tt)* }
    ) => {
        $(
            #[doc = concat!("`limits.", stringify!($group), "`.")]
            pub(super) mod $group {
                /// The buckets of this group.
                #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
                #[serde(deny_unknown_fields)]
                pub struct Group {
                    $(
                        #[doc = concat!("`limits.", stringify!($group), ".", stringify!($row), "`.")]
                        pub $row: super::$unit,
                    )*
                }
            }
        )*

        /// `[limits]`: limits on rates.
        #[derive(Clone, Debug, Deserialize, Serialize)]
        #[serde(deny_unknown_fields)]
        pub struct Limits {
            /// Whether buckets and automatic bans are on at all.
            pub enabled: bool,
            /// Most keys that are counted at once, all limiters together.
            pub max_keys: usize,
            /// Longest time for which a socket of the legacy dialect waits for a limit, in milliseconds.
            pub legacy_delay_ms: u64,
            $(
                #[doc = concat!("`limits.", stringify!($group), "`.")]
                pub $group: $group::Group,
            )*
        }

        impl Limits {
            /// Returns the numbers of a limiter as they are written; `None` for a cap, which has other settings.
            fn written(&self, limiter: Limiter) -> Option<LimitRule> {
                match limiter {
                    $($(Limiter::$name => Some(self.$group.$row.rule()),)*)*
                    _ => None,
                }
            }
        }
    };
}
limiter_table!(settings);

impl Limits {
    /// Returns the numbers of a limiter; `None` when it is off, or a cap.
    #[must_use]
    pub fn rule(&self, limiter: Limiter) -> Option<LimitRule> {
        self.written(limiter).filter(|rule| self.enabled && rule.burst > 0)
    }

    /// Checks the numbers. A message has two copies of at most `copy_bytes` bytes.
    pub(in crate::config) fn validate(&self, copy_bytes: usize) -> Result<(), ConfigError> {
        require(self.max_keys >= 1024, "limits.max_keys", "must be at least 1024")?;
        for limiter in Limiter::ALL {
            let Some(rule) = self.written(*limiter).filter(|rule| rule.burst > 0) else { continue };
            let require = |holds, wrong| require(holds, format!("limits.{}", limiter.setting()), wrong);
            require(rule.every > Duration::ZERO, "every_ms must be at least 1, per_s from 1 to 1000000000")?;
            require(rule.can_work(), "must be full again within a year")?;
            match limiter {
                Limiter::DirectoryUser | Limiter::DirectoryAnonymous => {
                    require(rule.burst >= 100, "burst must be at least 100, the longest page, or 0")?;
                }
                Limiter::InboundPartners | Limiter::InboundStrangers => {
                    let holds = rule.burst as usize >= copy_bytes.saturating_mul(2);
                    require(holds, "burst must hold both copies of the largest message, or be 0")?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
