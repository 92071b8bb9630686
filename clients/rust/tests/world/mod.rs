//! A server, a device, and a socket between them that may be cut at any moment.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use fluent_client::{Action, Client, ClientFrame, Cursor, Draft, Event, Outbox, ServerFrame};
use serde_json::{Value, json};

const ME: i64 = 1;
const PEER: i64 = 2;
/// More rounds than any settling takes.
const ROUNDS: usize = 1000;

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// The person writes a message.
    Write,
    /// The peer writes one.
    PeerWrites,
    /// The server reads so many frames.
    ServerReads(usize),
    /// The client reads so many frames.
    ClientReads(usize),
    /// All pauses end.
    Timers,
    /// The socket breaks, with all that was on its way.
    Cut,
    /// The program ends, and starts with what is on disk.
    Crash,
    /// The server refuses the next message for now.
    Refuse,
    /// The server says that it goes away.
    GoAway,
    /// The server forgets what older cursors need.
    Forget,
    /// History is loaded, or cannot be.
    History(bool),
}

/// What a server does for one user.
#[derive(Default)]
struct Server {
    /// Each message, by its `seq`, with the `client_id` of own ones.
    messages: BTreeMap<u64, Option<String>>,
    head: u64,
    /// Cursors below are not honoured.
    floor: u64,
    refuses_next: bool,
}

/// The disk of the device: it survives crashes.
#[derive(Default)]
struct Disk {
    cursor: Option<Cursor>,
    outbox: String,
    /// The `seq` of each message that is kept.
    book: BTreeSet<u64>,
}

/// A socket with what is on its way in both directions.
#[derive(Default)]
struct Socket {
    to_server: VecDeque<ClientFrame>,
    to_client: VecDeque<Value>,
    reads_no_more: bool,
}

/// All of it.
pub(crate) struct World {
    server: Server,
    disk: Disk,
    client: Client,
    socket: Option<Socket>,
    pauses: bool,
    holds_back: bool,
    reload: Option<u32>,
    /// What this life of the program has kept since it last started over.
    shown: BTreeSet<u64>,
    /// Each message that the person has written, in order.
    written: Vec<String>,
}

impl World {
    pub(crate) fn new(has_cursor: bool) -> Self {
        let disk = Disk {
            cursor: has_cursor.then(|| Cursor::new("e", 0)),
            outbox: serde_json::to_string(&Outbox::default()).unwrap(),
            book: BTreeSet::new(),
        };
        let client = Client::new(ME, vec![], disk.cursor.clone(), Outbox::default());
        let mut world = Self {
            server: Server::default(),
            disk,
            client,
            socket: None,
            pauses: false,
            holds_back: false,
            reload: None,
            shown: BTreeSet::new(),
            written: Vec::new(),
        };
        world.happens(Event::Start);
        world
    }

    pub(crate) fn perform(&mut self, op: Op) {
        match op {
            Op::Write => {
                let client_id = format!("c{}", self.written.len());
                self.written.push(client_id.clone());
                self.happens(Event::Written(draft(client_id)));
            }
            Op::PeerWrites => {
                let frame = self.server.store(None);
                self.push(frame);
            }
            Op::ServerReads(count) => (0..count).for_each(|_| self.server_reads()),
            Op::ClientReads(count) => (0..count).for_each(|_| self.client_reads()),
            Op::Timers => self.timers(),
            Op::Cut => self.cut(None),
            Op::Crash => self.crash(),
            Op::Refuse => self.server.refuses_next = true,
            Op::GoAway => {
                self.push(json!({"type": "going_away", "reconnect_after_ms": 10}));
                if let Some(socket) = &mut self.socket {
                    socket.reads_no_more = true;
                }
            }
            Op::Forget => self.server.floor = self.server.head,
            Op::History(is_there) => self.history(is_there),
        }
    }

