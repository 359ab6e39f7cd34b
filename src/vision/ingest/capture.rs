//! When did light reach the camera? From RTP time stamps, arrivals and the camera's own reports.
//!
//! ```text
//! camera's clock ──RTCP sender report──> RTP time stamp of a picture = an instant of our clock
//! first packet of a picture ──arrival──> not later than this
//! ```
//!
//! Terms: a picture's **delay** is from its instant by the camera's clock to the arrival of its first
//! packet; its **lag** is how much later it came than the quickest pictures of late, by the camera's
//! media clock, which needs no right time: it shows pictures that queue up on their way.
//!
//! Whether a camera's clock is believed, `trust` says. Whatever is believed, no picture is held for newer
//! than its first packet, less its lag.
//!
//! Not here: GStreamer, and any clock. Times come in as numbers, monotonic ones in nanoseconds.

use std::collections::VecDeque;
use std::time::Duration;

use super::trust::{Report, Trust};
use crate::link::CaptureClock;

/// Ticks of the media clock in a second: 90 kHz for all video formats there are (RFC 3551).
const TICKS_PER_S: i64 = 90_000;

/// Pictures whose packets are remembered: those on their way through jitter buffer and decoder.
const REMEMBERED: usize = 256;

/// A report is good for so long: media clocks are wrong by some 100 ppm, 6 ms after a minute.
const REPORT_GOOD_FOR_NS: u64 = 60_000_000_000;

/// A media clock that goes on or back by more than this from one picture to the next, and ours does
/// not, has begun anew, which says nothing of lag.
const JUMP_NS: i64 = 10_000_000_000;

/// The quickest picture is looked for among those of so many spans, of this length each: longer than
/// pictures may lag before the connection is made anew, short enough that a camera whose media clock
/// is wrong by a few per mille is not held for slow.
const SPANS: usize = 6;
const SPAN_NS: u64 = 5_000_000_000;

/// A picture that lags by more than this has queued up somewhere …
pub const LAG_MAX: Duration = Duration::from_millis(1500);

/// … and for so long on end: then only a new connection leaves the queue behind.
pub const LAGS_FOR_MAX: Duration = Duration::from_secs(3);

/// Time stamps that differ by less belong to the same picture, whatever rounding they went through.
const SAME_PICTURE_NS: u64 = 2_000_000;

/// What a camera's packets said so far.
#[derive(Debug, Default)]
pub struct Capture {
    newest: Option<Packet>,
    /// First packets of the newest pictures, oldest first.
    arrivals: VecDeque<Packet>,
    /// GStreamer's time stamp of each.
    released: VecDeque<(u64, i64)>,
    /// One of them, from which the others follow.
    anchor: Option<(u64, i64)>,
    report: Option<Report>,
    trust: Trust,
    quickest: Quickest,
    lagging_since_ns: Option<u64>,
}

/// The first packet of a picture.
#[derive(Clone, Copy, Debug)]
struct Packet {
    /// The RTP time stamp, continued beyond its 32 bits.
    ticks: i64,
    arrived_ns: u64,
    lag_ns: u64,
}

/// When a picture was taken, and what says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured {
    pub at_ns: u64,
    pub clock: CaptureClock,
}

/// What a sender report says, with both our clocks when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderReport {
    /// NTP time stamp of 64 bits; 0: the camera has no clock.
    pub ntp: u64,
    pub rtp: u32,
    pub received_ns: u64,
    /// Our civil clock then, nanoseconds since 1970.
    pub wall_ns: i128,
}

impl Capture {
    /// A packet came in.
    pub fn packet(&mut self, rtp: u32, arrived_ns: u64) {
        let ticks = self.continued(rtp);
        if self.arrivals.iter().rev().any(|packet| packet.ticks == ticks) {
            return;
        }
        if self.newest.is_some_and(|newest| jumped(newest, ticks, arrived_ns)) {
            *self = Capture::default();
        }
        let lag_ns = self.quickest.lag(signed(arrived_ns) - ticks_ns(ticks), arrived_ns);
        let lags = Duration::from_nanos(lag_ns) > LAG_MAX;
        self.lagging_since_ns = lags.then(|| self.lagging_since_ns.unwrap_or(arrived_ns));
        let packet = Packet { ticks, arrived_ns, lag_ns };
        self.newest = Some(packet);
        push(&mut self.arrivals, packet);
    }

