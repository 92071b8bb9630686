//! The id of a request: in the log, in the header `X-Request-Id` of its response, and with the commands that it has
//! given to the writer.

use std::fmt;
use std::sync::Arc;

use futures_util::future::Either;
use tokio::task::futures::TaskLocalFuture;

/// Longest id of a proxy, in characters.
const MAX_LENGTH: usize = 64;

tokio::task_local! {
    /// The request that the task works for.
    static CURRENT: RequestId;
}

/// The id of a request. Clones share its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Makes an id that no other request has: 32 hexadecimal digits.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()).into())
    }

    /// Returns the id that a proxy has given the request. Only up to 64 printable characters of ASCII are taken.
    #[must_use]
    pub fn of_proxy(text: &[u8]) -> Option<Self> {
        let is_printable = (1..=MAX_LENGTH).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
        std::str::from_utf8(text).ok().filter(|_| is_printable).map(|text| Self(text.into()))
    }

    /// Returns the id of the request that this task works for; `None` outside of requests.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Runs `work` for this request.
    pub fn scope<F: Future>(self, work: F) -> TaskLocalFuture<Self, F> {
        CURRENT.scope(self, work)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Runs `work` for the request, if any, that this task works for: for work that another task goes on with.
pub fn in_current_request<F: Future>(work: F) -> Either<TaskLocalFuture<RequestId, F>, F> {
    match RequestId::current() {
        Some(id) => Either::Left(id.scope(work)),
        None => Either::Right(work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_printable_ids_of_proxies_are_taken() {
        for text in ["a", "7f3a-19", "Root=1-67891233-abcdef012345678912345678", &"x".repeat(64)] {
            assert_eq!(RequestId::of_proxy(text.as_bytes()).unwrap().as_str(), text);
        }
        for text in ["", "a b", "a\n", "a\u{7f}", "\u{e9}", &"x".repeat(65)] {
            assert_eq!(RequestId::of_proxy(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(RequestId::random().as_str().len(), 32);
        assert_ne!(RequestId::random(), RequestId::random());
    }

    #[tokio::test]
    async fn work_for_a_request_knows_it_and_so_does_what_goes_on_elsewhere() {
        let id = RequestId::random();
        let seen = id.clone().scope(async {
            let elsewhere = tokio::spawn(in_current_request(async { RequestId::current() }));
            let alone = tokio::spawn(async { RequestId::current() });
            (RequestId::current(), elsewhere.await.unwrap(), alone.await.unwrap())
        });
        assert_eq!(seen.await, (Some(id.clone()), Some(id), None));
        assert_eq!((RequestId::current(), in_current_request(async { RequestId::current() }).await), (None, None));
    }
}
