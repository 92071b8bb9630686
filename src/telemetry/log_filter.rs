//! The filter of the log, which operators switch while the server runs. It is of the process, as the log is.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tracing_subscriber::filter::ParseError;
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::domain::Timestamp;

/// The filter of the log that [`init_logging`](super::init_logging) has set up.
static FILTER: OnceLock<LogFilter> = OnceLock::new();

/// The filter of the log.
pub struct LogFilter {
    handle: reload::Handle<EnvFilter, Registry>,
    configured: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    switched: Option<Switched>,
    /// How often it was switched.
    count: u64,
}

/// A filter that holds for a time in the place of the configured one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switched {
    /// The directives.
    pub filter: String,
    /// Since when.
    pub at: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// The filter cannot be read, or nothing is filtered by it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the filter cannot be read")]
pub struct NoFilter;

impl LogFilter {
    /// Makes the layer of the configured filter, and keeps what switches it.
    pub(super) fn layer(configured: &str) -> Result<reload::Layer<EnvFilter, Registry>, ParseError> {
        let (layer, filter) = Self::new(configured)?;
        // A second log of one process is refused where it is set up.
        let _ = FILTER.set(filter);
        Ok(layer)
    }

    fn new(configured: &str) -> Result<(reload::Layer<EnvFilter, Registry>, Self), ParseError> {
        let (layer, handle) = reload::Layer::new(EnvFilter::try_new(configured)?);
        Ok((layer, Self { handle, configured: configured.to_owned(), state: Mutex::default() }))
    }

    /// Returns the filter of the log; `None` where the program has set up none.
    #[must_use]
    pub fn of_process() -> Option<&'static Self> {
        FILTER.get()
    }

    /// Returns whether these directives can be read.
    #[must_use]
    pub fn can_read(directives: &str) -> bool {
        EnvFilter::try_new(directives).is_ok()
    }

    /// Returns the directives of the configuration.
    #[must_use]
    pub fn configured(&self) -> &str {
        &self.configured
    }

    /// Returns the filter that holds instead.
    #[must_use]
    pub fn switched(&self) -> Option<Switched> {
        self.state().switched.clone()
    }

    /// Switches to another filter, and returns the number of the switch.
    pub fn switch(&self, switched: Switched) -> Result<u64, NoFilter> {
        let filter = EnvFilter::try_new(&switched.filter).map_err(|_| NoFilter)?;
        let mut state = self.state();
        self.handle.reload(filter).map_err(|_| NoFilter)?;
        state.switched = Some(switched);
        state.count += 1;
        Ok(state.count)
    }

    /// Goes back to the configured filter; where a number is given, only from that switch. Returns whether it did.
    pub fn restore(&self, number: Option<u64>) -> bool {
        let mut state = self.state();
        let is_over = state.switched.is_none() || number.is_some_and(|number| number != state.count);
        let Ok(filter) = EnvFilter::try_new(&self.configured) else { return false };
        if is_over || self.handle.reload(filter).is_err() {
            return false;
        }
        state.switched = None;
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The filter is replaced first; a panic there leaves the rest as it was.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn a_filter_holds_until_it_is_taken_back_and_a_later_one_is_left_alone() {
        let (layer, filter) = LogFilter::new("warn").unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let now = Timestamp::from_micros(7);
            let switch = |text: &str| filter.switch(Switched { filter: text.to_owned(), at: now, until: now });
            let level = || [Level::DEBUG, Level::INFO, Level::WARN].iter().filter(|level| is_on(**level)).count();
            assert_eq!((level(), filter.switched()), (1, None));
            let first = switch("debug").unwrap();
            assert_eq!((level(), filter.switched().unwrap().filter.as_str()), (3, "debug"));
            let second = switch("info").unwrap();
            assert!(!filter.restore(Some(first)));
            assert_eq!(level(), 2);
            assert_eq!(switch("fluent_backend=verbose"), Err(NoFilter));
            assert_eq!(level(), 2);
            assert!(filter.restore(Some(second)) && !filter.restore(None));
            assert_eq!((level(), filter.switched()), (1, None));
        });
    }

    fn is_on(level: Level) -> bool {
        match level {
            Level::DEBUG => tracing::enabled!(Level::DEBUG),
            Level::INFO => tracing::enabled!(Level::INFO),
            _ => tracing::enabled!(Level::WARN),
        }
    }
}
