//! A disk or a store that fails, hangs or refuses: what it costs, and what it does not.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use standclear::clock;
use standclear::engine::{AlarmState, SirenPattern};
use standclear::guard::app::Guard;
use standclear::guard::handle::{EvidenceError, Reason, Track, WhichClip};
use standclear::store::FILE_NAME;

use super::site::{WAIT_MAX, intrusion, wait_alarm, wait_for, wait_watched};
use super::small_disk::{fill, on_small_disk};
use super::worker::Scene;
use super::{SMALL_DISK, Site, alone, move_to, visited, wait_both, wait_clip};

/// Whoever comes to this point of the program hangs there until this is dropped, for so long at most as
/// these tests wait for anything.
struct Hang {
    point: &'static str,
    reached: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
}

impl Hang {
    fn at(point: &'static str) -> Hang {
        let (reached, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (ours, until) = (Arc::clone(&reached), Arc::clone(&over));
        let hang = move || {
            ours.store(true, Ordering::SeqCst);
            let give_up_at = clock::monotonic().after(WAIT_MAX);
            while !until.load(Ordering::SeqCst) && clock::monotonic() < give_up_at {
                thread::park_timeout(Duration::from_millis(5));
            }
        };
        fail::cfg_callback(point, hang).expect("a fail point");
        Hang { point, reached, over }
    }

    #[track_caller]
    fn wait_reached(&self) {
        wait_for(self.point, || self.reached.load(Ordering::SeqCst).then_some(()));
    }
}

impl Drop for Hang {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        fail::remove(self.point);
    }
}

#[test]
fn a_disk_that_hangs_holds_up_neither_an_alarm_nor_the_end_of_the_box() {
    let _alone = alone();
    let site = Site::new();
    let guard = site.start();
    wait_watched(&guard);
    let hang = Hang::at("clips::hashed");
    site.visit(&guard);
    hang.wait_reached();
    // The keeper of clips hangs, and somebody comes in again.
    let alarm = wait_alarm(&guard, intrusion, AlarmState::ReturnedUnacknowledged);
    guard.handle().acknowledge(alarm.id, None, "Eva").expect("answered");
    wait_for("silence", || (site.siren.now() == SirenPattern::Silent).then_some(()));
    let entered_at = clock::monotonic();
    site.shows(Scene::Person);
    let heard = site.siren.since(entered_at, SirenPattern::Intrusion).since(entered_at);
    assert!(heard < Duration::from_secs(1), "{heard:?}");
    let kept = guard.handle().evidence_desk().evidence(1).expect("read");
    assert_eq!(kept.clips, [], "it hangs still");
    ends_in_time(guard, hang);
}

/// The box ends while this hangs.
fn ends_in_time(guard: Guard, hang: Hang) {
    let stopped_at = clock::monotonic();
    guard.stop();
    let stopped = clock::monotonic().since(stopped_at);
    drop(hang);
    assert!(stopped < Duration::from_secs(10), "{stopped:?}");
}

#[test]
fn a_store_that_hangs_does_not_hold_up_the_end_of_the_box() {
    let _alone = alone();
    let site = Site::new();
    let guard = site.start();
    wait_watched(&guard);
    let hang = Hang::at("keeper::taken");
    // A record for the store, and nothing for the keeper of clips, which ends as it should.
    site.shows(Scene::Lost);
    hang.wait_reached();
    ends_in_time(guard, hang);
}

#[test]
fn a_store_that_stalls_at_the_end_of_the_box_still_keeps_what_it_was_given() {
    let _alone = alone();
    let site = Site::new();
    let guard = site.start();
    wait_watched(&guard);
    let lost = || {
        let path = site.path("data").join(FILE_NAME);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let file = Connection::open_with_flags(path, flags).expect("opened");
        let count = "SELECT count(*) FROM event WHERE kind = 'zone_unknown'";
        file.query_row(count, [], |row| row.get::<_, i64>(0)).expect("read")
    };
    let before = lost();
    let hang = Hang::at("keeper::taken");
    site.shows(Scene::Lost);
    hang.wait_reached();
    // One sync of a card that is worn out.
    let over_at = clock::monotonic().after(Duration::from_secs(5));
    let stalling = thread::spawn(move || {
        while clock::monotonic() < over_at {
            thread::park_timeout(Duration::from_millis(5));
        }
        drop(hang);
    });
    guard.stop();
    assert!(lost() > before, "what the store was given is kept when the box has ended");
    stalling.join().expect("no panic");
}

