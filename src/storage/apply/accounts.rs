//! Deleting an account: at once for everybody who looks; the messages themselves are destroyed right afterwards, a few at a
//! time.

use sea_orm::{ConnectionTrait as _, EntityTrait as _, Value};

use super::{Batch, Place};
use crate::domain::{Answer, DirectKey, EventBody, Outcome, Refusal, UserId};
use crate::storage::StorageError;
use crate::storage::entity::user;
use crate::storage::events::Kind;

/// Events in other users' streams that name the account: key changes and blocks.
const FORGET_ABOUT: &str = "DELETE FROM events WHERE user_id = $1 AND subject = $2 AND kind IN (5, 7, 8)";
const BLOCKERS: &str = "SELECT user_id FROM blocks WHERE other_id = $1";

impl Batch<'_> {
    pub(super) async fn delete_account(&mut self, place: Place, user: UserId) -> Result<Outcome, StorageError> {
        if self.user(user).await?.is_none() {
            return Ok(Outcome::refused(Refusal::NotFound));
        }
        let seq = self.seq(place);
        let mut partners = self.partners(user).await?;
        for (conversation, partner) in &partners {
            for member in [user, *partner] {
                let sql = "DELETE FROM members WHERE user_id = $1 AND conversation_id = $2";
                self.execute(sql, [member.0.into(), (*conversation).into()]).await?;
            }
            self.execute("DELETE FROM conversations WHERE id = $1", [Value::from(*conversation)]).await?;
            let sql = "INSERT INTO wipes (conversation_id, user_id, seq) VALUES ($1, $2, $3)";
            self.execute(sql, [(*conversation).into(), user.0.into(), seq.0.into()]).await?;
            self.facts.conversations.pop(&DirectKey::new(user, *partner));
        }
        partners.retain(|(_, partner)| *partner != user);

        let rows = self.tx.query_all_raw(self.statement(BLOCKERS, [Value::from(user.0)])).await?;
        let blockers: Result<Vec<i32>, _> = rows.iter().map(|row| row.try_get_by_index(0)).collect();
        for other in blockers?.into_iter().chain(partners.iter().map(|(_, partner)| partner.0)) {
            self.execute(FORGET_ABOUT, [other.into(), i64::from(user.0).into()]).await?;
        }
        self.execute("DELETE FROM events WHERE user_id = $1", [Value::from(user.0)]).await?;
        self.execute("DELETE FROM blocks WHERE user_id = $1 OR other_id = $1", [Value::from(user.0)]).await?;
        // Login sessions, tokens, tickets and devices go with it.
        user::Entity::delete_by_id(user.0).exec(&self.tx).await?;
        self.next_rules().await?;
        self.facts.users.pop(&user);

        self.changed = true;
        let told = partners.into_iter().map(|(_, partner)| partner).collect();
        let body = EventBody::UserDeleted(user);
        let events = self.publish(told, seq, Kind::UserDeleted, i64::from(user.0), "", body).await?;
        Ok(Outcome { answer: Ok(Answer::Done), events })
    }
}
