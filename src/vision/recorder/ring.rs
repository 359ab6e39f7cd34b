//! What is kept of one camera: whole groups of pictures, bounded in bytes and in time.

use std::collections::VecDeque;
use std::sync::Arc;

use gstreamer as gst;

use crate::link::{ClipSpan, RingBounds};

/// One encoded picture.
#[derive(Clone, Debug)]
pub struct Unit {
    /// When it was captured, by the same estimate as the pictures that are looked at.
    pub captured_ns: u64,
    pub kind: UnitKind,
    /// Codec and its parameters; cheap to copy.
    pub format: gst::Caps,
    pub bytes: Arc<[u8]>,
}

/// What a picture needs to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    /// Nothing: a group begins.
    Key,
    /// The pictures before it.
    Delta,
}

/// Units of one span and one format, in the order in which they are decoded.
#[derive(Clone, Debug)]
pub struct Selection {
    pub units: Vec<Unit>,
}

/// A key frame and what depends on it.
struct Group {
    units: Vec<Unit>,
    bytes: u64,
}

/// Bounded; the oldest group goes first.
pub struct Ring {
    bounds: RingBounds,
    groups: VecDeque<Group>,
    bytes: u64,
}

impl Ring {
    pub fn new(bounds: RingBounds) -> Ring {
        Ring { bounds, groups: VecDeque::new(), bytes: 0 }
    }

    /// Bytes of all units kept.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the next unit. One whose key frame is not here cannot be shown and is dropped.
    pub fn push(&mut self, unit: Unit) {
        let size = unit.bytes.len() as u64;
        match (unit.kind, self.groups.back_mut()) {
            (UnitKind::Key, _) => {
                self.groups.push_back(Group { units: vec![unit], bytes: size });
            }
            (UnitKind::Delta, Some(group)) if group.format() == Some(&unit.format) => {
                group.units.push(unit);
                group.bytes += size;
            }
            (UnitKind::Delta, _) => return,
        }
        self.bytes += size;
        self.trim();
    }

    /// The units of the span from the last key frame at or before its beginning, or the first one kept
    /// that it may begin with. Where the format changed within it, the longest part of one format.
    /// `None`: nothing is kept, or nothing that may be shown.
    pub fn select(&self, span: ClipSpan) -> Option<Selection> {
        let ClipSpan { from_ns, to_ns, not_before_ns } = span;
        let groups: Vec<&Group> =
            self.groups.iter().filter(|group| group.is_since(not_before_ns)).collect();
        let first = groups.iter().rposition(|group| group.began_ns() <= from_ns).unwrap_or(0);
        let mut runs: Vec<Vec<Unit>> = Vec::new();
        for group in groups.into_iter().skip(first).filter(|group| group.began_ns() <= to_ns) {
            match runs.last_mut() {
                Some(run) if run.first().map(|unit| &unit.format) == group.format() => {
                    run.extend(group.units.iter().cloned());
                }
                Some(_) | None => runs.push(group.units.clone()),
            }
        }
        let mut units = runs.into_iter().max_by_key(|run| span_ns(run))?;
        // A picture after the end may be what one before the end is made from.
        let last = units.iter().rposition(|unit| unit.captured_ns <= to_ns)?;
        units.truncate(last + 1);
        let newest_ns = units.iter().map(|unit| unit.captured_ns).max()?;
        (newest_ns >= from_ns).then_some(Selection { units })
    }

    fn trim(&mut self) {
        let newest_ns = self.groups.back().and_then(Group::ended_ns).unwrap_or(0);
        let kept_ns = u64::from(self.bounds.seconds) * 1_000_000_000;
        // A group may go by age once the one after it reaches back far enough.
        while let Some(next) = self.groups.get(1)
            && (self.bytes > self.bounds.bytes_max
                || newest_ns.saturating_sub(next.began_ns()) >= kept_ns)
        {
            self.drop_oldest();
        }
        if self.bytes > self.bounds.bytes_max {
            // One group alone is too long; what follows of it could not be shown.
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(group) = self.groups.pop_front() {
            self.bytes -= group.bytes;
        }
    }
}

impl Group {
    fn began_ns(&self) -> u64 {
        self.units.first().map_or(0, |unit| unit.captured_ns)
    }

    /// No picture of it was captured before. Those that are decoded after the key frame may be shown
    /// before it.
    fn is_since(&self, ns: u64) -> bool {
        self.units.iter().all(|unit| unit.captured_ns >= ns)
    }

    fn ended_ns(&self) -> Option<u64> {
        self.units.iter().map(|unit| unit.captured_ns).max()
    }

