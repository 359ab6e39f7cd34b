//! Clips of incidents in a guard with a fake vision process: kept, lost with a reason, pinned,
//! removed, and what a box that dies in the middle leaves behind.

#[path = "evidence/examples.rs"]
mod examples;
#[path = "guard/site.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod site;
#[path = "support/small_disk.rs"]
mod small_disk;
#[path = "evidence/trouble.rs"]
mod trouble;
#[path = "guard/worker.rs"]
mod worker;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use standclear::clock;
use standclear::config::Config;
use standclear::engine::{AlarmState, SirenPattern};
use standclear::guard::app::{Guard, Parts};
use standclear::guard::handle::{ClipRow, EvidenceError, EvidenceRow, Reason, Track};
use standclear::store::check::{Finding, check};

use site::{SirenNotes, fake_worker, intrusion, wait_alarm, wait_for, wait_watched};
use small_disk::{fill, on_small_disk};
use worker::Scene;

/// In the environment of the box that is killed: its folder.
const BOX: &str = "STANDCLEAR_EVIDENCE_BOX";

/// In the environment of the box whose clips lie on a small disk: that disk.
const SMALL_DISK: &str = "STANDCLEAR_EVIDENCE_DISK";

/// Fail points hold for the whole program.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A box's folder, with one zone over the whole picture, and a second of video on both sides.
struct Site {
    folder: tempfile::TempDir,
    siren: SirenNotes,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().expect("a folder");
        let zone = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
            "properties":{"id":"bay","name":"Bay","kind":"restricted"},
            "geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}}]}"#;
        fs::write(folder.path().join("yard.json"), zone).expect("a zone file");
        let site = Site { folder, siren: SirenNotes::default() };
        site.shows(Scene::Empty);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn shows(&self, scene: Scene) {
        fs::write(self.path("scene"), scene.name()).expect("a scene");
    }

    fn start(&self) -> Guard {
        self.start_with(|_as_it_is| {})
    }

    /// A guard with another configuration.
    fn start_with(&self, change: impl FnOnce(&mut Config)) -> Guard {
        let mut config = config_in(self.folder.path());
        change(&mut config);
        start_in(&config, self.folder.path(), &self.siren)
    }

    /// Somebody comes in, and goes.
    fn visit(&self, guard: &Guard) {
        self.shows(Scene::Person);
        wait_alarm(guard, intrusion, AlarmState::Unacknowledged);
        self.shows(Scene::Empty);
    }

    /// Names in the folder of clips.
    fn files(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("data/evidence")) else { return Vec::new() };
        let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("text");
        let mut names: Vec<String> = entries.flatten().map(name).collect();
        names.sort();
        names
    }

    #[track_caller]
    fn assert_whole(&self) {
        let broken: Vec<Finding> = check(&self.path("data"))
            .expect("checked")
            .into_iter()
            .filter(Finding::is_broken)
            .collect();
        assert_eq!(broken, []);
    }
}

fn config_in(folder: &Path) -> Config {
    let text = r#"
        site = { name = "Test", time_zone = "UTC" }
        web.listen = "127.0.0.1:0"
        evidence = { seconds_before = 1, seconds_after = 1 }
        [[camera]]
        id = "yard"
        name = "Yard"
        source = { test = "ball" }
        zones = "yard.json"
        "#;
    Config::parse(&folder.join("standclear.toml"), text).expect("valid")
}

fn start_in(config: &Config, folder: &Path, siren: &SirenNotes) -> Guard {
    let parts = Parts { siren: Box::new(siren.clone()), worker_command: fake_worker(folder) };
    Guard::start(config, parts).unwrap_or_else(|error| panic!("{error:?}"))
}

#[expect(clippy::disallowed_methods, reason = "no power cut comes in between")]
fn move_to(from: &Path, to: &Path) {
    fs::rename(from, to).expect("moved");
}

/// Waits until something is known of the incident's clips.
#[track_caller]
fn wait_clip(guard: &Guard, incident: u64) -> (ClipRow, EvidenceRow) {
    wait_for("a clip", || {
        let row = guard.handle().evidence_desk().evidence(incident).ok()?;
        Some((row.clips.first()?.clone(), row))
    })
}

/// Waits until the incident has both clips.
#[track_caller]
fn wait_both(guard: &Guard, incident: u64) -> ClipRow {
    wait_for("a hidden clip", || {
        let row = guard.handle().evidence_desk().evidence(incident).ok()?;
        row.clips.into_iter().next().filter(|clip| clip.hidden.is_some())
    })
}

