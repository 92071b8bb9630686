//! Reading `Authorization: Bearer …` (RFC 6750 §2.1).

/// The token in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer<'a> {
    /// There is no header, or it has another scheme.
    Absent,
    /// One token, possibly repeated.
    Token(&'a str),
    /// Different tokens, of which none can be preferred.
    Ambiguous,
}

/// Reads the header's values.
///
/// The shipped Android client repeats a request with `Bearer X,Bearer X`; identical tokens count as one.
pub fn bearer<'a>(values: impl IntoIterator<Item = &'a str>) -> Bearer<'a> {
    let mut found = Bearer::Absent;
    for part in values.into_iter().flat_map(|value| value.split(',')) {
        let Some(token) = token(part.trim()) else { continue };
        found = match found {
            Bearer::Absent => Bearer::Token(token),
            Bearer::Token(first) if first == token => found,
            Bearer::Token(_) | Bearer::Ambiguous => Bearer::Ambiguous,
        };
    }
    found
}

fn token(credentials: &str) -> Option<&str> {
    let (scheme, token) = credentials.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_token_however_often() {
        assert_eq!(bearer(["Bearer a"]), Bearer::Token("a"));
        assert_eq!(bearer(["bearer  a "]), Bearer::Token("a"));
        assert_eq!(bearer(["Bearer a,Bearer a"]), Bearer::Token("a"));
        assert_eq!(bearer(["Bearer a", "Bearer a"]), Bearer::Token("a"));
    }

    #[test]
    fn different_tokens_are_ambiguous() {
        assert_eq!(bearer(["Bearer a,Bearer b"]), Bearer::Ambiguous);
        assert_eq!(bearer(["Bearer a", "Bearer b"]), Bearer::Ambiguous);
        assert_eq!(bearer(["Bearer a,Bearer b,Bearer a"]), Bearer::Ambiguous);
    }

    #[test]
    fn other_schemes_are_absent() {
        for value in ["", "Bearer", "Bearer ", "Basic YTpi", "Bearera"] {
            assert_eq!(bearer([value]), Bearer::Absent, "{value}");
        }
    }
}