    /// The jitter buffer let a packet of this picture go, with this time stamp; returns the one it
    /// shall have. The jitter buffer's own bend with the network and, where pictures come in another
    /// order than they are shown, with that order; those of the camera are even.
    pub fn released(&mut self, pts_ns: u64, rtp: u32) -> u64 {
        let ticks = self.continued(rtp);
        let (first_ns, first) = *self.anchor.get_or_insert((pts_ns, ticks));
        let even = signed(first_ns).saturating_add(ticks_ns(ticks.saturating_sub(first)));
        let even_ns = u64::try_from(even).unwrap_or(0);
        if self.released.back() != Some(&(even_ns, ticks)) {
            push(&mut self.released, (even_ns, ticks));
        }
        even_ns
    }

    /// The camera said what its clock shows.
    pub fn report(&mut self, said: SenderReport) {
        let (Some(newest), Some(unix_ns)) = (self.newest, unix_ns(said.ntp)) else {
            return;
        };
        let age = i64::try_from(said.wall_ns - unix_ns).unwrap_or(i64::MAX);
        let report = Report {
            ticks: self.continued(said.rtp),
            at_ns: signed(said.received_ns).saturating_sub(age),
            received_ns: said.received_ns,
        };
        let delay_ns = signed(newest.arrived_ns).saturating_sub(report.instant(newest.ticks));
        self.trust.judge(report, delay_ns);
        self.report = Some(report);
    }

    /// When the picture with this time stamp was taken. `None` for one whose packets are not known.
    pub fn captured(&self, pts_ns: u64) -> Option<Captured> {
        let same = |(pts, _): &&(u64, i64)| pts.abs_diff(pts_ns) < SAME_PICTURE_NS;
        let (_, ticks) = self.released.iter().rev().find(same)?;
        let packet = self.arrivals.iter().rev().find(|packet| packet.ticks == *ticks)?;
        let believed = self.report.filter(|report| {
            let age = packet.arrived_ns.saturating_sub(report.received_ns);
            self.trust.refused().is_none() && age < REPORT_GOOD_FOR_NS
        });
        // Also where the camera's clock is ahead: a picture that has queued up is no newer for that.
        let latest_ns = packet.arrived_ns.saturating_sub(packet.lag_ns);
        Some(match believed {
            Some(report) => Captured {
                at_ns: u64::try_from(report.instant(packet.ticks)).unwrap_or(0).min(latest_ns),
                clock: CaptureClock::SenderReport,
            },
            None => Captured { at_ns: latest_ns, clock: CaptureClock::Arrival },
        })
    }

    /// Why the camera's clock is not believed, for people.
    pub fn clock_refused(&self) -> Option<String> {
        self.trust.refused().map(|refused| refused.to_string())
    }

    /// How late pictures come, once they have done so for too long.
    pub fn lags(&self) -> Option<Duration> {
        let (newest, since) = (self.newest?, self.lagging_since_ns?);
        let lagged = Duration::from_nanos(newest.arrived_ns.saturating_sub(since));
        (lagged > LAGS_FOR_MAX).then(|| Duration::from_nanos(newest.lag_ns))
    }

    /// A time stamp of 32 bits as the one nearest to the newest packet's.
    fn continued(&self, rtp: u32) -> i64 {
        match self.newest {
            None => i64::from(rtp),
            Some(newest) => {
                let passed = rtp.wrapping_sub(newest.ticks as u32) as i32;
                newest.ticks + i64::from(passed)
            }
        }
    }
}

/// The smallest difference between arrival and media clock of late.
#[derive(Debug, Default)]
struct Quickest {
    /// Number of the span and its smallest difference, newest last.
    spans: VecDeque<(u64, i64)>,
}

impl Quickest {
    /// How much longer than the quickest this one took.
    fn lag(&mut self, difference_ns: i64, now_ns: u64) -> u64 {
        let span = now_ns / SPAN_NS;
        match self.spans.back_mut() {
            Some((last, smallest)) if *last == span => *smallest = difference_ns.min(*smallest),
            _ => self.spans.push_back((span, difference_ns)),
        }
        while self.spans.len() > SPANS {
            self.spans.pop_front();
        }
        let smallest = self.spans.iter().map(|(_, smallest)| *smallest).min();
        u64::try_from(difference_ns - smallest.unwrap_or(difference_ns)).unwrap_or(0)
    }
}

fn jumped(newest: Packet, ticks: i64, arrived_ns: u64) -> bool {
    let media = ticks_ns(ticks - newest.ticks);
    let ours = signed(arrived_ns) - signed(newest.arrived_ns);
    // Pictures that come after a pause have waited, and are old: then the media clock goes on.
    media.abs() > JUMP_NS && (media - ours).abs() > JUMP_NS
}

