//! Makes messages: encrypts them for both sides and names them; and reads them.

use anyhow::Context as _;
use fluent_client::files::{FileEntry, FileMessage, unfranked};
use fluent_client::franking::{FrankingKey, Provable, provable};
use fluent_client::{Draft, Message};
use indicatif::DecimalBytes;

use crate::envelope;
use crate::keys::{KeyPair, PartnerKey, RsaKey as _};
use crate::terminal::printable;
use crate::wire::User;

/// The type of a message that is a text.
const TEXT: &str = "text";
/// Shown for what is encrypted for another key, or damaged.
const UNREADABLE: &str = "[cannot be decrypted with your key]";

/// What a message says.
pub(crate) struct Opened {
    /// For people.
    pub(crate) text: String,
    /// The files that it names.
    pub(crate) files: Vec<FileEntry>,
}

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

/// Encrypts a message that names a file, under a name that it already has. Its receiver can prove what it says.
pub(crate) fn seal_file(file: &FileEntry, client_id: String, keys: &KeyPair, receiver: &User) -> anyhow::Result<Draft> {
    let franking_key = FrankingKey::random().context("no random bytes")?;
    let message = FileMessage { v: 1, text: None, files: vec![file.clone()] };
    let (plaintext, tag) = message.franked(&franking_key);
    let key = PartnerKey::parse(&receiver.public_key)?;
    Ok(Draft {
        client_id,
        to: receiver.id,
        receiver_encrypted: envelope::seal(&plaintext, &key).context("cannot encrypt for your partner")?,
        sender_encrypted: envelope::seal(&plaintext, keys).context("cannot encrypt for yourself")?,
        kind: FileMessage::KIND.to_owned(),
        receiver_key_id: receiver.key_id.clone(),
        franking_tag: Some(tag),
        attachment_ids: vec![file.id.clone()],
    })
}

/// The same message for the receiver's present key. Other bytes, so another message: its `client_id` is new.
pub(crate) fn seal_anew(draft: &Draft, keys: &KeyPair, receiver: &User) -> anyhow::Result<Draft> {
    let plaintext = plaintext(&draft.kind, &draft.sender_encrypted, keys).context("cannot read the own copy")?;
    if draft.kind == TEXT {
        return seal(&plaintext, keys, receiver);
    }
    let key = PartnerKey::parse(&receiver.public_key)?;
    let receiver_encrypted = envelope::seal(&plaintext, &key).context("cannot encrypt for your partner")?;
    let receiver_key_id = receiver.key_id.clone();
    Ok(Draft { client_id: client_id(), receiver_encrypted, receiver_key_id, ..draft.clone() })
}

/// What a message says.
pub(crate) fn open(message: &Message, keys: &KeyPair) -> Opened {
    let is_file = message.kind == FileMessage::KIND;
    if !is_file && message.kind != TEXT {
        return Opened::of("[not a text]");
    }
    let Some(plaintext) = plaintext(&message.kind, &message.content, keys) else { return Opened::of(UNREADABLE) };
    // A text has no room for the key that its tag would need.
    let franked = if is_file { unfranked(&plaintext) } else { None };
    let (key, committed) = franked.map_or((None, plaintext), |(key, committed)| (Some(key), committed));
    let mut opened = if is_file { Opened::files(message, &committed) } else { Opened::of(&committed) };
    // Whoever sends a tag that does not fit hides what the message says from operators.
    let is_of_partner = message.report_token.is_some();
    if is_of_partner && provable(message, key.as_ref(), &committed) == Provable::Nothing {
        opened.text.push_str(" [cannot be reported]");
    }
    opened
}

/// What an own message says that was not sent.
pub(crate) fn said(draft: &Draft, keys: &KeyPair) -> String {
    let plaintext = plaintext(&draft.kind, &draft.sender_encrypted, keys).unwrap_or_default();
    match FileMessage::parse(&plaintext) {
        Some(message) if draft.kind == FileMessage::KIND => names(&message),
        _ => plaintext,
    }
}

