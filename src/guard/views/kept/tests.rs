//! What is kept of a view, in memory and as bytes.

use super::*;
use crate::link::ViewLately;

fn learned() -> LearnedView {
    let grey = GreyPicture { width_px: 2, height_px: 1, luma: vec![3, 4] };
    let habit = Some((1.2, 400, 60_000));
    let lately = ViewLately { at_s: 7, cast: Some((1.0, 2.0, 3.0)), habit };
    LearnedView {
        usual: vec![UsualHour { looks: 9.0, ..UsualHour::default() }; 24],
        background: Some(grey.clone()),
        faces: vec![grey],
        lately: Some(lately),
    }
}

#[test]
fn what_was_learned_comes_back_and_so_does_what_an_older_box_kept() {
    let learned = learned();
    for left in [Left::Enough, Left::TooLittle] {
        assert_eq!(decode(&encode(&learned, left)), (learned.clone(), left));
    }
    let older = (&learned.usual, &learned.background, &learned.faces);
    let body = postcard::to_stdvec(&older).expect("written");
    let before = LearnedView { lately: None, ..learned };
    assert_eq!(decode(&[&[1], body.as_slice()].concat()), (before, Left::Enough));
    assert_eq!(decode(&[&[3], body.as_slice()].concat()), (LearnedView::default(), Left::Enough));
}

#[test]
fn of_a_view_that_was_replaced_nothing_of_its_looks_is_left() {
    let mut kept = Kept { learned: learned(), ..Kept::default() };
    kept.forget_looks();
    let lately = ViewLately { at_s: 7, cast: None, habit: Some((1.2, 400, 60_000)) };
    let left =
        LearnedView { usual: learned().usual, lately: Some(lately), ..LearnedView::default() };
    assert_eq!(kept.learned, left);
}

#[test]
fn a_new_mask_is_black_in_pictures_and_plain_in_what_is_compared() {
    let canvas = RgbImage::from_fn(32, 32, |x, y| image::Rgb([(x * y % 251) as u8; 3]));
    let shown = Shown { hidden: encoded(&canvas), clear: encoded(&canvas) };
    let ring = vec![[0.5, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 1.0], [0.5, 0.0]];
    let mask = Mask { id: "m".into(), name: "M".into(), polygons: vec![vec![ring]] };
    let luma: Vec<u8> = (0..32 * 32).map(|at| (at * 7 % 251) as u8).collect();
    let facts = ReferenceFacts {
        taken_at: jiff::Timestamp::UNIX_EPOCH,
        why: crate::guard::handle::ReferenceWhy::First,
        by: None,
        zone_version: None,
    };
    let grey = GreyPicture { width_px: 32, height_px: 32, luma };
    let broken = GreyPicture { luma: vec![1; 7], ..grey.clone() };
    let reference = Reference { facts, grey: grey.clone(), shown: Some(shown) };
    let faces = vec![grey.clone(), broken.clone()];
    let learned = LearnedView { faces, ..LearnedView::default() };
    let masks = Arc::from([mask]);
    let mut kept = Kept { reference: Some(reference), learned, masks, ..Kept::default() };
    assert!(kept.is_bare());
    kept.black_out();
    let row = kept.row("yard").expect("a reference");
    for jpeg in [row.shown, row.clear] {
        let canvas = image::load_from_memory(&jpeg.expect("kept")).expect("a JPEG").into_rgb8();
        let brightest = canvas.enumerate_pixels().filter(|(x, _, _)| *x >= 18);
        assert!(brightest.map(|(_, _, pixel)| pixel[1]).max() < Some(30));
    }
    let (kept_learned, left) = decode(&kept.learned_bytes());
    assert_eq!(kept_learned.faces.len(), 1, "one that is not whole hides nothing");
    for luma in [&row.luma, &kept_learned.faces[0].luma] {
        // A block on the right, and one that no mask reaches.
        let block = |left: usize| (0..8).flat_map(move |y| luma[y * 32 + left..][..8].to_vec());
        assert!(block(24).all(|level| level == luma[24]));
        assert!(block(0).eq((0..8).flat_map(|y| grey.luma[y * 32..][..8].to_vec())));
    }
    assert_eq!(left, Left::Enough, "nobody could have known it by so few pixels anyway");
    assert_eq!(kept.learned.faces, [grey, broken], "in memory it is as it came");
    // A reference that is not whole is not kept at all.
    kept.reference.as_mut().expect("a reference").grey.luma.pop();
    assert_eq!(kept.row("yard"), None);
}
