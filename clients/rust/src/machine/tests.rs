//! A whole life on one machine: what it does for each thing that happens.

use super::*;
use crate::frame::Draft;
use crate::{Pause, Refreshed, Refusal, ServerFrame, Stop};

const ME: i64 = 1;
const PARTNER: i64 = 2;

fn cursor(text: &str) -> Cursor {
    text.parse().unwrap()
}

fn draft(client_id: &str) -> Draft {
    Draft {
        client_id: client_id.to_owned(),
        to: PARTNER,
        receiver_encrypted: format!("{client_id} for them"),
        sender_encrypted: format!("{client_id} for me"),
        kind: "text".to_owned(),
        receiver_key_id: Some("k".to_owned()),
        franking_tag: None,
        attachment_ids: Vec::new(),
    }
}

/// A client with a saved cursor.
fn resuming() -> Client {
    let mut client = Client::new(ME, vec![PARTNER], Some(cursor("e:5")), Outbox::default());
    assert_eq!(client.on(Event::Start), [Action::Connect { since: Some(cursor("e:5")) }]);
    client
}

/// … that is live.
fn live() -> Client {
    let mut client = resuming();
    assert_eq!(receive(&mut client, &json!({"type":"hello","cursor":"e:5"})), []);
    let actions = receive(&mut client, &json!({"type":"live","cursor":"e:5"}));
    assert_eq!(
        actions[..2],
        [Action::Tell(Notice::Live), Action::Send(ClientFrame::Presence { watch: vec![PARTNER] })]
    );
    assert_eq!(actions[2..], [delivered(5)]);
    client
}

fn receive(client: &mut Client, frame: &Value) -> Vec<Action> {
    client.on(Event::Received(frame.to_string()))
}

fn message(seq: u64, sender: i64, client_id: Option<&str>) -> Value {
    json!({"type":"message","seq":seq,"id":seq * 10,"conversation_id":1,"sender_id":sender,
        "receiver_id":ME + PARTNER - sender,"content":"x","message_type":"text","timestamp":"t","client_id":client_id})
}

fn stored(client_id: &str, seq: u64, duplicate: bool) -> Value {
    json!({"type":"stored","client_id":client_id,"conversation_id":1,"id":seq * 10,"seq":seq,"timestamp":"t",
        "duplicate":duplicate})
}

fn error(client_id: &str, code: &str) -> Value {
    let retryable = matches!(code, "rate_limited" | "unavailable");
    json!({"type":"error","code":code,"message":"no","retryable":retryable,"client_id":client_id,"retry_after_ms":700,
        "seq":99})
}

fn closed(code: Option<u16>) -> Event {
    Event::Closed { code, reason: String::new(), held: Duration::ZERO }
}

fn delivered(up_to_seq: u64) -> Action {
    Action::Send(ClientFrame::Delivered { up_to_seq })
}

fn send(client_id: &str) -> Action {
    Action::Send(ClientFrame::Send(draft(client_id)))
}

fn save(at: &str) -> Action {
    Action::SaveCursor(cursor(at))
}

/// The ids of the messages that are to be kept.
fn kept(actions: &[Action]) -> Vec<i64> {
    let id = |action: &Action| match action {
        Action::Keep(ServerFrame::Message(message)) => Some(message.id),
        _ => None,
    };
    actions.iter().filter_map(id).collect()
}

#[test]
fn a_message_is_kept_then_the_cursor_saved_then_delivered_said() {
    let mut client = live();
    let actions = receive(&mut client, &message(7, PARTNER, None));
    assert_eq!(kept(&actions[..1]), [70]);
    assert_eq!(actions[1..], [save("e:7"), delivered(7)]);
    assert_eq!(receive(&mut client, &message(7, PARTNER, None)), [], "the same again");
    assert_eq!(receive(&mut client, &message(6, PARTNER, None)), [], "older");
}

