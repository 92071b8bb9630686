//! What the ends of logins, and all other commands, leave for the server to act on.

use tempfile::TempDir;

use super::*;
use crate::domain::{Ciphertext, Command, Draft, Proof, Seq};
use crate::storage::Rotation;
use crate::storage::testing::accounts::store_with;

const ALICE: UserId = UserId(1);
const BOB: UserId = UserId(2);

fn now() -> Timestamp {
    Timestamp::from_micros(1_000_000)
}

struct World {
    storage: Storage,
    tokens: u8,
    _dir: TempDir,
}

impl World {
    /// A store with two accounts, whose passwords have empty hashes.
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let storage = Box::pin(store_with(dir.path(), &["alice", "bob"], now())).await;
        Self { storage, tokens: 0, _dir: dir }
    }

    fn token(&mut self) -> NewRefreshToken {
        self.tokens += 1;
        NewRefreshToken { hash: [self.tokens; 32], expires_at: now().plus_secs(60) }
    }

    async fn log_in(&mut self, user: UserId) -> LoginId {
        let token = self.token();
        let proof = Proof::of(String::new());
        self.storage.create_login(user, &proof, None, None, token, (None, now())).await.unwrap().begun().id
    }

    /// Carries out one command, and returns its answer and the effects.
    async fn apply(&self, command: Command) -> (Result<Answer, Refusal>, Vec<Effect>) {
        let possible = command.possible_effect();
        let mut applied = self.storage.apply(vec![command], now()).await.unwrap();
        let outcome = applied.outcomes.pop().unwrap();
        // What may come of it in doubt is never another kind of effect.
        if let [effect] = applied.effects.as_slice() {
            let possible = possible.expect("no command has an effect that is not expected of it");
            assert_eq!(std::mem::discriminant(effect), std::mem::discriminant(&possible));
        }
        (outcome.answer, applied.effects)
    }

    async fn end(&self, which: WhichLogins, asking: Option<LoginId>) -> (usize, Vec<Effect>) {
        let command = Command::EndLogins { user: ALICE, which, asking, end: LoginEnd::Logout };
        match self.apply(command).await {
            (Ok(Answer::LoginsEnded { count }), effects) => (count, effects),
            other => panic!("{other:?}"),
        }
    }

    async fn lasts(&self, login: LoginId) -> bool {
        self.storage.login(login, now()).await.unwrap().is_some()
    }
}

fn ended(logins: &[LoginId], closes_all: bool) -> Vec<Effect> {
    vec![Effect::LoginsEnded { user: ALICE, logins: logins.to_vec(), end: LoginEnd::Logout, closes_all }]
}

#[tokio::test]
async fn ending_a_login_has_it_refused_and_closed_whoever_ended_it() {
    let mut world = World::new().await;
    let (first, second, others) = (world.log_in(ALICE).await, world.log_in(ALICE).await, world.log_in(BOB).await);
    assert_eq!(world.end(WhichLogins::Only(first), Some(second)).await, (1, ended(&[first], false)));
    assert!(!world.lasts(first).await && world.lasts(second).await);
    // As when another process has ended it, which has told this one nothing.
    assert_eq!(world.end(WhichLogins::Only(first), Some(second)).await, (0, ended(&[first], false)));
    assert_eq!(world.end(WhichLogins::Only(others), Some(second)).await, (0, vec![]), "another user's");
    assert!(world.lasts(others).await);
    // As after a backup was restored: the token that asks is good, and its login is not there.
    let lost = LoginId(77);
    assert_eq!(world.end(WhichLogins::Only(lost), Some(lost)).await, (0, ended(&[lost], false)));
    assert_eq!(world.end(WhichLogins::All, Some(lost)).await, (1, ended(&[second, lost], true)));
    assert!(!world.lasts(second).await && world.lasts(others).await);
    world.storage.close().await.unwrap();
}

