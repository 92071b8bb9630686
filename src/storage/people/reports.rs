//! Reports of messages.

use std::sync::LazyLock;

use sea_orm::Value;

use crate::domain::{
    Attested, MessageId, NewReport, Report, ReportDecision, ReportId, ReportLevel, ReportReason, ReportState,
    Timestamp, UserId,
};
use crate::storage::engine::page::bind;
use crate::storage::engine::row::{Columns as _, Row, columns};
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

columns! {
    /// A report; of its plaintext only what is asked for.
    struct ReportColumns {
        id: ReportId = "id",
        reporter: Option<UserId> = "reporter_id",
        subject: UserId = "subject_id",
        message: MessageId = "message_id",
        sent_at: Timestamp = "sent_at",
        level: String = "level",
        reason: String = "reason",
        note: String = "note",
        plaintext: Option<String> = "plaintext",
        state: String = "state",
        created_at: Timestamp = "created_at",
        decided_at: Option<Timestamp> = "decided_at",
        decision_note: Option<String> = "decision_note",
    }
}

impl ReportColumns {
    fn report(self) -> Result<Report, StorageError> {
        const CORRUPT: StorageError = StorageError::Corrupt("a word of a report");
        Ok(Report {
            id: self.id,
            reporter: self.reporter,
            subject: self.subject,
            message: self.message,
            sent_at: self.sent_at,
            level: ReportLevel::parse(&self.level).ok_or(CORRUPT)?,
            reason: ReportReason::parse(&self.reason).ok_or(CORRUPT)?,
            note: self.note,
            plaintext: self.plaintext,
            state: ReportState::parse(&self.state).ok_or(CORRUPT)?,
            created_at: self.created_at,
            decided_at: self.decided_at,
            decision_note: self.decision_note,
        })
    }
}

/// Adds a report, unless its reporter has reported the message before, or its subject is gone.
const ADD: &str = "INSERT INTO reports \
     (reporter_id, subject_id, message_id, sent_at, level, reason, note, plaintext, state, created_at) \
     SELECT $1, id, $3, $4, $5, $6, $7, $8, 'open', $9 FROM users WHERE id = $2 \
     ON CONFLICT (reporter_id, message_id) DO NOTHING RETURNING id";
const FIRST: &str = "SELECT id, level FROM reports WHERE reporter_id = $1 AND message_id = $2";
static LIST: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM reports WHERE id < $1 AND ($3 = '' OR state = $3) ORDER BY id DESC LIMIT $2 + 0",
        ReportColumns::select()
    )
});
static ONE: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM reports WHERE id = $1", ReportColumns::select()));
const DECIDE: &str = "UPDATE reports SET state = $2, decided_at = $3, decided_by = $4, \
     decision_note = COALESCE($5, decision_note) WHERE id = $1";

/// What has become of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddedReport {
    /// The report.
    pub id: ReportId,
    /// What it proves.
    pub level: ReportLevel,
    /// Whether it was there before.
    pub is_repeated: bool,
}

impl Storage {
    /// Adds a report that was checked. The first report of a message by a user stays as it is. Returns `None` when the
    /// sender's account is gone.
    pub async fn add_report(
        &self,
        new: &NewReport,
        level: ReportLevel,
        now: Timestamp,
    ) -> Result<Option<AddedReport>, StorageError> {
        let Attested { message, sender, receiver, timestamp, .. } = new.attested;
        let plaintext = new.disclosure.as_ref().map(|disclosure| disclosure.plaintext.clone());
        let values: [Value; 9] = [
            receiver.0.into(),
            sender.0.into(),
            message.0.into(),
            timestamp.as_micros().into(),
            level.as_str().into(),
            new.reason.as_str().into(),
            new.note.clone().into(),
            plaintext.into(),
            now.as_micros().into(),
        ];
        let tx = self.begin().await?;
        if let Some(row) = tx.query_one(self.statement(ADD, values)).await? {
            let id = row.get(0)?;
            tx.commit().await?;
            return Ok(Some(AddedReport { id, level, is_repeated: false }));
        }
        let first = tx.query_one(self.statement(FIRST, [receiver.0.into(), message.0.into()])).await?;
        tx.rollback().await?;
        let Some((id, level)) = first.map(Row::read::<(ReportId, String)>).transpose()? else { return Ok(None) };
        let level = ReportLevel::parse(&level).ok_or(StorageError::Corrupt("the level of a report"))?;
        Ok(Some(AddedReport { id, level, is_repeated: true }))
    }

    /// Returns reports before this one, newest first, at most `limit`.
    pub async fn reports(
        &self,
        state: Option<ReportState>,
        before: Option<ReportId>,
        limit: u64,
    ) -> Result<Vec<Report>, StorageError> {
        let state = state.map_or("", ReportState::as_str);
        let values = [before.map_or(i64::MAX, |id| id.0).into(), bind(limit), state.into()];
        let rows = self.reads.query(self.statement(LIST.as_str(), values)).await?;
        rows.into_iter().map(|row| row.read::<ReportColumns>()?.report()).collect()
    }

    /// Returns a report.
    pub async fn report(&self, id: ReportId) -> Result<Option<Report>, StorageError> {
        let row = self.reads.query_one(self.statement(ONE.as_str(), [id.0.into()])).await?;
        row.map(|row| row.read::<ReportColumns>()?.report()).transpose()
    }

    /// Decides a report, or decides it anew. Returns whether there is one.
    pub async fn decide_report(
        &self,
        id: ReportId,
        decision: &ReportDecision,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let (state, note) = (decision.state.as_str(), decision.note.clone());
        let values = [id.0.into(), state.into(), now.as_micros().into(), by.into(), note.into()];
        let tx = self.begin().await?;
        let decided = tx.execute(self.statement(DECIDE, values)).await? > 0;
        tx.commit().await?;
        Ok(decided)
    }
}
