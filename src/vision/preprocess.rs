//! From a picture to the model's input: its shape, and the pixels as normalised floats.
//!
//! Scaling happens before (in the GStreamer pipeline, or in `detect` for still pictures); here one
//! pass over the content turns interleaved bytes into planes and subtracts what the model was
//! trained to have subtracted.
//!
//! Not here: colour conversion other than the order of the three channels, and scaling.

use crate::engine::detection::FrameSize;

use super::package::{Colour, InputSpec};

/// Channels of a picture and of the model's input.
pub const CHANNELS: usize = 3;

/// Values a byte can have.
const BYTE_VALUES: usize = 256;

/// A borrowed picture: BGR bytes, row after row, each row `stride` bytes after the one before.
#[derive(Clone, Copy, Debug)]
pub struct PictureRef<'a> {
    bytes: &'a [u8],
    width: usize,
    height: usize,
    stride: usize,
}

impl<'a> PictureRef<'a> {
    /// `None` when a side is zero, a row does not fit into its stride, or bytes are missing.
    pub fn new(bytes: &'a [u8], width: usize, height: usize, stride: usize) -> Option<Self> {
        let row = width.checked_mul(CHANNELS)?;
        let needed = stride.checked_mul(height.checked_sub(1)?)?.checked_add(row)?;
        (width > 0 && row <= stride && needed <= bytes.len()).then_some(PictureRef {
            bytes,
            width,
            height,
            stride,
        })
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// One row, `3 * width` bytes; rows below the picture are empty.
    pub fn row(&self, y: usize) -> &'a [u8] {
        let start = y.saturating_mul(self.stride);
        let row = start..start.saturating_add(self.width * CHANNELS);
        self.bytes.get(row).filter(|_| y < self.height).unwrap_or_default()
    }

    /// A part of the picture, without copying; `None` when it does not lie in it.
    pub fn part(
        &self,
        (left, top): (usize, usize),
        (width, height): (usize, usize),
    ) -> Option<PictureRef<'a>> {
        let inside = |from: usize, length: usize, of: usize| {
            length > 0 && from.checked_add(length).is_some_and(|to| to <= of)
        };
        if !inside(left, width, self.width) || !inside(top, height, self.height) {
            return None;
        }
        let bytes = self.bytes.get(top * self.stride + left * CHANNELS..)?;
        PictureRef::new(bytes, width, height, self.stride)
    }

    /// The rows from top to bottom, each exactly `3 * width` bytes.
    pub fn rows(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let row = self.width * CHANNELS;
        let bytes = self.bytes;
        let stride = self.stride;
        (0..self.height).map(move |y| &bytes[y * stride..y * stride + row])
    }
}

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
    long_side_px: u32,
    multiple: u32,
    delivery: Delivery,
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
        Fit { long_side_px, multiple, delivery: Delivery::Content }
    }

    /// The same with pictures of this size from the source.
    pub fn delivering(self, delivery: Delivery) -> Fit {
        Fit { delivery, ..self }
    }

    /// The same with another longer side of the content.
    pub fn with_long_side(self, long_side_px: u32) -> Fit {
        Fit { long_side_px: long_side_px.max(1), ..self }
    }

    /// What both sides of the tensor must be divisible by.
    pub fn multiple(self) -> u32 {
        self.multiple
    }

    /// Width and height of the picture a source is to hand out, which is shown at `shown`.
    pub fn delivered(self, shown: FrameSize) -> (usize, usize) {
        match self.delivery {
            Delivery::Content => {
                let geometry = self.geometry(shown);
                (geometry.content_width, geometry.content_height)
            }
            Delivery::Own { long_side_px_max } => {
                let long = shown.width_px().max(shown.height_px());
                let scale = (f64::from(long_side_px_max) / long).min(1.0);
                let side = |length: f64| ((length * scale).round() as usize).max(1);
                (side(shown.width_px()), side(shown.height_px()))
            }
        }
    }

    /// The longer side of the content in pixels.
    pub fn long_side_px(self) -> u32 {
        self.long_side_px
    }

    /// The sizes for a picture that is *shown* at `shown` (pixels are square then). Smaller
    /// pictures are scaled up: people in them are as large for the model as in a large picture.
    pub fn geometry(self, shown: FrameSize) -> InputGeometry {
        let (width, height) = (shown.width_px(), shown.height_px());
        let scale = f64::from(self.long_side_px) / width.max(height);
        let side = |length: f64| ((length * scale).round() as usize).max(1);
        let fill = |content: usize| content.next_multiple_of(self.multiple as usize);
        let (content_width, content_height) = (side(width), side(height));
        InputGeometry {
            content_width,
            content_height,
            tensor_width: fill(content_width),
            tensor_height: fill(content_height),
        }
    }

    /// The tensor's sizes for content that is scaled already.
    pub fn of_content(self, picture: &PictureRef<'_>) -> InputGeometry {
        let fill = |content: usize| content.next_multiple_of(self.multiple as usize);
        InputGeometry {
            content_width: picture.width,
            content_height: picture.height,
            tensor_width: fill(picture.width),
            tensor_height: fill(picture.height),
        }
    }
}

