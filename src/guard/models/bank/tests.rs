//! The bank with a real store, real files and real pictures.

mod labels;
mod watching;

use std::fs;
use std::time::Duration;

use image::{ImageFormat, Rgb, RgbImage};
use jiff::SignedDuration;
use tempfile::TempDir;

use super::picture::{develop, shown};
use super::shelf::name_of;
use super::*;
use crate::config::Privacy;
use crate::engine::{Engine, Restored, Site};
use crate::guard::board::Board;
use crate::guard::followers::{Follower, Told, wait_for};
use crate::guard::handle::SiteInfo;
use crate::guard::ledger::{Ledger, Versions};
use crate::store::Store;
use crate::store::check::{Finding, check};
use crate::store::examples::FOLDER;
use crate::zone_file::Mask;

pub const SIZE: (u32, u32) = (320, 240);

/// How long pictures are kept.
const MONTH: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Of now.
fn clocks() -> (Timestamp, Instant) {
    (clock::wall(), clock::monotonic())
}

/// A JPEG of stripes and blocks that are other ones for another seed.
pub fn picture_of(seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut blocks = [[0_u8; 16]; 12];
    for block in blocks.iter_mut().flatten() {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        *block = (state >> 24) as u8;
    }
    let pixel = |x: u32, y: u32| {
        let grey = blocks[(y / 20) as usize][(x / 20) as usize];
        Rgb([grey, grey, 255 - grey])
    };
    jpeg_of(&RgbImage::from_fn(SIZE.0, SIZE.1, pixel))
}

pub fn jpeg_of(canvas: &RgbImage) -> Vec<u8> {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    canvas.write_to(&mut jpeg, ImageFormat::Jpeg).expect("encoded");
    jpeg.into_inner()
}

pub fn canvas(jpeg: &[u8]) -> RgbImage {
    image::load_from_memory(jpeg).expect("a JPEG").into_rgb8()
}

/// A box's store, and what keeps examples in it.
pub struct TestBox {
    pub folder: TempDir,
    pub keeper: Keeper,
    pub clerk: Clerk,
    pub reader: StoreReader,
}

impl TestBox {
    pub fn new(examples: usize) -> TestBox {
        TestBox::with(examples, |_store| {})
    }

    /// With what the store has before.
    pub fn with(examples: usize, before: impl FnOnce(&mut Store)) -> TestBox {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        before(&mut store);
        TestBox::of(folder, store, examples)
    }

    fn of(folder: TempDir, store: Store, examples: usize) -> TestBox {
        let reader = store.reader().expect("a reader");
        let clerk = Clerk::over(store).expect("a thread");
        let room = Room { examples, bytes: 1 << 30 };
        let ours = crate::store::examples::reader_of(folder.path()).expect("a reader");
        let mut keeper =
            Keeper::new((folder.path().join(FOLDER), room, MONTH), ours, clerk.clone());
        keeper.tidy(clocks());
        TestBox { folder, keeper, clerk, reader }
    }

    /// The same box, started again with other room.
    pub fn again(self, examples: usize) -> TestBox {
        let TestBox { folder, keeper, clerk, reader } = self;
        drop((keeper, clerk, reader));
        // The store closes once its last clerk is gone.
        let until = clock::monotonic().after(Duration::from_secs(20));
        let store = loop {
            match Store::open(folder.path()) {
                Ok(store) => break store,
                Err(error) if clock::monotonic() > until => panic!("{error}"),
                Err(_) => thread::park_timeout(Duration::from_millis(5)),
            }
        };
        TestBox::of(folder, store, examples)
    }

    pub fn keep(&mut self, occasion: ExampleOccasion, seed: u32) -> Kept {
        self.keeper.keep(found(occasion, seed)).expect("kept")
    }

    pub fn occasions(&self) -> Vec<(ExampleOccasion, usize)> {
        let facts = self.reader.example_facts().expect("read");
        let count = |it| facts.iter().filter(|row| row.occasion == it).count();
        ExampleOccasion::ALL.into_iter().map(|it| (it, count(it))).collect()
    }

    /// Names in the folder.
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join(FOLDER)).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
            .collect();
        names.sort();
        names
    }

    #[track_caller]
    pub fn assert_whole(&self) {
        for name in self.files() {
            // Older than any that is about to get its row.
            let file = fs::File::options().write(true).open(self.path(&name)).expect("opened");
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("it is old");
        }
        let broken: Vec<Finding> = check(self.folder.path())
            .expect("checked")
            .into_iter()
            .filter(Finding::is_broken)
            .collect();
        assert_eq!(broken, []);
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(FOLDER).join(name)
    }
}