#[test]
fn what_others_do_elsewhere_moves_the_cursor_but_is_not_delivered() {
    let mut client = live();
    assert_eq!(receive(&mut client, &json!({"type":"poll_opened","seq":8})), [save("e:8")]);
    let own = receive(&mut client, &message(9, ME, Some("from another device")));
    assert_eq!((kept(&own), &own[1..]), (vec![90], [save("e:9")].as_slice()));
}

#[test]
fn a_replay_is_kept_and_saved_at_its_end() {
    let mut client = resuming();
    receive(&mut client, &json!({"type":"hello","cursor":"e:5"}));
    assert_eq!(client.on(Event::Written(draft("c"))), [Action::SaveOutbox], "sent when live");
    assert_eq!(receive(&mut client, &message(6, PARTNER, None)).len(), 1);
    assert_eq!(receive(&mut client, &message(7, PARTNER, None)).len(), 1);
    let actions = receive(&mut client, &json!({"type":"live","cursor":"e:9"}));
    assert_eq!(actions[2..], [save("e:9"), delivered(9), send("c")]);
}

#[test]
fn a_new_device_loads_history_before_it_has_a_cursor() {
    let mut client = Client::new(ME, vec![], None, Outbox::default());
    assert_eq!(client.on(Event::Start), [Action::Connect { since: None }]);
    assert_eq!(receive(&mut client, &json!({"type":"hello","cursor":"e:5"})), [Action::StartOver(1)]);
    assert_eq!(receive(&mut client, &json!({"type":"live","cursor":"e:5"})), [Action::Tell(Notice::Live)]);
    assert_eq!(receive(&mut client, &message(6, PARTNER, None)).len(), 1, "kept, but neither saved nor delivered");
    assert_eq!(client.on(Event::Reloaded(1)), [save("e:6"), delivered(6)]);
}

#[test]
fn a_reset_starts_over() {
    let mut client = resuming();
    receive(&mut client, &json!({"type":"hello","cursor":"f:8"}));
    let reset = json!({"type":"reset","reason":"epoch","cursor":"f:8"});
    assert_eq!(receive(&mut client, &reset), [Action::StartOver(1)]);
    receive(&mut client, &json!({"type":"live","cursor":"f:8"}));
    // The socket ends before history is there: whoever resumed now would have a hole.
    client.on(closed(None));
    assert_eq!(client.on(Event::Reloaded(1)), []);
    assert_eq!(client.on(Event::PauseEnded), [Action::Connect { since: None }]);
    assert_eq!(receive(&mut client, &json!({"type":"hello","cursor":"f:9"})), [Action::StartOver(2)]);
    receive(&mut client, &json!({"type":"live","cursor":"f:9"}));
    assert_eq!(client.on(Event::NotReloaded(1)), [], "an old one");
    assert!(matches!(client.on(Event::NotReloaded(2))[..], [Action::Disconnect, Action::Pause(_)]));
}

#[test]
fn a_message_is_on_disk_before_it_is_sent_and_resent_with_the_same_bytes() {
    let mut client = live();
    assert_eq!(client.on(Event::Written(draft("a"))), [Action::SaveOutbox, send("a")]);
    assert_eq!(client.on(Event::Written(draft("b"))), [Action::SaveOutbox, send("b")]);
    assert!(matches!(client.on(closed(Some(1012)))[..], [Action::Pause(_)]));
    assert_eq!(client.on(Event::Written(draft("c"))), [Action::SaveOutbox]);
    assert_eq!(client.on(Event::PauseEnded), [Action::Connect { since: Some(cursor("e:5")) }]);
    receive(&mut client, &json!({"type":"hello","cursor":"e:5"}));
    // The first was stored; its answer was lost.
    let actions = receive(&mut client, &message(6, ME, Some("a")));
    assert_eq!(actions[1..], [Action::SaveOutbox]);
    let actions = receive(&mut client, &json!({"type":"live","cursor":"e:6"}));
    assert_eq!(actions[2..], [save("e:6"), delivered(6), send("b"), send("c")]);
}

