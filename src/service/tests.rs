//! What the use cases do while the writer cannot be reached, and when their caller has gone.

use std::time::Duration;

use secrecy::SecretString;
use tempfile::TempDir;

use super::*;
use crate::auth::{Access, InstanceKey, TokenKeys};
use crate::domain::{Command, EmailAddress, InviteUse, NewAccount, Password, PublicKey, UserId, UserName, WhichLogins};
use crate::limits::Limiters;
use crate::push::Nothing;
use crate::storage::LoginDialect;
use crate::storage::testing::accounts::config_in;

const PASSWORD: &str = "correct horse";

struct World {
    service: Arc<Service>,
    storage: Arc<Storage>,
    clock: Clock,
    user: UserId,
    _dir: TempDir,
}

impl World {
    /// The use cases over this writer, and a user.
    async fn over(writer: PersistenceHandle) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config_in(dir.path());
        (config.auth.argon2_memory_kib, config.auth.argon2_passes, config.auth.refresh_grace_s) = (64, 1, 0);
        let clock = Clock::stopped_at(Clock::system().now());
        let keys = TokenKeys::load(&config, clock.now()).unwrap();
        let storage = Arc::new(Storage::open(&config).await.unwrap());
        let instance_key = InstanceKey::load(&config).unwrap();
        config.limits.enabled = false;
        let (keys, limiters) = ((keys, &instance_key), Limiters::new(&config, &clock));
        let auth = Auth::new(&config.auth, keys, storage.clone(), limiters, clock.clone()).await.unwrap();
        let rules = crate::auth::AddressRules::new(Vec::new(), clock.clone());
        let addresses = Addresses::new(rules, crate::auth::Bans::new(&config.bans, &[], true), Arc::default());
        let tokens = Arc::new(ReportTokens::new(&[0; 32]).unwrap());
        let parts = (Arc::new(auth), storage.clone(), Arc::new(Nothing::default()) as Arc<dyn Sender>);
        let service = Service::new(parts, RegistryHandle::vacant(), writer, &config, tokens, addresses, clock.clone());
        let account = NewAccount {
            name: UserName::parse("alice".to_owned()).unwrap(),
            email: EmailAddress::parse("alice@example.org".to_owned()).unwrap(),
            password: Password::parse(&SecretString::from(PASSWORD)).unwrap(),
            public_key: PublicKey::parse("AAAA".to_owned(), false).unwrap(),
        };
        let user = service.register(account, InviteUse::NOT_NEEDED, None).await.unwrap();
        Self { service, storage, clock, user, _dir: dir }
    }

    async fn log_in(&self) -> (Access, SecretString) {
        let pair = self.service.log_in("alice".to_owned(), PASSWORD.into(), None).await.unwrap();
        (self.service.auth.access().verify(&pair.access).unwrap(), pair.refresh.into())
    }

    async fn dialect(&self, access: Access) -> LoginDialect {
        self.storage.login(access.login, self.clock.now()).await.unwrap().unwrap().1
    }
}

#[tokio::test]
async fn a_refresh_token_of_two_parties_ends_its_login_while_the_writer_is_away() {
    let world = World::over(PersistenceHandle::vacant()).await;
    let ((access, stolen), (other, _)) = (world.log_in().await, world.log_in().await);
    let successor = world.service.refresh(stolen.clone(), None).await.unwrap().refresh;
    world.service.refresh(successor.into(), None).await.unwrap();
    world.clock.advance_secs(1);
    let again = world.service.refresh(stolen, None).await;
    assert!(matches!(again, Err(ServiceError::Auth(AuthError::Reused { login, .. })) if login == access.login));
    let has_ended = |access| world.service.auth.access().has_ended(access);
    assert!(has_ended(access) && !has_ended(other));
    assert!(world.storage.login(access.login, world.clock.now()).await.unwrap().is_none(), "also after a restart");
}

#[tokio::test]
async fn a_login_begins_although_those_beyond_the_limit_cannot_be_ended_yet() {
    let world = World::over(PersistenceHandle::vacant()).await;
    for _ in 0..101 {
        let (access, _) = world.log_in().await;
        assert_eq!(access.user, world.user);
    }
}

#[tokio::test]
async fn a_login_that_reads_is_not_refused_for_a_mark_that_cannot_be_written() {
    let world = World::over(PersistenceHandle::vacant()).await;
    let (access, _) = world.log_in().await;
    let dialects = world.service.dialects();
    dialects.uses_v1(access).await.unwrap();
    assert!(matches!(dialects.opens_legacy(access).await, Err(ServiceError::Unconfirmed)));
    let all = world.service.writer.take_all();
    // Paused, so that a wait for a permit would show: it ends in an error.
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    dialects.uses_v1(access).await.unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO, "nor does it wait for a permit");
    tokio::time::resume();
    drop(all);
    assert_eq!(world.dialect(access).await, LoginDialect::Unknown, "so the next request tries again");
}

#[tokio::test]
async fn what_waits_for_a_permit_is_done_although_its_caller_has_gone() {
    let (writer, mut commands) = PersistenceHandle::probe().await;
    let world = World::over(writer).await;
    let (access, _) = world.log_in().await;
    let all = world.service.writer.take_all();
    {
        let mut log_out = Box::pin(world.service.log_out(access, None));
        let mut block = Box::pin(world.service.set_block(world.user, UserId(2), true));
        let mut configure = Box::pin(world.service.configure(world.user, Some(false), None));
        assert!(futures_util::poll!(&mut log_out).is_pending());
        assert!(futures_util::poll!(&mut block).is_pending());
        assert!(futures_util::poll!(&mut configure).is_pending());
    }
    drop(all);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(tokio::time::timeout(Duration::from_secs(30), commands.recv()).await.unwrap().unwrap());
    }
    assert!(seen.iter().any(|command| matches!(command,
        Command::EndLogins { which: WhichLogins::Only(login), .. } if *login == access.login)));
    assert!(seen.iter().any(|command| matches!(command, Command::Block { blocked: true, .. })));
    assert!(seen.iter().any(|command| matches!(command, Command::Configure { presence: Some(false), .. })));
}
