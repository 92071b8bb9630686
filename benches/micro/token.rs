//! The check of an access token, which every request costs, and the report token of a message.

use std::hint::black_box;

use fluent_backend::auth::{Auth, InstanceKey, TokenKeys};
use fluent_backend::clock::Clock;
use fluent_backend::domain::{
    Attested, ConversationId, EmailAddress, FrankingTag, InviteUse, MessageId, NewAccount, Password, PublicKey,
    Timestamp, UserId, UserName,
};
use fluent_backend::limits::Limiters;
use fluent_backend::protocol::franking::ReportTokens;
use secrecy::SecretString;
use tokio::runtime::Runtime;

use crate::{Part, config};

pub(crate) fn parts() -> impl Iterator<Item = Part> {
    let one = |name: &str, prepare: fn() -> Box<dyn FnMut()>| Part {
        name: name.to_owned(),
        messages: 1,
        prepare: Box::new(prepare),
    };
    [one("verify_token", verify), one("report_token", report)].into_iter()
}

/// Attests a message with a tag.
fn report() -> Box<dyn FnMut()> {
    let tokens = ReportTokens::new(&[7; 32]).unwrap();
    let attested = Attested {
        message: MessageId(812),
        conversation: ConversationId(5),
        sender: UserId(7),
        receiver: UserId(9),
        timestamp: Timestamp::from_micros(1_795_000_000_123_456),
        tag: FrankingTag::parse(&"A".repeat(43)),
    };
    Box::new(move || {
        black_box(tokens.token(black_box(&attested)).unwrap());
    })
}

fn verify() -> Box<dyn FnMut()> {
    let runtime = Runtime::new().unwrap();
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let config = config(dir.path());
    let (auth, token) = runtime.block_on(async {
        let storage = std::sync::Arc::new(fluent_backend::storage::Storage::open(&config).await.unwrap());
        let keys = TokenKeys::load(&config, Clock::system().now()).unwrap();
        let instance_key = InstanceKey::load(&config).unwrap();
        let limiters = Limiters::new(&config, &Clock::system());
        let keys = (keys, &instance_key);
        let auth = Auth::new(&config.auth, keys, storage, limiters, Clock::system()).await.unwrap();
        let password = || "a long password".to_owned();
        let account = NewAccount {
            name: UserName::parse("alice".to_owned()).unwrap(),
            email: EmailAddress::parse("alice@example.org".to_owned()).unwrap(),
            password: Password::parse(&SecretString::from(password())).unwrap(),
            public_key: PublicKey::parse("AAAA".to_owned(), false).unwrap(),
        };
        auth.register(account, InviteUse::NOT_NEEDED, None).await.unwrap();
        let begun = auth.login("alice", SecretString::from(password()), None).await.unwrap();
        (auth, begun.pair.access)
    });
    Box::new(move || {
        black_box(auth.access().verify(black_box(&token)).unwrap());
    })
}
