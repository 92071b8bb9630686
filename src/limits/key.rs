//! What buckets are kept by.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;

use crate::domain::{AddressClass, Limiter, LimiterKind, LoginId, Network, SocketId, UserId, name_key};

/// A key of a limiter, of the kind that the limiter counts by ([`Limiter::kind`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimiterKey {
    /// The class of the client's address.
    Class(AddressClass),
    /// A user.
    User(UserId),
    /// Two users, of whom the first one acts on the second.
    Pair(UserId, UserId),
    /// A user name, as a keyed hash; see [`Limiters::name_key`](super::Limiters::name_key).
    Name(u64),
    /// A user with a network that the user is known to come from.
    Known(UserId, Network),
    /// A login.
    Login(LoginId),
    /// A socket.
    Socket(SocketId),
    /// The whole server.
    Server,
}

impl LimiterKey {
    /// Returns the user whose limits of their own hold.
    pub(super) const fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) | Self::Pair(user, _) => Some(user),
            _ => None,
        }
    }

    pub(super) const fn kind(self) -> LimiterKind {
        match self {
            Self::Class(_) => LimiterKind::Class,
            Self::User(_) => LimiterKind::User,
            Self::Pair(..) => LimiterKind::Pair,
            Self::Name(_) => LimiterKind::Name,
            Self::Known(..) => LimiterKind::Known,
            Self::Login(_) => LimiterKind::Login,
            Self::Socket(_) => LimiterKind::Socket,
            Self::Server => LimiterKind::Server,
        }
    }
}

/// Shows ids, and of an address its network alone; of a name, which may be a password that somebody has typed into the
/// wrong field, only a hash.
impl fmt::Display for LimiterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(class) => class.network().fmt(f),
            Self::User(user) => write!(f, "user {user}"),
            Self::Pair(from, to) => write!(f, "user {from} to user {to}"),
            Self::Name(hash) => write!(f, "name #{hash:016x}"),
            Self::Known(user, network) => write!(f, "user {user} from {}", network.shown()),
            Self::Login(login) => write!(f, "login {login}"),
            Self::Socket(socket) => write!(f, "socket {socket}"),
            Self::Server => f.write_str("server"),
        }
    }
}

impl From<AddressClass> for LimiterKey {
    fn from(class: AddressClass) -> Self {
        Self::Class(class)
    }
}

impl From<UserId> for LimiterKey {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl From<LoginId> for LimiterKey {
    fn from(login: LoginId) -> Self {
        Self::Login(login)
    }
}

/// Makes numbers of keys, which nobody outside of the process can choose.
pub(super) struct Hasher {
    /// For buckets, several of which each message needs. Its numbers never leave the process.
    slots: SeedableRandomState,
    /// For names, whose numbers operators see.
    names: RandomState,
}

impl Default for Hasher {
    fn default() -> Self {
        let names = RandomState::new();
        let slots = SeedableRandomState::with_seed(names.hash_one("slots"), SharedSeed::global_random());
        Self { slots, names }
    }
}

impl Hasher {
    /// Returns the number of a key's bucket.
    pub(super) fn slot(&self, limiter: Limiter, key: LimiterKey) -> u64 {
        self.slots.hash_one((limiter, key))
    }

    /// Returns the number of a key's bucket under limits of the user's own.
    pub(super) fn own_slot(&self, limiter: Limiter, key: LimiterKey, generation: u64) -> u64 {
        self.slots.hash_one((limiter, key, generation))
    }

    /// Returns the number of the bucket for the site around an IPv6 class, which counts as well: one customer may have
    /// 65,536 classes.
    pub(super) fn site_slot(&self, limiter: Limiter, key: LimiterKey) -> Option<u64> {
        let LimiterKey::Class(class) = key else { return None };
        class.site().map(|site| self.slots.hash_one((limiter, site)))
    }

    /// Returns the key of a name.
    pub(super) fn name(&self, name: &str) -> LimiterKey {
        // A text that cannot be a name has no key, so the text itself is counted.
        let key = name_key(name);
        LimiterKey::Name(self.names.hash_one(if key.is_empty() { name } else { &key }))
    }
}
