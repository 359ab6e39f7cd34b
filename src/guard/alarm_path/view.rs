//! What the vision process says of a camera's view.

use jiff::Timestamp;

use crate::engine::view_fault::{ViewFault, ViewFaults};
use crate::engine::{CameraIndex, Input};
use crate::guard::{intake, words};
use crate::link::{ToWorker, ViewFinding};
use crate::store::record::Record;

use super::Runner;

impl Runner {
    pub(super) fn view(&mut self, camera: CameraIndex, findings: Vec<ViewFinding>) {
        let faults = intake::faults(&findings);
        if self.path.board.view(camera, findings) {
            let id = self.path.names.camera_id(camera);
            match faults {
                ViewFaults::NONE => tracing::info!("camera {id}: the view is right again"),
                faults => faults.iter().for_each(|fault| {
                    tracing::warn!("camera {id}: {}", words::view(fault));
                }),
            }
        }
        self.step(Input::View { camera, faults });
        let moved = self.path.engine.view_faults(camera).has(ViewFault::Moved);
        if faults.has(ViewFault::Moved) && !moved {
            // An engineer has confirmed the view; who still says that it moved has not heard of it.
            self.path.post.post(ToWorker::AcceptView { camera: camera.0 });
        }
    }

    /// Into the event log, as what is returned, and into the audit log. The vision process learns the
    /// view anew, as it is now.
    pub(super) fn view_confirmed(
        &self,
        camera: CameraIndex,
        by: String,
        reason: String,
        at: Timestamp,
    ) -> Record {
        self.path.post.post(ToWorker::AcceptView { camera: camera.0 });
        let id = self.path.names.camera_id(camera).to_owned();
        let text = format!("{by} confirmed the view of camera {id}: {reason}");
        let left = self.path.clerk.leave(move |store| {
            if let Err(error) = store.append_audit(&by, "view_confirmed", &id, &reason, at) {
                tracing::error!("the confirmed view is not in the audit log: {error}");
            }
        });
        if let Err(error) = left {
            tracing::error!("the confirmed view is not in the audit log: {error}");
        }
        Record::Note { at, text }
    }
}
