use std::time::Duration;

use super::*;

#[test]
fn every_error_is_a_problem_with_its_headers() {
    let header = |error: ApiError, name: &str| {
        let response = error.into_response();
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(header(ApiError::Unauthorized("x"), "www-authenticate").as_deref(), Some("Bearer"));
    assert_eq!(header(ApiError::Unavailable, "retry-after").as_deref(), Some("1"));
    let limited = |ms| Limited { limiter: crate::domain::Limiter::LoginAccount, wait: Duration::from_millis(ms) };
    assert_eq!(header(limited(1500).into(), "retry-after").as_deref(), Some("2"));
    assert_eq!(header(limited(0).into(), "retry-after").as_deref(), Some("1"));
    assert_eq!(header(FrameError::from(limited(2000)).into(), "retry-after").as_deref(), Some("2"));
    let allow = ApiError::MethodNotAllowed { allow: "GET, HEAD".to_owned() };
    assert_eq!(header(allow, "allow").as_deref(), Some("GET, HEAD"));
}

#[test]
fn causes_are_not_told_to_clients() {
    assert!(!ApiError::Internal("secret cause".to_owned()).to_string().contains("secret"));
}
