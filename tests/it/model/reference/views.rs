//! The views of REST and of legacy sockets.

use std::ops::RangeInclusive;

use fluent_backend::testing::MessageFrame;

use super::{Position, Record, Reference};
use crate::model::event::Message;

/// A conversation in the list of conversations. Positions of 0 are null on the wire.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::model) struct Overview {
    pub(in crate::model) partner: i64,
    pub(in crate::model) conversation_id: i64,
    pub(in crate::model) seq: i64,
    pub(in crate::model) last_message: Option<Message>,
    pub(in crate::model) unread: i64,
    pub(in crate::model) read: i64,
    /// More than one number when the partner has read while one had blocked the other.
    pub(in crate::model) partner_read: RangeInclusive<i64>,
    pub(in crate::model) partner_delivered: RangeInclusive<i64>,
    pub(in crate::model) blocked: bool,
}

impl Reference {
    /// The messages of two users that `user` still has, newest first.
    pub(in crate::model) fn history(&self, user: i64, partner: i64) -> Vec<Message> {
        let conversation = self.conversation(user, partner);
        let theirs = self.messages.values().rev().filter(|record| !record.gone_for(user));
        theirs.filter_map(|record| record.seen_by(user)).filter(|m| Some(m.conversation_id) == conversation).collect()
    }

    /// The user's conversations, the one with the newest message first.
    pub(in crate::model) fn overviews(&self, user: i64) -> Vec<Overview> {
        let mut partners: Vec<i64> = Vec::new();
        let mut overviews = Vec::new();
        for message in self.messages.values().rev().filter_map(|record| record.seen_by(user)) {
            let partner = if message.sender_id == user { message.receiver_id } else { message.sender_id };
            if !partners.contains(&partner) {
                partners.push(partner);
                overviews.push(self.overview(user, partner, &message));
            }
        }
        overviews
    }

    fn overview(&self, user: i64, partner: i64, newest: &Message) -> Overview {
        let position = |a, b| self.positions.get(&(a, b)).cloned().unwrap_or_default();
        let (own, theirs): (Position, Position) = (position(user, partner), position(partner, user));
        let history = self.history(user, partner);
        let unread = |m: &&Message| user != partner && m.sender_id == partner && m.id > own.read;
        Overview {
            partner,
            conversation_id: newest.conversation_id,
            seq: newest.seq,
            unread: i64::try_from(history.iter().filter(unread).count()).expect("few messages"),
            last_message: history.into_iter().next(),
            read: own.read,
            partner_read: theirs.read_told..=theirs.read,
            partner_delivered: theirs.delivered_told..=theirs.delivered_most,
            blocked: self.blocks(user, partner),
        }
    }

    /// What a legacy socket of the user gets that is open since the message `after` was the newest.
    pub(in crate::model) fn legacy_frames(&self, user: i64, after: i64) -> Vec<MessageFrame> {
        let small = |id: i64| i32::try_from(id).expect("a small id");
        let since = self.messages.range(after + 1..).map(|(_, record)| record);
        let theirs = since.filter_map(|record| record.seen_by(user)).filter(|m| m.message_type == "text");
        theirs
            .map(|m| MessageFrame {
                sender_id: small(m.sender_id),
                receiver_id: small(m.receiver_id),
                content: m.content,
                message_type: m.message_type,
                timestamp: m.timestamp,
            })
            .collect()
    }

    /// The ids of all messages, those that are gone included.
    pub(in crate::model) fn ids(&self) -> Vec<i64> {
        self.messages.keys().copied().collect()
    }

    /// The newest message; 0 when there is none.
    pub(in crate::model) fn newest(&self) -> i64 {
        self.messages.keys().next_back().copied().unwrap_or(0)
    }

    /// What was sent with a `client_id`, by whom.
    pub(in crate::model) fn drafts(&self) -> Vec<(i64, super::Draft)> {
        let named = |record: &&Record| record.draft.client_id.is_some();
        self.messages.values().filter(named).map(|record| (record.message.sender_id, record.draft.clone())).collect()
    }
}
