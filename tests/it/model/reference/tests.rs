use super::*;
use crate::model::event::{Kind, Receipt};

const ALICE: i64 = 1;
const BOB: i64 = 2;

/// A reference and a server that does what it is told.
#[derive(Default)]
struct World {
    model: Reference,
    seq: i64,
    seconds: i64,
}

fn draft(client_id: &str, to: i64) -> Draft {
    let copy = |side| format!("{client_id}{side}");
    let (receiver_copy, sender_copy) = (copy("r"), copy("s"));
    let client_id = Some(client_id.to_owned());
    Draft { client_id, to, receiver_copy, sender_copy, message_type: "text", expires_in_s: None }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

impl World {
    fn next(&mut self) -> i64 {
        self.seq += 1;
        self.seq
    }

    fn stored(&mut self, client_id: &str) -> Value {
        let seq = self.next();
        let timestamp = Timestamp::from_micros(self.seconds * 1_000_000 + seq).to_string();
        json!({"type": "stored", "client_id": client_id, "conversation_id": 1, "id": seq, "seq": seq,
            "timestamp": timestamp, "duplicate": false})
    }

    /// Returns the id.
    fn send(&mut self, from: i64, to: i64, client_id: &str) -> i64 {
        let stored = self.stored(client_id);
        self.model.judge_send(from, &draft(client_id, to), &stored, false).unwrap();
        self.seq
    }

    fn receipt(&mut self, kind: &str, (user, partner): (i64, i64), up_to: i64) -> Value {
        json!({"type": "receipt", "seq": self.next(), "kind": kind, "conversation_id": 1, "user_id": user,
            "partner_id": partner, "up_to_id": up_to, "timestamp": "t"})
    }

    fn deleted(&mut self, id: i64, (user, partner): (i64, i64), scope: Scope) -> Value {
        json!({"type": "deleted", "seq": self.next(), "id": id, "conversation_id": 1, "partner_id": partner,
            "for": scope.as_str(), "by": user, "reason": "user"})
    }

    fn seqs(&self, user: i64) -> Vec<i64> {
        self.model.list(user, 0).iter().map(Event::seq).collect()
    }

    fn block(&mut self, user: i64, other: i64, blocked: bool) {
        let seq = self.next();
        self.model.block(user, Block { seq, user_id: other, blocked }).unwrap();
    }
}

fn duplicate(mut answer: Value) -> Value {
    answer["duplicate"] = true.into();
    answer
}

fn error(code: &str) -> Value {
    json!({"type": "error", "code": code, "retryable": false})
}

#[test]
fn a_message_is_stored_once() {
    let mut world = World::default();
    let first = world.stored("c1");
    world.model.judge_send(ALICE, &draft("c1", BOB), &first, false).unwrap();
    let mut judge_again = |answer: &Value| world.model.judge_send(ALICE, &draft("c1", BOB), answer, false);
    judge_again(&duplicate(first.clone())).unwrap();
    judge_again(&first).unwrap_err();
    let mut other = duplicate(first.clone());
    other["id"] = 7.into();
    judge_again(&other).unwrap_err();
    assert_eq!((world.seqs(ALICE), world.seqs(BOB)), (vec![1], vec![1]));

    let conflict = Draft { receiver_copy: "other".to_owned(), ..draft("c1", BOB) };
    assert_eq!(world.model.verdict(ALICE, &conflict), Verdict::Conflict(1));
    assert_eq!(world.model.verdict(BOB, &draft("c1", ALICE)), Verdict::New, "names are the sender's");
    let mut refused = error("conflict");
    for key in ["id", "seq", "timestamp", "client_id"] {
        refused[key] = first[key].clone();
    }
    world.model.judge_send(ALICE, &conflict, &refused, false).unwrap();
    refused["seq"] = 9.into();
    world.model.judge_send(ALICE, &conflict, &refused, false).unwrap_err();
}

#[test]
fn the_first_known_answer_may_be_a_duplicate_only_after_a_lost_one() {
    let mut world = World::default();
    let answer = duplicate(world.stored("c1"));
    world.model.judge_send(ALICE, &draft("c1", BOB), &answer, false).unwrap_err();
    world.model.judge_send(ALICE, &draft("c1", BOB), &answer, true).unwrap();
}

#[test]
fn numbers_must_grow() {
    let mut world = World::default();
    world.send(ALICE, BOB, "c1");
    let mut back = world.stored("c2");
    for key in ["id", "seq"] {
        let mut back = back.clone();
        back[key] = 0.into();
        world.model.judge_send(BOB, &draft("c2", ALICE), &back, false).unwrap_err();
    }
    back["conversation_id"] = 2.into();
    world.model.judge_send(BOB, &draft("c2", ALICE), &back, false).unwrap_err();
}

#[test]
fn each_side_has_its_copy_and_a_note_is_there_once() {
    let mut world = World::default();
    world.send(ALICE, BOB, "c1");
    let content = |user| world.model.history(user, ALICE + BOB - user)[0].content.clone();
    assert_eq!((content(ALICE), content(BOB)), ("c1s".to_owned(), "c1r".to_owned()));
    assert_eq!(world.model.history(BOB, ALICE)[0].client_id, None);

    let mut world = World::default();
    world.send(ALICE, ALICE, "c1");
    assert_eq!(world.seqs(ALICE), [1]);
    assert_eq!(world.model.history(ALICE, ALICE)[0].content, "c1s");
    assert_eq!(world.model.overviews(ALICE)[0].unread, 0);
}

#[test]
fn reads_are_clamped_and_never_go_back() {
    let mut world = World::default();
    let first = world.send(BOB, ALICE, "c1");
    world.send(ALICE, BOB, "c2");
    let last = world.send(BOB, ALICE, "c3");
    let answer = world.receipt("read", (ALICE, BOB), first);
    world.model.judge_reads(ALICE, BOB, &[(first + 1, &answer)], false).unwrap();
    world.model.judge_reads(ALICE, BOB, &[(first, &duplicate(answer.clone()))], false).unwrap();
    assert_eq!(world.model.overviews(ALICE)[0].unread, 1);
    let early = world.receipt("read", (ALICE, BOB), first);
    world.model.judge_reads(ALICE, BOB, &[(first, &early)], false).unwrap_err();
    let beyond = world.receipt("read", (ALICE, BOB), last + 1);
    world.model.judge_reads(ALICE, BOB, &[(last + 1, &beyond)], false).unwrap_err();
    let newest = world.receipt("read", (ALICE, BOB), last);
    world.model.judge_reads(ALICE, BOB, &[(last + 1, &newest)], false).unwrap();
    // The first receipt has been superseded, for both.
    assert_eq!(world.seqs(ALICE), world.seqs(BOB));
    assert_eq!(world.seqs(BOB), [1, 2, 3, newest["seq"].as_i64().unwrap()]);
    assert_eq!(world.model.overviews(BOB)[0].partner_delivered, last..=last, "read is delivered");
}

#[test]
fn reads_without_anything_to_read() {
    let mut world = World::default();
    world.model.judge_reads(ALICE, BOB, &[(5, &error("not_found"))], false).unwrap();
    world.send(ALICE, BOB, "c1");
    world.model.judge_reads(ALICE, BOB, &[(5, &error("not_found"))], false).unwrap_err();
    let none = json!({"type": "receipt", "up_to_id": 0, "duplicate": true});
    world.model.judge_reads(ALICE, BOB, &[(5, &none)], false).unwrap();
    world.send(BOB, ALICE, "c2");
    world.model.judge_reads(ALICE, BOB, &[(5, &none)], false).unwrap_err();
}

#[test]
fn merged_reads_are_one_event() {
    let mut world = World::default();
    world.send(ALICE, BOB, "c0");
    let (first, last) = (world.send(BOB, ALICE, "c1"), world.send(BOB, ALICE, "c2"));
    let new = world.receipt("read", (ALICE, BOB), last);
    let merged = duplicate(new.clone());
    world.model.judge_reads(ALICE, BOB, &[(first, &merged), (last, &new)], false).unwrap();
    assert_eq!(world.seqs(BOB).len(), 4);

    // The same after a lost answer, when no device is told anew.
    let mut world = World::default();
    let (first, last) = (world.send(BOB, ALICE, "c1"), world.send(BOB, ALICE, "c2"));
    let unheard = duplicate(world.receipt("read", (ALICE, BOB), last));
    world.model.judge_reads(ALICE, BOB, &[(first, &unheard), (last, &unheard)], false).unwrap_err();
    world.model.judge_reads(ALICE, BOB, &[(first, &unheard), (last, &unheard)], true).unwrap();
}

fn parsed(receipt: &Value) -> Event {
    Event::parse(receipt).unwrap()
}

#[test]
fn deliveries_go_to_partners_and_only_when_something_moves() {
    let mut world = World::default();
    world.send(ALICE, BOB, "c0");
    let first = world.send(BOB, ALICE, "c1");
    let expected = world.model.deliver(ALICE, first).remove(0);
    assert!(expected.must);
    let receipt = world.receipt("delivered", (ALICE, BOB), first);
    world.model.delivered(&expected, parsed(&receipt)).unwrap();
    assert_eq!((world.seqs(ALICE).len(), world.seqs(BOB).len()), (2, 3));
    assert!(world.model.deliver(ALICE, first + 9).is_empty());

    let second = world.send(BOB, ALICE, "c2");
    let read = world.receipt("read", (ALICE, BOB), second);
    world.model.judge_reads(ALICE, BOB, &[(second, &read)], false).unwrap();
    assert!(world.model.deliver(ALICE, second).is_empty(), "read implies delivered");

    // Of a message that is gone it is not said whether it counts.
    let third = world.send(BOB, ALICE, "c3");
    let deleted = world.deleted(third, (ALICE, BOB), Scope::Me);
    world.model.judge_delete(ALICE, (third, Scope::Me), &deleted, at(0), false).unwrap();
    assert!(!world.model.deliver(ALICE, world.seq).remove(0).must);
}

#[test]
fn strangers_are_told_nothing_and_then_the_next_delivered_says_all() {
    let mut world = World::default();
    let first = world.send(BOB, ALICE, "c1");
    assert!(world.model.deliver(ALICE, first).is_empty());
    let read = world.receipt("read", (ALICE, BOB), first);
    let answer = world.send(ALICE, BOB, "c2");
    // It is judged when the answer is there, but was given before.
    world.model.judge_reads(ALICE, BOB, &[(first, &read)], false).unwrap();
    assert_eq!((world.seqs(ALICE), world.seqs(BOB)), (vec![first, answer - 1, answer], vec![first, answer]));
    let expected = world.model.deliver(ALICE, answer).remove(0);
    assert!(expected.must);
    let receipt = world.receipt("delivered", (ALICE, BOB), first);
    world.model.delivered(&expected, parsed(&receipt)).unwrap();
}

#[test]
fn blocks_stop_sends_and_receipts_but_not_the_own_position() {
    let mut world = World::default();
    let first = world.send(BOB, ALICE, "c1");
    world.block(ALICE, BOB, true);
    for (from, to) in [(ALICE, BOB), (BOB, ALICE)] {
        assert_eq!(world.model.verdict(from, &draft("c2", to)), Verdict::Blocked);
    }
    assert_eq!(world.model.verdict(BOB, &draft("c1", ALICE)), Verdict::Duplicate(first));
    assert!(world.model.deliver(ALICE, world.seq).is_empty());
    let read = world.receipt("read", (ALICE, BOB), first);
    world.model.judge_reads(ALICE, BOB, &[(first, &read)], false).unwrap();
    assert_eq!(world.seqs(BOB), [first]);
    assert_eq!(world.model.overviews(ALICE)[0].unread, 0);
    assert_eq!(world.model.overviews(BOB)[0].partner_read, 0..=first);
    world.block(ALICE, BOB, false);
    assert_eq!(world.model.verdict(BOB, &draft("c2", ALICE)), Verdict::New);
}

#[test]
fn deletions() {
    let mut world = World::default();
    let (own, theirs) = (world.send(ALICE, BOB, "c1"), world.send(BOB, ALICE, "c2"));
    let judge = |world: &mut World, target, answer: &Value, seconds| {
        world.model.judge_delete(ALICE, target, answer, at(seconds), false)
    };
    judge(&mut world, (99, Scope::Me), &error("not_found"), 0).unwrap();
    judge(&mut world, (theirs, Scope::Everyone), &error("forbidden"), 0).unwrap();
    judge(&mut world, (own, Scope::Everyone), &error("forbidden"), 86_401).unwrap();
    judge(&mut world, (own, Scope::Everyone), &error("forbidden"), 0).unwrap_err();

    let me = world.deleted(own, (ALICE, BOB), Scope::Me);
    judge(&mut world, (own, Scope::Me), &me, 0).unwrap();
    judge(&mut world, (own, Scope::Me), &duplicate(me.clone()), 0).unwrap();
    assert_eq!((world.seqs(ALICE), world.seqs(BOB)), (vec![2, 3], vec![1, 2]));
    let all = world.deleted(own, (ALICE, BOB), Scope::Everyone);
    judge(&mut world, (own, Scope::Everyone), &duplicate(me), 0).unwrap_err();
    judge(&mut world, (own, Scope::Everyone), &all, 0).unwrap();
    judge(&mut world, (own, Scope::Everyone), &duplicate(all), 0).unwrap();
    assert_eq!((world.seqs(ALICE), world.seqs(BOB)), (vec![2, 4], vec![2, 4]));
    let told = &world.model.list(BOB, 3)[0];
    assert!(matches!(told, Event::Deleted(deleted) if deleted.partner_id == ALICE), "{told:?}");
    // Its place in the list of conversations stays.
    assert_eq!((world.model.history(BOB, ALICE).len(), world.model.overviews(BOB)[0].seq), (1, 2));
}

#[test]
fn expiry_tells_those_who_still_have_the_message() {
    let mut world = World::default();
    let stored = world.stored("c1");
    let brief = Draft { expires_in_s: Some(5), ..draft("c1", BOB) };
    world.model.judge_send(ALICE, &brief, &stored, false).unwrap();
    let deleted = world.deleted(1, (ALICE, BOB), Scope::Me);
    world.model.judge_delete(ALICE, (1, Scope::Me), &deleted, at(0), false).unwrap();
    assert_eq!(world.model.expiring(at(5)), [], "not to the microsecond");
    assert_eq!(world.model.expiring(at(6)), [(BOB, 1)]);
    let told = json!({"type": "deleted", "seq": world.next(), "id": 1, "conversation_id": 1, "partner_id": ALICE,
        "for": "everyone", "by": null, "reason": "expired"});
    world.model.expired(BOB, Event::parse(&told).unwrap()).unwrap();
    assert_eq!(world.model.expiring(at(6)), []);
    assert_eq!(world.seqs(BOB), [3]);
    assert_eq!(world.model.verdict(ALICE, &brief), Verdict::Duplicate(1), "its name is still taken");
}

#[test]
fn legacy_sockets_see_texts_since_they_are_open() {
    let mut world = World::default();
    world.send(ALICE, BOB, "c1");
    let after = world.model.newest();
    world.send(BOB, ALICE, "c2");
    let stored = world.stored("c3");
    let image = Draft { message_type: "image", ..draft("c3", BOB) };
    world.model.judge_send(ALICE, &image, &stored, false).unwrap();
    let frames = world.model.legacy_frames(ALICE, after);
    assert_eq!(frames.iter().map(|frame| frame.content.as_str()).collect::<Vec<_>>(), ["c2r"]);
    assert_eq!((frames[0].sender_id, frames[0].receiver_id), (2, 1));
}

#[test]
fn reads_without_an_answer_are_observed() {
    let mut world = World::default();
    assert_eq!(world.model.reads_anew(ALICE, BOB, 9), Some(false));
    world.send(ALICE, BOB, "c0");
    let first = world.send(BOB, ALICE, "c1");
    assert_eq!(world.model.reads_anew(ALICE, BOB, first), Some(true));
    let wrong = world.receipt("delivered", (ALICE, BOB), first);
    world.model.observe_read(ALICE, BOB, first, parsed(&wrong)).unwrap_err();
    let read = world.receipt("read", (ALICE, BOB), first);
    world.model.observe_read(ALICE, BOB, first, parsed(&read)).unwrap();
    assert_eq!(world.model.reads_anew(ALICE, BOB, first), Some(false));
    let expected = Receipt {
        seq: world.seq,
        kind: Kind::Read,
        conversation_id: 1,
        user_id: ALICE,
        partner_id: BOB,
        up_to_id: first,
        timestamp: "t".to_owned(),
    };
    assert_eq!(world.model.list(BOB, first), [Event::Receipt(expected)]);
}
