//! In which order things break.

use super::breaks::Break;
use crate::random::Random;

/// How many cards each has in a deck: of one server on SQLite, of one on PostgreSQL, and of several.
const CARDS: [(Break, [usize; 3]); 12] = [
    (Break::ServerKilled, [8, 3, 3]),
    (Break::ServerStopped, [2, 1, 1]),
    (Break::ServerFrozen, [0, 0, 2]),
    (Break::FrozenInBatch, [0, 0, 1]),
    (Break::Rolling, [0, 0, 1]),
    (Break::ClientsCut, [7, 3, 3]),
    (Break::ClientsStalled, [3, 2, 1]),
    (Break::DatabaseKilled, [0, 1, 1]),
    (Break::LinkCut, [0, 2, 2]),
    (Break::LinkStalled, [0, 1, 1]),
    (Break::LinkOneWay, [0, 1, 1]),
    (Break::CommitCut, [0, 2, 2]),
];
/// Beside these, with NATS.
const CARDS_OF_NATS: [(Break, usize); 10] = [
    (Break::Fenced, 1),
    (Break::NatsKilled, 2),
    (Break::NatsFrozen, 2),
    (Break::NatsCut, 1),
    (Break::NatsMute, 1),
    (Break::NatsDeaf, 1),
    (Break::HintsDropped, 1),
    (Break::HintsDoubled, 1),
    (Break::HintsReordered, 1),
    (Break::HintsDelayed, 1),
];

/// What can break in a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground {
    pub(super) is_on_postgres: bool,
    pub(super) has_several: bool,
    pub(super) has_nats: bool,
}

impl Ground {
    /// Returns the cards of a deck.
    pub(super) fn cards(self) -> Vec<Break> {
        let column = match self {
            Self { is_on_postgres: false, .. } => 0,
            Self { has_several: false, .. } => 1,
            Self { .. } => 2,
        };
        let own = CARDS.iter().map(|(kind, cards)| (*kind, cards.get(column).copied().unwrap_or_default()));
        // One alone has nobody to whom it could leave its clients.
        let is_there = |kind| self.has_nats && (self.has_several || kind != Break::Fenced);
        let of_nats = CARDS_OF_NATS.iter().filter(|(kind, _)| is_there(*kind)).copied();
        own.chain(of_nats).flat_map(|(kind, count)| std::iter::repeat_n(kind, count)).collect()
    }
}

/// The cards of a ground, which are all drawn before they are mixed again: so everything happens in good time.
pub(super) struct Deck {
    ground: Ground,
    left: Vec<Break>,
}

impl Deck {
    pub(super) fn new(ground: Ground) -> Self {
        Self { ground, left: Vec::new() }
    }

    /// Draws a card.
    pub(super) fn draw(&mut self, random: &mut Random) -> Option<Break> {
        if self.left.is_empty() {
            self.left = self.ground.cards();
        }
        let at = random.index(self.left.len());
        (at < self.left.len()).then(|| self.left.swap_remove(at))
    }
}

#[cfg(test)]
mod tests {
    use super::super::breaks::{Breaks, LEAST};
    use super::*;

    #[test]
    fn everything_happens_in_a_few_decks() {
        let all = |ground| {
            let (mut deck, mut random, mut breaks) = (Deck::new(ground), Random::of(1, 0), Breaks::none_of(ground));
            assert!(!breaks.rare().is_empty());
            for _ in 0..ground.cards().len() * usize::try_from(LEAST).unwrap() {
                breaks.add(deck.draw(&mut random).unwrap(), 1);
            }
            assert_eq!(breaks.rare(), [], "{breaks}");
            breaks.0.len()
        };
        let several = Ground { is_on_postgres: true, has_several: true, has_nats: true };
        assert_eq!(all(several), CARDS.len() + CARDS_OF_NATS.len());
        assert_eq!(all(Ground { is_on_postgres: false, has_several: false, has_nats: false }), 4);
    }
}
