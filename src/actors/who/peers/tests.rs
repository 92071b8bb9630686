use super::*;
use crate::protocol::who::Said;

const DEAD_AFTER: Duration = Duration::from_secs(7);
const OWN: i64 = 1;

fn word(boot: i64, n: u64, at: i64) -> Word {
    Word { boot, n, at: Timestamp::from_micros(at), said: Said::Asked }
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn peers(now: Instant) -> Peers {
    let mut peers = Peers::new(OWN, DEAD_AFTER);
    peers.listen(true, now);
    peers
}

#[test]
fn own_old_and_repeated_words_are_not_taken() {
    let now = Instant::now();
    let mut peers = peers(now);
    let mut admits = |place, boot, n, at| peers.admit(place, &word(boot, n, at), now, time(10_000_000));
    assert!(!admits(Place::All, OWN, 1, 10_000_000), "its own");
    assert!(!admits(Place::All, 2, 1, 4_999_999), "older than five seconds");
    assert!(!admits(Place::All, 2, 1, 15_000_001), "from the future");
    assert!(admits(Place::All, 2, 5, 5_000_000));
    assert!(!admits(Place::All, 2, 5, 10_000_000), "again");
    assert!(!admits(Place::All, 2, 4, 10_000_000), "overtaken");
    assert!(admits(Place::Alone, 2, 4, 10_000_000), "on another way");
    assert!(admits(Place::All, 2, 6, 10_000_000));
    assert!(admits(Place::All, 3, 1, 10_000_000), "of another");
}

#[test]
fn only_who_is_silent_and_has_an_old_row_is_gone() {
    let start = Instant::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    let mut peers = peers(start);
    assert!(peers.admit(Place::All, &word(2, 1, 0), start, time(0)));
    let row = |age| HashMap::from([(2, Duration::from_secs(age))]);
    assert!(peers.gone(after(8), time(0)).is_empty(), "nobody knows the rows");
    peers.read_rows(row(0), after(8));
    assert!(peers.gone(after(8), time(0)).is_empty(), "its row is fresh");
    peers.read_rows(row(7), after(9));
    peers.listen(false, after(9));
    assert!(peers.gone(after(9), time(0)).is_empty(), "it cannot be heard");
    peers.listen(true, after(9));
    assert!(peers.gone(after(9), time(0)).is_empty(), "it could not be heard until now");
    peers.read_rows(row(7), after(16));
    assert_eq!(peers.gone(after(16), time(0)), [2]);
    assert!(peers.gone(after(17), time(0)).is_empty(), "once");
    assert!(!peers.admit(Place::All, &word(2, 1, 0), after(17), time(0)), "its last word, again");
    assert!(peers.admit(Place::All, &word(2, 2, 0), after(17), time(0)), "it was only frozen");
    peers.read_rows(HashMap::new(), after(24));
    assert_eq!(peers.gone(after(24), time(0)), [2], "its row was removed");
    assert!(peers.gone(after(60), time(0)).is_empty());
    assert!(peers.by_boot.is_empty(), "forgotten");
}
