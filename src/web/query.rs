//! Values out of paths and query strings, each refused with its name, what was found and what would
//! be right.

use std::ops::RangeInclusive;

use axum::extract::Path;
use axum::extract::Query;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::StatusCode;

use super::error::ApiError;

/// A query string as pairs, in order.
pub(super) type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// The whole numbers of a query string.
pub(super) struct Numbers(Vec<(&'static str, u64)>);

impl Numbers {
    /// Takes the parameters in `known` with their ranges, and refuses every other.
    pub fn parse(
        pairs: Pairs,
        known: &[(&'static str, RangeInclusive<u64>)],
    ) -> Result<Numbers, ApiError> {
        let Query(pairs) = pairs.map_err(|rejection| {
            ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad_request",
                format!("the query string cannot be read: {}", rejection.body_text()),
            )
            .about("query")
        })?;
        let mut numbers: Vec<(&'static str, u64)> = Vec::new();
        for (name, value) in &pairs {
            let Some((name, range)) = known.iter().find(|(known, _)| known == name) else {
                let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                let right = format!("one of: {}", names.join(", "));
                return Err(ApiError::bad_request("query parameter", name, &right));
            };
            if numbers.iter().any(|(seen, _)| seen == name) {
                return Err(ApiError::bad_request(name, value, "given once"));
            }
            match value.parse::<u64>() {
                Ok(number) if range.contains(&number) => numbers.push((name, number)),
                Ok(_) | Err(_) => {
                    let right = match *range.end() {
                        u64::MAX => format!("a whole number from {}", range.start()),
                        end => format!("a whole number from {} to {end}", range.start()),
                    };
                    return Err(ApiError::bad_request(name, value, &right));
                }
            }
        }
        Ok(Numbers(numbers))
    }

    pub fn get(&self, name: &str) -> Option<u64> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, number)| *number)
    }
}

/// The text of the path's only parameter.
pub(super) fn path_text(path: Result<Path<String>, PathRejection>) -> Result<String, ApiError> {
    match path {
        Ok(Path(text)) => Ok(text),
        Err(rejection) => Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_request",
            format!("the path cannot be read: {}", rejection.body_text()),
        )
        .about("path")),
    }
}

/// The number in the path, from 1.
pub(super) fn path_number(path: Result<Path<String>, PathRejection>) -> Result<u64, ApiError> {
    let text = path_text(path)?;
    match text.parse::<u64>() {
        Ok(number) if number > 0 => Ok(number),
        Ok(_) | Err(_) => Err(ApiError::bad_request("id", &text, "a whole number from 1")),
    }
}
