//! The sockets of all servers, as far as they are known here.
//!
//! Some 40 bytes a socket. A change names all sockets that a user has at a server then, so that it may come twice; one
//! that is missed is noticed by its number, and then that server is asked for all its sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{Peer, Peers};
use crate::domain::{SocketId, Timestamp, UserId};
use crate::protocol::who::{Changed, Mark, Page, Stamp, UserSockets};

/// Sockets of one server.
pub(in crate::actors) type Sockets = BTreeMap<(UserId, Stamp), Mark>;

/// Time after which a server is asked once more.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// Most changes that wait for all sockets of a server; with more of them it is asked anew.
const WAITING: usize = 256;
/// Users and sockets of one word: at most some 200 KiB.
const IN_ONE_WORD: usize = 8000;

/// What is known of the sockets of a server.
#[derive(Default)]
pub(super) enum Known {
    #[default]
    Nothing,
    /// All, up to the change with this number.
    UpTo(u64),
    /// It was asked for all.
    Asked(Asked),
}

pub(super) struct Asked {
    at: Instant,
    pages: u32,
    /// The number of the first part: the others must be of the same answer.
    number: u64,
    sockets: Sockets,
    /// Changes since then.
    changes: Vec<Changed>,
}

/// Users whose presence elsewhere has changed, or may have.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::actors) struct Moves {
    /// Have come.
    pub(in crate::actors) arrived: Vec<UserId>,
    /// Have no socket elsewhere any more.
    pub(in crate::actors) left: Vec<UserId>,
    /// Have other sockets elsewhere than before.
    pub(in crate::actors) touched: Vec<UserId>,
}

/// Why a socket of this server is closed because of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::actors) enum Superseded {
    /// A younger one is of the same device.
    Device,
    /// Too many are younger.
    Count,
}

impl Peers {
    /// Adds an own socket.
    pub(in crate::actors) fn open(&mut self, user: UserId, socket: SocketId, stamp: Stamp, mark: Mark) {
        self.own.insert((user, stamp), (mark, socket));
    }

    /// Removes an own socket. Returns whether there was one.
    pub(in crate::actors) fn close(&mut self, user: UserId, socket: SocketId) -> bool {
        let found = of_user(&self.own, user).find(|(_, (_, id))| *id == socket).map(|(stamp, _)| stamp);
        found.is_some_and(|stamp| self.own.remove(&(user, stamp)).is_some())
    }

    /// Removes all own sockets of a user, or of everybody. Returns the users.
    pub(in crate::actors) fn close_all(&mut self, user: Option<UserId>) -> Vec<UserId> {
        let mut users = Vec::new();
        self.own.retain(|(of, _), _| {
            let goes = user.is_none_or(|user| user == *of);
            if goes {
                users.push(*of);
            }
            !goes
        });
        users.dedup();
        users
    }

    /// Returns the own sockets of these users, or of everybody.
    pub(in crate::actors) fn own_sockets(&self, users: Option<Vec<UserId>>) -> Vec<UserSockets> {
        let users = users.unwrap_or_else(|| {
            let mut users: Vec<UserId> = self.own.keys().map(|(user, _)| *user).collect();
            users.dedup();
            users
        });
        let of = |user| UserSockets {
            user,
            sockets: of_user(&self.own, user).map(|(stamp, (mark, _))| (stamp, *mark)).collect(),
        };
        users.into_iter().map(of).collect()
    }

    /// Returns whether a user is online at another server, or was until a moment ago at one that is stopping.
    pub(in crate::actors) fn is_online(&self, user: UserId) -> bool {
        self.by_boot.values().any(|peer| peer.shows(user))
    }

    /// Returns the servers at which a user has a socket.
    pub(in crate::actors) fn boots_of(&self, user: UserId) -> Vec<i64> {
        self.by_boot.iter().filter(|(_, peer)| peer.has(user)).map(|(boot, _)| *boot).collect()
    }

