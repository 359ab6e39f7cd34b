//! Whether the detector keeps up with its cameras, as the vision process says; which model it is; and
//! what that process is told of zones.
//!
//! Not here: a camera that gets so little that its zones are not watched. Time alone makes those
//! UNKNOWN.

use std::time::Duration;

use super::failing::{Failures, Thing};
use super::{Changed, Runner};
use crate::clock;
use crate::engine::time::Instant;
use crate::engine::{CameraIndex, Part};
use crate::guard::message::Gravity;
use crate::guard::words;
use crate::link::{self, DetailCut, DetailZone, Load, ModelInfo, Served, ToWorker};
use crate::store::record::Record;

/// How often the vision process is told of zones again: a message that found no room is lost, and
/// nobody may be looked for in the zones of yesterday for longer than this.
const TELL_DETAIL_EVERY: Duration = Duration::from_secs(5);

impl Runner {
    /// Tells the vision process where people may be too small.
    pub(super) fn tell_detail(&mut self) {
        self.detail_told_at = clock::monotonic();
        for (camera, zones) in (0..).zip(&self.path.detail) {
            self.path.post.post(ToWorker::Detail { camera, zones: zones.clone() });
        }
    }

    /// What is reported from here on was seen by this model.
    pub(super) fn looks_with(&mut self, model: ModelInfo) {
        self.model = model.digest.as_str().into();
        self.path.board.model = Some(model);
    }

    /// The model is another one, and nothing else changes: who was followed, who is inside and what was
    /// answered is known from pictures, whoever looked at them.
    pub(super) fn switched(&mut self, model: ModelInfo) {
        let text = format!("the model {} looks from here on", words::model(&model));
        self.note_model(text, model);
    }

    /// The model that had just begun ended with an error.
    pub(super) fn fell_back(&mut self, model: ModelInfo, reason: &str) {
        let text = format!("the model {} looks again: {reason}", words::model(&model));
        self.note_model(text, model);
    }

    fn note_model(&mut self, text: String, model: ModelInfo) {
        tracing::info!("{text}");
        self.looks_with(model);
        self.path.handover.put([Record::Note { at: clock::wall(), text }]);
    }

    /// Tells it again when it is time to: what it knows already changes nothing there.
    pub(super) fn repeat_detail(&mut self, now: Instant) {
        if now.since(self.detail_told_at) >= TELL_DETAIL_EVERY {
            self.tell_detail();
        }
    }

    /// A camera's zones are others.
    pub(super) fn change_detail(&mut self, camera: CameraIndex, zones: Vec<DetailZone>) {
        self.path.post.post(ToWorker::Detail { camera: camera.0, zones: zones.clone() });
        if let Some(told) = self.path.detail.get_mut(usize::from(camera.0)) {
            *told = zones;
        }
    }

    /// What a vision process had no time for is not known of the next one.
    pub(super) fn forget_detail_cut(&mut self) {
        for (camera, _) in (0..).zip(&self.path.detail) {
            self.path.board.detail_cut(CameraIndex(camera), None);
        }
    }

    /// `None`: everything was looked at that should be.
    pub(super) fn detail_cut(&mut self, camera: CameraIndex, cut: Option<DetailCut>) {
        let id = self.path.names.camera_id(camera);
        match cut.map(words::detail_cut) {
            Some(words) => tracing::warn!("camera {id}: {words}"),
            None => {
                tracing::info!("camera {id}: small people are looked for wherever they should be")
            }
        }
        self.path.board.detail_cut(camera, cut);
        self.changed = Changed::Yes;
    }

    /// `None`: it keeps up.
    pub(super) fn load(&mut self, load: Option<Load>) {
        let fault = load.map(|load| {
            overload(&load, |camera| self.path.names.camera_name(CameraIndex(camera)).to_owned())
        });
        match (&fault, &self.path.board.detector_fault) {
            (Some(fault), None) => {
                tracing::error!("the detector cannot keep up with the cameras: {fault}");
            }
            (None, Some(_)) => tracing::info!("the detector keeps up with the cameras again"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        let failures: Failures = fault.iter().map(|_| (Thing::Pace, Gravity::Impaired)).collect();
        self.path.board.detector_fault = fault;
        self.tell_part(Part::Detector, failures);
    }
}

/// The numbers, and what to do about them.
fn overload(load: &Load, name: impl Fn(link::CameraIndex) -> String) -> String {
    let short = load.cameras.iter().filter(|it| it.served == Served::TooLittle);
    let rate = |it: &link::CameraLoad| {
        let name = name(it.camera);
        format!("{name} gets {:.1} of {:.1} pictures a second", it.looked_at_fps, it.came_fps)
    };
    let rates: Vec<String> = short.map(rate).collect();
    let who = match rates.is_empty() {
        true => "every camera gets what it should for the moment".to_owned(),
        false => rates.join(", "),
    };
    format!(
        "{:.0} ms of work come in a second, it can do {:.0}: {who}; lower `fps` or `input_long_side`, \
         or connect fewer cameras",
        load.needed_ms_per_s, load.available_ms_per_s
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::CameraLoad;

    #[test]
    fn an_overload_is_said_with_its_numbers_and_who_gets_too_little() {
        let camera = |camera, looked_at_fps, served| CameraLoad {
            camera,
            came_fps: 5.0,
            looked_at_fps,
            picture_ms: 60.0,
            served,
        };
        let load = Load {
            needed_ms_per_s: 1320.4,
            available_ms_per_s: 1000.0,
            cameras: vec![camera(0, 4.4, Served::Enough), camera(1, 3.1, Served::TooLittle)],
        };
        let said = overload(&load, |camera| format!("camera {camera}"));
        assert!(said.contains("1320 ms"), "{said}");
        assert!(said.contains("can do 1000"), "{said}");
        assert!(said.contains("camera 1 gets 3.1 of 5.0"), "{said}");
        assert!(!said.contains("camera 0"), "{said}");
    }
}
