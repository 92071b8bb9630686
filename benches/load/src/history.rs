//! Pages of history at random places of long conversations.

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::marked_frame::Dialect;
use crate::place::Place;
use crate::random::Random;
use crate::requests::{Ask, Connection, Expect, Outcome};
use crate::stock::{Stock, StockedLoad};
use crate::target::Target;

/// Pages from the middle of conversations.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct History {
    /// Messages in the store
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    messages: u64,
    /// Messages of each conversation, which gives the number of conversations
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    conversation: u64,
    /// Characters of each encrypted copy
    #[arg(long, default_value_t = 344, value_parser = clap::value_parser!(u32).range(1..=98_304))]
    bytes: u32,
    /// Messages of a page
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=100))]
    page: u8,
    /// How the page is named
    #[arg(long, value_enum, default_value = "time")]
    cursor: Cursor,
    #[command(flatten)]
    #[serde(flatten)]
    load: StockedLoad,
}

/// The parameter that names a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Cursor {
    /// `before`, a time stamp: the Android app's.
    Time,
    /// `before_id`: that of fluent.v1.
    Id,
}

impl History {
    pub(crate) async fn run(&self, place: &Place) -> Result<Outcome<Self>> {
        let conversations = u32::try_from(self.messages / self.conversation)?;
        let page = u64::from(self.page);
        ensure!(conversations > 0 && self.conversation > page, "--conversation is below a page or above --messages");
        let stock = Stock {
            name: format!("history-{conversations}-{}-{}", self.conversation, self.bytes),
            users: conversations * 2,
            pairs: (0..conversations).map(|number| (2 * number + 1, 2 * number + 2)).collect(),
            messages: u64::from(conversations) * self.conversation,
            bytes: usize::try_from(self.bytes)?,
            then: None,
        };
        let target = place.stocked(&stock, Dialect::Legacy, &self.load.keep).await?;
        let before_first = match self.cursor {
            Cursor::Time => before_first(&target).await?,
            Cursor::Id => 0,
        };
        let ask = |random: &mut Random| {
            let conversation = random.below(conversations.into());
            // Either of the two reads.
            let (reader, partner) = if random.chance(500) { (0, 1) } else { (1, 0) };
            let account = |side| target.accounts.get(usize::try_from(2 * conversation + side).unwrap_or(0));
            let (token, partner) =
                account(reader).zip(account(partner)).map_or(("", 0), |(reader, partner)| (&reader.token, partner.id));
            let place = page + random.below(self.conversation - page);
            let bound = 1 + conversation + place * u64::from(conversations);
            let cursor = match self.cursor {
                Cursor::Time => format!("before={}", time(before_first, bound)),
                Cursor::Id => format!("before_id={bound}"),
            };
            let path = format!("/chat/all_messages?partnerID={partner}&{cursor}&limit={page}");
            let newest = bound - u64::from(conversations);
            let expected = vec![
                Expect::exactly(self.page.into(), r#""content":"#),
                Expect::exactly(1, format!(r#""id":{newest},"#)),
            ];
            Ask::get(0, &path, token, expected)
        };
        let served = self.load.asking.run(&target, &["page"], ask).await?;
        let title = format!("{} messages in conversations of {}", stock.messages, self.conversation);
        Ok(Outcome { workload: "history", target: target.name.clone(), title, arguments: self.clone(), served })
    }
}

/// Returns the time stamp that message number 0 would have: time stamps are a microsecond apart.
async fn before_first(target: &Target) -> Result<i64> {
    #[derive(Deserialize)]
    struct Message {
        id: i64,
        timestamp: String,
    }
    let [one, other, ..] = target.accounts.as_slice() else { anyhow::bail!("there is nobody") };
    let ask = Ask::get(0, &format!("/chat/all_messages?partnerID={}&limit=1", other.id), &one.token, Vec::new());
    let mut connection = Connection::open(target.addr).await?;
    let answer = connection.ask(&ask.request).await?;
    let messages: Vec<Message> = serde_json::from_slice(answer.body).context("no page of messages")?;
    let newest = messages.first().context("an empty page")?;
    Ok(newest.timestamp.parse::<jiff::Timestamp>()?.as_microsecond() - newest.id)
}

/// Returns the time stamp of a message, encoded for a URL.
fn time(before_first: i64, id: u64) -> String {
    let micros = before_first.saturating_add(i64::try_from(id).unwrap_or(i64::MAX));
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| String::new(), |time| format!("{time:.6}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_six_digits() {
        assert_eq!(time(1_000_000, 5), "1970-01-01T00:00:01.000005Z");
    }
}
