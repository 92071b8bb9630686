use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn live() -> Connection {
    let mut connection = Connection::new();
    assert_eq!(connection.start(), Step::Connect);
    connection.live();
    connection
}

fn closed(code: u16) -> Step {
    live().closed(Some(code), "why", SECOND)
}

fn is_wait(step: &Step, at_least: Duration) -> bool {
    matches!(step, Step::Wait(pause) if pause.at_least == at_least && pause.spread == at_least.max(SECOND))
}

#[test]
fn each_close_code_has_its_advice() {
    assert!(is_wait(&live().closed(None, "", SECOND), Duration::ZERO));
    for code in [1001, 1011, 1012, 1013] {
        assert!(is_wait(&closed(code), Duration::ZERO), "{code}");
    }
    for code in [1002, 1008, 1009] {
        assert!(is_wait(&closed(code), AFTER_A_FAULT), "{code}");
    }
    assert_eq!(closed(4001), Step::Refresh);
    assert_eq!(closed(4002), Step::Stop(Stop::TooMany));
    assert_eq!(closed(4003), Step::Stop(Stop::Replaced));
    for code in [1000, 4000, 4999] {
        assert_eq!(closed(code), Step::Stop(Stop::Closed(format!("{code} why"))));
    }
}

#[test]
fn each_refusal_has_its_advice() {
    let refused = |refusal| live().refused(refusal);
    let text = || "no".to_owned();
    assert_eq!(refused(Refusal::Unauthorized(text())), Step::Refresh);
    assert_eq!(refused(Refusal::Forbidden(text())), Step::Stop(Stop::Forbidden(text())));
    assert_eq!(refused(Refusal::Final(text())), Step::Stop(Stop::BadHandshake(text())));
    assert!(is_wait(&refused(Refusal::Passing { retry_after: None }), Duration::ZERO));
    assert!(is_wait(&refused(Refusal::Passing { retry_after: Some(9 * SECOND) }), 9 * SECOND));
}

#[test]
fn waits_grow_and_a_connection_that_held_ends_that() {
    let mut connection = live();
    connection.closed(Some(1012), "", SECOND);
    assert_eq!(connection.waited(), Some(Step::Connect));
    assert_eq!(connection.waited(), None, "an old timer");
    let step = connection.refused(Refusal::Passing { retry_after: None });
    assert_eq!(step, Step::Wait(Pause { at_least: Duration::ZERO, spread: 2 * SECOND }));
    connection.waited();
    connection.live();
    assert!(is_wait(&connection.closed(None, "", Duration::from_mins(2)), Duration::ZERO));
}

#[test]
fn a_server_that_goes_away_says_when_to_come_back() {
    let mut connection = live();
    connection.going_away(3 * SECOND);
    assert!(!connection.is_live(), "it reads no more");
    assert!(!connection.is_waiting());
    assert_eq!(connection.closed(Some(1012), "", SECOND), Step::Wait(Pause::exactly(3 * SECOND)));
    assert!(connection.is_waiting());
    connection.waited();
    connection.live();
    assert!(connection.is_live());
    assert!(is_wait(&connection.closed(Some(1012), "", SECOND), Duration::ZERO), "said once, meant once");
}

#[test]
fn tokens_are_refreshed_once_before_the_person_is_asked() {
    let mut connection = live();
    assert_eq!(connection.closed(Some(4001), "logout", SECOND), Step::Refresh);
    assert_eq!(connection.refreshed(Refreshed::Done), Step::Connect);
    let refused = connection.refused(Refusal::Unauthorized("gone".to_owned()));
    assert_eq!(refused, Step::Stop(Stop::SignIn("signed out".to_owned())));

    let mut connection = live();
    connection.closed(Some(4001), "deleted", SECOND);
    let refused = connection.refreshed(Refreshed::Refused("invalid".to_owned()));
    assert_eq!(refused, Step::Stop(Stop::SignIn("the account was deleted".to_owned())));

    let mut connection = live();
    connection.refused(Refusal::Unauthorized(String::new()));
    let refused = connection.refreshed(Refreshed::Refused("revoked".to_owned()));
    assert_eq!(refused, Step::Stop(Stop::SignIn("revoked".to_owned())));
}

#[test]
fn a_refresh_without_an_answer_is_tried_again() {
    let mut connection = live();
    connection.refused(Refusal::Unauthorized(String::new()));
    assert!(is_wait(&connection.refreshed(Refreshed::Unreachable), Duration::ZERO));
    assert_eq!(connection.waited(), Some(Step::Refresh));
    assert_eq!(connection.refreshed(Refreshed::Done), Step::Connect);
    // Later, tokens expire again.
    connection.refused(Refusal::Passing { retry_after: None });
    connection.waited();
    assert_eq!(connection.refused(Refusal::Unauthorized(String::new())), Step::Refresh);
}
