use fluent_backend::domain::{Media, MediaId, MediaQuota, MediaQuotaKind, MediaState, NewUpload, UserId};
use fluent_backend::storage::{CreatedUpload, Kept, Leased, Marked, MediaDeletion};

use super::{AMPLE, HOUR, World, at, id, upload};

fn keyed(n: u8, size: u64, key: &str) -> NewUpload {
    NewUpload { client_key: Some(key.to_owned()), ..upload(1, n, size) }
}

#[tokio::test]
async fn a_declared_file_is_found_by_its_owner_alone() {
    let World { storage, .. } = &World::new().await;
    let new = NewUpload { sha256: Some([7; 32]), metadata: Some("sha256 YQ==".to_owned()), ..upload(1, 1, 100) };
    let CreatedUpload::New(media) = storage.create_upload(&new, AMPLE, at(0)).await.unwrap() else { panic!() };
    assert_eq!(storage.media_of(UserId(1), id(1), at(0)).await.unwrap(), Some(media));
    for (user, file) in [(2, id(1)), (1, id(2))] {
        assert_eq!(storage.media_of(UserId(user), file, at(0)).await.unwrap(), None);
    }
    assert_eq!(storage.media_of(UserId(1), id(1), at(24 * HOUR)).await.unwrap(), None, "its time is over");
    let unknown = storage.create_upload(&upload(9, 2, 1), AMPLE, at(0)).await.unwrap();
    assert_eq!(unknown, CreatedUpload::NoSuchUser);
}

#[tokio::test]
async fn a_key_stands_for_one_file_for_a_day_and_while_it_is_there() {
    let world = World::new().await;
    let storage = &world.storage;
    let first = NewUpload { expires_at: at(96 * HOUR), ..keyed(1, 100, "k") };
    let media = world.declared(&first, AMPLE).await;
    assert_eq!(storage.mark_offset(id(1), 40, None, None, Kept::Soon, at(0)).await.unwrap(), Marked::Done);
    let grown = Media { offset: 40, state: MediaState::Uploading, ..media };
    let none = MediaQuota { bytes: 0, files: 0, pending: 0, room: Some(0) };
    assert_eq!(
        storage.create_upload(&keyed(2, 100, "k"), none, at(1)).await.unwrap(),
        CreatedUpload::Repeated(grown.clone())
    );
    assert_eq!(storage.create_upload(&keyed(2, 101, "k"), AMPLE, at(1)).await.unwrap(), CreatedUpload::Conflict);
    assert_eq!(storage.upload_by_key(UserId(1), "k", at(1)).await.unwrap(), Some(grown));
    assert_eq!(storage.upload_by_key(UserId(2), "k", at(1)).await.unwrap(), None, "keys are the user's own");
    let theirs = NewUpload { client_key: Some("k".to_owned()), ..upload(2, 3, 5) };
    world.declared(&theirs, AMPLE).await;

    // A day later the key is free, though the file is still there.
    assert_eq!(storage.upload_by_key(UserId(1), "k", at(24 * HOUR)).await.unwrap(), None);
    let later = NewUpload { expires_at: at(48 * HOUR), ..keyed(4, 7, "k") };
    let created = storage.create_upload(&later, AMPLE, at(24 * HOUR)).await.unwrap();
    assert!(matches!(created, CreatedUpload::New(_)), "{created:?}");
    assert!(storage.media_of(UserId(1), id(1), at(24 * HOUR)).await.unwrap().is_some());
    // Its deletion frees it at once, and so does its loss.
    assert_eq!(storage.delete_media(UserId(1), id(4), at(25 * HOUR)).await.unwrap(), MediaDeletion::Done);
    let created = storage.create_upload(&NewUpload { id: id(5), ..later.clone() }, AMPLE, at(25 * HOUR)).await.unwrap();
    assert!(matches!(created, CreatedUpload::New(_)), "{created:?}");
    assert!(storage.lose_media(id(5), at(25 * HOUR)).await.unwrap());
    let created = storage.create_upload(&NewUpload { id: id(6), ..later }, AMPLE, at(25 * HOUR)).await.unwrap();
    assert!(matches!(created, CreatedUpload::New(_)), "{created:?}");
}

