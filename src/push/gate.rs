//! Whether a provider, or an origin of Web Push, is asked now: plain data, under a given time.

mod breaker;
mod fuse;
mod pace;

use std::collections::HashSet;
use std::time::Duration;

use super::time::{later, until};
use super::verdict::{Effect, Verdict};
use super::{Admission, Hold, ProviderState};
use crate::domain::{PushOutcome, Timestamp};
use breaker::Breaker;
use fuse::Fuse;
pub(super) use pace::Pace;

/// The longest time for which a provider is left alone because it says so.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// Time between two requests to a provider that refuses us.
const PROBE: Duration = Duration::from_mins(10);
/// So many targets that are refused, and none accepted ever, mean that all will be.
const REFUSED: usize = 10;

/// What is known of a provider or an origin.
#[derive(Debug, Default)]
pub(super) struct Gate {
    breaker: Breaker,
    fuse: Fuse,
    paused_until: Option<Timestamp>,
    stopped: Option<Stopped>,
    /// Whether it has accepted a wake-up since the start, or since an operator said that the settings are mended.
    has_accepted: bool,
    /// Targets that it has refused before it accepted any, by the digest of their token.
    refused: HashSet<[u8; 32]>,
    /// The last reason why it did not accept.
    trouble: Option<String>,
}

#[derive(Debug)]
struct Stopped {
    probe_at: Timestamp,
}

/// What the gate makes of a verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Noted {
    /// The token is called dead, and must not be deleted.
    pub(super) is_fused: bool,
    /// The whole provider is stopped.
    pub(super) for_all: bool,
    /// What an operator wants to read about once.
    pub(super) news: Option<News>,
}

/// A change of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It refuses us.
    Stopped,
    /// It has failed several times in a row.
    Opened,
    /// It calls most tokens dead.
    Blown,
    /// It works again.
    Mended,
}

impl Gate {
    /// Says whether a request may be made now, and notes it if so. `pace` is that of the provider.
    pub(super) fn admit(&mut self, pace: &mut Pace, now: Timestamp) -> Admission {
        let wait = |until, why| Admission::Wait { until, why };
        if let Some(until) = self.stopped.as_ref().and_then(|stopped| until(now, stopped.probe_at, PROBE)) {
            return wait(until, Hold::Stopped);
        }
        if let Some(until) = self.pause(now) {
            return wait(until, Hold::Rate);
        }
        if let Some(until) = self.breaker.holds_until(now) {
            return wait(until, Hold::Breaker);
        }
        if let Err(until) = pace.take(now) {
            return wait(until, Hold::Rate);
        }
        self.breaker.enter(now);
        if let Some(stopped) = &mut self.stopped {
            stopped.probe_at = later(now, PROBE);
        }
        Admission::Go
    }

    /// Notes what came of a request for the target with this digest.
    pub(super) fn note(&mut self, verdict: &Verdict, target: [u8; 32], now: Timestamp) -> Noted {
        let before = self.state(now);
        let mut noted = Noted::default();
        match verdict.effect {
            Effect::Works => self.breaker.succeed(),
            Effect::Unasked => {}
            Effect::Fails => {
                if self.breaker.fail(now) {
                    noted.news = Some(News::Opened);
                }
            }
            Effect::Pause(wait) => {
                self.breaker.succeed();
                self.paused_until = Some(later(now, wait.min(LONGEST_PAUSE)));
            }
            Effect::Stop => {
                self.breaker.succeed();
                noted.for_all = true;
            }
            Effect::Refuses => {
                self.breaker.succeed();
                noted.for_all = self.refuse(target);
            }
        }
        if noted.for_all {
            self.stopped = Some(Stopped { probe_at: later(now, PROBE) });
        }
        match verdict.outcome {
            PushOutcome::Accepted => self.accept(),
            PushOutcome::Dead => {
                self.fuse.note(true);
                // It has judged the token, so it has taken ours.
                self.stopped = None;
            }
            _ => {}
        }
        if verdict.outcome != PushOutcome::Accepted {
            self.trouble.clone_from(&verdict.reason);
        }
        noted.is_fused = verdict.outcome == PushOutcome::Dead && self.fuse.is_blown();
        noted.news = noted.news.or_else(|| news(before, self.state(now)));
        noted
    }

    /// Forgets that the provider refused us, so that it is asked again at once.
    pub(super) fn reset(&mut self) {
        self.stopped = None;
        self.has_accepted = false;
        self.refused.clear();
    }

    /// Returns how it is doing.
    pub(super) fn state(&self, now: Timestamp) -> ProviderState {
        if self.stopped.is_some() {
            ProviderState::Stopped
        } else if self.breaker.is_open() || self.pause(now).is_some() {
            ProviderState::Open
        } else if self.fuse.is_blown() {
            ProviderState::Fused
        } else {
            ProviderState::Working
        }
    }

    /// Returns why it does not accept, unless all is well.
    pub(super) fn trouble(&self, now: Timestamp) -> Option<String> {
        let is_well = self.state(now) == ProviderState::Working && self.refused.is_empty();
        let trouble = self.trouble.clone().filter(|_| !is_well)?;
        Some(match self.refused.len() {
            0 => trouble,
            targets => format!("{trouble} (targets refused: {targets}, accepted: none yet)"),
        })
    }

    /// Returns until when it is not asked; `None` when it is.
    pub(super) fn holds_until(&self, now: Timestamp) -> Option<Timestamp> {
        let stop = self.stopped.as_ref().and_then(|stopped| until(now, stopped.probe_at, PROBE));
        [stop, self.pause(now), self.breaker.holds_until(now)].into_iter().flatten().max()
    }

    fn pause(&self, now: Timestamp) -> Option<Timestamp> {
        self.paused_until.and_then(|end| until(now, end, LONGEST_PAUSE))
    }

    fn accept(&mut self) {
        self.fuse.note(false);
        self.stopped = None;
        self.has_accepted = true;
        self.refused.clear();
        self.trouble = None;
    }

    /// Notes a target that is refused. Returns whether all are: a few may have been registered to make it look so.
    fn refuse(&mut self, target: [u8; 32]) -> bool {
        if !self.has_accepted && self.refused.len() < REFUSED {
            self.refused.insert(target);
        }
        self.refused.len() >= REFUSED
    }
}

fn news(before: ProviderState, after: ProviderState) -> Option<News> {
    match (before, after) {
        (before, after) if before == after => None,
        (_, ProviderState::Stopped) => Some(News::Stopped),
        (_, ProviderState::Fused) => Some(News::Blown),
        (_, ProviderState::Working) => Some(News::Mended),
        // A pause is no news.
        (_, ProviderState::Open) => None,
    }
}

#[cfg(test)]
mod tests;