#[test]
fn stored_takes_a_message_from_the_outbox_and_keeps_it() {
    let mut client = live();
    client.on(Event::Written(draft("a")));
    let actions = receive(&mut client, &stored("a", 7, false));
    assert_eq!(actions[1..], [Action::SaveOutbox, save("e:7")]);
    let Action::Keep(ServerFrame::Message(message)) = &actions[0] else { panic!("{actions:?}") };
    assert_eq!((message.id, message.sender_id, message.receiver_id, message.seq), (70, ME, PARTNER, 7));
    assert_eq!(message.content, "a for me");
    // Had it been stored long before, its number moves nothing.
    client.on(Event::Written(draft("b")));
    let actions = receive(&mut client, &stored("b", 3, true));
    assert_eq!((kept(&actions), &actions[1..]), (vec![30], [Action::SaveOutbox].as_slice()));
    assert_eq!(receive(&mut client, &stored("b", 3, true)), [], "answered twice");
}

#[test]
fn what_will_not_succeed_is_marked_and_not_sent_again() {
    for code in ["conflict", "unknown_user", "blocked", "too_large", "not_found", "bad_frame"] {
        let mut client = live();
        client.on(Event::Written(draft("a")));
        let failed = Notice::Failed { draft: draft("a"), code: code.to_owned() };
        assert_eq!(receive(&mut client, &error("a", code)), [Action::Tell(failed), Action::SaveOutbox]);
        assert_eq!(client.outbox().failed().collect::<Vec<_>>(), [(&draft("a"), code)]);
        client.on(closed(None));
        client.on(Event::PauseEnded);
        receive(&mut client, &json!({"type":"hello","cursor":"e:5"}));
        assert!(!receive(&mut client, &json!({"type":"live","cursor":"e:5"})).contains(&send("a")));
        assert_eq!(client.on(Event::DiscardFailed), [Action::SaveOutbox]);
        assert_eq!(client.outbox().failed().count(), 0);
    }
}

#[test]
fn what_may_succeed_later_is_sent_later_in_order() {
    for code in ["rate_limited", "unavailable"] {
        let mut client = live();
        client.on(Event::Written(draft("a")));
        client.on(Event::Written(draft("b")));
        let pause = Pause::exactly(Duration::from_millis(700));
        assert_eq!(receive(&mut client, &error("a", code)), [Action::PauseSending(pause)]);
        assert_eq!(receive(&mut client, &error("b", code)), [], "one wait for all");
        assert_eq!(client.on(Event::Written(draft("c"))), [Action::SaveOutbox], "nothing overtakes");
        assert_eq!(client.on(Event::SendingResumed), [send("a"), send("b"), send("c")]);
    }
}

#[test]
fn a_stale_key_leads_to_a_new_message_in_the_old_place() {
    let mut client = live();
    client.on(Event::Written(draft("a")));
    client.on(Event::Written(draft("b")));
    assert_eq!(receive(&mut client, &error("a", "stale_key")), [Action::Renew(draft("a"))]);
    assert_eq!(receive(&mut client, &error("b", "stale_key")), [Action::Renew(draft("b"))]);
    let renewed = |old: &str, new: &str| Event::Renewed { client_id: old.to_owned(), draft: draft(new) };
    assert_eq!(client.on(renewed("b", "d")), [Action::SaveOutbox], "not before the first");
    assert_eq!(client.on(renewed("a", "c")), [Action::SaveOutbox, send("c"), send("d")]);
    receive(&mut client, &error("c", "stale_key"));
    let actions = client.on(Event::NotEncryptable { client_id: "c".to_owned(), why: "no key".to_owned() });
    let failed = Notice::Failed { draft: draft("c"), code: "no key".to_owned() };
    assert_eq!(actions, [Action::Tell(failed), Action::SaveOutbox]);
    receive(&mut client, &error("d", "stale_key"));
    let later = client.on(Event::NotRenewed { client_id: "d".to_owned() });
    assert!(matches!(later[..], [Action::PauseSending(_)]));
    assert_eq!(client.on(Event::SendingResumed), [send("d")]);
}

