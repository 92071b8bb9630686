//! Words as bytes.

use prost::Message as _;

use super::{Here, Said, UserSockets, VERSION, Word, wire};
use crate::domain::Timestamp;

/// Returns the bytes of a word.
#[must_use]
pub fn encode(word: &Word) -> Vec<u8> {
    let said = match &word.said {
        Said::Here(it) => wire::Said::Here(here(it)),
        Said::Changed(it) => wire::Said::Changed(wire::Changed { number: it.number, users: users(&it.users) }),
        Said::Asked => wire::Said::Asked(wire::Asked {}),
        Said::Page(it) => wire::Said::Page(wire::Page {
            number: it.number,
            index: it.index,
            is_last: it.is_last,
            users: users(&it.users),
        }),
        Said::Typing(it) => wire::Said::Typing(wire::Typing {
            from: it.from.0,
            to: it.to.0,
            conversation: it.conversation.0,
            active: it.active,
        }),
    };
    let wire = wire::Word { boot: word.boot, n: word.n, at: word.at.as_micros(), said: Some(said) };
    let mut bytes = Vec::with_capacity(1 + wire.encoded_len());
    bytes.push(VERSION);
    wire.encode_raw(&mut bytes);
    bytes
}

fn here(here: &Here) -> wire::Here {
    wire::Here {
        label: here.label.clone(),
        version: here.version.clone(),
        level: here.level,
        told: here.told,
        sockets: here.sockets,
        store_ok: here.store_ok,
        leaving_until: here.leaving_until.map(Timestamp::as_micros),
        hold_p99_us: here.hold_p99_us,
        changes: here.changes,
        is_new: here.is_new,
    }
}

fn users(users: &[UserSockets]) -> Vec<wire::UserSockets> {
    let user = |it: &UserSockets| wire::UserSockets {
        user: it.user.0,
        stamps: it.sockets.iter().map(|(stamp, _)| stamp.0).collect(),
        marks: it.sockets.iter().map(|(_, mark)| mark.0).collect(),
    };
    users.iter().map(user).collect()
}
