//! Caution with what succeeds nearly always, and costs something when it fails.

/// Most batches that do not try it.
const MAX_PAUSE: u32 = 64;

/// How long something is not tried after it has failed. The pause is counted in batches, the one that has failed among
/// them: it is carried out again. It doubles with each failure, as in the exponential backoff of Ethernet (R. M.
/// Metcalfe and D. R. Boggs, "Ethernet: Distributed Packet Switching for Local Computer Networks", 1976), and halves
/// with each success.
#[derive(Debug, Default)]
pub(super) struct Caution {
    /// Batches that do not try it from now on.
    left: u32,
    /// The pause after the last failure, with what has succeeded since.
    last: u32,
}

impl Caution {
    /// Returns whether it may be tried.
    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Counts a batch.
    pub(super) fn pass(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// Begins a pause.
    pub(super) fn failed(&mut self) {
        self.last = (2 * self.last).clamp(1, MAX_PAUSE);
        self.left = self.last;
    }

    /// Makes the next pause shorter.
    pub(super) fn succeeded(&mut self) {
        self.last /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many batches pass until it is tried again.
    fn pause(caution: &mut Caution) -> u32 {
        caution.failed();
        let mut passed = 0;
        while !caution.is_over() {
            caution.pass();
            passed += 1;
        }
        passed
    }

    #[test]
    fn what_fails_again_and_again_is_tried_less_and_less() {
        let mut caution = Caution::default();
        assert!(caution.is_over());
        let pauses: Vec<u32> = (0..9).map(|_| pause(&mut caution)).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
        caution.succeeded();
        caution.succeeded();
        assert_eq!(pause(&mut caution), 32);
        (0..9).for_each(|_| caution.succeeded());
        assert_eq!(pause(&mut caution), 1);
    }
}
