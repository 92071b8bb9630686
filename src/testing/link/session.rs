//! A connection as a proxy sees it: the statements that its client has prepared, its round trips, and the transaction
//! that holds the row of `store`, for which all writers wait.

use std::collections::HashMap;

use super::wire::ends_with_commit;

/// Most characters of a statement in a report.
const SHOWN: usize = 200;

/// A transaction that has locked the row of `store`, from the statement that locks it to the end of the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldTransaction {
    /// The beginnings of the statements of each round trip. What is sent before the database has replied to everything
    /// belongs to the same round trip; preparing a statement is one.
    pub round_trips: Vec<String>,
    /// Whether it was committed.
    pub is_committed: bool,
}

/// The state of a connection.
#[derive(Debug)]
pub(super) struct Session {
    statements: HashMap<Vec<u8>, String>,
    /// Requests that the client has ended, each of which the database answers with `ReadyForQuery`.
    asked: usize,
    answered: usize,
    /// Whether the client has begun a request and not ended it.
    is_asking: bool,
    /// Whether the client is in a transaction, as the database has said last.
    is_in_transaction: bool,
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    transaction: HeldTransaction,
    /// The number of the request that locks the row.
    since: usize,
}

impl Session {
    /// Makes the state of a connection that is being opened, which the database answers like a request.
    pub(super) fn new() -> Self {
        Self {
            statements: HashMap::new(),
            asked: 1,
            answered: 0,
            is_asking: false,
            is_in_transaction: false,
            held: None,
        }
    }

    /// Handles a message of the client, and returns the text of the statement that it carries out.
    pub(super) fn ask(&mut self, message: &[u8]) -> Option<String> {
        let (&kind, body) = (message.first()?, message.get(5..).unwrap_or_default());
        let mut parts = body.split(|&byte| byte == 0);
        let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (mut shown, mut executed) = (None, None);
        match kind {
            b'Q' => executed = Some(text(first)),
            b'P' => {
                shown = Some(format!("prepare {}", text(second)));
                self.statements.insert(first.to_vec(), text(second));
            }
            // The portal, then the statement.
            b'B' => executed = self.statements.get(second).cloned(),
            b'C' if first.first() == Some(&b'S') => {
                self.statements.remove(first.get(1..).unwrap_or_default());
            }
            _ => {}
        }
        if let Some(held) = &mut self.held
            && self.asked == self.answered
            && !self.is_asking
        {
            held.transaction.round_trips.push(String::new());
        }
        if self.held.is_none() && executed.as_deref().is_some_and(locks) {
            let transaction = HeldTransaction { round_trips: vec![String::new()], is_committed: true };
            self.held = Some(Held { transaction, since: self.asked });
        }
        if let Some(statement) = executed.as_ref().or(shown.as_ref())
            && let Some(last) = self.held.as_mut().and_then(|held| held.transaction.round_trips.last_mut())
        {
            if !last.is_empty() {
                last.push_str("; ");
            }
            last.extend(statement.chars().take(SHOWN));
        }
        let is_end = matches!(kind, b'Q' | b'S');
        self.is_asking = !is_end;
        self.asked += usize::from(is_end);
        executed
    }

    /// Handles a message of the database, and returns the transaction that it ends, if that has locked the row.
    pub(super) fn answer(&mut self, message: &[u8]) -> Option<HeldTransaction> {
        match message {
            [b'E', ..] => self.roll_back(),
            [b'C', _, _, _, _, tag @ ..] if tag.starts_with(b"ROLLBACK\0") => self.roll_back(),
            [b'Z', _, _, _, _, state] => {
                let number = self.answered;
                self.answered += 1;
                self.is_in_transaction = *state != b'I';
                let is_over = |held: &mut Held| *state == b'I' && number >= held.since;
                return self.held.take_if(is_over).map(|held| held.transaction);
            }
            _ => {}
        }
        None
    }

    /// Returns whether this statement, which was [asked](Self::ask) last, commits a transaction that locks the row: by
    /// its end, or because it stands for itself.
    pub(super) fn commits(&self, statement: &str) -> bool {
        let stands_alone = || !self.is_in_transaction && locks(statement) && !statement.contains("BEGIN");
        self.held.is_some() && (ends_with_commit(statement) || stands_alone())
    }