#[tokio::test]
async fn quotas_count_what_is_declared_and_there() {
    let world = World::new().await;
    let storage = &world.storage;
    let quota = MediaQuota { bytes: 100, files: 3, pending: 2, room: None };
    let over = async |n: u8, size: u64, quota: MediaQuota, now: i64| match storage
        .create_upload(&upload(1, n, size), quota, at(now))
        .await
        .unwrap()
    {
        CreatedUpload::OverQuota(kind) => Some(kind),
        CreatedUpload::New(_) => None,
        other => panic!("{other:?}"),
    };
    assert_eq!(over(1, 60, quota, 0).await, None);
    assert_eq!(over(2, 41, quota, 0).await, Some(MediaQuotaKind::Bytes));
    assert_eq!(over(2, 40, quota, 0).await, None);
    let wide = MediaQuota { bytes: 1_000, ..quota };
    assert_eq!(over(3, 1, wide, 0).await, Some(MediaQuotaKind::Pending));
    assert!(storage.complete_upload(id(1), None, at(48 * HOUR), at(0)).await.unwrap());
    assert_eq!(over(3, 1, wide, 0).await, None);
    assert!(storage.complete_upload(id(3), None, at(48 * HOUR), at(0)).await.unwrap());
    assert_eq!(over(4, 1, wide, 0).await, Some(MediaQuotaKind::Files));
    // Another user has quotas of their own.
    world.declared(&upload(2, 9, 100), quota).await;
    // What is deleted, lost or expired counts no more.
    assert_eq!(storage.delete_media(UserId(1), id(3), at(0)).await.unwrap(), MediaDeletion::Done);
    assert_eq!(over(4, 1, wide, 0).await, None);
    assert!(storage.lose_media(id(1), at(0)).await.unwrap());
    assert!(storage.complete_upload(id(4), None, at(48 * HOUR), at(0)).await.unwrap());
    assert_eq!(over(5, 60, quota, 1).await, Some(MediaQuotaKind::Bytes), "41 bytes are left, and 60 are no more");
    let days = NewUpload { expires_at: at(72 * HOUR), ..upload(1, 5, 99) };
    let created = storage.create_upload(&days, quota, at(24 * HOUR)).await.unwrap();
    assert!(matches!(created, CreatedUpload::New(_)), "40 bytes of 41 have expired: {created:?}");
}

#[tokio::test]
async fn uploads_share_the_room_that_is_left() {
    let world = World::new().await;
    let storage = &world.storage;
    world.created(1, 60).await;
    world.declared(&upload(2, 2, 30), AMPLE).await;
    let room = |bytes| MediaQuota { room: Some(bytes), ..AMPLE };
    assert_eq!(storage.create_upload(&upload(3, 3, 11), room(100), at(0)).await.unwrap(), CreatedUpload::NoRoom);
    assert_eq!(storage.mark_offset(id(1), 1, None, None, Kept::Durably, at(0)).await.unwrap(), Marked::Done);
    world.declared(&upload(3, 3, 11), room(100)).await;
}

