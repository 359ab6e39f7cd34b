//! Video of what only the shadow model told: made by the process that guards, for whoever has to say what
//! it was, and at no alarm's cost.

use std::io::Read;
use std::os::unix::fs::symlink;

use jiff::Timestamp;

use standclear::guard::handle::shadowing::{CaseClip, ShadowError};
use standclear::link::Ending;
use standclear::store::Store;
use standclear::store::check::{Finding, check};
use standclear::store::pictures::Hides;
use standclear::store::shadow::RunSide;
use standclear::store::shadow::clips::{CaseClipRow, FOLDER, KeptCaseClip};
use standclear::vision::ingest::file::{FileOptions, FileSource};
use standclear::vision::ingest::{FrameSource, Pace, Polled};
use standclear::vision::preprocess::Fit;

use super::*;

/// The walkway, and a spot at the left edge on which the second model sees somebody in every picture.
const ZONES: &str = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
    "properties":{"id":"walk","name":"Walkway","kind":"restricted"},
    "geometry":{"type":"Polygon","coordinates":
    [[[0.35,0.55],[0.6,0.55],[0.6,0.95],[0.35,0.95],[0.35,0.55]]]}},{"type":"Feature",
    "properties":{"id":"corner","name":"Corner","kind":"restricted"},
    "geometry":{"type":"Polygon","coordinates":
    [[[0.07,0.63],[0.09,0.63],[0.09,0.68],[0.07,0.68],[0.07,0.63]]]}}]}"#;

const SHORT: &str = "evidence = { seconds_before = 3, seconds_after = 2 }";

/// A clip is made in seconds; the machine may have much else to do.
const CLIP_MAX: Duration = Duration::from_secs(180);

/// A shadow model that sees people everywhere, and what there is to see of the first case that only it told.
fn told_by_nobody_else(guard: &Guard) -> CaseRow {
    let everywhere = hostile::package("everywhere", 2, Harm::Everywhere, When::Light);
    guard.shadow().watch(Some(choice(everywhere.dir())));
    wait("a case of the corner with its video, or why there is none", CLIP_MAX, || {
        let cases = all_cases(guard).into_iter();
        let of_shadow = |case: &CaseRow| matches!(case.told, Told::ShadowOnly(_));
        let mut cases = cases.filter(|case| case.zone.1 == "Corner" && of_shadow(case));
        cases.find(|case| match &case.clip {
            CaseClip::There => true,
            CaseClip::None(why) => why != "it is being written",
        })
    })
}

/// How many pictures a clip shows to its end.
fn play(path: &Path) -> u32 {
    let fit = Fit::new(768, 32);
    let options = FileOptions { fit, pace: Pace::AsFast, ending: Ending::Stop, fps: None };
    let mut source = FileSource::open(path, options).expect("it opens");
    let mut pictures = 0;
    while let Polled::Frame(_) = source.next(support::SOON).expect("it plays") {
        pictures += 1;
    }
    pictures
}

fn kept(folder: &Path, case: &CaseRow) -> (CaseRow, KeptCaseClip) {
    let reader = Store::open(folder).expect("free again").reader().expect("a reader");
    let rows = reader.shadow_incidents(case.run).expect("readable");
    let row = rows.iter().find(|row| row.id == case.id).expect("it is there");
    assert_eq!(row.of.side, RunSide::Shadow);
    match &row.clip {
        Some(CaseClipRow::Kept(kept)) => (case.clone(), kept.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_only_the_shadow_told_has_a_clip_that_plays_and_begins_before_it_and_nobody_hears_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let guard = start_with(folder.path(), ZONES, (SHORT, "off"));
    let watchman = Watchman::of(&guard);
    let case = told_by_nobody_else(&guard);
    assert_eq!((&case.clip, &case.active), (&CaseClip::There, &None), "{case:?}");
    let handle = guard.handle();
    let mut clip = handle.shadow_desk().case_clip(case.id).expect("it is there");
    let (mut video, played) = (Vec::new(), folder.path().join("played.mp4"));
    clip.file.read_to_end(&mut video).expect("readable");
    assert_eq!(video.len() as u64, clip.bytes);
    fs::write(&played, video).expect("written");
    assert!(play(&played) >= 10, "of three seconds, ten pictures each");
    let heard = handle.incidents(100, None).expect("readable");
    let mut of_it = heard.iter().filter(|incident| incident.zone_name == "Corner");
    let apart = |at: Timestamp| at.duration_since(case.at).abs().as_secs_f64();
    assert!(of_it.all(|incident| apart(incident.started_at) > 5.0), "{heard:?}");
    watchman_with_alarms(watchman, &guard);
    drop(handle);
    guard.stop();
    let store = folder.path().join("data");
    let (case, kept) = kept(&store, &case);
    let (before, after) = (case.at.duration_since(kept.from), kept.to.duration_since(case.at));
    println!("{kept:?} begins {before:?} before it and ends {after:?} after");
    // The footage may just have begun anew.
    assert!(before.as_secs_f64() > 0.0 && after.as_secs_f64() > 1.0, "{before:?}, {after:?}");
    assert_eq!(kept.hides, Some(Hides::Persons));
    let findings = check(&store).expect("checked");
    let broken: Vec<Finding> = findings.into_iter().filter(Finding::is_broken).collect();
    assert_eq!(broken, []);
}

#[test]
fn a_disk_without_room_costs_a_case_its_clip_with_the_reason_and_no_alarm_anything() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("data")).expect("made");
    // A file system on which nothing is free.
    symlink("/proc", folder.path().join("data").join(FOLDER)).expect("linked");
    let guard = start_with(folder.path(), ZONES, (SHORT, "off"));
    let watchman = Watchman::of(&guard);
    let case = told_by_nobody_else(&guard);
    let CaseClip::None(why) = &case.clip else { panic!("{case:?}") };
    assert!(why.contains("nearly full; free at least 256 MB"), "{why}");
    let refused = guard.handle().shadow_desk().case_clip(case.id);
    assert!(matches!(refused, Err(ShadowError::NoClip(_, said)) if said == *why));
    watchman_with_alarms(watchman, &guard);
    guard.stop();
}
