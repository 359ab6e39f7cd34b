//! What is kept of one camera's view, and the form it has in the store.
//!
//! Not here: when it is kept, and who sees it (`views`).

use std::sync::Arc;

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

use crate::guard::handle::ReferenceFacts;
use crate::link::{GreyPicture, LearnedView, UsualHour};
use crate::store::views::ReferenceRow;

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
}
