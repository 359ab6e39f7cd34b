//! End-to-end models: a list of boxes with scores that is final as it is. The DETR family, and exports
//! of other models with the removal of duplicates inside.
//!
//! Whose box an entry is says either its label, or a score for each class. In the second case the
//! person's score counts, also where another class has a higher one.

use crate::engine::detection::{Detection, FrameSize, Score};

use super::super::package::{LabelSource, ListSpec, ScoreKind, Source};
use super::super::preprocess::InputGeometry;
use super::place::Placing;
use super::table::{Table, Wanted};
use super::{DecodeError, RawOutput, Settings, nms, score};

/// The decoder with its settings.
#[derive(Clone, Debug)]
pub struct List {
    spec: ListSpec,
    settings: Settings,
}

/// The list's columns, of the same length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries<'a> {
    boxes: Table<'a>,
    scores: Table<'a>,
    labels: Option<Table<'a>>,
}

/// How many of the entries count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted<'n> {
    All,
    /// The first so many, as that output says.
    First(usize, &'n str),
}

impl List {
    /// `spec` comes from a verified manifest.
    pub fn new(spec: ListSpec, settings: Settings) -> List {
        List { spec, settings }
    }

    /// See `Decoder::decode`.
    pub fn decode<'a>(
        &self,
        output: impl Fn(&str) -> Option<RawOutput<'a>>,
        geometry: InputGeometry,
        source: FrameSize,
    ) -> Result<Vec<Detection>, DecodeError> {
        let entries = self.entries(&output, geometry)?;
        self.people(entries, Counted::All, geometry, source)
    }

    /// The columns, if they have the shapes that the manifest promises.
    pub(super) fn entries<'a>(
        &self,
        output: &impl Fn(&str) -> Option<RawOutput<'a>>,
        geometry: InputGeometry,
    ) -> Result<Entries<'a>, DecodeError> {
        let ListSpec { boxes, scores, labels } = &self.spec;
        let of_scores = match labels {
            Some(_) => Wanted::Number,
            None => Wanted::Line(self.settings.classes),
        };
        let read = |source: &Source, wanted| Table::read(output, source, wanted, geometry);
        let entries = Entries {
            boxes: read(&boxes.source, Wanted::Line(4))?,
            scores: read(&scores.source, of_scores)?,
            labels: match labels {
                Some(labels) => Some(read(&labels.source, Wanted::Number)?),
                None => None,
            },
        };
        let places = entries.places();
        let of_labels = labels.as_ref().zip(entries.labels);
        let others = [(&scores.source, entries.scores)].into_iter();
        for (source, table) in others.chain(of_labels.map(|(it, table)| (&it.source, table))) {
            if table.places() != places {
                return Err(DecodeError::Shape {
                    output: source.output.clone(),
                    got: vec![table.places() as i64],
                    expected: format!("{places} entries, as `{}` has", boxes.source.output),
                    width: geometry.tensor_width,
                    height: geometry.tensor_height,
                });
            }
        }
        Ok(entries)
    }

    /// Everybody among the entries, best score first.
    pub(super) fn people(
        &self,
        entries: Entries<'_>,
        counted: Counted<'_>,
        geometry: InputGeometry,
        source: FrameSize,
    ) -> Result<Vec<Detection>, DecodeError> {
        let boxes = &self.spec.boxes;
        let placing = Placing::new(boxes.order, boxes.unit, geometry, source);
        let mut found = Vec::new();
        for place in 0..entries.places() {
            let Some(score) = self.person(entries, place)? else {
                continue;
            };
            if let Counted::First(count, output) = counted
                && place >= count
            {
                return Err(DecodeError::BeyondCount { output: output.to_owned(), count, place });
            }
            let numbers = [0, 1, 2, 3].map(|n| entries.boxes.at(place, n));
            if let Some(bounds) = placing.bounds(numbers, &boxes.source.output, place)? {
                found.push(Detection { bounds, score });
            }
        }
        Ok(nms::finish(found, self.settings.nms_iou))
    }

    /// The score of a place that shows a person and is looked at.
    fn person(&self, entries: Entries<'_>, place: usize) -> Result<Option<Score>, DecodeError> {
        let Settings { candidate, classes, person, .. } = self.settings;
        let output = &self.spec.scores.source.output;
        let column = if self.spec.labels.is_some() { 0 } else { person };
        let share = match self.spec.scores.kind {
            ScoreKind::Each(kind) => {
                score::share(kind, entries.scores.at(place, column), output, place)?
            }
            ScoreKind::Softmax => {
                let all = (0..classes).map(|class| entries.scores.at(place, class));
                score::softmax(all, person, output, place)?
            }
        };
        let score = score::candidate(share, candidate);
        match (score, &self.spec.labels, entries.labels) {
            // The label of an entry that is not looked at may be anything.
            (Some(score), Some(labels), Some(table)) => {
                let class = class_of(table.at(place, 0), labels, classes, place)?;
                Ok((class == person).then_some(score))
            }
            (score, _, _) => Ok(score),
        }
    }
}

