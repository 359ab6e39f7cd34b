//! YOLOX: grids of several strides, one after the other in one output. Each cell has a box, how likely
//! there is anything (objectness), and how likely it is each class; the score is the product.
//!
//! Exports differ in whether the box is decoded inside the model; the manifest says which it is.

use crate::engine::detection::{Detection, FrameSize, Score};

use super::super::package::{BoxOrder, BoxUnit, GridBoxes, YoloxSpec};
use super::super::preprocess::InputGeometry;
use super::place::Placing;
use super::{DecodeError, RawOutput, Settings, nms, score, table};

/// Numbers of a cell before its classes: a box and the objectness.
const BEFORE_CLASSES: usize = 5;

/// The decoder with its settings.
#[derive(Clone, Debug)]
pub struct Yolox {
    spec: YoloxSpec,
    settings: Settings,
}

/// A grid's cells in the output.
#[derive(Clone, Copy, Debug)]
struct Grid {
    stride: usize,
    columns: usize,
    cells: usize,
}

impl Yolox {
    /// `spec` comes from a verified manifest.
    pub fn new(spec: YoloxSpec, settings: Settings) -> Yolox {
        Yolox { spec, settings }
    }

    /// See `Decoder::decode`.
    pub fn decode<'a>(
        &self,
        output: impl Fn(&str) -> Option<RawOutput<'a>>,
        geometry: InputGeometry,
        source: FrameSize,
    ) -> Result<Vec<Detection>, DecodeError> {
        let grids: Vec<Grid> = self.grids(geometry);
        let line = BEFORE_CLASSES + self.settings.classes;
        let values = self.checked(output, &grids, line, geometry)?;
        let placing = Placing::new(BoxOrder::Cxcywh, BoxUnit::Pixels, geometry, source);
        let mut found = Vec::new();
        let mut cells = values.chunks_exact(line).enumerate();
        for grid in grids {
            for (number, (place, cell)) in cells.by_ref().take(grid.cells).enumerate() {
                let Some(score) = self.person(cell, place)? else {
                    continue;
                };
                let numbers = self.bounds_px(cell, grid, number);
                if let Some(bounds) = placing.bounds(numbers, &self.spec.output, place)? {
                    found.push(Detection { bounds, score });
                }
            }
        }
        Ok(nms::finish(found, self.settings.nms_iou))
    }

    fn grids(&self, geometry: InputGeometry) -> Vec<Grid> {
        let grid = |stride: &u32| {
            let stride = (*stride).max(1) as usize;
            let columns = geometry.tensor_width.div_ceil(stride);
            Grid { stride, columns, cells: columns * geometry.tensor_height.div_ceil(stride) }
        };
        self.spec.strides.iter().map(grid).collect()
    }

    /// The output, if it has the shape this input must give.
    fn checked<'a>(
        &self,
        output: impl Fn(&str) -> Option<RawOutput<'a>>,
        grids: &[Grid],
        line: usize,
        geometry: InputGeometry,
    ) -> Result<&'a [f32], DecodeError> {
        let name = &self.spec.output;
        let raw = output(name).ok_or_else(|| DecodeError::Missing { output: name.clone() })?;
        let cells: usize = grids.iter().map(|grid| grid.cells).sum();
        if raw.shape != [1, cells as i64, line as i64] || raw.values.len() != cells * line {
            let expected = format!("[1, {cells}, {line}]");
            return Err(table::shape(name, raw, expected, geometry));
        }
        raw.values.floats().ok_or_else(|| DecodeError::WholeNumbers { output: name.clone() })
    }

    /// The score of a cell that shows a person and is looked at.
    fn person(&self, cell: &[f32], place: usize) -> Result<Option<Score>, DecodeError> {
        let share = |number: usize| {
            let value = cell.get(number).map_or(f64::NAN, |value| f64::from(*value));
            score::share(self.spec.scores, value, &self.spec.output, place)
        };
        let anything = share(BEFORE_CLASSES - 1)?;
        let person = share(BEFORE_CLASSES + self.settings.person)?;
        Ok(score::candidate(anything * person, self.settings.candidate))
    }

    /// Centre, width and height in tensor pixels.
    fn bounds_px(&self, cell: &[f32], grid: Grid, number: usize) -> [f64; 4] {
        let of = |n: usize| cell.get(n).map_or(f64::NAN, |value| f64::from(*value));
        let stride = grid.stride as f64;
        match self.spec.boxes {
            GridBoxes::Pixels => [of(0), of(1), of(2), of(3)],
            GridBoxes::Cells => [
                (of(0) + (number % grid.columns) as f64) * stride,
                (of(1) + (number / grid.columns) as f64) * stride,
                of(2).exp() * stride,
                of(3).exp() * stride,
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::package::ShareKind;
    use super::super::Values;
    use super::*;

    /// 64x32 pixels: 4 x 2 cells of 16 and 2 x 1 of 32.
    const GEOMETRY: InputGeometry = InputGeometry {
        content_width: 64,
        content_height: 32,
        tensor_width: 64,
        tensor_height: 32,
    };

    const CELLS: usize = 10;

    fn decode(
        boxes: GridBoxes,
        scores: ShareKind,
        values: &[f32],
    ) -> Result<Vec<Detection>, DecodeError> {
        let spec = YoloxSpec { output: "output".into(), strides: vec![16, 32], boxes, scores };
        // A truck and a person.
        let settings = Settings { candidate: 0.3, nms_iou: Some(0.5), classes: 2, person: 1 };
        let shape = [1, (values.len() / 7) as i64, 7];
        let output = |name: &str| {
            (name == "output").then_some(RawOutput { shape: &shape, values: Values::F32(values) })
        };
        let size = FrameSize::new(128, 64).expect("positive");
        Yolox::new(spec, settings).decode(output, GEOMETRY, size)
    }

    fn with(cell: usize, numbers: [f32; 7]) -> Vec<f32> {
        let mut values = vec![0.0; CELLS * 7];
        values[cell * 7..(cell + 1) * 7].copy_from_slice(&numbers);
        values
    }

    fn one(found: Result<Vec<Detection>, DecodeError>) -> ([f64; 4], f32) {
        let found = found.expect("decodes");
        let [it] = found.as_slice() else {
            panic!("{found:?}");
        };
        let b = it.bounds;
        ([b.left(), b.top(), b.width(), b.height()], it.score.get())
    }

    #[test]
    fn a_cell_s_box_is_measured_from_its_corner_and_grows_by_exponents() {
        // Second row of the first grid, third column: its corner is (32, 16).
        let cell = [0.5, 0.25, 0.0, 0.5_f32.ln(), 0.5, 0.0, 1.0];
        let found = decode(GridBoxes::Cells, ShareKind::Shares, &with(6, cell));
        // Centre (40, 20), 16 x 8 pixels; the source is twice as large.
        assert_eq!(one(found), ([64.0, 32.0, 32.0, 16.0], 0.5));
        // Second cell of the second grid: its corner is (32, 0).
        let cell = [0.5, 0.5, 0.0, 0.0, 1.0, 0.0, 0.75];
        let found = decode(GridBoxes::Cells, ShareKind::Shares, &with(9, cell));
        assert_eq!(one(found), ([64.0, 0.0, 64.0, 64.0], 0.75));
    }

    #[test]
    fn boxes_decoded_inside_the_model_are_taken_as_they_are() {
        let cell = [40.0, 20.0, 16.0, 8.0, 1.0, 0.0, 0.5];
        let found = decode(GridBoxes::Pixels, ShareKind::Shares, &with(0, cell));
        assert_eq!(one(found), ([64.0, 32.0, 32.0, 16.0], 0.5));
    }

    #[test]
    fn the_score_is_that_of_anything_times_that_of_the_person() {
        let score = |numbers: [f32; 3], kind| {
            let [anything, truck, person] = numbers;
            let cell = [40.0, 20.0, 16.0, 8.0, anything, truck, person];
            let mut values = with(3, cell);
            if kind == ShareKind::Logits {
                for (place, cell) in values.chunks_exact_mut(7).enumerate() {
                    if place != 3 {
                        cell[4..].fill(-20.0);
                    }
                }
            }
            decode(GridBoxes::Pixels, kind, &values).expect("decodes").len()
        };
        assert_eq!(score([0.5, 1.0, 0.5], ShareKind::Shares), 0);
        assert_eq!(score([0.75, 0.0, 0.5], ShareKind::Shares), 1);
        assert_eq!(score([1.0, 1.0, 0.0], ShareKind::Shares), 0);
        assert_eq!(score([20.0, -20.0, 0.0], ShareKind::Logits), 1);
        assert_eq!(score([0.0, -20.0, 0.0], ShareKind::Logits), 0);
    }

    #[test]
    fn several_cells_that_find_one_person_give_one_box() {
        let cell = [40.0, 20.0, 16.0, 8.0, 1.0, 0.0, 0.5];
        let mut values = with(3, cell);
        values[4 * 7..5 * 7].copy_from_slice(&[41.0, 20.0, 16.0, 8.0, 1.0, 0.0, 0.75]);
        let found = decode(GridBoxes::Pixels, ShareKind::Shares, &values);
        assert_eq!(one(found), ([66.0, 32.0, 32.0, 16.0], 0.75));
    }

    #[test]
    fn answers_that_no_sound_model_gives_are_errors() {
        let person = [0.5, 0.5, 0.0, 0.0, 1.0, 0.0, 1.0];
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for n in [0, 1, 4, 6] {
                let mut cell = person;
                cell[n] = bad;
                let found = decode(GridBoxes::Cells, ShareKind::Shares, &with(2, cell));
                assert!(found.is_err(), "{n}: {bad}");
            }
        }
        // A NaN objectness is no low one.
        let nobody = [0.0, 0.0, 0.0, 0.0, f32::NAN, 0.0, 0.0];
        let found = decode(GridBoxes::Cells, ShareKind::Shares, &with(5, nobody));
        assert!(matches!(found, Err(DecodeError::NonFiniteScore { place: 5, .. })), "{found:?}");
        // Exponents without end, and sides turned around.
        let endless = [0.5, 0.5, 1000.0, 0.0, 1.0, 0.0, 1.0];
        let found = decode(GridBoxes::Cells, ShareKind::Shares, &with(2, endless));
        assert!(matches!(found, Err(DecodeError::NonFiniteBox { place: 2, .. })), "{found:?}");
        let huge = [0.5, 0.5, 20.0, 0.0, 1.0, 0.0, 1.0];
        let found = decode(GridBoxes::Cells, ShareKind::Shares, &with(2, huge));
        assert!(matches!(found, Err(DecodeError::ImpossibleBox { place: 2, .. })), "{found:?}");
        let turned = [40.0, 20.0, -16.0, 8.0, 1.0, 0.0, 1.0];
        let found = decode(GridBoxes::Pixels, ShareKind::Shares, &with(2, turned));
        assert!(matches!(found, Err(DecodeError::ImpossibleBox { .. })), "{found:?}");
        // Two shares above 1 whose product is none.
        let cell = [40.0, 20.0, 16.0, 8.0, 2.0, 0.0, 0.4];
        let found = decode(GridBoxes::Pixels, ShareKind::Shares, &with(2, cell));
        assert!(matches!(found, Err(DecodeError::ScoreOutOfRange { .. })), "{found:?}");
    }

    #[test]
    fn number_of_cells_must_match_the_input() {
        for cells in [0, 9, 11] {
            let found = decode(GridBoxes::Cells, ShareKind::Shares, &vec![0.0; cells * 7]);
            assert!(matches!(found, Err(DecodeError::Shape { .. })), "{cells}");
        }
    }
}
