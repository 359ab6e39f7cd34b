//! How long from light to siren, over the life of the process.

use std::time::Duration;

use super::handle::Latency;

/// Values kept for the percentile: the newest thousand, so that p99 rests on ten values.
const KEPT: usize = 1000;

/// The newest values, the maximum of all, and their number.
#[derive(Debug, Default)]
pub struct Latencies {
    newest_ms: Vec<u32>,
    next: usize,
    max_ms: Option<u32>,
    count: u32,
}

impl Latencies {
    pub fn add(&mut self, latency: Duration) {
        let ms = millis(latency);
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
    pub fn view(&self) -> Latency {
        let mut sorted = self.newest_ms.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * 99).div_ceil(100);
        Latency {
            capture_to_siren_p99_ms: sorted.get(rank.saturating_sub(1)).copied(),
            capture_to_siren_max_ms: self.max_ms,
            incidents: self.count,
        }
    }
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
            latencies.add(Duration::from_millis(ms));
        }
        let view = latencies.view();
        assert_eq!(view.capture_to_siren_p99_ms, Some(990));
        assert_eq!((view.capture_to_siren_max_ms, view.incidents), (Some(1000), 1000));
    }

    #[test]
    fn nothing_measured_is_no_number() {
        let view = Latencies::default().view();
        assert_eq!((view.capture_to_siren_p99_ms, view.capture_to_siren_max_ms), (None, None));
    }

    #[test]
    fn the_largest_stays_after_it_has_left_the_newest() {
        let mut latencies = Latencies::default();
        latencies.add(Duration::from_millis(700));
        for _ in 0..2 * KEPT {
            latencies.add(Duration::from_millis(10));
        }
        let view = latencies.view();
        assert_eq!(view.capture_to_siren_max_ms, Some(700));
        assert_eq!(view.capture_to_siren_p99_ms, Some(10));
    }
}
