//! What the keeper of cases' clips does when the recorder, the disk or the store does not.

use std::fs;
use std::path::Path;

use jiff::Timestamp;

use super::*;
use crate::store::Store;
use crate::store::query::StoreReader;
use crate::store::shadow::clips::{CaseClipRow, FOLDER};
use crate::store::shadow::{
    CaseWord, Ended, NewShadowRun, RunProgress, RunSide, RunSource, ShadowIncident,
};

const MB: u64 = 1024 * 1024;

fn at(s: i64) -> Timestamp {
    Timestamp::from_second(1_772_373_600 + s).expect("a time")
}

fn incident(number: u64) -> ShadowIncident {
    ShadowIncident {
        side: RunSide::Shadow,
        number,
        camera: "yard".into(),
        zone: "bay".into(),
        zone_name: "Bay".into(),
        zone_number: Some(0),
        began: at(i64::try_from(number).expect("small")),
        last: at(i64::try_from(number).expect("small")),
        ended: Ended::Yes,
        score: 0.5,
        boxes: "[]".into(),
        left_out: None,
    }
}

/// A store with a run in which the shadow model told so many incidents, and a keeper of their clips.
struct Filmed {
    dir: tempfile::TempDir,
    run: u64,
    reader: StoreReader,
    clerk: Clerk,
    keeper: Keeper,
    sent: Box<dyn FnMut() -> Option<ToWorker>>,
}

fn evidence() -> Evidence {
    Evidence { before_s: 10, after_s: 10, days: 30, bytes_max: 4 * MB, ring_bytes_max: MB }
}

fn filmed(incidents: u64) -> Filmed {
    let dir = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(dir.path()).expect("a store");
    let run = NewShadowRun {
        source: RunSource::Live,
        name: "this site".into(),
        active: "shipped".into(),
        shadow: "sha256-a".into(),
        active_model: "m1".into(),
        shadow_model: "m2".into(),
        zones: "z".into(),
        began: at(0),
    };
    let run = store.open_shadow_run(&run).expect("a run");
    let told: Vec<ShadowIncident> = (1..=incidents).map(incident).collect();
    store.keep_shadow(run, &RunProgress::default(), &told).expect("kept");
    let reader = store.reader().expect("a reader");
    let clerk = Clerk::over(store).expect("a thread");
    let (post, sent) = WorkerPost::of_nobody();
    let keeper = Keeper::new(dir.path().join(FOLDER), evidence(), clerk.clone(), post);
    Filmed { dir, run, reader, clerk, keeper, sent: Box::new(sent) }
}

impl Filmed {
    fn wanted(&self, number: u64) -> WantedClip {
        let now = clock::monotonic().as_nanos();
        let span = ClipSpan { from_ns: now, to_ns: now, not_before_ns: 0 };
        let of = (self.run, RunSide::Shadow, number);
        WantedClip { of, camera: 0, span, veil: None, hides: None }
    }

    fn want(&mut self, number: u64) {
        let wanted = self.wanted(number);
        self.keeper.take(ClipTask::Await(wanted.of));
        self.keeper.take(ClipTask::Film(Box::new(wanted)));
        self.work();
    }

    fn work(&mut self) {
        self.keeper.work(clock::monotonic());
    }

    /// What the recorder is asked for, as number and path.
    fn asked(&mut self) -> Option<(u64, String)> {
        match (self.sent)()? {
            ToWorker::WriteClip { request, path, .. } => Some((request, path)),
            other => panic!("{other:?}"),
        }
    }

    fn answer(&mut self, request: u64, outcome: ClipOutcome) {
        self.keeper.take(ClipTask::Outcome { request, outcome });
        self.work();
    }

    fn films(&mut self, number: u64, bytes: u64) {
        self.want(number);
        let (request, path) = self.asked().expect("it is asked for");
        fs::write(path, vec![b'x'; usize::try_from(bytes).expect("small")]).expect("written");
        let written = ClipWritten {
            first_ns: 0,
            last_ns: 1,
            longest_gap_ns: 1,
            pictures: 2,
            bytes,
            codec: "H.264".into(),
        };
        self.answer(request, ClipOutcome::Written(written));
    }

