use super::*;

const PARTNERS: Partners = Partners { writer: 7, reader: 9 };

fn mark(seq: u64) -> Mark {
    Mark { intended: 1, pair: 0, seq }
}

fn receipt(seq: u64, kind: &str, up_to: u64) -> Vec<u8> {
    format!(
        r#"{{"type":"receipt","seq":{seq},"kind":"{kind}","conversation_id":4,"user_id":9,"partner_id":7,"up_to_id":{up_to},"timestamp":"2026-11-22T15:00:30.517004Z"}}"#
    )
    .into()
}

fn stored(seq: u64, id: u64) -> Vec<u8> {
    format!(r#"{{"type":"stored","client_id":"a","id":{id},"seq":{seq},"timestamp":"now","duplicate":false}}"#).into()
}

fn faults(board: &ReceiptBoard) -> (u64, u64) {
    let mut sound = Soundness::default();
    board.add_order(&mut sound);
    (sound.duplicated, sound.out_of_order)
}

#[test]
fn a_receipt_stands_for_all_messages_before_it() {
    let (board, mut unread) = (ReceiptBoard::new(1), Unread::new(PARTNERS));
    for number in 0..4 {
        unread.store(&stored(10 + number, 100 + number), mark(number), &board);
    }
    let mut seen = Vec::new();
    assert!(unread.take(&receipt(20, "delivered", 102), &board, |mark| seen.push(mark.seq)));
    assert!(seen.is_empty());
    assert!(unread.take(&receipt(21, "read", 101), &board, |mark| seen.push(mark.seq)));
    assert!(unread.take(&receipt(22, "read", 103), &board, |mark| seen.push(mark.seq)));
    assert_eq!((seen, faults(&board)), (vec![0, 1, 2, 3], (0, 0)));
}

#[test]
fn receipts_that_must_not_come() {
    let (board, mut unread) = (ReceiptBoard::new(1), Unread::new(PARTNERS));
    unread.store(&stored(10, 100), mark(0), &board);
    assert!(!unread.take(&receipt(11, "delivered", 99), &board, |_| ()), "no message of ours");
    assert!(unread.take(&receipt(12, "read", 100), &board, |_| ()));
    assert_eq!(faults(&board), (0, 0));
    unread.take(&receipt(13, "read", 100), &board, |_| ());
    assert_eq!(faults(&board), (1, 0), "the same position again");
    unread.take(&receipt(14, "delivered", 99), &board, |_| ());
    assert_eq!(faults(&board), (1, 1), "it is known to be read");
    unread.take(&receipt(5, "read", 200), &board, |_| ());
    assert_eq!(faults(&board), (1, 2), "an event from before");
    let other = String::from_utf8(receipt(15, "read", 300)).unwrap().replace(r#""user_id":9"#, r#""user_id":8"#);
    assert!(!unread.take(other.as_bytes(), &board, |_| ()), "somebody else's");
}

#[test]
fn each_message_is_reported_delivered_and_then_read() {
    let (board, mut reports) = (ReceiptBoard::new(1), Reports::new(PARTNERS));
    let message = br#"{"type":"message","seq":814,"id":4712,"conversation_id":4,"content":"Zm9yIDc="}"#;
    let mut outbox = Vec::new();
    reports.report(message, mark(5), &board, &mut outbox);
    let expected =
        [r#"{"type":"delivered","up_to_seq":814}"#, r#"{"type":"read","partner_id":7,"up_to_id":4712,"ref":"5"}"#];
    let frames: Vec<u8> = expected.iter().flat_map(|text| text_frame(text.as_bytes()).0).collect();
    assert_eq!(outbox, frames);

    let answer = |more: &str| {
        format!(
            r#"{{"type":"receipt","seq":815,"kind":"read","conversation_id":4,"user_id":9,"partner_id":7,"up_to_id":4712,"timestamp":"now"{more},"ref":"5"}}"#
        )
    };
    assert_eq!(reports.answer(answer("").as_bytes(), &board), Some(5));
    assert_eq!(reports.answer(answer(r#","duplicate":true"#).as_bytes(), &board), Some(5), "merged into another");
    assert_eq!(faults(&board), (0, 0));
    reports.answer(answer("").as_bytes(), &board);
    assert_eq!(faults(&board), (1, 0));
}

#[test]
fn what_is_missing() {
    let board = ReceiptBoard::new(1);
    let (mut acknowledged, mut sound) = (Tally::default(), Soundness::default());
    for seq in 0..3 {
        acknowledged.note(seq);
    }
    board.note_read(0, 0);
    board.note_answered(0, 2);
    board.note_answered(0, 1);
    assert!(board.is_waiting(3, 3));
    board.add_pair(&mut sound, 0, &acknowledged, &acknowledged);
    assert_eq!(sound, Soundness { unread: 2, unanswered: 1, ..Soundness::default() });
}
