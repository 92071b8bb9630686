//! The page for operators. Whoever reaches their listener gets it: what it shows comes by the admin API, with a token.

use http::{HeaderMap, HeaderValue};

use super::files::{INDEX, WebFiles};
use super::policy;
use super::served::{self, Policies};
use crate::http::error::ApiError;
use crate::http::respond::Response;

/// Where the page is.
pub(in crate::http) const OPERATORS_ROOT: &str = "/admin/";

/// Returns whether this program was built with the page.
pub(in crate::http) fn has_operators_page() -> bool {
    WebFiles::of_operators().get(INDEX).is_some()
}

/// Returns the file at a path below `/admin/`, where the page starts. Its views are named behind the `#`.
pub(in crate::http) fn operators_page(path: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
    let content = HeaderValue::from_static(policy::OPERATORS_CONTENT);
    let policies = Policies { content, permissions: policy::OPERATORS_PERMISSIONS };
    served::respond(WebFiles::of_operators(), policies, path, headers)
}

#[cfg(feature = "web")]
#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH};

    use super::*;

    fn ask(path: &str, headers: &HeaderMap) -> Response {
        operators_page(path, headers).unwrap()
    }

    #[test]
    fn every_file_of_the_page_has_its_policies_and_is_sent_once() {
        assert!(has_operators_page());
        for (name, _) in WebFiles::of_operators().iter() {
            let first = ask(name, &HeaderMap::new());
            assert_eq!(first.headers()[CONTENT_SECURITY_POLICY], policy::OPERATORS_CONTENT, "{name}");
            let known = HeaderMap::from_iter([(IF_NONE_MATCH, first.headers()[ETAG].clone())]);
            assert_eq!(ask(name, &known).status(), StatusCode::NOT_MODIFIED, "{name}");
        }
        let codings = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("gzip, br"))]);
        assert_eq!(ask("", &codings).headers()[CONTENT_ENCODING], "br");
    }

    #[test]
    fn nothing_of_the_web_client_is_below_the_page() {
        for nothing in ["sw.js", "manifest.webmanifest", "../app/index.html", "index.html.br"] {
            assert!(operators_page(nothing, &HeaderMap::new()).is_err(), "{nothing}");
        }
    }
}
