//! The check of an access token, which every request costs.

use std::hint::black_box;

use fluent_backend::auth::{Auth, InstanceKey, TokenKeys};
use fluent_backend::clock::Clock;
use fluent_backend::domain::{EmailAddress, InviteUse, NewAccount, Password, PublicKey, UserName};
use fluent_backend::limits::Limiters;
use secrecy::SecretString;
use tokio::runtime::Runtime;

use crate::{Part, config};

pub(crate) fn parts() -> impl Iterator<Item = Part> {
    [Part { name: "verify_token".to_owned(), messages: 1, prepare: Box::new(verify) }].into_iter()
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
