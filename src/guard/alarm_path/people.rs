//! Who was seen in a frame, for live pictures and evidence.

use super::AlarmPath;
use crate::engine::detection::Detection;
use crate::engine::zone::HOLD_SCORE;
use crate::engine::{AnchorHow, CameraIndex, FrameReport, Looked, TrackView, Verdict};
use crate::guard::handle::Person;
use crate::guard::live::FramePeople;
use crate::guard::privacy::covers::{self, Cover};

impl AlarmPath {
    /// The people of a frame, before the tracker has named them; `before`: where people were in the
    /// frame before.
    pub(super) fn people(
        &self,
        frame: &FrameReport,
        size_px: (u32, u32),
        before: &[Cover],
    ) -> FramePeople {
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
                verdict: Verdict::Person,
                anchor: AnchorHow::Box,
                ground_m: None,
                speed_m_s: None,
                inside: self.zones_at(frame.camera, foot),
            }
        };
        let people: Vec<Person> = frame.detections.iter().map(person).collect();
        let found: Vec<_> = people.iter().map(|person| person.bounds_norm).collect();
        FramePeople {
            camera: usize::from(frame.camera.0),
            frame: frame.frame,
            captured_at: frame.captured_at,
            size_px,
            covers: covers::next(before, frame.captured_at, &found),
            names: self.names.clone(),
            people,
        }
    }

    /// Says of each person what the engine made of them. A picture that came too late to be decided
    /// on was not looked at, and its people stay as they are.
    pub(super) fn judge(&self, camera: CameraIndex, people: &mut [Person]) {
        let looked = self.engine.looked(camera);
        let foot = |looked: &Looked| [looked.anchor.foot_norm.0, looked.anchor.foot_norm.1];
        let same = looked.len() == people.len()
            && people.iter().zip(looked).all(|(person, it)| person.foot_norm == foot(it));
        if !same {
            return;
        }
        for (person, it) in people.iter_mut().zip(looked) {
            (person.verdict, person.anchor) = (it.verdict, it.anchor.how);
            person.ground_m = it.ground_m.map(|(x, y)| [x, y]);
            person.speed_m_s = it.speed_m_s;
            if let Some(hidden) = it.anchor.estimated {
                person.inside.extend(self.zones_at(camera, hidden.from_norm));
                person.inside.extend(self.zones_at(camera, hidden.to_norm));
                person.inside.sort_unstable();
                person.inside.dedup();
            }
        }
    }

    /// The zones of the camera that hold this point, edge included.
    fn zones_at(&self, camera: CameraIndex, foot_norm: (f64, f64)) -> Vec<usize> {
        let zones = self.names.live().filter(|(_, zone)| zone.info.camera == camera.0);
        zones
            .filter(|(number, _)| self.engine.contains(*number, foot_norm))
            .map(|(number, _)| usize::from(number.0))
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