fn plaintext(kind: &str, content: &str, keys: &KeyPair) -> Option<String> {
    match kind {
        FileMessage::KIND => envelope::open(content, keys).ok(),
        _ => keys.decrypt(content).ok(),
    }
}

impl Opened {
    fn of(text: &str) -> Self {
        Self { text: text.to_owned(), files: Vec::new() }
    }

    fn files(message: &Message, plaintext: &str) -> Self {
        let Some(said) = FileMessage::parse(plaintext) else { return Self::of("[needs a newer program]") };
        let is_named = said.files.iter().map(|file| &file.id).eq(message.attachments.iter().map(|file| &file.id));
        if !is_named {
            return Self::of("[names other files than the server]");
        }
        let text = format!("{} /save {} saves it", names(&said), message.id);
        Self { text, files: said.files }
    }
}

/// The caption, and the files with their sizes.
fn names(message: &FileMessage) -> String {
    let caption = message.text.iter().cloned();
    let files = message.files.iter().map(|file| {
        // On one line: a name is no second message.
        let name = printable(&file.file_name).replace(['\n', '\t'], " ");
        format!("[{name}, {}]", DecimalBytes(file.size))
    });
    caption.chain(files).collect::<Vec<_>>().join(" ")
}

/// A UUID of version 7 (RFC 9562 §5.7): ordered by time, which is kind to the server's index.
pub(crate) fn client_id() -> String {
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
    use fluent_client::Attachment;

    use super::*;

    #[test]
    fn client_ids_are_uuids_in_the_order_of_time() {
        assert_eq!(uuid(0x0001_0203_0405, u128::MAX), "00010203-0405-7fff-bfff-ffffffffffff");
        assert_eq!(uuid(0x0001_0203_0405, 0), "00010203-0405-7000-8000-000000000000");
        let (first, second) = (client_id(), client_id());
        assert_ne!(first, second);
        assert!(first[..13] <= second[..13]);
    }

    /// As the receiver gets it.
    fn received(draft: &Draft) -> Message {
        let attachments = draft.attachment_ids.iter().map(|id| Attachment {
            id: id.clone(),
            file_url: format!("/media/{id}"),
            size: Some(9),
        });
        Message {
            seq: 8,
            id: 7,
            conversation_id: 1,
            sender_id: 1,
            receiver_id: 2,
            content: draft.receiver_encrypted.clone(),
            kind: draft.kind.clone(),
            timestamp: "2026-11-22T15:00:00Z".to_owned(),
            client_id: None,
            expires_at: None,
            franking_tag: draft.franking_tag.clone(),
            report_token: Some("t".to_owned()),
            attachments: attachments.collect(),
        }
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
        let file = FileEntry {
            id: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            file_name: "cat\n\u{1b}.jpg".to_owned(),
            file_type: "image/jpeg".to_owned(),
            size: 1_200_000,
            encryption_key: "k".to_owned(),
            sha256: "00".repeat(32),
            thumbnail: None,
        };
        let draft = seal_file(&file, "c".to_owned(), &me, &user(&old, "k1")).unwrap();
        assert!(said(&draft, &me).starts_with("[cat") && !said(&draft, &me).contains(['\n', '\u{1b}']));
        let again = seal_anew(&draft, &me, &user(&new, "k2")).unwrap();
        assert_eq!((&again.attachment_ids, &again.franking_tag), (&draft.attachment_ids, &draft.franking_tag));
        let message = received(&again);
        let opened = open(&message, &new);
        assert!(opened.files == [file] && opened.text.contains("1.20 MB] /save 7"), "{}", opened.text);
        assert_eq!(open(&message, &old).text, UNREADABLE);
        let other_tag = Message { franking_tag: Some("A".repeat(43)), ..message.clone() };
        assert!(open(&other_tag, &new).text.ends_with("[cannot be reported]"));
        let other_files = Message { attachments: Vec::new(), ..message };
        assert!(open(&other_files, &new).files.is_empty());
        let no_key = User { public_key: String::new(), ..user(&new, "k3") };
        assert!(seal("hello", &me, &no_key).is_err());
    }
}
