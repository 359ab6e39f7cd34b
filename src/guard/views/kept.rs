//! What is kept of one camera's view, and the form it has in the store.
//!
//! Not here: when it is kept, and who sees it (`views`).

use std::sync::Arc;

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

use crate::guard::handle::ReferenceFacts;
use crate::guard::privacy::flat::{self, Flattened};
use crate::guard::privacy::mosaic;
use crate::link::{GreyPicture, LearnedView, UsualHour};
use crate::store::views::ReferenceRow;
use crate::zone_file::Mask;

/// JPEG quality: as of pictures of incidents.
const QUALITY: u8 = 85;

/// Form of what was learned, as it is kept; and the one before, which knew nothing of lately.
const LEARNED_FORM: u8 = 2;
const LEARNED_FORM_BEFORE: u8 = 1;

#[derive(Debug, Default)]
pub(super) struct Kept {
    pub reference: Option<Reference>,
    pub learned: LearnedView,
    pub trouble: Option<Shown>,
    /// What nobody may see, now.
    pub masks: Arc<[Mask]>,
}

#[derive(Debug)]
pub(super) struct Reference {
    pub facts: ReferenceFacts,
    pub grey: GreyPicture,
    pub shown: Option<Shown>,
}

/// A picture as it is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// For everybody; none when it was taken while nobody was hidden.
    pub hidden: Option<Arc<Vec<u8>>>,
    pub clear: Option<Arc<Vec<u8>>>,
}

/// As it was kept in the form before: usual values, background, faces.
type LearnedBefore = (Vec<UsualHour>, Option<GreyPicture>, Vec<GreyPicture>);

impl Kept {
    /// Makes what nobody may see plain in all that views are compared by.
    pub fn flatten(&mut self) -> Flattened {
        let masks = self.masks.clone();
        let mut found = Flattened::No;
        // One that is not whole hides nothing for certain: it is not kept.
        let mut is_hidden = |grey: &mut GreyPicture| {
            let flattened = flat::flatten(&mut grey.luma, (grey.width_px, grey.height_px), &masks);
            if flattened == Some(Flattened::Yes) {
                found = Flattened::Yes;
            }
            flattened.is_some()
        };
        if !self.reference.as_mut().is_none_or(|it| is_hidden(&mut it.grey)) {
            self.reference = None;
        }
        if !self.learned.background.as_mut().is_none_or(&mut is_hidden) {
            self.learned.background = None;
        }
        self.learned.faces.retain_mut(is_hidden);
        found
    }

    /// Blackens it in the pictures that people see. What is no JPEG any more goes.
    pub fn black_out(&mut self) {
        let pictures = self.reference.as_mut().and_then(|it| it.shown.as_mut());
        for shown in pictures.into_iter().chain(&mut self.trouble) {
            for jpeg in [&mut shown.hidden, &mut shown.clear] {
                *jpeg = jpeg.take().and_then(|jpeg| {
                    let mut canvas = image::load_from_memory(&jpeg).ok()?.into_rgb8();
                    mosaic::black_out(&mut canvas, &self.masks);
                    encoded(&canvas)
                });
            }
        }
    }

    /// Somebody has replaced the view: what was learned of how it looks is of another one.
    pub fn forget_looks(&mut self) {
        forget_looks(&mut self.learned);
    }

    /// The reference as it is kept.
    pub fn row(&self, camera: &str) -> Option<ReferenceRow> {
        let Reference { facts, grey, shown } = self.reference.as_ref()?;
        let bytes = |of: &Option<Arc<Vec<u8>>>| of.as_ref().map(|it| it.to_vec());
        Some(ReferenceRow {
            camera: camera.to_owned(),
            facts: facts.clone(),
            width_px: grey.width_px,
            height_px: grey.height_px,
            luma: grey.luma.clone(),
            shown: shown.as_ref().and_then(|it| bytes(&it.hidden)),
            clear: shown.as_ref().and_then(|it| bytes(&it.clear)),
        })
    }
}

/// Usual values and the ways of the camera stay.
pub(super) fn forget_looks(learned: &mut LearnedView) {
    learned.background = None;
    learned.faces = Vec::new();
    // An engineer may have taken other colours for right.
    if let Some(lately) = &mut learned.lately {
        lately.cast = None;
    }
}

