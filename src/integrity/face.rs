//! Faces of a view: how it looks at other times of the day, by other light.
//!
//! Not here: when one is put aside, and when one is asked for (`watch`).

use super::background::Background;
use super::grey::Grey;
use super::left::{left_of, share_lost};
use super::shift::Shift;

/// A picture shows a face when at most this share of its cells is lost, and contrast and sharpness are
/// within this share of what they are there.
pub(super) const FACE_LOST: f32 = 0.15;
pub(super) const FACE_LEFT: f32 = 0.7;

/// Whether the picture is this face of the view.
pub(super) fn is_face(face: &Background, grey: &Grey, noise: f32) -> bool {
    if !face.fits(grey) {
        return false;
    }
    let (cells, shown) = (face.grid().describe(grey), face.shown(grey, Shift::NONE));
    let (contrast, sharpness) = left_of(face, &cells, &shown, noise);
    let like = |left: f32| (FACE_LEFT..=1.0 / FACE_LEFT).contains(&left);
    share_lost(face, &shown) <= FACE_LOST && like(contrast) && like(sharpness)
}

/// Puts what the background knows where nobody knew what a face shows: light changes the likeness of
/// nothing, and a face that lacked places would be recognised behind whatever covers them.
pub(super) fn complete(faces: &mut [Background], background: Option<&Background>) {
    if let Some(background) = background.filter(|it| it.is_settled()) {
        faces.iter_mut().for_each(|face| face.fill_blank(background));
    }
}
