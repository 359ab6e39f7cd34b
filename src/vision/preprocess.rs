//! From a picture to the model's input: its shape, and the pixels as the manifest wants them.
//!
//! Most scaling happens before (in the GStreamer pipeline, or in `still` for still pictures); here
//! one pass over the content puts the channels in their order and subtracts what the model was
//! trained to have subtracted. A picture that was made for people, or for a larger model, is scaled
//! down first (`scale`).
//!
//! Not here: colour conversion other than the order of the three channels.

mod fit;
pub mod scale;

pub use self::fit::{Delivery, Fit, InputGeometry, SHOWN_PX_MIN, TensorSize};
use self::scale::Scaler;
use super::package::{Colour, Element, InputSpec, Layout};

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

/// A model input that is ready to run; its memory is used again for the next picture.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    /// What is in it: how large, and of which type.
    made: Option<(InputGeometry, Element)>,
    floats: Vec<f32>,
    bytes: Vec<u8>,
    scaler: Scaler,
}

/// The values of an input, in the manifest's layout and colour order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InputValues<'a> {
    F32(&'a [f32]),
    U8(&'a [u8]),
}

impl Prepared {
    /// The sizes; `None` before the first picture.
    pub fn geometry(&self) -> Option<InputGeometry> {
        self.made.map(|(geometry, _)| geometry)
    }

    /// `tensor_width * tensor_height` values for each channel.
    pub fn values(&self) -> InputValues<'_> {
        match self.made.map(|(_, element)| element) {
            None | Some(Element::F32) => InputValues::F32(&self.floats),
            Some(Element::U8) => InputValues::U8(&self.bytes),
        }
    }
}

/// Turns pictures into model inputs; cheap to clone, so that a decoding thread has its own.
#[derive(Clone, Debug)]
pub struct Preprocessor {
    fit: Fit,
    layout: Layout,
    /// For each channel of the tensor: which byte of a pixel feeds it.
    source_byte: [usize; CHANNELS],
    tables: Tables,
}

#[derive(Clone, Debug)]
enum Tables {
    F32(Table<f32>),
    U8(Table<u8>),
}

/// For each channel of the tensor: the value of each byte. A table costs one load where multiply and
/// add cost a conversion as well, and it rounds as the model's makers did: subtract first, then
/// divide.
#[derive(Clone, Debug)]
struct Table<T> {
    values: Box<[[T; BYTE_VALUES]; CHANNELS]>,
    pad: [T; CHANNELS],
}

impl Preprocessor {
    /// For the input a manifest describes, at this size.
    pub fn new(input: &InputSpec, fit: Fit) -> Preprocessor {
        let source_byte = match input.colour {
            Colour::Bgr => [0, 1, 2],
            Colour::Rgb => [2, 1, 0],
        };
        let tables = match input.element {
            Element::F32 => Tables::F32(Table::new(input.pad, |channel, byte| {
                (f32::from(byte) - input.mean[channel]) / input.std[channel]
            })),
            // The manifest's check made sure that nothing is to be subtracted from bytes.
            Element::U8 => Tables::U8(Table::new(input.pad, |_, byte| byte)),
        };
        Preprocessor { fit, layout: input.layout, source_byte, tables }
    }

    /// How source pictures are to be scaled for this model.
    pub fn fit(&self) -> Fit {
        self.fit
    }

    /// Fills `into` from a whole picture, which is scaled where it has not the content's size.
    pub fn prepare(&self, picture: &PictureRef<'_>, into: &mut Prepared) {
        self.fill(picture, self.fit.of_whole(picture), into);
    }

    /// Fills `into` from a picture that is content already; it may show a part of the whole.
    pub fn prepare_content(&self, picture: &PictureRef<'_>, into: &mut Prepared) {
        self.fill(picture, self.fit.of_content(picture), into);
    }

    /// One pass; no allocation while the size stays.
    fn fill(&self, picture: &PictureRef<'_>, geometry: InputGeometry, into: &mut Prepared) {
        let Prepared { made, floats, bytes, scaler } = into;
        let (width, height) = (geometry.content_width, geometry.content_height);
        let scaled = match (width, height) == (picture.width, picture.height) {
            true => Some(*picture),
            false => scaler.scale(picture, width, height),
        };
        let Some(content) = scaled else {
            // Only nothing cannot be scaled to, and content has a pixel at least.
            *made = None;
            return;
        };
        let make = (geometry, self.tables.element());
        let before = made.replace(make);
        // The padding never changes while the size stays, so it is written only then.
        let blank = before != Some(make);
        match &self.tables {
            Tables::F32(table) => {
                if blank {
                    table.blank(self.layout, geometry, floats);
                }
                table.write(self, &content, geometry, floats);
            }
            Tables::U8(table) => {
                if blank {
                    table.blank(self.layout, geometry, bytes);
                }
                table.write(self, &content, geometry, bytes);
            }
        }
    }
}

