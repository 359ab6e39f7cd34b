//! Texts of people: names and reasons, or what would be right.
//!
//! Not here: the duty list (`roster`).

use super::roster;
use crate::guard::handle::{FieldError, HandheldError};

pub(super) fn name_of(field: &str, text: &str) -> Result<String, HandheldError> {
    let text = text.trim();
    if roster::is_name(text) {
        return Ok(text.to_owned());
    }
    let right = "must be 1 to 80 characters on one line";
    Err(HandheldError::Field(FieldError::new(field, text, right)))
}

pub(super) fn text_of(field: &str, text: &str, chars_max: usize) -> Result<String, HandheldError> {
    let text = text.trim();
    let fits = (1..=chars_max).contains(&text.chars().count());
    if fits && !text.contains(char::is_control) {
        return Ok(text.to_owned());
    }
    let right = format!("must be 1 to {chars_max} characters on one line");
    Err(HandheldError::Field(FieldError::new(field, text, right)))
}
