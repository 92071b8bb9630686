//! Finding users.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::directory::{Asker, limit_search, limit_told};
use crate::auth::Access;
use crate::domain::{User, UserId};
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, client_address, limit, limit_schema, number, query, signed_in, user_id};
use crate::http::respond::{Response, json_list};
use crate::storage::UserPage;

/// Users on a page, unless asked otherwise.
const DEFAULT_LIMIT: u64 = 20;
/// Most users on a page.
const MAX_LIMIT: u64 = 100;
/// Most ids that can be asked for at once.
const MAX_IDS: usize = 100;
/// Most users in the list that needs no token.
const PUBLIC_LIMIT: u64 = 50;

/// What everybody may know of a user. The shipped client's decoder takes no other key.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(in crate::http) struct UserBody {
    id: i32,
    user_name: String,
    /// As registered.
    public_key: String,
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        Self { id: user.id.0, user_name: user.name, public_key: user.public_key }
    }
}

/// A user with the name of their key.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyedUser)]
pub(in crate::http) struct KeyedUserBody<'a> {
    id: i32,
    user_name: &'a str,
    /// As registered.
    public_key: &'a str,
    /// The first 16 hex digits of the SHA-256 of the public key's text.
    #[schema(example = "ba7816bf8f01cfea")]
    key_id: String,
}

impl<'a> From<&'a User> for KeyedUserBody<'a> {
    fn from(user: &'a User) -> Self {
        Self { id: user.id.0, key_id: user.key_id(), user_name: &user.name, public_key: &user.public_key }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct IdsQuery {
    /// Up to 100 ids, separated by commas.
    #[param(value_type = Vec<i32>, style = Form, explode = false, min_items = 1, max_items = 100,
        example = json!([1, 2]))]
    ids: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct SearchQuery {
    /// Part of the name, whatever its case and marks; empty finds everybody, what cannot be seen nobody. `%` and `_` mean
    /// themselves.
    query: Option<String>,
    #[param(schema_with = limit_schema::<20>, required = false)]
    limit: Option<String>,
    /// The last `id` of the page before.
    #[param(value_type = Option<i32>)]
    after: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct AllUsersQuery {
    /// Part of the name, whatever its case and marks; empty finds everybody, what cannot be seen nobody.
    search: Option<String>,
}

/// Find users by a part of their name.
#[utoipa::path(get, path = "/users/search", operation_id = "search_users", tag = "users", params(SearchQuery), responses(
    (status = 200, description = "By id", body = Vec<UserBody>),
))]
pub(in crate::http) async fn search(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let query: SearchQuery = query(&request)?;
    let page = UserPage {
        after: number("after", query.after.as_deref())?.map(UserId),
        limit: limit(query.limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT)?,
    };
    found(&app, access.into(), query.query.as_deref(), page).await
}

/// Find users by a part of their name, for the shipped Android app: without a token, unless the server is configured to
/// ask for one. At most 50.
#[utoipa::path(get, path = "/auth/get_all_users", tag = "users", params(AllUsersQuery), security((), ("bearer" = [])), responses(
    (status = 200, description = "By id", body = Vec<UserBody>),
))]
pub(in crate::http) async fn get_all_users(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let access = signed_in(&app, &request);
    let asker = match access {
        Ok(access) => access.into(),
        Err(_) if app.config.auth.public_user_list => Asker::Anonymous(client_address(&request)),
        Err(error) => return Err(error),
    };
    let query: AllUsersQuery = query(&request)?;
    found(&app, asker, query.search.as_deref(), UserPage { after: None, limit: PUBLIC_LIMIT }).await
}

/// Users by id; unknown ids are left out. An answer ends at 1 MiB of names and keys: ask again for ids above the last
/// one.
#[utoipa::path(get, path = "/users", operation_id = "get_users", tag = "users", params(IdsQuery), responses(
    (status = 200, description = "By id", body = Vec<KeyedUserBody>),
))]
pub(in crate::http) async fn by_ids(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let query: IdsQuery = query(&request)?;
    let text = query.ids.unwrap_or_default();
    let ids: Result<Vec<UserId>, ApiError> = text.split(',').map(|id| user_id("ids", Some(id))).collect();
    let ids = ids?;
    if ids.len() > MAX_IDS {
        return Err(ApiError::Invalid(format!("at most {MAX_IDS} ids can be asked for at once")));
    }
    let users = app.storage.users(&ids).await?;
    limit_told(&app, access.into(), &ids_of(&users)).await?;
    Ok(json_list(StatusCode::OK, &users.iter().map(KeyedUserBody::from).collect::<Vec<_>>()).await)
}

async fn found(app: &App, asker: Asker, text: Option<&str>, page: UserPage) -> Result<Response, ApiError> {
    limit_search(app, asker)?;
    let users = app.storage.search_users(text.unwrap_or_default(), page).await?;
    limit_told(app, asker, &ids_of(&users)).await?;
    Ok(json_list(StatusCode::OK, &users.into_iter().map(UserBody::from).collect::<Vec<_>>()).await)
}

fn ids_of(users: &[User]) -> Vec<UserId> {
    users.iter().map(|user| user.id).collect()
}
