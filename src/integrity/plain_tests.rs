//! What was kept without the places that a privacy mask covers: what it can still tell, and that what
//! was taken out is learned again.

use crate::engine::time::Instant;
use crate::engine::view_fault::ViewFault;

use super::scenes::{covered, noisy, yard};
use super::{Grey, Hour, Known, STRONG_MIN, Watch, strong_cells};

const WIDTH: usize = 256;
const HEIGHT: usize = 144;

/// Side of a cell.
const CELL: usize = WIDTH / 16;

struct Camera {
    watch: Watch,
    pictures: u64,
}

impl Camera {
    fn restored(known: Known) -> Camera {
        Camera { watch: Watch::restored(known), pictures: 0 }
    }

    /// What is told of the yard, seen as this for so long.
    fn told(&mut self, scene: &Grey, seconds: u64) -> Vec<ViewFault> {
        let mut told = Vec::new();
        for _ in 0..seconds * 5 {
            let grey = noisy(scene, 2.0, self.pictures);
            let at = Instant::from_millis(1_000_000 + self.pictures * 200);
            self.pictures += 1;
            let tone = grey.tone(0, 0);
            let findings = self.watch.look(grey, tone, at, Hour::new(12)).findings;
            told.extend(findings.iter().map(|finding| finding.fault));
        }
        told
    }
}

fn scene() -> Grey {
    yard(WIDTH, HEIGHT, 0.0, 0.0)
}

/// The first columns of cells, each its own mean: as under a mask over the left of the picture.
fn without(scene: &Grey, columns: usize) -> Grey {
    let mut luma = scene.luma().to_vec();
    for cell in 0..columns * (HEIGHT / CELL) {
        let (left, top) = (cell % columns * CELL, cell / columns * CELL);
        let places = || (top..top + CELL).flat_map(|y| (left..left + CELL).map(move |x| (x, y)));
        let sum: usize = places().map(|(x, y)| usize::from(scene.row(y)[x])).sum();
        places().for_each(|(x, y)| luma[y * WIDTH + x] = (sum / (CELL * CELL)) as u8);
    }
    Grey::new(WIDTH, HEIGHT, luma).expect("as many as before")
}

#[test]
fn where_cells_were_taken_out_nothing_is_lost_by_that() {
    let plain = without(&scene(), 5);
    let known =
        Known { reference: Some(plain.clone()), background: Some(plain), ..Known::default() };
    assert_eq!(Camera::restored(known).told(&scene(), 20), vec![]);
}

#[test]
fn a_view_of_which_hardly_anything_is_left_is_not_to_be_recognised() {
    assert!(strong_cells(&scene()) >= STRONG_MIN);
    assert!(strong_cells(&without(&scene(), 8)) >= STRONG_MIN);
    assert!(strong_cells(&without(&scene(), 15)) < STRONG_MIN);
    assert!(strong_cells(&yard(90, 60, 0.0, 0.0)) < STRONG_MIN);
}

#[test]
fn a_view_that_is_confirmed_gets_a_reference_with_all_that_is_there() {
    let known = Known { reference: Some(without(&scene(), 8)), ..Known::default() };
    let mut camera = Camera::restored(known);
    assert_eq!(camera.told(&scene(), 10), vec![]);
    camera.watch.accept();
    assert_eq!(camera.watch.newly_settled(), None, "what is kept lacks half of the view");
    assert_eq!(camera.told(&scene(), 40), vec![]);
    assert!(camera.watch.newly_settled().is_some());
    let told = camera.told(&covered(&scene(), 0.3125, 90), 3);
    assert!(told.contains(&ViewFault::Covered), "{told:?}");
}

#[test]
fn a_face_that_lacks_what_is_covered_now_does_not_hide_that() {
    // What was kept lately has all of it, and the reference of long ago has not.
    let known = Known {
        reference: Some(without(&scene(), 6)),
        background: Some(scene()),
        ..Known::default()
    };
    let mut camera = Camera::restored(known);
    assert_eq!(camera.told(&scene(), 10), vec![]);
    let told = camera.told(&covered(&scene(), 0.3125, 90), 6);
    assert!(told.ends_with(&[ViewFault::Covered]), "{told:?}");
}
