//! How large a picture is for a model: its content, the tensor around it, and what sources hand out.
//!
//! Some models take every size (their tensor is filled up to a multiple of so many pixels), others
//! one size only; and of those some keep the picture's aspect and others stretch it.
//!
//! Not here: moving any pixel.

use crate::engine::detection::FrameSize;

use super::super::package::{FitRule, InputSize};
use super::PictureRef;

/// Longer side of the pictures that sources hand out for a model of one small size, pixels. People
/// look at the same pictures, live and as evidence; with the model that comes with the program they
/// have this many.
pub const SHOWN_PX_MIN: u32 = 640;

/// Sizes of content and tensor for one size of source picture; all in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputGeometry {
    pub content_width: usize,
    pub content_height: usize,
    pub tensor_width: usize,
    pub tensor_height: usize,
}

/// Chooses the model's input size for a source picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    shape: Shape,
    delivery: Delivery,
    /// Another model that looks at the same pictures.
    also: Option<Shape>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// The content keeps the picture's aspect, its longer side is this long.
    LongSide {
        long_side_px: u32,
        multiple: u32,
    },
    Fixed {
        width_px: u32,
        height_px: u32,
        rule: FitRule,
    },
}

/// The tensor's size for content of any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorSize {
    /// As large as the content, filled up so that both sides are divisible by this.
    Multiple(u32),
    /// Always this large.
    Fixed { width_px: u32, height_px: u32 },
}

/// Which size of picture sources hand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The content's: nothing but the whole picture is looked at.
    Content,
    /// The source's own, but no longer than this: parts of it are looked at closer.
    Own { long_side_px_max: u32 },
}

impl Fit {
    /// `long_side_px` is the longer side of the content; `multiple` what both sides of the tensor
    /// must be divisible by. Zeros are treated as one.
    pub fn new(long_side_px: u32, multiple: u32) -> Fit {
        let (long_side_px, multiple) = (long_side_px.max(1), multiple.max(1));
        Fit::shaped(Shape::LongSide { long_side_px, multiple })
    }

    /// For a model that takes one size only. Zeros are treated as one.
    pub fn fixed(width_px: u32, height_px: u32, rule: FitRule) -> Fit {
        let (width_px, height_px) = (width_px.max(1), height_px.max(1));
        Fit::shaped(Shape::Fixed { width_px, height_px, rule })
    }

    /// What a manifest describes, at the size it would choose itself.
    pub fn of(size: InputSize) -> Fit {
        match size {
            InputSize::LongSide { multiple, default_px, max_px: _ } => {
                Fit::new(default_px, multiple)
            }
            InputSize::Fixed { width_px, height_px, fit } => Fit::fixed(width_px, height_px, fit),
        }
    }

    fn shaped(shape: Shape) -> Fit {
        Fit { shape, delivery: Delivery::Content, also: None }
    }

    /// The same with pictures from the source that have pixels enough for another model, too. Whichever
    /// needs fewer scales them down.
    pub fn serving(self, other: Fit) -> Fit {
        Fit { also: Some(other.shape), ..self }
    }

    /// The same with pictures of this size from the source.
    pub fn delivering(self, delivery: Delivery) -> Fit {
        Fit { delivery, ..self }
    }

    /// The same with another longer side of the content; a model of one size keeps it.
    pub fn with_long_side(self, long_side_px: u32) -> Fit {
        let shape = match self.shape {
            Shape::LongSide { multiple, .. } => {
                Shape::LongSide { long_side_px: long_side_px.max(1), multiple }
            }
            fixed @ Shape::Fixed { .. } => fixed,
        };
        Fit { shape, ..self }
    }

    /// The tensor around any content.
    pub fn tensor(self) -> TensorSize {
        match self.shape {
            Shape::LongSide { multiple, .. } => TensorSize::Multiple(multiple),
            Shape::Fixed { width_px, height_px, .. } => TensorSize::Fixed { width_px, height_px },
        }
    }

    /// Width and height of the picture a source is to hand out, which is shown at `shown`. It is
    /// never stretched: people look at it too.
    pub fn delivered(self, shown: FrameSize) -> (usize, usize) {
        let long_px = shown.width_px().max(shown.height_px());
        let scale = match self.delivery {
            Delivery::Content => {
                let also = self.also.map_or(0.0, |shape| Fit::shaped(shape).content_scale(shown));
                self.content_scale(shown).max(also)
            }
            Delivery::Own { long_side_px_max } => (f64::from(long_side_px_max) / long_px).min(1.0),
        };
        (scaled(shown.width_px(), scale), scaled(shown.height_px(), scale))
    }

