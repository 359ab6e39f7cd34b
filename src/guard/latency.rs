//! How long from light to siren, over the life of the process.

use std::collections::VecDeque;
use std::time::Duration;

use super::handle::Latency;
use crate::engine::time::Instant;

/// Values kept for the percentile: the newest thousand, so that p99 rests on ten values.
const KEPT: usize = 1000;

/// What "lately" means: one slow moment must not speak for the box until it is started again.
const LATELY: Duration = Duration::from_secs(600);

/// The newest values, the maximum of all, and their number.
#[derive(Debug, Default)]
pub struct Latencies {
    newest_ms: Vec<u32>,
    /// Those of the last moments with when, oldest first; the newest one stays however old it is.
    late: VecDeque<(Instant, u32)>,
    next: usize,
    max_ms: Option<u32>,
    count: u32,
}

impl Latencies {
    pub fn add(&mut self, latency: Duration, at: Instant) {
        let ms = millis(latency);
        self.late.push_back((at, ms));
        while self.late.len() > KEPT || self.late.front().is_some_and(|(then, _)| old(*then, at)) {
            self.late.pop_front();
        }
        self.max_ms = self.max_ms.max(Some(ms));
        self.count = self.count.saturating_add(1);
        if self.newest_ms.len() < KEPT {
            self.newest_ms.push(ms);
        } else {
            self.newest_ms[self.next] = ms;
        }
        self.next = (self.next + 1) % KEPT;
    }

    /// p99 is the value of which at most one in a hundred is larger: of fewer than a hundred, the
    /// largest.
    pub fn view(&self, now: Instant) -> Latency {
        let mut sorted = self.newest_ms.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * 99).div_ceil(100);
        let late = self.late.iter().filter(|(then, _)| !old(*then, now)).map(|(_, ms)| *ms).max();
        Latency {
            capture_to_siren_p99_ms: sorted.get(rank.saturating_sub(1)).copied(),
            capture_to_siren_max_ms: self.max_ms,
            worst_lately_ms: late.or_else(|| self.late.back().map(|(_, ms)| *ms)),
            incidents: self.count,
        }
    }
}

fn old(then: Instant, now: Instant) -> bool {
    now.since(then) > LATELY
}

/// Whole milliseconds, rounded up: a latency is never shown shorter than it was.
pub fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p99_of_a_thousand_leaves_ten_larger() {
        let mut latencies = Latencies::default();
        for ms in 1..=1000 {
            latencies.add(Duration::from_millis(ms), Instant::ZERO);
        }
        let view = latencies.view(Instant::ZERO);
        assert_eq!(view.capture_to_siren_p99_ms, Some(990));
        assert_eq!((view.capture_to_siren_max_ms, view.incidents), (Some(1000), 1000));
    }

    #[test]
    fn nothing_measured_is_no_number() {
        let view = Latencies::default().view(Instant::ZERO);
        assert_eq!((view.capture_to_siren_p99_ms, view.capture_to_siren_max_ms), (None, None));
    }

    #[test]
    fn the_largest_stays_after_it_has_left_the_newest() {
        let mut latencies = Latencies::default();
        latencies.add(Duration::from_millis(700), Instant::ZERO);
        for _ in 0..2 * KEPT {
            latencies.add(Duration::from_millis(10), Instant::ZERO);
        }
        let view = latencies.view(Instant::ZERO);
        assert_eq!(view.capture_to_siren_max_ms, Some(700));
        assert_eq!(view.capture_to_siren_p99_ms, Some(10));
    }

    #[test]
    fn one_slow_moment_is_forgotten_and_a_slow_box_is_not() {
        let mut latencies = Latencies::default();
        let minute = |n: u64| Instant::from_millis(n * 60_000);
        latencies.add(Duration::from_millis(2400), minute(0));
        latencies.add(Duration::from_millis(150), minute(1));
        assert_eq!(latencies.view(minute(2)).worst_lately_ms, Some(2400));
        assert_eq!(latencies.view(minute(11)).worst_lately_ms, Some(150));
        assert_eq!(latencies.view(minute(900)).worst_lately_ms, Some(150), "the newest stays");
        latencies.add(Duration::from_millis(2300), minute(901));
        assert_eq!(latencies.view(minute(2000)).worst_lately_ms, Some(2300), "it was slow last");
        assert_eq!(latencies.view(minute(2000)).capture_to_siren_max_ms, Some(2400));
    }
}
