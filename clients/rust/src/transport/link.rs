//! The socket and the timers of one client.

use std::collections::VecDeque;
use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};

use super::error::{Closed, OpenError};
use super::socket::Socket;
use crate::backoff::Pause;
use crate::connection::Refusal;
use crate::cursor::Cursor;
use crate::frame::ClientFrame;
use crate::{Action, Event};

type Opens<S> = Pin<Box<dyn Future<Output = Result<Socket<S>, OpenError>> + Send>>;
type Open<S> = Box<dyn Fn(Option<Cursor>) -> Opens<S> + Send>;

/// Performs the actions that concern the socket and its timers, and returns their outcomes as events.
pub struct Link<S> {
    open: Open<S>,
    opening: Option<Opens<S>>,
    socket: Option<(Socket<S>, Instant)>,
    /// When [`Event::PauseEnded`] and [`Event::SendingResumed`] are due.
    pause_ends: Option<Instant>,
    sending_resumes: Option<Instant>,
    happened: VecDeque<Event>,
    trouble: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    /// Makes a link without a socket. `open` opens its sockets, each behind the given cursor.
    pub fn new<F>(open: impl Fn(Option<Cursor>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<Socket<S>, OpenError>> + Send + 'static,
    {
        Self {
            open: Box::new(move |since| Box::pin(open(since))),
            opening: None,
            socket: None,
            pause_ends: None,
            sending_resumes: None,
            happened: VecDeque::new(),
            trouble: String::new(),
        }
    }

    /// Returns the last problem, for people.
    #[must_use]
    pub fn trouble(&self) -> &str {
        &self.trouble
    }

    /// Performs an action of the socket or a timer: `Connect`, `Disconnect`, `Send`, `Pause` and `PauseSending`.
    /// Returns any other action, which the caller must perform.
    pub async fn perform(&mut self, action: Action) -> Option<Action> {
        match action {
            Action::Connect { since } => self.connect(since),
            Action::Disconnect => self.disconnect(),
            Action::Send(frame) => self.send(&frame).await,
            Action::Pause(pause) => {
                self.pause(pause);
            }
            Action::PauseSending(pause) => self.pause_sending(pause),
            other => return Some(other),
        }
        None
    }

    /// Waits for the next event. Cancel-safe.
    pub async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.happened.pop_front() {
                return event;
            }
            tokio::select! {
                frame = read(&mut self.socket) => return match frame {
                    Ok(text) => Event::Received(text),
                    Err(closed) => self.ended(&closed),
                },
                opened = opened(&mut self.opening) => {
                    self.opening = None;
                    match opened {
                        Ok(socket) => self.socket = Some((socket, Instant::now())),
                        Err(error) => return self.refused(error),
                    }
                }
                () = at(self.pause_ends) => {
                    self.pause_ends = None;
                    return Event::PauseEnded;
                }
                () = at(self.sending_resumes) => {
                    self.sending_resumes = None;
                    return Event::SendingResumed;
                }
            }
        }
    }

    /// Begins to open a socket.
    pub fn connect(&mut self, since: Option<Cursor>) {
        self.opening = Some((self.open)(since));
    }

    /// Drops the socket without a closing handshake.
    pub fn disconnect(&mut self) {
        (self.opening, self.socket) = (None, None);
    }

    /// Performs the closing handshake.
    pub async fn close(&mut self) {
        self.opening = None;
        if let Some((socket, _)) = self.socket.take() {
            socket.close().await;
        }
    }

    /// Sends a frame. If that fails, the socket has ended, which is the next event.
    pub async fn send(&mut self, frame: &ClientFrame) {
        // Never fails: the keys of a frame are texts and its values plain.
        let Ok(text) = serde_json::to_string(frame) else { return };
        if let Some((socket, _)) = &mut self.socket
            && let Err(closed) = socket.send(text).await
        {
            let event = self.ended(&closed);
            self.happened.push_back(event);
        }
    }

    /// Starts a pause that ends in [`Event::PauseEnded`], and returns how long it takes.
    pub fn pause(&mut self, pause: Pause) -> Duration {
        let time = pause.draw(rand::random());
        self.pause_ends = Some(Instant::now() + time);
        time
    }

    /// Starts a pause that ends in [`Event::SendingResumed`].
    pub fn pause_sending(&mut self, pause: Pause) {
        self.sending_resumes = Some(Instant::now() + pause.draw(rand::random()));
    }

    fn ended(&mut self, closed: &Closed) -> Event {
        self.trouble = closed.to_string();
        let held = self.socket.take().map(|(_, since)| since.elapsed()).unwrap_or_default();
        match closed {
            Closed::ByServer { code, reason } => Event::Closed { code: *code, reason: reason.clone(), held },
            Closed::Lost(_) => Event::Closed { code: None, reason: String::new(), held },
        }
    }

    fn refused(&mut self, error: OpenError) -> Event {
        self.trouble = match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        Event::Refused(Refusal::from(error))
    }
}

async fn read<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut Option<(Socket<S>, Instant)>) -> Result<String, Closed> {
    match socket {
        Some((socket, _)) => Ok(socket.next().await?.to_string()),
        None => pending().await,
    }
}

async fn opened<S>(opening: &mut Option<Opens<S>>) -> Result<Socket<S>, OpenError> {
    match opening {
        Some(opening) => opening.await,
        None => pending().await,
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}
