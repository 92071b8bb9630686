//! A `fluent.v1` device that obeys the contract: it keeps events and saves cursors only where it may.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use fluent_backend::testing::TestDevice;
use proptest::prelude::*;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message as Wire;

use super::event::{Event, Message, surviving};
use super::reference::{Draft, Stored};
use super::{Checked, in_time};

/// Where a device asks its stream to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// After this event; the device trusts what it has up to there.
    At(i64),
    /// At the present head: the past comes from history.
    Head,
    /// At a cursor that cannot be honoured, with the reason that must be given.
    Bogus(String, &'static str),
}

/// A device, connected or not.
#[derive(Debug)]
pub(super) struct Device {
    user: i64,
    name: String,
    socket: Option<TestDevice>,
    /// The last `seq` on this socket.
    last: i64,
    /// Everything kept, by `seq`.
    kept: BTreeMap<i64, Event>,
    /// Of what is older, only messages are known: they came from history.
    baseline: i64,
    /// The cursors that may be used, the best last.
    cursors: Vec<i64>,
    /// What was sent, by `client_id`: `stored` alone does not say it.
    sent: HashMap<String, Draft>,
    /// The next `ref`.
    next_ref: i64,
    /// Answers that were not waited for yet, by `ref`.
    answers: HashMap<i64, Value>,
}

