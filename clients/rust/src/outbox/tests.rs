use super::*;

fn draft(number: usize, to: i64) -> Draft {
    Draft {
        client_id: format!("c{number}"),
        to,
        receiver_encrypted: format!("r{number}"),
        sender_encrypted: format!("s{number}"),
        kind: "text".to_owned(),
        receiver_key_id: None,
        franking_tag: None,
        attachment_ids: Vec::new(),
    }
}

fn outbox(length: usize) -> Outbox {
    let mut outbox = Outbox::default();
    (0..length).for_each(|number| outbox.push(draft(number, 2)));
    outbox
}

fn send_all(outbox: &mut Outbox) -> Vec<String> {
    std::iter::from_fn(|| outbox.take_next().map(|draft| draft.client_id)).collect()
}

#[test]
fn what_has_no_answer_is_sent_again_in_order_with_the_same_bytes() {
    let mut outbox = outbox(4);
    let first: Vec<Draft> = std::iter::from_fn(|| outbox.take_next()).collect();
    assert_eq!(outbox.confirm("c1"), Some(draft(1, 2)));
    assert_eq!(outbox.confirm("c1"), None);
    outbox.closed();
    let again: Vec<Draft> = std::iter::from_fn(|| outbox.take_next()).collect();
    assert_eq!(again, [first[0].clone(), first[2].clone(), first[3].clone()]);
}

#[test]
fn a_restart_changes_nothing() {
    let mut before = outbox(3);
    send_all(&mut before);
    before.fail("c1", "blocked");
    let mut after: Outbox = serde_json::from_str(&serde_json::to_string(&before).unwrap()).unwrap();
    assert_eq!(after.failed().collect::<Vec<_>>(), [(&draft(1, 2), "blocked")]);
    assert_eq!(std::iter::from_fn(|| after.take_next()).collect::<Vec<_>>(), [draft(0, 2), draft(2, 2)]);
    after.discard_failed();
    assert_eq!(after.failed().count(), 0);
    assert_eq!(after.unsent(), 2);
}

#[test]
fn the_window_moves_with_answers() {
    let mut outbox = outbox(WINDOW + 2);
    assert!(outbox.is_full());
    assert_eq!(send_all(&mut outbox).len(), WINDOW);
    outbox.confirm("c0");
    assert_eq!(send_all(&mut outbox), [format!("c{WINDOW}")]);
    outbox.closed();
    outbox.allow(2);
    assert_eq!(send_all(&mut outbox), ["c1", "c2"]);
    outbox.put_back("c2");
    assert_eq!(send_all(&mut outbox), ["c2"]);
}

#[test]
fn a_stale_key_holds_up_the_same_receiver_only() {
    let mut outbox = outbox(2);
    outbox.push(draft(2, 3));
    assert_eq!(outbox.take_next().unwrap().client_id, "c0");
    assert!(matches!(outbox.renew("c0"), Some(Renewal::Wanted(old)) if old == draft(0, 2)));
    assert_eq!(send_all(&mut outbox), ["c2"]);
    outbox.replace("c0", draft(9, 2));
    assert_eq!(send_all(&mut outbox), ["c9", "c1"]);
    for _ in 1..MAX_RENEWALS {
        assert!(matches!(outbox.renew("c9"), Some(Renewal::Wanted(_))));
    }
    assert!(matches!(outbox.renew("c9"), Some(Renewal::GivenUp(_))));
    outbox.fail("c9", "stale_key");
    outbox.replace("c9", draft(10, 2));
    assert_eq!(outbox.failed().count(), 0, "the person has tried again");
    assert!(matches!(outbox.renew("c10"), Some(Renewal::Wanted(_))));
}

#[test]
fn a_new_key_overtakes_nothing_that_is_on_its_way_with_the_old() {
    let with_key = |n, key: &str| Draft { receiver_key_id: Some(key.to_owned()), ..draft(n, 2) };
    let mut outbox = Outbox::default();
    outbox.push(with_key(0, "old"));
    outbox.push(with_key(1, "old"));
    assert_eq!(send_all(&mut outbox), ["c0", "c1"]);
    // The first is refused, encrypted anew, and sent; the answer to the second is still to come.
    outbox.renew("c0");
    outbox.replace("c0", with_key(10, "new"));
    // Written before the new key was known, and after.
    outbox.push(with_key(2, "old"));
    outbox.push(with_key(3, "new"));
    outbox.push(draft(4, 3));
    assert_eq!(send_all(&mut outbox), ["c10", "c4"]);
    outbox.renew("c1");
    outbox.replace("c1", with_key(11, "new"));
    assert_eq!(send_all(&mut outbox), ["c11"]);
    outbox.confirm("c10");
    assert!(send_all(&mut outbox).is_empty());
    outbox.confirm("c11");
    assert_eq!(send_all(&mut outbox), ["c2"]);
    outbox.renew("c2");
    outbox.replace("c2", with_key(12, "new"));
    assert_eq!(send_all(&mut outbox), ["c12", "c3"]);
}

#[test]
fn the_largest_on_its_way_is_the_one_that_was_too_large() {
    let mut outbox = outbox(2);
    outbox.push(Draft { receiver_encrypted: "x".repeat(99), ..draft(2, 2) });
    assert_eq!(outbox.largest_on_its_way(), None);
    send_all(&mut outbox);
    assert_eq!(outbox.largest_on_its_way().as_deref(), Some("c2"));
}
