//! From a box in the model's numbers to one in source pixels, or the reason why it is none.

use crate::engine::detection::{FrameSize, PixelBox};

use super::super::package::{BoxOrder, BoxUnit};
use super::super::preprocess::InputGeometry;
use super::DecodeError;

/// Box coordinates are rounded to this fraction of a source pixel: far finer than a detector knows,
/// and exact in decimal text, so that a box survives every export unchanged.
pub(super) const GRID_PER_PX: f64 = 64.0;

/// A side further than this from the tensor's corner, in tensors, is no side of a person whom the
/// picture shows: somebody of whom the camera sees the face alone is some 8 faces high.
const FAR_TENSORS: f64 = 16.0;

/// A width or height below zero by no more than this, in tensors, is one that was rounded: a quantised
/// model has 256 places from one side of the picture to the other.
const TURNED_TENSORS: f64 = 0.01;

/// Tensor pixels to source pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToSource {
    x: f64,
    y: f64,
    size: FrameSize,
}

/// Where a model's boxes are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placing {
    order: BoxOrder,
    /// What a number is multiplied by, across and down, to become tensor pixels.
    unit_px: (f64, f64),
    tensor: (f64, f64),
    to_source: ToSource,
}

impl ToSource {
    pub(super) fn new(geometry: InputGeometry, source: FrameSize) -> ToSource {
        ToSource {
            x: source.width_px() / geometry.content_width as f64,
            y: source.height_px() / geometry.content_height as f64,
            size: source,
        }
    }

    /// From left, top, right, bottom in tensor pixels. `None` when nothing of the box lies in the
    /// frame: it was found in the padding.
    pub(super) fn clipped(self, [left, top, right, bottom]: [f64; 4]) -> Option<PixelBox> {
        let grid = |value: f64, limit: f64| {
            ((value * GRID_PER_PX).round() / GRID_PER_PX).clamp(0.0, limit)
        };
        let left = grid(left * self.x, self.size.width_px());
        let right = grid(right * self.x, self.size.width_px());
        let top = grid(top * self.y, self.size.height_px());
        let bottom = grid(bottom * self.y, self.size.height_px());
        PixelBox::new(left, top, right - left, bottom - top)
    }
}

impl Placing {
    pub(super) fn new(
        order: BoxOrder,
        unit: BoxUnit,
        geometry: InputGeometry,
        source: FrameSize,
    ) -> Placing {
        let tensor = (geometry.tensor_width as f64, geometry.tensor_height as f64);
        let unit_px = match unit {
            BoxUnit::Pixels => (1.0, 1.0),
            BoxUnit::Fractions => tensor,
        };
        Placing { order, unit_px, tensor, to_source: ToSource::new(geometry, source) }
    }