#[tokio::test]
async fn of_too_many_logins_those_beyond_end() {
    let mut world = World::new().await;
    let mut logins = Vec::new();
    for _ in 0..MAX_LOGINS + 2 {
        logins.push(world.log_in(ALICE).await);
    }
    let beyond = WhichLogins::Beyond { kept: logins[0] };
    // All were used at the same time: the oldest go, but for the one that is kept.
    let (count, effects) = world.end(beyond, None).await;
    let [Effect::LoginsEnded { user: ALICE, logins: gone, closes_all: false, .. }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    let mut gone = gone.clone();
    gone.sort();
    assert_eq!((count, gone.as_slice()), (2, &logins[1..3]));
    assert_eq!(world.end(beyond, None).await, (0, vec![]));
    world.storage.close().await.unwrap();
}

#[tokio::test]
async fn a_new_password_ends_all_logins_and_only_with_the_hash_that_was_proved() {
    let mut world = World::new().await;
    let (first, second) = (world.log_in(ALICE).await, world.log_in(ALICE).await);
    let token = world.token();
    let change = |proof: &str, hash: &str| {
        let (proof, hash) = (Proof::of(proof.to_owned()), hash.to_owned().into());
        Command::ChangePassword(Box::new(NewPassword { user: ALICE, proof, hash, token, network: None }))
    };
    assert_eq!(world.apply(change("another", "new")).await, (Err(Refusal::Forbidden), vec![]));
    assert!(world.lasts(first).await);
    let (answer, effects) = world.apply(change("", "new")).await;
    let Ok(Answer::LoginBegun(begun)) = answer else { panic!("{answer:?}") };
    let end = LoginEnd::Password;
    let logins = vec![first, second];
    assert_eq!(effects, [Effect::LoginsEnded { user: ALICE, logins, end, closes_all: true }]);
    assert_eq!(begun.name, "alice");
    assert!(!world.lasts(first).await && !world.lasts(second).await && world.lasts(begun.id).await);
    assert_eq!(world.storage.password_hash(ALICE).await.unwrap().as_deref(), Some("new"));
    world.storage.close().await.unwrap();
}

#[tokio::test]
async fn the_end_of_a_login_takes_a_number_where_it_changes_something() {
    let mut world = World::new().await;
    let login = world.log_in(ALICE).await;
    let end =
        || Command::EndLogins { user: ALICE, which: WhichLogins::Only(login), asking: None, end: LoginEnd::Logout };
    let head = world.storage.probe_head(0).await.unwrap();
    let applied = world.storage.apply(vec![end()], now()).await.unwrap();
    assert_eq!((applied.batch.first, applied.batch.last), (Seq(head.0 + 1), Seq(head.0 + 1)));
    let applied = world.storage.apply(vec![end()], now()).await.unwrap();
    assert_eq!(
        (applied.batch.first, applied.batch.last),
        (Seq(head.0 + 2), Seq(head.0 + 1)),
        "the second one is given back"
    );
    let copy = || Ciphertext::parse("x".to_owned(), usize::MAX).unwrap();
    let send = Command::Send(Box::new(Draft::text(ALICE, Some(BOB), copy(), copy())));
    let applied = world.storage.apply(vec![send, end()], now()).await.unwrap();
    assert_eq!(applied.batch.first, Seq(head.0 + 2));
    assert_eq!(applied.effects, ended(&[login], false));
    world.storage.close().await.unwrap();
}

#[tokio::test]
async fn other_commands_have_these_effects_and_messages_none() {
    let world = World::new().await;
    let copy = || Ciphertext::parse("x".to_owned(), usize::MAX).unwrap();
    let send = Command::Send(Box::new(Draft::text(ALICE, Some(BOB), copy(), copy())));
    assert_eq!(world.apply(send).await.1, []);
    let block = Command::Block { user: ALICE, other: BOB, blocked: true };
    assert_eq!(world.apply(block).await.1, [Effect::VisibilityChanged { user: ALICE, other: Some(BOB) }]);
    let unknown = Command::Block { user: ALICE, other: UserId(9), blocked: true };
    assert_eq!(world.apply(unknown).await, (Err(Refusal::NotFound), vec![]));
    let hide = Command::Configure { user: ALICE, presence: Some(false), read_receipts: None };
    assert_eq!(world.apply(hide).await.1, [Effect::VisibilityChanged { user: ALICE, other: None }]);
    let until = now().plus_secs(900);
    let delete = |hash: &str| Command::DeleteAccount { user: ALICE, proof: Proof::of(hash.to_owned()), until };
    assert_eq!(world.apply(delete("another")).await, (Err(Refusal::Forbidden), vec![]));
    assert_eq!(world.apply(delete("")).await.1, [Effect::AccountDeleted { user: ALICE, until }]);
    world.storage.close().await.unwrap();
}

#[tokio::test]
async fn of_effects_in_doubt_those_are_found_that_were_committed() {
    let mut world = World::new().await;
    let (before, after) = (world.log_in(ALICE).await, world.log_in(BOB).await);
    world.end(WhichLogins::Only(before), None).await;
    let since = now().plus_secs(1);
    let end = |user| Command::EndLogins { user, which: WhichLogins::All, asking: None, end: LoginEnd::Logout };
    let delete = |user| Command::DeleteAccount { user, proof: Proof::of(String::new()), until: since };
    let commands = [end(ALICE), end(BOB), delete(ALICE), Command::Block { user: ALICE, other: BOB, blocked: true }];
    let possible: Vec<Effect> = commands.iter().filter_map(Command::possible_effect).collect();
    let seen = Effect::VisibilityChanged { user: ALICE, other: Some(BOB) };
    let found = world.storage.effects_since(possible.clone(), since).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&seen), "what is done again harms nothing");
    world.storage.apply(vec![end(BOB), delete(ALICE)], since).await.unwrap();
    let found = world.storage.effects_since(possible, since).await.unwrap();
    let ended = Effect::LoginsEnded { user: BOB, logins: vec![after], end: LoginEnd::Logout, closes_all: false };
    assert_eq!(found, [ended, Effect::AccountDeleted { user: ALICE, until: since }, seen]);
    world.storage.close().await.unwrap();
}

