//! A batch does what its commands do one after the other: random commands are carried out on two stores, on one of them
//! as one batch, on the other in a batch each, and what both say and hold is the same up to numbers and time stamps.
//!
//! `BATCHES_SEED` repeats a run.
//!
//! Some differences are meant, and left out here: receipts of one user in one conversation are merged; a report of
//! delivery comes after all reads of its batch; deletions come after all receipts; a read in a conversation that begins
//! later in the batch finds it; and a receipt names a message that is gone only where that is the newest one.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use fluent_backend::Config;
use fluent_backend::domain::{
    Answer, Ciphertext, ClientId, Command, DirectKey, Draft, EmailAddress, MessageId, Once, Outcome, PublicKey, Scope,
    Seq, Timestamp, UserId, UserName, Viewer,
};
use fluent_backend::storage::Storage;
use fluent_backend::testing::{TestData, TestServer};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

const USERS: i32 = 6;
const ROUNDS: usize = 40;
const MOST_COMMANDS: usize = 40;

/// Names a command, and the message that it has stored: the round and the place in it.
type Label = (usize, usize);

/// A store, and what its numbers are called.
struct Side {
    storage: Storage,
    labels: BTreeMap<i64, Label>,
    _data: Arc<TestData>,
}

impl Side {
    async fn new() -> Self {
        let data = TestData::new().await;
        let mut config: Config = TestServer::config();
        data.configure(&mut config);
        std::fs::create_dir_all(&config.server.data_dir).unwrap();
        let storage = Storage::open(&config).await.unwrap();
        let key = PublicKey::parse("AAAA".to_owned(), false).unwrap();
        for i in 1..=USERS {
            let email = EmailAddress::parse(format!("user{i}@example.org")).unwrap();
            let name = UserName::parse(format!("User number {i}")).unwrap();
            storage.create_account(&name, &email, String::new(), &key, at(0)).await.unwrap();
        }
        Self { storage, labels: BTreeMap::new(), _data: data }
    }

    /// Carries out the commands of a round from `first` on in one batch, and returns what came of each.
    async fn apply(&mut self, round: usize, first: usize, commands: Vec<Command>) -> Vec<Outcome> {
        let count = commands.len();
        let applied = self.storage.apply(commands, at(round)).await.unwrap();
        for (number, place) in (applied.batch.first.0..).zip(first..first + count) {
            self.labels.insert(number, (round, place));
        }
        applied.outcomes
    }

    /// Puts labels in the place of numbers.
    fn labelled(&self, what: &impl std::fmt::Debug) -> String {
        let text = format!("{what:?}");
        let mut labelled = String::new();
        for part in text.split_inclusive('(') {
            let before = labelled.trim_end_matches('(').rsplit(|c: char| !c.is_alphanumeric()).next();
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = part.split_at(digits);
            let number = match (before, number.parse::<i64>()) {
                (Some("Timestamp"), Ok(_)) => "a time".to_owned(),
                (Some("MessageId" | "Seq"), Ok(number)) if number > 0 => format!("{:?}", self.labels.get(&number)),
                _ => number.to_owned(),
            };
            labelled.extend([number.as_str(), rest]);
        }
        labelled
    }

    /// What every user sees of the conversations.
    async fn seen(&self, round: usize) -> Vec<String> {
        let mut seen = Vec::new();
        for user in 1..=USERS {
            let viewer = Viewer { user: UserId(user) };
            for conversation in self.storage.conversations(viewer, None, 100, at(round)).await.unwrap() {
                seen.push(format!("to {user}: {}", self.labelled(&conversation)));
            }
        }
        seen
    }
}

fn at(round: usize) -> Timestamp {
    Timestamp::from_micros(1_000_000_000_000 + i64::try_from(round).unwrap() * 10_000_000)
}

/// A stored message: its sender and receiver, and its ids on both stores.
struct Sent {
    round: usize,
    sides: (UserId, UserId),
    ids: [MessageId; 2],
}

/// Makes commands, with the ids of each of the two stores.
struct Maker {
    random: StdRng,
    stored: Vec<Sent>,
    /// What this round must not do a second time.
    receipts: HashSet<(i32, Option<DirectKey>)>,
}

impl Maker {
    fn user(&mut self) -> UserId {
        UserId(self.random.random_range(1..=USERS))
    }

    /// One of the last messages for which `may` holds, or one that does not exist.
    fn message(&mut self, may: impl Fn(&Self, usize) -> bool) -> [MessageId; 2] {
        let newest = self.stored.len();
        let known: Vec<usize> = (newest.saturating_sub(40)..newest).filter(|at| may(self, *at)).collect();
        if known.is_empty() || self.random.random_ratio(1, 8) {
            return [MessageId(i64::MAX); 2];
        }
        self.stored[known[self.random.random_range(0..known.len())]].ids
    }

    /// Whether there is a newer message of the same sender to the same receiver.
    fn is_followed(&self, at: usize) -> bool {
        self.stored[at + 1..].iter().any(|newer| newer.sides == self.stored[at].sides)
    }

