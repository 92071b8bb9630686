//! Rules about the addresses of clients: which networks may come in, and which may not.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Network, Timestamp};

/// Most characters of a rule's reason.
pub const MAX_RULE_REASON: usize = 200;

/// A rule about a network. There is at most one for a network and a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AddressRule {
    /// Its number.
    pub id: i64,
    /// The network that it is about.
    #[serde(rename = "cidr")]
    pub network: Network,
    /// Whether the network may come in.
    pub action: RuleAction,
    /// What it is about.
    pub scope: RuleScope,
    /// Who has made it.
    pub source: RuleSource,
    /// Why, for people.
    pub reason: String,
    /// How often the network was banned one after the other; 0 for a rule of an operator.
    pub strikes: i32,
    /// When it was made, or made anew.
    pub created_at: Timestamp,
    /// When it ends; `None` means never.
    pub expires_at: Option<Timestamp>,
}

impl AddressRule {
    /// Returns whether the rule holds at this time.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Returns its name, as it is stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// Reads its name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Whether a network may come in.
    RuleAction {
        /// It may, whatever wider rules say.
        Allow = "allow",
        /// It may not.
        Block = "block",
    }
}

words! {
    /// What a rule is about.
    RuleScope {
        /// Every request and every socket.
        All = "all",
        /// What comes without a valid credential: registration, logins, anonymous look-ups, handshakes.
        Auth = "auth",
    }
}

words! {
    /// Who has made a rule.
    RuleSource {
        /// An operator.
        Manual = "manual",
        /// The server itself, because of what came from the network: a ban.
        Auto = "auto",
    }
}

/// A change of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressRuleChange {
    /// Make a rule of an operator; it replaces the one for the same network and scope.
    Set(NewAddressRule),
    /// Ban a network, for longer each time. A rule of an operator is not replaced.
    Ban(NewBan),
    /// Remove rules.
    Remove(WhichRules),
}

/// Which rules are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichRules {
    /// The one with this number.
    Id(i64),
    /// Those for a network.
    Network {
        /// The network.
        network: Network,
        /// The scope; `None` means both.
        scope: Option<RuleScope>,
    },
}

/// A rule that an operator makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAddressRule {
    /// The network that it is about.
    pub network: Network,
    /// Whether the network may come in.
    pub action: RuleAction,
    /// What it is about.
    pub scope: RuleScope,
    /// Why, for people; at most [`MAX_RULE_REASON`] characters.
    pub reason: String,
    /// When it ends; `None` means never.
    pub expires_at: Option<Timestamp>,
}

/// A ban that the server makes: a block with the scope [`RuleScope::Auth`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBan {
    /// The network.
    pub network: Network,
    /// Why, for people.
    pub reason: String,
    /// The length of a first ban in seconds; each further one is twice as long.
    pub first_s: i64,
    /// The length of the longest ban in seconds.
    pub longest_s: i64,
    /// The seconds after its end for which a ban counts as one before the next.
    pub forget_s: i64,
}

impl NewBan {
    /// Returns the length in seconds of the ban with this number, the first being 1.
    #[must_use]
    pub fn length_s(&self, strike: i32) -> i64 {
        let doublings = u32::try_from(strike.saturating_sub(1)).unwrap_or_default().min(30);
        self.first_s.saturating_mul(1 << doublings).min(self.longest_s.max(self.first_s))
    }
}

/// What the rules say about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Banned {
    /// When the rule ends; `None` means never.
    pub until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bans_get_longer_up_to_the_longest() {
        let ban = NewBan {
            network: "192.0.2.1".parse().unwrap(),
            reason: String::new(),
            first_s: 3600,
            longest_s: 86_400,
            forget_s: 0,
        };
        let hours: Vec<i64> = [1, 2, 3, 4, 5, 6, i32::MAX].map(|strike| ban.length_s(strike) / 3600).to_vec();
        assert_eq!(hours, [1, 2, 4, 8, 16, 24, 24]);
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for scope in [RuleScope::All, RuleScope::Auth] {
            assert_eq!(RuleScope::parse(scope.as_str()), Some(scope));
        }
        assert_eq!((RuleAction::parse("allow"), RuleAction::parse("Allow")), (Some(RuleAction::Allow), None));
        assert_eq!(RuleSource::Auto.to_string(), "auto");
    }
}