#[test]
fn a_disk_that_fails_costs_the_clip_with_its_reason_and_never_an_alarm() {
    let _alone = alone();
    let site = Site::new();
    fs::write(site.path("clips"), "full").expect("written");
    let guard = site.start();
    wait_watched(&guard);
    // The second one comes in when a clip has failed already, the third when two have.
    for incident in [1, 2, 3] {
        let lost = visited(&site, &guard, incident).lost;
        assert_eq!(lost.as_deref(), Some("No space left on device"));
    }
    let refused = guard.handle().evidence_desk().clip(1, 1, WhichClip::Any);
    assert!(matches!(refused, Err(EvidenceError::NoClip(why)) if why.contains("No space")));
    assert_eq!(guard.handle().evidence_desk().evidence_now().expect("read").state.lost, 3);
    assert_eq!(site.files(), [""; 0]);
    guard.stop();
    site.assert_whole();
}

#[test]
fn a_row_that_the_store_refuses_for_good_says_so_and_holds_up_no_other() {
    let _alone = alone();
    let site = Site::new();
    // A clip of no bytes is none, says the store.
    fs::write(site.path("clips"), "empty").expect("written");
    let guard = site.start();
    wait_watched(&guard);
    let lost = visited(&site, &guard, 1).lost.expect("a reason");
    assert!(lost.starts_with("the store refuses its row"), "{lost}");
    fs::write(site.path("clips"), "1").expect("written");
    assert!(visited(&site, &guard, 2).file().is_some(), "the next one is kept");
    let _ = wait_both(&guard, 2);
    wait_for("nothing of the first", || {
        let of_it = |file: &String| file.starts_with("incident-00000001");
        (!site.files().iter().any(of_it)).then_some(())
    });
    guard.stop();
    site.assert_whole();
}

#[test]
fn where_the_store_refuses_the_clear_clip_the_hidden_one_is_kept() {
    let _alone = alone();
    // With the hidden one still to come, and with both waiting for the store.
    for hangs in [None, Some("keeper::taken")] {
        let site = Site::new();
        fs::write(site.path("clips"), "empty clear").expect("written");
        let guard = site.start();
        wait_watched(&guard);
        site.visit(&guard);
        wait_alarm(&guard, intrusion, AlarmState::ReturnedUnacknowledged);
        let hang = hangs.map(Hang::at);
        if let Some(hang) = &hang {
            site.shows(Scene::Lost);
            hang.wait_reached();
            wait_for("both files", || (site.files().len() == 2).then_some(()));
        }
        drop(hang);
        let (clip, _) = wait_clip(&guard, 1);
        let kept = clip.file().unwrap_or_else(|| panic!("{clip:?}"));
        assert_eq!((clip.clear(), kept.file.as_str()), (None, "incident-00000001-01.hidden.mp4"));
        assert_eq!(clip.track, Track::Kept);
        guard.stop();
        assert_eq!(site.files(), ["incident-00000001-01.hidden.mp4"]);
        site.assert_whole();
    }
}

#[test]
fn an_audit_log_that_takes_no_entry_costs_no_clip() {
    let _alone = alone();
    let site = Site::new();
    let guard = site.start();
    wait_watched(&guard);
    let file = Connection::open(site.path("data").join(FILE_NAME)).expect("opened");
    file.execute_batch(
        "CREATE TRIGGER refused BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END;",
    )
    .expect("made");
    site.visit(&guard);
    let both = ["incident-00000001-01.hidden.mp4", "incident-00000001-01.mp4"];
    // The second one is named when the store has been given the row of the first.
    wait_for("both files", || (site.files() == both).then_some(()));
    let row = guard.handle().evidence_desk().evidence(1).expect("read");
    assert_eq!(row.clips, []);
    file.execute_batch("DROP TRIGGER refused").expect("dropped");
    let clip = wait_both(&guard, 1);
    assert!(clip.clear().is_some(), "{clip:?}");
    guard.stop();
    assert_eq!(site.files(), both);
    site.assert_whole();
}

/// Notes in the event log that say so.
fn notes(site: &Site, what: &str) -> i64 {
    let path = site.path("data").join(FILE_NAME);
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("opened");
    let count = "SELECT count(*) FROM event WHERE kind = 'note' AND instr(detail, ?1) > 0";
    file.query_row(count, [what], |row| row.get(0)).expect("read")
}

/// Clips of 8 MB in a life that is over, and a life in which they may take 1 MB.
fn crowded() -> Site {
    let site = Site::new();
    fs::write(site.path("clips"), "8").expect("written");
    let guard = site.start();
    wait_watched(&guard);
    site.visit(&guard);
    let _ = wait_both(&guard, 1);
    guard.stop();
    assert_eq!(site.files().len(), 2);
    site
}

