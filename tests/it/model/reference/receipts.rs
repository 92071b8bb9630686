//! Receipts: how far users have received and read.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::{Position, Record, Reference, check_error};
use crate::model::Checked;
use crate::model::event::{Event, Kind, Message, Receipt};

/// The partner's newest message at or below something. Whether a message that is gone still counts the contract does
/// not say: each of the partner's messages between the two may be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    /// Of those that the user still has.
    least: i64,
    /// Tombstones counted.
    most: i64,
}

/// A `delivered` that a partner must or may be told.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::model) struct ExpectedDelivery {
    /// Who has kept messages.
    pub(in crate::model) user: i64,
    /// Whose messages.
    pub(in crate::model) partner: i64,
    /// Whether an event must come.
    pub(in crate::model) must: bool,
    /// Up to which message.
    up_to: Target,
}

impl Reference {
    fn target(&self, user: i64, partner: i64, counts: impl Fn(&Record) -> bool) -> Target {
        let theirs = |record: &&Record| {
            (record.message.sender_id, record.message.receiver_id) == (partner, user) && counts(record)
        };
        let newest = |record: Option<&Record>| record.map_or(0, |record| record.message.id);
        let all = || self.messages.values().rev().filter(theirs);
        Target { least: newest(all().find(|record| !record.gone_for(user))), most: newest(all().next()) }
    }

    /// Whether a receipt may name this message.
    fn may_name(&self, receipt: &Receipt, target: Target) -> bool {
        let message = self.messages.get(&receipt.up_to_id).map(|record| &record.message);
        let theirs = message.is_some_and(|m| (m.sender_id, m.receiver_id) == (receipt.partner_id, receipt.user_id));
        theirs && (target.least..=target.most).contains(&receipt.up_to_id)
    }

    fn position(&mut self, user: i64, partner: i64) -> &mut Position {
        self.positions.entry((user, partner)).or_default()
    }

    /// Judges the answers to `read` frames of one user about one partner that were on their way together and may have
    /// been merged: pairs of `up_to_id` and answer. `resent`: earlier tries may have reached the server.
    pub(in crate::model) fn judge_reads(
        &mut self,
        user: i64,
        partner: i64,
        reads: &[(i64, &Value)],
        resent: bool,
    ) -> Checked {
        let Some(conversation) = self.conversation(user, partner) else {
            return reads.iter().try_for_each(|(_, answer)| check_error(answer, &["not_found"]));
        };
        let targets: Vec<Target> =
            reads.iter().map(|(up_to, _)| self.target(user, partner, |record| record.message.id <= *up_to)).collect();
        let before = self.position(user, partner).clone();
        let mut known: Vec<Receipt> = Vec::new();
        let mut new: Vec<Receipt> = Vec::new();
        for ((_, answer), target) in reads.iter().zip(&targets) {
            prop_assert_eq!(&answer["type"], "receipt", "{}", answer);
            let up_to = answer["up_to_id"].as_i64();
            prop_assert!(up_to >= Some(target.least), "less than {:?}: {}", target, answer);
            let again = answer["duplicate"] == true;
            if again && answer.get("seq").is_none_or(Value::is_null) {
                prop_assert!(up_to == Some(0) && before.read == 0, "{:?} stands: {}", before, answer);
                continue;
            }
            let Event::Receipt(receipt) = Event::parse(answer)? else { unreachable!("its type was looked at") };
            let about = (receipt.kind, receipt.conversation_id, receipt.user_id, receipt.partner_id);
            prop_assert_eq!(about, (Kind::Read, conversation, user, partner), "{}", answer);
            if again { known.push(receipt) } else { new.push(receipt) }
        }
        if resent {
            // The first tries have moved it, and only their repetitions are answered.
            known.retain(|receipt| receipt.seq <= before.read_seq || !insert(&mut new, receipt));
        }
        new.sort_by_key(|receipt| receipt.seq);
        for receipt in new {
            let forward = receipt.up_to_id > self.position(user, partner).read;
            prop_assert!(
                forward && targets.iter().any(|target| self.may_name(&receipt, *target)),
                "{:?}: {:?}",
                targets,
                receipt
            );
            self.read(receipt)?;
        }
        for receipt in known {
            let standing = self.events.get(&user).and_then(|events| events.get(&receipt.seq));
            let is = standing == Some(&Event::Receipt(receipt.clone())) && receipt.seq >= before.read_seq;
            prop_assert!(is, "does not stand: {:?}, {:?}", receipt, before);
        }
        let (read, least) = (self.position(user, partner).read, targets.iter().map(|target| target.least).max());
        prop_assert!(Some(read) >= least, "read is {}, not {:?}", read, targets);
        Ok(())
    }