/// A model input that is ready to run; its memory is used again for the next picture.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    geometry: Option<InputGeometry>,
    values: Vec<f32>,
}

impl Prepared {
    /// The sizes; `None` before the first picture.
    pub fn geometry(&self) -> Option<InputGeometry> {
        self.geometry
    }

    /// Three planes of `tensor_width * tensor_height` values.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// Turns pictures into model inputs; cheap to clone, so that a decoding thread has its own.
#[derive(Clone, Debug)]
pub struct Preprocessor {
    fit: Fit,
    /// For each plane of the tensor: which byte of a pixel feeds it.
    source_byte: [usize; CHANNELS],
    /// For each plane: the value of each byte. A table costs one load where multiply and add cost a
    /// conversion as well, and it rounds as the model's makers did: subtract first, then divide.
    tables: Box<[[f32; BYTE_VALUES]; CHANNELS]>,
    pad: [f32; CHANNELS],
}

impl Preprocessor {
    /// For the input a manifest describes, at this size.
    pub fn new(input: &InputSpec, fit: Fit) -> Preprocessor {
        let source_byte = match input.colour {
            Colour::Bgr => [0, 1, 2],
            Colour::Rgb => [2, 1, 0],
        };
        let mut tables = Box::new([[0.0; BYTE_VALUES]; CHANNELS]);
        for (plane, table) in tables.iter_mut().enumerate() {
            for (byte, value) in table.iter_mut().enumerate() {
                *value = (byte as f32 - input.mean[plane]) / input.std[plane];
            }
        }
        let mut pad = [0.0; CHANNELS];
        for plane in 0..CHANNELS {
            pad[plane] = tables[plane][usize::from(input.pad[plane])];
        }
        Preprocessor { fit, source_byte, tables, pad }
    }

    /// How source pictures are to be scaled for this model.
    pub fn fit(&self) -> Fit {
        self.fit
    }

