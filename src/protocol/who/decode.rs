//! Words from bytes.

use prost::Message as _;

use super::{Changed, Here, Mark, Page, Said, Stamp, Typing, UserSockets, VERSION, Word, wire};
use crate::domain::{ConversationId, Timestamp, UserId};

/// The bytes are no word that this version can read.
#[derive(Debug, thiserror::Error)]
pub enum WhoError {
    /// The word is of another version.
    #[error("a word of version {0}, which this server cannot read")]
    Version(u8),
    /// The bytes are no word.
    #[error("a word that cannot be read")]
    Malformed,
}

/// Reads what [`encode`](super::encode) has written; `None` when it is of a kind that this version does not know.
pub fn decode(bytes: &[u8]) -> Result<Option<Word>, WhoError> {
    let (version, body) = bytes.split_first().ok_or(WhoError::Malformed)?;
    if *version != VERSION {
        return Err(WhoError::Version(*version));
    }
    let wire::Word { boot, n, at, said } = wire::Word::decode(body).map_err(|_| WhoError::Malformed)?;
    let Some(said) = said else { return Ok(None) };
    let said = match said {
        wire::Said::Here(it) => Said::Here(here(it)),
        wire::Said::Changed(it) => Said::Changed(Changed { number: it.number, users: users(it.users)? }),
        wire::Said::Asked(_) => Said::Asked,
        wire::Said::Page(it) => {
            Said::Page(Page { number: it.number, index: it.index, is_last: it.is_last, users: users(it.users)? })
        }
        wire::Said::Typing(it) => Said::Typing(Typing {
            from: UserId(it.from),
            to: UserId(it.to),
            conversation: ConversationId(it.conversation),
            active: it.active,
        }),
    };
    Ok(Some(Word { boot, n, at: Timestamp::from_micros(at), said }))
}

fn here(here: wire::Here) -> Here {
    Here {
        label: here.label,
        version: here.version,
        level: here.level,
        told: here.told,
        sockets: here.sockets,
        store_ok: here.store_ok,
        leaving_until: here.leaving_until.map(Timestamp::from_micros),
        hold_p99_us: here.hold_p99_us,
        changes: here.changes,
        is_new: here.is_new,
    }
}

fn users(users: Vec<wire::UserSockets>) -> Result<Vec<UserSockets>, WhoError> {
    let user = |it: wire::UserSockets| {
        if it.stamps.len() != it.marks.len() {
            return Err(WhoError::Malformed);
        }
        let sockets = it.stamps.into_iter().map(Stamp).zip(it.marks.into_iter().map(Mark)).collect();
        Ok(UserSockets { user: UserId(it.user), sockets })
    };
    users.into_iter().map(user).collect()
}
