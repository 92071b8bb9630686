//! Breaks NATS, the way of a server to it, and the hints that come by it.

use std::time::Duration;

use anyhow::Result;
use fluent_backend::testing::{Direction, Fate, LaneCounts, NatsLink};
use tokio::time::sleep;

use super::{Break, LONG_STALLS, Monkey};
use crate::random::Random;

/// How long the way may be shut for a short while, and for a long one: others take its server for dead.
const SHORT_SHUT_MS: u64 = 4000;
const LONG_SHUT: Duration = Duration::from_secs(9);
/// Of a thousand hints so many are dropped, doubled or come later, and behind how many others at most.
const HARMED: u64 = 300;
const MAX_BEHIND: usize = 20;
/// How late hints may be, and how late some of them are: too old to count.
const SHORT_DELAY_MS: u64 = 500;
const LONG_DELAY: Duration = Duration::from_secs(6);

/// Hints that do not come as they were said, while the next thing breaks.
pub(super) struct Harm {
    at: usize,
    direction: Direction,
    kind: Break,
    before: LaneCounts,
}

impl Monkey {
    pub(super) async fn break_nats(&mut self, chosen: Break) -> Result<()> {
        let time = self.freeze_time();
        let Some(nats) = &mut self.nats else { return Ok(()) };
        if chosen == Break::NatsKilled {
            nats.kill()?;
            sleep(time).await;
            nats.restart().await?;
        } else {
            nats.freeze().await?;
            sleep(time).await;
            nats.thaw().await?;
        }
        self.breaks.add(chosen, 1);
        Ok(())
    }

    pub(super) async fn break_way_to_nats(&mut self, chosen: Break) {
        let short = Duration::from_millis(self.random.below(SHORT_SHUT_MS));
        let time = if self.random.chance(LONG_STALLS) { LONG_SHUT } else { short };
        let (_, Some(link)) = self.random_way_to_nats() else { return };
        if chosen == Break::NatsCut {
            link.sever();
            sleep(time).await;
            link.mend();
        } else {
            let direction = if chosen == Break::NatsMute { Direction::ToServer } else { Direction::ToClient };
            link.stall(direction);
            sleep(time).await;
            link.flow(direction);
        }
        self.breaks.add(chosen, 1);
    }

    /// Harms hints until [`heal_hints`](Self::heal_hints) or [`end_harm`](Self::end_harm).
    pub(super) fn harm_hints(&mut self, kind: Break) {
        let direction = if self.random.chance(500) { Direction::ToServer } else { Direction::ToClient };
        let short = Duration::from_millis(self.random.below(SHORT_DELAY_MS));
        let delay = if self.random.chance(LONG_STALLS) { LONG_DELAY } else { short };
        let mut random = Random::of(self.random.next(), 0);
        let (at, Some(link)) = self.random_way_to_nats() else { return };
        let before = link.counts(direction);
        match kind {
            Break::HintsDelayed => link.delay(direction, delay),
            _ => link.judge(direction, move |_| {
                if !random.chance(HARMED) {
                    return Fate::Pass;
                }
                match kind {
                    Break::HintsDropped => Fate::Drop,
                    Break::HintsDoubled => Fate::Double,
                    _ => Fate::Behind(1 + random.index(MAX_BEHIND)),
                }
            }),
        }
        self.harm = Some(Harm { at, direction, kind, before });
    }

    /// Lets hints come as they are said, after some were harmed; otherwise the harm goes on while another thing breaks.
    pub(super) fn heal_hints(&mut self) {
        let has_met = |Harm { at, direction, kind, before }: &mut Harm| {
            let Some(link) = self.hosts.get(*at).and_then(|host| host.nats.as_ref()) else { return true };
            let after = link.counts(*direction);
            match kind {
                Break::HintsDropped => after.dropped > before.dropped,
                Break::HintsDoubled => after.doubled > before.doubled,
                Break::HintsReordered => after.late > before.late,
                _ => after.passed > before.passed,
            }
        };
        if let Some(harm) = self.harm.take_if(has_met) {
            self.breaks.add(harm.kind, 1);
            self.spare_hints(&harm);
        }
    }

    /// The same, whether any were harmed or not.
    pub(super) fn end_harm(&mut self) {
        self.heal_hints();
        if let Some(harm) = self.harm.take() {
            self.spare_hints(&harm);
        }
    }

    fn spare_hints(&self, harm: &Harm) {
        let Some(link) = self.hosts.get(harm.at).and_then(|host| host.nats.as_ref()) else { return };
        link.spare(harm.direction);
        link.delay(harm.direction, Duration::ZERO);
    }

    fn random_way_to_nats(&mut self) -> (usize, Option<&NatsLink>) {
        let at = self.random.index(self.hosts.len());
        (at, self.hosts.get(at).and_then(|host| host.nats.as_ref()))
    }
}
