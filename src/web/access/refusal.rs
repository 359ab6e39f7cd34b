//! Refusals about accounts, in the API's shape.

use axum::http::{HeaderValue, StatusCode, header};

use crate::guard::handle::AccountError;
use crate::telemetry::chain;
use crate::web::error::ApiError;

/// 401.
pub(super) fn sign_in_needed(message: &str) -> ApiError {
    // No browser asks for a password of its own because of this scheme.
    ApiError::new(StatusCode::UNAUTHORIZED, "sign_in_needed", message)
        .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

pub(super) fn account_error(error: AccountError) -> ApiError {
    let (status, code) = match &error {
        AccountError::WrongPassword => (StatusCode::FORBIDDEN, "wrong_password"),
        AccountError::WrongCode => (StatusCode::FORBIDDEN, "wrong_code"),
        AccountError::AlreadySetUp => (StatusCode::CONFLICT, "already_set_up"),
        AccountError::TooMany { wait } => {
            let refusal = ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_attempts",
                error.to_string(),
            );
            return refusal.with(header::RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        }
        AccountError::Field { field, found, right } => {
            return ApiError::bad_request(field, found, right);
        }
        AccountError::NameTaken => (StatusCode::CONFLICT, "name_taken"),
        AccountError::UnknownUser => (StatusCode::NOT_FOUND, "unknown_user"),
        AccountError::UnknownToken => (StatusCode::NOT_FOUND, "unknown_token"),
        AccountError::LastAdmin => (StatusCode::CONFLICT, "last_admin"),
        AccountError::Full { .. } => (StatusCode::CONFLICT, "full"),
        AccountError::SessionOver => return sign_in_needed(&error.to_string()),
        AccountError::Clerk(_) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        AccountError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store"),
        AccountError::NoRandom(_) | AccountError::Hash(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "internal")
        }
    };
    ApiError::new(status, code, chain(&error))
}
