//! Tests of a socket that catches up while others write, with every order in which pages and events may arrive.

mod world;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::domain::EventBody;
use crate::storage::Page;
use world::{ME, Step, World, message, step};

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
    // Deleted meanwhile, so the store does not have it any more.
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

/// The seam is dropped, so only the store has its events.
#[test]
fn a_seam_that_overflows_has_the_store_asked_once_more() {
    for seam in [SeamLimit { events: 2, bytes: 1 << 20 }, SeamLimit { events: 100, bytes: 3 }] {
        let mut world = World::with(5, seam);
        // The page reaches the head of the store …
        world.step(Step::Read(3));
        for own in [false, true, false, false] {
            world.step(Step::Commit { own });
            world.step(Step::Deliver);
        }
        // … and more events have been committed since than the seam holds.
        world.step(Step::Page);
        assert_eq!((world.sent(), world.stream.is_live()), (Vec::new(), false), "{seam:?}");
        assert!(!world.is_settled(), "an answer waits for its place");
        world.finish();
        assert_eq!(world.sent(), ["6", "7", "8", "9", "\"live\""], "{seam:?}");
        assert_eq!(world.frames[1]["type"], "stored");
    }
}

/// Events that fit into the seam are sent from memory.
#[test]
fn a_seam_that_holds_is_told_without_the_store() {
    let mut world = World::new(5, 2);
    world.step(Step::Read(3));
    for own in [false, true] {
        world.step(Step::Commit { own });
        world.step(Step::Deliver);
    }
    world.step(Step::Page);
    assert_eq!(world.sent(), ["6", "7", "\"live\""]);
}

/// Credit bounds a client that does not read: a reply keeps it while it is held, and while it waits to be written.
#[test]
fn an_answer_keeps_its_credit_until_it_is_written() {
    let own = Step::Commit { own: true };
    // The steps until the reply is sent: at once, in the place of its event in a page, in the seam, or later.
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

/// So do replies without an event of their own, and those whose event is gone.
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
    assert_eq!(world.sent(), ["6", "6", "\"live\""]);
}
