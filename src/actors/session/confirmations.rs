//! Whether the devices of a session acknowledge the messages that they are sent. One that does not may be out of reach
//! although its socket is open, and is woken.

use std::sync::Arc;
use std::time::Duration;

use super::SessionState;
use super::messages::SessionMsg;
use crate::domain::Seq;
use crate::push::Devices;
use crate::telemetry::metrics;

/// The time in which a device acknowledges a message.
const WITHIN: Duration = Duration::from_secs(5);

impl SessionState {
    pub(super) fn devices(&self) -> &Arc<Devices> {
        self.args.replays.storage.devices()
    }

    /// Expects all devices to acknowledge a message, while a device is registered to be woken at all.
    pub(super) fn expect_confirmation(&mut self, message: Seq) {
        if !self.devices().has_targets() {
            return;
        }
        self.sockets.iter_mut().for_each(|socket| socket.note_message(message));
        self.check_later();
    }

    fn check_later(&mut self) {
        if !std::mem::replace(&mut self.is_checking, true) {
            self.handle.0.cast_after(WITHIN, || SessionMsg::CheckConfirmed);
        }
    }

    /// Notes which devices have not acknowledged what they had to.
    pub(super) fn check_confirmed(&mut self) {
        self.is_checking = false;
        self.note_written();
        let (devices, user) = (self.devices().clone(), self.args.user);
        for socket in &mut self.sockets {
            if let Some(message) = socket.overdue(WITHIN) {
                metrics().push.unconfirmed.increment(1);
                devices.note_unconfirmed(user, socket.who(), message);
            }
        }
        if self.sockets.iter().any(super::socket::SessionSocket::is_unconfirmed) {
            self.check_later();
        }
    }

    /// Notes what was written to sockets that cannot acknowledge.
    pub(super) fn note_written(&mut self) {
        let (devices, user) = (self.devices().clone(), self.args.user);
        for socket in &mut self.sockets {
            if let Some(up_to) = socket.written() {
                devices.acknowledge(user, socket.who(), up_to);
            }
        }
    }
}
