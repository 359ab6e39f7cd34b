//! Who was seen in a frame, for live pictures and evidence.

use super::AlarmPath;
use crate::engine::detection::Detection;
use crate::engine::zone::HOLD_SCORE;
use crate::engine::{CameraIndex, FrameReport, TrackView, ZoneIndex};
use crate::guard::handle::Person;
use crate::guard::live::FramePeople;

impl AlarmPath {
    /// The people of a frame, before the tracker has named them.
    pub(super) fn people(&self, frame: &FrameReport, size_px: (u32, u32)) -> FramePeople {
        let (width, height) = (frame.size.width_px(), frame.size.height_px());
        let person = |detection: &Detection| {
            let bounds = detection.bounds;
            let foot = bounds.anchor_norm(frame.size);
            Person {
                track: None,
                bounds_norm: [
                    bounds.left() / width,
                    bounds.top() / height,
                    bounds.width() / width,
                    bounds.height() / height,
                ],
                foot_norm: [foot.0, foot.1],
                score: detection.score.get(),
                inside: self.zones_at(frame.camera, foot),
            }
        };
        FramePeople {
            camera: usize::from(frame.camera.0),
            frame: frame.frame,
            captured_at: frame.captured_at,
            size_px,
            people: frame.detections.iter().map(person).collect(),
        }
    }

    /// The zones of the camera that hold this point, edge included.
    fn zones_at(&self, camera: CameraIndex, foot_norm: (f64, f64)) -> Vec<usize> {
        let zones = (0u16..).zip(&self.names.zones);
        zones
            .filter(|(_, zone)| zone.camera == camera.0)
            .filter(|(index, _)| self.engine.contains(ZoneIndex(*index), foot_norm))
            .map(|(index, _)| usize::from(index))
            .collect()
    }
}

/// Tells each person the track whose newest box is theirs, and forgets who is nobody's: a faint
/// detection that is neither followed nor inside a zone would only make people look for ghosts.
pub(super) fn name_tracks(
    people: &mut Vec<Person>,
    detections: &[Detection],
    tracks: &[TrackView],
) {
    for (person, detection) in people.iter_mut().zip(detections) {
        let same = tracks.iter().find(|track| track.bounds == detection.bounds);
        person.track = same.map(|track| track.id.0);
    }
    people.retain(|person| {
        person.track.is_some() || (!person.inside.is_empty() && person.score >= HOLD_SCORE)
    });
}
