//! What came of it.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde::Serialize;

use super::super::audit::Findings;
use super::super::shared::Shared;
use super::Rolling;
use crate::traffic::Soundness;

/// Connections of a phone for each restart of its server: more than one where it was sent to a server that stops next.
const MAX_RECONNECTS: f64 = 1.2;

/// The restart of one server.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Turn {
    /// Phones that were there.
    pub(super) phones: u64,
    /// Sockets that were opened meanwhile.
    pub(super) reconnects: u64,
    /// Until all phones had sockets again.
    pub(super) seconds: f64,
}

#[derive(Serialize)]
pub(super) struct Outcome {
    workload: &'static str,
    #[serde(flatten)]
    rolling: Rolling,
    total_seconds: f64,
    acknowledged: u64,
    resent: u64,
    turns: Vec<Turn>,
    /// For each phone of a server that was restarted.
    reconnects: f64,
    stored: u64,
    history_differs: u64,
    #[serde(flatten)]
    sound: Soundness,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

impl Outcome {
    pub(super) fn new(
        rolling: &Rolling,
        shared: &Shared,
        turns: Vec<Turn>,
        (findings, unacknowledged): (Findings, u64),
        time: Duration,
    ) -> Self {
        let sound = shared.soundness(&findings, unacknowledged);
        let Findings { stored, history_differs, .. } = findings;
        Self {
            workload: "rolling",
            rolling: rolling.clone(),
            total_seconds: time.as_secs_f64(),
            acknowledged: shared.book.acknowledged(),
            resent: shared.resent.load(Relaxed),
            reconnects: each(&turns),
            turns,
            stored,
            history_differs,
            sound,
            problems: shared.problems(),
        }
    }

    /// Whether every promise was kept.
    pub(super) fn holds(&self) -> bool {
        self.sound.holds() && self.history_differs == 0 && self.reconnects <= MAX_RECONNECTS
    }
}

/// Returns how often a phone opened a socket for each restart of its server.
#[expect(clippy::cast_precision_loss, reason = "there are some thousand")]
fn each(turns: &[Turn]) -> f64 {
    let sum = |of: fn(&Turn) -> u64| turns.iter().map(of).sum::<u64>() as f64;
    sum(|turn| turn.reconnects) / sum(|turn| turn.phones).max(1.0)
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rolling, acknowledged, resent, turns, reconnects, sound, .. } = self;
        let what = if rolling.from.is_some() { "upgrade" } else { "restart" };
        write!(f, "rolling {what} of {} servers under {} phones: ", rolling.nodes, rolling.phones)?;
        write!(f, "acknowledged {acknowledged} ({resent} sent again); {sound}; ")?;
        if self.history_differs > 0 {
            write!(f, "HISTORY DIFFERS {}; ", self.history_differs)?;
        }
        write!(f, "reconnects {reconnects:.2} a phone a restart (bar {MAX_RECONNECTS})")?;
        for Turn { phones, reconnects, seconds } in turns {
            write!(f, "; {phones} phones, {reconnects} reconnects, {seconds:.1} s")?;
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reconnects_of_each_phone() {
        let turn = |phones, reconnects| Turn { phones, reconnects, seconds: 1.0 };
        assert!((each(&[turn(100, 100), turn(150, 200)]) - 1.2).abs() < 1e-9);
        assert!(each(&[turn(0, 0)]) < 1e-9);
    }
}
