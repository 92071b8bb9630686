//! The servers that use a PostgreSQL database: each renews its row every few seconds.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{LIVE_US, Member, now};
use crate::domain::{Seq, Timestamp};
use crate::protocol::record::LEVEL;
use crate::storage::engine::tx::Tx as _;
use crate::storage::schema::versions::is_older;
use crate::storage::{Storage, StorageError};
use crate::version::VERSION;

/// Renews the row. It may have been lost in a failover.
const BEAT: &str = concat!(
    "INSERT INTO nodes (boot, label, version, level, told, sockets, leaving_until, seen_at) \
     VALUES ($1, $2, $3, $4, $5, $6, ",
    now!(),
    " + $7, ",
    now!(),
    ") ON CONFLICT (boot) DO UPDATE SET told = EXCLUDED.told, sockets = EXCLUDED.sockets, \
     leaving_until = COALESCE(nodes.leaving_until, EXCLUDED.leaving_until), seen_at = EXCLUDED.seen_at"
);
const LIST: &str = concat!(
    "SELECT n.boot, n.label, n.version, n.level, n.told, n.sockets, n.leaving_until, n.seen_at, ",
    now!(),
    " - n.seen_at, c.level FROM nodes AS n CROSS JOIN cluster AS c WHERE n.seen_at > ",
    now!(),
    " - $1 ORDER BY n.label, n.boot"
);
const LOCK: &str = "SELECT level FROM cluster WHERE id = 1 FOR UPDATE";
/// Raises the level, when no live server is below it.
const RAISE: &str = concat!(
    "UPDATE cluster SET level = $1 WHERE id = 1 AND level < $1 AND NOT EXISTS (SELECT 1 FROM nodes \
     WHERE level < $1 AND seen_at > ",
    now!(),
    " - $2)"
);
const REMOVE: &str = "DELETE FROM nodes WHERE boot = $1";

/// A server that was seen lately.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its run.
    pub boot: i64,
    /// Its name, for people.
    pub label: String,
    /// Its version.
    pub version: String,
    /// What it can read.
    pub level: i32,
    /// The number up to which it has announced everything.
    pub told: Seq,
    /// Its open sockets.
    pub sockets: i64,
    /// When it will have closed them, if it is stopping.
    pub leaving_until: Option<Timestamp>,
    /// When it was seen last.
    seen_at: i64,
    /// How long ago that is, in milliseconds.
    pub seen_ms_ago: i64,
    /// Whether it is this server.
    pub is_self: bool,
    /// What is written so that all servers can read it.
    pub agreed_level: i32,
}

/// What a server says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Pulse {
    /// The number up to which it has announced everything.
    pub told: Seq,
    /// Its open sockets.
    pub sockets: usize,
    /// The time in which it will have closed them, if it is stopping.
    pub leaving_in: Option<Duration>,
}

/// What a server learns of the others when it renews its row.
#[derive(Clone, Debug)]
pub struct Beat {
    /// The servers that were seen lately enough, with this one.
    pub live: usize,
    /// The runs of all that were seen within the last 15 seconds, each with the milliseconds since then.
    pub seen: Vec<(i64, i64)>,
}

impl Storage {
    /// Renews this server's row, raises the level where all can read it, and follows PostgreSQL's timeline. Returns how
    /// many servers were seen within `dead_after`; `None` before [`join`](Self::join), and on SQLite.
    pub async fn beat(&self, pulse: Pulse, dead_after: Duration) -> Result<Option<Beat>, StorageError> {
        let mut membership = self.membership.0.lock().await;
        let (Some(member), Some(db)) = (&mut *membership, &self.journal) else { return Ok(None) };
        let sockets = i64::try_from(pulse.sockets).unwrap_or(i64::MAX);
        let leaving_us = pulse.leaving_in.map(|wait| i64::try_from(wait.as_micros()).unwrap_or(i64::MAX / 2));
        let values = [
            self.boot.into(),
            member.label.clone().into(),
            VERSION.into(),
            LEVEL.into(),
            pulse.told.0.into(),
            sockets.into(),
            leaving_us.into(),
        ];
        db.execute(self.statement(BEAT, values)).await?;
        let nodes = self.nodes().await?;
        self.warn_of_namesake(member, &nodes);
        if let Some(node) = nodes.first() {
            self.agreed_level.store(node.agreed_level, Ordering::Relaxed);
        }
        if nodes.iter().all(|node| node.level >= LEVEL) && nodes.iter().any(|node| node.agreed_level < LEVEL) {
            self.raise_level().await?;
        }
        self.follow_timeline(member).await?;
        let dead_after_ms = i64::try_from(dead_after.as_millis()).unwrap_or(i64::MAX);
        let live = nodes.iter().filter(|node| node.seen_ms_ago < dead_after_ms).count();
        self.note_shared(live > 1);
        Ok(Some(Beat { live, seen: nodes.iter().map(|node| (node.boot, node.seen_ms_ago)).collect() }))
    }

