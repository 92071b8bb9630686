//! The files that messages name: they are looked up before a message is stored, kept while a message names them, and
//! released with it.
//!
//! A batch whose messages name no files makes no statement for them.

use std::collections::HashMap;
use std::sync::LazyLock;

use sea_orm::{DatabaseBackend, Value};

use crate::domain::{Attachment, Draft, MediaId, Message, Refusal, UserId};
use crate::storage::StorageError;
use crate::storage::commands::batch::Batch;
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::tx::{Transaction, Tx};
use crate::storage::media::columns::with_states;

use Cell::{BigInt, Bytes, Int, Text};

/// The files of senders that messages may name. The rows are locked, so that none of them expires meanwhile.
static USABLE: LazyLock<String> = LazyLock::new(|| {
    with_states(
        "WITH {rows} SELECT media.id, media.owner_id, media.size FROM v \
         JOIN media ON media.id = v.column1 AND media.owner_id = v.column2 \
         WHERE media.state IN ({complete}, {attached}) AND media.lost_at IS NULL \
         AND (media.expires_at IS NULL OR media.expires_at > v.column3)",
    )
});
/// Keeps files for messages that are stored now: each row is a message, a position in it, a file, and all files of the
/// message as its readers are shown them.
static ATTACH: LazyLock<String> = LazyLock::new(|| {
    with_states(
        "WITH {rows}, named AS (INSERT INTO media_refs (message_id, position, media_id) \
         SELECT v.column1, v.column2, v.column3 FROM v), \
         shown AS (UPDATE messages SET attachments = v.column4 FROM v WHERE messages.id = v.column1 AND v.column2 = 0) \
         UPDATE media SET state = {attached}, expires_at = NULL FROM (SELECT DISTINCT column3 AS id FROM v) AS f \
         WHERE media.id = f.id AND media.state = {complete}",
    )
});
/// The same on SQLite, a statement for each row.
static ATTACH_EACH: LazyLock<[String; 3]> = LazyLock::new(|| {
    [
        "INSERT INTO media_refs (message_id, position, media_id) VALUES (?1, ?2, ?3)",
        "UPDATE messages SET attachments = ?2 WHERE id = ?1",
        "UPDATE media SET state = {attached}, expires_at = NULL WHERE id = ?1 AND state = {complete}",
    ]
    .map(with_states)
});

/// Takes files from users that only messages of the list `$1` name. The list goes first: the rows that say so are
/// removed afterwards.
static RELEASE: LazyLock<String> = LazyLock::new(|| {
    with_states(
        "UPDATE media SET {gone} WHERE id IN (SELECT r.media_id FROM media_refs AS r WHERE r.message_id IN {ids}) \
         AND state < {deleting} AND NOT EXISTS (SELECT 1 FROM media_refs AS other WHERE other.media_id = media.id \
         AND other.message_id NOT IN {ids})",
    )
});
const REMOVE_REFS: &str = "DELETE FROM media_refs WHERE message_id IN {ids}";
/// Takes all files of the user `$1` from everybody.
static RELEASE_OF_USER: LazyLock<String> =
    LazyLock::new(|| with_states("UPDATE media SET {gone} WHERE owner_id = $1 AND state < {deleting}"));

/// The files that the drafts of a batch may name, with their sizes.
#[derive(Default)]
pub(super) struct UsableFiles(HashMap<(UserId, MediaId), u64>);

impl UsableFiles {
    /// Returns the files that a draft names, or the refusal of the first one that it may not.
    pub(super) fn named_by(&self, draft: &Draft) -> Result<Vec<Attachment>, Refusal> {
        let file = |text: &String| {
            let found =
                MediaId::parse(text).and_then(|id| Some(Attachment { id, size: *self.0.get(&(draft.sender, id))? }));
            found.ok_or_else(|| Refusal::NoAttachment { id: text.clone() })
        };
        draft.attachment_ids.iter().map(file).collect()
    }
}