impl Tables {
    fn element(&self) -> Element {
        match self {
            Tables::F32(_) => Element::F32,
            Tables::U8(_) => Element::U8,
        }
    }
}

impl<T: Copy + Default> Table<T> {
    fn new(pad: [u8; CHANNELS], value: impl Fn(usize, u8) -> T) -> Table<T> {
        let mut values = Box::new([[T::default(); BYTE_VALUES]; CHANNELS]);
        for (channel, table) in values.iter_mut().enumerate() {
            for (byte, entry) in (0..=u8::MAX).zip(table) {
                *entry = value(channel, byte);
            }
        }
        let pad = [0, 1, 2].map(|channel: usize| values[channel][usize::from(pad[channel])]);
        Table { values, pad }
    }

    /// Padding everywhere.
    fn blank(&self, layout: Layout, geometry: InputGeometry, values: &mut Vec<T>) {
        let area = geometry.tensor_width * geometry.tensor_height;
        values.clear();
        match layout {
            Layout::Nchw => {
                for pad in self.pad {
                    values.resize(values.len() + area, pad);
                }
            }
            Layout::Nhwc => {
                values.reserve_exact(area * CHANNELS);
                for _ in 0..area {
                    values.extend_from_slice(&self.pad);
                }
            }
        }
    }

    fn write(
        &self,
        with: &Preprocessor,
        picture: &PictureRef<'_>,
        geometry: InputGeometry,
        values: &mut [T],
    ) {
        match with.layout {
            Layout::Nchw => self.planes(with.source_byte, picture, geometry, values),
            Layout::Nhwc => self.pixels(with.source_byte, picture, geometry, values),
        }
    }

