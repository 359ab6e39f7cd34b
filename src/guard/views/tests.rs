//! What the store is given of a view, and what the next vision process is.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{self, Receiver};

use tempfile::TempDir;

use super::*;
use crate::engine::time::Instant;
use crate::engine::view_fault::ViewFault;
use crate::engine::{CameraSpec, Engine, Restored, Site};
use crate::guard::board::Board;
use crate::guard::handle::{ReferenceWhy, SiteInfo};
use crate::guard::keeper::Job;
use crate::guard::ledger::{Ledger, Versions};
use crate::guard::records::InForce;
use crate::integrity::scenes::{covered, noisy, yard};
use crate::integrity::{self, Grey, Hour, Known, Watch};

pub(in crate::guard) const CAMERA: CameraIndex = CameraIndex(0);

const SIZE: (usize, usize) = (256, 144);

/// The views of one camera, and what they leave for the store.
pub(in crate::guard) fn views(id: &str, masks: &[Mask]) -> (Views, Receiver<Job>) {
    let in_force = InForce { masks: Arc::from(masks), ..InForce::default() };
    let names = Arc::new(SiteNames {
        cameras: vec![(id.into(), "Yard".into())],
        addresses: vec![String::new()],
        in_force: vec![in_force],
        zones: Vec::new(),
    });
    let now = clock::monotonic();
    let site = Site { cameras: vec![CameraSpec::default()] };
    let engine = Engine::new(site, &Restored::default(), now);
    let ledger = Ledger::restored(&[], &[], Versions::of_life(1, 0));
    let site = SiteInfo { name: "Test".into(), time_zone: "UTC".into() };
    let snapshot = Board::new(names.clone(), site, now).snapshot(&engine, &ledger, now);
    let (jobs, left) = mpsc::sync_channel(16);
    let kept = Kept { masks: names.shared_masks(0), ..Kept::default() };
    let slot = CameraSlot {
        id: id.into(),
        judged: Judged::Yes,
        kept: Mutex::new(kept),
        replaced: AtomicU64::new(0),
        behind: Arc::default(),
    };
    let hub = Arc::new(LiveHub::new(Arc::new(snapshot)));
    let clerk = Clerk::new(jobs);
    (Views { cameras: vec![slot], privacy: Privacy::Persons, clerk, hub }, left)
}

/// The view `of`, how often somebody had replaced it.
fn reference(views: &Views, grey: &GreyPicture, of: u64) -> NewReference {
    let facts = ReferenceFacts {
        taken_at: jiff::Timestamp::UNIX_EPOCH,
        why: ReferenceWhy::First,
        by: None,
        zone_version: None,
    };
    let names = SiteNames {
        cameras: vec![(views.cameras[0].id.clone(), "Yard".into())],
        addresses: vec![String::new()],
        in_force: Vec::new(),
        zones: Vec::new(),
    };
    let frame = ViewFrame { camera: CAMERA, names: Arc::new(names), seen: None };
    NewReference { frame, facts, grey: grey.clone(), of }
}

fn wired(grey: &Grey) -> GreyPicture {
    let (width_px, height_px) = (grey.width_px() as u32, grey.height_px() as u32);
    GreyPicture { width_px, height_px, luma: grey.luma().to_vec() }
}

fn scene() -> Grey {
    yard(SIZE.0, SIZE.1, 0.0, 0.0)
}

fn view() -> GreyPicture {
    wired(&scene())
}

/// Another place.
fn elsewhere() -> GreyPicture {
    wired(&yard(SIZE.0, SIZE.1, 5000.0, 3000.0))
}

fn looks(grey: &GreyPicture) -> LearnedView {
    let (background, faces) = (Some(grey.clone()), vec![grey.clone()]);
    LearnedView { background, faces, ..LearnedView::default() }
}

/// Over the left of the picture, as far as this.
fn mask(to: f64) -> Mask {
    let ring = vec![[0.0, 0.0], [to, 0.0], [to, 1.0], [0.0, 1.0], [0.0, 0.0]];
    Mask { id: "desk".into(), name: "Desk".into(), polygons: vec![vec![ring]] }
}

/// A store that does what was left for it.
struct TestStore {
    folder: TempDir,
    store: Store,
}

impl TestStore {
    fn new() -> TestStore {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        TestStore { folder, store }
    }