    /// Fills `into` from a picture of content size. One pass; no allocation while the size stays.
    pub fn prepare(&self, picture: &PictureRef<'_>, into: &mut Prepared) {
        let geometry = self.fit.of_content(picture);
        let area = geometry.tensor_width * geometry.tensor_height;
        if into.geometry != Some(geometry) {
            // The padding never changes while the size stays, so it is written only here.
            into.values.clear();
            for pad in self.pad {
                into.values.resize(into.values.len() + area, pad);
            }
            into.geometry = Some(geometry);
        }
        let (first, rest) = into.values.split_at_mut(area);
        let (second, third) = rest.split_at_mut(area);
        let [a, b, c] = self.source_byte;
        let [table_0, table_1, table_2] = &*self.tables;
        for (y, row) in picture.rows().enumerate() {
            let start = y * geometry.tensor_width;
            let line = start..start + geometry.content_width;
            let planes =
                first[line.clone()].iter_mut().zip(&mut second[line.clone()]).zip(&mut third[line]);
            for (((first, second), third), pixel) in planes.zip(row.as_chunks::<CHANNELS>().0) {
                *first = table_0[usize::from(pixel[a])];
                *second = table_1[usize::from(pixel[b])];
                *third = table_2[usize::from(pixel[c])];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> InputSpec {
        InputSpec {
            name: "image".into(),
            layout: super::super::package::Layout::Nchw,
            element: super::super::package::Element::F32,
            colour: Colour::Bgr,
            mean: [100.0, 50.0, 0.0],
            std: [2.0, 4.0, 8.0],
            multiple: 32,
            long_side_default: 64,
            long_side_max: 128,
            fit: super::super::package::FitRule::Letterbox,
            pad: [0, 0, 0],
        }
    }

    fn size(width: u32, height: u32) -> FrameSize {
        FrameSize::new(width, height).expect("positive")
    }

    #[test]
    fn content_keeps_the_aspect_and_tensor_is_filled_up_to_the_multiple() {
        let geometry = |w, h| {
            let g = Fit::new(640, 32).geometry(size(w, h));
            (g.content_width, g.content_height, g.tensor_width, g.tensor_height)
        };
        assert_eq!(geometry(768, 576), (640, 480, 640, 480));
        assert_eq!(geometry(1920, 1080), (640, 360, 640, 384));
        assert_eq!(geometry(1080, 1920), (360, 640, 384, 640));
        assert_eq!(geometry(320, 240), (640, 480, 640, 480));
        assert_eq!(geometry(10_000, 1), (640, 1, 640, 32));
    }

    #[test]
    fn pixels_are_normalised_into_planes_and_the_rest_is_padding() {
        let preprocessor = Preprocessor::new(&input(), Fit::new(64, 32));
        // Two rows of two pixels, with two bytes of stride to be skipped.
        let bytes = [100, 54, 8, 102, 50, 16, 99, 99, 0, 0, 0, 255, 255, 255, 99, 99];
        let picture = PictureRef::new(&bytes, 2, 2, 8).expect("fits");
        let mut prepared = Prepared::default();
        preprocessor.prepare(&picture, &mut prepared);
        let plane = |n: usize, x: usize, y: usize| prepared.values()[n * 1024 + y * 32 + x];
        assert_eq!([0, 1, 2].map(|n| plane(n, 0, 0)), [0.0, 1.0, 1.0]);
        assert_eq!([0, 1, 2].map(|n| plane(n, 1, 0)), [1.0, 0.0, 2.0]);
        assert_eq!([0, 1, 2].map(|n| plane(n, 1, 1)), [77.5, 205.0 / 4.0, 255.0 / 8.0]);
        assert_eq!([0, 1, 2].map(|n| plane(n, 2, 0)), [-50.0, -12.5, 0.0]);
        assert_eq!([0, 1, 2].map(|n| plane(n, 31, 31)), [-50.0, -12.5, 0.0]);
    }

    #[test]
    fn padding_is_clean_after_a_larger_picture_was_there() {
        let preprocessor = Preprocessor::new(&input(), Fit::new(64, 32));
        let white = vec![255; 32 * 32 * 3];
        let (mut used, mut fresh) = (Prepared::default(), Prepared::default());
        let large = PictureRef::new(&white, 32, 32, 96).expect("fits");
        let small = PictureRef::new(&white, 20, 10, 96).expect("fits");
        preprocessor.prepare(&large, &mut used);
        preprocessor.prepare(&small, &mut used);
        preprocessor.prepare(&small, &mut fresh);
        assert_eq!(used.values(), fresh.values());
    }

    #[test]
    fn picture_with_missing_bytes_or_an_empty_side_is_refused() {
        let bytes = [0; 24];
        assert!(PictureRef::new(&bytes, 4, 2, 12).is_some());
        assert!(PictureRef::new(&bytes, 4, 3, 12).is_none());
        assert!(PictureRef::new(&bytes, 5, 1, 12).is_none());
        assert!(PictureRef::new(&bytes, 0, 1, 12).is_none());
        assert!(PictureRef::new(&bytes, 1, 0, 12).is_none());
        assert!(PictureRef::new(&bytes, usize::MAX, 2, 12).is_none());
    }
}
