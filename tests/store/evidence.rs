//! Evidence in the store: what goes to make room, what stays, and what is counted.

use rusqlite::Connection;
use standclear::config::Privacy;
use standclear::engine::IncidentId;
use standclear::store::check::{Finding, check};
use standclear::store::evidence::{
    HiddenCopy, Kept, NewClip, NewHidden, Pinning, Room, Shows, Track, Whereabouts,
};
use standclear::store::pictures::{Hides, Pixelated};
use standclear::store::{FILE_NAME, Store};

use super::{at, ended, folder, incident, number, open, started};

const TRACK: &str = r#"{"frames":[]}"#;

fn clip(number: u64, bytes: u64) -> NewClip {
    NewClip {
        incident: IncidentId(number),
        part: 1,
        file: format!("incident-{number:08}-01.mp4"),
        bytes,
        sha256: "5e".repeat(32),
        from: at(0),
        to: at(30),
        longest_gap_ms: 100,
        pictures: 300,
        codec: "H.264".into(),
        shows: Shows::Clear,
        hides: None,
        hidden: HiddenCopy::Awaited,
        track: Some(TRACK.into()),
        at: at(40),
    }
}

/// Incidents 1 to `count`, one a second from 10 on, each with a picture and a clip of 100 bytes.
fn with_clips(store: &mut Store, count: u64) {
    let mut records = vec![started(0)];
    for number in 1..=count {
        let second = 10 + i64::try_from(number).expect("few");
        records.extend([incident(number, second), ended(number, second, 1)]);
    }
    store.write(&records).expect("kept");
    for number in 1..=count {
        store.put_snapshot(IncidentId(number), b"jpeg").expect("kept");
        assert_eq!(store.put_clip(&clip(number, 100)).expect("kept"), Kept::Yes);
    }
}

fn retired(store: &mut Store, bytes_max: u64, not_before: Option<i64>) -> Vec<String> {
    let room = Room { bytes_max, not_before: not_before.map(at) };
    store.retire_evidence(room, at(1_000)).expect("kept").files
}

fn files(numbers: &[u64]) -> Vec<String> {
    numbers.iter().map(|number| format!("incident-{number:08}-01.mp4")).collect()
}

fn there(store: &Store) -> Vec<String> {
    store.reader().expect("a reader").clip_files().expect("read").into_keys().collect()
}

#[test]
fn the_oldest_clips_that_nobody_pinned_make_room_and_are_counted() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 5);
    assert_eq!(store.pin(IncidentId(1), "Eva", "claim", at(50)).expect("kept"), Pinning::Done);
    assert_eq!(retired(&mut store, 500, None), files(&[]));
    // What is pinned takes its room too.
    assert_eq!(retired(&mut store, 300, None), files(&[2, 3]));
    assert_eq!(there(&store), files(&[1, 4, 5]));
    assert_eq!(retired(&mut store, 0, None), files(&[4, 5]));
    let state = store.reader().expect("a reader").evidence_state().expect("read");
    assert_eq!((state.clips, state.clip_bytes, state.removed, state.pinned), (1, 100, 4, 1));
    let row = store.reader().expect("a reader").evidence(2).expect("read").expect("known");
    assert_eq!(row.clips[0].removed_at, Some(at(1_000)));
    assert_eq!(row.clips[0].file(), None);
}

#[test]
fn what_is_pinned_is_told_with_its_bytes_as_long_as_it_is_there() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 3);
    assert_eq!(store.put_hidden(&hidden(1, 50)).expect("kept"), Kept::Yes);
    let pinned = |store: &mut Store| {
        let room = Room { bytes_max: u64::from(u32::MAX), not_before: None };
        let retired = store.retire_evidence(room, at(1_000)).expect("kept").pinned_bytes;
        let state = store.reader().expect("a reader").evidence_state().expect("read").pinned_bytes;
        assert_eq!(retired, state);
        state
    };
    assert_eq!(pinned(&mut store), 0);
    for number in [1, 2] {
        store.pin(IncidentId(number), "Eva", "claim", at(50)).expect("kept");
    }
    assert_eq!(pinned(&mut store), 250);
    store.clips_are_gone(&files(&[1]), at(60)).expect("kept");
    assert_eq!(pinned(&mut store), 150);
    store.unpin(IncidentId(2), "Eva", at(70)).expect("kept");
    assert_eq!(pinned(&mut store), 50);
}

