use fluent_backend::domain::{
    Answer, Attachment, Ciphertext, ClientId, Command, Draft, EventBody, MediaId, MediaState, Message, MessageId, Once,
    Outcome, Proof, Refusal, Scope, UserId, Viewer,
};
use fluent_backend::storage::{Before, Kept, Marked, MediaDeletion};

use super::{AMPLE, HOUR, World, at, id, upload};

/// A message from one user to another that names these files.
pub(super) fn naming(from: i32, to: i32, files: &[MediaId]) -> Draft {
    let copy = |text: &str| Ciphertext::parse(text.to_owned(), 100).unwrap();
    let attachment_ids = files.iter().map(ToString::to_string).collect();
    Draft { attachment_ids, ..Draft::text(UserId(from), Some(UserId(to)), copy("mine"), copy("theirs")) }
}

fn named(draft: Draft, client_id: &str) -> Draft {
    let once = Once { client_id: ClientId::parse(client_id).unwrap(), content_hash: [1; 32] };
    Draft { once: Some(once), ..draft }
}

/// The message of an outcome, which must have stored one.
fn stored(outcome: &Outcome) -> Message {
    match &outcome.events[0].1.body {
        EventBody::Message(message) => message.clone(),
        other => panic!("{other:?}"),
    }
}

impl World {
    pub(super) async fn carry_out(&self, commands: Vec<Command>, now: i64) -> Vec<Outcome> {
        Box::pin(self.storage.apply(commands, at(now))).await.unwrap().outcomes
    }

    async fn one(&self, command: Command, now: i64) -> Outcome {
        self.carry_out(vec![command], now).await.remove(0)
    }

    async fn send(&self, draft: Draft, now: i64) -> Message {
        stored(&self.one(Command::Send(Box::new(draft)), now).await)
    }

    async fn refused(&self, draft: Draft, now: i64) -> Refusal {
        self.one(Command::Send(Box::new(draft)), now).await.answer.unwrap_err()
    }

    async fn delete(&self, user: i32, message: MessageId, scope: Scope) {
        let outcome = self.one(Command::Delete { user: UserId(user), id: message, scope }, 60).await;
        assert!(matches!(outcome.answer, Ok(Answer::Deleted { .. })), "{outcome:?}");
    }

    pub(super) async fn delete_account(&self, user: i32, now: i64) {
        let delete = Command::DeleteAccount { user: UserId(user), proof: Proof::of(String::new()), until: at(now) };
        assert_eq!(self.one(delete, now).await.answer, Ok(Answer::Done));
    }

    /// The state of a file; `None` when it is not there.
    pub(super) async fn state(&self, file: MediaId) -> Option<MediaState> {
        let all = self.storage.all_media(None, 1_000).await.unwrap();
        all.iter().find(|media| media.id == file).map(|media| media.state)
    }

    /// Who of the three users may read a file.
    async fn readers(&self, file: MediaId, now: i64) -> Vec<i32> {
        let mut readers = Vec::new();
        for user in 1..=3 {
            if self.storage.readable_media(UserId(user), file, at(now)).await.unwrap().is_some() {
                readers.push(user);
            }
        }
        readers
    }
}

#[tokio::test]
async fn a_message_shows_its_files_by_every_way_in_the_order_of_the_sender() {
    let world = World::new().await;
    let files = [world.complete(2, 20).await, world.complete(1, 10).await];
    let message = world.send(naming(1, 2, &files), 0).await;
    let shown = [Attachment { id: files[0], size: 20 }, Attachment { id: files[1], size: 10 }];
    assert_eq!(message.attachments, shown);
    for (user, partner) in [(1, 2), (2, 1)] {
        let viewer = Viewer { user: UserId(user) };
        let page = world.storage.history(viewer, UserId(partner), Before::Newest, 10, at(0)).await.unwrap();
        assert_eq!((page.len(), &page[0].attachments[..]), (1, &shown[..]));
        let chats = world.storage.chat_list(viewer, at(0)).await.unwrap();
        assert_eq!(chats[0].newest.attachments, shown);
    }
    assert_eq!(world.state(files[0]).await, Some(MediaState::Attached));
    assert_eq!(world.readers(files[0], 24 * HOUR).await, [1, 2], "it does not expire any more");
    assert!(world.send(naming(1, 2, &[]), 0).await.attachments.is_empty());
}