#[test]
fn a_frame_that_was_too_large_is_marked() {
    let mut client = live();
    client.on(Event::Written(draft("a")));
    let actions = client.on(closed(Some(1009)));
    let failed = Notice::Failed { draft: draft("a"), code: "too_large".to_owned() };
    assert_eq!(actions[0], Action::Tell(failed));
    let minute = Pause { at_least: Duration::from_mins(1), spread: Duration::from_mins(1) };
    assert_eq!(actions[1..], [Action::Pause(minute), Action::SaveOutbox]);
}

#[test]
fn reading_is_told_until_it_is_answered() {
    let mut client = live();
    let read = Action::Send(ClientFrame::Read { partner_id: PARTNER, up_to_id: 70, reference: "read-2-70".to_owned() });
    assert_eq!(client.on(Event::Seen { partner: PARTNER, id: 70 }), std::slice::from_ref(&read));
    let refused = json!({"type":"error","code":"unavailable","message":"","retryable":true,"ref":"read-2-70"});
    assert!(matches!(receive(&mut client, &refused)[..], [Action::PauseSending(_)]));
    assert_eq!(client.on(Event::SendingResumed), [read]);
    let receipt = json!({"type":"receipt","seq":8,"kind":"read","conversation_id":1,"user_id":ME,"partner_id":PARTNER,
        "up_to_id":70,"timestamp":"t","ref":"read-2-70"});
    let actions = receive(&mut client, &receipt);
    assert!(matches!(&actions[..], [Action::Keep(ServerFrame::Receipt(_)), last] if *last == save("e:8")));
    client.on(closed(None));
    client.on(Event::PauseEnded);
    receive(&mut client, &json!({"type":"hello","cursor":"e:8"}));
    let actions = receive(&mut client, &json!({"type":"live","cursor":"e:8"}));
    assert_eq!(actions[2..], [delivered(8)]);
}

#[test]
fn passing_things_are_told_and_need_a_connection() {
    let mut client = resuming();
    assert_eq!(client.on(Event::Typing { to: PARTNER, active: true }), []);
    assert_eq!(client.on(Event::Delete { id: 1, scope: DeleteFor::Me }), [Action::Tell(Notice::NotConnected)]);
    let mut client = live();
    let typing = ClientFrame::Typing { to: PARTNER, active: true };
    assert_eq!(client.on(Event::Typing { to: PARTNER, active: true }), [Action::Send(typing)]);
    assert!(matches!(client.on(Event::Delete { id: 1, scope: DeleteFor::Me })[..], [Action::Send(_)]));
    let presence = json!({"type":"presence","user_id":PARTNER,"status":"offline","last_seen":"t"});
    let news = Notice::Presence { user_id: PARTNER, is_online: false, last_seen: Some("t".to_owned()) };
    assert_eq!(receive(&mut client, &presence), [Action::Tell(news)]);
    assert_eq!(client.on(Event::Received("?".to_owned())), [Action::Tell(Notice::NotUnderstood)]);
}

#[test]
fn a_server_that_goes_away_is_not_sent_to() {
    let mut client = live();
    assert_eq!(receive(&mut client, &json!({"type":"going_away","reconnect_after_ms":1500})), []);
    assert_eq!(client.on(Event::Written(draft("a"))), [Action::SaveOutbox]);
    assert_eq!(receive(&mut client, &json!({"type":"poll","seq":8})), [save("e:8")], "it may still answer");
    let pause = Pause::exactly(Duration::from_millis(1500));
    assert_eq!(client.on(closed(Some(1012))), [Action::Pause(pause)]);
}

#[test]
fn an_expired_token_is_refreshed() {
    let mut client = resuming();
    assert_eq!(client.on(Event::Refused(Refusal::Unauthorized(String::new()))), [Action::Refresh]);
    assert_eq!(client.on(Event::Refreshed(Refreshed::Done)), [Action::Connect { since: Some(cursor("e:5")) }]);
    let refused = client.on(Event::Refused(Refusal::Unauthorized("over".to_owned())));
    assert_eq!(refused, [Action::Stop(Stop::SignIn("over".to_owned()))]);
    assert_eq!(live().on(closed(Some(4003))), [Action::Stop(Stop::Replaced)]);
}
