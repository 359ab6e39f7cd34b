//! A store that is slow, that fails and that refuses.

use std::path::PathBuf;
use std::sync::Condvar;
use std::thread;
use std::time::Duration;

use super::super::edges::edges;
use super::super::run::{Counts, Incident, TIME_MS_MAX, Task};
use super::*;
use crate::engine::ZoneIndex;
use crate::engine::detection::FrameSize;
use crate::store::StoreError;
use crate::store::walk::Outcome;
use crate::zone_file::shape;

/// How long the first thread waits for another that would keep the same walk.
const OTHER_MAX: Duration = Duration::from_millis(200);

fn running() -> Running {
    let text = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
        "properties":{"id":"z","name":"Z","kind":"restricted"},"geometry":{"type":"Polygon",
        "coordinates":[[[0.4,0.4],[0.8,0.4],[0.8,0.8],[0.4,0.8],[0.4,0.4]]]}}]}"#;
    let zone = shape(text).expect("a document").zones.remove(0);
    let size = FrameSize::new(1000, 1000).expect("a size");
    let task = Task {
        zone: ZoneIndex(0),
        camera: CameraIndex(0),
        counts: Counts::Feet,
        line: None,
        limit_ms: TIME_MS_MAX,
        edges: edges(&zone, size),
    };
    Running {
        id: 7,
        camera: CameraIndex(0),
        zone: "z".into(),
        digest: String::new(),
        run: Run::new(task, Incident::None),
        started_at: Instant::from_millis(0),
        lost_before: 0,
        hint: None,
        viewer: None,
        unsaved: VecDeque::new(),
    }
}

fn passed(edge: u32) -> Finding {
    Finding::Attempt(Tried {
        edge,
        at: Instant::from_millis(0),
        outcome: Outcome::Pass,
        detected_ms: None,
        decided_ms: None,
        time_ms: Some(400),
        frames: 3,
        incident: None,
        heard: SirenHeard::Sounds,
    })
}

/// A test with a walk across each of these edges, which count as passed.
fn walked(edges: &[u32]) -> Mutex<State> {
    let mut running = running();
    for &edge in edges {
        running.run.pass(edge);
        running.take(vec![passed(edge)]);
    }
    Mutex::new(State { running: Some(running) })
}

fn look<T>(state: &Mutex<State>, at: impl FnOnce(&Running) -> T) -> T {
    at(state.lock().expect("no panic").running.as_ref().expect("it runs"))
}

#[test]
fn two_threads_keep_every_walk_once_and_in_order() {
    let (state, saving) = (walked(&[0, 1, 2]), Mutex::default());
    let (kept, inside, both) = (Mutex::new(Vec::new()), Mutex::new(0), Condvar::new());
    let keep = |_, attempt: Attempt, _| {
        let mut now = inside.lock().expect("no panic");
        *now += 1;
        both.notify_all();
        let (mut now, _) =
            both.wait_timeout_while(now, OTHER_MAX, |now| *now < 2).expect("no panic");
        *now -= 1;
        kept.lock().expect("no panic").push(attempt.edge);
        Ok(())
    };
    thread::scope(|scope| {
        let saves: Vec<_> =
            (0..2).map(|_| scope.spawn(|| super::save(&state, &saving, keep))).collect();
        for save in saves {
            save.join().expect("no panic").expect("kept");
        }
    });
    assert_eq!(*kept.lock().expect("no panic"), [0, 1, 2]);
}

#[test]
fn a_walk_that_the_disk_does_not_take_waits_and_is_kept_later() {
    let (state, saving) = (walked(&[1]), Mutex::default());
    let full = |_, _, _| {
        let path = PathBuf::from("data");
        Err(WalkDeskError::Refused(WalkError::Store(StoreError::NotAFolder { path })))
    };
    super::save(&state, &saving, full).expect_err("not kept");
    assert!(!look(&state, |running| running.run.counts(1)), "it was walked, and is not lost");
    let kept = Mutex::new(Vec::new());
    let keep = |id, attempt: Attempt, _| {
        kept.lock().expect("no panic").push((id, attempt.edge));
        Ok(())
    };
    super::save(&state, &saving, keep).expect("kept");
    assert_eq!(kept.into_inner().expect("no panic"), [(7, 1)]);
}

#[test]
fn a_walk_that_the_test_cannot_have_may_be_walked_again() {
    let (state, saving) = (walked(&[1]), Mutex::default());
    let refused = |id, _, _| Err(WalkDeskError::Refused(WalkError::TooMany { id }));
    super::save(&state, &saving, refused).expect("nothing is left");
    assert!(look(&state, |running| running.run.counts(1)), "its edge is open");
    assert!(look(&state, |running| running.hint.is_some()), "and the tester is told");
}

#[test]
fn a_walk_beyond_what_may_wait_may_be_walked_again() {
    let mut running = running();
    running.take((0..UNSAVED_MAX).map(|_| passed(0)).collect());
    running.run.pass(1);
    running.take(vec![passed(1)]);
    assert_eq!(running.unsaved.len(), UNSAVED_MAX);
    assert!(running.run.counts(1), "its edge is open");
    assert!(running.hint.is_some_and(|hint| hint.contains("walk in again")));
}
