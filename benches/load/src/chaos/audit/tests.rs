use super::*;

fn told(list: &[(u64, u64, u64)]) -> Vec<Told> {
    list.iter().map(|&(seq, pair, number)| Told { kept: Kept { seq, pair, number }, id: seq + 100 }).collect()
}

#[test]
fn order_and_repetition() {
    let count = |list: &[(u64, u64, u64)]| {
        let mut findings = Findings::default();
        check_order(&told(list), &mut findings);
        (findings.duplicated, findings.out_of_order)
    };
    assert_eq!(count(&[(1, 7, 0), (2, 8, 0), (5, 7, 1)]), (0, 0));
    assert_eq!(count(&[(1, 7, 0), (2, 7, 0)]), (1, 0), "stored twice");
    assert_eq!(count(&[(1, 7, 1), (2, 7, 0)]), (0, 1), "in another order than it was sent");
    assert_eq!(count(&[(2, 7, 0), (2, 7, 1)]), (0, 1), "two events of one number");
}

#[test]
fn both_sides_and_the_book() {
    use super::super::book::Heard;
    use crate::marked_frame::Mark;

    let ring = Ring::new(24);
    let (to, pair) = ring.rows(3, 0).next().unwrap();
    let receiver = usize::try_from(to - 1).unwrap();
    let compare = |sender: &[(u64, u64, u64)], receiver_has: &[(u64, u64, u64)], book: &Book| {
        let mut all = vec![Vec::new(); 12];
        all[3] = told(sender);
        all[receiver] = told(receiver_has);
        let mut findings = Findings::default();
        compare_sides(&all, ring, book, &HashSet::new(), &mut findings);
        (findings.stored, findings.delivered, findings.lost, findings.duplicated)
    };
    let book = Book::default();
    let mark = |seq| Mark { intended: 0, pair, seq };
    book.acknowledge(mark(0), Some(101), Heard::First);
    let both = [(1, pair, 0), (2, pair, 1)];
    assert_eq!(compare(&both, &both, &book), (2, 2, 0, 0));
    assert_eq!(compare(&both, &both[..1], &book), (2, 1, 1, 0), "not told to the receiver");
    assert_eq!(compare(&both[1..], &both[1..], &book), (1, 1, 1, 0), "acknowledged and not there");
    let other = [(9, pair, 0), (10, pair, 1)];
    assert_eq!(compare(&other, &other, &book), (2, 2, 0, 1), "with another id than the one that was told");
}