    /// By what a picture is scaled when nothing but its content is looked at.
    fn content_scale(self, shown: FrameSize) -> f64 {
        let long_px = shown.width_px().max(shown.height_px());
        match self.shape {
            Shape::LongSide { long_side_px, .. } => f64::from(long_side_px) / long_px,
            Shape::Fixed { .. } => {
                let (across, down) = self.scales(shown);
                across.max(down).max(f64::from(SHOWN_PX_MIN) / long_px)
            }
        }
    }

    /// Longer side of the picture in the model's pixels. Of a stretched picture it is what it would
    /// be at the same area without stretching: by area is how well people of a size are found.
    pub fn long_side_px(self, shown: FrameSize) -> u32 {
        match self.shape {
            Shape::LongSide { long_side_px, .. } => long_side_px,
            Shape::Fixed { .. } => {
                let (across, down) = self.scales(shown);
                let long_px = shown.width_px().max(shown.height_px());
                scaled(long_px, (across * down).sqrt()) as u32
            }
        }
    }

    /// The sizes for a picture that is *shown* at `shown` (pixels are square then). Smaller
    /// pictures are scaled up: people in them are as large for the model as in a large picture.
    pub fn geometry(self, shown: FrameSize) -> InputGeometry {
        let (across, down) = self.scales(shown);
        let content = (scaled(shown.width_px(), across), scaled(shown.height_px(), down));
        self.around(self.tensor().at_most(content))
    }

    /// The sizes for a whole picture as it was handed out.
    pub fn of_whole(self, picture: &PictureRef<'_>) -> InputGeometry {
        let as_it_is = (picture.width, picture.height);
        let size = || {
            let side = |length: usize| u32::try_from(length).ok();
            FrameSize::new(side(picture.width)?, side(picture.height)?)
        };
        match (self.shape, size()) {
            // The source chose the size; one made for a larger model is scaled down.
            (Shape::LongSide { long_side_px, .. }, Some(size))
                if picture.width.max(picture.height) > long_side_px as usize =>
            {
                self.geometry(size)
            }
            (Shape::Fixed { .. }, Some(size)) => self.geometry(size),
            (Shape::LongSide { .. }, _) | (Shape::Fixed { .. }, None) => {
                self.around(self.tensor().at_most(as_it_is))
            }
        }
    }

    /// The sizes for content that is scaled already, and goes into the tensor's upper left corner
    /// as it is, also where whole pictures are stretched: a part of one can have any aspect.
    pub fn of_content(self, picture: &PictureRef<'_>) -> InputGeometry {
        self.around(self.tensor().at_most((picture.width, picture.height)))
    }

    /// By what the picture's sides are multiplied.
    fn scales(self, shown: FrameSize) -> (f64, f64) {
        let (width, height) = (shown.width_px(), shown.height_px());
        match self.shape {
            Shape::LongSide { long_side_px, .. } => {
                let scale = f64::from(long_side_px) / width.max(height);
                (scale, scale)
            }
            Shape::Fixed { width_px, height_px, rule } => {
                let (across, down) = (f64::from(width_px) / width, f64::from(height_px) / height);
                match rule {
                    FitRule::Letterbox => (across.min(down), across.min(down)),
                    FitRule::Stretch => (across, down),
                }
            }
        }
    }

    fn around(self, (content_width, content_height): (usize, usize)) -> InputGeometry {
        let (tensor_width, tensor_height) = self.tensor().around((content_width, content_height));
        InputGeometry { content_width, content_height, tensor_width, tensor_height }
    }
}

impl TensorSize {
    /// Width and height for content of a width and a height.
    pub fn around(self, (width, height): (usize, usize)) -> (usize, usize) {
        match self {
            TensorSize::Multiple(multiple) => {
                let fill = |side: usize| side.max(1).next_multiple_of(multiple.max(1) as usize);
                (fill(width), fill(height))
            }
            TensorSize::Fixed { width_px, height_px } => (width_px as usize, height_px as usize),
        }
    }

    /// The same in pixels: what time goes with.
    pub fn cost_px(self, content: (usize, usize)) -> usize {
        let (width, height) = self.around(content);
        width.saturating_mul(height)
    }

