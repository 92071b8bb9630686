//! What people do in a batch.

use fluent_backend::domain::{
    Answer, Ciphertext, ClientId, Command, DirectKey, Draft, MessageId, Once, Scope, Seq, Timestamp, UserId,
};
use fluent_backend::storage::Storage;

/// Pairs of users who write to each other.
pub(super) const PAIRS: usize = 100;

/// An event behind all others.
const FAR: Seq = Seq(1 << 40);

/// Two who have written to each other.
pub(super) struct Chat {
    a: UserId,
    b: UserId,
    /// The first message, by `a`, and by what it is recognised.
    first: MessageId,
    once: Once,
    /// A message by `a` that expires after a second.
    passing: MessageId,
    /// The newest event: a message by `a`.
    newest: MessageId,
}

fn copy() -> Ciphertext {
    Ciphertext::parse("x".repeat(344), usize::MAX).unwrap()
}

fn draft(from: UserId, to: UserId) -> Draft {
    Draft::text(from, Some(to), copy(), copy())
}

/// A message as a phone sends it.
fn named(from: UserId, to: UserId, name: &str) -> Draft {
    let client_id = ClientId::parse(&format!("{name}-{}-{}", from.0, to.0)).unwrap();
    Draft { once: Some(Once { client_id, content_hash: [7; 32] }), ..draft(from, to) }
}

fn send(draft: Draft) -> Command {
    Command::Send(Box::new(draft))
}

/// A message as the shipped app sends it.
pub(super) fn plain(from: UserId, to: UserId) -> Command {
    send(draft(from, to))
}

/// Lets `people` write to each other in pairs.
pub(super) async fn made(storage: &Storage, people: &[UserId], now: Timestamp) -> Vec<Chat> {
    let commands = people.as_chunks::<2>().0.iter().flat_map(|&[a, b]| {
        let passing = Draft { expires_in_s: Some(1), ..draft(a, b) };
        [named(a, b, "first"), draft(b, a), passing, draft(a, b)].map(send)
    });
    let outcomes = storage.apply(commands.collect(), now).await.unwrap().outcomes;
    let ids: Vec<MessageId> = outcomes
        .into_iter()
        .map(|outcome| match outcome.answer {
            Ok(Answer::Stored(stored)) => stored.id,
            other => panic!("{other:?}"),
        })
        .collect();
    let made = people.as_chunks::<2>().0.iter().zip(ids.as_chunks::<4>().0);
    made.map(|(&[a, b], &[first, _, passing, newest])| Chat {
        a,
        b,
        first,
        once: named(a, b, "first").once.unwrap(),
        passing,
        newest,
    })
    .collect()
}

impl Chat {
    fn conversation(&self) -> DirectKey {
        DirectKey::new(self.a, self.b)
    }

    /// One writes, the other has read what was there; what the other has written has arrived. In the first chats a
    /// message is deleted.
    pub(super) fn day(&self, number: usize, deletions: usize) -> Vec<Command> {
        let scope = if number.is_multiple_of(2) { Scope::Everyone } else { Scope::Me };
        let mut commands = vec![
            send(named(self.a, self.b, "daily")),
            Command::Read { user: self.b, conversation: self.conversation(), up_to: self.newest },
            Command::Delivered { user: self.a, up_to: FAR },
        ];
        if number < deletions {
            commands.push(Command::Delete { user: self.a, id: self.first, scope });
        }
        commands
    }

    /// What expires, and a deletion of what is not there.
    pub(super) fn gone(&self) -> [Command; 2] {
        let delete = Command::Delete { user: self.b, id: MessageId(FAR.0), scope: Scope::Me };
        [Command::Expire(self.passing), delete]
    }

    /// What happens now and then. `stranger` has never written to anybody; `known` is a chat that the store knows.
    pub(super) fn seldom(&self, stranger: UserId, known: Option<&Self>) -> Vec<Command> {
        let Self { a, b, .. } = *self;
        let reply = Draft { reply_to: Some(self.newest), ..named(a, b, "reply") };
        let again = Draft { once: Some(self.once.clone()), ..draft(a, b) };
        let nobody = UserId(i32::MAX);
        let mut commands = vec![
            send(reply),
            send(again),
            send(named(stranger, a, "new")),
            send(named(b, a, "twice")),
            send(named(b, a, "twice")),
            send(named(b, nobody, "nobody")),
            Command::Read { user: a, conversation: DirectKey::new(a, nobody), up_to: self.newest },
            Command::Delivered { user: stranger, up_to: FAR },
        ];
        if let Some(known) = known {
            commands.push(send(Draft { once: Some(known.once.clone()), ..draft(known.a, known.b) }));
            commands.push(send(named(known.a, known.b, "daily")));
            // In the middle of what is unread.
            let (user, conversation) = (known.b, known.conversation());
            commands.push(Command::Read { user, conversation, up_to: MessageId(known.newest.0 + 1) });
        }
        commands
    }
}