    /// `None` when it has no area in the frame.
    pub(super) fn bounds(
        self,
        numbers: [f64; 4],
        output: &str,
        place: usize,
    ) -> Result<Option<PixelBox>, DecodeError> {
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err(DecodeError::NonFiniteBox { output: output.to_owned(), place });
        }
        let [a, b, c, d] = numbers;
        let [left, top, right, bottom] = match self.order {
            BoxOrder::Ltrb => [a, b, c, d],
            BoxOrder::Tlbr => [b, a, d, c],
            BoxOrder::Cxcywh => [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0],
        };
        let (across, down) = self.unit_px;
        let sides = [left * across, top * down, right * across, bottom * down];
        match self.is_possible(sides) {
            true => Ok(self.to_source.clipped(sides)),
            false => Err(DecodeError::ImpossibleBox {
                output: output.to_owned(),
                place,
                // Larger ones become the largest number there is.
                sides: sides.map(|side| side.round() as i64),
            }),
        }
    }

    fn is_possible(self, [left, top, right, bottom]: [f64; 4]) -> bool {
        let (width, height) = self.tensor;
        let near = |side: f64, length: f64| side.abs() <= FAR_TENSORS * length;
        near(left, width)
            && near(right, width)
            && near(top, height)
            && near(bottom, height)
            && right - left >= -TURNED_TENSORS * width
            && bottom - top >= -TURNED_TENSORS * height
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 400x200 source that fills 100x50 of a 100x80 tensor.
    fn placing(order: BoxOrder, unit: BoxUnit) -> Placing {
        let geometry = InputGeometry {
            content_width: 100,
            content_height: 50,
            tensor_width: 100,
            tensor_height: 80,
        };
        Placing::new(order, unit, geometry, FrameSize::new(400, 200).expect("positive"))
    }

    fn bounds(
        order: BoxOrder,
        unit: BoxUnit,
        numbers: [f64; 4],
    ) -> Result<Option<PixelBox>, DecodeError> {
        placing(order, unit).bounds(numbers, "boxes", 3)
    }

    #[test]
    fn the_same_box_is_the_same_in_every_order_and_unit() {
        let expected = PixelBox::new(40.0, 80.0, 80.0, 60.0);
        for (order, numbers) in [
            (BoxOrder::Ltrb, [10.0, 20.0, 30.0, 35.0]),
            (BoxOrder::Tlbr, [20.0, 10.0, 35.0, 30.0]),
            (BoxOrder::Cxcywh, [20.0, 27.5, 20.0, 15.0]),
        ] {
            assert_eq!(bounds(order, BoxUnit::Pixels, numbers), Ok(expected), "{order:?}");
        }
        // Fractions are of the tensor with its padding: 80 pixels down.
        for (order, numbers) in [
            (BoxOrder::Ltrb, [0.1, 0.25, 0.3, 0.4375]),
            (BoxOrder::Tlbr, [0.25, 0.1, 0.4375, 0.3]),
            (BoxOrder::Cxcywh, [0.2, 0.34375, 0.2, 0.1875]),
        ] {
            assert_eq!(bounds(order, BoxUnit::Fractions, numbers), Ok(expected), "{order:?}");
        }
    }

    #[test]
    fn a_stretched_picture_s_box_is_stretched_back() {
        let geometry = InputGeometry {
            content_width: 100,
            content_height: 100,
            tensor_width: 100,
            tensor_height: 100,
        };
        let size = FrameSize::new(400, 200).expect("positive");
        let placing = Placing::new(BoxOrder::Ltrb, BoxUnit::Fractions, geometry, size);
        let got = placing.bounds([0.25, 0.25, 0.5, 0.75], "boxes", 0);
        assert_eq!(got, Ok(PixelBox::new(100.0, 50.0, 100.0, 100.0)));
    }

    #[test]
    fn a_box_without_area_in_the_frame_is_none() {
        let none = |numbers| bounds(BoxOrder::Ltrb, BoxUnit::Pixels, numbers);
        // In the padding, beside the picture, a line, a point, rounded to less than a point.
        for numbers in [
            [10.0, 55.0, 30.0, 79.0],
            [-30.0, 10.0, -1.0, 30.0],
            [101.0, 10.0, 130.0, 30.0],
            [10.0, 10.0, 10.0, 30.0],
            [0.0; 4],
            [10.0, 10.0, 9.5, 30.0],
        ] {
            assert_eq!(none(numbers), Ok(None), "{numbers:?}");
        }
    }

    #[test]
    fn a_box_that_cannot_be_is_an_error() {
        for order in [BoxOrder::Ltrb, BoxOrder::Tlbr, BoxOrder::Cxcywh] {
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                for n in 0..4 {
                    let mut numbers = [10.0, 10.0, 20.0, 20.0];
                    numbers[n] = bad;
                    let got = bounds(order, BoxUnit::Pixels, numbers);
                    assert!(matches!(got, Err(DecodeError::NonFiniteBox { place: 3, .. })));
                }
            }
            let far = bounds(order, BoxUnit::Pixels, [10.0, 10.0, f64::from(f32::MAX), 20.0]);
            assert!(matches!(far, Err(DecodeError::ImpossibleBox { place: 3, .. })), "{order:?}");
        }
        for (order, turned) in [
            (BoxOrder::Ltrb, [30.0, 10.0, 20.0, 20.0]),
            (BoxOrder::Tlbr, [10.0, 30.0, 20.0, 20.0]),
            (BoxOrder::Cxcywh, [30.0, 10.0, -10.0, 20.0]),
            (BoxOrder::Cxcywh, [30.0, 10.0, 10.0, -20.0]),
        ] {
            let got = bounds(order, BoxUnit::Pixels, turned);
            assert!(matches!(got, Err(DecodeError::ImpossibleBox { .. })), "{order:?} {turned:?}");
        }
        // Pixels that the manifest calls fractions.
        let got = bounds(BoxOrder::Ltrb, BoxUnit::Fractions, [10.0, 20.0, 30.0, 35.0]);
        assert!(matches!(got, Err(DecodeError::ImpossibleBox { .. })), "{got:?}");
    }
}