impl Batch<'_> {
    /// Looks up the files that drafts name.
    pub(super) async fn usable_files(&self, drafts: impl Iterator<Item = &Draft>) -> Result<UsableFiles, StorageError> {
        let named = drafts.flat_map(|draft| draft.attachment_ids.iter().map(|id| (draft.sender, MediaId::parse(id))));
        let mut named: Vec<(MediaId, UserId)> = named.filter_map(|(sender, id)| Some((id?, sender))).collect();
        if named.is_empty() {
            return Ok(UsableFiles::default());
        }
        named.sort_unstable();
        named.dedup();
        let now = self.now.as_micros();
        let list = Bulk::new(named.iter().map(|(id, sender)| [Bytes(&id.0), Int(sender.0), BigInt(now)]));
        let lock = if matches!(self.tx, Transaction::Postgres(_)) { " FOR UPDATE OF media" } else { "" };
        let mut usable = HashMap::new();
        for row in self.tx.query_each(&format!("{}{lock}", *USABLE), &list).await? {
            let (id, owner, size): (MediaId, UserId, i64) = row.read()?;
            usable.insert((owner, id), size.unsigned_abs());
        }
        Ok(UsableFiles(usable))
    }

    /// Keeps the files that messages name which are stored now.
    pub(super) async fn attach(&self, messages: impl Iterator<Item = &Message>) -> Result<(), StorageError> {
        let messages = messages.filter(|message| !message.attachments.is_empty());
        let messages: Vec<_> = messages.map(|message| (message, Attachment::list(&message.attachments))).collect();
        if messages.is_empty() {
            return Ok(());
        }
        let files = messages.iter().flat_map(|(message, list)| {
            message.attachments.iter().zip(0..).map(move |(file, position)| (message.id, position, file, list))
        });
        match &self.tx {
            Transaction::Postgres(tx) => {
                let rows = files
                    .map(|(id, position, file, list)| [BigInt(id.0), Int(position), Bytes(&file.id.0), Text(list)]);
                let rows = Bulk::new(rows);
                tx.query_with(rows.with_arrays(&ATTACH), &rows).await?;
            }
            Transaction::Sqlite(tx) => {
                let [refs, shown, kept] = &*ATTACH_EACH;
                let rows =
                    files.clone().map(|(id, position, file, _)| [BigInt(id.0), Int(position), Bytes(&file.id.0)]);
                tx.execute_each(refs, rows)?;
                tx.execute_each(kept, files.map(|(_, _, file, _)| [Bytes(&file.id.0)]))?;
                let lists = messages.iter().map(|(message, list)| [BigInt(message.id.0), Text(list)]);
                tx.execute_each(shown, lists)?;
            }
        }
        Ok(())
    }

    /// Takes all files of a user from everybody: the account goes.
    pub(super) async fn release_files_of(&self, user: UserId) -> Result<(), StorageError> {
        self.execute(RELEASE_OF_USER.as_str(), [user.0.into()]).await?;
        Ok(())
    }
}

/// Ends that these messages keep files: they are gone for both sides. What no other message names is removed.
pub(in crate::storage) async fn release(
    tx: &impl Tx,
    backend: DatabaseBackend,
    messages: &[i64],
) -> Result<(), StorageError> {
    if messages.is_empty() {
        return Ok(());
    }
    let (ids, list): (&str, Value) = match backend {
        DatabaseBackend::Postgres => ("(SELECT UNNEST($1::BIGINT[]))", messages.to_vec().into()),
        _ => ("(SELECT value FROM json_each($1))", format!("{messages:?}").into()),
    };
    for sql in [RELEASE.as_str(), REMOVE_REFS] {
        tx.execute(sea_orm::Statement::from_sql_and_values(backend, sql.replace("{ids}", ids), [list.clone()])).await?;
    }
    Ok(())
}