#[test]
fn what_is_too_old_goes_with_its_picture_and_what_is_pinned_stays() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 5);
    let _ = store.pin(IncidentId(2), "Eva", "claim", at(50)).expect("kept");
    // Incidents 1 to 3 began before.
    assert_eq!(retired(&mut store, u64::from(u32::MAX), Some(14)), files(&[1, 3]));
    let reader = store.reader().expect("a reader");
    let pictured = |number| reader.snapshot(number).expect("read").is_some();
    let pictured: Vec<u64> = (1..=5).filter(|&number| pictured(number)).collect();
    assert_eq!(pictured, [2, 4, 5]);
    assert_eq!(store.unpin(IncidentId(2), "Eva", at(60)).expect("kept"), Pinning::Done);
    assert_eq!(retired(&mut store, u64::from(u32::MAX), Some(14)), files(&[2]));
}

#[test]
fn a_clip_is_kept_once_and_of_an_incident_only() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 1);
    assert_eq!(store.put_clip(&clip(1, 100)).expect("kept"), Kept::Yes);
    assert_eq!(store.put_clip(&clip(7, 100)).expect("kept"), Kept::NoIncident);
    let lost = store.put_clip_lost(IncidentId(1), 2, "the disk is full", at(50));
    assert_eq!(lost.expect("kept"), Kept::Yes);
    let row = store.reader().expect("a reader").evidence(1).expect("read").expect("known");
    let told: Vec<_> = row.clips.iter().map(|clip| (clip.part, clip.lost.as_deref())).collect();
    assert_eq!(told, [(1, None), (2, Some("the disk is full"))]);
    assert_eq!(store.reader().expect("a reader").evidence(7).expect("read"), None);
}

#[test]
fn incidents_that_a_stopped_box_kept_no_clip_of_say_so_once_it_starts() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 2);
    store.write(&[incident(3, 20), ended(3, 20, 1), incident(4, 21)]).expect("kept");
    store.write(&[incident(5, 22), ended(5, 22, 1)]).expect("kept");
    let mut closed = || store.close_clips(IncidentId(4), "stopped", at(60)).expect("kept");
    assert_eq!(closed(), 1, "3; 4 is under way, 5 is of the life that goes on");
    assert_eq!(closed(), 0);
}

#[test]
fn a_list_tells_video_that_is_still_to_come_from_video_that_never_will() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 2);
    store.write(&[incident(3, 20), ended(3, 20, 1), incident(4, 21)]).expect("kept");
    let said = |store: &Store| -> Vec<(u64, bool, Option<String>)> {
        let rows = store.reader().expect("a reader").incidents(9, None).expect("read");
        rows.into_iter().map(|row| (row.id, !row.clips.is_empty(), row.no_video)).collect()
    };
    let to_come = |id| (id, false, None);
    let (there, gone) = (|id| (id, true, None), |id, why: &str| (id, false, Some(why.to_owned())));
    assert_eq!(said(&store), [to_come(4), to_come(3), there(2), there(1)]);
    let lost = store.put_clip_lost(IncidentId(3), 1, "the disk is full", at(50));
    assert_eq!(lost.expect("kept"), Kept::Yes);
    assert_eq!(said(&store), [to_come(4), gone(3, "the disk is full"), there(2), there(1)]);
    assert_eq!(retired(&mut store, 100, None), files(&[1]));
    let last = said(&store).pop().expect("incident 1");
    assert!(last.2.as_deref().is_some_and(|why| why.contains("removed")), "{last:?}");
}

const EVERY_PRIVACY: [Privacy; 3] = [Privacy::Persons, Privacy::Heads, Privacy::Off];

fn both(hides: Hides) -> Pixelated<'static> {
    Pixelated { hides, jpeg: b"a mosaic", clear: b"a face" }
}

