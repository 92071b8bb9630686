//! Makes messages: encrypts them for both sides and names them.

use anyhow::Context as _;

use crate::keys::{KeyPair, PartnerKey};
use crate::wire::User;
use fluent_client::franking::{Provable, provable};
use fluent_client::{Draft, Message};

/// The only type of message that is understood.
const TEXT: &str = "text";

/// Encrypts a text for a receiver and for oneself.
pub(crate) fn seal(text: &str, keys: &KeyPair, receiver: &User) -> anyhow::Result<Draft> {
    let key = PartnerKey::parse(&receiver.public_key)?;
    Ok(Draft {
        client_id: client_id(),
        to: receiver.id,
        receiver_encrypted: key.encrypt(text).context("cannot encrypt for your partner")?,
        sender_encrypted: keys.encrypt(text).context("cannot encrypt for yourself")?,
        kind: TEXT.to_owned(),
        receiver_key_id: receiver.key_id.clone(),
        franking_tag: None,
        attachment_ids: Vec::new(),
    })
}

/// The same text for the receiver's present key. Other bytes, so another message: its `client_id` is new.
pub(crate) fn seal_anew(draft: &Draft, keys: &KeyPair, receiver: &User) -> anyhow::Result<Draft> {
    let text = keys.decrypt(&draft.sender_encrypted).context("cannot read the own copy")?;
    seal(&text, keys, receiver)
}

/// What a message says.
pub(crate) fn open(message: &Message, keys: &KeyPair) -> String {
    if message.kind != TEXT {
        return "[not a text]".to_owned();
    }
    let Ok(text) = keys.decrypt(&message.content) else { return "[cannot be decrypted with your key]".to_owned() };
    // A text has no room for the key that its tag would need: whoever sends one with a tag hides what it says from
    // operators.
    let is_of_partner = message.report_token.is_some();
    if is_of_partner && provable(message, None, &text) == Provable::Nothing {
        return format!("{text} [cannot be reported]");
    }
    text
}

/// A UUID of version 7 (RFC 9562 §5.7): ordered by time, which is kind to the server's index.
fn client_id() -> String {
    #[expect(clippy::disallowed_methods, reason = "a client has its own clock; the server's is for the server")]
    let milliseconds = jiff::Timestamp::now().as_millisecond().unsigned_abs();
    uuid(milliseconds, rand::random())
}

fn uuid(milliseconds: u64, random: u128) -> String {
    let time = u128::from(milliseconds & 0xffff_ffff_ffff) << 80;
    let version_and_variant = 0x7000_8000_0000_0000_0000;
    let bits = time | version_and_variant | (random & 0x0fff_3fff_ffff_ffff_ffff);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_ids_are_uuids_in_the_order_of_time() {
        assert_eq!(uuid(0x0001_0203_0405, u128::MAX), "00010203-0405-7fff-bfff-ffffffffffff");
        assert_eq!(uuid(0x0001_0203_0405, 0), "00010203-0405-7000-8000-000000000000");
        let (first, second) = (client_id(), client_id());
        assert_ne!(first, second);
        assert!(first[..13] <= second[..13]);
    }

    #[test]
    fn sealing_anew_changes_all_but_the_text() {
        let dir = tempfile::tempdir().unwrap();
        let [me, old, new] = ["me", "old", "new"].map(|name| KeyPair::load_or_create(dir.path(), name).unwrap());
        let user = |keys: &KeyPair, key_id: &str| User {
            id: 2,
            name: "bob".to_owned(),
            public_key: keys.public_key().to_owned(),
            key_id: Some(key_id.to_owned()),
        };
        let draft = seal("hello", &me, &user(&old, "k1")).unwrap();
        assert_eq!(old.decrypt(&draft.receiver_encrypted).unwrap(), "hello");
        let again = seal_anew(&draft, &me, &user(&new, "k2")).unwrap();
        assert_eq!(new.decrypt(&again.receiver_encrypted).unwrap(), "hello");
        assert_eq!(me.decrypt(&again.sender_encrypted).unwrap(), "hello");
        assert_ne!(again.client_id, draft.client_id);
        assert_eq!((again.to, again.receiver_key_id.as_deref()), (2, Some("k2")));
        let no_key = User { public_key: String::new(), ..user(&new, "k3") };
        assert!(seal("hello", &me, &no_key).is_err());
    }
}
