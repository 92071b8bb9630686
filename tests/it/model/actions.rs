//! The actions of a history.

use proptest::prelude::*;
use proptest::sample::Index;

use super::cut::Ending;

/// Users of a case.
pub(super) const USERS: usize = 3;
/// Devices of each.
pub(super) const DEVICES: usize = 2;

/// A device of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) user: usize,
    pub(super) device: usize,
}

/// What a user asks. Which message is meant is decided when it happens.
#[derive(Clone, Debug)]
pub(super) enum Request {
    /// To the user so many places on; 0 is a note to oneself.
    Send { to: usize, text: bool, expires_in_s: Option<i64> },
    /// An earlier send of the same user, byte for byte.
    Resend(Index),
    /// The `client_id` of an earlier send of the same user, with other content.
    Conflict(Index),
    /// Read the messages of the user so many places on, up to any message.
    Read { partner: usize, up_to: Index },
    /// Delete any message.
    Delete { message: Index, everyone: bool },
}

/// From where a device resumes.
#[derive(Clone, Debug)]
pub(super) enum Since {
    /// Its last cursor; without one, the head.
    Saved,
    /// A cursor that it saved earlier.
    Older(Index),
    /// The beginning.
    Zero,
    /// No cursor.
    Absent,
    /// A cursor of another epoch.
    OtherEpoch,
    /// A cursor beyond the head.
    Future,
}

/// One step of a history.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// Asks all of this on one socket, then waits for the answers.
    Burst(Place, Vec<Request>),
    /// Two users ask at the same moment.
    AtOnce((Place, Request), (Place, Request)),
    /// Both devices of a user send the same.
    Race { user: usize, to: usize },
    /// The connection ends when so much of the frame is written; the device comes back and asks again.
    Cut { place: Place, request: Request, permille: usize, ending: Ending },
    /// A handshake ends in the middle.
    CutHandshake { place: Place, permille: usize, ending: Ending },
    /// The connection ends, whatever was not read.
    Disconnect(Place),
    /// Connects, in place of an open connection if there is one; asks before anything is read; goes after `limit`
    /// events.
    Connect { place: Place, since: Since, early: Vec<Request>, limit: Option<usize> },
    /// Says what the device keeps, up to its last cursor but so many.
    Delivered { place: Place, but: usize, by_rest: bool },
    /// Asks by REST.
    Rest { user: usize, request: Request },
    /// Blocks the user so many places on, or no longer.
    Block { user: usize, other: usize, blocked: bool },
    /// The clock moves.
    Advance { seconds: i64 },
    /// Opens a legacy socket, in place of the former.
    LegacyConnect(usize),
    /// A legacy user writes.
    LegacySend { user: usize, to: usize },
    /// A legacy socket ends in the middle of a message.
    LegacyCut { user: usize, permille: usize, ending: Ending },
    /// A legacy user opens a chat.
    LegacyHistory { user: usize, partner: usize },
    /// The server goes down with sends of this device on their way, drained or not, and comes back.
    Restart { drained: bool, place: Place, sends: usize },
}

fn place() -> impl Strategy<Value = Place> {
    (0..USERS, 0..DEVICES).prop_map(|(user, device)| Place { user, device })
}

/// Never oneself.
fn other() -> impl Strategy<Value = usize> {
    1..USERS
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![Just(Ending::Orderly), Just(Ending::Reset)]
}

/// The clock moves by multiples of 10 s: never to the moment at which something expires.
fn lifetime() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![4 => Just(None), 1 => prop_oneof![Just(Some(5)), Just(Some(15)), Just(Some(35))]]
}

fn send() -> impl Strategy<Value = Request> {
    let to = prop_oneof![8 => 1..USERS, 1 => Just(0)];
    (to, prop::bool::weighted(0.8), lifetime()).prop_map(|(to, text, expires_in_s)| Request::Send {
        to,
        text,
        expires_in_s,
    })
}

fn read() -> impl Strategy<Value = Request> {
    (other(), any::<Index>()).prop_map(|(partner, up_to)| Request::Read { partner, up_to })
}

