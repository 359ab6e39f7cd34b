//! What is remembered of the cameras' views, and what of them waits for the painter.
//!
//! Not here: what the vision process says, and what becomes of it (`view`).

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

use crate::engine::time::Instant;
use crate::engine::view_fault::ViewFault;
use crate::engine::{CameraIndex, Engine};
use crate::guard::evidence::PaintTask;
use crate::guard::handle::ReferenceWhy;
use crate::guard::records::SiteNames;
use crate::guard::views::NewReference;
use crate::link::LearnedView;
use crate::zone_file::Mask;

/// All cameras.
pub(in crate::guard::alarm_path) struct ViewWatch(pub(super) Vec<CameraWatch>);

#[derive(Default)]
pub(super) struct CameraWatch {
    /// Why the next reference is taken, and by whom.
    pub(super) next: Option<(ReferenceWhy, String)>,
    /// When the vision process was last told to take the view as it is.
    pub(super) asked_at: Option<Instant>,
    /// A reference that the painter had no room for; and what was learned after it.
    pub(super) waiting: Option<WaitingReference>,
    pub(super) learned: Option<Box<LearnedView>>,
    /// Of which fault a picture was asked for, and whether it may still come.
    pub(super) pictured: Option<ViewFault>,
    pub(super) coming: Coming,
    /// Whether it is kept that the view has moved.
    pub(super) moved: KeptMoved,
    /// What the painter knows that nobody may see.
    masks: Arc<[Mask]>,
    /// When what the store has not taken was last to be kept again.
    pub(super) kept_again_at: Option<Instant>,
}

/// A reference, and the frame to show of it.
pub(super) struct WaitingReference {
    pub(super) frame: u64,
    pub(super) new: Box<NewReference>,
}

/// Whether a picture that was asked for came, or may come.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Coming {
    #[default]
    Yes,
    /// The vision process that was asked has ended.
    No,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum KeptMoved {
    #[default]
    No,
    Yes,
}

impl ViewWatch {
    /// Whoever keeps pictures of the cameras knows the masks of these names already.
    pub(in crate::guard::alarm_path) fn of(engine: &Engine, names: &SiteNames) -> ViewWatch {
        let camera = |camera| CameraWatch {
            moved: moved(engine, CameraIndex(camera)),
            masks: names.shared_masks(usize::from(camera)),
            ..CameraWatch::default()
        };
        ViewWatch((0..).take(names.cameras.len()).map(camera).collect())
    }

    /// A vision process has started: what the one before was asked for never comes.
    pub(in crate::guard::alarm_path) fn ask_anew(&mut self) {
        self.0.iter_mut().for_each(|watch| watch.coming = Coming::No);
    }

    /// Tells the painter of masks that are others than it knows.
    pub(super) fn tell_masks(&mut self, names: &SiteNames, painter: &SyncSender<PaintTask>) {
        for (index, watch) in (0..).zip(&mut self.0) {
            let masks = names.shared_masks(usize::from(index));
            if Arc::ptr_eq(&masks, &watch.masks) {
                continue;
            }
            let task = PaintTask::Masks { camera: CameraIndex(index), masks: masks.clone() };
            // Full: the next time.
            if masks == watch.masks || painter.try_send(task).is_ok() {
                watch.masks = masks;
            }
        }
    }
}

impl CameraWatch {
    /// Whether there is a picture of this fault, or will be; of no fault there is none.
    pub(super) fn has_picture_of(&self, fault: Option<ViewFault>) -> bool {
        self.pictured == fault && (fault.is_none() || self.coming == Coming::Yes)
    }

    /// A view has its reference. What was learned before it is not of it.
    pub(super) fn settled(&mut self, waiting: WaitingReference) {
        (self.waiting, self.learned) = (Some(waiting), None);
    }

    /// The view is another one from now on.
    pub(super) fn forget(&mut self) {
        (self.waiting, self.learned) = (None, None);
    }

    /// Hands what waits to the painter: the reference, and then what was learned after it, so that no
    /// reference makes it forget what is newer. The frame of which a picture is to be asked for, where a
    /// reference went. For what there is no room it waits on.
    pub(super) fn hand_over(
        &mut self,
        camera: CameraIndex,
        painter: &SyncSender<PaintTask>,
        request: u64,
    ) -> Option<u64> {
        let mut gone = None;
        if let Some(WaitingReference { frame, new }) = self.waiting.take() {
            match painter.try_send(PaintTask::Reference { request, new }) {
                Ok(()) => gone = Some(frame),
                Err(TrySendError::Full(PaintTask::Reference { new, .. })) => {
                    self.waiting = Some(WaitingReference { frame, new });
                    return None;
                }
                // The box is ending.
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => return None,
            }
        }
        if let Some(learned) = self.learned.take() {
            match painter.try_send(PaintTask::Learned { camera, learned }) {
                Err(TrySendError::Full(PaintTask::Learned { learned, .. })) => {
                    self.learned = Some(learned);
                }
                Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
            }
        }
        gone
    }
}

