//! The rows that a plain batch inserts and changes, column by column, as they are sent.

use std::collections::BTreeMap;

use sqlx::Arguments as _;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;

use crate::domain::{ConversationId, EventBody, FrankingTag, Message, MessageId, Timestamp, Urgency, UserId};
use crate::storage::commands::plain::{Plain, PlainMessage};
use crate::storage::commands::receipts::moves::Moved;
use crate::storage::commands::sends::debts::Owing;

/// What changes in the row of a member.
#[derive(Default)]
struct MemberChange<'a> {
    moved: Option<&'a Moved>,
    /// Messages that the member has not read.
    unread: i64,
    newest_inbound: i64,
}

impl Plain {
    /// Returns the new messages, each with what is stored beside it.
    fn stored(&self) -> impl Iterator<Item = (&Message, &PlainMessage)> {
        self.messages.iter().filter_map(|stored| match &stored.event.body {
            EventBody::Message(message) => Some((message, stored)),
            _ => None,
        })
    }

    fn messages(&self) -> impl Iterator<Item = &Message> {
        self.stored().map(|(message, _)| message)
    }

    /// Returns the new messages, each with how urgent it is.
    pub(in crate::storage::commands) fn urgencies(&self) -> Vec<(&Message, Urgency)> {
        self.stored().map(|(message, stored)| (message, stored.urgency)).collect()
    }

    /// Returns whether a message has a client id, by which it may be stored already.
    pub(super) fn has_client_ids(&self) -> bool {
        self.messages().any(|message| message.client_id.is_some())
    }

    /// Adds the columns of `messages` and of `bodies`: 13 arrays.
    pub(super) fn add_messages(&self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        let all = || self.messages();
        let bytes = |text: fn(&Message) -> &str| all().map(|message| text(message).as_bytes()).collect::<Vec<&[u8]>>();
        arguments.add(all().map(|m| m.id.0).collect::<Vec<i64>>())?;
        arguments.add(all().map(|m| m.conversation_id.0).collect::<Vec<i64>>())?;
        arguments.add(all().map(|m| m.sender.0).collect::<Vec<i32>>())?;
        arguments.add(all().map(|m| m.receiver.0).collect::<Vec<i32>>())?;
        arguments.add(all().map(|m| m.message_type.as_str()).collect::<Vec<&str>>())?;
        arguments.add(all().map(|m| m.timestamp.as_micros()).collect::<Vec<i64>>())?;
        arguments.add(all().map(|m| m.client_id.as_deref()).collect::<Vec<Option<&str>>>())?;
        arguments.add(
            self.stored()
                .map(|(_, stored)| stored.content_hash.as_ref().map(<[u8; 32]>::as_slice))
                .collect::<Vec<Option<&[u8]>>>(),
        )?;
        arguments.add(all().map(|m| m.reply_to.map(|id| id.0)).collect::<Vec<Option<i64>>>())?;
        arguments.add(all().map(|m| m.expires_at.map(Timestamp::as_micros)).collect::<Vec<Option<i64>>>())?;
        arguments
            .add(all().map(|m| m.franking_tag.as_ref().map(FrankingTag::as_str)).collect::<Vec<Option<&str>>>())?;
        arguments.add(bytes(|message| &message.sender_copy))?;
        arguments.add(bytes(|message| &message.receiver_copy))
    }

    /// Adds the changes of `conversations`: 2 arrays.
    pub(super) fn add_conversations(&self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        // Later messages overwrite earlier ones of the same conversation.
        let newest: BTreeMap<ConversationId, MessageId> =
            self.messages().map(|message| (message.conversation_id, message.id)).collect();
        arguments.add(newest.keys().map(|id| id.0).collect::<Vec<i64>>())?;
        arguments.add(newest.values().map(|id| id.0).collect::<Vec<i64>>())
    }

    /// Adds the changes of `members`: 14 arrays.
    pub(super) fn add_members(&self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        let mut changes: BTreeMap<(UserId, ConversationId), MemberChange<'_>> = BTreeMap::new();
        for (side, moved) in self.moves.iter() {
            changes.entry(side).or_default().moved = Some(moved);
        }
        for message in self.messages().filter(|m| m.sender != m.receiver) {
            let change = changes.entry((message.receiver, message.conversation_id)).or_default();
            change.unread += 1;
            change.newest_inbound = message.id.0;
        }
        arguments.add(changes.keys().map(|(user, _)| user.0).collect::<Vec<i32>>())?;
        arguments.add(changes.keys().map(|(_, conversation)| conversation.0).collect::<Vec<i64>>())?;
        let moved: Vec<[i64; 10]> = changes.values().map(|it| it.moved.map_or([0; 10], Moved::columns)).collect();
        for column in 0..10 {
            arguments.add(moved.iter().filter_map(|row| row.get(column).copied()).collect::<Vec<i64>>())?;
        }
        arguments.add(changes.values().map(|change| change.unread).collect::<Vec<i64>>())?;
        arguments.add(changes.values().map(|change| change.newest_inbound).collect::<Vec<i64>>())
    }
}

/// Adds what the receivers' devices are owed: 5 arrays.
pub(super) fn add_owing(
    arguments: &mut PgArguments,
    owing: &BTreeMap<UserId, (i64, Owing)>,
) -> Result<(), BoxDynError> {
    let each = || owing.values();
    arguments.add(owing.keys().map(|user| user.0).collect::<Vec<i32>>())?;
    arguments.add(each().map(|(seq, _)| *seq).collect::<Vec<i64>>())?;
    arguments.add(each().map(|(_, owing)| owing.urgency).collect::<Vec<i32>>())?;
    arguments.add(each().map(|(_, owing)| owing.live.devices.as_str()).collect::<Vec<&str>>())?;
    arguments.add(each().map(|(_, owing)| owing.live.logins.as_str()).collect::<Vec<&str>>())
}