#[test]
fn both_pictures_of_an_incident_are_kept_or_neither() {
    let dir = folder();
    let mut store = open(dir.path());
    store.write(&[started(0), incident(1, 10), ended(1, 10, 1)]).expect("kept");
    let file = Connection::open(dir.path().join(FILE_NAME)).expect("opened");
    let full = "CREATE TRIGGER full BEFORE INSERT ON snapshot_clear
                BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    file.execute_batch(full).expect("a trigger");
    store.put_pixelated_snapshot(IncidentId(1), both(Hides::Persons)).expect_err("not the second");
    let reader = store.reader().expect("a reader");
    for privacy in EVERY_PRIVACY {
        assert_eq!(reader.shown_snapshot(1, privacy).expect("read"), None, "{privacy:?}");
    }
    assert_eq!(reader.clear_snapshot(1).expect("read"), None, "a mosaic is not the clear one");
    let noted = "SELECT count(*) FROM audit WHERE action = 'snapshot_kept'";
    assert_eq!(number(dir.path(), noted), 0, "what is not kept is not noted");

    file.execute_batch("DROP TRIGGER full").expect("gone");
    store.put_pixelated_snapshot(IncidentId(1), both(Hides::Persons)).expect("kept");
    assert_eq!(reader.clear_snapshot(1).expect("read").as_deref(), Some(&b"a face"[..]));
    let digests = "SELECT count(*) FROM audit, snapshot, snapshot_clear AS clear
                   WHERE instr(detail, '\"' || snapshot.sha256 || '\"')
                     AND instr(detail, '\"' || clear.sha256 || '\"')";
    assert_eq!(number(dir.path(), digests), 1, "both digests are noted");
    let state = reader.evidence_state().expect("read");
    assert_eq!((state.snapshots, state.snapshot_bytes), (1, 14), "both take room");
    // Another one replaces both.
    store.put_snapshot(IncidentId(1), b"unhidden").expect("kept");
    assert_eq!(reader.clear_snapshot(1).expect("read").as_deref(), Some(&b"unhidden"[..]));
    assert_eq!(reader.evidence_state().expect("read").snapshot_bytes, 8);
    let broken: Vec<Finding> =
        check(dir.path()).expect("checked").into_iter().filter(Finding::is_broken).collect();
    assert_eq!(broken, []);
}

#[test]
fn a_picture_that_hides_less_than_is_to_be_hidden_is_not_shown() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 3);
    store.put_pixelated_snapshot(IncidentId(1), both(Hides::Persons)).expect("kept");
    store.put_pixelated_snapshot(IncidentId(2), both(Hides::Heads)).expect("kept");
    let reader = store.reader().expect("a reader");
    let shown = |incident: u64| {
        EVERY_PRIVACY.map(|it| reader.shown_snapshot(incident, it).expect("read").is_some())
    };
    assert_eq!(shown(1), [true, true, true], "all of them");
    assert_eq!(shown(2), [false, true, true], "only the heads");
    assert_eq!(shown(3), [false, false, true], "nobody");
    assert!(reader.clear_snapshot(2).expect("read").is_some(), "with a grant");
    let hides = |incident| {
        let row = reader.evidence(incident).expect("read").expect("known");
        row.snapshot.expect("a picture").hides
    };
    assert_eq!([1, 2, 3].map(hides), [Some(Hides::Persons), Some(Hides::Heads), None]);
    // One of which nobody knows how much it hides.
    let file = Connection::open(dir.path().join(FILE_NAME)).expect("opened");
    file.execute_batch("UPDATE snapshot SET hides = NULL WHERE incident = 1").expect("unknown");
    assert_eq!(shown(1), [false, true, true], "the heads at least");
    assert_eq!(hides(1), Some(Hides::Heads));
}

fn hidden(number: u64, bytes: u64) -> NewHidden {
    NewHidden {
        incident: IncidentId(number),
        part: 1,
        file: format!("incident-{number:08}-01.hidden.mp4"),
        bytes,
        sha256: "6f".repeat(32),
        codec: "H.264".into(),
        hides: Some(Hides::Persons),
        at: at(45),
    }
}

