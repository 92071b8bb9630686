//! All that the server tells one user.

use anyhow::{Context as _, Result, ensure};
use fluent_client::Cursor;
use serde::Deserialize;

use super::super::device::Kept;
use super::super::ring::Ring;
use crate::marked_frame;
use crate::requests::{Ask, Connection};

/// A message as `/chat/sync` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Told {
    pub(in super::super) kept: Kept,
    pub(in super::super) id: u64,
}

#[derive(Deserialize)]
struct Page {
    events: Vec<Event>,
    cursor: String,
    more: bool,
}

#[derive(Deserialize)]
struct Event {
    r#type: String,
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    id: u64,
    #[serde(default)]
    content: String,
}

#[derive(Deserialize)]
struct Line {
    id: u64,
}

/// All messages of a user since `cursor`, by `/chat/sync`.
pub(super) async fn events(connection: &mut Connection, token: &str, cursor: &Cursor) -> Result<Vec<Told>> {
    let mut told = Vec::new();
    let mut cursor = cursor.to_string();
    loop {
        let page: Page = get(connection, &format!("/chat/sync?since={cursor}&limit=100"), token).await?;
        for Event { r#type, seq, id, content } in page.events {
            ensure!(r#type != "reset", "the server does not honour {cursor}");
            if r#type == "message" {
                let mark = marked_frame::read(content.as_bytes()).context("a message that nobody has sent")?;
                told.push(Told { kept: Kept { seq, pair: mark.pair, number: mark.seq }, id });
            }
        }
        if !page.more {
            return Ok(told);
        }
        ensure!(page.cursor != cursor, "a page that does not end");
        cursor = page.cursor;
    }
}

/// Reads the whole history with one partner; how many of its messages are not those of the events.
pub(super) async fn history(
    connection: &mut Connection,
    token: &str,
    ring: Ring,
    user: u32,
    told: &[Told],
) -> Result<u64> {
    let partner = ring.partner(user, 0);
    let with_partner = |pair: u64| {
        let sides = [ring.sender(pair), ring.receiver(pair)];
        sides == [user, partner] || sides == [partner, user]
    };
    let mut expected = told.iter().rev().filter(|told| with_partner(told.kept.pair)).map(|told| told.id);
    let (mut differs, mut before) = (0, String::new());
    loop {
        let path = format!("/chat/all_messages?partnerID={}&limit=100{before}", Ring::id(partner));
        let page: Vec<Line> = get(connection, &path, token).await?;
        let Some(oldest) = page.last().map(|line| line.id) else { break };
        differs += page.iter().filter(|line| expected.next() != Some(line.id)).count() as u64;
        before = format!("&before_id={oldest}");
    }
    Ok(differs + expected.count() as u64)
}

async fn get<T: serde::de::DeserializeOwned>(connection: &mut Connection, path: &str, token: &str) -> Result<T> {
    let ask = Ask::get(0, path, token, Vec::new());
    let answer = connection.ask(&ask.request).await?;
    ensure!(answer.status == 200, "GET {path}: {}", answer.status);
    serde_json::from_slice(answer.body).with_context(|| format!("GET {path} answers something else"))
}
