//! Walks across a square with made-up pictures.

use super::super::edges::edges;
use super::*;
use crate::engine::detection::Score;
use crate::engine::{Entry, IncidentId, TrackId};
use crate::guard::observer::Foot;
use crate::zone_file::shape;

const ZONE: ZoneIndex = ZoneIndex(3);

/// Top, right, bottom and left of a square in the middle of the picture.
fn run() -> Run {
    let text = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
        "properties":{"id":"z","name":"Z","kind":"restricted"},"geometry":{"type":"Polygon",
        "coordinates":[[[0.4,0.4],[0.8,0.4],[0.8,0.8],[0.4,0.8],[0.4,0.4]]]}}]}"#;
    let zone = shape(text).expect("a document").zones.remove(0);
    let size = FrameSize::new(1000, 1000).expect("a size");
    let task = Task {
        zone: ZONE,
        camera: CameraIndex(0),
        counts: Counts::Feet,
        line: None,
        limit_ms: TIME_MS_MAX,
        edges: edges(&zone, size),
    };
    Run::new(task, Incident::None)
}

fn is_inside([x, y]: [f64; 2]) -> bool {
    (0.4..=0.8).contains(&x) && (0.4..=0.8).contains(&y)
}

fn picture(ms: u64, people: &[(u64, [f64; 2])]) -> Observation {
    let foot = |&(track, at_norm): &(u64, [f64; 2])| Foot {
        track: Some(track),
        at_norm,
        verdict: Verdict::Person,
        inside: if is_inside(at_norm) { vec![usize::from(ZONE.0)] } else { Vec::new() },
    };
    Observation::Feet(Feet {
        camera: CameraIndex(0),
        captured_at: Instant::from_millis(ms),
        received_at: Instant::from_millis(ms + 60),
        size_px: (1000, 1000),
        people: people.iter().map(foot).collect(),
    })
}

fn entry(ms: u64, first_ms: u64, track: u64, at: [f64; 2], sound: Sound) -> Observation {
    Observation::Entry(EntrySeen {
        zone: ZONE,
        incident: IncidentId(17),
        entry: Entry {
            camera: CameraIndex(0),
            frame: ms,
            captured_at: Instant::from_millis(ms),
            first_seen_at: Instant::from_millis(first_ms),
            track: Some(TrackId(track)),
            score: Score::new(0.8).expect("a score"),
            anchor_norm: (at[0], at[1]),
            people: 1,
        },
        decided_at: Instant::from_millis(ms + 61),
        sound,
    })
}

fn siren(order: u64, ms: u64) -> Observation {
    let at = Instant::from_millis(ms);
    Observation::Siren { order, at, output: Sounding::Yes }
}

fn tell(run: &mut Run, observations: &[Observation]) -> Vec<Finding> {
    let at = |observation: &Observation| match observation {
        Observation::Feet(feet) => feet.received_at,
        Observation::Entry(seen) => seen.decided_at,
        Observation::Siren { at, .. } => *at,
        Observation::Ended(_) => Instant::from_millis(0),
    };
    observations.iter().flat_map(|it| run.see(it, at(it))).collect()
}

