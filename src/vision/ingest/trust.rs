//! Is a camera's clock to be believed?
//!
//! It is when the delay it makes can be one: no picture from the future, none seconds old. That is judged
//! at the first report and when the clock is set. Between that a delay that grows is a picture that is
//! late, and not a clock that is wrong.
//!
//! What a clock does against the camera's own media clock needs no guess, since no network lies between
//! the two: one that **disagrees** with it twice within a short time runs wrong, or is set all the time,
//! and is not believed until it has kept still.
//!
//! Not here: what a picture's instant is then; that is `capture`'s.

use std::fmt;
use std::time::Duration;

use super::capture::{signed, ticks_ns};

/// How far a camera's clock may be ahead of ours, so that its pictures come before they were taken:
/// what NTP leaves over in a local network, and some.
const AHEAD_MAX_NS: i64 = 50_000_000;

/// How late by its own clock a picture may come and be believed. A camera encodes in a tenth of that;
/// one that seems to need longer has a wrong clock.
pub const BEHIND_MAX: Duration = Duration::from_secs(2);

/// A camera's clock that is off by more than this against its own media clock, from one report to the
/// next or over many, disagrees with it.
const DISAGREES_NS: i64 = 100_000_000;

/// Two disagreements within so long are no clock: 0.1 %, ten times what a bad crystal is off by and twice
/// what NTP corrects a clock with (500 ppm).
const STILL_FOR_NS: u64 = 100_000_000_000;

/// A sender report: at that media time our clock showed this, by the camera's clock.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    pub ticks: i64,
    pub at_ns: i64,
    pub received_ns: u64,
}

/// Why a camera's clock is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// So late (or early) its pictures would be.
    Delay { delay_ns: i64 },
    /// By so much it went off against its media clock, the last time.
    Restless { off_ns: i64 },
}

/// What the reports so far say of the clock.
#[derive(Debug, Default)]
pub struct Trust {
    newest: Option<Report>,
    /// Where its agreement with the media clock is measured from.
    base: Option<Report>,
    disagreed_ns: Option<u64>,
    /// What it went off by, bit by bit, since it was set.
    drifted_ns: i64,
    refused: Option<Refused>,
}

impl Trust {
    pub fn refused(&self) -> Option<Refused> {
        self.refused
    }

    /// Another report, by which the newest picture's delay would be this.
    pub fn judge(&mut self, report: Report, delay_ns: i64) {
        let newest = self.newest.replace(report);
        let (Some(newest), Some(base)) = (newest, self.base) else {
            self.base = Some(report);
            self.refused = by_delay(delay_ns);
            return;
        };
        let off_ns = report.off(base);
        if off_ns.abs() < DISAGREES_NS {
            let restless = matches!(self.refused, Some(Refused::Restless { .. }));
            if restless && !self.disagreed_lately(report) {
                self.refused = by_delay(delay_ns);
            }
            return;
        }
        let again = self.disagreed_lately(report);
        let was_set = report.off(newest).abs() >= DISAGREES_NS;
        self.base = Some(report);
        self.disagreed_ns = Some(report.received_ns);
        self.drifted_ns = if was_set { 0 } else { self.drifted_ns.saturating_add(off_ns) };
        self.refused = match (again, was_set) {
            (true, _) => Some(Refused::Restless { off_ns }),
            (false, true) => by_delay(delay_ns),
            (false, false) => self.by_drift(delay_ns),
        };
    }

    fn disagreed_lately(&self, report: Report) -> bool {
        let since = |then: u64| report.received_ns.saturating_sub(then);
        self.disagreed_ns.is_some_and(|then| since(then) < STILL_FOR_NS)
    }

    /// A clock that goes off slowly is wrong once its delay cannot be one, and could without that.
    fn by_drift(&self, delay_ns: i64) -> Option<Refused> {
        let refused = by_delay(delay_ns)?;
        let explained = by_delay(delay_ns.saturating_add(self.drifted_ns)).is_none();
        if delay_ns < 0 || explained { Some(refused) } else { self.refused }
    }
}

impl Report {
    /// When a picture of that media time was taken, by this report.
    pub fn instant(&self, ticks: i64) -> i64 {
        self.at_ns.saturating_add(ticks_ns(ticks.saturating_sub(self.ticks)))
    }

