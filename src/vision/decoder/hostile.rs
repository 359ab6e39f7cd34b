//! Whatever a model returns, no decoder panics, and what it gives are boxes in the picture.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::package::{
    BoxOrder, BoxSource, BoxUnit, DecoderSpec, GridBoxes, LabelSource, ListSpec, NanodetOutput,
    NanodetSpec, ScoreKind, ScoreSource, ShareKind, Source, SsdSpec, YoloxSpec,
};
use super::*;

const CANDIDATE: f32 = 0.3;

/// 64x32 pixels, of which 64x24 are content.
const GEOMETRY: InputGeometry =
    InputGeometry { content_width: 64, content_height: 24, tensor_width: 64, tensor_height: 32 };

/// Outputs of a model with the shapes they must have.
type Outputs = Vec<(&'static str, Vec<i64>)>;

fn list(order: BoxOrder, unit: BoxUnit, kind: ScoreKind, labels: Option<i64>) -> ListSpec {
    let source = |output: &str| Source { output: output.into(), column: None };
    ListSpec {
        boxes: BoxSource { source: source("boxes"), order, unit },
        scores: ScoreSource { source: source("scores"), kind },
        labels: labels.map(|first| LabelSource { source: source("labels"), first }),
    }
}

/// One decoder of each kind, and lists read in several ways.
fn kinds(places: i64) -> Vec<(DecoderSpec, Outputs)> {
    let nanodet = NanodetSpec {
        strides: vec![32],
        bins: 2,
        outputs: vec![NanodetOutput { stride: 32, scores: "scores".into(), boxes: "boxes".into() }],
    };
    let yolox = |boxes, scores| {
        let spec = YoloxSpec { output: "output".into(), strides: vec![32], boxes, scores };
        (DecoderSpec::Yolox(spec), vec![("output", vec![1, 2, 7])])
    };
    let shares = ScoreKind::Each(ShareKind::Shares);
    let logits = ScoreKind::Each(ShareKind::Logits);
    let boxes = ("boxes", vec![1, places, 4]);
    let scores = ("scores", vec![1, places]);
    let labels = ("labels", vec![1, places]);
    let of_classes = ("scores", vec![1, places, 2]);
    let ssd = SsdSpec {
        list: list(BoxOrder::Tlbr, BoxUnit::Fractions, shares, Some(0)),
        count: "count".into(),
    };
    let labelled = list(BoxOrder::Ltrb, BoxUnit::Pixels, logits, Some(0));
    let softmax = list(BoxOrder::Cxcywh, BoxUnit::Fractions, ScoreKind::Softmax, None);
    vec![
        (DecoderSpec::Nanodet(nanodet), vec![("scores", vec![1, 2, 2]), ("boxes", vec![1, 2, 8])]),
        yolox(GridBoxes::Cells, ShareKind::Shares),
        yolox(GridBoxes::Pixels, ShareKind::Logits),
        (
            DecoderSpec::Ssd(ssd),
            vec![boxes.clone(), scores.clone(), labels.clone(), ("count", vec![1])],
        ),
        (DecoderSpec::EndToEnd(labelled), vec![boxes.clone(), scores, labels]),
        (DecoderSpec::EndToEnd(softmax), vec![boxes, of_classes]),
    ]
}

/// Mostly what a model could return.
fn number() -> impl Strategy<Value = f32> {
    prop_oneof![
        8 => 0.0_f32..1.0,
        4 => (0_u8..3).prop_map(f32::from),
        2 => -80.0_f32..80.0,
        1 => proptest::num::f32::ANY,
        1 => prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(f32::MAX), Just(f32::MIN)],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_answer_panics_and_every_box_lies_in_the_picture(
        places in 0_i64..4,
        numbers in vec(number(), 1..64),
        wrong in option::weighted(0.2, (0_usize..4, vec(-2_i64..9, 0..4))),
    ) {
        let source = FrameSize::new(128, 48).expect("positive");
        let settings =
            Settings { candidate: CANDIDATE, nms_iou: Some(0.6), classes: 2, person: 0 };
        for (spec, mut outputs) in kinds(places) {
            if let Some((which, shape)) = &wrong {
                let which = which % outputs.len();
                outputs[which].1 = shape.clone();
            }
            let values: Vec<Vec<f32>> = outputs.iter().enumerate().map(|(n, (_, shape))| {
                let length = shape.iter().product::<i64>().clamp(0, 512) as usize;
                numbers.iter().copied().cycle().skip(n).take(length).collect()
            }).collect();
            let output = |name: &str| {
                let place = outputs.iter().position(|(known, _)| *known == name)?;
                Some(RawOutput { shape: &outputs[place].1, values: Values::F32(&values[place]) })
            };
            let found = Decoder::new(&spec, settings).decode(output, GEOMETRY, source);
            for it in found.unwrap_or_default() {
                let b = it.bounds;
                prop_assert!(b.left() >= 0.0 && b.top() >= 0.0, "{spec:?}: {it:?}");
                prop_assert!(b.right() <= 128.0 && b.bottom() <= 48.0, "{spec:?}: {it:?}");
                prop_assert!(it.score.get() >= CANDIDATE, "{spec:?}: {it:?}");
            }
        }
    }
}

#[test]
fn a_sound_answer_is_no_hostile_one() {
    let source = FrameSize::new(128, 48).expect("positive");
    let settings = Settings { candidate: CANDIDATE, nms_iou: Some(0.6), classes: 2, person: 0 };
    // Halves are a share, a logit, a place and a size; labels and counts are whole.
    for (spec, outputs) in kinds(1) {
        let values: Vec<Vec<f32>> = (outputs.iter())
            .map(|(name, shape)| {
                let value = match *name {
                    "labels" => 0.0,
                    "count" => 1.0,
                    _ => 0.6,
                };
                vec![value; shape.iter().product::<i64>() as usize]
            })
            .collect();
        let output = |name: &str| {
            let place = outputs.iter().position(|(known, _)| *known == name)?;
            Some(RawOutput { shape: &outputs[place].1, values: Values::F32(&values[place]) })
        };
        let found = Decoder::new(&spec, settings).decode(output, GEOMETRY, source);
        assert!(found.is_ok(), "{spec:?}: {found:?}");
    }
}
