//! The log: operators switch its filter for a time.

use std::time::Duration;

use serde_json::json;

use super::{Service, ServiceError};
use crate::domain::{AuditEvent, NewAuditEntry, Operator, Timestamp};
use crate::telemetry::{LogFilter, Switched};

/// Longest filter, in bytes.
const MAX_FILTER_BYTES: usize = 500;
/// Longest time for which a filter holds, in seconds: a day.
const MAX_SWITCH_S: u32 = 24 * 3600;

/// The filter of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogState {
    /// What the configuration says.
    pub configured: String,
    /// What holds instead, for a time.
    pub switched: Option<Switched>,
}

impl Service {
    /// Returns the filter of the log. [`ServiceError::Unusable`] where this process has none.
    pub fn log_state(&self) -> Result<LogState, ServiceError> {
        let filter = filter()?;
        Ok(LogState { configured: filter.configured().to_owned(), switched: filter.switched() })
    }

    /// Switches the filter of the log for so many seconds, at this server; `None` goes back at once.
    pub async fn switch_log(
        &self,
        directives: Option<String>,
        for_s: u32,
        by: Operator,
    ) -> Result<LogState, ServiceError> {
        let filter = filter()?;
        if !(1..=MAX_SWITCH_S).contains(&for_s) {
            return Err(ServiceError::Unusable("for_s must be 1 to 86400"));
        }
        if directives.as_ref().is_some_and(|text| text.len() > MAX_FILTER_BYTES || !LogFilter::can_read(text)) {
            return Err(ServiceError::Unusable("filter must be directives such as info,fluent_backend::push=debug"));
        }
        let entry = NewAuditEntry::of_operator(AuditEvent::ConfigChanged, by);
        let detail = json!({"setting": "log.filter", "value": directives, "for_s": for_s, "by": by});
        self.audit.record_now(entry.with(detail)).await?;
        match directives {
            Some(directives) => {
                let at = self.clock.now();
                let switched = Switched { filter: directives, at, until: at.plus_secs(for_s.into()) };
                let number = filter.switch(switched).map_err(|error| ServiceError::Internal(error.to_string()))?;
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs(for_s.into())).await;
                    if filter.restore(Some(number)) {
                        tracing::info!("the filter of the log is that of the configuration again");
                    }
                });
            }
            None => {
                filter.restore(None);
            }
        }
        tracing::info!(?by, "an operator has switched the filter of the log");
        self.log_state()
    }
}

fn filter() -> Result<&'static LogFilter, ServiceError> {
    LogFilter::of_process().ok_or(ServiceError::Unusable("this process writes no log"))
}

impl LogState {
    /// Returns the directives that hold now.
    #[must_use]
    pub fn filter(&self) -> &str {
        self.switched.as_ref().map_or(&self.configured, |switched| &switched.filter)
    }

    /// Returns until when they hold, if not for ever.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.switched.as_ref().map(|switched| switched.until)
    }
}