    /// Returns the level that all live servers can read, as it was when this one renewed its row last.
    #[must_use]
    pub fn agreed_level(&self) -> i32 {
        self.agreed_level.load(Ordering::Relaxed)
    }

    /// Returns whether other servers were live when this one renewed its row last.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.has_others.load(Ordering::Relaxed)
    }

    /// Takes in whether other servers are live.
    pub(crate) fn note_shared(&self, is_shared: bool) {
        self.has_others.store(is_shared, Ordering::Relaxed);
    }

    /// Returns the time for which its batches keep those of other servers waiting, which 99 of 100 do not exceed;
    /// `None` when there was none for a minute.
    #[must_use]
    pub fn hold_p99(&self) -> Option<Duration> {
        self.hold_times.p99()
    }

    /// Returns the servers that were seen within the last 15 seconds; none on SQLite.
    pub async fn nodes(&self) -> Result<Vec<Node>, StorageError> {
        let Some(db) = &self.journal else { return Ok(Vec::new()) };
        let rows = db.query(self.statement(LIST, [LIVE_US.into()])).await?;
        let nodes = rows.into_iter().map(|row| {
            let boot = row.get(0)?;
            Ok(Node {
                boot,
                label: row.get(1)?,
                version: row.get(2)?,
                level: row.get(3)?,
                told: row.get(4)?,
                sockets: row.get(5)?,
                leaving_until: row.get(6)?,
                seen_at: row.get(7)?,
                seen_ms_ago: row.get::<i64>(8)? / 1000,
                is_self: boot == self.boot,
                agreed_level: row.get(9)?,
            })
        });
        nodes.collect()
    }

    /// Removes this server's row, so that nobody need wait until it counts as gone.
    pub(in crate::storage) async fn leave(&self) -> Result<(), StorageError> {
        let was_member = self.membership.0.lock().await.take().is_some();
        if let Some(db) = self.journal.as_ref().filter(|_| was_member) {
            db.execute(self.statement(REMOVE, [self.boot.into()])).await?;
        }
        Ok(())
    }

    /// Returns [`StorageError::OlderNode`] while a server of an older version than this one is live.
    pub async fn refuse_older_nodes(&self) -> Result<(), StorageError> {
        let mut nodes = self.nodes().await?.into_iter();
        match nodes.find(|node| is_older(&node.version, VERSION)) {
            Some(Node { label, version, .. }) => Err(StorageError::OlderNode { label, version }),
            None => Ok(()),
        }
    }

    async fn raise_level(&self) -> Result<(), StorageError> {
        let tx = self.begin().await?;
        // A server that joins takes the same lock before it adds itself.
        tx.query_one(self.statement(LOCK, [])).await?;
        tx.execute(self.statement(RAISE, [LEVEL.into(), LIVE_US.into()])).await?;
        tx.commit().await
    }

    /// Warns once when another server has the same label: people could not tell them apart.
    fn warn_of_namesake(&self, member: &mut Member, nodes: &[Node]) {
        // The row of a run that has crashed before this one began is not renewed.
        let is_namesake =
            |node: &Node| node.boot != self.boot && node.label == member.label && node.seen_at > member.joined_at;
        if !member.has_namesake && nodes.iter().any(is_namesake) {
            member.has_namesake = true;
            tracing::warn!(
                label = member.label,
                "another server has the same name: set cluster.node to different ones"
            );
        }
    }
}
