//! A socket that catches up while others write: whatever the order in which pages and news come in.

use proptest::prelude::*;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::*;
use crate::actors::credit::{Credits, InFlightBytes};
use crate::domain::{ConversationId, Message, MessageId, SocketId, Stored, Timestamp};
use crate::protocol::v1::Context;

const ME: UserId = UserId(1);
const OTHER: UserId = UserId(2);

/// What may happen next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A message is committed: one of this socket's own, or another's.
    Commit { own: bool },
    /// The session hears of the oldest commit that it has not heard of.
    Deliver,
    /// The store gives a page of so many events.
    Page(usize),
    /// The outcome of a commit was not known: nobody is told of it.
    Lose,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<bool>().prop_map(|own| Step::Commit { own }),
        3 => Just(Step::Deliver),
        3 => (1..4_usize).prop_map(Step::Page),
        1 => Just(Step::Lose),
    ]
}

/// The store, the session's mailbox, and the socket.
struct World {
    stored: Vec<Arc<Event>>,
    mailbox: VecDeque<(Arc<Event>, Option<Reply>)>,
    stream: Stream,
    credits: Credits,
    turns: Arc<Semaphore>,
    read_up_to: Seq,
    frames: Vec<Value>,
}

impl World {
    fn new(since: i64, seam: usize) -> Self {
        let mut stream = Stream::new(ME, SeamLimit { events: seam, bytes: 1 << 20 });
        stream.begin(Epoch::parse("e").unwrap(), Seq(since));
        Self {
            stored: (1..=5).map(|seq| message(seq, OTHER)).collect(),
            mailbox: VecDeque::new(),
            stream,
            credits: Credits::new(1000, 1 << 20, InFlightBytes::new(1 << 20)),
            turns: Arc::new(Semaphore::new(1)),
            read_up_to: Seq(since),
            frames: Vec::new(),
        }
    }

    fn head(&self) -> i64 {
        i64::try_from(self.stored.len()).unwrap()
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Commit { own } => {
                let seq = self.head() + 1;
                let event = message(seq, if own { ME } else { OTHER });
                let reply = own.then(|| self.reply(&event));
                self.stored.push(event.clone());
                self.mailbox.push_back((event, reply));
            }
            Step::Deliver => {
                if let Some((event, reply)) = self.mailbox.pop_front() {
                    let letters = self.stream.event(&event, reply);
                    self.write(letters);
                }
            }
            Step::Page(events) => {
                let Ok(permit) = self.turns.clone().try_acquire_owned() else { return };
                let missed = self.stored.iter().filter(|event| event.seq > self.read_up_to);
                let events: Vec<Event> = missed.take(events).map(|event| (**event).clone()).collect();
                let head = Seq(self.head());
                let up_to = events.last().map_or(head, |event| event.seq);
                self.read_up_to = up_to;
                let page = Page { events, up_to, is_last: up_to == head };
                let letters = self.stream.page(Turn { page, permit, entry: None });
                self.write(letters);
            }
            Step::Lose => {
                // As the writer does it: what others have committed before is told first.
                while !self.mailbox.is_empty() {
                    self.step(Step::Deliver);
                }
                self.stored.push(message(self.head() + 1, OTHER));
                if let Some(since) = self.stream.fall_behind() {
                    self.read_up_to = since;
                    self.turns = Arc::new(Semaphore::new(1));
                }
            }
        }
    }

    fn reply(&mut self, event: &Event) -> Reply {
        let credit = futures_util::FutureExt::now_or_never(self.credits.reserve()).unwrap();
        let ordinal = self.stream.command();
        let from = From { user: ME, socket: SocketId(1), ordinal, context: Context::default(), credit };
        let stored = Stored {
            client_id: None,
            conversation_id: ConversationId(1),
            id: MessageId(event.seq.0),
            timestamp: Timestamp::from_micros(0),
            duplicate: false,
        };
        Reply { from, answer: Answer::Stored(stored) }
    }

    /// The client reads everything, which gives the turn back.
    fn write(&mut self, letters: Vec<Letter>) {
        let frames = letters.into_iter().map(|letter| serde_json::from_slice(&letter.frame.into_bytes()).unwrap());
        self.frames.extend(frames);
    }

    /// Everything is delivered and read until there is nothing more.
    fn finish(&mut self) {
        while !self.mailbox.is_empty() {
            self.step(Step::Deliver);
        }
        for _ in 0..1000 {
            if self.stream.is_live() {
                return;
            }
            self.step(Step::Page(3));
        }
        panic!("it never goes live: {:?}", self.stream);
    }
}

fn message(seq: i64, sender: UserId) -> Arc<Event> {
    let body = EventBody::Message(Message {
        id: MessageId(seq),
        conversation_id: ConversationId(1),
        sender,
        receiver: if sender == ME { OTHER } else { ME },
        sender_copy: "s".to_owned(),
        receiver_copy: "r".to_owned(),
        message_type: "text".to_owned(),
        timestamp: Timestamp::from_micros(seq),
        client_id: None,
        reply_to: None,
        expires_at: None,
    });
    Arc::new(Event { seq: Seq(seq), body })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_event_comes_once_and_in_order(
        since in 0..6_i64,
        seam in 1..5_usize,
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut world = World::new(since, seam);
        for step in steps {
            world.step(step);
        }
        world.finish();
        let (live, told): (Vec<&Value>, Vec<&Value>) = world.frames.iter().partition(|frame| frame["type"] == "live");
        prop_assert_eq!(live.len(), 1, "{:?}", world.frames);
        let seqs: Vec<i64> = told.iter().map(|frame| frame["seq"].as_i64().unwrap()).collect();
        let expected: Vec<i64> = (since + 1..=world.head()).collect();
        prop_assert_eq!(seqs, expected, "{:?}", world.frames);
        for frame in told {
            let event = &world.stored[usize::try_from(frame["seq"].as_i64().unwrap()).unwrap() - 1];
            let own = matches!(&event.body, EventBody::Message(message) if message.sender == ME);
            prop_assert_eq!(frame["type"] == "stored", own, "an answer takes its event's place: {}", frame);
            prop_assert!(!own || frame["duplicate"] == false, "{}", frame);
        }
        prop_assert!(futures_util::FutureExt::now_or_never(world.credits.settled()).is_some(), "credit is given back");
    }
}

#[test]
fn an_answer_whose_message_is_gone_comes_before_live() {
    let mut world = World::new(5, 10);
    world.step(Step::Commit { own: true });
    world.step(Step::Deliver);
    // Deleted meanwhile: the store does not have it any more.
    let permit = world.turns.clone().try_acquire_owned().unwrap();
    let letters = world.stream.page(Turn {
        page: Page { events: Vec::new(), up_to: Seq(6), is_last: true },
        permit,
        entry: None,
    });
    world.write(letters);
    assert_eq!((&world.frames[0]["type"], &world.frames[0]["duplicate"]), (&"stored".into(), &true.into()));
    assert_eq!((&world.frames[1]["type"], &world.frames[1]["cursor"]), (&"live".into(), &"e:6".into()));
}