    fn does(&mut self, left: &Receiver<Job>) -> usize {
        let errands = left.try_iter().map(|job| match job {
            Job::Errand(errand) => errand.run(&mut self.store),
            Job::Write { .. } | Job::Snapshot { .. } | Job::End => panic!("no errand"),
        });
        errands.count()
    }

    /// The reference, and what was learned.
    fn has(&self) -> (Option<GreyPicture>, LearnedView, Left) {
        let reader = self.store.reader().expect("a reader");
        let row = reader.view_references().expect("rows").pop();
        let grey = row.map(|row| GreyPicture {
            width_px: row.width_px,
            height_px: row.height_px,
            luma: row.luma,
        });
        let bytes = reader.view_learned().expect("rows").pop().map(|(_, bytes)| bytes);
        let (learned, left) = decode(&bytes.unwrap_or_default());
        (grey, learned, left)
    }

    /// What a box that starts knows.
    fn restart(&self, id: &str, masks: &[Mask]) -> (Views, Receiver<Job>) {
        let (views, left) = views(id, masks);
        let reader = self.store.reader().expect("a reader");
        let row = reader.view_references().expect("rows").pop();
        {
            let mut kept = views.cameras[0].kept();
            (kept.learned, kept.left) = (self.has().1, self.has().2);
            kept.reference = row.map(Reference::from);
        }
        (views, left)
    }
}

/// Whether any block of the left part, as far as this, shows more than its mean.
fn is_bare(grey: &GreyPicture, to_px: usize) -> bool {
    let row = |y: usize| &grey.luma[y * SIZE.0..][..to_px];
    (0..SIZE.1).any(|y| row(y).chunks(16).any(|part| part.iter().any(|it| *it != part[0])))
}

fn known(views: &Views) -> KnownView {
    views.known().pop().expect("a camera").1
}

/// What a vision process that starts tells of this, in ten seconds.
fn told(known: KnownView, scene: &Grey) -> Vec<ViewFault> {
    let grey = |it: GreyPicture| Grey::new(it.width_px as usize, it.height_px as usize, it.luma);
    let known = Known {
        reference: known.reference.and_then(grey),
        background: known.learned.background.and_then(grey),
        faces: known.learned.faces.into_iter().filter_map(grey).collect(),
        ..Known::default()
    };
    let mut watch = Watch::restored(known);
    let mut told = Vec::new();
    for picture in 0..50 {
        let grey = noisy(scene, 2.0, picture);
        let (tone, at) = (grey.tone(0, 0), Instant::from_millis(1_000_000 + 200 * picture));
        let findings = watch.look(grey, tone, at, Hour::new(12)).findings;
        told.extend(findings.iter().map(|finding| finding.fault));
    }
    told
}

#[test]
fn what_covers_a_masked_place_is_told_by_the_next_vision_process_too_and_the_store_has_none_of_it()
{
    let masks = [mask(0.5)];
    let (views, left) = views("yard", &masks);
    let mut store = TestStore::new();
    views.settled(&reference(&views, &view(), 0));
    views.learned(CAMERA, looks(&view()));
    store.does(&left);
    let sheet = covered(&scene(), 0.3125, 90);
    for new_masks in [mask(0.5), mask(0.4)] {
        assert_eq!(known(&views), KnownView { reference: Some(view()), learned: looks(&view()) });
        let told = told(known(&views), &sheet);
        assert_eq!(told.last(), Some(&ViewFault::Covered), "{told:?}");
        let (reference, learned, _) = store.has();
        let kept = reference.into_iter().chain(learned.background).chain(learned.faces);
        let kept: Vec<_> = kept.collect();
        assert_eq!(kept.len(), 3);
        for grey in kept {
            assert!(!is_bare(&grey, 96), "on the disk");
            assert_eq!(grey.luma[200..256], view().luma[200..256]);
        }
        views.masks(CAMERA, Arc::from([new_masks]));
        store.does(&left);
    }
}

