//! Turns a report from the link into the engine's input. What cannot be is dropped and counted.
//!
//! The vision process is not trusted with the alarm path: a number that is not finite, a box without
//! area or a picture from the future must cost that detection, never a panic.
//!
//! Not here: whether the camera exists (the engine refuses) and any judgement of a detection.

use crate::engine::detection::{Detection, FrameSize, PixelBox, Score};
use crate::engine::time::Instant;
use crate::engine::view_fault::{ViewFault, ViewFaults};
use crate::engine::{CameraIndex, FrameReport};
use crate::link::{self, ViewKind};

/// Most detections of one picture that reach the engine; tracking compares each with each, and the
/// alarm path must stay within its millisecond. A picture of a crowd has fewer.
pub const DETECTIONS_MAX: usize = 256;

/// A report in the engine's terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub frame: FrameReport,
    /// Detections that could not be, or were beyond `DETECTIONS_MAX`.
    pub dropped: usize,
}

/// `None` when the picture has no size: then nothing in it has a place.
pub fn parse(report: &link::Report, received_at: Instant) -> Option<Parsed> {
    let size = FrameSize::new(report.width_px, report.height_px)?;
    let mut detections: Vec<Detection> = report.detections.iter().filter_map(detection).collect();
    if detections.len() > DETECTIONS_MAX {
        detections.sort_by_key(|detection| std::cmp::Reverse(detection.score));
        detections.truncate(DETECTIONS_MAX);
    }
    let captured_at = Instant::from_nanos(report.stages.captured_ns);
    Some(Parsed {
        dropped: report.detections.len() - detections.len(),
        frame: FrameReport {
            camera: CameraIndex(report.camera),
            frame: report.frame,
            size,
            // A picture cannot be newer than its report; if it says so, it is as old as that.
            captured_at: captured_at.min(received_at),
            detections,
        },
    })
}

fn detection(wire: &link::WireDetection) -> Option<Detection> {
    Some(Detection {
        bounds: PixelBox::new(wire.left_px, wire.top_px, wire.width_px, wire.height_px)?,
        score: Score::new(wire.score)?,
    })
}

/// What is wrong with a camera's view, in the engine's terms. What was measured is for people.
pub fn faults(findings: &[link::ViewFinding]) -> ViewFaults {
    findings.iter().map(|finding| fault(finding.kind)).collect()
}

/// One kind, in the engine's terms.
pub fn fault(kind: ViewKind) -> ViewFault {
    match kind {
        ViewKind::Frozen => ViewFault::Frozen,
        ViewKind::TimeBackwards => ViewFault::TimeBackwards,
        ViewKind::WrongPicture => ViewFault::WrongPicture,
        ViewKind::Moved => ViewFault::Moved,
        ViewKind::Covered => ViewFault::Covered,
        ViewKind::Dark => ViewFault::Dark,
        ViewKind::Overexposed => ViewFault::Overexposed,
        ViewKind::Blurred => ViewFault::Blurred,
        ViewKind::Discoloured => ViewFault::Discoloured,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{CaptureClock, Report, StageTimes, WireDetection};

    fn report(detections: Vec<WireDetection>) -> Report {
        Report {
            camera: 0,
            frame: 7,
            width_px: 640,
            height_px: 480,
            detections,
            stages: StageTimes { captured_ns: 50, ..StageTimes::default() },
            clock: CaptureClock::Pipeline,
            passed_over: 0,
        }
    }

    fn person() -> WireDetection {
        WireDetection { left_px: 10.0, top_px: 20.0, width_px: 30.0, height_px: 80.0, score: 0.7 }
    }

    #[test]
    fn detections_that_cannot_be_are_dropped_and_counted() {
        let broken = [
            WireDetection { left_px: f64::NAN, ..person() },
            WireDetection { height_px: f64::INFINITY, ..person() },
            WireDetection { width_px: -3.0, ..person() },
            WireDetection { width_px: 0.0, ..person() },
            WireDetection { score: f32::NAN, ..person() },
            WireDetection { score: 1.5, ..person() },
        ];
        let mut all = broken.to_vec();
        all.push(person());
        let parsed = parse(&report(all), Instant::from_nanos(100)).expect("has a size");
        assert_eq!((parsed.frame.detections.len(), parsed.dropped), (1, broken.len()));
    }

    #[test]
    fn a_picture_without_size_is_refused() {
        let flat = Report { height_px: 0, ..report(vec![person()]) };
        assert_eq!(parse(&flat, Instant::from_nanos(100)), None);
    }

    #[test]
    fn a_picture_from_the_future_is_as_old_as_its_report() {
        let parsed = parse(&report(vec![]), Instant::from_nanos(20)).expect("has a size");
        assert_eq!(parsed.frame.captured_at, Instant::from_nanos(20));
    }

    #[test]
    fn a_flood_of_detections_keeps_the_best() {
        let mut flood = vec![WireDetection { score: 0.1, ..person() }; 5 * DETECTIONS_MAX];
        flood.push(WireDetection { score: 0.9, ..person() });
        let parsed = parse(&report(flood), Instant::from_nanos(100)).expect("has a size");
        assert_eq!(parsed.frame.detections.len(), DETECTIONS_MAX);
        assert_eq!(parsed.frame.detections[0].score.get(), 0.9);
    }
}