#[test]
fn a_hidden_clip_comes_beside_the_clear_one_counts_and_goes_with_it() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 3);
    assert_eq!(store.put_hidden(&hidden(2, 50)).expect("kept"), Kept::Yes);
    assert_eq!(store.put_hidden_lost(IncidentId(3), 1, "no encoder").expect("kept"), Kept::Yes);
    assert_eq!(store.put_hidden(&hidden(3, 50)).expect("kept"), Kept::Yes, "and changes nothing");
    assert_eq!(store.put_hidden(&hidden(7, 50)).expect("kept"), Kept::NoIncident);
    let reader = store.reader().expect("a reader");
    let clip = |number| reader.evidence(number).expect("read").expect("known").clips.remove(0);
    let file = |number| clip(number).hidden.map(|hidden| hidden.file);
    assert_eq!(file(2).as_deref(), Some("incident-00000002-01.hidden.mp4"));
    let lost = [1, 2, 3].map(|number| clip(number).hidden_lost);
    assert_eq!(lost, [Some("it is being made".into()), None, Some("no encoder".into())]);
    assert!(clip(2).clear().is_some());
    assert_eq!(there(&store).len(), 4);
    let state = reader.evidence_state().expect("read");
    assert_eq!((state.clips, state.clip_bytes), (3, 350));

    // 350 are too much for 320: the oldest goes, then the next with both of its files.
    assert_eq!(retired(&mut store, 320, None), files(&[1]));
    let both = ["incident-00000002-01.mp4", "incident-00000002-01.hidden.mp4"];
    assert_eq!(retired(&mut store, 200, None), both);
    assert_eq!((clip(2).hidden, clip(2).track), (None, Track::None));
    assert_eq!(there(&store), files(&[3]));
}

#[test]
fn a_clip_that_is_hidden_only_is_nobody_s_clear_one() {
    let dir = folder();
    let mut store = open(dir.path());
    store.write(&[started(0), incident(1, 10), ended(1, 11, 1)]).expect("kept");
    let (shows, hidden) = (Shows::Hidden, HiddenCopy::None);
    let clip = NewClip { shows, hidden, ..clip(1, 100) };
    assert_eq!(store.put_clip(&clip).expect("kept"), Kept::Yes);
    let row = store.reader().expect("a reader").evidence(1).expect("read").expect("known");
    assert_eq!(row.clips[0].clear(), None);
    assert_eq!(row.clips[0].hidden.as_ref().map(|hidden| hidden.bytes), Some(100));
    assert_eq!(row.clips[0].hidden_lost, None);
}

#[test]
fn what_was_not_made_of_a_hidden_clip_when_the_box_stopped_is_said_at_the_start() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 2);
    store.close_clips(IncidentId(1), "the box stopped", at(60)).expect("kept");
    assert_eq!(
        store.put_hidden(&hidden(2, 50)).expect("kept"),
        Kept::Yes,
        "of the life that goes on"
    );
    assert!(there(&store).contains(&"incident-00000002-01.hidden.mp4".to_owned()));
    let row = store.reader().expect("a reader").evidence(1).expect("read").expect("known");
    assert_eq!(row.clips[0].hidden_lost.as_deref(), Some("the box stopped"));
    assert!(row.clips[0].clear().is_some());
}

#[test]
fn a_clip_whose_clear_file_is_gone_keeps_its_hidden_one() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 1);
    assert_eq!(store.put_hidden(&hidden(1, 50)).expect("kept"), Kept::Yes);
    store.clips_are_gone(&files(&[1]), at(60)).expect("noted");
    assert_eq!(there(&store), ["incident-00000001-01.hidden.mp4"]);
    store.clips_are_gone(&["incident-00000001-01.hidden.mp4".into()], at(61)).expect("noted");
    assert!(there(&store).is_empty());
    let gone = store.reader().expect("a reader").evidence(1).expect("read").expect("known");
    assert_eq!(gone.clips[0].hidden_lost.as_deref(), Some("its file is gone"));
}