#[tokio::test]
async fn only_a_whole_file_of_the_sender_can_be_named_and_else_nothing_is_stored() {
    let world = World::new().await;
    let storage = &world.storage;
    let whole = world.complete(1, 10).await;
    let open = world.created(2, 10).await.id;
    let half = world.created(3, 10).await.id;
    assert_eq!(storage.mark_offset(half, 5, None, None, Kept::Soon, at(0)).await.unwrap(), Marked::Done);
    let theirs = world.declared(&upload(2, 4, 10), AMPLE).await.id;
    assert!(storage.complete_upload(theirs, None, at(24 * HOUR), at(0)).await.unwrap());
    let gone = world.complete(5, 10).await;
    assert_eq!(storage.delete_media(UserId(1), gone, at(0)).await.unwrap(), MediaDeletion::Done);
    let lost = world.complete(6, 10).await;
    assert!(storage.lose_media(lost, at(0)).await.unwrap());
    for bad in [open, half, theirs, gone, lost, id(9)] {
        let refusal = world.refused(naming(1, 2, &[whole, bad, id(8)]), 0).await;
        assert_eq!(refusal, Refusal::NoAttachment { id: bad.to_string() });
    }
    let refusal = world.refused(naming(1, 2, &[whole]), 24 * HOUR).await;
    assert_eq!(refusal, Refusal::NoAttachment { id: whole.to_string() }, "its time is over");
    let odd = Draft { attachment_ids: vec!["no id".to_owned()], ..naming(1, 2, &[]) };
    assert_eq!(world.refused(odd, 0).await, Refusal::NoAttachment { id: "no id".to_owned() });
    assert_eq!(world.state(whole).await, Some(MediaState::Complete), "nothing was kept by what was refused");
    let page = storage.history(Viewer { user: UserId(2) }, UserId(1), Before::Newest, 10, at(0)).await.unwrap();
    assert!(page.is_empty());
    // The file is looked for before the receiver, and after the client id.
    let nobody = Draft { conversation: None, ..naming(1, 2, &[open]) };
    assert_eq!(world.refused(nobody, 0).await, Refusal::NoAttachment { id: open.to_string() });
}

#[tokio::test]
async fn a_retry_is_answered_also_when_its_files_are_gone() {
    let world = World::new().await;
    let file = world.complete(1, 10).await;
    let send = || Command::Send(Box::new(named(naming(1, 2, &[file]), "k")));
    // Twice in one batch, then again, then when the message and the file are gone.
    let both = world.carry_out(vec![send(), send()], 0).await;
    let message = stored(&both[0]);
    world.delete(1, message.id, Scope::Everyone).await;
    assert_eq!(world.state(file).await, Some(MediaState::Deleting));
    for outcome in [&both[1], &world.one(send(), 60).await] {
        let Ok(Answer::Stored(again)) = &outcome.answer else { panic!("{outcome:?}") };
        assert_eq!((again.id, again.duplicate, outcome.events.len()), (message.id, true, 0));
    }
    let new = named(naming(1, 2, &[file]), "other");
    assert_eq!(world.refused(new, 60).await, Refusal::NoAttachment { id: file.to_string() });
}

