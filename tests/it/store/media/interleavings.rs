//! Random uploads, messages, deletions, expiries and ends of accounts, against a model: a file is kept exactly as long
//! as something refers to it.
//!
//! `MEDIA_SEED` repeats a run.

use std::collections::{BTreeMap, BTreeSet};

use fluent_backend::domain::{
    Answer, Command, Draft, EventBody, MediaId, MediaState, MessageId, NewUpload, Outcome, Refusal, Scope, UserId,
};
use fluent_backend::storage::{CreatedUpload, MediaDeletion};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::attachments::naming;
use super::{AMPLE, HOUR, World, at, upload};

const STEPS: usize = 400;

/// A file as the model sees it.
struct File {
    owner: i32,
    is_whole: bool,
    /// When it expires; `None` once a message has named it.
    expires: Option<i64>,
}

/// A message as the model sees it.
struct Sent {
    sides: [i32; 2],
    expires: Option<i64>,
    files: BTreeSet<MediaId>,
    /// The sides that have deleted it for themselves.
    deleted_by: BTreeSet<i32>,
}

struct Model {
    random: StdRng,
    now: i64,
    users: Vec<i32>,
    files: BTreeMap<MediaId, File>,
    messages: BTreeMap<MessageId, Sent>,
    made: u8,
}

impl Model {
    fn one_of<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        if items.is_empty() { None } else { Some(items[self.random.random_range(0..items.len())]) }
    }

    fn user(&mut self) -> i32 {
        let users = self.users.clone();
        self.one_of(&users).unwrap()
    }

    fn file(&mut self) -> Option<MediaId> {
        let files: Vec<MediaId> = self.files.keys().copied().collect();
        self.one_of(&files)
    }

    /// Whether a user may name this file now.
    fn is_usable(&self, file: MediaId, user: i32) -> bool {
        let file = self.files.get(&file);
        file.is_some_and(|file| file.owner == user && file.is_whole && file.expires.is_none_or(|at| at > self.now))
    }

    /// Drops what nothing refers to any more; what has expired only when it `is_cleared` away.
    fn settle(&mut self, is_cleared: bool) {
        let is_over = |expires: Option<i64>| is_cleared && expires.is_some_and(|at| at <= self.now);
        self.messages.retain(|_, message| {
            !is_over(message.expires) && !message.sides.iter().all(|side| message.deleted_by.contains(side))
        });
        let named: BTreeSet<MediaId> = self.messages.values().flat_map(|message| message.files.clone()).collect();
        self.files.retain(|id, file| if file.expires.is_some() { !is_over(file.expires) } else { named.contains(id) });
    }

    /// What a user may read now.
    fn readable(&self, user: i32) -> BTreeSet<MediaId> {
        let loose = self
            .files
            .iter()
            .filter(|(_, file)| file.owner == user && file.is_whole && file.expires.is_some_and(|at| at > self.now));
        let shown = self.messages.values().filter(|message| {
            let is_over = message.expires.is_some_and(|at| at <= self.now);
            !is_over && message.sides.contains(&user) && !message.deleted_by.contains(&user)
        });
        loose.map(|(id, _)| *id).chain(shown.flat_map(|message| message.files.clone())).collect()
    }
}

async fn declare(world: &World, model: &mut Model) {
    model.made += 1;
    let (owner, lives) = (model.user(), model.random.random_range(1..48));
    let expires = model.now + lives * HOUR;
    let new = NewUpload { expires_at: at(expires), ..upload(owner, model.made, 10) };
    let created = world.storage.create_upload(&new, AMPLE, at(model.now)).await.unwrap();
    assert!(matches!(created, CreatedUpload::New(_)), "{created:?}");
    model.files.insert(new.id, File { owner, is_whole: false, expires: Some(expires) });
}

async fn complete(world: &World, model: &mut Model) {
    let Some(id) = model.file() else { return };
    let lives: i64 = model.random.random_range(1..48);
    let expires = model.now + lives * HOUR;
    let done = world.storage.complete_upload(id, None, at(expires), at(model.now)).await.unwrap();
    let (now, file) = (model.now, model.files.get_mut(&id).unwrap());
    assert_eq!(done, !file.is_whole && file.expires.is_some_and(|at| at > now), "{id}");
    if done {
        (file.is_whole, file.expires) = (true, Some(expires));
    }
}

async fn send(world: &World, model: &mut Model) {
    let (from, to) = (model.user(), model.user());
    let mut files = BTreeSet::new();
    for _ in 0..model.random.random_range(0..3) {
        files.extend(model.file());
    }
    let list: Vec<MediaId> = files.iter().copied().collect();
    // A second more, so that it never expires at the moment of a look: time stamps may be a few microseconds ahead.
    let expires_in_s = model.random.random_ratio(1, 3).then(|| model.random.random_range(1..48) * HOUR + 1);
    let draft = Draft { expires_in_s, ..naming(from, to, &list) };
    let Outcome { answer, events } = world.carry_out(vec![Command::Send(Box::new(draft))], model.now).await.remove(0);
    if let Some(bad) = list.iter().find(|file| !model.is_usable(**file, from)) {
        assert_eq!(answer, Err(Refusal::NoAttachment { id: bad.to_string() }));
        return;
    }
    let EventBody::Message(message) = &events[0].1.body else { panic!("{events:?}") };
    for file in &files {
        model.files.get_mut(file).unwrap().expires = None;
    }
    let expires = expires_in_s.map(|seconds| model.now + seconds);
    let sent = Sent { sides: [from, to], expires, files, deleted_by: BTreeSet::new() };
    model.messages.insert(message.id, sent);
}

