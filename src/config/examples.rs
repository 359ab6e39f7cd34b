//! `[examples]`: how many pictures worth learning from are kept, and in how much room.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use super::check::Place;

/// Pictures. More would take longer to choose among than a picture to come.
const MAX: Range<u32> = 1..10_001;
const MAX_DEFAULT: u32 = 2_000;

/// Room on the disk, megabytes. What is more fits into no zip.
const MEGABYTES: Range<u32> = 1..3_501;
const MEGABYTES_DEFAULT: u32 = 1_024;

const MB: u64 = 1024 * 1024;

/// What the example bank may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExampleRoom {
    pub examples_max: u32,
    pub bytes_max: u64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedExamples {
    max: Option<Spanned<i64>>,
    megabytes: Option<Spanned<i64>>,
}

impl Place<'_> {
    pub(super) fn examples(&self, from: &UnvalidatedExamples) -> Result<ExampleRoom, ConfigError> {
        let whole = |key: &str, written: &Option<Spanned<i64>>, range, default| {
            let key = format!("examples.{key}");
            self.told(self.whole(&key, written.as_ref(), range), None).unwrap_or(default)
        };
        let megabytes = whole("megabytes", &from.megabytes, MEGABYTES, MEGABYTES_DEFAULT);
        Ok(ExampleRoom {
            examples_max: whole("max", &from.max, MAX, MAX_DEFAULT),
            bytes_max: u64::from(megabytes) * MB,
        })
    }
}