#[tokio::test]
async fn an_offset_moves_while_the_upload_is_open() {
    let world = World::new().await;
    let storage = &world.storage;
    let media = world.declared(&NewUpload { metadata: Some("a".to_owned()), ..upload(1, 1, 100) }, AMPLE).await;
    let now = async || storage.media_of(UserId(1), id(1), at(0)).await.unwrap().unwrap();
    for (offset, kept) in [(10, Kept::Soon), (20, Kept::Durably), (30, Kept::Soon)] {
        let marked = storage.mark_offset(id(1), offset, Some("parts"), None, kept, at(0)).await.unwrap();
        assert_eq!(marked, Marked::Done);
        let upload = Some("parts".to_owned());
        assert_eq!(now().await, Media { offset, upload, state: MediaState::Uploading, ..media.clone() });
    }
    assert_eq!(storage.mark_offset(id(1), 101, None, None, Kept::Soon, at(0)).await.unwrap(), Marked::Gone);
    // A digest was wrong: it begins anew.
    assert_eq!(storage.mark_offset(id(1), 0, None, None, Kept::Durably, at(0)).await.unwrap(), Marked::Done);
    assert_eq!((now().await.offset, now().await.state), (0, MediaState::Created));
    assert_eq!(storage.mark_offset(id(1), 50, None, None, Kept::Soon, at(0)).await.unwrap(), Marked::Done);
    assert!(storage.lower_offset(id(1), 40).await.unwrap() && !storage.lower_offset(id(1), 45).await.unwrap());
    assert_eq!(now().await.offset, 40);

    assert!(storage.complete_upload(id(1), None, at(30 * HOUR), at(1)).await.unwrap());
    let complete = Media { offset: 100, state: MediaState::Complete, ..media };
    let complete = Media { expires_at: Some(at(30 * HOUR)), metadata: None, upload: None, ..complete };
    assert_eq!(now().await, complete);
    // Nothing more is written to it.
    assert_eq!(storage.mark_offset(id(1), 50, None, None, Kept::Soon, at(0)).await.unwrap(), Marked::Gone);
    assert!(!storage.complete_upload(id(1), None, at(30 * HOUR), at(1)).await.unwrap());
    assert!(!storage.lower_offset(id(1), 1).await.unwrap());
}

#[tokio::test]
async fn an_upload_ends_with_its_time_and_by_its_owner() {
    let world = World::new().await;
    let storage = &world.storage;
    for n in 1..=3 {
        world.created(n, 10).await;
    }
    let (late, soon) = (at(24 * HOUR), at(23 * HOUR));
    for kept in [Kept::Soon, Kept::Durably] {
        assert_eq!(storage.mark_offset(id(1), 5, None, None, kept, late).await.unwrap(), Marked::Gone);
    }
    assert!(!storage.complete_upload(id(1), None, at(30 * HOUR), late).await.unwrap());
    assert_eq!(storage.delete_media(UserId(1), id(1), late).await.unwrap(), MediaDeletion::NotFound);
    assert_eq!(storage.delete_media(UserId(2), id(1), soon).await.unwrap(), MediaDeletion::NotFound);
    assert_eq!(storage.delete_media(UserId(1), id(2), soon).await.unwrap(), MediaDeletion::Done);
    assert_eq!(storage.delete_media(UserId(1), id(2), soon).await.unwrap(), MediaDeletion::NotFound);
    assert_eq!(storage.mark_offset(id(2), 5, None, None, Kept::Soon, soon).await.unwrap(), Marked::Gone);

    let deleting = async || {
        let files = storage.deleting_media(None, 100).await.unwrap();
        files.iter().map(|media| media.id).collect::<Vec<MediaId>>()
    };
    assert_eq!(storage.expire_media(soon).await.unwrap().dropped, 0);
    assert_eq!(deleting().await, [id(2)]);
    assert_eq!(storage.expire_media(late).await.unwrap().dropped, 2);
    assert_eq!(deleting().await, [id(1), id(2), id(3)]);
    assert_eq!(storage.deleting_media(Some(id(1)), 1).await.unwrap()[0].id, id(2));
    storage.forget_media(&[id(1), id(3)]).await.unwrap();
    assert_eq!(deleting().await, [id(2)]);
    // Only what is being removed is forgotten.
    let kept = world.complete(7, 1).await;
    storage.forget_media(&[kept]).await.unwrap();
    assert!(storage.media_of(UserId(1), kept, at(0)).await.unwrap().is_some());
}

