//! A time or a day on the command line.

use std::str::FromStr;

use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// As it was written; what it means hangs on the site's time zone.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// `2026-03-01T12:00Z`
    Moment(Timestamp),
    /// `2026-03-01T12:00`, on the clock of the site.
    OnTheWall(civil::DateTime),
    /// `2026-03-01`, from midnight to midnight.
    Day(civil::Date),
}

/// A time that the calendar of the site does not hold.
#[derive(Debug, thiserror::Error)]
#[error("this time is not in the calendar of the site's time zone")]
pub struct NoSuchTime(#[source] jiff::Error);

impl FromStr for When {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<When, Self::Err> {
        let moment = || text.parse().map(When::Moment).ok();
        let wall = || text.parse().map(When::OnTheWall).ok();
        // A date and time would be taken as a date too, so the shortest is tried only if it is one.
        let day = || text.parse().map(When::Day).ok().filter(|_| !text.contains(['T', 't', ' ']));
        moment()
            .or_else(day)
            .or_else(wall)
            .ok_or("write a time as 2026-03-01T12:00Z, or a day as 2026-03-01")
    }
}

impl When {
    /// First and last moment meant; the same for a time.
    pub fn range(self, tz: &TimeZone) -> Result<(Timestamp, Timestamp), NoSuchTime> {
        let at = |time: civil::DateTime| tz.to_timestamp(time).map_err(NoSuchTime);
        match self {
            When::Moment(at) => Ok((at, at)),
            When::OnTheWall(time) => at(time).map(|at| (at, at)),
            When::Day(date) => {
                let from = at(date.at(0, 0, 0, 0))?;
                let next = date.tomorrow().map_err(NoSuchTime)?;
                let to = at(next.at(0, 0, 0, 0))?;
                let to = to.checked_sub(Span::new().microseconds(1)).map_err(NoSuchTime)?;
                Ok((from, to))
            }
        }
    }
}
