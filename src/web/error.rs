//! Refusals, all of one shape: a status and `{"error": {"code", "message"}}`, the message a sentence
//! that says what would be right.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::guard::handle::FieldError;

/// A refusal on its way out.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Boxed, as few refusals have one.
    header: Option<Box<(HeaderName, HeaderValue)>>,
    fields: Vec<FieldDto>,
}

/// What every refusal looks like.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorDetail {
    /// For programs; never changes its meaning.
    #[schema(example = "unknown_alarm")]
    code: &'static str,
    /// A sentence for people.
    message: String,
    /// What is wrong where, of a body with many members.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldDto>,
}

/// Something wrong with a member of a document.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FieldDto {
    #[schema(example = "features[2].properties.schedule.armed[0].to")]
    field: String,
    /// What stands there, and what would be right.
    message: String,
    /// Where on the picture, frame fractions, when that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<[f64; 2]>,
}

impl From<FieldError> for FieldDto {
    fn from(error: FieldError) -> FieldDto {
        FieldDto { message: error.message(), field: error.field, at: error.at }
    }
}

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError { status, code, message: message.into(), header: None, fields: Vec::new() }
    }

    /// A document that cannot be used: every member that is wrong.
    pub fn fields(message: &str, errors: Vec<FieldError>) -> ApiError {
        let message = match errors.first() {
            Some(first) => format!("{message}: {first}"),
            None => message.to_owned(),
        };
        let refusal = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_request", message);
        ApiError { fields: errors.into_iter().map(Into::into).collect(), ..refusal }
    }

    /// What is told to people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// With a header of its own.
    pub fn with(self, name: HeaderName, value: HeaderValue) -> ApiError {
        ApiError { header: Some(Box::new((name, value))), ..self }
    }

    /// A value that cannot be what it is: names the field, the value and what would be right.
    pub fn bad_request(field: &str, found: &str, right: &str) -> ApiError {
        let message = format!("{}; it must be {right}", shown(found));
        ApiError {
            fields: vec![FieldDto { field: field.to_owned(), message, at: None }],
            ..ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad_request",
                format!("`{field}` is {}; it must be {right}", shown(found)),
            )
        }
    }

    /// The same refusal, naming the member that it is about.
    pub fn about(self, field: &str) -> ApiError {
        let message = self.message.clone();
        ApiError { fields: vec![FieldDto { field: cut(field), message, at: None }], ..self }
    }

    /// The guard has not spoken for so long that what it said last is not now.
    pub fn guard_silent(silent_ms: u64) -> ApiError {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "guard_silent", guard_silent_text(silent_ms))
    }
}

/// For people.
pub(super) fn guard_silent_text(silent_ms: u64) -> String {
    format!(
        "the guard has said nothing for {}.{} s, so nothing current can be shown",
        silent_ms / 1_000,
        silent_ms % 1_000 / 100
    )
}

/// Most of a stranger's text that is repeated, characters: what a person reads.
const LETTERS_MAX: usize = 40;

/// A stranger's value in a sentence.
fn shown(found: &str) -> String {
    let start: String = found.chars().take(LETTERS_MAX).collect();
    let rest = if start.len() < found.len() { "…" } else { "" };
    format!("{start:?}{rest}")
}

fn cut(text: &str) -> String {
    text.chars().take(LETTERS_MAX).collect()
}

/// 405 for a path that exists.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong_method",
        format!("{} does not take {method}; the Allow header says what it takes", uri.path()),
    )
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = ErrorDetail { code: self.code, message: self.message, fields: self.fields };
        let body = ErrorBody { error };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(header) = self.header {
            let (name, value) = *header;
            response.headers_mut().insert(name, value);
        }
        response
    }
}