    /// Returns whether a transaction has locked the row, and its client may know.
    pub(super) fn holds_row(&self) -> bool {
        self.held.as_ref().is_some_and(|held| self.answered > held.since && held.transaction.is_committed)
    }

    fn roll_back(&mut self) {
        if let Some(held) = &mut self.held {
            held.transaction.is_committed = false;
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns whether a statement locks the row of `store`.
fn locks(statement: &str) -> bool {
    statement.contains("UPDATE store SET") || (statement.contains("FROM store") && statement.contains("FOR UPDATE"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "UPDATE store SET head = head + $1";

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind, 0, 0, 0, 0], body].concat()
    }

    fn query(session: &mut Session, text: &str) -> Option<String> {
        session.ask(&message(b'Q', format!("{text}\0").as_bytes()))
    }

    fn ready(session: &mut Session, state: u8) -> Option<HeldTransaction> {
        session.answer(&message(b'Z', &[state]))
    }

    fn opened() -> Session {
        let mut session = Session::new();
        assert_eq!(ready(&mut session, b'I'), None);
        session
    }

    fn round_trips(transaction: Option<HeldTransaction>) -> Vec<String> {
        let transaction = transaction.unwrap();
        assert!(transaction.is_committed);
        transaction.round_trips
    }

    #[test]
    fn round_trips_from_the_lock_to_the_end() {
        let mut session = opened();
        query(&mut session, "BEGIN");
        assert_eq!(ready(&mut session, b'T'), None);
        session.ask(&message(b'P', format!("s1\0{LOCK}\0\0\0").as_bytes()));
        session.ask(&message(b'D', b"Ss1\0"));
        session.ask(&message(b'S', b""));
        assert_eq!(ready(&mut session, b'T'), None, "it is only prepared");
        assert_eq!(session.ask(&message(b'B', b"\0s1\0\0\0")).as_deref(), Some(LOCK));
        session.ask(&message(b'E', b"\0"));
        session.ask(&message(b'S', b""));
        assert_eq!(ready(&mut session, b'T'), None);
        query(&mut session, "SELECT 1");
        query(&mut session, "SELECT 2");
        assert_eq!((ready(&mut session, b'T'), ready(&mut session, b'T')), (None, None));
        session.ask(&message(b'P', b"s2\0SELECT 3\0\0\0"));
        session.ask(&message(b'S', b""));
        ready(&mut session, b'T');
        query(&mut session, "INSERT INTO batches VALUES (1); COMMIT");
        session.answer(&message(b'C', b"INSERT 0 1\0"));
        session.answer(&message(b'C', b"COMMIT\0"));
        let expected = [LOCK, "SELECT 1; SELECT 2", "prepare SELECT 3", "INSERT INTO batches VALUES (1); COMMIT"];
        assert_eq!(round_trips(ready(&mut session, b'I')), expected);

        session.ask(&message(b'C', b"Ss1\0"));
        assert_eq!(session.ask(&message(b'B', b"\0s1\0\0\0")), None, "it is closed");
    }

    #[test]
    fn a_statement_alone_and_one_behind_another_request() {
        let mut session = opened();
        query(&mut session, "SELECT 1");
        query(&mut session, LOCK);
        assert_eq!(ready(&mut session, b'I'), None, "the answer to the first");
        assert_eq!(round_trips(ready(&mut session, b'I')), [LOCK]);
    }

    #[test]
    fn what_commits() {
        let mut session = opened();
        query(&mut session, LOCK);
        assert!(session.commits(LOCK), "it stands for itself");
        ready(&mut session, b'I');

        let begin = "BEGIN; SELECT head FROM store WHERE id = 1 FOR UPDATE";
        query(&mut session, begin);
        assert!(!session.commits(begin));
        ready(&mut session, b'T');
        query(&mut session, LOCK);
        assert!(!session.commits(LOCK), "there is more to come");
        ready(&mut session, b'T');
        query(&mut session, "SELECT 1; COMMIT");
        assert!(session.commits("SELECT 1; COMMIT"));
    }

    #[test]
    fn what_is_rolled_back() {
        for failure in [message(b'E', b"SERROR\0\0"), message(b'C', b"ROLLBACK\0")] {
            let mut session = opened();
            query(&mut session, "SELECT head FROM store WHERE id = 1 FOR UPDATE");
            session.answer(&failure);
            assert!(!ready(&mut session, b'I').unwrap().is_committed);
        }
    }
}
