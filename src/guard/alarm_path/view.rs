//! What the vision process says of a camera's view, what people say of it, and the pictures of both.

mod watch;

use std::time::Duration;

use jiff::Timestamp;

use crate::clock;
use crate::engine::time::Instant;
use crate::engine::view_fault::{ViewFault, ViewFaults};
use crate::engine::{BlindCause, CameraIndex, Input};
use crate::guard::evidence::PaintTask;
use crate::guard::handle::{CommandError, Judged, ReferenceFacts, ReferenceWhy};
use crate::guard::message::Approval;
use crate::guard::views::{NewReference, ViewFrame};
use crate::guard::{intake, words};
use crate::link::{GreyPicture, LearnedView, ToWorker, ViewFinding, ViewShift};
use crate::store::record::Record;
use crate::telemetry::chain;

use self::watch::{Coming, KeptMoved, WaitingReference, moved};
use super::{Changed, Runner};

pub(super) use self::watch::ViewWatch;

/// A view that was taken as it is and has no reference after so long was not heard of, or could not be
/// learned; it is asked for again. Learning takes half a minute.
const ASK_AGAIN: Duration = Duration::from_secs(60);

impl Runner {
    pub(super) fn view(
        &mut self,
        camera: CameraIndex,
        findings: Vec<ViewFinding>,
        shift: Option<ViewShift>,
    ) {
        let faults = intake::faults(&findings);
        let news = self.path.board.view(camera).is_some_and(|view| view.put(findings, shift));
        if news {
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
        self.keep_moved(camera);
        self.picture_trouble(camera);
    }

    /// Whether somebody who looks can say that the view is right: it can be seen.
    pub(super) fn may_confirm(&self, camera: CameraIndex) -> Result<(), CommandError> {
        let seen = match self.path.engine.blind(camera) {
            None | Some(BlindCause::View(_)) => true,
            Some(
                BlindCause::Starting
                | BlindCause::NoFrames
                | BlindCause::LateFrames
                | BlindCause::SourceLost
                | BlindCause::WorkerSilent
                | BlindCause::WorkerDown,
            ) => false,
        };
        let faults = self.path.engine.view_faults(camera);
        let unseen =
            [ViewFault::Frozen, ViewFault::TimeBackwards, ViewFault::Dark, ViewFault::Overexposed];
        match seen && !unseen.into_iter().any(|fault| faults.has(fault)) {
            true => Ok(()),
            false => Err(CommandError::ViewUnseen),
        }
    }

    /// The page says that such a view has moved; why, the event log does. Before the thread starts: it
    /// looks at what others hold.
    pub(super) fn note_unrecognised(&mut self) {
        for camera in self.path.views.unrecognised() {
            let id = self.path.names.camera_id(camera);
            let text = format!(
                "privacy masks hide most of what the view of camera {id} is known by: nobody can tell \
                 whether it is still the same, and its zones are UNKNOWN until somebody confirms it"
            );
            tracing::warn!("{text}");
            self.path.handover.put([Record::Note { at: clock::wall(), text }]);
        }
    }

    /// That a view has moved outlives the box, until somebody has taken it as it is.
    fn keep_moved(&mut self, camera: CameraIndex) {
        let now = moved(&self.path.engine, camera);
        let Some(watch) = self.views.0.get_mut(usize::from(camera.0)) else { return };
        if watch.moved == now {
            return;
        }
        let view = self.path.board.view(camera);
        let since = match now {
            KeptMoved::Yes => {
                Some(view.and_then(|view| view.moved_since()).unwrap_or_else(clock::wall))
            }
            KeptMoved::No => None,
        };
        let id = self.path.names.camera_id(camera).to_owned();
        let left = self.path.clerk.leave(move |store| {
            if let Err(error) = store.put_view_unconfirmed(&id, since) {
                tracing::error!("that a view has moved is not kept: {}", chain(&error));
            }
        });
        match left {
            Ok(()) => watch.moved = now,
            // The next time something is said of it, once more.
            Err(error) => tracing::error!("that a view has moved is not kept: {error}"),
        }
    }

    /// What was asked of the vision process, or is to be kept, and is not done yet.
    pub(super) fn ask_views_again(&mut self, now: Instant) {
        self.tell_masks();
        for index in (0..).take(self.views.0.len()) {
            self.hand_over_view(CameraIndex(index));
            self.keep_view_again(CameraIndex(index), now);
        }
        for (index, watch) in (0..).zip(&mut self.views.0) {
            let due = watch.asked_at.is_some_and(|at| now.since(at) >= ASK_AGAIN);
            // What was told since is not what the engineer has seen.
            let camera = CameraIndex(index);
            let clean = self.path.engine.view_faults(camera) == ViewFaults::NONE;
            if due && clean && watch.next.is_some() {
                watch.asked_at = Some(now);
                self.path.post.post(ToWorker::AcceptView { camera: index });
            }
        }
    }

    /// What nobody may see of the cameras, where that has changed: before anything that is learned
    /// later.
    pub(super) fn tell_masks(&mut self) {
        self.views.tell_masks(&self.path.names, &self.path.painter);
    }

    /// A disk that was full has room again, perhaps.
    fn keep_view_again(&mut self, camera: CameraIndex, now: Instant) {
        let Some(watch) = self.views.0.get_mut(usize::from(camera.0)) else { return };
        let due = watch.kept_again_at.is_none_or(|at| now.since(at) >= ASK_AGAIN);
        if due && self.path.views.is_behind(camera) {
            watch.kept_again_at = Some(now);
            let _ = self.path.painter.try_send(PaintTask::KeepAgain { camera });
        }
    }

    /// The picture of what is wrong with a view, when that is something else than before.
    fn picture_trouble(&mut self, camera: CameraIndex) {
        let gravest = self.path.engine.view_faults(camera).first();
        let Some(watch) = self.views.0.get_mut(usize::from(camera.0)) else { return };
        if watch.has_picture_of(gravest) {
            return;
        }
        let newest = self.seen.get(usize::from(camera.0)).and_then(|seen| seen.back());
        let taken = match (gravest, newest) {
            (None, _) => self.path.painter.try_send(PaintTask::TroubleOver { camera }).is_ok(),
            // The next time something is said, there may be one.
            (Some(_), None) => false,
            (Some(_), Some(seen)) => {
                let (names, people) = (self.path.names.clone(), seen.people.clone());
                let frame = people.frame;
                self.requests += 1;
                let request = self.requests;
                let of = ViewFrame { camera, names, seen: Some(people) };
                let task = PaintTask::Trouble { request, frame: of };
                let taken = self.path.painter.try_send(task).is_ok();
                if taken {
                    let asked = ToWorker::TakeSnapshot { request, camera: camera.0, frame };
                    self.path.post.post(asked);
                }
                taken
            }
        };
        if taken {
            (watch.pictured, watch.coming) = (gravest, Coming::Yes);
        }
    }

    /// A view has its reference: why, by whom, and a picture of it to show.
    pub(super) fn view_settled(&mut self, camera: CameraIndex, frame: u64, grey: GreyPicture) {
        let index = usize::from(camera.0);
        let Some(watch) = self.views.0.get_mut(index) else { return };
        let (why, by) = match (watch.next.take(), watch.waiting.take()) {
            (Some((why, by)), _) => (why, Some(by)),
            // The same view, learned once more before the first time was kept.
            (None, Some(before)) => (before.new.facts.why, before.new.facts.by),
            (None, None) => (ReferenceWhy::First, None),
        };
        let zone_version = self.path.names.in_force.get(index).map(|zones| zones.version);
        // As exactly as it is kept.
        let wall = clock::wall();
        let taken_at = Timestamp::from_microsecond(wall.as_microsecond()).unwrap_or(wall);
        let facts = ReferenceFacts { taken_at, why, by, zone_version };
        let seen = self.seen[index].iter().find(|seen| seen.people.frame == frame);
        let seen = seen.map(|seen| seen.people.clone());
        let of = ViewFrame { camera, names: self.path.names.clone(), seen };
        let replaced = self.path.views.replaced(camera);
        let new = Box::new(NewReference { frame: of, facts, grey, of: replaced });
        watch.settled(WaitingReference { frame, new });
        self.hand_over_view(camera);
    }

    /// What else was learned of a view.
    pub(super) fn view_learned(&mut self, camera: CameraIndex, learned: Box<LearnedView>) {
        if let Some(watch) = self.views.0.get_mut(usize::from(camera.0)) {
            watch.learned = Some(learned);
            self.hand_over_view(camera);
        }
    }

    /// Hands what waits of a camera's view to the painter. Told once, it is in no other hands.
    fn hand_over_view(&mut self, camera: CameraIndex) {
        let Some(watch) = self.views.0.get_mut(usize::from(camera.0)) else { return };
        let request = self.requests + 1;
        if let Some(frame) = watch.hand_over(camera, &self.path.painter, request) {
            self.requests = request;
            self.path.post.post(ToWorker::TakeSnapshot { request, camera: camera.0, frame });
        }
    }

    /// Zones were approved by somebody who saw the view as it is: it is theirs from now on.
    /// Not when they were drawn before it moved, and not when something is wrong with the view that new
    /// zones do not cure: then somebody has to look and confirm.
    pub(super) fn view_approved(&mut self, camera: CameraIndex, approval: Approval) {
        let Approval { by, drawn_at } = approval;
        if self.path.views.judged(camera) == Judged::No {
            return;
        }
        let at = clock::wall();
        let id = self.path.names.camera_id(camera);
        let faults = self.path.engine.view_faults(camera);
        let moved_since = self.path.board.view(camera).and_then(|view| view.moved_since());
        let older = faults.has(ViewFault::Moved) && moved_since.is_none_or(|it| drawn_at < it);
        let other = faults.without(ViewFault::Moved).first();
        if self.may_confirm(camera).is_err() || older || other.is_some() {
            let why = match other {
                Some(fault) => words::view(fault),
                None if older => "the view has moved since they were drawn",
                None => "its view cannot be seen now",
            };
            let text = format!(
                "{by} approved zones of camera {id}, but {why}: it is still held against what it was, \
                 until somebody confirms it"
            );
            self.path.handover.put([Record::Note { at, text }]);
            return;
        }
        let moved = faults.has(ViewFault::Moved);
        self.step(Input::ViewConfirmed { camera });
        self.replace_view(camera, ReferenceWhy::ZonesApproved, &by);
        let id = self.path.names.camera_id(camera);
        let ended = if moved { "; it had moved, and counts as right again" } else { "" };
        let text = format!(
            "{by} approved zones of camera {id}: its view is held against what it is now{ended}"
        );
        self.path.handover.put([Record::Note { at, text }]);
        if moved {
            let what = "approved zones of it are drawn on the view as it is now";
            self.audit_view(camera, by, what.to_owned(), at);
        }
    }

    /// Into the event log, as what is returned, and into the audit log. The vision process learns the
    /// view anew, as it is now.
    pub(super) fn view_confirmed(
        &mut self,
        camera: CameraIndex,
        by: String,
        reason: String,
        at: Timestamp,
    ) -> Record {
        self.replace_view(camera, ReferenceWhy::Confirmed, &by);
        let id = self.path.names.camera_id(camera).to_owned();
        let text = format!("{by} confirmed the view of camera {id}: {reason}");
        self.audit_view(camera, by, reason, at);
        Record::Note { at, text }
    }

    fn replace_view(&mut self, camera: CameraIndex, why: ReferenceWhy, by: &str) {
        if let Some(watch) = self.views.0.get_mut(usize::from(camera.0)) {
            watch.next = Some((why, by.to_owned()));
            watch.asked_at = Some(clock::monotonic());
            // That was the view before.
            watch.forget();
        }
        self.path.views.outdated(camera);
        self.path.post.post(ToWorker::AcceptView { camera: camera.0 });
        self.keep_moved(camera);
        if let Some(view) = self.path.board.view(camera) {
            view.accepted();
        }
        self.picture_trouble(camera);
        self.changed = Changed::Yes;
    }

    fn audit_view(&self, camera: CameraIndex, by: String, reason: String, at: Timestamp) {
        let id = self.path.names.camera_id(camera).to_owned();
        let left = self.path.clerk.leave(move |store| {
            if let Err(error) = store.append_audit(&by, "view_confirmed", &id, &reason, at) {
                tracing::error!("the confirmed view is not in the audit log: {error}");
            }
        });
        if let Err(error) = left {
            tracing::error!("the confirmed view is not in the audit log: {error}");
        }
    }
}