    /// By number: what there is of each.
    fn said(&self) -> Vec<(u64, String)> {
        let rows = self.reader.shadow_incidents(self.run).expect("readable");
        let word = |clip: &CaseClipRow| match clip {
            CaseClipRow::Awaited => "awaited".to_owned(),
            CaseClipRow::Kept(kept) => kept.file.clone(),
            CaseClipRow::Lost(why) => why.clone(),
        };
        let said = rows.iter().filter_map(|it| Some((it.of.number, word(it.clip.as_ref()?))));
        said.collect()
    }

    fn files(&self) -> Vec<String> {
        files(&self.dir.path().join(FOLDER))
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .map(|all| all.flatten().map(|it| it.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

fn name(run: u64, number: u64) -> String {
    format!("case-{run:08}-{number}.mp4")
}

#[test]
fn one_clip_at_a_time_is_asked_for_and_what_is_written_has_its_file_and_its_row() {
    let mut it = filmed(2);
    it.want(1);
    it.want(2);
    let (request, path) = it.asked().expect("the first");
    assert!(request > YIELDS_FROM, "it gives way to incidents");
    assert!(it.asked().is_none(), "not both");
    assert_eq!(it.said(), [(1, "awaited".to_owned()), (2, "awaited".to_owned())]);
    fs::write(path, b"video").expect("written");
    let written = ClipWritten {
        first_ns: 0,
        last_ns: 1,
        longest_gap_ns: 1,
        pictures: 2,
        bytes: 5,
        codec: "H.264".into(),
    };
    it.answer(request, ClipOutcome::Written(written));
    let kept = name(it.run, 1);
    assert_eq!(it.said(), [(1, kept.clone()), (2, "awaited".to_owned())]);
    assert_eq!(it.files(), [kept]);
    assert!(it.asked().is_some(), "the next one");
}

#[test]
fn a_recorder_that_is_busy_with_incidents_is_asked_again_until_the_video_is_gone_and_then_it_says_so()
 {
    let mut it = filmed(1);
    it.want(1);
    let (request, _) = it.asked().expect("asked");
    it.answer(request, ClipOutcome::Failed { reason: GIVES_WAY.into() });
    assert!(it.asked().is_none(), "not at once");
    let later = clock::monotonic().after(WAY_GIVEN);
    it.keeper.work(later);
    let (request, _) = it.asked().expect("again");
    it.keeper.waiting.clear();
    // Nothing of its span is kept any more.
    let mut old = it.wanted(1);
    old.span.from_ns = 0;
    it.keeper.under_way.as_mut().expect("it is asked for").wanted = old.clone();
    it.answer(request, ClipOutcome::Failed { reason: GIVES_WAY.into() });
    assert_eq!(it.said(), [(1, GIVES_WAY.to_owned())]);
    it.keeper.take(ClipTask::Film(Box::new(old)));
    it.keeper.work(later);
    assert!(it.said()[0].1.contains("busy until its video was gone"), "{:?}", it.said());
    assert!(it.asked().is_none());
}

#[test]
fn a_disk_that_cannot_take_it_or_a_recorder_that_says_nothing_costs_the_clip_with_its_reason() {
    let mut it = filmed(3);
    // Nobody can make a folder there.
    fs::write(it.dir.path().join(FOLDER), b"not a folder").expect("written");
    it.want(1);
    assert!(it.asked().is_none());
    assert!(it.said()[0].1.contains("cannot be made"), "{:?}", it.said());
    fs::remove_file(it.dir.path().join(FOLDER)).expect("removed");
    it.want(2);
    let (request, path) = it.asked().expect("asked");
    it.answer(request, ClipOutcome::Failed { reason: "no video of this time is kept".into() });
    assert_eq!(it.said()[1], (2, "no video of this time is kept".to_owned()));
    it.want(3);
    let (late, path_of_late) = it.asked().expect("asked");
    assert_ne!(path, path_of_late);
    let until = clock::monotonic().after(ANSWER_MAX);
    it.keeper.work(until);
    assert!(it.said()[2].1.contains("did not write it"), "{:?}", it.said());
    // It comes all the same, and is nobody's.
    fs::write(&path_of_late, b"video").expect("written");
    let written = ClipOutcome::Failed { reason: "too late".into() };
    it.answer(late, written);
    assert_eq!(it.files(), [""; 0]);
}

#[test]
fn a_clip_that_is_awaited_and_that_nobody_asks_for_is_said_not_to_come() {
    let mut it = filmed(2);
    it.want(1);
    let of = it.wanted(2).of;
    it.keeper.take(ClipTask::Await(of));
    let awaited_at = clock::monotonic();
    it.keeper.work(awaited_at);
    assert_eq!(it.said()[1], (2, "awaited".to_owned()));
    // What says that its span is over was lost. What is being made has its own time.
    it.keeper.work(awaited_at.after(AWAITED_MAX));
    assert!(it.said()[1].1.contains("too much was to be done at once"), "{:?}", it.said());
    assert!(!it.said()[0].1.contains("too much"), "{:?}", it.said());
    assert!(it.keeper.awaited.is_empty());
}

#[test]
fn a_clip_that_goes_by_its_age_says_so() {
    let mut it = filmed(2);
    (1..=2).for_each(|number| it.films(number, 8));
    let room = CaseRoom { clips_max: 9, bytes_max: MB, not_before: Some(at(2)) };
    let gone = it.clerk.ask(move |store| store.retire_case_clips(room));
    assert!(matches!(&gone, Ok(Ok(files)) if *files == [name(it.run, 1)]), "{gone:?}");
    let kept_its_days = "it was kept for as many days as clips are, and removed".to_owned();
    assert_eq!(it.said(), [(1, kept_its_days), (2, name(it.run, 2))]);
}

#[test]
fn clips_stay_within_their_room_and_the_oldest_that_has_a_label_goes_first() {
    let mut it = filmed(5);
    // A quarter of what incidents may take: three of them.
    (1..=3).for_each(|number| it.films(number, MB / 3));
    let ids: Vec<u64> =
        it.reader.shadow_incidents(it.run).expect("readable").iter().map(|row| row.id).collect();
    let label = |it: &Filmed, id: u64| {
        let said = it.clerk.ask(move |store| store.label_case(id, CaseWord::True, "Eva", at(9)));
        assert!(matches!(said, Ok(Ok(_))), "{said:?}");
    };
    label(&it, ids[2]);
    label(&it, ids[1]);
    it.films(4, MB / 3);
    let made_room = "it was removed to make room".to_owned();
    assert_eq!(it.said()[1], (2, made_room.clone()), "{:?}", it.said());
    it.films(5, MB / 3);
    let there = [1, 4, 5].map(|number| name(it.run, number));
    assert_eq!(it.said()[2], (3, made_room));
    assert_eq!(it.files(), there, "what nobody has looked at stays");
}

#[test]
fn what_a_box_leaves_that_dies_while_a_clip_is_made_is_removed_and_said_at_the_next_start() {
    let mut it = filmed(4);
    it.films(1, 8);
    it.films(2, 8);
    it.want(3);
    let folder = it.dir.path().join(FOLDER);
    for left in [name(it.run, 3) + ".part", name(it.run, 4), name(it.run, 3) + ".part.moov"] {
        fs::write(folder.join(left), b"left").expect("written");
    }
    fs::remove_file(folder.join(name(it.run, 2))).expect("somebody removes it");
    let (post, _sent) = WorkerPost::of_nobody();
    let mut next = Keeper::new(folder, evidence(), it.clerk.clone(), post);
    next.work(clock::monotonic());
    let said = [
        (1, name(it.run, 1)),
        (2, "its file is gone".to_owned()),
        (3, "the box stopped before it was written".to_owned()),
    ];
    assert_eq!((it.said(), it.files()), (said.into(), vec![name(it.run, 1)]));
}
