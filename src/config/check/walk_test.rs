//! `[walk_test]`: how often every zone is to be walked into.

use serde::Deserialize;
use toml::Spanned;

use super::Place;
use crate::config::{ConfigError, WalkTests};

/// Days a walk test holds, unless told.
const EVERY_DAYS: u32 = 30;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedWalkTest {
    every_days: Option<Spanned<i64>>,
    required: Option<bool>,
}

impl Place<'_> {
    pub(super) fn walk_test(&self, from: &UnvalidatedWalkTest) -> Result<WalkTests, ConfigError> {
        let days = self.whole("walk_test.every_days", from.every_days.as_ref(), 1..367)?;
        Ok(match from.required {
            Some(false) => WalkTests::NotRequired,
            Some(true) | None => WalkTests::Every { days: days.unwrap_or(EVERY_DAYS) },
        })
    }
}