/// Not a test of its own: the vision process of the others.
#[test]
fn fake_vision_process() {
    worker::serve_if_started_by_the_guard();
}

/// Not a test of its own: the box that is killed.
#[test]
fn box_that_is_killed() {
    let Some(folder) = env::var_os(BOX).map(PathBuf::from) else { return };
    let siren = SirenNotes::default();
    let mut config = config_in(&folder);
    examples::prepare_to_die(&mut config);
    let guard = start_in(&config, &folder, &siren);
    wait_watched(&guard);
    fs::write(folder.join("scene"), Scene::Person.name()).expect("a scene");
    wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    fs::write(folder.join("scene"), Scene::Empty.name()).expect("a scene");
    loop {
        thread::park();
    }
}

#[test]
fn an_incident_has_a_clip_from_before_it_and_a_picture_both_by_their_digests() {
    let _alone = alone();
    let site = Site::new();
    let guard = site.start();
    wait_watched(&guard);
    site.visit(&guard);
    let (clip, row) = wait_clip(&guard, 1);
    let kept = clip.file().unwrap_or_else(|| panic!("{clip:?}")).clone();
    let incident = guard.handle().incidents(1, None).expect("read").remove(0);
    assert_eq!((incident.clips.clone(), incident.is_pinned), (vec![1], false));
    assert!(kept.from < incident.started_at, "{} is not before {}", kept.from, incident.started_at);
    assert!(kept.to > incident.ended_at.expect("it is over"), "{kept:?}");
    let bytes = fs::read(site.path("data/evidence").join(&kept.file)).expect("a file");
    let digest = |bytes: &[u8]| standclear::digest::sha256_of(bytes);
    assert_eq!((bytes.len() as u64, digest(&bytes)), (kept.bytes, kept.sha256));
    let jpeg = guard.handle().incident_snapshot(1).expect("read").expect("a picture");
    let snapshot = row.snapshot.expect("a picture");
    assert_eq!(Some(digest(&jpeg)), snapshot.sha256);
    let both = wait_both(&guard, 1);
    let hidden = both.hidden.expect("a hidden clip");
    let bytes = fs::read(site.path("data/evidence").join(&hidden.file)).expect("a file");
    assert_eq!((bytes.len() as u64, digest(&bytes)), (hidden.bytes, hidden.sha256));
    assert_eq!(site.files(), [hidden.file, kept.file]);
    guard.stop();
    // Which also asks the audit log for the digests, and every file for its row.
    site.assert_whole();
}

#[test]
fn a_box_that_is_stopped_in_an_incident_keeps_what_there_is_of_it() {
    let _alone = alone();
    let site = Site::new();
    let guard = site.start();
    wait_watched(&guard);
    site.shows(Scene::Person);
    wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    guard.stop();
    assert_eq!(site.files(), ["incident-00000001-01.hidden.mp4", "incident-00000001-01.mp4"]);
    site.assert_whole();
}

#[test]
fn a_clip_says_who_was_seen_where_and_who_was_inside_the_zone() {
    let _alone = alone();
    let site = Site::new();
    let guard = site.start();
    wait_watched(&guard);
    site.visit(&guard);
    assert_eq!(wait_both(&guard, 1).track, Track::Kept);
    let handle = guard.handle();
    let track = handle.evidence_desk().track(1, 1).expect("a track");
    let track: serde_json::Value = serde_json::from_str(&track).expect("JSON");
    assert_eq!((&track["zone"], &track["zones"][0]["name"]), (&"bay".into(), &"Bay".into()));
    assert_eq!(track["zones"][0]["polygon"].as_array().map(Vec::len), Some(5));
    let frames = track["frames"].as_array().expect("frames");
    let rising = |pair: &[serde_json::Value]| pair[0]["t_ms"].as_i64() <= pair[1]["t_ms"].as_i64();
    assert!(frames.windows(2).all(rising), "{track}");
    let empty = frames.first().expect("the second before");
    assert_eq!(empty["boxes"], serde_json::json!([]));
    let seen = frames.iter().find_map(|frame| frame["boxes"].get(0)).expect("somebody");
    // 120, 60, 40, 120 px of a picture of 320 x 240.
    assert_eq!((&seen["x"], &seen["y"]), (&0.375.into(), &0.25.into()), "{seen}");
    assert_eq!((&seen["w"], &seen["h"]), (&0.125.into(), &0.5.into()), "{seen}");
    assert_eq!((&seen["score"], &seen["inside"]), (&0.8.into(), &true.into()), "{seen}");
    drop(handle);
    guard.stop();
}