async fn delete(world: &World, model: &mut Model) {
    let ids: Vec<MessageId> = model.messages.keys().copied().collect();
    let Some(id) = model.one_of(&ids) else { return };
    let scope = if model.random.random_ratio(1, 4) { Scope::Everyone } else { Scope::Me };
    let user = model.user();
    let command = Command::Delete { user: UserId(user), id, scope };
    let answer = world.carry_out(vec![command], model.now).await.remove(0).answer;
    if !matches!(answer, Ok(Answer::Deleted { .. })) {
        return;
    }
    let message = model.messages.get_mut(&id).unwrap();
    message.deleted_by.insert(user);
    if scope == Scope::Everyone {
        message.deleted_by.extend(message.sides);
    }
}

async fn delete_file(world: &World, model: &mut Model) {
    let Some(id) = model.file() else { return };
    let user = model.user();
    let deleted = world.storage.delete_media(UserId(user), id, at(model.now)).await.unwrap();
    let file = &model.files[&id];
    let expected = match (file.owner == user, file.expires) {
        (true, None) => MediaDeletion::Attached,
        (true, Some(expires)) if expires > model.now => MediaDeletion::Done,
        _ => MediaDeletion::NotFound,
    };
    assert_eq!(deleted, expected, "{id}");
    if deleted == MediaDeletion::Done {
        model.files.remove(&id);
    }
}

async fn end_account(world: &World, model: &mut Model) {
    if model.users.len() < 3 {
        return;
    }
    let user = model.user();
    world.delete_account(user, model.now).await;
    model.users.retain(|other| *other != user);
    model.messages.retain(|_, message| !message.sides.contains(&user));
    model.files.retain(|_, file| file.owner != user);
    clear(world, model).await;
}

/// All that the janitor does, until nothing is left to do.
async fn clear(world: &World, model: &mut Model) {
    let now = at(model.now);
    let expired = world.storage.expired(now).await.unwrap();
    if !expired.is_empty() {
        world.carry_out(expired.into_iter().map(Command::Expire).collect(), model.now).await;
    }
    while world.storage.wipe_accounts().await.unwrap().has_more {}
    while world.storage.expire_media(now).await.unwrap().has_more {}
    let over: Vec<MediaId> =
        world.storage.deleting_media(None, 1000).await.unwrap().iter().map(|file| file.id).collect();
    world.storage.forget_media(&over).await.unwrap();
    model.settle(true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_kept_exactly_as_long_as_something_refers_to_it() {
    let seed = std::env::var("MEDIA_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("seed {seed}");
    let world = World::new().await;
    let random = StdRng::seed_from_u64(seed);
    let users = vec![1, 2, 3];
    let mut model = Model { random, now: 0, users, files: BTreeMap::new(), messages: BTreeMap::new(), made: 0 };
    for step in 0..STEPS {
        match model.random.random_range(0..100) {
            0..20 if model.made < u8::MAX => Box::pin(declare(&world, &mut model)).await,
            20..40 => Box::pin(complete(&world, &mut model)).await,
            40..65 => Box::pin(send(&world, &mut model)).await,
            65..80 => Box::pin(delete(&world, &mut model)).await,
            80..85 => Box::pin(delete_file(&world, &mut model)).await,
            85..86 if step > STEPS / 2 => Box::pin(end_account(&world, &mut model)).await,
            _ => model.now += model.random.random_range(1..6) * HOUR / 2,
        }
        model.settle(false);
        if model.random.random_ratio(1, 2) {
            continue;
        }
        // What is over but not cleared away is seen by nobody; afterwards its row is gone, too.
        for user in model.users.clone() {
            let expected = model.readable(user);
            for file in 1..=model.made {
                let file = MediaId([file; 16]);
                let found = world.storage.readable_media(UserId(user), file, at(model.now)).await.unwrap();
                assert_eq!(found.is_some(), expected.contains(&file), "step {step}: user {user}, file {file}");
            }
        }
        Box::pin(clear(&world, &mut model)).await;
        let left = world.storage.all_media(None, 1000).await.unwrap();
        let left: Vec<(MediaId, bool)> =
            left.iter().map(|file| (file.id, file.state == MediaState::Attached)).collect();
        let kept: Vec<(MediaId, bool)> = model.files.iter().map(|(id, file)| (*id, file.expires.is_none())).collect();
        assert_eq!(left, kept, "step {step}");
    }
    assert!(model.made > 20);
}
