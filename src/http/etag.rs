//! Files that a client has already.

use http::HeaderMap;
use http::header::IF_NONE_MATCH;

/// Returns whether the client has the file with this tag already (RFC 9110 §13.1.2).
pub(super) fn is_cached(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tag_of_several_is_enough() {
        let with = |tags: &str| HeaderMap::from_iter([(IF_NONE_MATCH, tags.parse().unwrap())]);
        for known in ["*", "\"abc\"", "W/\"abc\"", "\"x\", \"abc\""] {
            assert!(is_cached(&with(known), "\"abc\""), "{known}");
        }
        assert!(!is_cached(&with("\"x\""), "\"abc\"") && !is_cached(&HeaderMap::new(), "\"abc\""));
    }
}