#[test]
fn a_track_that_somebody_changed_is_found() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 1);
    let json = store.reader().expect("a reader").clip_track(1, 1).expect("read");
    assert_eq!(json.as_deref(), Some(TRACK));
    drop(store);
    let of_tracks = |finding: &Finding| finding.is_broken() && finding.holds.contains("track");
    let broken = || check(dir.path()).expect("checked").iter().filter(|it| of_tracks(it)).count();
    assert_eq!(broken(), 0);
    let file = rusqlite::Connection::open(dir.path().join(standclear::store::FILE_NAME));
    let sql = r#"UPDATE clip_track SET json = '{"frames":[0]}'"#;
    file.expect("open").execute(sql, []).expect("changed");
    assert_eq!(broken(), 1);
}

#[test]
fn a_hidden_clip_says_how_much_it_hides_and_one_of_masks_only_says_nothing() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 2);
    let heads = NewHidden { hides: Some(Hides::Heads), ..hidden(1, 50) };
    assert_eq!(store.put_hidden(&heads).expect("kept"), Kept::Yes);
    store.write(&[incident(3, 30), ended(3, 31, 1)]).expect("kept");
    let (shows, hidden) = (Shows::Hidden, HiddenCopy::None);
    let masked = NewClip { shows, hidden, ..clip(3, 100) };
    assert_eq!(store.put_clip(&masked).expect("kept"), Kept::Yes);
    let reader = store.reader().expect("a reader");
    let hides = |number: u64| {
        let row = reader.evidence(number).expect("read").expect("known");
        row.clips[0].hidden.as_ref().map(|it| it.hides)
    };
    assert_eq!([1, 2, 3].map(hides), [Some(Some(Hides::Heads)), None, Some(None)]);
}

#[test]
fn a_hidden_clip_of_a_part_that_made_room_is_not_kept() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 1);
    assert_eq!(retired(&mut store, 0, None), files(&[1]));
    assert_eq!(store.put_hidden(&hidden(1, 50)).expect("asked"), Kept::NoIncident);
    assert!(there(&store).is_empty());
}

#[test]
fn a_clip_whose_files_are_back_is_one_again_and_both_stand_in_the_audit_log() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 2);
    assert_eq!(store.put_hidden(&hidden(1, 50)).expect("kept"), Kept::Yes);
    let both: Vec<String> =
        ["incident-00000001-01.mp4", "incident-00000001-01.hidden.mp4"].map(str::to_owned).into();
    let of_both = |store: &Store| {
        let named = store.reader().expect("a reader").named_clips().expect("read");
        both.iter().map(|file| named.get(file).copied()).collect::<Vec<_>>()
    };
    let before = store.reader().expect("a reader").evidence(1).expect("read").expect("known");
    store.clips_are_gone(&both, at(60)).expect("noted");
    assert_eq!(of_both(&store), [Some(Whereabouts::Gone); 2], "their rows name them still");
    assert_eq!(there(&store), files(&[2]));
    // What is gone takes no room, and is not what makes some.
    assert_eq!(retired(&mut store, 100, None), files(&[]));
    store.clips_are_back(&both, at(61)).expect("noted");
    assert_eq!(of_both(&store), [Some(Whereabouts::There); 2]);
    let after = store.reader().expect("a reader").evidence(1).expect("read").expect("known");
    assert_eq!(after, before);
    let file = rusqlite::Connection::open(dir.path().join(FILE_NAME)).expect("open");
    let noted = |action: &str| -> u64 {
        let count = "SELECT count(*) FROM audit WHERE action = ?1 AND subject = 'incident 1'";
        file.query_row(count, [action], |row| row.get(0)).expect("read")
    };
    assert_eq!((noted("clip_gone"), noted("clip_back")), (2, 2));
}

#[test]
fn a_clip_that_made_room_is_named_no_more_and_a_file_of_it_that_was_gone_goes_with_it() {
    let dir = folder();
    let mut store = open(dir.path());
    with_clips(&mut store, 1);
    assert_eq!(store.put_hidden(&hidden(1, 50)).expect("kept"), Kept::Yes);
    store.clips_are_gone(&files(&[1]), at(60)).expect("noted");
    let both = ["incident-00000001-01.mp4", "incident-00000001-01.hidden.mp4"];
    assert_eq!(retired(&mut store, 0, None), both);
    store.clips_are_back(&files(&[1]), at(61)).expect("noted");
    assert!(store.reader().expect("a reader").named_clips().expect("read").is_empty());
}
