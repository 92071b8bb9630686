use std::collections::VecDeque;

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

/// While nothing is heard, users elsewhere are held for a while, and that time begins anew with each word.
#[test]
fn who_is_elsewhere_is_held_for_a_while_when_nothing_is_heard() {
    let (mut peers, start) = peers();
    let hold = Duration::from_secs(30);
    peers.page(BOOT, whole(0, vec![sockets(BOB, &[1])]));
    assert!(!peers.is_deaf_for(hold, start + 2 * hold), "it hears");
    peers.listen(false, start);
    peers.listen(false, start + hold / 2);
    assert!(!peers.is_deaf_for(hold, start + hold.saturating_sub(Duration::from_millis(1))) && peers.is_online(BOB));
    assert!(peers.is_deaf_for(hold, start + hold));
    peers.listen(true, start + hold);
    peers.listen(false, start + hold);
    assert!(!peers.is_deaf_for(hold, start + hold + hold / 2), "it has heard in between");
    assert!(peers.is_deaf_for(hold, start + 2 * hold));
    assert_eq!(peers.drop_sockets(BOOT).left, [BOB]);
    assert!(!peers.is_online(BOB) && peers.must_ask(BOOT, None, start), "and it asks again");
}

/// The other server as it really is, and what it has said and is not heard yet.
struct Other {
    users: BTreeMap<UserId, UserSockets>,
    number: u64,
    is_asked: bool,
    pages: VecDeque<Page>,
}

impl Default for Other {
    fn default() -> Self {
        Self { users: BTreeMap::new(), number: 0, is_asked: true, pages: VecDeque::new() }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// A user has these sockets there now.
    Change { user: i32, stamps: Vec<i64>, is_heard: bool },
    /// It answers, if it was asked.
    Answer,
    /// The next part of its answers comes, or is lost.
    Page { is_heard: bool },
    /// It says that it is there.
    Here,
}

fn step() -> impl Strategy<Value = Step> {
    let change = (1..5_i32, prop::collection::vec(1..9_i64, 0..3), prop::bool::weighted(0.8))
        .prop_map(|(user, stamps, is_heard)| Step::Change { user, stamps, is_heard });
    let page = prop::bool::weighted(0.8).prop_map(|is_heard| Step::Page { is_heard });
    prop_oneof![4 => change, 2 => Just(Step::Answer), 4 => page, 1 => Just(Step::Here)]
}

impl Other {
    fn take(&mut self, step: Step, peers: &mut Peers, shown: &mut BTreeSet<UserId>, now: Instant) {
        let moves = match step {
            Step::Change { user, stamps, is_heard } => {
                let of = sockets(UserId(user), &stamps);
                self.number += 1;
                self.users.insert(of.user, of.clone());
                if !is_heard {
                    return;
                }
                let moves = peers.changed(BOOT, changed(self.number, vec![of]));
                self.is_asked |= peers.must_ask(BOOT, Some(self.number), now);
                moves
            }
            Step::Answer => return self.answer(),
            Step::Page { is_heard } => match self.pages.pop_front().filter(|_| is_heard) {
                Some(page) => peers.page(BOOT, page),
                None => return,
            },
            Step::Here => {
                self.is_asked |= peers.must_ask(BOOT, Some(self.number), now);
                return;
            }
        };
        shown.extend(moves.arrived);
        shown.retain(|user| !moves.left.contains(user));
    }

    /// Says all that it has in two parts.
    fn answer(&mut self) {
        if std::mem::take(&mut self.is_asked) {
            let (some, rest): (Vec<_>, Vec<_>) = self.users.values().cloned().partition(|of| of.user.0 < 3);
            self.pages.push_back(Page { number: self.number, index: 0, is_last: false, users: some });
            self.pages.push_back(Page { number: self.number, index: 1, is_last: true, users: rest });
        }
    }

    fn sockets(&self) -> Sockets {
        let of = |of: &UserSockets| of.sockets.iter().map(|(at, mark)| ((of.user, *at), *mark)).collect::<Vec<_>>();
        self.users.values().flat_map(of).collect()
    }
}

proptest! {
    /// Whatever is lost or late, nothing is missed in silence: once the other server has said that it is there, and has
    /// answered if it was asked, what is known of it is what it has.
    #[test]
    fn what_is_missed_is_found_out(steps in prop::collection::vec(step(), 0..60)) {
        let (mut peers, mut now) = peers();
        let mut other = Other::default();
        let mut shown = BTreeSet::new();
        for step in steps {
            now += ASK_AGAIN / 3;
            other.take(step, &mut peers, &mut shown, now);
        }
        now += ASK_AGAIN;
        other.pages.clear();
        other.is_asked = peers.must_ask(BOOT, Some(other.number), now);
        other.answer();
        while !other.pages.is_empty() {
            other.take(Step::Page { is_heard: true }, &mut peers, &mut shown, now);
        }
        prop_assert!(!peers.must_ask(BOOT, Some(other.number), now), "it knows that it knows all");
        prop_assert_eq!(&peers.by_boot[&BOOT].sockets, &other.sockets());
        let online: BTreeSet<UserId> = other.sockets().keys().map(|(user, _)| *user).collect();
        prop_assert_eq!(shown, online, "who was told to have come and not to have left");
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

#[test]
fn all_is_known_when_every_living_server_has_told_all_and_is_heard() {
    let (mut peers, now) = peers();
    let later = |seconds| now + Duration::from_secs(seconds);
    assert!(!peers.know_all(now), "it has not answered");
    peers.page(BOOT, whole(0, vec![sockets(BOB, &[1])]));
    assert!(peers.know_all(now) && peers.is_connected(BOB) && !peers.is_connected(UserId(8)));
    for (third, is_alive) in [(0, true), (6, true), (7, false)] {
        let ages = [(1, 0), (BOOT, 0), (3, third)].map(|(boot, age)| (boot, Duration::from_secs(age)));
        peers.read_rows(ages.into(), now);
        assert_eq!(peers.know_all(now), !is_alive, "one that was not heard yet");
    }
    peers.changed(BOOT, changed(2, Vec::new()));
    assert!(!peers.know_all(now), "a change is missing");
    assert!(peers.must_ask(BOOT, Some(2), now) && !peers.know_all(now));
    peers.page(BOOT, whole(2, Vec::new()));
    assert!(peers.know_all(later(6)) && !peers.is_connected(BOB));
    assert!(!peers.know_all(later(7)), "it is silent");
    peers.listen(false, later(1));
    assert!(!peers.know_all(later(1)), "nobody is heard");
    peers.listen(true, later(2));
    assert!(!peers.know_all(later(2)), "it may have said something meanwhile");
    let word = Word { boot: BOOT, n: 2, at: Timestamp::from_micros(0), said: Said::Asked };
    assert!(peers.admit(Place::All, &word, later(3), Timestamp::from_micros(0)) && peers.know_all(later(3)));
    peers.read_rows([(1, Duration::ZERO)].into(), later(20));
    assert!(!peers.know_all(later(20)));
    assert_eq!(peers.gone(later(20), Timestamp::from_micros(0)), [BOOT]);
    assert!(peers.know_all(later(20)), "there is nobody else");
}
