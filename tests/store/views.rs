//! What cameras' views are held against.

use standclear::store::Store;
use standclear::store::views::{ReferenceFacts, ReferenceRow, ReferenceWhy, VIEWS_KEPT};

use super::{at, folder, number, open};

fn row(camera: &str, second: i64) -> ReferenceRow {
    ReferenceRow {
        camera: camera.into(),
        facts: ReferenceFacts {
            taken_at: at(second),
            why: ReferenceWhy::ZonesApproved,
            by: Some("Eva".into()),
            zone_version: Some(3),
        },
        width_px: 4,
        height_px: 3,
        luma: (0..12).collect(),
        shown: None,
        clear: None,
    }
}

#[test]
fn a_reference_and_what_was_learned_come_back_as_they_were_kept_and_pictures_belong_to_their_own() {
    let dir = folder();
    let mut store = open(dir.path());
    store.put_view_reference(&row("east", 1)).expect("kept");
    store.put_view_reference(&row("east", 2)).expect("kept in place of the first");
    store.put_view_learned("east", at(3), b"learned").expect("kept");
    // Of the first, which came too late.
    store.put_view_pictures("east", at(1), Some(b"old"), None).expect("nothing to do");
    assert_eq!(
        store.reader().expect("a reader").view_references().expect("rows"),
        [row("east", 2)]
    );
    store.put_view_pictures("east", at(2), Some(b"hidden"), Some(b"clear")).expect("kept");
    drop(store);
    let store = open(dir.path());
    let reader = store.reader().expect("a reader");
    let (shown, clear) = (Some(b"hidden".to_vec()), Some(b"clear".to_vec()));
    assert_eq!(
        reader.view_references().expect("rows"),
        [ReferenceRow { shown, clear, ..row("east", 2) }]
    );
    assert_eq!(reader.view_learned().expect("rows"), [("east".to_owned(), b"learned".to_vec())]);
    drop(reader);
    let mut store = store;
    let unconfirmed =
        |store: &Store| store.reader().expect("a reader").views_unconfirmed().expect("rows");
    store.put_view_unconfirmed("east", Some(at(4))).expect("kept");
    store.put_view_unconfirmed("east", Some(at(9))).expect("it has moved since the first");
    assert_eq!(unconfirmed(&store), [("east".to_owned(), at(4))]);
    store.put_view_unconfirmed("east", None).expect("kept");
    assert_eq!(unconfirmed(&store), []);
}

#[test]
fn a_picture_that_is_not_whole_is_refused_and_the_one_before_stays() {
    let dir = folder();
    let mut store = open(dir.path());
    store.put_view_reference(&row("east", 1)).expect("kept");
    let torn = ReferenceRow { luma: vec![0; 11], ..row("east", 2) };
    store.put_view_reference(&torn).expect_err("eleven pixels are not twelve");
    store.put_view_learned("east", at(2), b"").expect_err("nothing was learned");
    assert_eq!(
        store.reader().expect("a reader").view_references().expect("rows"),
        [row("east", 1)]
    );
}

#[test]
fn views_of_cameras_that_were_taken_away_go_the_oldest_first() {
    let dir = folder();
    let mut store = open(dir.path());
    for camera in 0..VIEWS_KEPT + 3 {
        store.put_view_reference(&row(&format!("camera-{camera}"), camera)).expect("kept");
        store.put_view_learned(&format!("camera-{camera}"), at(camera), b"x").expect("kept");
    }
    for table in ["view_reference", "view_learned"] {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(number(dir.path(), &count), VIEWS_KEPT);
        let oldest =
            format!("SELECT count(*) FROM {table} WHERE camera IN ('camera-0', 'camera-2')");
        assert_eq!(number(dir.path(), &oldest), 0);
    }
}

#[test]
fn what_was_overwritten_is_in_no_file_once_it_is_to_be_forgotten() {
    const SECRET: &[u8] = b"a face at a desk";
    let dir = folder();
    let mut store = open(dir.path());
    let is_on_disk = || {
        let files = std::fs::read_dir(dir.path()).expect("a folder");
        let mut files = files.map(|it| std::fs::read(it.expect("a file").path()).expect("read"));
        files.any(|bytes| bytes.windows(SECRET.len()).any(|part| part == SECRET))
    };
    let luma = |luma| ReferenceRow { width_px: 64, height_px: 200, luma, ..row("east", 1) };
    store.put_view_reference(&luma(SECRET.repeat(800))).expect("kept");
    store.put_view_learned("east", at(1), &SECRET.repeat(900)).expect("kept");
    assert!(is_on_disk());
    store.put_view_reference(&luma(vec![7; 64 * 200])).expect("kept");
    store.put_view_learned("east", at(2), b"plain").expect("kept");
    store.forget_overwritten_views().expect("nobody reads");
    assert!(!is_on_disk());
}