    fn format(&self) -> Option<&gst::Caps> {
        self.units.first().map(|unit| &unit.format)
    }
}

fn span_ns(run: &[Unit]) -> u64 {
    let times = || run.iter().map(|unit| unit.captured_ns);
    times().max().unwrap_or(0).saturating_sub(times().min().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn format(width: i32) -> gst::Caps {
        gst::init().expect("GStreamer starts");
        gst::Caps::builder("video/x-h264").field("width", width).build()
    }

    /// A key frame every two seconds, ten units a second, 1000 bytes each.
    fn units(from: u64, to: u64, width: i32) -> impl Iterator<Item = Unit> {
        let format = format(width);
        (from..to).map(move |n| Unit {
            captured_ns: n * S / 10,
            kind: if n % 20 == 0 { UnitKind::Key } else { UnitKind::Delta },
            format: format.clone(),
            bytes: vec![0; 1000].into(),
        })
    }

    fn ring(seconds: u32, bytes_max: u64, units: impl Iterator<Item = Unit>) -> Ring {
        let mut ring = Ring::new(RingBounds { seconds, bytes_max });
        for unit in units {
            ring.push(unit);
            let begins_whole = ring.groups.iter().all(|group| group.units[0].kind == UnitKind::Key);
            let counted: usize =
                ring.groups.iter().flat_map(|group| &group.units).map(|u| u.bytes.len()).sum();
            assert!(begins_whole && ring.bytes == counted as u64 && ring.bytes <= bytes_max);
        }
        ring
    }

    fn span(ring: &Ring, from_s: u64, to_s: u64) -> Option<(u64, u64)> {
        of(ring, ClipSpan::between(from_s * S, to_s * S))
    }

    /// First and last picture, tenths of a second.
    fn of(ring: &Ring, span: ClipSpan) -> Option<(u64, u64)> {
        let units = ring.select(span)?.units;
        assert_eq!(units[0].kind, UnitKind::Key);
        Some((units[0].captured_ns * 10 / S, units.last()?.captured_ns * 10 / S))
    }

    #[test]
    fn a_span_begins_with_the_key_frame_before_it_and_ends_in_time() {
        let ring = ring(60, 1_000_000, units(0, 500, 640));
        assert_eq!(span(&ring, 11, 20), Some((100, 200)));
        assert_eq!(span(&ring, 40, 90), Some((400, 499)), "what has not come yet is not there");
        assert_eq!(span(&ring, 80, 90), None);
    }

    #[test]
    fn a_clip_begins_later_rather_than_in_a_time_that_it_may_not_show() {
        let ring = ring(60, 1_000_000, units(0, 500, 640));
        let not_before = |not_before_ns| {
            of(&ring, ClipSpan { not_before_ns, ..ClipSpan::between(11 * S, 20 * S) })
        };
        assert_eq!(not_before(10 * S), Some((100, 200)));
        assert_eq!(not_before(10 * S + 1), Some((120, 200)));
        assert_eq!(not_before(19 * S), Some((200, 200)));
        assert_eq!(not_before(21 * S), None);
    }

    #[test]
    fn whole_groups_go_by_age_and_what_was_promised_stays() {
        let ring = ring(10, 1_000_000, units(0, 500, 640));
        let (oldest, _) = span(&ring, 0, 60).expect("kept");
        assert_eq!(oldest, 380, "ten seconds and what is left of a group");
    }

    #[test]
    fn bytes_are_bounded_and_the_oldest_group_goes_first() {
        let ring = ring(600, 50_000, units(0, 500, 640));
        let (oldest, newest) = span(&ring, 0, 60).expect("kept");
        assert_eq!((oldest, newest), (460, 499));
    }

    #[test]
    fn a_group_longer_than_the_ring_is_dropped_whole_and_a_later_one_is_kept() {
        let long = units(0, 500, 640).map(|unit| match unit.captured_ns {
            0 | 48_000_000_000 => unit,
            _ => Unit { kind: UnitKind::Delta, ..unit },
        });
        let ring = ring(600, 50_000, long);
        assert_eq!(span(&ring, 0, 60), Some((480, 499)));
    }

    #[test]
    fn where_the_format_changes_the_longer_part_is_the_clip() {
        let ring = ring(60, 1_000_000, units(0, 300, 640).chain(units(300, 400, 1280)));
        assert_eq!(span(&ring, 10, 35), Some((100, 299)));
        assert_eq!(span(&ring, 28, 40), Some((300, 399)));
    }

    #[test]
    fn a_picture_that_others_before_the_end_are_made_from_is_kept() {
        let mut ring = Ring::new(RingBounds { seconds: 60, bytes_max: 1_000_000 });
        // Decoded as I P B B: the P is shown last.
        for (captured_ns, kind) in
            [(0, UnitKind::Key), (3, UnitKind::Delta), (1, UnitKind::Delta), (2, UnitKind::Delta)]
        {
            ring.push(Unit { captured_ns, kind, format: format(640), bytes: vec![0].into() });
        }
        let times: Vec<u64> = ring
            .select(ClipSpan::between(0, 1))
            .expect("kept")
            .units
            .iter()
            .map(|unit| unit.captured_ns)
            .collect();
        assert_eq!(times, [0, 3, 1]);
    }
}
