//! SSD as TensorFlow's detection models end: boxes, scores, classes with duplicates removed, padded to
//! a fixed length, and how many of them count. TensorRT's removal of duplicates ends the same way.

use crate::engine::detection::{Detection, FrameSize};

use super::super::package::SsdSpec;
use super::super::preprocess::InputGeometry;
use super::list::{Counted, List};
use super::{DecodeError, RawOutput, Settings, table};

/// The decoder with its settings.
#[derive(Clone, Debug)]
pub struct Ssd {
    list: List,
    count: String,
}

impl Ssd {
    /// `spec` comes from a verified manifest.
    pub fn new(spec: SsdSpec, settings: Settings) -> Ssd {
        Ssd { list: List::new(spec.list, settings), count: spec.count }
    }

    /// See `Decoder::decode`.
    pub fn decode<'a>(
        &self,
        output: impl Fn(&str) -> Option<RawOutput<'a>>,
        geometry: InputGeometry,
        source: FrameSize,
    ) -> Result<Vec<Detection>, DecodeError> {
        let entries = self.list.entries(&output, geometry)?;
        let count = self.counted(&output, entries.places(), geometry)?;
        self.list.people(entries, Counted::First(count, &self.count), geometry, source)
    }

    fn counted<'a>(
        &self,
        output: &impl Fn(&str) -> Option<RawOutput<'a>>,
        places: usize,
        geometry: InputGeometry,
    ) -> Result<usize, DecodeError> {
        let name = &self.count;
        let raw = output(name).ok_or_else(|| DecodeError::Missing { output: name.clone() })?;
        if raw.values.len() != 1 {
            return Err(table::shape(name, raw, "one number".to_owned(), geometry));
        }
        let count = raw.values.at(0);
        // Written so that NaN is no count.
        match count.fract() == 0.0 && (0.0..=places as f64).contains(&count) {
            true => Ok(count as usize),
            false => Err(DecodeError::Count { output: name.clone(), count, max: places }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::package::{
        BoxOrder, BoxSource, BoxUnit, LabelSource, ListSpec, ScoreKind, ScoreSource, ShareKind,
        Source,
    };
    use super::super::Values;
    use super::*;

    fn ssd() -> Ssd {
        let source = |output: &str| Source { output: output.into(), column: None };
        let list = ListSpec {
            boxes: BoxSource {
                source: source("boxes"),
                order: BoxOrder::Tlbr,
                unit: BoxUnit::Fractions,
            },
            scores: ScoreSource {
                source: source("scores"),
                kind: ScoreKind::Each(ShareKind::Shares),
            },
            labels: Some(LabelSource { source: source("classes"), first: 1 }),
        };
        let settings = Settings { candidate: 0.3, nms_iou: None, classes: 1, person: 0 };
        Ssd::new(SsdSpec { list, count: "num".into() }, settings)
    }

    /// Three places, of which the first two are people.
    fn decode(count: Values<'_>, shape: &[i64]) -> Result<usize, DecodeError> {
        let boxes = [0.1, 0.2, 0.9, 0.4, 0.1, 0.5, 0.9, 0.7, 0.0, 0.0, 0.0, 0.0];
        let output = |name: &str| {
            Some(match name {
                "boxes" => RawOutput { shape: &[1, 3, 4], values: Values::F32(&boxes) },
                "scores" => RawOutput { shape: &[1, 3], values: Values::F32(&[0.9, 0.5, 0.0]) },
                "classes" => RawOutput { shape: &[1, 3], values: Values::F32(&[1.0, 1.0, 0.0]) },
                _ => RawOutput { shape, values: count },
            })
        };
        let geometry = InputGeometry {
            content_width: 300,
            content_height: 300,
            tensor_width: 300,
            tensor_height: 300,
        };
        let size = FrameSize::new(640, 480).expect("positive");
        let found = ssd().decode(output, geometry, size)?;
        // A stretched picture's boxes are its own shares of it.
        let best = found[0].bounds;
        assert_eq!((best.left(), best.width()), (128.0, 128.0));
        assert_eq!((best.top(), best.height()), (48.0, 384.0));
        Ok(found.len())
    }

    #[test]
    fn so_many_count_as_the_model_says() {
        for (count, shape) in [
            (Values::F32(&[2.0]), [1].as_slice()),
            (Values::F32(&[3.0]), [1].as_slice()),
            (Values::I32(&[2]), [1, 1].as_slice()),
            (Values::I64(&[2]), [].as_slice()),
        ] {
            assert_eq!(decode(count, shape), Ok(2), "{count:?}");
        }
    }

    #[test]
    fn a_count_that_contradicts_the_list_is_an_error() {
        for bad in [4.0, -1.0, 1.5, 1e30, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let got = decode(Values::F32(&[bad]), &[1]);
            assert!(matches!(got, Err(DecodeError::Count { max: 3, .. })), "{bad}: {got:?}");
        }
        for bad in [i64::MAX, i64::MIN, 4, -1] {
            assert!(matches!(
                decode(Values::I64(&[bad]), &[1]),
                Err(DecodeError::Count { max: 3, .. })
            ));
        }
        for bad in [Values::F32(&[]), Values::F32(&[2.0, 2.0])] {
            assert!(matches!(decode(bad, &[2]), Err(DecodeError::Shape { .. })));
        }
    }

    #[test]
    fn people_whom_the_count_leaves_out_are_no_reason_to_be_quiet() {
        for (count, place) in [(0.0, 0), (1.0, 1)] {
            let got = decode(Values::F32(&[count]), &[1]);
            assert!(
                matches!(got, Err(DecodeError::BeyondCount { place: at, .. }) if at == place),
                "{got:?}"
            );
        }
    }
}