    fn off(&self, before: Report) -> i64 {
        self.at_ns.saturating_sub(before.instant(self.ticks))
    }
}

fn by_delay(delay_ns: i64) -> Option<Refused> {
    let behind_max = signed(u64::try_from(BEHIND_MAX.as_nanos()).unwrap_or(u64::MAX));
    let sane = (-AHEAD_MAX_NS..=behind_max).contains(&delay_ns);
    (!sane).then_some(Refused::Delay { delay_ns })
}

/// For people.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ns: i64| Duration::from_nanos(ns.unsigned_abs()).as_secs_f64();
        match *self {
            Refused::Delay { delay_ns } => {
                let way = if delay_ns > 0 { "behind" } else { "ahead of" };
                write!(
                    f,
                    "the camera's clock is {:.1} s {way} the box's, or its pictures are that late; \
                     both should take their time from the same server",
                    seconds(delay_ns)
                )
            }
            Refused::Restless { off_ns } => write!(
                f,
                "the camera's clock does not keep still: it went {} by {:.1} s against the camera's \
                 own pictures, and not for the first time; it is set all the time, or runs wrong",
                if off_ns > 0 { "forward" } else { "back" },
                seconds(off_ns)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;
    const S: i64 = 1000 * MS;

    /// Reports every five seconds of a clock that shows `off_ns` more than it should, of pictures that
    /// take `delay_ms`: how the last one finds it.
    fn after(reports: i64, delay_ms: i64, off_ns: impl Fn(i64) -> i64) -> Trust {
        let mut trust = Trust::default();
        for n in 0..reports {
            let true_ns = n * 5 * S;
            let at_ns = true_ns + off_ns(true_ns);
            let received_ns = true_ns as u64;
            trust.judge(
                Report { ticks: n * 450_000, at_ns, received_ns },
                delay_ms * MS - off_ns(true_ns),
            );
        }
        trust
    }

    #[test]
    fn a_clock_that_ntp_corrects_and_a_crystal_that_is_off_are_believed() {
        for per_million in [-300, -100, 100, 300] {
            let ramp = |ns: i64| (ns * per_million / 1_000_000).clamp(-400 * MS, 100 * MS);
            assert_eq!(after(500, 120, ramp).refused(), None, "{per_million}");
        }
    }

    #[test]
    fn a_clock_that_runs_wrong_is_refused_before_a_picture_seems_a_second_old() {
        for per_mille in [-40_i64, -10, 10, 40] {
            let trust = after(2 + 1000 / per_mille.abs() / 5, 120, |ns| ns * per_mille / 1000);
            let refused = trust.refused().expect("refused");
            assert!(
                refused.to_string().contains("still") || per_mille > 0,
                "{per_mille} {refused}"
            );
        }
    }

    #[test]
    fn a_clock_that_slowly_went_off_is_refused_once_its_delay_cannot_be_one() {
        let slow = after(2200, 120, |ns| -ns * 2 / 10_000);
        let Some(Refused::Delay { delay_ns }) = slow.refused() else {
            panic!("{slow:?}");
        };
        assert!(delay_ns > 2 * S, "{delay_ns}");
    }

    #[test]
    fn a_queue_that_grows_makes_no_clock_wrong_also_while_ntp_corrects_it() {
        let mut trust = after(20, 120, |_| 0);
        for n in 20..400 {
            let (true_ns, off_ns) = (n * 5 * S, (n - 20) * 5 * S / 5000);
            let report =
                Report { ticks: n * 450_000, at_ns: true_ns + off_ns, received_ns: true_ns as u64 };
            trust.judge(report, (120 * MS + (n - 20) * 100 * MS) - off_ns);
            assert_eq!(trust.refused(), None, "{n}");
        }
    }

    #[test]
    fn a_restless_clock_is_believed_again_once_it_has_kept_still() {
        let swings = |ns: i64| if ns < 20 * S && ns % (10 * S) == 0 { 300 * MS } else { 0 };
        assert!(matches!(after(4, 400, swings).refused(), Some(Refused::Restless { .. })));
        assert!(matches!(after(20, 400, swings).refused(), Some(Refused::Restless { .. })));
        assert_eq!(after(30, 400, swings).refused(), None);
    }
}
