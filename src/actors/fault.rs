//! Faults that tests inflict on actors on purpose. There is nothing of it in a server without the feature `testing`.

use std::time::Duration;

use tokio::sync::watch;

/// What an actor suffers when it takes its next message in hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It panics once.
    Panics,
    /// It stands still until it is healed.
    Wedged,
    /// It takes so much longer for each message.
    Slow(Duration),
}

/// The fault of one kind of actor.
#[derive(Debug, Default)]
pub(super) struct FaultSwitch(watch::Sender<Fault>);

impl FaultSwitch {
    /// Inflicts a fault, or heals with [`Fault::None`].
    pub(super) fn set(&self, fault: Fault) {
        self.0.send_replace(fault);
    }

    /// Suffers the fault that is set.
    pub(super) async fn suffer(&self) {
        let mut set = self.0.subscribe();
        let fault = *set.borrow_and_update();
        match fault {
            Fault::None => {}
            Fault::Panics => {
                self.set(Fault::None);
                panic!("panicked on request of a test");
            }
            // Fails only when the switch is dropped, with its actors.
            Fault::Wedged => drop(set.wait_for(|fault| *fault != Fault::Wedged).await),
            Fault::Slow(by) => tokio::time::sleep(by).await,
        }
    }
}