#[tokio::test]
async fn a_token_of_two_parties_ends_its_login_without_the_writer() {
    let mut world = World::new().await;
    let (login, other) = (world.log_in(ALICE).await, world.log_in(ALICE).await);
    let successor = |salt: &[u8; 32]| NewRefreshToken { hash: [salt[0] + 100; 32], expires_at: now().plus_secs(60) };
    let rotate =
        async |hash, salt| world.storage.rotate([hash; 32], [salt; 32], successor, 0, (None, now())).await.unwrap();
    let is_granted = |rotation| matches!(rotation, Rotation::Granted { .. });
    assert!(is_granted(rotate(1, 1).await), "the first use of the first token");
    assert!(is_granted(rotate(101, 2).await), "the use of its successor");
    let again = world.storage.rotate([1; 32], [3; 32], successor, 0, (None, now().plus_secs(1))).await.unwrap();
    assert_eq!(again, Rotation::Reused { user: ALICE, login });
    assert!(world.storage.login(login, now()).await.unwrap().is_none(), "it has ended with the answer");
    assert!(world.storage.login(other, now()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_deletion_in_doubt_is_found_also_when_its_tokens_have_long_expired() {
    let world = World::new().await;
    let deleted = |user| Effect::AccountDeleted { user, until: now() };
    let delete = Command::DeleteAccount { user: BOB, proof: Proof::of(String::new()), until: now() };
    world.apply(delete).await.0.unwrap();
    world.storage.drop_tickets(now().plus_secs(1)).await.unwrap();
    let found = world.storage.effects_since(vec![deleted(ALICE), deleted(BOB)], now()).await.unwrap();
    assert_eq!(found, [deleted(BOB)]);
}
