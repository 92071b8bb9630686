//! A socket that catches up while others write: whatever the order in which pages and news come in.

use proptest::prelude::*;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::*;
use crate::actors::session::credit::{Credits, InFlightBytes};
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
    /// The store is asked for a page of so many events, when it is its turn.
    Read(usize),
    /// The page that was read reaches the session: others may have written since, and been told of.
    Page,
    /// The outcome of a commit was not known: nobody is told of it.
    Lose,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<bool>().prop_map(|own| Step::Commit { own }),
        3 => Just(Step::Deliver),
        3 => (1..4_usize).prop_map(Step::Read),
        3 => Just(Step::Page),
        1 => Just(Step::Lose),
    ]
}

/// The store, the session's mailbox, and the socket.
struct World {
    stored: Vec<Arc<Event>>,
    mailbox: VecDeque<(Arc<Event>, Option<Reply>)>,
    stream: Stream,
    credits: Credits,
    permits: Arc<Semaphore>,
    /// On its way from the store to the session.
    read: Option<PageInHand>,
    read_up_to: Seq,
    frames: Vec<Value>,
}

impl World {
    fn new(since: i64, seam: usize) -> Self {
        Self::with(since, SeamLimit { events: seam, bytes: 1 << 20 })
    }

    fn with(since: i64, seam: SeamLimit) -> Self {
        let mut stream = Stream::new(ME, seam);
        stream.begin(Epoch::parse("e").unwrap(), Seq(since));
        Self {
            stored: (1..=5).map(|seq| message(seq, OTHER)).collect(),
            mailbox: VecDeque::new(),
            stream,
            credits: Credits::new(1000, 1 << 20, InFlightBytes::new(1 << 20)),
            permits: Arc::new(Semaphore::new(1)),
            read: None,
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
                    let frames = self.stream.event(&event, reply);
                    self.write(frames);
                }
            }
            Step::Read(events) => {
                // A socket that is live has nobody who reads for it.
                if self.stream.is_live() || self.read.is_some() {
                    return;
                }
                let Ok(permit) = self.permits.clone().try_acquire_owned() else { return };
                let missed = self.stored.iter().filter(|event| event.seq > self.read_up_to);
                let events: Vec<Event> = missed.take(events).map(|event| (**event).clone()).collect();
                let head = Seq(self.head());
                let up_to = events.last().map_or(head, |event| event.seq);
                self.read_up_to = up_to;
                let page = Page { events, up_to, is_last: up_to == head };
                self.read = Some(PageInHand { page, permit, admission: None });
            }
            Step::Page => {
                if let Some(page) = self.read.take() {
                    let frames = self.stream.page(page);
                    self.write(frames);
                }
            }
            Step::Lose => {
                // As the writer does it: what others have committed before is told first.
                while !self.mailbox.is_empty() {
                    self.step(Step::Deliver);
                }
                self.stored.push(message(self.head() + 1, OTHER));
                if let Some(since) = self.stream.fall_behind() {
                    self.read_up_to = since;
                    self.permits = Arc::new(Semaphore::new(1));
                }
            }
        }
    }

    fn reply(&mut self, event: &Event) -> Reply {
        let credit = futures_util::FutureExt::now_or_never(self.credits.reserve()).unwrap();
        let ordinal = self.stream.number_command();
        let origin = Origin { user: ME, socket: SocketId(1), ordinal, context: Context::default(), credit };
        let stored = Stored {
            client_id: None,
            conversation_id: ConversationId(1),
            id: MessageId(event.seq.0),
            timestamp: Timestamp::from_micros(0),
            duplicate: false,
        };
        Reply { origin, answer: Answer::Stored(stored) }
    }

    /// What was told so far: the `seq` of each event, and the type of what has none.
    fn told(&self) -> Vec<String> {
        let name =
            |frame: &Value| frame["seq"].as_i64().map_or_else(|| frame["type"].to_string(), |seq| seq.to_string());
        self.frames.iter().map(name).collect()
    }

    /// Whether nothing of this socket is on its way.
    fn is_settled(&self) -> bool {
        futures_util::FutureExt::now_or_never(self.credits.settled()).is_some()
    }

    /// The client reads everything, which gives the turn back.
    fn write(&mut self, frames: Vec<QueuedFrame>) {
        let frames = frames.into_iter().map(|frame| serde_json::from_slice(&frame.frame.into_bytes()).unwrap());
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
            self.step(Step::Read(3));
            self.step(Step::Page);
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
        prop_assert!(world.is_settled(), "credit is given back");
    }
}