#[track_caller]
fn tried(findings: &[Finding]) -> Tried {
    match findings {
        [Finding::Attempt(tried)] => tried.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_time_runs_from_the_first_picture_inside_of_that_person() {
    let mut run = run();
    let findings = tell(
        &mut run,
        &[
            picture(1_000, &[(1, [0.30, 0.5])]),
            picture(1_100, &[(1, [0.38, 0.5])]),
            picture(1_200, &[(1, [0.43, 0.5])]),
            picture(1_300, &[(1, [0.46, 0.5])]),
            picture(1_400, &[(1, [0.48, 0.5])]),
            // The engine's evidence began anew at 1300; the person was inside before that.
            entry(1_400, 1_300, 1, [0.48, 0.5], Sound::Ordered(5)),
            siren(4, 1_470),
            siren(5, 1_480),
        ],
    );
    let tried = tried(&findings);
    assert_eq!((tried.edge, tried.outcome), (3, Outcome::Pass), "the left edge");
    assert_eq!((tried.detected_ms, tried.decided_ms), (Some(60), Some(261)));
    assert_eq!((tried.time_ms, tried.frames, tried.incident), (Some(280), 3, Some(17)));
}

#[test]
fn the_edge_that_was_crossed_counts_and_not_the_one_that_waits_elsewhere() {
    let mut run = run();
    // Right of the middle of the top edge: crossed downwards, ends nearer to the right edge.
    let walk = |run: &mut Run, ms: u64, order: u64| {
        tell(
            run,
            &[
                picture(ms, &[(1, [0.55, 0.35])]),
                picture(ms + 100, &[(1, [0.57, 0.45])]),
                picture(ms + 200, &[(1, [0.59, 0.48])]),
                entry(ms + 200, ms + 100, 1, [0.59, 0.48], Sound::Ordered(order)),
                siren(order, ms + 300),
                Observation::Ended(ZONE),
            ],
        )
    };
    assert_eq!(tried(&walk(&mut run, 1_000, 1)).edge, 0);
    // The same edge again: no other one passes by it.
    let again = walk(&mut run, 9_000, 2);
    let [Finding::Hint(hint)] = again.as_slice() else { panic!("{again:?}") };
    assert!(hint.contains("not across an edge that still counts: edge 2"), "{hint}");
}

#[test]
fn who_appears_in_the_middle_came_across_no_edge() {
    let mut run = run();
    // Nobody was seen outside, and every edge is a fifth of the picture away.
    let findings = tell(
        &mut run,
        &[
            picture(4_900, &[]),
            picture(5_000, &[(7, [0.6, 0.6])]),
            picture(5_100, &[(7, [0.6, 0.6])]),
            entry(5_100, 5_000, 7, [0.6, 0.6], Sound::Ordered(1)),
            siren(1, 5_200),
        ],
    );
    assert!(matches!(findings.as_slice(), [Finding::Hint(_)]), "{findings:?}");
}

#[test]
fn what_is_heard_too_late_fails_with_the_number() {
    let mut run = run();
    run.task.limit_ms = 199;
    let late = tell(
        &mut run,
        &[
            picture(5_000, &[(7, [0.41, 0.5])]),
            entry(5_000, 5_000, 7, [0.41, 0.5], Sound::Ordered(1)),
            siren(1, 5_200),
        ],
    );
    let late = tried(&late);
    assert_eq!(late.edge, 3);
    let Outcome::Fail { reason } = late.outcome else { panic!("{late:?}") };
    assert_eq!(reason, "the siren had the sound after 200 ms, 199 ms are allowed");
}

#[test]
fn an_order_that_the_siren_never_takes_is_a_failure() {
    let mut run = run();
    let none = tell(
        &mut run,
        &[
            picture(1_000, &[(1, [0.38, 0.5])]),
            picture(1_100, &[(1, [0.43, 0.5])]),
            entry(1_100, 1_100, 1, [0.43, 0.5], Sound::Ordered(5)),
        ],
    );
    assert_eq!(none, []);
    assert_eq!(run.settle(Instant::from_millis(5_000)), []);
    let tried = tried(&run.settle(Instant::from_millis(5_500)));
    assert_eq!(tried.time_ms, None);
    let reason = "the siren did not take the sound".to_owned();
    assert_eq!(tried.outcome, Outcome::Fail { reason });
}

#[test]
fn an_entry_that_gave_no_order_proves_nothing() {
    for sound in [Sound::SoundedAlready, Sound::Drowned, Sound::Answered] {
        let mut run = run();
        let findings = tell(
            &mut run,
            &[
                picture(1_000, &[(1, [0.38, 0.5])]),
                picture(1_100, &[(1, [0.43, 0.5])]),
                entry(1_100, 1_100, 1, [0.43, 0.5], sound),
                siren(99, 1_200),
            ],
        );
        assert!(matches!(findings.as_slice(), [Finding::Hint(_)]), "{sound:?}: {findings:?}");
        assert!(run.states.iter().all(|state| *state == EdgeState::Waiting));
    }
}

#[test]
fn somebody_who_stays_inside_without_an_alarm_is_a_failure_told_once() {
    let mut run = run();
    let mut findings = Vec::new();
    for ms in (1_000..6_000).step_by(100) {
        let x = (0.38 + (ms - 1_000) as f64 / 10_000.0).min(0.43);
        findings.extend(tell(&mut run, &[picture(ms, &[(1, [x, 0.5])])]));
    }
    let tried = tried(&findings);
    assert_eq!((tried.edge, tried.incident), (3, None));
    let ms = tried.time_ms.expect("a number");
    assert!((2_500..2_800).contains(&ms), "{ms}");
    let Outcome::Fail { reason } = &tried.outcome else { panic!("{tried:?}") };
    assert!(reason.contains("no alarm came"), "{reason}");
}
