//! What is kept of one camera's view, and the form it has in the store.
//!
//! In memory greys are as they came: what covers a masked place must be found by the next vision process
//! too. In the store what nobody may see is plain in them.
//!
//! Not here: when it is kept, and who sees it (`views`).

use std::sync::Arc;

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use serde::{Deserialize, Serialize};

use crate::guard::handle::ReferenceFacts;
use crate::guard::privacy::flat;
use crate::guard::privacy::mosaic;
use crate::integrity::{self, Grey, STRONG_MIN};
use crate::link::{GreyPicture, LearnedView, UsualHour};
use crate::store::views::ReferenceRow;
use crate::zone_file::Mask;

/// JPEG quality: as of pictures of incidents.
const QUALITY: u8 = 85;

/// Form of what was learned, as it is kept; and the one before, which knew nothing of lately, nor of what
/// masks leave.
const LEARNED_FORM: u8 = 2;
const LEARNED_FORM_BEFORE: u8 = 1;

#[derive(Debug, Default)]
pub(super) struct Kept {
    pub reference: Option<Reference>,
    pub learned: LearnedView,
    pub trouble: Option<Shown>,
    /// What nobody may see, now.
    pub masks: Arc<[Mask]>,
    /// What was left of the reference where it was read from the store.
    pub left: Left,
    /// Which view the reference is of: how often somebody had replaced it.
    pub of: u64,
}

/// Whether enough is left to know a view by, once what nobody may see is plain in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Left {
    #[default]
    Enough,
    /// Masks hide most of what it is known by. The next box has no more than is left.
    TooLittle,
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
    /// Whether a grey shows anything that nobody may see; also one that is not whole, of which nobody
    /// knows.
    pub fn is_bare(&self) -> bool {
        let background = self.learned.background.as_ref();
        let reference = self.reference.as_ref().map(|it| &it.grey);
        let mut all = reference.into_iter().chain(background).chain(&self.learned.faces);
        all.any(|grey| flat(grey, &self.masks).as_ref() != Some(grey))
    }

    /// Blackens it in the pictures that people see. What is no JPEG any more goes.
    pub fn black_out(&mut self) {
        let pictures = self.reference.as_mut().and_then(|it| it.shown.as_mut());
        for shown in pictures.into_iter().chain(&mut self.trouble) {
            for jpeg in [&mut shown.hidden, &mut shown.clear] {
                *jpeg = jpeg.take().and_then(|jpeg| {
                    let mut canvas = image::load_from_memory(&jpeg).ok()?.into_rgb8();
                    mosaic::black_out(&mut canvas, &*self.masks);
                    encoded(&canvas)
                });
            }
        }
    }

    /// Somebody has replaced the view: what was learned of how it looks is of another one.
    pub fn forget_looks(&mut self) {
        forget_looks(&mut self.learned);
    }

    /// The reference as it is kept. None for one that is not whole: nothing of it is.
    pub fn row(&self, camera: &str) -> Option<ReferenceRow> {
        let Reference { facts, grey, shown } = self.reference.as_ref()?;
        let grey = flat(grey, &self.masks)?;
        let bytes = |of: &Option<Arc<Vec<u8>>>| of.as_ref().map(|it| it.to_vec());
        Some(ReferenceRow {
            camera: camera.to_owned(),
            facts: facts.clone(),
            width_px: grey.width_px,
            height_px: grey.height_px,
            luma: grey.luma,
            shown: shown.as_ref().and_then(|it| bytes(&it.hidden)),
            clear: shown.as_ref().and_then(|it| bytes(&it.clear)),
        })
    }
}

impl Kept {
    /// What was learned, as it is kept.
    pub fn learned_bytes(&self) -> Vec<u8> {
        let mut learned = self.learned.clone();
        learned.background = learned.background.and_then(|grey| flat(&grey, &self.masks));
        let faces = std::mem::take(&mut learned.faces);
        learned.faces = faces.iter().filter_map(|grey| flat(grey, &self.masks)).collect();
        encode(&learned, self.left())
    }

    /// What is left of the view for the next box.
    pub fn left(&self) -> Left {
        let background = self.learned.background.as_ref();
        let reference = self.reference.as_ref().map(|it| &it.grey);
        // Cells that it is known by: as it is, and without what nobody may see.
        let strong = |grey: &GreyPicture| {
            let left = flat(grey, &self.masks).map_or(0, |left| strong_cells(&left));
            (strong_cells(grey), left)
        };
        let hidden = |(all, left)| all >= STRONG_MIN && left < STRONG_MIN;
        // At night little is known of any view, and a mask that takes a little of that hides no more than by
        // day.
        let hidden_mostly = |(all, left)| hidden((all, left)) && left * 2 < all;
        match self.left {
            Left::TooLittle => Left::TooLittle,
            Left::Enough if self.masks.is_empty() => Left::Enough,
            Left::Enough if reference.is_some_and(|it| hidden(strong(it))) => Left::TooLittle,
            Left::Enough if background.is_some_and(|it| hidden_mostly(strong(it))) => {
                Left::TooLittle
            }
            Left::Enough => Left::Enough,
        }
    }
}

/// The picture without what nobody may see. None for one that is not whole: it would hide nothing for
/// certain.
fn flat(grey: &GreyPicture, masks: &[Mask]) -> Option<GreyPicture> {
    let mut grey = grey.clone();
    flat::flatten(&mut grey.luma, (grey.width_px, grey.height_px), masks)?;
    Some(grey)
}

fn strong_cells(grey: &GreyPicture) -> usize {
    let (width_px, height_px) = (grey.width_px as usize, grey.height_px as usize);
    let grey = Grey::new(width_px, height_px, grey.luma.clone());
    grey.map_or(0, |grey| integrity::strong_cells(&grey))
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
fn encode(learned: &LearnedView, left: Left) -> Vec<u8> {
    let Ok(body) = postcard::to_stdvec(&(learned, left)) else { return Vec::new() };
    [&[LEARNED_FORM], body.as_slice()].concat()
}

/// Of any other form it is learned anew.
pub(super) fn decode(bytes: &[u8]) -> (LearnedView, Left) {
    match bytes.split_first() {
        Some((&LEARNED_FORM, body)) => postcard::from_bytes(body).unwrap_or_default(),
        Some((&LEARNED_FORM_BEFORE, body)) => {
            let before = postcard::from_bytes::<LearnedBefore>(body).unwrap_or_default();
            let (usual, background, faces) = before;
            (LearnedView { usual, background, faces, lately: None }, Left::Enough)
        }
        Some(_) | None => Default::default(),
    }
}

#[cfg(test)]
mod tests;