#[test]
fn what_a_mask_leaves_of_a_view_is_told_as_nothing_when_the_box_starts() {
    // Dark and bright under one mask, and its edges across cells.
    let mut luma = scene().luma().to_vec();
    for (at, level) in luma.iter_mut().enumerate() {
        let (x, y) = (at % SIZE.0, at / SIZE.0);
        let inside = (60..190).contains(&x) && (30..120).contains(&y);
        *level = match inside {
            true if x < 125 => 20 + *level / 12,
            true => 225 + *level / 12,
            false => 110 + *level / 10,
        };
    }
    let scene = Grey::new(SIZE.0, SIZE.1, luma).expect("as many as before");
    let at = |x: f64, y: f64| [x / SIZE.0 as f64, y / SIZE.1 as f64];
    let corners = [(55.0, 25.0), (195.0, 25.0), (195.0, 125.0), (55.0, 125.0), (55.0, 25.0)];
    let ring = corners.into_iter().map(|(x, y)| at(x, y)).collect();
    let masks = [Mask { id: "m".into(), name: "M".into(), polygons: vec![vec![ring]] }];
    let (views, left) = views("yard", &masks);
    let mut store = TestStore::new();
    views.settled(&reference(&views, &wired(&scene), 0));
    store.does(&left);
    let (again, _left) = store.restart("yard", &masks);
    assert_ne!(known(&again).reference, Some(wired(&scene)));
    assert_eq!(told(known(&again), &scene), vec![]);
}

#[test]
fn a_view_of_which_masks_leave_too_little_is_unrecognised_until_there_is_a_new_one() {
    let mut store = TestStore::new();
    let (first, left) = views("yard", &[mask(0.9)]);
    first.settled(&reference(&first, &view(), 0));
    assert_eq!(first.unrecognised(), [], "this box has seen it");
    store.does(&left);
    for _ in 0..2 {
        let (again, left) = store.restart("yard", &[mask(0.9)]);
        assert_eq!(again.unrecognised(), [CAMERA]);
        // What it learns meanwhile of the same view proves nothing.
        again.learned(CAMERA, looks(&view()));
        store.does(&left);
    }
    let (again, left) = store.restart("yard", &[mask(0.5)]);
    again.outdated(CAMERA);
    again.settled(&reference(&again, &view(), 1));
    assert_eq!(again.unrecognised(), [], "an engineer has looked");
    store.does(&left);
    assert_eq!(store.has().2, Left::Enough);
    assert_eq!(store.restart("yard", &[mask(0.5)]).0.unrecognised(), []);
}

#[test]
fn a_mask_that_hides_little_of_a_night_of_which_little_is_known_leaves_enough() {
    let day = scene();
    // Lamps light four columns of the grid, one of them under the mask.
    let lit = |at: usize| [0..16, 112..128, 128..144, 144..160].iter().any(|it| it.contains(&at));
    let lights = |(at, level): (usize, &u8)| match (lit(at % SIZE.0), at / SIZE.0 / 16) {
        (true, 2..6) => *level,
        (true | false, _) => 40,
    };
    let luma = day.luma().iter().enumerate().map(lights).collect();
    let night = Grey::new(SIZE.0, SIZE.1, luma).expect("as many as before");
    let strong = integrity::strong_cells(&night);
    assert!((integrity::STRONG_MIN..integrity::STRONG_MIN + 5).contains(&strong), "{strong}");
    for (to, left) in [(0.06, Left::Enough), (0.6, Left::TooLittle)] {
        let (views, jobs) = views("yard", &[mask(to)]);
        let mut store = TestStore::new();
        views.settled(&reference(&views, &view(), 0));
        views.learned(CAMERA, looks(&wired(&night)));
        store.does(&jobs);
        assert_eq!(store.has().2, left, "as far as {to}");
    }
}

#[test]
fn of_a_view_that_was_replaced_nothing_is_known_until_its_own_reference_comes_and_that_forgets_once()
 {
    let (views, _left) = views("yard", &[]);
    views.settled(&reference(&views, &view(), 0));
    views.learned(CAMERA, looks(&view()));
    let before = views.replaced(CAMERA);
    views.outdated(CAMERA);
    // One of the view before was on its way.
    views.settled(&reference(&views, &view(), before));
    assert_eq!(known(&views), KnownView::default());
    views.settled(&reference(&views, &elsewhere(), views.replaced(CAMERA)));
    let confirmed = |learned| KnownView { reference: Some(elsewhere()), learned };
    assert_eq!(known(&views), confirmed(LearnedView::default()));
    views.learned(CAMERA, looks(&elsewhere()));
    assert_eq!(known(&views), confirmed(looks(&elsewhere())));
    // Learned once more, as the same view.
    views.settled(&reference(&views, &elsewhere(), views.replaced(CAMERA)));
    assert_eq!(known(&views), confirmed(looks(&elsewhere())));
}