    /// Returns the own sockets of a user that must give way to younger ones, wherever these are.
    pub(in crate::actors) fn superseded(&self, user: UserId, max: usize) -> Vec<(SocketId, Superseded)> {
        let elsewhere =
            self.by_boot.values().flat_map(|peer| of_user(&peer.sockets, user)).map(|(at, mark)| (at, *mark));
        let own = of_user(&self.own, user).map(|(stamp, (mark, _))| (stamp, *mark));
        let all: Vec<(Stamp, Mark)> = elsewhere.chain(own).collect();
        let why = |(stamp, (mark, socket)): (Stamp, &(Mark, SocketId))| {
            let younger = all.iter().filter(|(other, _)| *other > stamp);
            if younger.clone().any(|(_, other)| other.is_same_device(*mark)) {
                Some((*socket, Superseded::Device))
            } else {
                (younger.count() >= max).then_some((*socket, Superseded::Count))
            }
        };
        of_user(&self.own, user).filter_map(why).collect()
    }

    /// Takes a change at another server.
    pub(in crate::actors) fn changed(&mut self, boot: i64, changed: Changed) -> Moves {
        self.moving(boot, |peer| {
            match &mut peer.known {
                Known::UpTo(number) if changed.number == *number + 1 => *number += 1,
                Known::UpTo(number) if changed.number <= *number => return Vec::new(),
                Known::Nothing => {}
                Known::Asked(asked) if asked.changes.len() < WAITING => asked.changes.push(changed.clone()),
                Known::UpTo(_) | Known::Asked(_) => peer.known = Known::Nothing,
            }
            changed.users.into_iter().map(|user| peer.replace(user)).collect()
        })
    }

    /// Takes a part of all sockets of a server.
    pub(in crate::actors) fn page(&mut self, boot: i64, page: Page) -> Moves {
        self.moving(boot, |peer| {
            let Known::Asked(asked) = &mut peer.known else { return Vec::new() };
            if page.index == 0 {
                asked.number = page.number;
            }
            if asked.pages != page.index || asked.number != page.number {
                peer.known = Known::Nothing;
                return Vec::new();
            }
            asked.pages += 1;
            for UserSockets { user, sockets } in page.users {
                asked.sockets.extend(sockets.into_iter().map(|(stamp, mark)| ((user, stamp), mark)));
            }
            if !page.is_last {
                return Vec::new();
            }
            let Known::Asked(asked) = std::mem::take(&mut peer.known) else { return Vec::new() };
            let before = std::mem::replace(&mut peer.sockets, asked.sockets);
            let mut users: Vec<UserId> = before.keys().chain(peer.sockets.keys()).map(|(user, _)| *user).collect();
            let mut number = page.number;
            for changed in asked.changes.into_iter().filter(|changed| changed.number > page.number) {
                users.extend(changed.users.iter().map(|user| user.user));
                for user in changed.users {
                    peer.replace(user);
                }
                // With a hole between, the next word shows that something is missing.
                number += u64::from(changed.number == number + 1);
            }
            peer.known = Known::UpTo(number);
            users.sort_unstable();
            users.dedup();
            // Whether each was shown before is no longer known from the sockets alone.
            let was = |user: UserId| of_user(&before, user).any(|(_, mark)| !mark.is_background());
            users.into_iter().map(|user| (user, was(user))).collect()
        })
    }

    /// Returns whether a server must be asked for all its sockets, whose last change has this number; `None` when that
    /// is not known.
    pub(in crate::actors) fn must_ask(&mut self, boot: i64, number: Option<u64>, now: Instant) -> bool {
        let Some(peer) = self.by_boot.get_mut(&boot).filter(|peer| !peer.is_gone) else { return false };
        let must = match &peer.known {
            Known::Nothing => true,
            Known::UpTo(known) => number.is_some_and(|number| number != *known),
            Known::Asked(asked) => now.duration_since(asked.at) >= ASK_AGAIN,
        };
        if must {
            peer.known =
                Known::Asked(Asked { at: now, pages: 0, number: 0, sockets: Sockets::new(), changes: Vec::new() });
        }
        must
    }

    /// Returns the servers that are known.
    pub(in crate::actors) fn boots(&self) -> Vec<i64> {
        self.by_boot.keys().copied().collect()
    }

