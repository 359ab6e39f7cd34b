//! What the alarm path lets others look at: feet, entries, and when the siren had the sound.
//!
//! The alarm path never waits: an observation that finds no room is lost and counted. Walk tests
//! and the heat map are made of observations; no alarm hangs on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};

use super::message::Sounding;
use crate::engine::time::Instant;
use crate::engine::{CameraIndex, Entry, IncidentId, Verdict, ZoneIndex};

/// Observations that may wait: eight seconds of eight cameras at 15 pictures a second, more than the
/// store may take for one errand.
pub const QUEUE_MAX: usize = 1024;

/// Something that was seen.
#[derive(Clone, Debug)]
pub enum Observation {
    Feet(Feet),
    Entry(EntrySeen),
    /// The zone's incident is over.
    Ended(ZoneIndex),
    /// The siren has taken this order and all before it.
    Siren {
        order: u64,
        at: Instant,
        output: Sounding,
    },
}

/// The people of one picture.
#[derive(Clone, Debug)]
pub struct Feet {
    pub camera: CameraIndex,
    pub captured_at: Instant,
    /// When the guard had its detections.
    pub received_at: Instant,
    pub size_px: (u32, u32),
    pub people: Vec<Foot>,
}

#[derive(Clone, Debug)]
pub struct Foot {
    pub track: Option<u64>,
    pub at_norm: [f64; 2],
    pub verdict: Verdict,
    /// Numbers of the zones it is in.
    pub inside: Vec<usize>,
}

/// Somebody entered a zone.
#[derive(Clone, Debug)]
pub struct EntrySeen {
    pub zone: ZoneIndex,
    pub incident: IncidentId,
    pub entry: Entry,
    pub decided_at: Instant,
    pub sound: Sound,
}

/// What the entry did to the siren.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// It was ordered to begin.
    Ordered(u64),
    /// It sounded like that before.
    SoundedAlready,
    /// Something more urgent sounds.
    Drowned,
    /// Somebody had answered this alarm, and it did not begin anew.
    Answered,
}

/// The alarm path's end.
#[derive(Clone, Debug)]
pub struct Tap {
    queue: SyncSender<Observation>,
    lost: Arc<AtomicU32>,
}

/// The other end.
#[derive(Debug)]
pub struct Observations {
    pub queue: Receiver<Observation>,
    pub lost: Lost,
}

/// How many observations were lost since the start.
#[derive(Clone, Debug)]
pub struct Lost(Arc<AtomicU32>);

impl Lost {
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Both ends.
pub fn tap() -> (Tap, Observations) {
    let (sender, queue) = mpsc::sync_channel(QUEUE_MAX);
    let lost = Arc::new(AtomicU32::new(0));
    let observations = Observations { queue, lost: Lost(lost.clone()) };
    (Tap { queue: sender, lost }, observations)
}

impl Tap {
    /// Never waits.
    pub fn tell(&self, observation: Observation) {
        if self.queue.try_send(observation).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_lost_counted_and_never_waited_for() {
        let (tap, observations) = tap();
        for _ in 0..QUEUE_MAX + 3 {
            tap.tell(Observation::Ended(ZoneIndex(0)));
        }
        assert_eq!(observations.lost.count(), 3);
        assert_eq!(observations.queue.try_iter().count(), QUEUE_MAX);
    }
}