impl Entries<'_> {
    pub(super) fn places(&self) -> usize {
        self.boxes.places()
    }
}

/// The class that a label means, a place in the manifest's list.
fn class_of(
    label: f64,
    labels: &LabelSource,
    classes: usize,
    place: usize,
) -> Result<usize, DecodeError> {
    let last = labels.first + classes as i64 - 1;
    let class = label - labels.first as f64;
    // Labels are whole numbers; written so that NaN is none.
    match class.fract() == 0.0 && (0.0..classes as f64).contains(&class) {
        true => Ok(class as usize),
        false => Err(DecodeError::Label {
            output: labels.source.output.clone(),
            place,
            label,
            first: labels.first,
            last,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::package::{BoxOrder, BoxSource, BoxUnit, ScoreSource, ShareKind};
    use super::super::Values;
    use super::*;

    const GEOMETRY: InputGeometry = InputGeometry {
        content_width: 100,
        content_height: 100,
        tensor_width: 100,
        tensor_height: 100,
    };

    fn source(output: &str, column: Option<u32>) -> Source {
        Source { output: output.into(), column }
    }

    fn spec(kind: ScoreKind, labels: Option<LabelSource>) -> ListSpec {
        ListSpec {
            boxes: BoxSource {
                source: source("boxes", None),
                order: BoxOrder::Ltrb,
                unit: BoxUnit::Pixels,
            },
            scores: ScoreSource { source: source("scores", None), kind },
            labels,
        }
    }

    fn labels(first: i64) -> Option<LabelSource> {
        Some(LabelSource { source: source("labels", None), first })
    }

    const SHARES: ScoreKind = ScoreKind::Each(ShareKind::Shares);

    /// Two classes, of which the second is the person.
    fn decode(
        spec: ListSpec,
        outputs: &[(&str, &[i64], Values<'_>)],
    ) -> Result<Vec<f32>, DecodeError> {
        let settings = Settings { candidate: 0.3, nms_iou: None, classes: 2, person: 1 };
        let output = |name: &str| {
            let (_, shape, values) = outputs.iter().find(|(known, _, _)| *known == name)?;
            Some(RawOutput { shape, values: *values })
        };
        let size = FrameSize::new(100, 100).expect("positive");
        let found = List::new(spec, settings).decode(output, GEOMETRY, size)?;
        Ok(found.iter().map(|it| it.score.get()).collect())
    }

    const BOXES: [f32; 12] =
        [10.0, 10.0, 20.0, 40.0, 10.0, 10.0, 20.0, 40.0, 50.0, 10.0, 60.0, 40.0];

    #[test]
    fn the_label_says_whose_box_it_is_and_the_same_place_twice_is_two_people() {
        let outputs = |labels: Values<'static>| {
            [
                ("boxes", [1, 3, 4].as_slice(), Values::F32(&BOXES)),
                ("scores", [1, 3].as_slice(), Values::F32(&[0.5, 0.9, 0.75])),
                ("labels", [1, 3].as_slice(), labels),
            ]
        };
        let of = |first, values| decode(spec(SHARES, labels(first)), &outputs(values));
        assert_eq!(of(0, Values::I64(&[1, 1, 0])), Ok(vec![0.9, 0.5]));
        assert_eq!(of(1, Values::I32(&[2, 2, 1])), Ok(vec![0.9, 0.5]));
        assert_eq!(of(-7, Values::F32(&[-7.0, -7.0, -6.0])), Ok(vec![0.75]));
    }

    #[test]
    fn a_score_a_class_counts_for_the_person_also_where_another_class_is_likelier() {
        let outputs = |scores: &'static [f32]| {
            [
                ("boxes", [1, 3, 4].as_slice(), Values::F32(&BOXES)),
                ("scores", [1, 3, 2].as_slice(), Values::F32(scores)),
            ]
        };
        let shares = &[0.9, 0.5, 0.9, 0.1, 0.0, 0.75];
        assert_eq!(decode(spec(SHARES, None), &outputs(shares)), Ok(vec![0.75, 0.5]));
        let logits = &[9.0, 0.0, 0.0, -9.0, 0.0, -9.0];
        let kind = ScoreKind::Each(ShareKind::Logits);
        assert_eq!(decode(spec(kind, None), &outputs(logits)), Ok(vec![0.5]));
        // Two that are equally likely, nobody, somebody.
        let found =
            decode(spec(ScoreKind::Softmax, None), &outputs(&[7.0, 7.0, 9.0, 0.0, 0.0, 99.0]));
        assert_eq!(found, Ok(vec![1.0, 0.5]));
    }

    #[test]
    fn all_columns_may_stand_in_one_output() {
        let spec = ListSpec {
            boxes: BoxSource {
                source: source("rows", Some(1)),
                order: BoxOrder::Ltrb,
                unit: BoxUnit::Pixels,
            },
            scores: ScoreSource { source: source("rows", Some(6)), kind: SHARES },
            labels: Some(LabelSource { source: source("rows", Some(5)), first: 0 }),
        };
        let rows = [0.0, 10.0, 10.0, 20.0, 40.0, 1.0, 0.5, 0.0, 50.0, 10.0, 60.0, 40.0, 0.0, 0.9];
        let found = decode(spec.clone(), &[("rows", &[1, 2, 7], Values::F32(&rows))]);
        assert_eq!(found, Ok(vec![0.5]));
        let found = decode(spec, &[("rows", &[1, 2, 6], Values::F32(&rows[..12]))]);
        assert!(matches!(found, Err(DecodeError::Shape { .. })), "{found:?}");
    }

    #[test]
    fn shapes_that_contradict_each_other_are_errors() {
        let boxes = Values::F32(&BOXES);
        let three = Values::F32(&[0.5; 3]);
        let cases: [(&[i64], &[i64], &[i64]); 9] = [
            (&[1, 3, 4], &[1, 2], &[1, 3]),
            (&[1, 3, 4], &[1, 3], &[1, 2]),
            (&[1, 2, 4], &[1, 3], &[1, 3]),
            (&[3, 1, 4], &[1, 3], &[1, 3]),
            (&[1, 3], &[1, 3], &[1, 3]),
            (&[1, 3, 4], &[1, 3, 1], &[1, 3]),
            (&[1, -3, -4], &[1, 3], &[1, 3]),
            (&[1, i64::MAX, 4], &[1, 3], &[1, 3]),
            (&[], &[], &[]),
        ];
        for (of_boxes, of_scores, of_labels) in cases {
            let outputs = [
                ("boxes", of_boxes, boxes),
                ("scores", of_scores, three),
                ("labels", of_labels, three),
            ];
            let found = decode(spec(SHARES, labels(0)), &outputs);
            assert!(matches!(found, Err(DecodeError::Shape { .. })), "{of_boxes:?} {found:?}");
        }
        // Each whole, and of different lengths.
        let two = Values::F32(&[0.5; 2]);
        for (scores, of_labels, culprit) in [(two, three, "scores"), (three, two, "labels")] {
            let length = |values: Values<'_>| [1, values.len() as i64];
            let (of_scores, labels_shape) = (length(scores), length(of_labels));
            let outputs = [
                ("boxes", [1, 3, 4].as_slice(), boxes),
                ("scores", of_scores.as_slice(), scores),
                ("labels", labels_shape.as_slice(), of_labels),
            ];
            let found = decode(spec(SHARES, labels(0)), &outputs);
            assert!(
                matches!(&found, Err(DecodeError::Shape { output, .. }) if output == culprit),
                "{found:?}"
            );
        }
        let outputs = [("boxes", [1, 3, 4].as_slice(), boxes)];
        let found = decode(spec(SHARES, None), &outputs);
        assert_eq!(found, Err(DecodeError::Missing { output: "scores".into() }));
    }

    #[test]
    fn a_label_that_no_class_has_is_an_error_where_the_entry_is_looked_at() {
        let found = |score: f32, label: f32| {
            let (scores, of_label) = ([score], [label]);
            let outputs = [
                ("boxes", [1, 1, 4].as_slice(), Values::F32(&BOXES[..4])),
                ("scores", [1, 1].as_slice(), Values::F32(&scores)),
                ("labels", [1, 1].as_slice(), Values::F32(&of_label)),
            ];
            decode(spec(SHARES, labels(1)), &outputs)
        };
        for label in [0.0, 3.0, 1.5, -1.0, f32::NAN, f32::INFINITY, f32::MAX, f32::MIN] {
            assert!(matches!(found(0.5, label), Err(DecodeError::Label { .. })), "{label}");
            assert_eq!(found(0.1, label), Ok(vec![]));
        }
        assert_eq!(found(0.5, 2.0), Ok(vec![0.5]));
    }
}
