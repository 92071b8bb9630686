//! Searches among many users.

use anyhow::Result;
use fluent_backend::testing::seed::name;
use serde::Serialize;

use crate::marked_frame::Dialect;
use crate::place::Place;
use crate::random::Random;
use crate::requests::{Ask, Expect, Outcome};
use crate::stock::{Stock, StockedLoad};

/// Searches of all kinds.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Search {
    /// Users in the store
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    users: u32,
    /// Only searches of this kind; otherwise a fifth each of `short`, `full` and `miss`, and two fifths of `part`
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<Kind>,
    /// legacy: `/auth/get_all_users`, which returns at most 50; v1: `/users/search`, 20
    #[arg(long, value_enum, default_value = "legacy")]
    dialect: Dialect,
    #[command(flatten)]
    #[serde(flatten)]
    load: StockedLoad,
}

/// The kinds of search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// One or two characters of a name.
    Short,
    /// Three to six characters of a name.
    Part,
    /// A whole name.
    Full,
    /// A text that looks like a name and is part of none.
    Miss,
}

/// The names of the kinds, in the order of [`Kind`].
const KINDS: &[&str] = &["short", "part", "full", "miss"];

impl Search {
    pub(crate) async fn run(&self, place: &Place) -> Result<Outcome<Self>> {
        let stock = Stock {
            name: format!("search-{}", self.users),
            users: self.users,
            pairs: Vec::new(),
            messages: 0,
            bytes: 0,
            then: None,
        };
        let target = place.stocked(&stock, self.dialect, &self.load.keep).await?;
        let route = match self.dialect {
            Dialect::Legacy => "/auth/get_all_users?search=",
            Dialect::V1 => "/users/search?query=",
        };
        let ask = |random: &mut Random| {
            let kind = self.only.unwrap_or_else(|| Kind::any(random));
            let known = name(random.below(self.users.into()));
            let (text, expected) = match kind {
                Kind::Short => (part(random, &known, 1, 2), Expect::some(r#""user_name":"#)),
                Kind::Part => (part(random, &known, 3, 6), Expect::some(r#""user_name":"#)),
                Kind::Full => (known.clone(), Expect::some(format!(r#""user_name":"{known}""#))),
                // No name has a q.
                Kind::Miss => (part(random, &known, 3, 6) + "q", Expect::exactly(0, r#""user_name":"#)),
            };
            let token = random.pick(&target.accounts).map_or("", |account| &account.token);
            Ask::get(kind as usize, &format!("{route}{}", encoded(&text)), token, vec![expected])
        };
        let served = self.load.asking.run(&target, KINDS, ask).await?;
        let title = format!("{} among {} users", self.dialect.as_str(), self.users);
        Ok(Outcome { workload: "search", target: target.name.clone(), title, arguments: self.clone(), served })
    }
}

impl Kind {
    fn any(random: &mut Random) -> Self {
        random.pick(&[Self::Short, Self::Part, Self::Part, Self::Full, Self::Miss]).copied().unwrap_or(Self::Part)
    }
}

/// Returns some consecutive characters of a name.
fn part(random: &mut Random, name: &str, least: usize, most: usize) -> String {
    let characters: Vec<char> = name.chars().collect();
    let length = least + random.index(most + 1 - least);
    let start = random.index((characters.len() + 1).saturating_sub(length));
    let found: String = characters.iter().skip(start).take(length).collect();
    // Blanks at the ends are cut off by some forms of search.
    if found.trim() == found { found } else { characters.iter().take(length).collect() }
}

/// Returns the text encoded for a URL.
fn encoded(text: &str) -> String {
    let character = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_in_the_name() {
        let mut random = Random::of(1, 0);
        for number in 0..500 {
            let name = name(number);
            assert!(!name.contains('q') && !name.contains(['"', '\\']), "{name}");
            let part = part(&mut random, &name, 3, 6);
            assert!(name.contains(&part) && (3..=6).contains(&part.chars().count()), "{part} of {name}");
        }
        assert_eq!(encoded("Zoë b"), "Zo%C3%AB%20b");
    }
}
