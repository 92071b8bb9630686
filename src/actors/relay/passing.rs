//! Handing on batches in their order.

use std::time::Duration;

use super::RelayState;
use crate::telemetry::metrics;

impl RelayState {
    /// Hands on all batches that may pass.
    pub(super) fn pass(&mut self) {
        while let Some(batch) = self.sequencer.next() {
            if let Some(at) = batch.at {
                let micros = self.args.clock.now().as_micros() - at.as_micros();
                let took = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
                metrics().cluster.foreign_delivery_seconds.record(took);
            }
            self.args.listeners.announce(batch);
        }
        #[expect(clippy::cast_precision_loss, reason = "shown, not compared")]
        metrics().cluster.told.set(self.sequencer.told().0 as f64);
        self.args.health.set_told(self.sequencer.told());
        if let Some(epoch) = &self.epoch {
            self.args.storage.note_told(epoch, self.sequencer.told());
        }
    }
}