/// What commutes with what other users ask.
fn independent() -> impl Strategy<Value = Request> {
    prop_oneof![
        8 => send(),
        1 => any::<Index>().prop_map(Request::Resend),
        1 => any::<Index>().prop_map(Request::Conflict),
        4 => read(),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let delete = (any::<Index>(), any::<bool>());
    prop_oneof![
        7 => independent(),
        2 => delete.prop_map(|(message, everyone)| Request::Delete { message, everyone }),
    ]
}

fn since() -> impl Strategy<Value = Since> {
    prop_oneof![
        6 => Just(Since::Saved),
        2 => any::<Index>().prop_map(Since::Older),
        1 => Just(Since::Zero),
        1 => Just(Since::Absent),
        1 => prop_oneof![Just(Since::OtherEpoch), Just(Since::Future)],
    ]
}

fn connection() -> impl Strategy<Value = Action> {
    let limit = prop_oneof![3 => Just(None), 1 => (0..6_usize).prop_map(Some)];
    let early = prop::collection::vec(request(), 0..3);
    let connect = (place(), since(), early, limit);
    let cut = (place(), request(), 0..=1000_usize, ending());
    // Half of the cuts let the whole frame arrive.
    let whole = (place(), request(), ending());
    prop_oneof![
        2 => place().prop_map(Action::Disconnect),
        5 => connect.prop_map(|(place, since, early, limit)| Action::Connect { place, since, early, limit }),
        2 => cut.prop_map(|(place, request, permille, ending)| Action::Cut { place, request, permille, ending }),
        2 => whole.prop_map(|(place, request, ending)| Action::Cut { place, request, permille: 1000, ending }),
        1 => (place(), 0..1000_usize, ending())
            .prop_map(|(place, permille, ending)| Action::CutHandshake { place, permille, ending }),
    ]
}

fn legacy() -> impl Strategy<Value = Action> {
    prop_oneof![
        2 => (0..USERS).prop_map(Action::LegacyConnect),
        3 => (0..USERS, 0..USERS).prop_map(|(user, to)| Action::LegacySend { user, to }),
        1 => (0..USERS, 0..1000_usize, ending())
            .prop_map(|(user, permille, ending)| Action::LegacyCut { user, permille, ending }),
        1 => (0..USERS, other()).prop_map(|(user, partner)| Action::LegacyHistory { user, partner }),
    ]
}

fn step() -> impl Strategy<Value = Action> {
    let at_once = ((place(), independent()), (place(), independent()));
    let delivered = (place(), 0..4_usize, prop::bool::weighted(0.3));
    // Unblocking is as likely as blocking, so that most pairs can write most of the time.
    let block = (0..USERS, other(), prop::bool::weighted(0.5));
    let seconds = prop_oneof![12 => (1..4_i64).prop_map(|tens| tens * 10), 1 => Just(90_000)];
    prop_oneof![
        14 => (place(), prop::collection::vec(request(), 1..5)).prop_map(|(place, all)| Action::Burst(place, all)),
        3 => at_once.prop_map(|(a, b)| Action::AtOnce(a, b)),
        1 => (0..USERS, other()).prop_map(|(user, to)| Action::Race { user, to }),
        10 => connection(),
        4 => delivered.prop_map(|(place, but, by_rest)| Action::Delivered { place, but, by_rest }),
        3 => (0..USERS, request()).prop_map(|(user, request)| Action::Rest { user, request }),
        2 => block.prop_map(|(user, other, blocked)| Action::Block { user, other, blocked }),
        2 => seconds.prop_map(|seconds| Action::Advance { seconds }),
        4 => legacy(),
    ]
}

/// A history without restarts.
pub(super) fn history() -> impl Strategy<Value = Vec<Action>> {
    prop::collection::vec(step(), 1..40)
}

/// A history in which the server goes down a few times.
pub(super) fn history_with_restarts() -> impl Strategy<Value = Vec<Action>> {
    let restart = (any::<bool>(), place(), 0..8_usize);
    let restart = restart.prop_map(|(drained, place, sends)| Action::Restart { drained, place, sends });
    prop::collection::vec(prop_oneof![8 => step(), 1 => restart], 1..40)
}