    /// All of the first channel, then all of the second …
    fn planes(
        &self,
        [a, b, c]: [usize; CHANNELS],
        picture: &PictureRef<'_>,
        geometry: InputGeometry,
        values: &mut [T],
    ) {
        let area = geometry.tensor_width * geometry.tensor_height;
        let (first, rest) = values.split_at_mut(area);
        let (second, third) = rest.split_at_mut(area);
        let [table_0, table_1, table_2] = &*self.values;
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

    /// All channels of the first pixel, then all of the second …
    fn pixels(
        &self,
        [a, b, c]: [usize; CHANNELS],
        picture: &PictureRef<'_>,
        geometry: InputGeometry,
        values: &mut [T],
    ) {
        let [table_0, table_1, table_2] = &*self.values;
        let lines = values.chunks_exact_mut(geometry.tensor_width * CHANNELS);
        for (line, row) in lines.zip(picture.rows()) {
            let pixels = line.as_chunks_mut::<CHANNELS>().0.iter_mut();
            for (into, pixel) in pixels.zip(row.as_chunks::<CHANNELS>().0) {
                *into = [
                    table_0[usize::from(pixel[a])],
                    table_1[usize::from(pixel[b])],
                    table_2[usize::from(pixel[c])],
                ];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::package::{FitRule, InputSize};
    use super::*;

    fn input() -> InputSpec {
        InputSpec {
            name: "image".into(),
            layout: Layout::Nchw,
            element: Element::F32,
            colour: Colour::Bgr,
            mean: [100.0, 50.0, 0.0],
            std: [2.0, 4.0, 8.0],
            size: InputSize::LongSide { multiple: 32, default_px: 64, max_px: 128 },
            pad: [0, 0, 0],
            size_input: None,
        }
    }

    fn floats(prepared: &Prepared) -> &[f32] {
        match prepared.values() {
            InputValues::F32(values) => values,
            InputValues::U8(values) => panic!("{} bytes", values.len()),
        }
    }

    fn bytes(prepared: &Prepared) -> &[u8] {
        match prepared.values() {
            InputValues::U8(values) => values,
            InputValues::F32(values) => panic!("{} floats", values.len()),
        }
    }

    /// Two rows of two pixels, with two bytes of stride to be skipped.
    const BYTES: [u8; 16] = [100, 54, 8, 102, 50, 16, 99, 99, 0, 0, 0, 255, 255, 255, 99, 99];

    #[test]
    fn pixels_are_normalised_into_planes_and_the_rest_is_padding() {
        let preprocessor = Preprocessor::new(&input(), Fit::new(64, 32));
        let picture = PictureRef::new(&BYTES, 2, 2, 8).expect("fits");
        let mut prepared = Prepared::default();
        preprocessor.prepare(&picture, &mut prepared);
        let plane = |n: usize, x: usize, y: usize| floats(&prepared)[n * 1024 + y * 32 + x];
        assert_eq!([0, 1, 2].map(|n| plane(n, 0, 0)), [0.0, 1.0, 1.0]);
        assert_eq!([0, 1, 2].map(|n| plane(n, 1, 0)), [1.0, 0.0, 2.0]);
        assert_eq!([0, 1, 2].map(|n| plane(n, 1, 1)), [77.5, 205.0 / 4.0, 255.0 / 8.0]);
        assert_eq!([0, 1, 2].map(|n| plane(n, 2, 0)), [-50.0, -12.5, 0.0]);
        assert_eq!([0, 1, 2].map(|n| plane(n, 31, 31)), [-50.0, -12.5, 0.0]);
    }

    #[test]
    fn pixels_stay_together_where_the_model_wants_them_so() {
        let spec = InputSpec { layout: Layout::Nhwc, colour: Colour::Rgb, ..input() };
        let preprocessor = Preprocessor::new(&spec, Fit::new(64, 32));
        let picture = PictureRef::new(&BYTES, 2, 2, 8).expect("fits");
        let mut prepared = Prepared::default();
        preprocessor.prepare(&picture, &mut prepared);
        let values = floats(&prepared);
        assert_eq!(values.len(), 32 * 32 * 3);
        // Red is the last byte of a picture's pixel, and comes first here.
        assert_eq!(values[..3], [(8.0 - 100.0) / 2.0, 1.0, 100.0 / 8.0]);
        assert_eq!(values[(32 + 1) * 3..(32 + 2) * 3], [77.5, 205.0 / 4.0, 255.0 / 8.0]);
        assert_eq!(values[6..9], [-50.0, -12.5, 0.0]);
    }

    #[test]
    fn bytes_stay_bytes_where_the_model_normalises_them_itself() {
        let spec = InputSpec {
            layout: Layout::Nhwc,
            element: Element::U8,
            colour: Colour::Rgb,
            mean: [0.0; 3],
            std: [1.0; 3],
            pad: [7, 8, 9],
            ..input()
        };
        let preprocessor = Preprocessor::new(&spec, Fit::fixed(4, 3, FitRule::Letterbox));
        let picture = PictureRef::new(&BYTES, 2, 2, 8).expect("fits");
        let mut prepared = Prepared::default();
        preprocessor.prepare_content(&picture, &mut prepared);
        let line = |y: usize| &bytes(&prepared)[y * 12..(y + 1) * 12];
        assert_eq!(line(0), [8, 54, 100, 16, 50, 102, 7, 8, 9, 7, 8, 9]);
        assert_eq!(line(1), [0, 0, 0, 255, 255, 255, 7, 8, 9, 7, 8, 9]);
        assert_eq!(line(2), [7, 8, 9, 7, 8, 9, 7, 8, 9, 7, 8, 9]);
    }

    #[test]
    fn memory_of_another_model_s_input_leaves_nothing_behind() {
        let of_bytes = InputSpec { element: Element::U8, pad: [3; 3], ..input() };
        let fit = Fit::fixed(32, 32, FitRule::Letterbox);
        let (floating, plain) =
            (Preprocessor::new(&input(), fit), Preprocessor::new(&of_bytes, fit));
        let white = [255; 12];
        let picture = PictureRef::new(&white, 2, 2, 6).expect("fits");
        let (mut used, mut fresh) = (Prepared::default(), Prepared::default());
        floating.prepare_content(&picture, &mut used);
        plain.prepare_content(&picture, &mut used);
        plain.prepare_content(&picture, &mut fresh);
        assert_eq!(used.values(), fresh.values());
        floating.prepare_content(&picture, &mut used);
        floating.prepare_content(&picture, &mut fresh);
        assert_eq!(used.values(), fresh.values());
    }

    #[test]
    fn a_picture_made_for_people_or_a_larger_model_is_scaled_down_and_content_is_not() {
        let preprocessor = Preprocessor::new(&input(), Fit::new(64, 32));
        let grey = vec![100; 128 * 64 * 3];
        let picture = PictureRef::new(&grey, 128, 64, 128 * 3).expect("fits");
        let mut prepared = Prepared::default();
        preprocessor.prepare(&picture, &mut prepared);
        let sizes = |prepared: &Prepared| {
            prepared.geometry().map(|it| (it.content_width, it.content_height))
        };
        assert_eq!(sizes(&prepared), Some((64, 32)));
        assert!(floats(&prepared)[..64 * 32].iter().all(|value| *value == 0.0));
        preprocessor.prepare_content(&picture, &mut prepared);
        assert_eq!(sizes(&prepared), Some((128, 64)));
        // A stretched one fills its input, a part of it does not.
        let stretching = Preprocessor::new(&input(), Fit::fixed(96, 96, FitRule::Stretch));
        stretching.prepare(&picture, &mut prepared);
        assert_eq!(sizes(&prepared), Some((96, 96)));
        let part = picture.part((0, 0), (40, 20)).expect("inside");
        stretching.prepare_content(&part, &mut prepared);
        assert_eq!(sizes(&prepared), Some((40, 20)));
        assert_eq!(floats(&prepared).len(), 96 * 96 * 3);
        // Content that does not fit is made to, and no memory is touched that is not there.
        stretching.prepare_content(&picture, &mut prepared);
        assert_eq!(sizes(&prepared), Some((96, 64)));
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
