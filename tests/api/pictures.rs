//! A live picture of the fake camera, and what it shows.

use std::sync::Arc;

use jiff::Timestamp;
use standclear::clock;
use standclear::engine::alarm::Inhibition;
use standclear::engine::{AnchorHow, Verdict, ZoneState};
use standclear::guard::handle::{Armed, ArmedBy, Camera, LivePicture, Person, Zone, ZoneArming};
use standclear::link::{CaptureClock, Stream, Transport};

use super::{time, walk_desk};

pub fn picture(frame: u64, bytes: usize) -> Option<Arc<LivePicture>> {
    Some(Arc::new(LivePicture {
        frame,
        captured_at: time("2026-03-01T14:00:00Z"),
        captured: clock::monotonic(),
        size_px: (768, 576),
        people: vec![Person {
            track: None,
            bounds_norm: [0.1, 0.2, 0.3, 0.4],
            foot_norm: [0.25, 0.6],
            verdict: Verdict::Person,
            anchor: AnchorHow::Head,
            ground_m: Some([1.5, 8.25]),
            speed_m_s: None,
            score: 0.5,
            inside: vec![0, 99],
        }],
        jpeg: Arc::new(vec![0xAB; bytes]),
    }))
}

pub fn zone(number: usize, id: &str, state: ZoneState, incident: Option<u64>) -> Zone {
    Zone {
        number,
        id: id.into(),
        name: format!("Zóna {id}"),
        camera: 0,
        kind: "restricted".into(),
        state,
        reason: None,
        since: time("2026-03-01T14:00:00Z"),
        people: 0,
        incident,
        arming: ZoneArming {
            armed: Armed::No,
            by: Some(ArmedBy::Schedule),
            reason: "Off by schedule until Mon 06:00".into(),
            until: Some(time("2026-03-02T05:00:00Z")),
        },
        inhibition: Inhibition::SuppressedByDesign,
        walk_test: Some(walk_desk::overdue()),
        line: Arc::new(Vec::new()),
        polygons: Arc::new(vec![vec![vec![[0.0, 0.0], [0.5, 0.0], [0.5, 0.5], [0.0, 0.0]]]]),
    }
}

/// Whose view has moved.
pub fn camera(since: Timestamp) -> Camera {
    Camera {
        id: "yard-éast".into(),
        name: "Yard east".into(),
        unknown: None,
        since,
        size_px: Some((768, 576)),
        fps: 10.0,
        frame_age_ms: Some(48),
        detail_cut: None,
        pictures: standclear::guard::pictures::Tally::default(),
        people: 6,
        zones_version: 12,
        zones_fault: None,
        address: "rtsp://10.0.0.7".into(),
        stream: Some(Stream {
            decoder: Some("avdec_h264".into()),
            transport: Some(Transport::Tcp),
            clock: CaptureClock::SenderReport,
            clock_refused: None,
            decoder_failed: None,
        }),
        masks: Arc::new([]),
        view: super::view_desk::moved(),
    }
}