    fn send(&mut self, round: usize) -> [Command; 2] {
        let (from, to) = (self.user(), self.user());
        let to = if self.random.random_ratio(1, 20) { UserId(99) } else { to };
        let copy = |text: &str| Ciphertext::parse(text.to_owned(), 100).unwrap();
        let mut draft = Draft::text(from, Some(to), copy("mine"), copy("theirs"));
        if self.random.random_ratio(3, 4) {
            // Few enough that many are used twice.
            let number: u16 = self.random.random_range(0..2000);
            let client_id = ClientId::parse(&format!("name-of-a-message-{number:06}")).unwrap();
            let content_hash = [u8::from(self.random.random_ratio(1, 4)); 32];
            draft.once = Some(Once { client_id, content_hash });
        }
        if self.random.random_ratio(1, 10) {
            draft.receiver_key_id = Some("no key".to_owned());
        }
        let reply_to = self.random.random_ratio(1, 8).then(|| self.message(|maker, at| maker.stored[at].round < round));
        [0, 1].map(|side| {
            let mut draft = draft.clone();
            draft.reply_to = reply_to.map(|ids| ids[side]);
            Command::Send(Box::new(draft))
        })
    }

    fn command(&mut self, round: usize, is_late: bool) -> [Command; 2] {
        let user = self.user();
        match self.random.random_range(0..10) {
            0..3 if is_late => {
                let scope = if self.random.random_ratio(1, 2) { Scope::Me } else { Scope::Everyone };
                self.message(|maker, at| maker.stored[at].round < round && maker.is_followed(at))
                    .map(|id| Command::Delete { user, id, scope })
            }
            0..4 if !is_late => {
                let conversation = DirectKey::new(user, self.user());
                let is_other = self.receipts.contains(&(user.0, None));
                if is_other || !self.receipts.insert((user.0, Some(conversation))) {
                    return self.send(round);
                }
                self.message(|_, _| true).map(|up_to| Command::Read { user, conversation, up_to })
            }
            4..6 if !is_late => {
                if self.receipts.iter().any(|(other, _)| *other == user.0) {
                    return self.send(round);
                }
                self.receipts.insert((user.0, None));
                self.message(|_, _| true).map(|id| Command::Delivered { user, up_to: Seq(id.0) })
            }
            _ => self.send(round),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_does_what_its_commands_do_one_by_one() {
    let seed = std::env::var("BATCHES_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("seed {seed}");
    let mut maker = Maker { random: StdRng::seed_from_u64(seed), stored: Vec::new(), receipts: HashSet::new() };
    let (mut single, mut batch) = (Side::new().await, Side::new().await);
    for round in 0..ROUNDS {
        if maker.random.random_ratio(1, 10) {
            let (user, other, blocked) = (maker.user(), maker.user(), maker.random.random_ratio(1, 3));
            for side in [&mut single, &mut batch] {
                let block = vec![Command::Block { user, other, blocked }];
                side.storage.apply(block, at(round)).await.unwrap();
            }
        }
        if maker.random.random_ratio(1, 10) {
            let (user, shows) = (maker.user(), maker.random.random_ratio(2, 3));
            for side in [&mut single, &mut batch] {
                let configure = Command::Configure { user, presence: None, read_receipts: Some(shows) };
                side.storage.apply(vec![configure], at(round)).await.unwrap();
            }
        }
        maker.receipts.clear();
        let first = batch.storage.probe_head(0).await.unwrap().0 + 1;
        let count = maker.random.random_range(1..MOST_COMMANDS);
        let (mut commands, mut expected) = (Vec::new(), Vec::new());
        for place in 0..count {
            let [one, other] = maker.command(round, place > count * 2 / 3);
            commands.push(other);
            let outcome = single.apply(round, place, vec![one]).await.remove(0);
            if let Ok(Answer::Stored(stored)) = &outcome.answer
                && !stored.duplicate
            {
                let in_batch = MessageId(first + i64::try_from(place).unwrap());
                let Command::Send(draft) = &commands[place] else { panic!("only drafts are stored") };
                let sides = (draft.sender, draft.receiver().unwrap());
                maker.stored.push(Sent { round, sides, ids: [stored.id, in_batch] });
            }
            expected.push(outcome);
        }
        let outcomes = batch.apply(round, 0, commands.clone()).await;
        for (place, outcome) in outcomes.iter().enumerate() {
            let (expected, command) = (single.labelled(&expected[place]), &commands[place]);
            if matches!(outcome.answer, Ok(Answer::NothingRead { .. })) && expected.contains("Err(NotFound)") {
                continue;
            }
            assert_eq!(batch.labelled(outcome), expected, "round {round}, {place}: {command:?}");
        }
        assert_eq!(batch.seen(round).await, single.seen(round).await, "round {round}: {commands:?}");
    }
    single.storage.close().await.unwrap();
    batch.storage.close().await.unwrap();
}