pub(super) fn moved(engine: &Engine, camera: CameraIndex) -> KeptMoved {
    match engine.view_faults(camera).has(ViewFault::Moved) {
        true => KeptMoved::Yes,
        false => KeptMoved::No,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver};

    use jiff::Timestamp;

    use super::*;
    use crate::guard::handle::ReferenceFacts;
    use crate::guard::records::InForce;
    use crate::guard::views::ViewFrame;
    use crate::link::GreyPicture;

    const CAMERA: CameraIndex = CameraIndex(0);

    fn names(masks: &[Mask]) -> SiteNames {
        SiteNames {
            cameras: vec![("yard".into(), "Yard".into())],
            addresses: vec![String::new()],
            in_force: vec![InForce { masks: Arc::from(masks), ..InForce::default() }],
            zones: Vec::new(),
        }
    }

    fn reference() -> WaitingReference {
        let facts = ReferenceFacts {
            taken_at: Timestamp::UNIX_EPOCH,
            why: ReferenceWhy::Confirmed,
            by: Some("Eva".into()),
            zone_version: Some(3),
        };
        let grey = GreyPicture { width_px: 2, height_px: 1, luma: vec![5, 6] };
        let frame = ViewFrame { camera: CAMERA, names: Arc::new(names(&[])), seen: None };
        WaitingReference { frame: 17, new: Box::new(NewReference { frame, facts, grey, of: 4 }) }
    }

    fn learned(looks: f32) -> Box<LearnedView> {
        let hour = crate::link::UsualHour { looks, ..Default::default() };
        Box::new(LearnedView { usual: vec![hour], ..LearnedView::default() })
    }

    /// A painter that has a task already, and room for no other.
    fn busy_painter() -> (SyncSender<PaintTask>, Receiver<PaintTask>) {
        let (painter, tasks) = mpsc::sync_channel(1);
        painter.try_send(PaintTask::TroubleOver { camera: CAMERA }).expect("room for one");
        (painter, tasks)
    }

    #[test]
    fn a_picture_that_a_vision_process_took_with_it_is_none() {
        let fault = Some(ViewFault::Covered);
        let watch = CameraWatch { pictured: fault, ..CameraWatch::default() };
        let mut views = ViewWatch(vec![watch, CameraWatch::default()]);
        assert!(views.0[0].has_picture_of(fault));
        views.ask_anew();
        assert!(!views.0[0].has_picture_of(fault));
        assert!(!views.0[0].has_picture_of(None), "its end is told once");
        assert!(views.0[1].has_picture_of(None), "and never where there was none");
    }

    #[test]
    fn a_reference_that_finds_the_painter_busy_waits_and_what_was_learned_of_it_comes_after_it() {
        let (painter, tasks) = busy_painter();
        let before = Some(learned(1.0));
        let mut watch = CameraWatch { learned: before, ..CameraWatch::default() };
        watch.settled(reference());
        assert_eq!(watch.hand_over(CAMERA, &painter, 1), None);
        watch.learned = Some(learned(2.0));
        for request in [2, 3] {
            assert_eq!(watch.hand_over(CAMERA, &painter, request), None, "no room still");
        }
        assert!(matches!(tasks.recv(), Ok(PaintTask::TroubleOver { .. })));
        assert_eq!(watch.hand_over(CAMERA, &painter, 4), Some(17));
        let Ok(PaintTask::Reference { request: 4, new }) = tasks.recv() else { panic!("lost") };
        let sent = reference().new;
        assert_eq!((&new.facts, &new.grey, new.of), (&sent.facts, &sent.grey, 4));
        // There was room for one.
        assert_eq!(watch.hand_over(CAMERA, &painter, 5), None);
        let Ok(PaintTask::Learned { learned: came, .. }) = tasks.recv() else { panic!("lost") };
        assert_eq!(came, learned(2.0), "what was learned before it is of another view");
        assert_eq!(watch.hand_over(CAMERA, &painter, 6), None);
        assert!(tasks.try_recv().is_err(), "once each");
    }

    #[test]
    fn of_a_view_that_was_replaced_nothing_waits() {
        let (painter, tasks) = busy_painter();
        let mut watch = CameraWatch::default();
        watch.settled(reference());
        watch.learned = Some(learned(1.0));
        watch.forget();
        assert!(tasks.recv().is_ok());
        assert_eq!(watch.hand_over(CAMERA, &painter, 1), None);
        assert!(tasks.try_recv().is_err());
    }

    #[test]
    fn masks_that_find_the_painter_busy_are_told_at_the_next_tick_and_once() {
        let mask = |id: &str| Mask { id: id.into(), name: "Desk".into(), polygons: Vec::new() };
        let (painter, tasks) = busy_painter();
        let mut views = ViewWatch(vec![CameraWatch::default()]);
        let names = names(&[mask("desk")]);
        views.tell_masks(&names, &painter);
        assert!(matches!(tasks.recv(), Ok(PaintTask::TroubleOver { .. })));
        assert!(tasks.try_recv().is_err(), "there was no room");
        views.tell_masks(&names, &painter);
        let Ok(PaintTask::Masks { masks, .. }) = tasks.recv() else { panic!("never told") };
        assert_eq!(masks[..], [mask("desk")]);
        views.tell_masks(&names, &painter);
        assert!(tasks.try_recv().is_err());
    }
}