#[tokio::test]
async fn of_two_servers_one_writes_and_the_other_can_take_over() {
    let world = World::new().await;
    let storage = &world.storage;
    world.created(1, 100).await;
    let lease = async |writer, now| storage.lease_upload(id(1), writer, at(now)).await.unwrap();
    let mark = async |offset, writer, now| {
        storage.mark_offset(id(1), offset, None, Some(writer), Kept::Soon, at(now)).await.unwrap()
    };
    assert_eq!(mark(1, 7, 0).await, Marked::Gone, "without a lease nothing is written");
    assert!(matches!(lease(7, 0).await, Leased::Taken(Media { offset: 0, .. })));
    assert_eq!(mark(10, 7, 0).await, Marked::Done);
    assert_eq!(mark(11, 8, 0).await, Marked::Gone);
    assert_eq!(lease(8, 1).await, Leased::Busy);
    assert_eq!(storage.renew_lease(id(1), 7, at(1)).await.unwrap(), Marked::Wanted);
    assert_eq!(mark(20, 7, 1).await, Marked::Wanted, "what has come is kept");
    storage.release_lease(id(1), 8).await.unwrap();
    assert_eq!(lease(8, 2).await, Leased::Busy, "only the holder gives it back");
    storage.release_lease(id(1), 7).await.unwrap();
    assert!(matches!(lease(8, 2).await, Leased::Taken(Media { offset: 20, .. })));
    assert_eq!(storage.renew_lease(id(1), 8, at(20)).await.unwrap(), Marked::Done);
    // One that is dead loses it after half a minute; one that only seemed dead learns of it.
    assert_eq!(lease(9, 49).await, Leased::Busy);
    assert!(matches!(lease(9, 50).await, Leased::Taken(_)));
    assert_eq!(mark(30, 8, 50).await, Marked::Gone);
    assert_eq!(storage.renew_lease(id(1), 8, at(50)).await.unwrap(), Marked::Gone);
    assert!(!storage.complete_upload(id(1), Some(8), at(30 * HOUR), at(50)).await.unwrap());
    assert!(storage.complete_upload(id(1), Some(9), at(30 * HOUR), at(50)).await.unwrap());
    assert_eq!(lease(8, 51).await, Leased::Gone);
}

#[tokio::test]
async fn a_lost_file_is_nobodys_until_it_is_back() {
    let world = World::new().await;
    let storage = &world.storage;
    world.complete(1, 10).await;
    world.created(2, 5).await;
    let readable = async || storage.readable_media(UserId(1), id(1), at(0)).await.unwrap().is_some();
    assert!(readable().await);
    assert!(storage.lose_media(id(1), at(0)).await.unwrap() && !storage.lose_media(id(1), at(0)).await.unwrap());
    assert!(!readable().await);
    assert_eq!(storage.delete_media(UserId(1), id(1), at(0)).await.unwrap(), MediaDeletion::NotFound);
    let counts = storage.media_counts().await.unwrap();
    assert_eq!((counts.files[0].1, counts.files[2].1, counts.lost, counts.stored_bytes), (1, 0, 1, 0));
    assert!(storage.recover_media(id(1)).await.unwrap() && !storage.recover_media(id(1)).await.unwrap());
    assert!(readable().await);
    let counts = storage.media_counts().await.unwrap();
    assert_eq!((counts.files[2], counts.lost, counts.stored_bytes), ((MediaState::Complete, 1), 0, 10));
    let all: Vec<MediaId> = storage.all_media(None, 10).await.unwrap().iter().map(|media| media.id).collect();
    assert_eq!(all, [id(1), id(2)]);
    assert_eq!(storage.all_media(Some(id(1)), 10).await.unwrap()[0].id, id(2));
}

#[tokio::test]
async fn a_complete_file_is_its_owners_alone() {
    let world = World::new().await;
    let storage = &world.storage;
    world.complete(1, 10).await;
    world.created(2, 10).await;
    for (user, file, now, expected) in
        [(1, 1, 0, true), (2, 1, 0, false), (1, 2, 0, false), (1, 3, 0, false), (1, 1, 24 * HOUR, false)]
    {
        let found = storage.readable_media(UserId(user), id(file), at(now)).await.unwrap();
        assert_eq!(found.is_some(), expected, "user {user}, file {file}, {now} s");
    }
}
