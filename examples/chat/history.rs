//! What the server keeps, by REST: for a device that cannot resume, and for the person who looks further back.

use fluent_client::{Message, ReceiptKind, ServerFrame};

use crate::api::Api;
use crate::book::receipt;
use crate::http::CallError;

/// Messages of each conversation that a device begins with, and of a look further back.
pub(crate) const PAGE: u32 = 20;

/// The newest page of each conversation, and how far the partners are, as if they had come as events.
pub(crate) async fn newest(api: &Api, me: i64) -> Result<Vec<ServerFrame>, CallError> {
    let mut events = Vec::new();
    let mut before = None;
    loop {
        let conversations = api.conversations(before).await?;
        let Some(last) = conversations.last() else { return Ok(events) };
        before = Some(last.seq);
        for conversation in conversations {
            let partner = conversation.partner.id;
            let messages: Vec<Message> = api.messages(partner, None, PAGE).await?;
            events.extend(messages.into_iter().rev().map(ServerFrame::Message));
            let positions = [
                (ReceiptKind::Delivered, conversation.partner_delivered_up_to_id),
                (ReceiptKind::Read, conversation.partner_read_up_to_id),
            ];
            events.extend(positions.into_iter().filter_map(|(kind, up_to)| Some(receipt(kind, partner, me, up_to?))));
        }
    }
}

/// The page before the message with this id, oldest first.
pub(crate) async fn older(api: &Api, partner: i64, before: Option<i64>) -> Result<Vec<Message>, CallError> {
    let before = before.map(|id| id.to_string());
    let before = before.as_deref().map(|id| ("before_id", id));
    let mut page: Vec<Message> = api.messages(partner, before, PAGE).await?;
    page.reverse();
    Ok(page)
}