impl Device {
    pub(super) fn new(user: i64, name: &str) -> Self {
        Self {
            user,
            name: name.to_owned(),
            socket: None,
            last: 0,
            kept: BTreeMap::new(),
            baseline: 0,
            cursors: Vec::new(),
            sent: HashMap::new(),
            next_ref: 1,
            answers: HashMap::new(),
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.socket.is_some()
    }

    /// The cursors that may be used, the best last.
    pub(super) fn cursors(&self) -> &[i64] {
        &self.cursors
    }

    /// What is left of everything kept.
    pub(super) fn list(&self) -> Vec<Event> {
        surviving(self.kept.values())
    }

    /// What of a user's whole list this device must have.
    pub(super) fn share_of(&self, mut list: Vec<Event>) -> Vec<Event> {
        list.retain(|event| event.seq() > self.baseline || matches!(event, Event::Message(_)));
        list
    }

    /// Goes without a word; gives the socket away to misbehave on.
    pub(super) fn disconnect(&mut self) -> Option<TestDevice> {
        self.answers.clear();
        self.socket.take()
    }

    /// Shakes hands. A socket that is still open must be closed by the server as replaced, once the new one stands.
    pub(super) async fn connect(
        &mut self,
        (addr, token, epoch): (SocketAddr, &str, &str),
        start: &Start,
        replace: bool,
    ) -> Checked {
        let old = self.disconnect().filter(|_| replace);
        let since = match start {
            Start::At(seq) => Some(format!("{epoch}:{seq}")),
            Start::Bogus(cursor, _) => Some(cursor.clone()),
            Start::Head => None,
        };
        let query = since.as_ref().map(|cursor| format!("&since={cursor}")).unwrap_or_default();
        let query = format!("device_id={}{query}", self.name);
        let opened = in_time("a handshake", Box::pin(TestDevice::open(addr, token, &query))).await?;
        let socket = opened.map_err(|error| TestCaseError::fail(format!("cannot connect: {error}")))?;
        let hello = &socket.hello;
        prop_assert_eq!(hello["user_id"].as_i64(), Some(self.user), "{}", hello);
        prop_assert_eq!(hello["device_id"].as_str(), Some(self.name.as_str()), "{}", hello);
        let head = position(epoch, &hello["cursor"])?;
        match start {
            Start::At(seq) => {
                prop_assert_eq!(head, *seq, "an honoured cursor: {}", hello);
                if *seq == 0 {
                    self.start_anew(0);
                }
                self.last = *seq;
            }
            Start::Head | Start::Bogus(..) => self.start_anew(head),
        }
        self.socket = Some(socket);
        if let Some(mut old) = old {
            let code = in_time("the end of the replaced socket", old.socket.close_code()).await?;
            prop_assert_eq!(code, 4003);
        }
        Ok(())
    }

    fn start_anew(&mut self, head: i64) {
        self.kept.clear();
        self.cursors = vec![head];
        self.baseline = head;
        self.last = head;
    }

    /// Reads what comes before `live`, and that; at most `limit` frames, after which the device goes without a word.
    /// Returns the frames that had come.
    pub(super) async fn come_live(&mut self, epoch: &str, start: &Start, limit: Option<usize>) -> Checked<Vec<Event>> {
        let mut events = Vec::new();
        if let Start::Bogus(_, reason) = start {
            let reset = self.receive().await?;
            prop_assert_eq!((reset["type"].as_str(), reset["reason"].as_str()), (Some("reset"), Some(*reason)));
            self.start_anew(position(epoch, &reset["cursor"])?);
        }
        loop {
            if limit.is_some_and(|limit| events.len() >= limit) {
                self.disconnect();
                return Ok(events);
            }
            let frame = self.receive().await?;
            if frame["type"] == "live" {
                let cursor = position(epoch, &frame["cursor"])?;
                prop_assert!(cursor >= self.last, "{} after seq {}", frame, self.last);
                self.cursors.push(cursor);
                return Ok(events);
            }
            events.extend(self.take(&frame)?);
        }
    }

    /// Takes up messages of history, after a start without the past.
    pub(super) fn load(&mut self, history: Vec<Message>) {
        self.kept.extend(history.into_iter().map(|message| (message.seq, Event::Message(message))));
    }

    /// A `ref` that was not used yet.
    pub(super) fn new_ref(&mut self) -> i64 {
        self.next_ref += 1;
        self.next_ref
    }

    /// Remembers what is going to be sent.
    pub(super) fn will_send(&mut self, draft: &Draft) {
        if let Some(client_id) = &draft.client_id {
            // The first one is what is stored under this name; another one is a conflict.
            self.sent.entry(client_id.clone()).or_insert_with(|| draft.clone());
        }
    }

    /// Writes a frame.
    pub(super) async fn send(&mut self, frame: &Value) -> Checked {
        in_time("the server reads", self.socket()?.send(frame)).await
    }

    /// The answer that carries this `ref`; events before it are kept.
    pub(super) async fn answer(&mut self, reference: i64) -> Checked<Value> {
        loop {
            if let Some(answer) = self.answers.remove(&reference) {
                return Ok(answer);
            }
            let frame = self.receive().await?;
            self.take(&frame)?;
        }
    }

    /// Reads until the event `seq` has come, if it has not.
    pub(super) async fn read_to(&mut self, seq: i64) -> Checked {
        while self.last < seq {
            let frame = self.receive().await?;
            self.take(&frame)?;
        }
        Ok(())
    }

    /// Reads to the end of the connection, as the server goes down.
    pub(super) async fn read_to_close(&mut self) -> Checked<u16> {
        loop {
            match in_time("the close", self.socket()?.socket.next()).await? {
                Some(Ok(Wire::Text(text))) => {
                    let frame = parse(&text)?;
                    if frame["type"] != "going_away" {
                        self.take(&frame)?;
                    }
                }
                Some(Ok(Wire::Close(frame))) => return Ok(frame.map_or(1005, |frame| frame.code.into())),
                _ => return Ok(1006),
            }
        }
    }

    fn socket(&mut self) -> Checked<&mut TestDevice> {
        self.socket.as_mut().ok_or_else(|| TestCaseError::fail("not connected"))
    }

    async fn receive(&mut self) -> Checked<Value> {
        match in_time("a frame", self.socket()?.socket.next()).await? {
            Some(Ok(Wire::Text(text))) => parse(&text),
            other => Err(TestCaseError::fail(format!("{} of user {}: {other:?}", self.name, self.user))),
        }
    }

    /// Takes up a frame behind `hello`: the event, if it is one, is kept.
    fn take(&mut self, frame: &Value) -> Checked<Option<Event>> {
        if let Some(reference) = frame["ref"].as_i64() {
            let former = self.answers.insert(reference, frame.clone());
            prop_assert!(former.is_none(), "two answers: {:?}, {}", former, frame);
        }
        let kind = frame["type"].as_str().unwrap_or_default();
        let is_event = frame["seq"].is_i64() && kind != "error" && frame["duplicate"] != true;
        if !is_event {
            prop_assert!(matches!(kind, "stored" | "receipt" | "deleted" | "error"), "unexpected: {}", frame);
            prop_assert!(frame["ref"].is_i64(), "answers nothing: {}", frame);
            return Ok(None);
        }
        let event = if kind == "stored" { self.stored(frame)? } else { Event::parse(frame)? };
        let seq = event.seq();
        prop_assert!(seq > self.last, "{} of user {}: seq {} before {}", self.name, self.user, self.last, frame);
        self.last = seq;
        self.cursors.push(seq);
        if let Some(kept) = self.kept.insert(seq, event.clone()) {
            prop_assert_eq!(&kept, &event, "the same seq is another event");
        }
        Ok(Some(event))
    }

    fn stored(&self, frame: &Value) -> Checked<Event> {
        let stored = Stored::parse(frame)?;
        let draft = stored.client_id.as_ref().and_then(|id| self.sent.get(id));
        let draft = draft.ok_or_else(|| TestCaseError::fail(format!("never sent: {frame}")))?;
        Ok(Event::Message(draft.sent(self.user, &stored)?))
    }
}

fn parse(text: &str) -> Checked<Value> {
    serde_json::from_str(text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))
}

