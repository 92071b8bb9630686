//! The body of a refusal.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::domain::Timestamp;
use crate::http::words::one_of;
use crate::protocol::ErrorCode;

/// What a code of the second factor may be.
pub(super) const SECOND_FACTORS: [&str; 2] = ["totp", "recovery"];

/// An error as `application/problem+json` (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Problem {
    /// The HTTP status.
    pub(super) status: u16,
    /// The status in words.
    pub(super) title: &'static str,
    /// What went wrong, for people.
    pub(super) detail: String,
    #[schema(value_type = CodeSchema)]
    pub(super) code: ErrorCode,
    /// `conflict`: the message that the client id names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<i64>,
    /// `conflict`: its `seq`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seq: Option<i64>,
    /// `conflict`: when it was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) timestamp: Option<Timestamp>,
    /// `stale_key`: names the receiver's present key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key_id: Option<String>,
    /// `not_found`: which of the files that a message names, as its id was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attachment_id: Option<String>,
    /// `rate_limited`: which limit, by its name in `[limits]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "login.account")]
    pub(super) limiter: Option<&'static str>,
    /// `rate_limited`: milliseconds after which to try again; `banned`: until the block ends, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after_ms: Option<u64>,
    /// `second_factor_required`, when signing in: what to show with the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) challenge: Option<String>,
    /// `second_factor_required`, when signing in: seconds for which the challenge waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 300)]
    pub(super) expires_in: Option<i64>,
    /// `second_factor_required`, when signing in: what the code may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<MethodSchema>>, example = json!(["totp", "recovery"]))]
    pub(super) methods: Option<[&'static str; 2]>,
}

/// Describes [`ErrorCode`].
struct CodeSchema;

impl PartialSchema for CodeSchema {
    fn schema() -> RefOr<Schema> {
        let about = "What went wrong, for programs. More codes may come: go by the status when you do not know one.";
        RefOr::T(one_of(about, ErrorCode::ALL.iter().map(|code| code.as_str())).into())
    }
}

impl ToSchema for CodeSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ErrorCode")
    }
}

/// Describes one of the methods of a second factor.
struct MethodSchema;

impl PartialSchema for MethodSchema {
    fn schema() -> RefOr<Schema> {
        RefOr::T(one_of("A code of the authenticator app, or a recovery code.", SECOND_FACTORS).into())
    }
}

impl ToSchema for MethodSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("SecondFactorMethod")
    }
}