    /// Lets everything come to its end, without further trouble.
    pub(crate) fn settle(&mut self) {
        self.server.refuses_next = false;
        for _ in 0..ROUNDS {
            if self.socket.as_ref().is_some_and(|socket| socket.reads_no_more) {
                self.cut(Some(1012));
            }
            self.timers();
            self.server_reads();
            self.client_reads();
            self.history(true);
            let is_quiet = |socket: &Socket| socket.to_server.is_empty() && socket.to_client.is_empty();
            if self.socket.as_ref().is_some_and(is_quiet) && !self.pauses && !self.holds_back && self.reload.is_none() {
                return;
            }
        }
        panic!("it does not settle: {}", self.client.state());
    }

    /// Everything written is stored once, everything stored is kept, nothing else is, and the cursor says so.
    pub(crate) fn check(&self) {
        let stored: Vec<&String> = self.server.messages.values().flatten().collect();
        assert_eq!(stored.iter().collect::<BTreeSet<_>>().len(), stored.len(), "stored twice: {stored:?}");
        assert_eq!(stored.into_iter().collect::<BTreeSet<_>>(), self.written.iter().collect(), "what is stored");
        assert_eq!(self.disk.book, self.server.messages.keys().copied().collect(), "what is kept");
        assert_eq!(self.client.outbox().unsent(), 0);
        let saved = self.disk.cursor.as_ref().map(Cursor::seq);
        assert_eq!(saved, Some(self.server.head), "the cursor on disk");
    }

    /// The messages were stored in the order in which they were written.
    pub(crate) fn check_order(&self) {
        assert!(self.server.messages.values().flatten().eq(&self.written), "{:?}", self.server.messages);
    }

    fn happens(&mut self, event: Event) {
        for action in self.client.on(event) {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Connect { since } => {
                assert!(self.socket.is_none(), "a second socket");
                self.socket = Some(Socket { to_client: self.server.open(since.as_ref()), ..Socket::default() });
            }
            Action::Disconnect => self.socket = None,
            Action::Pause(_) => self.pauses = true,
            Action::PauseSending(_) => self.holds_back = true,
            Action::Send(frame) => {
                self.is_on_disk(&frame);
                // A frame to a socket that has ended is lost.
                if let Some(socket) = &mut self.socket {
                    socket.to_server.push_back(frame);
                }
            }
            Action::Keep(ServerFrame::Message(message)) => {
                assert!(self.shown.insert(message.seq), "shown twice: {}", message.seq);
                self.disk.book.insert(message.seq);
            }
            Action::StartOver(number) => {
                self.disk.cursor = None;
                self.disk.book.clear();
                self.shown.clear();
                self.reload = Some(number);
            }
            Action::SaveCursor(cursor) => {
                let missing =
                    self.server.messages.range(..=cursor.seq()).find(|(seq, _)| !self.disk.book.contains(seq));
                assert_eq!(missing, None, "a cursor in front of a hole");
                self.disk.cursor = Some(cursor);
            }
            Action::SaveOutbox => self.disk.outbox = serde_json::to_string(self.client.outbox()).unwrap(),
            Action::Keep(_) | Action::Tell(_) => {}
            Action::Refresh | Action::Renew(_) | Action::Stop(_) => panic!("{action:?}"),
        }
    }

    /// A message must not be sent before it is on disk, nor `delivered` said before the cursor is.
    fn is_on_disk(&self, frame: &ClientFrame) {
        match frame {
            ClientFrame::Send(draft) => {
                let outbox: Outbox = serde_json::from_str(&self.disk.outbox).unwrap();
                assert!(outbox.waiting().any(|saved| saved == draft), "sent before it is saved");
            }
            ClientFrame::Delivered { up_to_seq } => {
                let saved = self.disk.cursor.as_ref().map_or(0, Cursor::seq);
                assert!(saved >= *up_to_seq, "said before it is saved");
            }
            _ => {}
        }
    }

    fn push(&mut self, frame: Value) {
        if let Some(socket) = &mut self.socket {
            socket.to_client.push_back(frame);
        }
    }

    fn server_reads(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        let Some(frame) = socket.to_server.pop_front() else { return };
        if let ClientFrame::Send(draft) = frame
            && !socket.reads_no_more
        {
            let answer = self.server.answer(&draft);
            self.push(answer);
        }
    }