/// The `seq` of a cursor of this epoch.
pub(super) fn position(epoch: &str, cursor: &Value) -> Checked<i64> {
    let seq = cursor.as_str().and_then(|cursor| cursor.strip_prefix(epoch)?.strip_prefix(':')?.parse().ok());
    seq.ok_or_else(|| TestCaseError::fail(format!("no cursor of epoch {epoch}: {cursor}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn block(seq: i64) -> Value {
        json!({"type": "block", "seq": seq, "user_id": seq, "blocked": true})
    }

    #[test]
    fn a_device_keeps_events_and_moves_its_cursor() {
        let mut device = Device::new(7, "pixel");
        let draft = Draft {
            client_id: Some("c1".to_owned()),
            to: 8,
            receiver_copy: "r".to_owned(),
            sender_copy: "s".to_owned(),
            message_type: "text",
            expires_in_s: Some(5),
        };
        device.will_send(&draft);
        let stored = json!({"type": "stored", "client_id": "c1", "conversation_id": 1, "id": 3, "seq": 4, "ref": 1,
            "timestamp": "1970-01-01T00:00:01.000000Z", "duplicate": false});
        let event = device.take(&stored).unwrap();
        let Some(Event::Message(message)) = &event else { panic!("{event:?}") };
        assert_eq!((message.sender_id, message.receiver_id, message.content.as_str()), (7, 8, "s"));
        assert_eq!(message.expires_at.as_deref(), Some("1970-01-01T00:00:06.000000Z"));
        device.take(&block(9)).unwrap();
        assert_eq!((device.cursors(), device.list().len()), ([4, 9].as_slice(), 2));

        let mut again = stored;
        again["duplicate"] = true.into();
        again["ref"] = 2.into();
        assert_eq!(device.take(&again).unwrap(), None, "an old number moves nothing");
        assert_eq!(device.cursors(), [4, 9]);
    }

    #[test]
    fn what_breaks_the_order_is_found() {
        let mut device = Device::new(7, "pixel");
        device.take(&block(9)).unwrap();
        device.take(&block(8)).unwrap_err();
        device.take(&block(9)).unwrap_err();
        device.take(&json!({"type": "live", "cursor": "e:9"})).unwrap_err();
        device.take(&json!({"type": "error", "code": "not_found"})).unwrap_err();
    }

    #[test]
    fn after_a_start_without_the_past_only_messages_of_it_count() {
        let mut device = Device::new(7, "pixel");
        device.start_anew(10);
        let list = vec![Event::parse(&block(9)).unwrap(), Event::parse(&block(11)).unwrap()];
        assert_eq!(device.share_of(list.clone()), list[1..]);
    }

    #[test]
    fn cursors_name_their_epoch() {
        assert_eq!(position("e", &json!("e:7")).unwrap(), 7);
        for bad in [json!("f:7"), json!("e7"), json!("e:x"), json!(7)] {
            position("e", &bad).unwrap_err();
        }
    }
}
