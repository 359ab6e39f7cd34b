//! `[evidence]`: how much video is kept with an incident, for how long, and in how much room.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use super::check::Place;

/// Seconds of video before an incident. More would be more memory for every camera.
const SECONDS_BEFORE: Range<u32> = 1..31;
const SECONDS_BEFORE_DEFAULT: u32 = 10;

/// Seconds of video after its end.
const SECONDS_AFTER: Range<u32> = 1..61;
const SECONDS_AFTER_DEFAULT: u32 = 10;

/// Days until evidence that nobody pinned goes.
const DAYS: Range<u32> = 1..3_651;
const DAYS_DEFAULT: u32 = 30;

/// Room for clips on the disk, megabytes. Below the first a single long incident would not fit.
const MEGABYTES: Range<u32> = 64..4_194_305;
const MEGABYTES_DEFAULT: u32 = 8_192;

/// Memory for the newest video of each camera, megabytes. The default holds 50 s at 7 Mbit/s.
const RING_MB: Range<u32> = 4..1_025;
const RING_MB_DEFAULT: u32 = 48;

const MB: u64 = 1024 * 1024;

/// What is kept of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    pub before_s: u32,
    pub after_s: u32,
    /// Evidence that nobody pinned goes after so many days …
    pub days: u32,
    /// … or, the oldest first, when clips take more than so much.
    pub bytes_max: u64,
    /// Video of one camera in memory takes at most so much.
    pub ring_bytes_max: u64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedEvidence {
    seconds_before: Option<Spanned<i64>>,
    seconds_after: Option<Spanned<i64>>,
    days: Option<Spanned<i64>>,
    megabytes: Option<Spanned<i64>>,
    ring_mb: Option<Spanned<i64>>,
}

impl Place<'_> {
    pub(super) fn evidence(&self, from: &UnvalidatedEvidence) -> Result<Evidence, ConfigError> {
        let whole = |key: &str, written: &Option<Spanned<i64>>, range, default| {
            let key = format!("evidence.{key}");
            self.told(self.whole(&key, written.as_ref(), range), None).unwrap_or(default)
        };
        let before_s =
            whole("seconds_before", &from.seconds_before, SECONDS_BEFORE, SECONDS_BEFORE_DEFAULT);
        let after_s =
            whole("seconds_after", &from.seconds_after, SECONDS_AFTER, SECONDS_AFTER_DEFAULT);
        let megabytes = whole("megabytes", &from.megabytes, MEGABYTES, MEGABYTES_DEFAULT);
        let ring_mb = whole("ring_mb", &from.ring_mb, RING_MB, RING_MB_DEFAULT);
        Ok(Evidence {
            before_s,
            after_s,
            days: whole("days", &from.days, DAYS, DAYS_DEFAULT),
            bytes_max: u64::from(megabytes) * MB,
            ring_bytes_max: u64::from(ring_mb) * MB,
        })
    }
}
