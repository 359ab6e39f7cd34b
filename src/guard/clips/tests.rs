//! What the vision process is asked for of a part.

use super::*;
use crate::store::Store;
use crate::zone_file::Mask;

fn at(s: u64) -> Instant {
    Instant::ZERO.after(Duration::from_secs(s))
}

fn masks(ids: &[&str]) -> Arc<[Mask]> {
    let mask = |id: &&str| {
        let square = vec![vec![[0.0, 0.0], [0.5, 0.0], [0.5, 0.5], [0.0, 0.0]]];
        Mask { id: (*id).into(), name: (*id).into(), polygons: vec![square] }
    };
    ids.iter().map(mask).collect()
}

/// What the vision process is asked for of a part from second 100 to 110 of a camera that had a mask
/// until then.
fn orders(privacy: Privacy, masked_until: Instant) -> Vec<ToWorker> {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path()).expect("a store");
    let (post, sent) = WorkerPost::of_nobody();
    let log = [(Instant::ZERO, masks(&["desk"])), (masked_until, masks(&[]))];
    let mut keeper = ClipKeeper::of(ClipParts {
        evidence: Evidence { before_s: 1, after_s: 1, days: 1, bytes_max: 1, ring_bytes_max: 1 },
        privacy,
        sightings: Arc::new(SightingLog::of_one_camera(log)),
        folder: dir.path().join("evidence"),
        earlier: IncidentId(0),
        clerk: Clerk::over(store).expect("a clerk"),
        post,
    });
    keeper.ask((IncidentId(7), 1), 0, (at(100), at(110)));
    std::iter::from_fn(sent).collect()
}

#[test]
fn each_order_says_before_which_time_its_clip_must_not_begin() {
    let between = |orders: &[ToWorker]| -> Vec<(&str, ClipSpan, usize)> {
        let told = |order: &ToWorker| match order {
            ToWorker::WriteClip { span, .. } => ("clear", *span, 0),
            ToWorker::HideClip { span, veil, .. } => ("hidden", *span, veil.masks.len()),
            other => panic!("{other:?}"),
        };
        orders.iter().map(told).collect()
    };
    let since = |at: Instant| ClipSpan {
        not_before_ns: at.as_nanos(),
        ..ClipSpan::between(100_000_000_000, 110_000_000_000)
    };
    // Its key frame may be of a time when there was a mask.
    let orders_of = |masked_until| between(&orders(Privacy::Persons, masked_until));
    assert_eq!(orders_of(at(50)), [("clear", since(at(50)), 0), ("hidden", since(at(50)), 0)]);
    assert_eq!(between(&orders(Privacy::Off, at(50))), [("clear", since(at(50)), 0)]);
    // A mask that is black in all of the part hides it in what is before, too.
    assert_eq!(orders_of(at(99)), [("hidden", since(Instant::ZERO), 1)]);
}