pub fn found(occasion: ExampleOccasion, seed: u32) -> Found {
    let boxes = vec![by_model([0.4, 0.3, 0.2, 0.5], 0.5)];
    let developed = develop(&picture_of(seed), &[], Some(&[]), &boxes).expect("a picture");
    Found {
        occasion,
        camera: "yard".into(),
        zone: Some(("gate".into(), "Gate".into())),
        incident: (occasion == ExampleOccasion::Incident).then_some(u64::from(seed)),
        at: "2026-03-01T14:00:00Z".parse().expect("a time"),
        score: Some(0.5),
        boxes,
        why: "a test".into(),
        developed,
    }
}

#[test]
fn a_flood_of_one_kind_stays_within_the_room_and_takes_nothing_from_a_rare_one() {
    let mut box_ = TestBox::new(12);
    for seed in 1..=3 {
        box_.keep(ExampleOccasion::Disagreement, seed);
    }
    for seed in 100..160 {
        box_.keep(ExampleOccasion::Incident, seed);
    }
    let occasions = box_.occasions();
    assert_eq!(occasions.iter().map(|(_, count)| count).sum::<usize>(), 12);
    assert_eq!(box_.files().len(), 12);
    let of = |wanted| occasions.iter().find(|(it, _)| *it == wanted).expect("all are there").1;
    assert_eq!((of(ExampleOccasion::Disagreement), of(ExampleOccasion::Incident)), (3, 9));
    box_.assert_whole();
}

#[test]
fn a_picture_of_people_goes_with_the_evidence_of_its_day() {
    let mut box_ = TestBox::new(10);
    let (wall, now) = clocks();
    let taken = |ago_h| wall.checked_sub(SignedDuration::from_hours(ago_h)).expect("a time");
    for (seed, ago_h) in [(1, 24 * 29), (2, 24 * 31)] {
        let one = Found { at: taken(ago_h), ..found(ExampleOccasion::Incident, seed) };
        box_.keeper.keep(one).expect("kept");
    }
    box_.keeper.tidy((wall, now));
    assert_eq!(box_.files().len(), 2, "nobody knows yet whether the clock is right");
    let hour = Duration::from_secs(3_601);
    let later = (wall.checked_add(hour).expect("a time"), now.after(hour));
    box_.keeper.tidy(later);
    assert_eq!(box_.files(), [name_of(1)]);
    assert_eq!(box_.reader.example_facts().expect("read").len(), 1);
    box_.assert_whole();
}

#[test]
fn a_bank_that_is_given_less_room_makes_it_and_leaves_no_file() {
    let mut box_ = TestBox::new(10);
    for seed in 1..=8 {
        box_.keep(ExampleOccasion::Incident, seed);
    }
    let mut box_ = box_.again(3);
    assert_eq!((box_.files().len(), box_.reader.examples_kept().expect("read").0), (3, 3));
    // A picture larger than everything there is room for.
    box_.keeper = Keeper::new(
        (box_.folder.path().join(FOLDER), Room { examples: 3, bytes: 10 }, MONTH),
        crate::store::examples::reader_of(box_.folder.path()).expect("a reader"),
        box_.clerk.clone(),
    );
    assert_eq!(box_.keep(ExampleOccasion::Incident, 99), Kept::NoRoom);
    box_.assert_whole();
}

#[test]
fn what_looks_the_same_is_kept_once_but_every_incident_is() {
    let mut box_ = TestBox::new(100);
    assert_eq!(box_.keep(ExampleOccasion::NearMiss, 1), Kept::Yes(1));
    assert_eq!(box_.keep(ExampleOccasion::NearMiss, 1), Kept::AlikeIsThere);
    assert_eq!(box_.keep(ExampleOccasion::NearMiss, 2), Kept::Yes(2));
    assert_eq!(box_.keep(ExampleOccasion::LowScore, 1), Kept::Yes(3), "another kind");
    let mut elsewhere = found(ExampleOccasion::NearMiss, 1);
    elsewhere.camera = "dock".into();
    assert_eq!(box_.keeper.keep(elsewhere), Ok(Kept::Yes(4)), "another camera");
    assert_eq!(box_.keep(ExampleOccasion::Incident, 1), Kept::Yes(5));
    assert_eq!(box_.keep(ExampleOccasion::Incident, 1), Kept::Yes(6));
    box_.assert_whole();
}

