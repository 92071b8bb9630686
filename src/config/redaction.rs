//! The parts of a database's URL that may be shown: all but user and password.

use serde::Serializer;

use secrecy::{ExposeSecret as _, SecretString};

/// The text that replaces what is hidden.
pub(super) const HIDDEN: &str = "[redacted]";

/// Parameters of PostgreSQL's URLs that hold no secret. Any other may be a password (`?password=`).
const OPEN: [&str; 12] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "mode",
    "options",
    "port",
    "ssl",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
];

/// Returns the URL without user, password and unknown parameters. What cannot be distinguished from them is hidden too.
pub(super) fn url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return if url.is_empty() { String::new() } else { HIDDEN.to_owned() };
    };
    // It is the last `@`, wherever it is: a password may hold that character, and any that ends the authority.
    let (user, rest) = match rest.rsplit_once('@') {
        Some((_, place)) => (format!("{HIDDEN}@"), place),
        None => (String::new(), rest),
    };
    let Some((place, query)) = rest.split_once('?') else { return format!("{scheme}://{user}{rest}") };
    let parameter = |parameter: &str| match parameter.split_once('=') {
        Some((name, _)) if !OPEN.contains(&name) => format!("{name}={HIDDEN}"),
        _ => parameter.to_owned(),
    };
    let query: Vec<String> = query.split('&').map(parameter).collect();
    format!("{scheme}://{user}{place}?{}", query.join("&"))
}

pub(super) fn serialize<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&url(secret.expose_secret()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn everything_but_user_and_password_is_shown() {
        for (url, shown) in [
            ("", ""),
            ("sqlite:///var/lib/fluent/fluent.db", "sqlite:///var/lib/fluent/fluent.db"),
            ("postgres://db.example:5432/fluent", "postgres://db.example:5432/fluent"),
            (
                "postgres://jane:hunter22@db.example:5432/fluent?sslmode=verify-full&sslrootcert=/ca.pem",
                "postgres://[redacted]@db.example:5432/fluent?sslmode=verify-full&sslrootcert=/ca.pem",
            ),
            ("postgresql+asyncpg://jane@%2Frun%2Fpg/fluent", "postgresql+asyncpg://[redacted]@%2Frun%2Fpg/fluent"),
            ("postgres://jane:hunter@22/?#@h/d", "postgres://[redacted]@h/d"),
            (
                "postgres://h/d?user=jane&password=hunter22&port=1",
                "postgres://h/d?user=[redacted]&password=[redacted]&port=1",
            ),
            ("postgres://h/d?%70assword=hunter22", "postgres://h/d?%70assword=[redacted]"),
            ("jane:hunter22", "[redacted]"),
        ] {
            assert_eq!(super::url(url), shown);
        }
    }
}