    fn client_reads(&mut self) {
        let frame = self.socket.as_mut().and_then(|socket| socket.to_client.pop_front());
        if let Some(frame) = frame {
            self.happens(Event::Received(frame.to_string()));
        }
    }

    fn timers(&mut self) {
        if std::mem::take(&mut self.pauses) {
            self.happens(Event::PauseEnded);
        }
        if std::mem::take(&mut self.holds_back) {
            self.happens(Event::SendingResumed);
        }
    }

    fn cut(&mut self, code: Option<u16>) {
        if self.socket.take().is_some() {
            self.happens(Event::Closed { code, reason: String::new(), held: Duration::ZERO });
        }
    }

    fn crash(&mut self) {
        let outbox = serde_json::from_str(&self.disk.outbox).unwrap();
        (self.socket, self.pauses, self.holds_back, self.reload) = (None, false, false, None);
        self.shown.clear();
        self.client = Client::new(ME, vec![], self.disk.cursor.clone(), outbox);
        self.happens(Event::Start);
    }

    fn history(&mut self, is_there: bool) {
        let Some(number) = self.reload.take() else { return };
        if is_there {
            self.disk.book.extend(self.server.messages.keys());
            self.happens(Event::Reloaded(number));
        } else {
            self.happens(Event::NotReloaded(number));
        }
    }
}

impl Server {
    /// Stores a message, and returns it as the device is shown it.
    fn store(&mut self, client_id: Option<String>) -> Value {
        // Numbers have gaps.
        self.head += 1 + self.head % 3;
        self.messages.insert(self.head, client_id);
        self.message(self.head)
    }

    fn message(&self, seq: u64) -> Value {
        let client_id = &self.messages[&seq];
        let (sender, receiver) = if client_id.is_some() { (ME, PEER) } else { (PEER, ME) };
        json!({"type": "message", "seq": seq, "id": seq, "conversation_id": 1, "sender_id": sender,
            "receiver_id": receiver, "content": "x", "message_type": "text", "timestamp": "t", "client_id": client_id})
    }

    /// The answer to a `send`.
    fn answer(&mut self, draft: &Draft) -> Value {
        let client_id = &draft.client_id;
        if std::mem::take(&mut self.refuses_next) {
            return json!({"type": "error", "code": "unavailable", "message": "", "retryable": true,
                "client_id": client_id});
        }
        let first = self.messages.iter().find(|(_, stored)| stored.as_ref() == Some(client_id)).map(|(&seq, _)| seq);
        let seq = first.unwrap_or_else(|| {
            self.store(Some(client_id.clone()));
            self.head
        });
        json!({"type": "stored", "client_id": client_id, "conversation_id": 1, "id": seq, "seq": seq,
            "timestamp": "t", "duplicate": first.is_some()})
    }

    /// What a new socket carries first.
    fn open(&self, since: Option<&Cursor>) -> VecDeque<Value> {
        let head = Cursor::new("e", self.head);
        let honoured = since.filter(|since| since.seq() >= self.floor);
        let hello = json!({"type": "hello", "cursor": honoured.unwrap_or(&head)});
        let mut frames = VecDeque::from([hello]);
        match (since, honoured) {
            (_, Some(since)) => {
                frames.extend(self.messages.range(since.seq() + 1..).map(|(&seq, _)| self.message(seq)));
            }
            (Some(_), None) => frames.push_back(json!({"type": "reset", "reason": "expired", "cursor": head})),
            (None, None) => {}
        }
        frames.push_back(json!({"type": "live", "cursor": head}));
        frames
    }
}

fn draft(client_id: String) -> Draft {
    Draft {
        to: PEER,
        receiver_encrypted: format!("{client_id} for 2"),
        sender_encrypted: format!("{client_id} for 1"),
        client_id,
        kind: "text".to_owned(),
        receiver_key_id: None,
        franking_tag: None,
        attachment_ids: Vec::new(),
    }
}