#[test]
fn whatever_is_left_of_a_picture_whose_row_never_came_goes_and_its_number_is_not_given_again() {
    let mut box_ = TestBox::new(10);
    box_.keep(ExampleOccasion::Incident, 1);
    fs::write(box_.path("example-00000002.jpg"), "whole").expect("written");
    fs::write(box_.path("example-00000003.jpg.part"), "half").expect("written");
    fs::write(box_.path("notes.txt"), "somebody's").expect("written");
    let mut box_ = box_.again(10);
    assert_eq!(box_.files(), [name_of(1), "notes.txt".into()]);
    assert_eq!(box_.keep(ExampleOccasion::Incident, 2), Kept::Yes(2));
    box_.clerk.ask(|store| store.remove_examples(&[2])).expect("asked").expect("removed");
    let mut box_ = box_.again(10);
    assert_eq!(box_.keep(ExampleOccasion::Incident, 3), Kept::Yes(3));
    box_.assert_whole();
}

#[test]
fn a_store_that_takes_nothing_leaves_no_picture_behind() {
    let mut box_ = TestBox::new(10);
    box_.keep(ExampleOccasion::Incident, 1);
    let gone = Clerk::new(mpsc::sync_channel(0).0);
    let room = Room { examples: 10, bytes: 1 << 30 };
    let reader = crate::store::examples::reader_of(box_.folder.path()).expect("a reader");
    let mut keeper = Keeper::new((box_.folder.path().join(FOLDER), room, MONTH), reader, gone);
    let refused = keeper.keep(found(ExampleOccasion::Incident, 2));
    assert!(refused.expect_err("refused").contains("stopping"));
    assert_eq!(box_.files(), [name_of(1)]);
    box_.assert_whole();
}

fn mask() -> Mask {
    let ring = vec![[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0], [0.0, 0.0]];
    Mask { id: "desk".into(), name: "Desk".into(), polygons: vec![vec![ring]] }
}

#[test]
fn nothing_of_a_masked_place_is_kept_and_a_picture_without_masks_stays_byte_for_byte() {
    let jpeg = picture_of(5);
    let plain = develop(&jpeg, &[], None, &[]).expect("a picture");
    assert_eq!((plain.jpeg, plain.size_px), (jpeg.clone(), SIZE));
    let masked = canvas(&develop(&jpeg, &[mask()], None, &[]).expect("a picture").jpeg);
    let bright = |left: u32, right: u32| {
        let pixels = (left..right).flat_map(|x| (0..SIZE.1).map(move |y| (x, y)));
        pixels.filter(|at| masked.get_pixel(at.0, at.1).0.iter().any(|it| *it > 24)).count()
    };
    assert_eq!(bright(0, SIZE.0 / 2 - 8), 0, "JPEG blurs over the edge, and no farther");
    assert!(bright(SIZE.0 / 2 + 8, SIZE.0) > 10_000);
}

#[test]
fn everybody_sees_nobody_and_all_is_hidden_where_nobody_looked_at_this_very_picture() {
    let jpeg = picture_of(7);
    let somebody = Cover {
        bounds_norm: [0.25, 0.25, 0.25, 0.5],
        found_at: Instant::ZERO,
        age: Duration::ZERO,
    };
    let known = develop(&jpeg, &[], Some(&[somebody]), &[]).expect("a picture");
    let clear = canvas(&jpeg);
    let hidden =
        |covers: Option<&str>, privacy| shown(jpeg.clone(), covers, privacy).expect("shown");
    let differs = |shown: &[u8], x: [u32; 2], y: [u32; 2]| {
        let shown = canvas(shown);
        let apart = |at: (u32, u32)| {
            let (a, b) = (shown.get_pixel(at.0, at.1).0, clear.get_pixel(at.0, at.1).0);
            a.iter().zip(b).any(|(a, b)| a.abs_diff(b) > 60)
        };
        let places = (x[0]..x[1]).flat_map(|x| (y[0]..y[1]).map(move |y| (x, y)));
        places.filter(|at| apart(*at)).count()
    };
    let persons = hidden(known.covers.as_deref(), Privacy::Persons);
    let (where_they_are, elsewhere) = ([80, 160], [260, 320]);
    assert!(differs(&persons, where_they_are, [60, 180]) > 500, "the person is a mosaic");
    assert_eq!(differs(&persons, elsewhere, [0, 60]), 0, "the rest is as it was");
    let heads = hidden(known.covers.as_deref(), Privacy::Heads);
    let (some, all) = (differs(&heads, where_they_are, [60, 180]), [60, 180]);
    assert!(some < differs(&persons, where_they_are, all));
    assert_eq!(hidden(known.covers.as_deref(), Privacy::Off), jpeg);
    for unknown in [None, Some("[[1,2]]"), Some("no JSON")] {
        let hidden = hidden(unknown, Privacy::Heads);
        assert!(differs(&hidden, elsewhere, [0, 60]) > 200, "{unknown:?}");
    }
}