    /// Forgets the sockets of a server, which has gone.
    pub(in crate::actors) fn drop_sockets(&mut self, boot: i64) -> Moves {
        self.moving(boot, |peer| {
            let mut users: Vec<(UserId, bool)> = peer.sockets.keys().map(|(user, _)| (*user, false)).collect();
            users.extend(peer.lingering.iter().map(|user| (*user, true)));
            users.sort_unstable();
            for (user, was) in &mut users {
                *was = peer.shows(*user);
            }
            users.dedup();
            (peer.sockets, peer.lingering, peer.known) = (Sockets::new(), BTreeSet::new(), Known::Nothing);
            users
        })
    }

    /// Returns the servers that wanted to have stopped by now.
    pub(in crate::actors) fn overdue(&self, time: Timestamp) -> Vec<i64> {
        let has_any = |peer: &Peer| !peer.sockets.is_empty() || !peer.lingering.is_empty();
        let is_overdue = |peer: &Peer| has_any(peer) && peer.leaving_until().is_some_and(|until| until <= time);
        self.by_boot.iter().filter(|(_, peer)| is_overdue(peer)).map(|(boot, _)| *boot).collect()
    }

    /// Changes what is known of a server. `what` returns users, and whether that server showed them as online before.
    fn moving(&mut self, boot: i64, what: impl FnOnce(&mut Peer) -> Vec<(UserId, bool)>) -> Moves {
        let Some(peer) = self.by_boot.get_mut(&boot) else { return Moves::default() };
        let users = what(peer);
        let mut moves = Moves::default();
        for (user, was) in users {
            let is = self.by_boot.get(&boot).is_some_and(|peer| peer.shows(user));
            let is_elsewhere = || self.by_boot.iter().any(|(other, peer)| *other != boot && peer.shows(user));
            match (was, is) {
                (false, true) if !is_elsewhere() => moves.arrived.push(user),
                (true, false) if !is_elsewhere() => moves.left.push(user),
                _ => {}
            }
            moves.touched.push(user);
        }
        moves
    }
}

impl Peer {
    pub(super) fn leaving_until(&self) -> Option<Timestamp> {
        self.here.as_ref().and_then(|here| here.leaving_until)
    }

    /// Returns whether the user has a socket there.
    pub(super) fn has(&self, user: UserId) -> bool {
        of_user(&self.sockets, user).next().is_some()
    }

    /// Returns whether the user is online there, or comes back somewhere while it is stopping.
    fn shows(&self, user: UserId) -> bool {
        of_user(&self.sockets, user).any(|(_, mark)| !mark.is_background()) || self.lingering.contains(&user)
    }

    /// Replaces the sockets of a user. Returns whether the user was shown as online before.
    fn replace(&mut self, UserSockets { user, sockets }: UserSockets) -> (UserId, bool) {
        let was = self.shows(user);
        let former: Vec<Stamp> = of_user(&self.sockets, user).map(|(stamp, _)| stamp).collect();
        for stamp in former {
            self.sockets.remove(&(user, stamp));
        }
        self.sockets.extend(sockets.into_iter().map(|(stamp, mark)| ((user, stamp), mark)));
        if was && !self.shows(user) && self.leaving_until().is_some() {
            self.lingering.insert(user);
        }
        (user, was)
    }
}

/// Returns what a table has of one user, oldest first.
fn of_user<T>(table: &BTreeMap<(UserId, Stamp), T>, user: UserId) -> impl Iterator<Item = (Stamp, &T)> {
    let range = (user, Stamp(i64::MIN))..=(user, Stamp(i64::MAX));
    table.range(range).map(|((_, stamp), value)| (*stamp, value))
}

/// Cuts a list into parts that fit into a word each; one at least.
pub(in crate::actors) fn in_words(users: Vec<UserSockets>) -> Vec<Vec<UserSockets>> {
    let (mut parts, mut room) = (vec![Vec::new()], IN_ONE_WORD);
    for user in users {
        let size = 1 + user.sockets.len();
        if size > room {
            parts.push(Vec::new());
            room = IN_ONE_WORD;
        }
        room = room.saturating_sub(size);
        if let Some(part) = parts.last_mut() {
            part.push(user);
        }
    }
    parts
}

#[cfg(test)]
mod tests;