#[test]
fn an_answer_whose_message_is_gone_comes_before_live() {
    let mut world = World::new(5, 10);
    world.step(Step::Commit { own: true });
    world.step(Step::Deliver);
    // Deleted meanwhile: the store does not have it any more.
    let permit = world.permits.clone().try_acquire_owned().unwrap();
    let frames = world.stream.page(PageInHand {
        page: Page { events: Vec::new(), up_to: Seq(6), is_last: true },
        permit,
        admission: None,
    });
    world.write(frames);
    assert_eq!((&world.frames[0]["type"], &world.frames[0]["duplicate"]), (&"stored".into(), &true.into()));
    assert_eq!((&world.frames[1]["type"], &world.frames[1]["cursor"]), (&"live".into(), &"e:6".into()));
}

/// Nothing of what happened meanwhile is kept, so only the store can tell it.
#[test]
fn a_seam_that_overflows_has_the_store_asked_once_more() {
    for seam in [SeamLimit { events: 2, bytes: 1 << 20 }, SeamLimit { events: 100, bytes: 3 }] {
        let mut world = World::with(5, seam);
        // The last page, as far as the store knew …
        world.step(Step::Read(3));
        for own in [false, true, false, false] {
            world.step(Step::Commit { own });
            world.step(Step::Deliver);
        }
        // … and more has happened since than the seam holds.
        world.step(Step::Page);
        assert_eq!((world.told(), world.stream.is_live()), (Vec::new(), false), "{seam:?}");
        assert!(!world.is_settled(), "an answer waits for its place");
        world.finish();
        assert_eq!(world.told(), ["6", "7", "8", "9", "\"live\""], "{seam:?}");
        assert_eq!(world.frames[1]["type"], "stored");
    }
}

/// What fits is told from memory.
#[test]
fn a_seam_that_holds_is_told_without_the_store() {
    let mut world = World::new(5, 2);
    world.step(Step::Read(3));
    for own in [false, true] {
        world.step(Step::Commit { own });
        world.step(Step::Deliver);
    }
    world.step(Step::Page);
    assert_eq!(world.told(), ["6", "7", "\"live\""]);
}

/// Credit bounds a client that does not read: an answer keeps it while it is held, and while it waits to be written.
#[test]
fn an_answer_keeps_its_credit_until_it_is_written() {
    let own = Step::Commit { own: true };
    // What is done until the answer comes out: at once, in the place of its event in a page, in the seam, or later.
    let ways: [(&str, &[Step]); 4] = [
        ("live", &[Step::Read(3), Step::Page, own]),
        ("in a page", &[own, Step::Deliver, Step::Read(3)]),
        ("in the seam", &[Step::Read(3), own, Step::Deliver]),
        (
            "beyond an overflow",
            &[Step::Read(3), own, Step::Deliver, Step::Commit { own: false }, Step::Deliver, Step::Page],
        ),
    ];
    for (way, steps) in ways {
        let mut world = World::new(5, 1);
        for step in steps {
            world.step(*step);
        }
        assert!(!world.is_settled(), "{way}: held");
        let frames = if world.stream.is_live() {
            let (event, reply) = world.mailbox.pop_front().unwrap();
            world.stream.event(&event, reply)
        } else {
            world.step(Step::Read(3));
            world.stream.page(world.read.take().unwrap())
        };
        assert!(!frames.is_empty() && !world.is_settled(), "{way}: not written yet");
        world.write(frames);
        assert!(world.is_settled(), "{way}: written");
        assert!(world.frames.iter().any(|frame| frame["type"] == "stored"), "{way}: {:?}", world.frames);
    }
}

/// So do answers without an event of their own, and those whose event is gone.
#[test]
fn an_answer_without_its_event_keeps_its_credit_too() {
    let mut world = World::new(5, 10);
    let event = message(6, ME);
    let reply = world.reply(&event);
    let frames = world.stream.answer(reply);
    assert!(!frames.is_empty() && !world.is_settled(), "an answer alone");
    world.write(frames);
    assert!(world.is_settled());

    let reply = world.reply(&event);
    assert!(world.stream.event(&event, Some(reply)).is_empty());
    let permit = world.permits.clone().try_acquire_owned().unwrap();
    let page = Page { events: Vec::new(), up_to: Seq(6), is_last: true };
    let frames = world.stream.page(PageInHand { page, permit, admission: None });
    assert!(!frames.is_empty() && !world.is_settled(), "an answer whose message is gone");
    world.write(frames);
    assert!(world.is_settled());
    assert_eq!(world.told(), ["6", "6", "\"live\""]);
}