#[tokio::test]
async fn a_file_lives_until_the_last_message_that_names_it_is_gone_for_both() {
    let world = World::new().await;
    let [shared, other] = [world.complete(1, 10).await, world.complete(2, 10).await];
    let first = world.send(naming(1, 2, &[shared, other]), 0).await;
    let second = world.send(naming(1, 3, &[shared]), 0).await;
    assert_eq!(world.readers(shared, 1).await, [1, 2, 3]);
    world.delete(2, first.id, Scope::Me).await;
    assert_eq!(world.readers(shared, 61).await, [1, 3], "who has deleted it for themselves cannot read it");
    assert_eq!(world.readers(other, 61).await, [1]);
    world.delete(1, first.id, Scope::Me).await;
    assert_eq!(world.state(other).await, Some(MediaState::Deleting), "both sides have deleted it, each for itself");
    assert_eq!(world.state(shared).await, Some(MediaState::Attached));
    assert_eq!(world.storage.delete_media(UserId(1), shared, at(61)).await.unwrap(), MediaDeletion::Attached);
    world.delete(1, second.id, Scope::Everyone).await;
    assert_eq!(world.state(shared).await, Some(MediaState::Deleting));
    assert_eq!(world.readers(shared, 61).await, [0; 0]);
    world.storage.forget_media(&[shared, other]).await.unwrap();
    assert_eq!(world.state(shared).await, None);
}

#[tokio::test]
async fn expiry_and_retention_release_files() {
    let world = World::new().await;
    let [brief, old] = [world.complete(1, 10).await, world.complete(2, 10).await];
    let expiring = Draft { expires_in_s: Some(60), ..naming(1, 2, &[brief]) };
    world.send(expiring, 0).await;
    world.send(naming(1, 2, &[old]), 1).await;
    assert_eq!(world.readers(brief, 59).await, [1, 2]);
    assert_eq!(world.readers(brief, 61).await, [0; 0], "nobody is shown the message any more");
    assert_eq!(world.state(brief).await, Some(MediaState::Attached));
    let expired = world.storage.expired(at(61)).await.unwrap();
    world.carry_out(expired.into_iter().map(Command::Expire).collect(), 61).await;
    assert_eq!(world.state(brief).await, Some(MediaState::Deleting));
    world.one(Command::Retain(at(2)), 62).await;
    assert_eq!(world.readers(old, 62).await, [0; 0]);
    let mut swept = MessageId(0);
    while world.storage.sweep(&mut swept).await.unwrap().has_more {}
    assert_eq!(world.state(old).await, Some(MediaState::Deleting));
}

#[tokio::test]
async fn with_an_account_all_its_files_go_and_those_that_only_its_messages_name() {
    let world = World::new().await;
    let [sent, kept, loose] = [world.complete(1, 10).await, world.complete(2, 10).await, world.complete(3, 10).await];
    let open = world.created(4, 10).await.id;
    let to_one = world.declared(&upload(2, 5, 10), AMPLE).await.id;
    let to_both = world.declared(&upload(2, 6, 10), AMPLE).await.id;
    for file in [to_one, to_both] {
        assert!(world.storage.complete_upload(file, None, at(24 * HOUR), at(0)).await.unwrap());
    }
    world.send(naming(1, 2, &[sent]), 0).await;
    world.send(naming(1, 3, &[kept]), 0).await;
    world.send(naming(2, 1, &[to_one, to_both]), 0).await;
    world.send(naming(2, 3, &[to_both]), 0).await;
    world.delete_account(1, 60).await;
    for file in [sent, kept, loose, open] {
        assert_eq!(world.state(file).await, Some(MediaState::Deleting));
        assert_eq!(world.readers(file, 60).await, [0; 0]);
    }
    assert_eq!(world.readers(to_one, 60).await, [0; 0], "the conversation is gone at once, for both");
    while world.storage.wipe_accounts().await.unwrap().has_more {}
    assert_eq!(world.state(to_one).await, Some(MediaState::Deleting));
    assert_eq!(world.readers(to_both, 60).await, [2, 3]);
    let all = world.storage.all_media(None, 100).await.unwrap();
    assert!(all.iter().all(|media| media.owner != Some(UserId(1))), "no row names the account");
}
