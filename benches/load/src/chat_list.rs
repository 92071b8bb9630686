//! Lists of conversations of users who have many.

use anyhow::Result;
use serde::Serialize;

use crate::marked_frame::Dialect;
use crate::place::Place;
use crate::random::Random;
use crate::requests::{Ask, Expect, Outcome};
use crate::stock::{Stock, StockedLoad};

/// Most entries of a page of fluent.v1.
const PAGE: u32 = 100;
/// Most entries of the app's list.
const LIST: u32 = 1000;

/// Lists of conversations.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct ChatList {
    /// Conversations of each user who asks
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    conversations: u32,
    /// Users who ask, in turn; their partners are the same
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    users: u32,
    /// Messages of each conversation
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    messages: u32,
    /// Characters of each encrypted copy
    #[arg(long, default_value_t = 344, value_parser = clap::value_parser!(u32).range(1..=98_304))]
    bytes: u32,
    /// legacy: `/chat/chat_list`; v1: `/chat/conversations`, a page of 100
    #[arg(long, value_enum, default_value = "legacy")]
    dialect: Dialect,
    #[command(flatten)]
    #[serde(flatten)]
    load: StockedLoad,
}

impl ChatList {
    pub(crate) async fn run(&self, place: &Place) -> Result<Outcome<Self>> {
        let Self { conversations, users, messages, bytes, .. } = *self;
        let partners = users + 1..=users + conversations;
        let stock = Stock {
            name: format!("chat-list-{users}-{conversations}-{messages}-{bytes}"),
            users: users + conversations,
            pairs: partners.flat_map(|partner| (1..=users).map(move |user| (user, partner))).collect(),
            messages: u64::from(users) * u64::from(conversations) * u64::from(messages),
            bytes: usize::try_from(bytes)?,
            then: None,
        };
        let target = place.stocked(&stock, self.dialect, &self.load.keep).await?;
        let (path, entries) = match self.dialect {
            Dialect::Legacy => ("/chat/chat_list".to_owned(), conversations.min(LIST)),
            Dialect::V1 => (format!("/chat/conversations?limit={PAGE}"), conversations.min(PAGE)),
        };
        let askers = target.accounts.get(..usize::try_from(users)?).unwrap_or_default();
        let ask = |random: &mut Random| {
            let token = random.pick(askers).map_or("", |account| &account.token);
            let expected = vec![Expect::exactly(entries as usize, r#""content":"#)];
            Ask::get(0, &path, token, expected)
        };
        let served = self.load.asking.run(&target, &["list"], ask).await?;
        let title = format!("{} of {conversations} conversations", self.dialect.as_str());
        Ok(Outcome { workload: "chat_list", target: target.name.clone(), title, arguments: self.clone(), served })
    }
}