#[test]
fn whether_the_mask_comes_first_or_the_reference_nothing_that_is_masked_is_in_the_store() {
    for mask_first in [true, false] {
        let (views, left) = views("yard", &[]);
        let mut store = TestStore::new();
        let masks = || views.masks(CAMERA, Arc::from([mask(0.5)]));
        if mask_first {
            masks();
        }
        views.settled(&reference(&views, &view(), 0));
        if !mask_first {
            masks();
        }
        store.does(&left);
        let kept = store.has().0.expect("a reference");
        assert!(!is_bare(&kept, 112), "{mask_first}");
    }
}

#[test]
fn a_reference_that_is_not_whole_leaves_none_of_the_one_before() {
    let (views, left) = views("yard", &[mask(0.5)]);
    let mut store = TestStore::new();
    views.settled(&reference(&views, &view(), 0));
    store.does(&left);
    assert!(store.has().0.is_some());
    let broken = GreyPicture { luma: vec![1; 7], ..view() };
    views.settled(&reference(&views, &broken, 0));
    store.does(&left);
    assert_eq!(store.has().0, None);
}

/// Bytes in the store's log.
fn log_bytes(store: &TestStore) -> u64 {
    let files = std::fs::read_dir(store.folder.path()).expect("a folder");
    let files = files.map(|it| it.expect("a file"));
    let logs = files.filter(|it| it.file_name().to_string_lossy().ends_with("-wal"));
    logs.map(|it| it.metadata().expect("a file").len()).sum()
}

#[test]
fn a_box_that_starts_with_masks_leaves_nothing_in_the_log_of_what_was_overwritten() {
    let mut store = TestStore::new();
    let (first, left) = views("yard", &[]);
    first.settled(&reference(&first, &view(), 0));
    store.does(&left);
    assert!(log_bytes(&store) > 0);
    let (unmasked, left) = store.restart("yard", &[]);
    unmasked.hide_what_was_kept();
    assert_eq!(store.does(&left), 0, "nothing is hidden there");
    // What an older box kept is rewritten, and then the log is emptied at each start.
    for errands in [2, 1] {
        let (again, left) = store.restart("yard", &[mask(0.5)]);
        again.hide_what_was_kept();
        assert_eq!(store.does(&left), errands);
        assert_eq!(log_bytes(&store), 0);
        assert!(!is_bare(&store.has().0.expect("a reference"), 112));
        // Somebody else writes.
        store.store.put_view_unconfirmed("yard", None).expect("kept");
    }
}

#[test]
fn what_the_store_never_began_to_keep_is_to_be_kept_again_and_as_secretly() {
    let behind = Arc::<Behind>::default();
    let promise = |leftovers| Promise { behind: behind.clone(), leftovers, came: Came::No };
    let is = |of: &AtomicBool| of.load(Ordering::Acquire);
    promise(Leftovers::Secret).keep();
    assert!(!is(&behind.something) && !is(&behind.secret));
    let (jobs, taken) = mpsc::sync_channel(1);
    let kept = promise(Leftovers::Harmless);
    Clerk::new(jobs).leave(move |_| kept.keep()).expect("room for one");
    assert!(!is(&behind.something), "it waits still");
    drop(taken);
    assert!(is(&behind.something) && !is(&behind.secret));
    drop(promise(Leftovers::Secret));
    assert!(is(&behind.secret));
}

#[test]
fn a_mask_over_which_the_painter_panics_is_not_forgotten() {
    let (views, left) = views("broken", &[]);
    let mut store = TestStore::new();
    views.settled(&reference(&views, &view(), 0));
    store.does(&left);
    fail::cfg("views::masks::broken", "panic").expect("a fail point");
    let masks = || views.masks(CAMERA, Arc::from([mask(0.5)]));
    assert!(panic::catch_unwind(AssertUnwindSafe(masks)).is_err());
    fail::remove("views::masks::broken");
    assert_eq!(store.does(&left), 0);
    assert!(views.is_behind(CAMERA));
    views.keep_again(CAMERA);
    store.does(&left);
    assert!(!is_bare(&store.has().0.expect("a reference"), 112));
    assert_eq!(log_bytes(&store), 0, "nor is it in the log");
    assert!(!views.is_behind(CAMERA));
}