    /// No larger than the tensor can be.
    pub fn at_most(self, (width, height): (usize, usize)) -> (usize, usize) {
        match self {
            TensorSize::Multiple(_) => (width, height),
            TensorSize::Fixed { width_px, height_px } => {
                (width.min(width_px as usize), height.min(height_px as usize))
            }
        }
    }
}

fn scaled(length: f64, scale: f64) -> usize {
    ((length * scale).round() as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u32, height: u32) -> FrameSize {
        FrameSize::new(width, height).expect("positive")
    }

    fn sizes(fit: Fit, width: u32, height: u32) -> (usize, usize, usize, usize) {
        let g = fit.geometry(size(width, height));
        (g.content_width, g.content_height, g.tensor_width, g.tensor_height)
    }

    #[test]
    fn content_keeps_the_aspect_and_tensor_is_filled_up_to_the_multiple() {
        let fit = Fit::new(640, 32);
        assert_eq!(sizes(fit, 768, 576), (640, 480, 640, 480));
        assert_eq!(sizes(fit, 1920, 1080), (640, 360, 640, 384));
        assert_eq!(sizes(fit, 1080, 1920), (360, 640, 384, 640));
        assert_eq!(sizes(fit, 320, 240), (640, 480, 640, 480));
        assert_eq!(sizes(fit, 10_000, 1), (640, 1, 640, 32));
    }

    #[test]
    fn a_model_of_one_size_gets_it_whatever_the_picture_is() {
        let letterbox = Fit::fixed(416, 256, FitRule::Letterbox);
        assert_eq!(sizes(letterbox, 1920, 1080), (416, 234, 416, 256));
        assert_eq!(sizes(letterbox, 1080, 1920), (144, 256, 416, 256));
        assert_eq!(sizes(letterbox, 10_000, 1), (416, 1, 416, 256));
        let stretch = Fit::fixed(300, 300, FitRule::Stretch);
        for (width, height) in [(1920, 1080), (1080, 1920), (64, 48), (10_000, 1)] {
            assert_eq!(sizes(stretch, width, height), (300, 300, 300, 300));
        }
        assert_eq!(letterbox.with_long_side(1280), letterbox);
    }

    #[test]
    fn what_sources_hand_out_is_never_stretched_and_holds_all_that_the_model_can_take() {
        for (width, height) in [(1920, 1080), (1080, 1920), (768, 576), (3840, 800)] {
            for rule in [FitRule::Letterbox, FitRule::Stretch] {
                for (to_width, to_height) in [(300, 300), (640, 640), (1024, 256)] {
                    let fit = Fit::fixed(to_width, to_height, rule);
                    let (wide, high) = fit.delivered(size(width, height));
                    let skew = wide as f64 * f64::from(height) / (high as f64 * f64::from(width));
                    assert!((skew - 1.0).abs() < 0.01, "{fit:?}: {wide} x {high}");
                    let content = fit.geometry(size(width, height));
                    assert!(wide >= content.content_width && high >= content.content_height);
                    assert!(wide.max(high) >= SHOWN_PX_MIN as usize);
                }
            }
        }
    }

    #[test]
    fn a_picture_handed_out_at_the_content_s_size_is_not_scaled_again() {
        for (width, height) in [(1920, 1080), (1000, 333), (1000, 334), (1001, 777), (240, 320)] {
            for fit in [Fit::new(640, 32), Fit::fixed(960, 704, FitRule::Letterbox)] {
                let (wide, high) = fit.delivered(size(width, height));
                let bytes = vec![0; wide * high * 3];
                let picture = PictureRef::new(&bytes, wide, high, wide * 3).expect("fits");
                let whole = fit.of_whole(&picture);
                assert_eq!((whole.content_width, whole.content_height), (wide, high), "{fit:?}");
                assert_eq!(whole, fit.of_content(&picture));
            }
        }
    }

    #[test]
    fn people_in_a_stretched_picture_count_by_the_area_they_have() {
        let stretch = Fit::fixed(300, 300, FitRule::Stretch);
        // 300 x 300 pixels are those of 400 x 225.
        assert_eq!(stretch.long_side_px(size(1920, 1080)), 400);
        assert_eq!(Fit::fixed(300, 300, FitRule::Letterbox).long_side_px(size(1920, 1080)), 300);
        assert_eq!(Fit::new(640, 32).long_side_px(size(1920, 1080)), 640);
    }
}