#[test]
fn files_that_a_slow_store_did_not_name_go_before_the_next_start() {
    let _alone = alone();
    let site = crowded();
    // The row says removed, and whoever asked has given up before it hears of which files.
    fail::cfg("clips::retired", "1*sleep(2500)").expect("a fail point");
    let guard = site.start_with(|config| config.evidence.bytes_max = 1 << 20);
    let (clip, _) = wait_for("room", || {
        let found = wait_clip(&guard, 1);
        found.0.removed_at.is_some().then_some(found)
    });
    assert!(clip.removed_at.is_some());
    wait_for("the files to go", || site.files().is_empty().then_some(()));
    fail::remove("clips::retired");
    guard.stop();
    site.assert_whole();
}

#[test]
fn pins_that_leave_no_room_are_said_once() {
    let _alone = alone();
    let site = crowded();
    let guard = site.start();
    let reason = Reason::new("claim 12").expect("a reason");
    guard.handle().evidence_desk().pin(1, "Eva", &reason).expect("pinned");
    let said = || notes(&site, "Pinned clips");
    guard.stop();
    assert_eq!(said(), 0, "there was room");
    let guard = site.start_with(|config| config.evidence.bytes_max = 1 << 20);
    wait_for("the note", || (said() == 1).then_some(()));
    assert_eq!(site.files().len(), 2, "what is pinned stays");
    guard.stop();
    assert_eq!(said(), 1);
}

#[test]
fn clips_on_a_disk_that_was_not_there_are_there_again_with_it() {
    let _alone = alone();
    let site = Site::new();
    let guard = site.start();
    wait_watched(&guard);
    site.visit(&guard);
    let kept = wait_both(&guard, 1);
    guard.stop();
    let files = site.files();
    let (folder, elsewhere) = (site.path("data/evidence"), site.path("unmounted"));
    for empty in ["no folder", "an empty one", "one with another box's clip"] {
        move_to(&folder, &elsewhere);
        if empty != "no folder" {
            fs::create_dir(&folder).expect("made");
        }
        let stray = folder.join("incident-00000007-01.mp4");
        if empty.contains("clip") {
            fs::write(&stray, "a film").expect("written");
        }
        let before = notes(&site, "is its disk mounted?");
        let guard = site.start();
        wait_for("the note", || (notes(&site, "is its disk mounted?") > before).then_some(()));
        let row = guard.handle().evidence_desk().evidence(1).expect("read");
        assert_eq!(row.clips, std::slice::from_ref(&kept), "{empty}");
        guard.stop();
        assert_eq!(stray.exists(), empty.contains("clip"), "nothing goes: {empty}");
        let _ = fs::remove_file(&stray);
        let _ = fs::remove_dir(&folder);
        move_to(&elsewhere, &folder);
        let guard = site.start();
        wait_watched(&guard);
        guard.stop();
        assert_eq!(site.files(), files, "{empty}");
        site.assert_whole();
    }
}

/// Not a test of its own: a full disk of 90 MB lies where that of the clips should.
#[test]
fn on_a_small_disk_in_the_place_of_another() {
    let Some(disk) = env::var_os(SMALL_DISK).map(PathBuf::from) else { return };
    let site = Site::new();
    let guard = site.start();
    wait_watched(&guard);
    site.visit(&guard);
    let kept = wait_both(&guard, 1);
    guard.stop();
    let folder = site.path("data/evidence");
    move_to(&folder, &site.path("unmounted"));
    std::os::unix::fs::symlink(&disk, &folder).expect("a link");
    fill(&disk.join("ballast"));
    let guard = site.start();
    wait_watched(&guard);
    // Whoever finds no room asks for some at once: the second one has waited for that.
    for incident in [2, 3] {
        let lost = visited(&site, &guard, incident).lost.expect("a reason");
        assert!(lost.contains("nearly full"), "{lost}");
    }
    let row = guard.handle().evidence_desk().evidence(1).expect("read");
    assert_eq!(row.clips, [kept]);
    guard.stop();
    println!("\nguarded without the disk of the clips");
}

#[test]
fn a_full_disk_in_the_place_of_another_makes_no_room_with_clips_that_lie_elsewhere() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let variables = [(SMALL_DISK, dir.path().as_os_str())];
    let last = "guarded without the disk of the clips";
    let part = "trouble::on_a_small_disk_in_the_place_of_another";
    on_small_disk((dir.path(), "90m"), part, &variables, last);
}
