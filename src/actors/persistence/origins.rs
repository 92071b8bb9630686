//! Whose commands a batch holds, for the log.

use super::reply::PendingReply;

/// Most requests, and most sockets, that are named; the rest are counted.
const NAMED: usize = 16;

/// The requests and the sockets that a batch has commands of. Made only for a line in the log.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Origins {
    requests: Names,
    connections: Names,
}

/// Some names, and the number of all.
#[derive(Debug, Default, PartialEq, Eq)]
struct Names {
    named: Vec<String>,
    others: usize,
}

impl Names {
    fn add(&mut self, name: String) {
        // Commands of one request are mostly next to each other.
        if self.named.contains(&name) {
            return;
        }
        if self.named.len() < NAMED {
            self.named.push(name);
        } else {
            self.others += 1;
        }
    }

    /// Returns the names in one text; `None` when there are none.
    fn listed(&self) -> Option<String> {
        let others = if self.others == 0 { String::new() } else { format!(" and {} more", self.others) };
        (!self.named.is_empty()).then(|| format!("{}{others}", self.named.join(" ")))
    }
}

impl Origins {
    /// Those of the commands that wait for `replies`.
    pub(super) fn of(replies: &[PendingReply]) -> Self {
        let mut origins = Self::default();
        for reply in replies {
            if let Some(request) = reply.request() {
                origins.requests.add(request.to_string());
            }
            if let Some(socket) = reply.socket_id() {
                origins.connections.add(socket.to_string());
            }
        }
        origins
    }

    /// Returns the ids of requests; `None` when there are none.
    pub(super) fn requests(&self) -> Option<String> {
        self.requests.listed()
    }

    /// Returns the ids of sockets; `None` when there are none.
    pub(super) fn connections(&self) -> Option<String> {
        self.connections.listed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_named_once_and_many_are_counted() {
        let mut names = Names::default();
        assert_eq!(names.listed(), None);
        names.add("a".to_owned());
        names.add("b".to_owned());
        names.add("a".to_owned());
        assert_eq!(names.listed().unwrap(), "a b");
        for number in 0..20 {
            names.add(number.to_string());
        }
        assert!(names.listed().unwrap().ends_with(" 12 13 and 6 more"), "{names:?}");
    }
}
