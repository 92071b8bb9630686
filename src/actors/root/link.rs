//! The link to other servers, and who hears what comes by it.

use std::sync::Arc;

use super::ActorSystemError;
use crate::actors::relay::link::{Ear, Heard, Link, WordKind};
use crate::actors::relay::messages::{RelayHandle, RelayMsg};
use crate::actors::who::messages::{WhoHandle, WhoMsg};
use crate::actors::who::peers::Place;
use crate::config::Config;
use crate::storage::Storage;

/// Opens the link to other servers, if one is configured.
pub(super) async fn open_link(
    config: &Config,
    storage: &Arc<Storage>,
    relay: &RelayHandle,
    who: &WhoHandle,
) -> Result<Option<Link>, ActorSystemError> {
    let Some(history) = storage.known_history() else { return Ok(None) };
    let (relay, who) = (relay.clone(), who.clone());
    let ear: Ear = Arc::new(move |epoch, heard| {
        match heard {
            Heard::Word { kind: WordKind::Who, bytes, place: permit } => {
                return who.0.cast(WhoMsg::Heard { place: Place::All, bytes, permit });
            }
            Heard::Word { kind: WordKind::To(_), bytes, place: permit } => {
                return who.0.cast(WhoMsg::Heard { place: Place::Alone, bytes, permit });
            }
            Heard::Up => who.0.cast(WhoMsg::Up),
            Heard::Down | Heard::Missed | Heard::Word { .. } => {}
        }
        relay.0.cast(RelayMsg::Heard { epoch: epoch.clone(), heard });
    });
    Ok(Link::open(&config.cluster, storage.clone(), history.epoch, ear).await?)
}
