//! The limiters of a socket's frames: some frames are refused, some wait, and of some reading waits.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::reading::{Filled, Reading};
use super::{Duration, Pump};
use crate::actors::{Credit, QueuedFrame};
use crate::domain::{Acquaintance, Command, Draft, Limiter};
use crate::limits::LimiterKey;
use crate::protocol::v1::Context;
use crate::socket::dialect::Dialect;
use crate::storage::Storage;

impl<S, F> Pump<S, F>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Fn() -> Duration,
{
    /// Counts a frame. When it is one too many, nothing is read until its token is there.
    pub(super) fn limit_frames(&mut self) {
        let socket = LimiterKey::Socket(self.links.session.socket());
        if let Some(wait) = self.settings.limiters.take_or_wait(Limiter::FramesSocket, socket) {
            self.pacing.pause(wait);
        }
    }

    /// Ends the waits that are over.
    pub(super) fn end_waits(&mut self) {
        if self.pacing.end_due(&self.links.session) {
            self.heartbeat.resumed(Instant::now());
            // The token that the last frame has waited for.
            self.limit_frames();
        }
    }

    /// Counts a command, and submits it as soon as its limiters and the credit let it pass. Returns the refusal when a
    /// limiter does not let it pass at all.
    pub(super) fn receive_command(
        &mut self,
        mut command: Command,
        context: Context,
        credit: Credit,
        reading: &mut Reading,
    ) -> Option<QueuedFrame> {
        let limiters = &self.settings.limiters;
        match &mut command {
            Command::Send(draft) if self.links.dialect == Dialect::V1 => limiters.count_send(draft),
            Command::Send(draft) => {
                let before = self.links.credits.in_use();
                let limited = limiters.at_once(|| {
                    let may_be_limited = limiters.may_be_limited(draft, before);
                    (may_be_limited || limiters.try_count_send(draft).is_err()).then_some(may_be_limited)
                });
                if let Some(may_be_limited) = limited {
                    let (mut draft, credits) = (draft.clone(), self.links.credits.clone());
                    let limiters = limiters.clone();
                    let (longest, storage) = (self.settings.legacy_delay, self.settings.storage.clone());
                    *reading = Reading::Filling(Box::pin(async move {
                        let mut known = None;
                        if may_be_limited {
                            // Those before it may be counted by the writer, which must find their tokens.
                            credits.alone().await;
                            known = acquaintance(storage, &draft).await;
                        }
                        limiters.count_send_in_time(&mut draft, known, longest).await;
                        let bytes = draft.bytes();
                        Filled { command: Command::Send(draft), context, credit: credits.fill(credit, bytes).await }
                    }));
                    return None;
                }
            }
            _ => {
                if let Err(limited) = limiters.take(Limiter::EventUser, self.user) {
                    return Some(self.refusal(limited, &context));
                }
            }
        }
        if let Command::Delivered { user, up_to } = command {
            let pair = LimiterKey::Pair(user, user);
            let is_held = self.pacing.holds_receipt();
            let wait = if is_held { Some(Duration::ZERO) } else { limiters.take_or_wait(Limiter::ReceiptPair, pair) };
            if let Some(wait) = wait {
                self.pacing.hold((user, up_to), context, credit, wait);
                return None;
            }
        }
        self.submit(command, context, credit, reading);
        None
    }
}

/// Returns how well the receiver of a message knows its sender. When that cannot be found out, the writer counts the
/// message as it comes.
async fn acquaintance(storage: Option<Arc<Storage>>, draft: &Draft) -> Option<Acquaintance> {
    storage?.acquaintance(draft.sender, draft.receiver()?).await.ok().flatten()
}
