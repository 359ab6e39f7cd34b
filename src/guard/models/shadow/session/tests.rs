//! What a session makes of pictures that the shadow model was not given, died on or did not answer.

use std::sync::Arc;

use super::*;
use crate::engine::detection::{FrameSize, Score};
use crate::engine::{CameraSpec, Engine, Entry as Evidence, IncidentId, Restored, Site};
use crate::guard::models::shadow::log::Given;
use crate::guard::models::shadow::tap::Why;
use crate::guard::records::InForce;
use crate::link::ModelInfo;

const YARD: CameraIndex = CameraIndex(0);

fn at(ms: u64) -> Instant {
    Instant::from_nanos(1_000_000_000_000 + ms * 1_000_000)
}

fn session() -> Session {
    let site = Site { cameras: vec![CameraSpec::default()] };
    let names = SiteNames {
        cameras: vec![("yard".into(), "Yard".into())],
        addresses: vec![String::new()],
        in_force: vec![InForce::default()],
        zones: vec![],
    };
    let beginning = Beginning {
        engine: Engine::new(site, &Restored::default(), at(0)),
        names: Arc::new(names),
        model: ModelInfo::default(),
        at: at(0),
        why: Why::Wanted,
    };
    let coverage = Coverage { seen: 0, of: 0 };
    Session::begin(1, Before { coverage, figures: Figures::default() }, beginning)
}

fn picture(ms: u64) -> Entry {
    let size = FrameSize::new(640, 480).expect("a size");
    let captured_at = at(ms);
    let frame = FrameReport { camera: YARD, frame: ms, size, captured_at, detections: vec![] };
    Entry::Frame { frame, took: Duration::ZERO }
}

fn report(ms: u64) -> Looked {
    Looked { camera: YARD, frame: ms, detections: vec![], took: Duration::ZERO }
}

fn began(ms: u64) -> Entry {
    let entry = Evidence {
        camera: YARD,
        frame: ms,
        captured_at: at(ms),
        first_seen_at: at(ms),
        track: None,
        score: Score::new(0.5).expect("a score"),
        anchor_norm: (0.5, 0.5),
        people: 1,
    };
    Entry::Noticed(Noticed::Began { incident: IncidentId(1), zone: ZoneIndex(0), entry })
}

/// Somebody comes at 3000 ms, of whom the active model tells 400 ms later. From the first picture of them
/// on the shadow model answers nothing.
fn somebody_comes(watches: Watches, given: Given) -> (Vec<Incident>, Session) {
    let mut session = session();
    let mut alone = Vec::new();
    for ms in (0..15_000).step_by(100) {
        session.put(at(ms), Entry::Input(Input::WorkerHeartbeat));
        session.put(at(ms), Entry::Input(Input::Tick));
        if ms % 200 == 0 {
            session.put(at(ms), picture(ms));
            if ms < 3000 {
                session.report(report(ms));
            }
        }
        if ms == 3100 {
            session.given(at(ms), given);
        }
        if ms == 3400 {
            session.put(at(ms), began(ms));
        }
        let watches = if ms < 3100 { Watches::Yes } else { watches };
        session.play(at(ms), watches);
        alone.extend(session.disagreements());
    }
    (alone, session)
}

#[test]
fn an_incident_at_whose_first_picture_the_shadow_model_dies_is_one_that_it_lost() {
    let (alone, session) = somebody_comes(Watches::No, Given::Yes);
    assert_eq!(
        alone.iter().map(|it| (it.who, it.number.0)).collect::<Vec<_>>(),
        [(Who::Active, 1)]
    );
    assert_eq!((session.to_keep()[0].left_out.clone(), session.incidents.left_out()), (None, 0));
}

#[test]
fn an_incident_on_which_the_shadow_model_stalls_is_one_that_it_lost() {
    let (alone, session) = somebody_comes(Watches::Yes, Given::Yes);
    assert_eq!(
        alone.iter().map(|it| (it.who, it.number.0)).collect::<Vec<_>>(),
        [(Who::Active, 1)]
    );
    assert_eq!((session.to_keep()[0].left_out.clone(), session.incidents.left_out()), (None, 0));
}

#[test]
fn an_incident_whose_pictures_it_was_not_given_is_left_out_and_counted() {
    for watches in [Watches::Yes, Watches::No] {
        let (alone, session) = somebody_comes(watches, Given::No);
        assert_eq!(alone, []);
        assert!(session.to_keep()[0].left_out.is_some());
        assert_eq!(session.incidents.left_out(), 1);
    }
}
