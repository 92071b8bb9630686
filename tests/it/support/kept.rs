//! The local data of a device, as a real client keeps it. Fails the test when the stream breaks the contract.

use std::collections::HashMap;

use fluent_backend::testing::{TestClient, TestDevice};
use serde_json::Value;

use super::v1::{integer, seq};

/// A message as a device keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptMessage {
    pub(crate) seq: i64,
    pub(crate) id: i64,
    /// The sender's name for it, for an own one.
    pub(crate) client_id: Option<String>,
    /// Its content; unknown for an own message that was sent from here, for which only `stored` came.
    pub(crate) content: Option<String>,
}

/// The local database of a device, and its cursor.
#[derive(Debug)]
pub(crate) struct Kept {
    name: String,
    /// The cursor with which to reconnect.
    pub(crate) cursor: Option<String>,
    epoch: String,
    seq: i64,
    /// In the order of arrival, which is that of `seq`.
    pub(crate) messages: Vec<KeptMessage>,
    by_id: HashMap<i64, usize>,
    /// Events of other kinds, counted.
    pub(crate) others: usize,
}

impl Kept {
    /// Creates a device without a cursor, which asks for everything.
    pub(crate) fn nothing(name: &str) -> Self {
        let (name, epoch) = (name.to_owned(), String::new());
        Self { name, cursor: None, epoch, seq: 0, messages: Vec::new(), by_id: HashMap::new(), others: 0 }
    }

    /// The name of the device.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Learns the epoch from a `hello`, to ask for everything the first time.
    pub(crate) fn begin(&mut self, hello: &Value) {
        let cursor = hello["cursor"].as_str().expect("a cursor");
        let (epoch, _) = cursor.split_once(':').expect("epoch:seq");
        assert!(self.epoch.is_empty() || self.epoch == epoch, "{}: another epoch: {hello}", self.name);
        epoch.clone_into(&mut self.epoch);
        let since = self.cursor.get_or_insert_with(|| format!("{epoch}:0"));
        assert!(cursor == since || self.seq == 0, "{}: not where it was left: {since}, {hello}", self.name);
    }

    /// Opens the device's socket at its cursor.
    pub(crate) async fn open(&mut self, user: &TestClient) -> TestDevice {
        if self.cursor.is_none() {
            let device = user.device(&self.name, None).await;
            self.begin(&device.hello);
            device.socket.close().await;
        }
        let device = user.device(&self.name, self.cursor.as_deref()).await;
        self.begin(&device.hello);
        device
    }

    /// Reads up to `live` and keeps everything.
    pub(crate) async fn catch_up(&mut self, device: &mut TestDevice) {
        while self.take(&device.next().await) != "live" {}
    }

    /// Applies a frame and returns its type.
    #[track_caller]
    pub(crate) fn take<'a>(&mut self, frame: &'a Value) -> &'a str {
        let kind = frame["type"].as_str().expect("a type");
        assert!(kind != "reset" && kind != "error", "{} at {}: {frame}", self.name, self.seq);
        if kind == "live" {
            self.is_live_at(frame);
        }
        if frame["seq"].is_null() {
            return kind;
        }
        let number = seq(frame);
        if frame["duplicate"] == true {
            self.compare(frame);
            return kind;
        }
        assert!(number > self.seq, "{} at {}: `seq` goes back: {frame}", self.name, self.seq);
        self.seq = number;
        self.cursor = Some(format!("{}:{number}", self.epoch));
        if kind == "message" || kind == "stored" {
            self.keep(frame);
        } else {
            self.others += 1;
        }
        kind
    }

    /// Nothing is missing up to the cursor of a `live`, also where it is ahead of the last event.
    fn is_live_at(&mut self, live: &Value) {
        let cursor = live["cursor"].as_str().expect("a cursor");
        let place = cursor.strip_prefix(&self.epoch).and_then(|place| place.strip_prefix(':')?.parse().ok());
        let place: i64 = place.unwrap_or_else(|| panic!("{}: another epoch: {live}", self.name));
        assert!(place >= self.seq, "{} at {}: `live` goes back: {live}", self.name, self.seq);
        self.seq = place;
        self.cursor = Some(cursor.to_owned());
    }

    fn keep(&mut self, frame: &Value) {
        let text = |key: &str| frame[key].as_str().map(str::to_owned);
        let message = KeptMessage {
            seq: seq(frame),
            id: integer(frame, "id"),
            client_id: text("client_id"),
            content: text("content"),
        };
        let before = self.by_id.insert(message.id, self.messages.len());
        assert_eq!(before, None, "{}: the message is there already: {frame}", self.name);
        self.messages.push(message);
    }

    /// Checks that a duplicate agrees with the kept message. A message that is not kept yet comes later in the stream.
    fn compare(&self, frame: &Value) {
        let known = frame["id"].as_i64().and_then(|id| self.by_id.get(&id));
        if let (Some(&at), "stored") = (known, frame["type"].as_str().unwrap_or_default()) {
            assert_eq!(self.messages[at].seq, seq(frame), "{}: {frame}", self.name);
        }
    }
}
