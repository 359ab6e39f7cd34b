//! NanoDet: an anchor-free detector whose box sides are distributions over distance bins.
//!
//! Per stride there is a score per cell (sigmoid already applied) and, per cell, four sides (left,
//! top, right, bottom) of `bins` logits each. A side's length is the mean of its softmax, times the
//! stride, measured from the cell's centre.

use crate::engine::detection::{Detection, FrameSize};

use super::super::package::{NanodetOutput, NanodetSpec, ShareKind};
use super::super::preprocess::InputGeometry;
use super::place::ToSource;
use super::{DecodeError, RawOutput, Settings, nms, score, table};

/// Sides of a box.
const SIDES: usize = 4;

/// The decoder with its settings.
#[derive(Clone, Debug)]
pub struct Nanodet {
    spec: NanodetSpec,
    settings: Settings,
}

impl Nanodet {
    /// `spec` comes from a verified manifest.
    pub fn new(spec: NanodetSpec, settings: Settings) -> Nanodet {
        Nanodet { spec, settings }
    }

    /// See `Decoder::decode`.
    pub fn decode<'a>(
        &self,
        output: impl Fn(&str) -> Option<RawOutput<'a>>,
        geometry: InputGeometry,
        source: FrameSize,
    ) -> Result<Vec<Detection>, DecodeError> {
        let to_source = ToSource::new(geometry, source);
        let mut found = Vec::new();
        for level in &self.spec.outputs {
            let scores = self.checked(&output, &level.scores, level, geometry)?;
            let boxes = self.checked(&output, &level.boxes, level, geometry)?;
            self.decode_level(level, scores, boxes, (geometry, to_source), &mut found)?;
        }
        Ok(nms::finish(found, self.settings.nms_iou))
    }

    /// The tensor of a name, if it has the shape this input must give.
    fn checked<'a>(
        &self,
        output: impl Fn(&str) -> Option<RawOutput<'a>>,
        name: &str,
        level: &NanodetOutput,
        geometry: InputGeometry,
    ) -> Result<&'a [f32], DecodeError> {
        let raw = output(name).ok_or_else(|| DecodeError::Missing { output: name.to_owned() })?;
        let stride = level.stride as usize;
        let cells =
            geometry.tensor_width.div_ceil(stride) * geometry.tensor_height.div_ceil(stride);
        let per_cell = match name == level.scores {
            true => self.settings.classes,
            false => SIDES * self.spec.bins as usize,
        };
        let expected = [1, cells as i64, per_cell as i64];
        if raw.shape != expected || raw.values.len() != cells * per_cell {
            return Err(table::shape(name, raw, format!("{expected:?}"), geometry));
        }
        raw.values.floats().ok_or_else(|| DecodeError::WholeNumbers { output: name.to_owned() })
    }

    fn decode_level(
        &self,
        level: &NanodetOutput,
        scores: &[f32],
        boxes: &[f32],
        (geometry, to_source): (InputGeometry, ToSource),
        found: &mut Vec<Detection>,
    ) -> Result<(), DecodeError> {
        let Settings { candidate, classes, person, .. } = self.settings;
        let columns = geometry.tensor_width.div_ceil(level.stride as usize);
        let logits_per_cell = SIDES * self.spec.bins as usize;
        for (cell, classes) in scores.chunks_exact(classes).enumerate() {
            let value = f64::from(classes[person]);
            let share = score::share(ShareKind::Shares, value, &level.scores, cell)?;
            let Some(score) = score::candidate(share, candidate) else {
                continue;
            };
            let logits = &boxes[cell * logits_per_cell..(cell + 1) * logits_per_cell];
            let sides = self.sides_px(logits, level, cell)?;
            let centre = |n: usize| (n as f64 + 0.5) * f64::from(level.stride);
            let (x, y) = (centre(cell % columns), centre(cell / columns));
            let [left, top, right, bottom] = sides;
            if let Some(bounds) = to_source.clipped([x - left, y - top, x + right, y + bottom]) {
                found.push(Detection { bounds, score });
            }
        }
        Ok(())
    }

    /// Distances in tensor pixels from the cell's centre: left, top, right, bottom.
    fn sides_px(
        &self,
        logits: &[f32],
        level: &NanodetOutput,
        cell: usize,
    ) -> Result<[f64; SIDES], DecodeError> {
        let mut sides = [0.0; SIDES];
        let bins = self.spec.bins as usize;
        for (side, logits) in sides.iter_mut().zip(logits.chunks_exact(bins)) {
            let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let (mut weights, mut moment) = (0.0_f64, 0.0_f64);
            for (bin, logit) in logits.iter().enumerate() {
                let weight = f64::from(logit - highest).exp();
                weights += weight;
                moment += weight * bin as f64;
            }
            *side = moment / weights * f64::from(level.stride);
            if !side.is_finite() {
                return Err(DecodeError::NonFiniteBox { output: level.boxes.clone(), place: cell });
            }
        }
        Ok(sides)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Values;
    use super::super::place::GRID_PER_PX;
    use super::*;
    use crate::engine::detection::PixelBox;

    const BINS: usize = 3;

    fn decoder(candidate: f32) -> Nanodet {
        let spec = NanodetSpec {
            strides: vec![16],
            bins: BINS as u32,
            outputs: vec![NanodetOutput { stride: 16, scores: "s".into(), boxes: "b".into() }],
        };
        let settings = Settings { candidate, nms_iou: Some(0.6), classes: 1, person: 0 };
        Nanodet::new(spec, settings)
    }

    /// A 64x32 tensor of which 64x24 is content: 4 x 2 cells.
    const GEOMETRY: InputGeometry = InputGeometry {
        content_width: 64,
        content_height: 24,
        tensor_width: 64,
        tensor_height: 32,
    };

    fn decode(scores: &[f32], boxes: &[f32]) -> Result<Vec<Detection>, DecodeError> {
        let shapes = ([1, scores.len() as i64, 1], [1, scores.len() as i64, 12]);
        let output = |name: &str| {
            Some(match name {
                "s" => RawOutput { shape: &shapes.0, values: Values::F32(scores) },
                _ => RawOutput { shape: &shapes.1, values: Values::F32(boxes) },
            })
        };
        let source = FrameSize::new(128, 48).expect("positive");
        decoder(0.3).decode(output, GEOMETRY, source)
    }

    /// Logits that put all weight on one bin for each side.
    fn logits(sides: [usize; 4]) -> Vec<f32> {
        sides
            .iter()
            .flat_map(|side| (0..BINS).map(move |bin| if bin == *side { 0.0 } else { -500.0 }))
            .collect()
    }

    #[test]
    fn box_is_measured_from_the_cell_centre_and_scaled_to_the_source() {
        let mut boxes = vec![0.0; 8 * 12];
        boxes[12..24].copy_from_slice(&logits([1, 0, 2, 1]));
        let mut scores = [0.1; 8];
        scores[1] = 0.75;
        let found = decode(&scores, &boxes).expect("decodes");
        // Centre (24, 8) in the tensor; the source is twice as large.
        let expected = PixelBox::new(16.0, 16.0, 96.0, 32.0).expect("positive");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].bounds, expected);
        assert_eq!(found[0].score.get(), 0.75);
    }

    #[test]
    fn box_is_clipped_to_the_frame_and_dropped_when_wholly_in_the_padding() {
        let mut boxes = vec![0.0; 8 * 12];
        boxes[..12].copy_from_slice(&logits([2, 2, 1, 1]));
        let mut scores = [0.0; 8];
        scores[0] = 0.5;
        let found = decode(&scores, &boxes).expect("decodes");
        assert_eq!((found[0].bounds.left(), found[0].bounds.top()), (0.0, 0.0));
        // Cell 7 has its centre at the content's lower edge; a box of no height above it is nothing.
        boxes[84..].copy_from_slice(&logits([1, 0, 1, 1]));
        assert_eq!(decode(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5], &boxes), Ok(vec![]));
    }

    #[test]
    fn coordinates_lie_on_the_grid() {
        let boxes: Vec<f32> = (0..96).map(|n| ((n * 7) % 11) as f32 / 5.0).collect();
        for found in decode(&[0.9; 8], &boxes).expect("decodes") {
            let bounds = found.bounds;
            for value in [bounds.left(), bounds.top(), bounds.width(), bounds.height()] {
                assert_eq!((value * GRID_PER_PX).fract(), 0.0);
            }
        }
    }

    #[test]
    fn non_finite_and_impossible_answers_are_errors() {
        let boxes = vec![0.0; 96];
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut scores = [0.0; 8];
            scores[5] = bad;
            assert!(matches!(
                decode(&scores, &boxes),
                Err(DecodeError::NonFiniteScore { place: 5, .. })
            ));
        }
        assert!(matches!(decode(&[1.5; 8], &boxes), Err(DecodeError::ScoreOutOfRange { .. })));
        assert!(matches!(
            decode(&[0.5; 8], &[f32::NAN; 96]),
            Err(DecodeError::NonFiniteBox { place: 0, .. })
        ));
    }

    #[test]
    fn number_of_cells_must_match_the_input() {
        let found = decode(&[0.5; 6], &[0.0; 72]);
        assert!(
            matches!(&found, Err(DecodeError::Shape { expected, .. }) if expected == "[1, 8, 1]"),
            "{found:?}"
        );
    }
}
