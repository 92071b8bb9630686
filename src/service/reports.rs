//! Reports of messages.

use std::sync::Arc;

use serde_json::json;

use super::{Service, ServiceError};
use crate::domain::{
    AuditEvent, ClientAddress, NewAuditEntry, NewReport, Operator, Report, ReportDecision, ReportId, ReportLevel,
    ReportState, UserId,
};
use crate::storage::AddedReport;

impl Service {
    /// Stores a report whose every word is proved: by the token, who has sent the message to `reporter` and when, and
    /// by what the sender has committed to, what it says if that is disclosed. [`ServiceError::ReportInvalid`] for
    /// everything else, whatever it is, and for a message that is too old or whose sender is gone.
    pub async fn report(
        &self,
        reporter: UserId,
        report: NewReport,
        address: Option<ClientAddress>,
    ) -> Result<AddedReport, ServiceError> {
        let level = self.proved_level(reporter, &report).ok_or(ServiceError::ReportInvalid)?;
        let added = self.storage.add_report(&report, level, self.clock.now()).await?;
        let added = added.ok_or(ServiceError::ReportInvalid)?;
        if !added.is_repeated {
            let actor = NewAuditEntry::of_user(AuditEvent::Report, reporter).about(report.attested.sender);
            let detail = json!({"report": added.id, "level": level, "reason": report.reason});
            let network = address.map(ClientAddress::network);
            self.audit.record_now(actor.from_network(network).with(detail)).await?;
        }
        Ok(added)
    }

    /// Returns what a report proves, if all of it is proved.
    fn proved_level(&self, reporter: UserId, report: &NewReport) -> Option<ReportLevel> {
        let attested = &report.attested;
        let oldest = self.clock.now().plus_secs(-self.reports.window_s());
        let is_theirs = attested.receiver == reporter && attested.sender != reporter;
        if !is_theirs || !self.report_tokens.verify(attested, &report.token) || attested.timestamp < oldest {
            return None;
        }
        match (&report.disclosure, attested.tag) {
            (None, _) => Some(ReportLevel::Metadata),
            (Some(disclosed), Some(tag)) if disclosed.key.tag(&disclosed.plaintext) == tag => {
                Some(ReportLevel::Content)
            }
            (Some(_), _) => None,
        }
    }

    /// Returns reports before this one, newest first.
    pub async fn reports(
        &self,
        state: Option<ReportState>,
        before: Option<ReportId>,
        limit: u64,
    ) -> Result<Vec<Report>, ServiceError> {
        Ok(self.storage.reports(state, before, limit).await?)
    }

    /// Returns a report with what it discloses, which is recorded first.
    pub async fn reveal_report(&self, id: ReportId, by: Operator) -> Result<Report, ServiceError> {
        let report = self.storage.report(id).await?.ok_or(ServiceError::NoSuchReport)?;
        let entry = NewAuditEntry::of_operator(AuditEvent::AdminAction, by).about(report.subject);
        self.audit.record_now(entry.with(json!({"action": "reveal_report", "report": id, "by": by}))).await?;
        Ok(report)
    }

    /// Decides a report, or decides it anew, and disables the account of the sender first where that is decided, too.
    /// [`ServiceError::NoSuchReport`] when there is none.
    pub async fn decide_report(
        self: &Arc<Self>,
        id: ReportId,
        decision: ReportDecision,
        by: Operator,
    ) -> Result<Report, ServiceError> {
        let found = self.storage.report(id).await?.ok_or(ServiceError::NoSuchReport)?;
        let who = match by {
            Operator::LocalUser(user) => format!("local user {user}"),
            Operator::Token(id) => format!("token {id}"),
            Operator::Unknown => "unknown".to_owned(),
        };
        if decision.disables_user {
            self.set_disabled(found.subject, true, by).await?;
        }
        if !self.storage.decide_report(id, &decision, &who, self.clock.now()).await? {
            return Err(ServiceError::NoSuchReport);
        }
        let entry = NewAuditEntry::of_operator(AuditEvent::ReportDecided, by).about(found.subject);
        let (state, disables_user) = (decision.state, decision.disables_user);
        let detail = json!({"report": id, "state": state, "disables_user": disables_user, "by": by});
        self.audit.record_now(entry.with(detail)).await?;
        self.storage.report(id).await?.ok_or(ServiceError::NoSuchReport)
    }
}
