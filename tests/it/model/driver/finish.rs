//! The comparison at the end of a history.

use proptest::prelude::*;
use serde_json::Value;

use super::rest::{body, messages};
use super::{Device, Driver, Start};
use crate::model::Checked;
use crate::model::actions::{DEVICES, Place, Since};
use crate::model::event::{Message, check_replay};
use crate::model::reference::Overview;

/// Messages of one page of history: few, so that there are several.
const PAGE: usize = 7;

impl Driver<'_> {
    /// Every device, every new device, every legacy socket and REST agree with the reference.
    pub(super) async fn finish(&mut self) -> Checked {
        for user in 0..self.people.len() {
            self.legacy_disconnect(user).await?;
            for place in (0..DEVICES).map(|device| Place { user, device }) {
                // First what has come live, then what comes to one who returns.
                if self.device(place).is_connected() {
                    self.check_device(place).await?;
                    self.device(place).disconnect();
                }
                self.connect(place, &Since::Saved, &[], None).await?;
            }
            self.check_new_device(user).await?;
            self.check_conversations(user).await?;
            self.check_chat_list(user).await?;
            for chat in self.model.overviews(self.id(user)) {
                self.check_history(user, chat.partner).await?;
            }
        }
        Ok(())
    }

    /// A device that has nothing gets everything.
    async fn check_new_device(&mut self, user: usize) -> Checked {
        let (id, addr) = (self.id(user), self.addr());
        let token = &self.people[user].client.tokens.access_token;
        let mut device = Device::new(id, "new");
        let start = Start::At(0);
        device.connect((addr, token, &self.epoch), &start, false).await?;
        let replay = device.come_live(&self.epoch, &start, None).await?;
        check_replay(&replay, &self.model.list(id, 0), "a new device")
    }

    /// In pages of two.
    async fn check_conversations(&self, user: usize) -> Checked {
        let expected = self.model.overviews(self.id(user));
        let mut all: Vec<Value> = Vec::new();
        loop {
            let before = all.last().map(|last| format!("&before={}", last["seq"])).unwrap_or_default();
            let path = format!("/chat/conversations?limit=2{before}");
            let page = body(&self.people[user].client.http.get(&path).await.ok())?;
            let page = page.as_array().cloned().unwrap_or_default();
            if page.is_empty() {
                break;
            }
            all.extend(page);
            prop_assert!(all.len() <= expected.len(), "too many: {:?}, expected {:?}", all, expected);
        }
        prop_assert_eq!(all.len(), expected.len(), "{:?}, expected {:?}", all, expected);
        expected.iter().zip(&all).try_for_each(|(expected, shown)| check_overview(expected, shown))
    }

    /// The newest message of each chat that has one.
    async fn check_chat_list(&self, user: usize) -> Checked {
        let list = body(&self.people[user].client.http.get("/chat/chat_list").await.ok())?;
        let shown: Vec<(Option<i64>, Option<&str>)> = list
            .as_array()
            .into_iter()
            .flatten()
            .map(|chat| (chat["partner"]["id"].as_i64(), chat["message"]["timestamp"].as_str()))
            .collect();
        let overviews = self.model.overviews(self.id(user));
        let mut chats: Vec<(i64, &Message)> =
            overviews.iter().filter_map(|chat| Some((chat.partner, chat.last_message.as_ref()?))).collect();
        chats.sort_by_key(|(_, message)| std::cmp::Reverse(message.id));
        let expected: Vec<(Option<i64>, Option<&str>)> =
            chats.iter().map(|(partner, message)| (Some(*partner), Some(message.timestamp.as_str()))).collect();
        prop_assert_eq!(shown, expected, "the chat list of user {}", self.id(user));
        Ok(())
    }

    /// In small pages, by either way of paging.
    async fn check_history(&self, user: usize, partner: i64) -> Checked {
        let expected = self.model.history(self.id(user), partner);
        let mut all: Vec<Message> = Vec::new();
        for page in 0.. {
            let before = match all.last() {
                None => String::new(),
                Some(last) if page % 2 == 1 => format!("&before_id={}", last.id),
                Some(last) => format!("&before={}", last.timestamp),
            };
            let path = format!("/chat/all_messages?partnerID={partner}&limit={PAGE}{before}");
            let page = messages(&body(&self.people[user].client.http.get(&path).await.ok())?)?;
            let full = page.len() == PAGE;
            all.extend(page);
            if !full || all.len() > expected.len() {
                break;
            }
        }
        prop_assert_eq!(all, expected, "history of user {} with {}", self.id(user), partner);
        Ok(())
    }
}

fn check_overview(expected: &Overview, shown: &Value) -> Checked {
    let position = |key: &str| shown[key].as_i64().unwrap_or(0);
    let last = Some(&shown["last_message"]).filter(|message| !message.is_null());
    let last = last.map(|message| messages(&Value::Array(vec![message.clone()]))).transpose()?;
    let same = shown["partner"]["id"] == expected.partner
        && shown["conversation_id"] == expected.conversation_id
        && shown["seq"] == expected.seq
        && shown["unread"] == expected.unread
        && shown["blocked"] == expected.blocked
        && last.and_then(|mut message| message.pop()) == expected.last_message
        && position("read_up_to_id") == expected.read
        && expected.partner_read.contains(&position("partner_read_up_to_id"))
        && expected.partner_delivered.contains(&position("partner_delivered_up_to_id"));
    prop_assert!(same, "expected {:?}, got {}", expected, shown);
    Ok(())
}
