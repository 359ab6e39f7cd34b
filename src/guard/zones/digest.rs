//! What of a zone counts as a change for its walk test.
//!
//! A walk test shows that somebody who crosses the edge is heard. It holds as long as everything
//! that decides this is the same: the drawing, the duty, the timing, the calibration and the ignore
//! zones of the camera, since whoever stands in one of those counts nowhere; and who looks: the
//! model, the size it looks at, whether it looks closer, and where the camera's pictures come from. It does not hang on
//! names, reasons, the hazard beside the zone, when the zone is armed, or how long it stays in alarm. Marks end by
//! themselves within days and are not in it.
//!
//! Not in it either: the size of the camera's pictures, which is not known before the first one
//! comes. A test must not be overdue for a moment after every start.

use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::engine::alarm::Latch;
use crate::link::{DetailChoice, Source};
use crate::redact::redact;
use crate::zone_file::{Document, Duty, Zone};

/// Who looks, and at what.
#[derive(Clone, Copy, Debug)]
pub struct Looking<'a> {
    /// sha256 of the model, hex.
    pub model: &'a str,
    pub input_long_side_px: Option<u32>,
    pub detail: DetailChoice,
    pub source: &'a Source,
}

/// A text that changes when the zone's walk test has to be done again: sha256, hex. `None` for an
/// id the document has not, and for an ignored area or a privacy mask, which have nothing to test.
pub fn zone_digest(document: &Document, id: &str, looking: Looking<'_>) -> Option<String> {
    let zone = document.zone(id)?;
    zone.watch()?;
    let ignored = document.zones.iter().filter(|zone| matches!(zone.duty, Duty::Ignore { .. }));
    let zones = std::iter::once(zone).chain(ignored).map(bare).collect();
    let drawn = Document { name: None, ground: document.ground.clone(), marks: Vec::new(), zones };
    let mut hash = Sha256::new();
    // What a video does at its end changes no picture of it.
    let (kind, place) = match looking.source {
        Source::File { path, ending: _ } => ("file", path.clone()),
        Source::Test { pattern } => ("test", pattern.clone()),
        // A new password is no other camera, and nobody can guess one from the digest.
        Source::Gst { description } => ("gst", redact(description.reveal())),
        Source::Rtsp(rtsp) => ("rtsp", redact(rtsp.url.reveal())),
        Source::HttpMjpeg(mjpeg) => ("mjpeg", redact(mjpeg.url.reveal())),
        Source::V4l2(v4l2) => ("v4l2", v4l2.device.clone()),
    };
    let input = looking.input_long_side_px.map_or_else(String::new, |px| px.to_string());
    // Nothing for `Off`: tests from before there was a choice hold.
    let detail: &[&str] = match looking.detail {
        DetailChoice::Off => &[],
        DetailChoice::Zones => &["detail"],
    };
    let always = [&drawn.digest(), looking.model, &input, kind, &place];
    for part in always.iter().chain(detail) {
        hash.update(part);
        // None of them holds this one, so no two of them are mistaken for each other.
        hash.update([0]);
    }
    Some(hex(&hash.finalize()))
}

/// The zone without what its test does not hang on.
fn bare(zone: &Zone) -> Zone {
    let mut zone = Zone { name: String::new(), ..zone.clone() };
    match &mut zone.duty {
        Duty::Restricted { watch, hazard, .. } | Duty::Warning { watch, hazard, .. } => {
            *hazard = None;
            (watch.schedule, watch.interlock, watch.latch) = (None, None, Latch::No);
        }
        Duty::Occupancy { watch, .. } | Duty::Tripwire { watch, .. } => {
            (watch.schedule, watch.interlock, watch.latch) = (None, None, Latch::No);
        }
        Duty::Ignore { reason, .. } | Duty::PrivacyMask { reason, .. } => reason.clear(),
    }
    zone
}
