//! What becomes of a frame that was read. Nothing here waits, so that an idle socket keeps no room for it; what has to
//! wait goes on while the socket is not read.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::reading::{Filled, Reading};
use super::{Duration, Pump, SocketEnd};
use crate::actors::{Credit, QueuedFrame};
use crate::domain::{Command, Limited, Limiter};
use crate::protocol::v1::{self, Context};
use crate::protocol::{ErrorCode, FrameError, Request};
use crate::telemetry::metrics;

impl<S, F> Pump<S, F>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Fn() -> Duration,
{
    /// Takes what was read. Returns the frame that answers it at once, if one does.
    pub(super) fn receive(
        &mut self,
        message: Message,
        reading: &mut Reading,
    ) -> Result<Option<QueuedFrame>, SocketEnd> {
        self.heartbeat.heard();
        self.limit_frames();
        match message {
            Message::Text(text) => Ok(self.receive_text(&text, reading)),
            Message::Binary(_) => {
                let error = FrameError::new(ErrorCode::BadFrame, "error: binary frames are not supported");
                Ok(Some(self.frame_error(&error, &Context::default())))
            }
            Message::Close(frame) => Err(SocketEnd::replying(frame.as_ref(), self.socket.get_ref())),
            // A ping is answered by the library, with the next read.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
        }
    }

    fn receive_text(&mut self, text: &Utf8Bytes, reading: &mut Reading) -> Option<QueuedFrame> {
        let (context, request) = self.links.dialect.decode(text, self.user, self.settings.send);
        let request = match request {
            Ok(Request::Ping) => return Some(v1::pong(context.reference.as_ref()).into()),
            Ok(request) => request,
            Err(error) => return Some(self.frame_error(&error, &context)),
        };
        let Reading::Ready(mut credit) = std::mem::replace(reading, Reading::Waiting) else { return None };
        if matches!(request, Request::Command(Command::Send(_))) {
            credit.note_read();
        }
        match request {
            Request::Command(command) => return self.receive_command(command, context, credit, reading),
            Request::Typing { conversation, active } => self.links.session.typing(conversation, active, credit),
            Request::Watch { users } => match self.settings.limiters.take(Limiter::EventUser, self.user) {
                Ok(()) => self.links.session.watch(users, credit),
                Err(limited) => return Some(self.refusal(limited, &context)),
            },
            // Its reply is returned above.
            Request::Ping => {}
        }
        None
    }

    /// Hands a command to the session as soon as there is room for it.
    pub(super) fn submit(&mut self, command: Command, context: Context, credit: Credit, reading: &mut Reading) {
        #[cfg(feature = "otlp")]
        tracing::trace!(target: crate::telemetry::traces::EVENTS, "a command came");
        let bytes = Request::bytes_of(&command);
        match self.links.credits.try_fill(credit, bytes) {
            Ok(credit) => self.links.session.submit(command, context, credit),
            Err(credit) => {
                let room = self.links.credits.clone().fill(credit, bytes);
                *reading = Reading::Filling(Box::pin(async move { Filled { command, context, credit: room.await } }));
            }
        }
    }

    /// Returns the refusal of a bad frame.
    fn frame_error(&self, error: &FrameError, context: &Context) -> QueuedFrame {
        metrics().sockets.refused(error.code.as_str());
        let frame = self.links.dialect.error(error, context);
        QueuedFrame { is_frame_error: true, ..QueuedFrame::from(frame) }
    }

    /// Returns the answer to a request that was one too many. That is no bad frame.
    pub(super) fn refusal(&self, limited: Limited, context: &Context) -> QueuedFrame {
        let error = FrameError::from(limited);
        metrics().sockets.refused(error.code.as_str());
        self.links.dialect.error(&error, context).into()
    }
}
