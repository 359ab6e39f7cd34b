//! Each camera's integrity in the live worker: looks at the pictures the model looks at, and tells
//! the guard at a change, and every second while anything is wrong.

use std::time::Duration;

use crate::clock;
use crate::engine::time::Instant;
use crate::engine::view_fault::ViewFault;
use crate::integrity::{Finding, Grey, Hour, Watch};
use crate::link::{CameraIndex, FromWorker, Source, ViewFinding, ViewKind};

use super::super::preprocess::PictureRef;

/// How often the guard is told again of what is wrong.
const TELL_EVERY: Duration = Duration::from_secs(1);

const SECONDS_AN_HOUR: i64 = 3600;

/// One camera's watch, and what the guard knows of it.
#[derive(Default)]
pub struct Integrity {
    watch: Watch,
    told: Vec<ViewFault>,
    told_at: Option<Instant>,
}

impl Integrity {
    /// A camera's. A test pattern has none: it is drawn, without noise and without a view.
    pub fn of(source: &Source) -> Option<Integrity> {
        match source {
            Source::File { .. }
            | Source::Gst { .. }
            | Source::Rtsp(_)
            | Source::HttpMjpeg(_)
            | Source::V4l2(_) => Some(Integrity::default()),
            Source::Test { .. } => None,
        }
    }

    /// Looks at a picture. What the guard must be told of it, if anything.
    pub fn look(
        &mut self,
        camera: CameraIndex,
        picture: &PictureRef<'_>,
        captured_ns: u64,
    ) -> Option<FromWorker> {
        let (grey, tone) = Grey::from_bgr(picture.rows(), picture.width())?;
        let hours = clock::wall().as_second().div_euclid(SECONDS_AN_HOUR);
        let hour = Hour::new(u64::try_from(hours).unwrap_or_default());
        let look = self.watch.look(grey, tone, Instant::from_nanos(captured_ns), hour)?;
        self.news(camera, &look.findings)
    }

    /// An engineer has looked: the view is learned anew, as it is now.
    pub fn accept(&mut self) {
        self.watch.accept();
    }

    fn news(&mut self, camera: CameraIndex, findings: &[Finding]) -> Option<FromWorker> {
        let faults: Vec<ViewFault> = findings.iter().map(|finding| finding.fault).collect();
        let now = clock::monotonic();
        let again = !faults.is_empty() && self.told_at.is_none_or(|at| now.since(at) >= TELL_EVERY);
        if faults == self.told && !again {
            return None;
        }
        self.told = faults;
        self.told_at = Some(now);
        let findings = findings.iter().map(wire).collect();
        Some(FromWorker::Integrity { camera, findings })
    }
}

fn wire(finding: &Finding) -> ViewFinding {
    ViewFinding {
        kind: match finding.fault {
            ViewFault::Frozen => ViewKind::Frozen,
            ViewFault::TimeBackwards => ViewKind::TimeBackwards,
            ViewFault::WrongPicture => ViewKind::WrongPicture,
            ViewFault::Moved => ViewKind::Moved,
            ViewFault::Covered => ViewKind::Covered,
            ViewFault::Dark => ViewKind::Dark,
            ViewFault::Overexposed => ViewKind::Overexposed,
            ViewFault::Blurred => ViewKind::Blurred,
            ViewFault::Discoloured => ViewKind::Discoloured,
        },
        since_ns: finding.since.as_nanos(),
        measured: finding.measured,
        limit: finding.limit,
    }
}
