//! The limiters: what is counted, by what, and what a refusal says.

mod table;

use std::time::Duration;

pub(crate) use table::limiter_table;

/// What the buckets of a limiter are kept by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimiterKind {
    /// The class of the client's address.
    Class,
    /// A user.
    User,
    /// Two users, of whom the first one acts on the second.
    Pair,
    /// A user name as it was typed, whether an account has it or not.
    Name,
    /// A user with a network that the user is known to come from.
    Known,
    /// A login.
    Login,
    /// A socket.
    Socket,
    /// Nothing: one bucket for the whole server.
    Server,
}

impl LimiterKind {
    /// Returns whether a bucket is one user's, so that an operator can set other numbers for that user.
    #[must_use]
    pub const fn is_of_one_user(self) -> bool {
        matches!(self, Self::User | Self::Pair)
    }
}

macro_rules! limiters {
    (
        buckets { $($group:ident { $($row:ident: $name:ident, $unit:ident, $key:ident, $text:literal;)* })* }
        caps { $($cap:literal: $cap_name:ident, $cap_key:ident, $cap_text:literal;)* }
    ) => {
        /// A row of the table of limiters.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Limiter {
            $($(
                #[doc = concat!("`", stringify!($group), ".", stringify!($row), "`: ", $text, ".")]
                $name,
            )*)*
            $(
                #[doc = concat!("`", $cap, "`: ", $cap_text, ".")]
                $cap_name,
            )*
        }

        impl Limiter {
            /// All rows, in the order of their discriminants.
            pub const ALL: &[Self] = &[$($(Self::$name,)*)* $(Self::$cap_name,)*];

            /// Returns the name that settings go by. Of two rows for the two families of addresses each has its own.
            #[must_use]
            pub const fn setting(self) -> &'static str {
                match self {
                    $($(Self::$name => concat!(stringify!($group), ".", stringify!($row)),)*)*
                    $(Self::$cap_name => $cap,)*
                }
            }

            /// Returns what its buckets are kept by.
            #[must_use]
            pub const fn kind(self) -> LimiterKind {
                match self {
                    $($(Self::$name => LimiterKind::$key,)*)*
                    $(Self::$cap_name => LimiterKind::$cap_key,)*
                }
            }

            /// Returns what a refusal says to people. It does not depend on whether an account exists.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $($(Self::$name => $text,)*)*
                    $(Self::$cap_name => $cap_text,)*
                }
            }
        }
    };
}
limiter_table!(limiters);

impl Limiter {
    /// Returns the name that answers and metrics use, such as `login.account`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            // The same limit for the other family of addresses.
            Self::LoginAddressV6 => Self::LoginAddress.setting(),
            _ => self.setting(),
        }
    }

    /// Returns the limiter of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|limiter| limiter.name() == name)
    }
}

/// How many tokens a bucket holds, and how fast they come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitRule {
    /// Tokens of a full bucket; at least 1.
    pub burst: u32,
    /// The time until one token is back; more than zero.
    pub every: Duration,
    /// Whether a key that has no room in the table passes; otherwise it shares a bucket with others.
    pub fail_open: bool,
}

impl LimitRule {
    /// Longest time for which a bucket may be filling.
    const MAX_FILLING: Duration = Duration::from_hours(366 * 24);

    /// Returns whether the bucket is ever full again, and within a year.
    #[must_use]
    pub fn can_work(self) -> bool {
        let filling = self.every.checked_mul(self.burst);
        self.every > Duration::ZERO && filling.is_some_and(|time| time <= Self::MAX_FILLING)
    }
}

/// The refusal of a limiter: the bucket is empty. Nothing of what was asked was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .limiter.text())]
pub struct Limited {
    /// The limiter.
    pub limiter: Limiter,
    /// The time after which there is a token again.
    pub wait: Duration,
}

impl Limited {
    /// Returns the time after which to try again, in whole milliseconds, at least 1.
    #[must_use]
    pub fn retry_after_ms(self) -> u64 {
        u64::try_from(self.wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_found_by_its_name_and_has_its_place() {
        for (place, limiter) in Limiter::ALL.iter().enumerate() {
            assert_eq!(*limiter as usize, place);
            let found = Limiter::named(limiter.name()).unwrap();
            assert_eq!(found.name(), limiter.name());
            assert!(!limiter.text().is_empty() && limiter.text().is_ascii());
        }
        assert_eq!(Limiter::named("login.account"), Some(Limiter::LoginAccount));
        assert_eq!(Limiter::LoginAddressV6.name(), "login.address");
        assert_eq!(Limiter::named("nothing"), None);
    }

    #[test]
    fn the_wait_is_never_told_shorter_than_it_is() {
        let ms = |wait| Limited { limiter: Limiter::SendPair, wait }.retry_after_ms();
        assert_eq!(ms(Duration::ZERO), 1);
        assert_eq!(ms(Duration::from_nanos(1_000_001)), 2);
        assert_eq!(ms(Duration::from_millis(850)), 850);
    }
}