#[test]
fn whom_both_models_saw_is_one_box_and_what_reaches_out_of_the_picture_is_cut() {
    let at = |left_norm, score| CaseBox {
        left_norm,
        top_norm: 0.5,
        width_norm: 0.2,
        height_norm: 0.4,
        score,
    };
    let boxes =
        picture::of_both(&[at(0.1, 0.5)], &[at(0.12, 0.9), at(0.9, 0.4), at(f64::NAN, 0.9)]);
    let lefts: Vec<(f64, f32)> = boxes.iter().map(|it| (it.left, it.score)).collect();
    assert_eq!(lefts, [(0.1, 0.5), (0.9, 0.4)]);
    assert!((boxes[1].width - 0.1).abs() < 1e-9, "{:?}", boxes[1]);
}

#[test]
fn a_queue_that_is_full_of_people_has_room_for_an_incident_still_and_never_waits() {
    let (post, queue) = queue();
    let people = watching::somebody();
    (0..1_000).for_each(|_| post.seen(&people));
    post.arrived(REQUESTS_FROM, None);
    let tasks: Vec<BankTask> = queue.tasks.try_iter().collect();
    assert_eq!(tasks.len(), SEEN_WAITING_MAX + 1);
    assert!(matches!(tasks.last(), Some(BankTask::Arrived { .. })));
    (0..1_000).for_each(|request| post.arrived(request, None));
    assert_eq!(queue.tasks.try_iter().count(), QUEUE_MAX);
    assert_eq!(post.lost.load(Ordering::Relaxed), 1_000 - QUEUE_MAX as u64);
}

#[test]
fn an_incident_that_the_shadow_model_did_not_tell_is_an_example_of_a_disagreement() {
    let mut box_ = TestBox::new(3);
    box_.keep(ExampleOccasion::Incident, 7);
    let case_box = |left_norm, score| CaseBox {
        left_norm,
        top_norm: 0.3,
        width_norm: 0.1,
        height_norm: 0.5,
        score,
    };
    let (active, shadow) = (vec![case_box(0.4, 0.5)], vec![case_box(0.4, 0.4), case_box(0.8, 0.6)]);
    let more = picture::alone(&active, &shadow);
    box_.keeper.differs(7, more.clone(), differ(&active, &shadow)).expect("kept");
    box_.keeper.differs(8, more, differ(&active, &shadow)).expect("of which there is no example");
    let kept = box_.reader.example(1).expect("read").expect("there").example;
    assert_eq!((kept.occasion, kept.incident), (ExampleOccasion::Disagreement, Some(7)));
    assert!(kept.why.contains("the active one saw 1 people, the other 2"), "{}", kept.why);
    assert_eq!(kept.boxes.iter().map(|it| it.left).collect::<Vec<_>>(), [0.4, 0.8]);
    assert!(kept.covers.expect("known").contains("0.8"), "who else was seen is hidden, too");
    box_.assert_whole();
}

/// A hub of a box without cameras.
fn hub() -> Arc<LiveHub> {
    let names =
        Arc::new(SiteNames { cameras: vec![], addresses: vec![], in_force: vec![], zones: vec![] });
    let now = clock::monotonic();
    let engine = Engine::new(Site::default(), &Restored::default(), now);
    let ledger = Ledger::restored(&[], &[], Versions::of_life(1, 0));
    let site = SiteInfo { name: "Test".into(), time_zone: "UTC".into() };
    Arc::new(LiveHub::new(Arc::new(Board::new(names, site, now).snapshot(&engine, &ledger, now))))
}

#[test]
fn a_bank_that_is_given_nothing_does_not_hold_up_the_end_of_the_box() {
    let box_ = TestBox::new(3);
    let (post, queue) = queue();
    let steps = Steps::default();
    let parts = BankParts {
        folder: box_.folder.path().join(FOLDER),
        room: Room { examples: 3, bytes: 1 << 30 },
        longest: MONTH,
        reader: crate::store::examples::reader_of(box_.folder.path()).expect("a reader"),
        clerk: box_.clerk.clone(),
        post: WorkerPost::of_nobody().0,
        hub: hub(),
        steps: steps.clone(),
    };
    let bank = Follower::new("example bank", start(parts, queue).expect("a thread"), steps);
    let (over, ended) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let last = Follower::new("last", thread::spawn(|| {}), Steps::default());
        let still_max = 4 * LOOK_EVERY;
        wait_for(vec![bank], last, || Told::Yes, (still_max, clock::monotonic()));
        over.send(()).expect("somebody waits");
    });
    ended.recv_timeout(Duration::from_secs(20)).expect("the box ends");
    // Somebody who could bring it something is there all the while.
    drop(post);
}