/// Somebody comes in and goes: the siren sounds at once, whatever the disk says. What became of the
/// video.
fn visited(site: &Site, guard: &Guard, incident: u64) -> ClipRow {
    let entered_at = clock::monotonic();
    site.visit(guard);
    let heard = site.siren.since(entered_at, SirenPattern::Intrusion).since(entered_at);
    assert!(heard < Duration::from_secs(1), "incident {incident}: {heard:?}");
    let (clip, _) = wait_clip(guard, incident);
    let row = guard.handle().incidents(1, None).expect("read").remove(0);
    assert_eq!(row.id, incident);
    let alarm = wait_alarm(guard, intrusion, AlarmState::ReturnedUnacknowledged);
    guard.handle().acknowledge(alarm.id, None, "Eva").expect("answered");
    wait_for("silence", || (site.siren.now() == SirenPattern::Silent).then_some(()));
    clip
}

/// Not a test of its own: what happens when clips lie on a disk of 90 MB. No clip is begun with less
/// than 64 MiB free.
#[test]
fn on_a_small_disk() {
    let Some(disk) = env::var_os(SMALL_DISK).map(PathBuf::from) else { return };
    let site = Site::new();
    fs::create_dir(site.path("data")).expect("made");
    std::os::unix::fs::symlink(&disk, site.path("data/evidence")).expect("a link");
    let ballast = disk.join("ballast");
    let guard = site.start();
    wait_watched(&guard);

    fill(&ballast);
    let lost = visited(&site, &guard, 1).lost.expect("a reason");
    assert!(lost.contains("nearly full; free at least 64 MB"), "{lost}");
    fs::remove_file(&ballast).expect("freed");
    fs::write(site.path("clips"), "8").expect("written");
    let kept = visited(&site, &guard, 2);
    assert_eq!(kept.file().expect("there is room again").bytes / 1_000_000, 8);

    // There was room when it was begun, and none in the middle.
    fs::write(site.path("clips"), "200").expect("written");
    let lost = visited(&site, &guard, 3).lost.expect("a reason");
    assert!(lost.contains("No space left on device"), "{lost}");
    let whole = |file: &String| file.starts_with("incident-00000002-01.");
    assert!(site.files().iter().all(whole), "nothing of half a clip is left: {:?}", site.files());
    fs::write(site.path("clips"), "1").expect("written");
    assert!(visited(&site, &guard, 4).file().is_some(), "the next one is kept");

    // Somebody else takes so much that the oldest clip has to go for the next.
    fs::write(&ballast, vec![1; 18 << 20]).expect("written");
    let lost = visited(&site, &guard, 5).lost.expect("a reason");
    assert!(lost.contains("nearly full"), "{lost}");
    wait_for("room", || (!site.files().contains(&"incident-00000002-01.mp4".into())).then_some(()));
    let (gone, _) = wait_clip(&guard, 2);
    assert!(gone.removed_at.is_some(), "{gone:?}");
    assert!(visited(&site, &guard, 6).file().is_some(), "the next one has room");
    let now = guard.handle().evidence_desk().evidence_now().expect("read");
    assert_eq!((now.state.lost, now.state.removed), (3, 1));
    guard.stop();
    fs::remove_file(&ballast).expect("freed");
    site.assert_whole();
    println!("\nguarded without room for clips");
}

#[test]
fn clips_on_a_full_disk_are_lost_with_their_reason_and_kept_again_when_there_is_room() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let variables = [(SMALL_DISK, dir.path().as_os_str())];
    let last = "guarded without room for clips";
    on_small_disk((dir.path(), "90m"), "on_a_small_disk", &variables, last);
}

