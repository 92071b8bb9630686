//! Tests of what is announced beside events: ended logins, deleted accounts, and who may see whom.

use super::*;

#[tokio::test]
async fn effects_are_announced_after_the_events_before_them_and_before_the_answer() {
    let mut world = World::new().await;
    let login = world.log_in(7).await;
    let access = Access { user: ALICE, login };
    let (sent, ended) = tokio::join!(world.send(), world.end_all());
    assert!(sent.is_ok());
    assert_eq!(ended, Ok(1));
    // No waiting: all of it was there when the answer came.
    assert!(world.refused.has_ended(access) && !world.refused.has_ended(Access { user: BOB, login: LoginId(77) }));
    let Ok(RegistryMsg::Deliver(events)) = world.registry.try_recv() else { panic!("the message") };
    assert_eq!(seqs(&events).len(), 2);
    let closed = world.registry.try_recv();
    assert!(matches!(closed, Ok(RegistryMsg::EndUser { user: ALICE, end: LoginEnd::Logout })));

    assert!(world.writer.set_block(ALICE, BOB, true, permit()).await.is_ok());
    let reconsidered = world.presence.try_recv();
    assert!(matches!(reconsidered, Ok(PresenceMsg::Reconsider { user: ALICE, other: Some(BOB) })));
}

#[tokio::test]
async fn a_deleted_account_is_refused_closed_and_hidden() {
    let mut world = World::new().await;
    let until = Clock::system().now().plus_secs(900);
    let deleted = world.writer.delete_account(ALICE, Proof::of(String::new()), until, permit()).await;
    assert_eq!(deleted, Ok(()));
    assert!(world.refused.has_ended(Access { user: ALICE, login: LoginId(1) }));
    let closed = world.registry.try_recv();
    assert!(matches!(closed, Ok(RegistryMsg::EndUser { user: ALICE, end: LoginEnd::Deleted })));
    let reconsidered = world.presence.try_recv();
    assert!(matches!(reconsidered, Ok(PresenceMsg::Reconsider { user: ALICE, other: None })));
}

#[tokio::test]
async fn a_request_that_is_dropped_loses_no_effect() {
    let mut world = World::new().await;
    let login = world.log_in(7).await;
    {
        let mut ending = Box::pin(world.end_all());
        // It is handed over, and nobody waits for the answer.
        assert!(futures_util::poll!(&mut ending).is_pending());
    }
    let closed = timeout(SOON, world.registry.recv()).await.unwrap();
    assert!(matches!(closed, Some(RegistryMsg::EndUser { user: ALICE, end: LoginEnd::Logout })));
    assert!(world.refused.has_ended(Access { user: ALICE, login }));
}

/// The predecessor died between its commit and the announcement, or before the commit.
#[tokio::test]
async fn effects_of_a_batch_in_doubt_are_announced_if_it_was_committed() {
    for is_committed in [false, true] {
        let (storage, dir) = probe::store_of_two().await;
        let token = NewRefreshToken { hash: [7; 32], expires_at: Clock::system().now().plus_secs(60) };
        let (proof, now) = (Proof::of(String::new()), Clock::system().now());
        let login = storage.create_login(ALICE, &proof, None, None, token, (None, now)).await.unwrap().begun().id;
        let end = || {
            let which = WhichLogins::Only(login);
            Command::EndLogins { user: ALICE, which, asking: Some(login), end: LoginEnd::Revoked }
        };
        let progress = Progress::new(storage.probe_head(0).await.unwrap());
        let now = Clock::system().now();
        progress.begin(&[end()], now);
        if is_committed {
            storage.apply(vec![end()], now).await.unwrap();
        }
        let mut world = World::over(storage, dir, progress).await;
        assert!(matches!(world.delivered().await.as_slice(), [Delivery::Resync(Resync::InDoubt)]));
        assert!(world.send().await.is_ok() || world.send().await.is_ok(), "at the latest after the recovery");
        assert_eq!(world.refused.has_ended(Access { user: ALICE, login }), is_committed);
        let ended = matches!(
            world.registry.recv().await,
            Some(RegistryMsg::EndLogins { user: ALICE, logins, end: LoginEnd::Revoked }) if *logins == [login]
        );
        assert_eq!(ended, is_committed);
    }
}

#[tokio::test]
async fn what_comes_together_is_noted_for_everybody() {
    let world = World::new().await;
    let mut logins = Vec::new();
    for i in 0..60 {
        logins.push(world.log_in(i).await);
    }
    let mark = |i: usize, login| match i % 3 {
        0 => LoginMark::Legacy(login),
        1 => LoginMark::V1(login),
        _ => LoginMark::Device(login, DeviceId::parse("pixel").unwrap()),
    };
    let noting = logins.iter().enumerate().map(|(i, &login)| {
        let writer = world.writer.clone();
        tokio::spawn(async move { writer.mark_login(mark(i, login), permit()).await })
    });
    let noting: Vec<_> = noting.collect();
    // One who does not wait takes nothing with it.
    let gone = tokio::spawn({
        let (writer, login) = (world.writer.clone(), logins[2]);
        async move { writer.mark_login(LoginMark::V1(login), permit()).await }
    });
    gone.abort();
    for noted in noting {
        timeout(SOON, noted).await.unwrap().unwrap().unwrap();
    }
    for (i, login) in logins.iter().enumerate() {
        let (owner, dialect) = world.storage.login(*login, Clock::system().now()).await.unwrap().unwrap();
        assert_eq!(owner, ALICE);
        match i % 3 {
            0 => assert_eq!(dialect, LoginDialect::Legacy),
            1 => assert_eq!(dialect, LoginDialect::V1),
            _ => assert!(world.storage.has_device(*login, &DeviceId::parse("pixel").unwrap()).await.unwrap()),
        }
    }
}
