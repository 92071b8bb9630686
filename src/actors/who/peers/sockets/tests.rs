use proptest::prelude::*;

use super::*;
use crate::actors::who::peers::Place;
use crate::protocol::who::{Here, Said, Word};

const BOOT: i64 = 2;
const BOB: UserId = UserId(7);

/// Knows one other server, which has been asked for its sockets.
fn peers() -> (Peers, Instant) {
    let now = Instant::now();
    let mut peers = Peers::new(1, Duration::from_secs(7));
    peers.listen(true, now);
    let word = Word { boot: BOOT, n: 1, at: Timestamp::from_micros(0), said: Said::Asked };
    assert!(peers.admit(Place::All, &word, now, Timestamp::from_micros(0)));
    assert!(peers.must_ask(BOOT, None, now));
    (peers, now)
}

fn sockets(user: UserId, stamps: &[i64]) -> UserSockets {
    let socket = |stamp: &i64| (Stamp(*stamp), Mark::new(Some(stamp.unsigned_abs() * 2 + 2), false));
    UserSockets { user, sockets: stamps.iter().map(socket).collect() }
}

fn whole(number: u64, users: Vec<UserSockets>) -> Page {
    Page { number, index: 0, is_last: true, users }
}

fn changed(number: u64, users: Vec<UserSockets>) -> Changed {
    Changed { number, users }
}

fn here(leaving_until: Option<Timestamp>) -> Here {
    Here {
        label: String::new(),
        version: String::new(),
        level: 1,
        told: 0,
        sockets: 0,
        store_ok: true,
        leaving_until,
        hold_p99_us: None,
        changes: 0,
        is_new: false,
    }
}

#[test]
fn who_comes_to_another_server_and_leaves_it_is_told_once() {
    let (mut peers, now) = peers();
    assert_eq!(peers.page(BOOT, whole(5, vec![sockets(BOB, &[1])])).arrived, [BOB]);
    assert!(peers.is_online(BOB) && peers.boots_of(BOB) == [BOOT]);
    assert_eq!(peers.changed(BOOT, changed(6, vec![sockets(BOB, &[1, 2])])).arrived, []);
    assert_eq!(peers.changed(BOOT, changed(7, vec![sockets(BOB, &[])])).left, [BOB]);
    assert!(!peers.must_ask(BOOT, Some(7), now) && peers.must_ask(BOOT, Some(8), now), "a change is missing");
}

#[test]
fn who_leaves_a_server_that_is_stopping_stays_online_until_it_has_stopped() {
    let (mut peers, _) = peers();
    peers.page(BOOT, whole(0, vec![sockets(BOB, &[1])]));
    let until = Timestamp::from_micros(9);
    peers.describe(BOOT, here(Some(until)));
    assert_eq!(peers.changed(BOOT, changed(1, vec![sockets(BOB, &[])])).left, []);
    assert!(peers.is_online(BOB) && peers.boots_of(BOB).is_empty());
    assert_eq!(peers.overdue(Timestamp::from_micros(8)), [0_i64; 0]);
    assert_eq!(peers.overdue(until), [BOOT]);
    assert_eq!(peers.drop_sockets(BOOT).left, [BOB]);
    assert!(!peers.is_online(BOB) && peers.overdue(until).is_empty());
}

proptest! {
    /// Whatever is lost, what is known is right once all sockets were asked for.
    #[test]
    fn what_is_missed_is_found_out(
        steps in prop::collection::vec((1..4_i32, prop::collection::vec(1..9_i64, 0..3), any::<bool>()), 0..40),
        asked_at in 0..40_usize,
    ) {
        let (mut peers, mut now) = peers();
        let mut truth = BTreeMap::<UserId, UserSockets>::new();
        let mut number = 0;
        for (at, (user, stamps, is_lost)) in steps.into_iter().enumerate() {
            number += 1;
            let of = sockets(UserId(user), &stamps);
            truth.insert(UserId(user), of.clone());
            if at == asked_at {
                peers.page(BOOT, whole(number - 1, Vec::new()));
            }
            if !is_lost {
                peers.changed(BOOT, changed(number, vec![of]));
            }
        }
        now += ASK_AGAIN;
        if peers.must_ask(BOOT, Some(number), now) {
            peers.page(BOOT, whole(number, truth.values().cloned().collect()));
        }
        prop_assert!(!peers.must_ask(BOOT, Some(number), now));
        if asked_at >= 40 || number == 0 {
            return Ok(());
        }
        let known: Vec<Stamp> = peers.by_boot[&BOOT].sockets.keys().map(|(_, stamp)| *stamp).collect();
        let mut right: Vec<Stamp> = Vec::new();
        for of in truth.values() {
            let mut stamps: Vec<Stamp> = of.sockets.iter().map(|(stamp, _)| *stamp).collect();
            stamps.sort_unstable();
            stamps.dedup();
            right.extend(stamps);
        }
        // An answer without sockets stands for a server that has begun anew: then only what came since is compared.
        if asked_at == 0 {
            prop_assert_eq!(known, right);
        }
    }

    /// However sockets are spread over two servers, the youngest of each device stay, and of these the youngest few.
    #[test]
    fn the_youngest_stay(places in prop::collection::vec((any::<bool>(), 0..4_u64), 1..20), max in 1..5_usize) {
        let mut servers = [peers().0, peers().0];
        for (stamp, (at_second, device)) in (1..).zip(&places) {
            let mark = Mark::new(Some(device * 2 + 2), false);
            let id = SocketId(stamp);
            servers[usize::from(*at_second)].open(BOB, id, Stamp(i64::try_from(stamp).unwrap()), mark);
        }
        let [one, two] = &mut servers;
        let (ones, twos) = (one.own_sockets(None), two.own_sockets(None));
        one.page(BOOT, whole(0, twos));
        two.page(BOOT, whole(0, ones));
        for server in &servers {
            let closed = server.superseded(BOB, max);
            for (mark, socket) in server.own.values() {
                let younger = places.iter().skip(usize::try_from(socket.0).unwrap());
                let is_same = |device: u64| Mark::new(Some(device * 2 + 2), false).is_same_device(*mark);
                let same = younger.clone().any(|(_, device)| is_same(*device));
                let why = closed.iter().find(|(id, _)| id == socket).map(|(_, why)| *why);
                let expected = if same {
                    Some(Superseded::Device)
                } else {
                    (younger.count() >= max).then_some(Superseded::Count)
                };
                prop_assert_eq!(why, expected);
            }
        }
    }
}