impl From<ReferenceRow> for Reference {
    fn from(row: ReferenceRow) -> Reference {
        let ReferenceRow { facts, width_px, height_px, luma, shown, clear, .. } = row;
        let (hidden, clear) = (shown.map(Arc::new), clear.map(Arc::new));
        let shown = (hidden.is_some() || clear.is_some()).then_some(Shown { hidden, clear });
        Reference { facts, grey: GreyPicture { width_px, height_px, luma }, shown }
    }
}

pub(super) fn encoded(canvas: &RgbImage) -> Option<Arc<Vec<u8>>> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(canvas).ok()?;
    Some(Arc::new(jpeg))
}

/// Empty when it cannot be written, which would be a bug.
pub(super) fn encode(learned: &LearnedView) -> Vec<u8> {
    let Ok(body) = postcard::to_stdvec(learned) else { return Vec::new() };
    [&[LEARNED_FORM], body.as_slice()].concat()
}

/// Of any other form it is learned anew.
pub(super) fn decode(bytes: &[u8]) -> LearnedView {
    match bytes.split_first() {
        Some((&LEARNED_FORM, body)) => postcard::from_bytes(body).unwrap_or_default(),
        Some((&LEARNED_FORM_BEFORE, body)) => {
            let before = postcard::from_bytes::<LearnedBefore>(body).unwrap_or_default();
            let (usual, background, faces) = before;
            LearnedView { usual, background, faces, lately: None }
        }
        Some(_) | None => LearnedView::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::ViewLately;

    fn learned() -> LearnedView {
        let grey = GreyPicture { width_px: 2, height_px: 1, luma: vec![3, 4] };
        let lately = ViewLately { at_s: 7, cast: Some((1.0, 2.0, 3.0)), habit: Some((1.2, 400)) };
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
        assert_eq!(decode(&encode(&learned)), learned);
        let older = (&learned.usual, &learned.background, &learned.faces);
        let body = postcard::to_stdvec(&older).expect("written");
        let before = LearnedView { lately: None, ..learned };
        assert_eq!(decode(&[&[1], body.as_slice()].concat()), before);
        assert_eq!(decode(&[&[3], body.as_slice()].concat()), LearnedView::default());
    }

    #[test]
    fn of_a_view_that_was_replaced_nothing_of_its_looks_is_left() {
        let mut kept = Kept { learned: learned(), ..Kept::default() };
        kept.forget_looks();
        let lately = ViewLately { at_s: 7, cast: None, habit: Some((1.2, 400)) };
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
        let luma: Vec<u8> = (0..64).collect();
        let facts = ReferenceFacts {
            taken_at: jiff::Timestamp::UNIX_EPOCH,
            why: crate::guard::handle::ReferenceWhy::First,
            by: None,
            zone_version: None,
        };
        let grey = GreyPicture { width_px: 8, height_px: 8, luma };
        let broken = GreyPicture { luma: vec![1; 7], ..grey.clone() };
        let reference = Reference { facts, grey: grey.clone(), shown: Some(shown) };
        let faces = vec![grey, broken];
        let learned = LearnedView { faces, ..LearnedView::default() };
        let masks = Arc::from([mask]);
        let mut kept = Kept { reference: Some(reference), learned, trouble: None, masks };
        assert_eq!(kept.flatten(), Flattened::Yes);
        assert_eq!(kept.flatten(), Flattened::No);
        kept.black_out();
        let right_of = |grey: &GreyPicture| {
            grey.luma.chunks_exact(8).flat_map(|row| row[4..].to_vec()).collect::<Vec<_>>()
        };
        let row = kept.row("yard").expect("a reference");
        for jpeg in [row.shown, row.clear] {
            let canvas = image::load_from_memory(&jpeg.expect("kept")).expect("a JPEG").into_rgb8();
            let brightest = canvas.enumerate_pixels().filter(|(x, _, _)| *x >= 18);
            assert!(brightest.map(|(_, _, pixel)| pixel[1]).max() < Some(30));
        }
        assert_eq!(kept.learned.faces.len(), 1, "one that is not whole hides nothing");
        let plain = right_of(&kept.learned.faces[0]);
        assert!(plain.iter().all(|level| *level == plain[0]), "{plain:?}");
    }
}