    /// Whether each has written to the other before this `seq`.
    fn mutual(&self, a: i64, b: i64, before: i64) -> bool {
        let wrote = |from, to| {
            let between = |message: &Message| (message.sender_id, message.receiver_id) == (from, to);
            self.messages.values().any(|record| record.message.seq < before && between(&record.message))
        };
        wrote(a, b) && wrote(b, a)
    }

    /// A `read` that has moved something: the user learns it, the partner only when each has written to the other, and
    /// while neither has blocked the other.
    fn read(&mut self, receipt: Receipt) -> Checked {
        let (user, partner, up_to) = (receipt.user_id, receipt.partner_id, receipt.up_to_id);
        let (blocked, mutual) = (self.blocked(user, partner), self.mutual(user, partner, receipt.seq));
        let position = self.position(user, partner);
        position.read = up_to;
        position.read_seq = receipt.seq;
        if mutual {
            position.delivered_most = position.delivered_most.max(up_to);
        }
        if mutual && !blocked {
            position.read_told = up_to;
            position.delivered_told = position.delivered_told.max(up_to);
            self.push(partner, Event::Receipt(receipt.clone()))?;
        }
        self.push(user, Event::Receipt(receipt))
    }

    /// Whether a `read` whose answer is not seen, up to the newest message, moves something; `None` when the contract
    /// leaves it open.
    pub(in crate::model) fn reads_anew(&mut self, user: i64, partner: i64, up_to: i64) -> Option<bool> {
        let target = self.target(user, partner, |record| record.message.id <= up_to);
        let read = self.position(user, partner).read;
        if target.least > read { Some(true) } else { (target.most <= read).then_some(false) }
    }

    /// Records a `read` whose answer was not seen, up to `up_to` or the newest message below.
    pub(in crate::model) fn observe_read(&mut self, user: i64, partner: i64, up_to: i64, event: Event) -> Checked {
        let target = self.target(user, partner, |record| record.message.id <= up_to);
        let conversation = self.conversation(user, partner);
        let read = self.position(user, partner).read;
        match event {
            Event::Receipt(receipt)
                if (receipt.kind, receipt.user_id, receipt.partner_id) == (Kind::Read, user, partner)
                    && Some(receipt.conversation_id) == conversation
                    && receipt.up_to_id > read
                    && self.may_name(&receipt, target) =>
            {
                self.read(receipt)
            }
            other => Err(TestCaseError::fail(format!("expected a read up to {target:?}, got {other:?}"))),
        }
    }

    /// A device of the user keeps everything up to a `seq`: what partners must or may be told.
    pub(in crate::model) fn deliver(&mut self, user: i64, up_to_seq: i64) -> Vec<ExpectedDelivery> {
        let partners: BTreeSet<i64> = self.messages.values().flat_map(Record::users).filter(|id| *id != user).collect();
        let mut expected = Vec::new();
        for partner in partners {
            if !self.mutual(user, partner, i64::MAX) {
                continue;
            }
            let target = self.target(user, partner, |record| record.message.seq <= up_to_seq);
            let blocked = self.blocked(user, partner);
            let position = self.position(user, partner);
            if !blocked && target.most > position.delivered_told {
                let must = target.least > position.delivered_most;
                expected.push(ExpectedDelivery { user, partner, must, up_to: target });
            }
            position.delivered_most = position.delivered_most.max(target.most);
        }
        expected
    }

    /// The partner is told of a delivery.
    pub(in crate::model) fn delivered(&mut self, expected: &ExpectedDelivery, event: Event) -> Checked {
        let conversation = self.conversation(expected.user, expected.partner);
        let told = self.position(expected.user, expected.partner).delivered_told;
        match &event {
            Event::Receipt(receipt)
                if receipt.kind == Kind::Delivered
                    && (receipt.user_id, receipt.partner_id) == (expected.user, expected.partner)
                    && Some(receipt.conversation_id) == conversation
                    && self.may_name(receipt, expected.up_to)
                    && receipt.up_to_id > told =>
            {
                self.position(expected.user, expected.partner).delivered_told = receipt.up_to_id;
                self.push(expected.partner, event)
            }
            other => Err(TestCaseError::fail(format!("expected {expected:?}, got {other:?}"))),
        }
    }
}

/// Adds a receipt that is not there yet; returns true, since it is there now.
fn insert(receipts: &mut Vec<Receipt>, receipt: &Receipt) -> bool {
    if !receipts.contains(receipt) {
        receipts.push(receipt.clone());
    }
    true
}
