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

/// A query string whose parameters are all known and given once.
pub(super) struct Texts(Vec<(&'static str, String)>);

impl Texts {
    /// Takes the parameters in `known`, and refuses every other.
    pub fn parse(pairs: Pairs, known: &[&'static str]) -> Result<Texts, ApiError> {
        let Query(pairs) = pairs.map_err(|rejection| {
            ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad_request",
                format!("the query string cannot be read: {}", rejection.body_text()),
            )
            .about("query")
        })?;
        let mut texts: Vec<(&'static str, String)> = Vec::new();
        for (name, value) in pairs {
            let Some(name) = known.iter().copied().find(|known| *known == name) else {
                let right = format!("one of: {}", known.join(", "));
                return Err(ApiError::bad_request("query parameter", &name, &right));
            };
            if texts.iter().any(|(seen, _)| *seen == name) {
                return Err(ApiError::bad_request(name, &value, "given once"));
            }
            texts.push((name, value));
        }
        Ok(Texts(texts))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A whole number of this range.
    pub fn number(
        &self,
        name: &'static str,
        range: &RangeInclusive<u64>,
    ) -> Result<Option<u64>, ApiError> {
        let right = || match *range.end() {
            u64::MAX => format!("a whole number from {}", range.start()),
            end => format!("a whole number from {} to {end}", range.start()),
        };
        self.parsed(name, right, |text| text.parse().ok().filter(|it| range.contains(it)))
    }

    /// Whatever `parse` makes of the value; refused with what would be right where that is nothing.
    pub fn parsed<T, R: AsRef<str>>(
        &self,
        name: &'static str,
        right: impl FnOnce() -> R,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        match parse(text) {
            Some(value) => Ok(Some(value)),
            None => Err(ApiError::bad_request(name, text, right().as_ref())),
        }
    }
}

/// The whole numbers of a query string.
pub(super) struct Numbers(Vec<(&'static str, u64)>);

impl Numbers {
    /// Takes the parameters in `known` with their ranges, and refuses every other.
    pub fn parse(
        pairs: Pairs,
        known: &[(&'static str, RangeInclusive<u64>)],
    ) -> Result<Numbers, ApiError> {
        let names: Vec<&'static str> = known.iter().map(|(name, _)| *name).collect();
        let texts = Texts::parse(pairs, &names)?;
        let mut numbers = Vec::new();
        for (name, range) in known {
            numbers.extend(texts.number(name, range)?.map(|number| (*name, number)));
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