#[test]
fn a_pin_stands_with_its_reason_and_is_there_once() {
    let _alone = alone();
    let site = Site::new();
    let guard = site.start();
    wait_watched(&guard);
    site.visit(&guard);
    let _ = wait_clip(&guard, 1);
    let handle = guard.handle();
    let desk = handle.evidence_desk();
    let reason = Reason::new("claim 12").expect("a reason");
    desk.pin(1, "Eva", &reason).expect("pinned");
    assert!(matches!(desk.pin(1, "Eva", &reason), Err(EvidenceError::AlreadyPinned(1))));
    assert!(matches!(desk.pin(9, "Eva", &reason), Err(EvidenceError::NoIncident(9))));
    let pin = desk.evidence(1).expect("read").pin.expect("pinned");
    assert_eq!((pin.by.as_str(), pin.reason.as_str()), ("Eva", "claim 12"));
    desk.unpin(1, "Eva").expect("unpinned");
    assert!(matches!(desk.unpin(1, "Eva"), Err(EvidenceError::NotPinned(1))));
    drop(handle);
    guard.stop();
    site.assert_whole();
}

#[test]
fn a_keeper_that_fails_between_the_file_and_its_row_leaves_neither() {
    let _alone = alone();
    for point in ["clips::hashed", "clips::named"] {
        let site = Site::new();
        let guard = site.start();
        wait_watched(&guard);
        fail::cfg(point, "panic").expect("a fail point");
        site.visit(&guard);
        wait_for("a file", || site.files().first().cloned());
        guard.stop();
        fail::remove(point);
        let guard = site.start();
        wait_watched(&guard);
        let (clip, _) = wait_clip(&guard, 1);
        assert_eq!(clip.lost.as_deref(), Some("the box stopped before it was written"), "{point}");
        assert_eq!(site.files(), [""; 0], "{point}");
        guard.stop();
        site.assert_whole();
    }
}

#[test]
fn a_box_that_is_killed_while_a_clip_is_written_starts_whole_and_says_what_is_missing() {
    let _alone = alone();
    let site = Site::new();
    fs::write(site.path("clips"), "half").expect("written");
    let program = env::current_exe().expect("this program");
    let mut child = Command::new(program)
        .args(["--exact", "box_that_is_killed", "--nocapture"])
        .env(BOX, site.folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a box");
    wait_for("half a file", || {
        site.files().iter().any(|name| name.ends_with(".part")).then_some(())
    });
    child.kill().expect("it lives");
    child.wait().expect("it has ended");
    fs::remove_file(site.path("clips")).expect("removed");
    // The vision process ends by itself when its guard is gone; the store is free at once.
    let guard = site.start();
    wait_watched(&guard);
    let (clip, _) = wait_clip(&guard, 1);
    assert_eq!(clip.lost.as_deref(), Some("the box stopped before it was written"));
    assert_eq!(site.files(), [""; 0]);
    site.visit(&guard);
    let incident = wait_for("the next incident", || {
        let newest = guard.handle().incidents(1, None).expect("read").into_iter().next();
        newest.map(|it| it.id).filter(|id| *id > 1)
    });
    let (clip, _) = wait_clip(&guard, incident);
    assert!(clip.file().is_some(), "{clip:?}");
    guard.stop();
    site.assert_whole();
}

#[test]
fn a_file_that_is_gone_is_said_to_be_so_until_it_is_back_and_one_of_somebody_else_stays() {
    let _alone = alone();
    let site = Site::new();
    let guard = site.start();
    wait_watched(&guard);
    site.visit(&guard);
    let _ = wait_both(&guard, 1);
    guard.stop();
    let (file, elsewhere) = (site.path("data/evidence/incident-00000001-01.mp4"), site.path("1"));
    move_to(&file, &elsewhere);
    fs::write(site.path("data/evidence/notes.txt"), "mine").expect("written");
    let broken: Vec<String> = check(&site.path("data"))
        .expect("checked")
        .into_iter()
        .flat_map(|finding| finding.broken)
        .collect();
    assert_eq!(broken.len(), 1, "{broken:?}");
    assert!(broken[0].contains("incident-00000001-01.mp4"), "{broken:?}");
    let guard = site.start();
    wait_for("the loss", || {
        let row = guard.handle().evidence_desk().evidence(1).ok()?;
        row.clips.first()?.lost.clone().filter(|why| why == "its file is gone")
    });
    guard.stop();
    assert_eq!(site.files(), ["incident-00000001-01.hidden.mp4", "notes.txt"]);
    site.assert_whole();
    move_to(&elsewhere, &file);
    site.assert_whole();
    let guard = site.start();
    wait_for("the clip", || {
        let row = guard.handle().evidence_desk().evidence(1).ok()?;
        row.clips.first()?.clear().cloned()
    });
    guard.stop();
    assert!(file.is_file());
    site.assert_whole();
}