pub(super) fn ticks_ns(ticks: i64) -> i64 {
    // In 128 bits: a time stamp of 32 bits times a billion fits, its continuation may not.
    let ns = i128::from(ticks) * 1_000_000_000 / i128::from(TICKS_PER_S);
    i64::try_from(ns).unwrap_or(0)
}

pub(super) fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

/// Nanoseconds since 1970 of an NTP time stamp. `None` for none.
fn unix_ns(ntp: u64) -> Option<i128> {
    /// From 1900, where NTP begins, to 1970.
    const UNIX_S: u64 = 2_208_988_800;
    let (seconds, fraction) = (ntp >> 32, ntp & 0xffff_ffff);
    // NTP begins anew in 2036: what seems to lie before 1970 lies after that.
    let seconds = if seconds < UNIX_S { seconds + (1 << 32) } else { seconds };
    let ns = i128::from(seconds - UNIX_S) * 1_000_000_000;
    (ntp != 0).then(|| ns + ((i128::from(fraction) * 1_000_000_000) >> 32))
}

fn push<T>(list: &mut VecDeque<T>, new: T) {
    if list.len() == REMEMBERED {
        list.pop_front();
    }
    list.push_back(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    /// Our monotonic clock begins here, and our civil one there.
    const START_NS: u64 = 5_000_000_000;
    const WALL_NS: i128 = 1_790_000_000_000_000_000;
    /// Near the end of the 32 bits, so that every test goes past it.
    const FIRST_RTP: u32 = u32::MAX - 90_000;

    /// A camera whose picture `n` is taken at `n` × 100 ms and takes `delay_ms` to come.
    struct Camera {
        capture: Capture,
        clock_off_ms: i64,
    }

    fn camera(clock_off_ms: i64) -> Camera {
        Camera { capture: Capture::default(), clock_off_ms }
    }

    fn taken_ns(n: u64) -> u64 {
        START_NS + n * 100 * MS
    }

    fn rtp(n: u64) -> u32 {
        FIRST_RTP.wrapping_add((n * 9000) as u32)
    }

    impl Camera {
        fn picture(&mut self, n: u64, delay_ms: u64) -> Captured {
            let arrived_ns = taken_ns(n) + delay_ms * MS;
            self.capture.packet(rtp(n), arrived_ns);
            self.capture.packet(rtp(n), arrived_ns + 30 * MS);
            // What the jitter buffer says but for the first is of no account.
            let pts_ns = self.capture.released(1000 * MS + n * n % 77, rtp(n));
            self.capture.captured(pts_ns).expect("its packets came")
        }

        /// What its clock shows at picture `n`, coming `delay_ms` later.
        fn report(&mut self, n: u64, delay_ms: u64) {
            let received_ns = taken_ns(n) + delay_ms * MS;
            let wall = |mono: u64| WALL_NS + i128::from(mono);
            let says = wall(taken_ns(n)) + i128::from(self.clock_off_ms) * 1_000_000;
            let seconds = (says / 1_000_000_000) as u64 + 2_208_988_800;
            let fraction = ((says % 1_000_000_000) as u64) << 32;
            let ntp = (seconds << 32) | (fraction / 1_000_000_000);
            let (rtp, wall_ns) = (rtp(n), wall(received_ns));
            self.capture.report(SenderReport { ntp, rtp, received_ns, wall_ns });
        }
    }

    fn ms_between(a: u64, b: u64) -> i64 {
        (signed(a) - signed(b)) / 1_000_000
    }

    #[test]
    fn without_reports_a_picture_is_as_old_as_its_first_packet() {
        let mut camera = camera(0);
        for n in 0..200 {
            let captured = camera.picture(n, 80);
            assert_eq!(captured.clock, CaptureClock::Arrival);
            assert_eq!(captured.at_ns, taken_ns(n) + 80 * MS, "{n}");
        }
    }

    #[test]
    fn with_a_right_clock_a_picture_is_as_old_as_the_camera_says() {
        let mut camera = camera(0);
        camera.picture(0, 120);
        camera.report(0, 130);
        for n in 1..500 {
            let captured = camera.picture(n, 120);
            assert_eq!(captured.clock, CaptureClock::SenderReport, "{n}");
            assert!(ms_between(captured.at_ns, taken_ns(n)).abs() <= 1, "{n}: {captured:?}");
        }
    }

    #[test]
    fn a_clock_that_cannot_be_right_is_refused_and_said() {
        for (off_ms, said) in [(-3_600_000, "behind"), (90_000, "ahead of"), (-2_500, "behind")] {
            let mut camera = camera(off_ms);
            camera.picture(0, 120);
            camera.report(0, 130);
            let captured = camera.picture(1, 120);
            assert_eq!(captured.clock, CaptureClock::Arrival, "{off_ms}");
            assert_eq!(captured.at_ns, taken_ns(1) + 120 * MS);
            let refused = camera.capture.clock_refused().expect("refused");
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn a_clock_a_little_ahead_makes_no_picture_newer_than_its_first_packet() {
        let mut camera = camera(140);
        camera.picture(0, 100);
        camera.report(0, 100);
        let captured = camera.picture(1, 100);
        assert_eq!(captured.clock, CaptureClock::SenderReport);
        assert_eq!(captured.at_ns, taken_ns(1) + 100 * MS);
    }

    #[test]
    fn a_camera_whose_clock_is_set_right_is_believed_from_then_on_and_the_other_way_round() {
        let mut camera = camera(-60_000);
        camera.picture(0, 100);
        camera.report(0, 100);
        assert_eq!(camera.picture(1, 100).clock, CaptureClock::Arrival);
        camera.clock_off_ms = 0;
        camera.report(1, 100);
        assert_eq!(camera.picture(2, 100).clock, CaptureClock::SenderReport);
        assert_eq!(camera.capture.clock_refused(), None);
        camera.clock_off_ms = 7_000;
        camera.report(2, 100);
        assert_eq!(camera.picture(3, 100).clock, CaptureClock::Arrival);
    }

    #[test]
    fn pictures_that_queue_up_are_old_whether_or_not_the_camera_has_a_clock() {
        for reports in [false, true] {
            let mut camera = camera(0);
            for n in 0..100 {
                camera.picture(n, 100);
            }
            if reports {
                camera.report(99, 100);
            }
            // They come in order and at their usual pace, only each later than it should.
            let mut lagged = None;
            for n in 100..150 {
                let captured = camera.picture(n, 3100);
                let age = ms_between(taken_ns(n) + 3100 * MS, captured.at_ns);
                assert!(age >= 2990, "{age}");
                // Another report changes nothing: its clock has not been set.
                if reports {
                    camera.report(n, 3100);
                }
                lagged = lagged.or(camera.capture.lags().map(|lag| (n, lag)));
            }
            let (at, lag) = lagged.expect("it is said");
            assert!(at < 140 && lag > Duration::from_millis(2900), "{at} {lag:?}");
        }
    }

    #[test]
    fn a_picture_sent_after_a_later_one_is_as_old_as_it_is() {
        // As with B pictures: 2 comes first, then 1, which had to wait for it.
        let mut camera = camera(0);
        camera.picture(0, 50);
        let later = camera.picture(2, 50);
        let earlier = camera.picture(1, 160);
        assert_eq!(ms_between(later.at_ns, earlier.at_ns), 100);
    }

    #[test]
    fn a_media_clock_that_begins_anew_is_no_lag_and_one_a_little_wrong_is_none_for_long() {
        let mut capture = Capture::default();
        for n in 0..3000_u64 {
            // A camera that counts 25 pictures a second and sends 24.9.
            let arrived_ns = START_NS + n * 40_160_643;
            let rtp = (n * 3600) as u32;
            capture.packet(rtp, arrived_ns);
            capture.released(n, rtp);
            assert_eq!(capture.lags(), None);
            let packet = capture.newest.expect("just came");
            assert!(packet.lag_ns < 150 * MS, "{n}: {}", packet.lag_ns);
        }
        capture.packet(4_000_000_000, START_NS + 3001 * 40_000_000);
        assert_eq!(capture.newest.map(|newest| newest.lag_ns), Some(0));
    }

    #[test]
    fn a_camera_without_a_clock_and_adversarial_numbers_change_nothing() {
        let mut camera = camera(0);
        camera.picture(0, 100);
        for (ntp, rtp, wall_ns) in
            [(0, 0, 0), (u64::MAX, u32::MAX, i128::MAX / 2), (1, 7, -1), (1 << 63, 1 << 31, 0)]
        {
            let received_ns = taken_ns(0);
            camera.capture.report(SenderReport { ntp, rtp, received_ns, wall_ns });
            let captured = camera.picture(1, 100);
            assert_eq!(captured.clock, CaptureClock::Arrival);
        }
        assert_eq!(camera.capture.captured(12_345_678_900), None);
    }
}
