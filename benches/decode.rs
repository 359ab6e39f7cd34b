//! Model output to boxes, duplicates removed, for a quiet and a crowded picture at 640x480.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use standclear::engine::detection::FrameSize;
use standclear::vision::decoder::{RawOutput, Values};
use standclear::vision::package::ModelPackage;
use standclear::vision::preprocess::InputGeometry;

const GEOMETRY: InputGeometry = InputGeometry {
    content_width: 640,
    content_height: 480,
    tensor_width: 640,
    tensor_height: 480,
};

/// Per stride: its number, the shapes, scores and logits.
type Level = (String, [i64; 3], [i64; 3], Vec<f32>, Vec<f32>);

/// Every person lights up a cluster of 3x3 cells on one stride, as the real model does.
fn outputs(people: usize) -> Vec<Level> {
    let mut levels = Vec::new();
    for (level, stride) in [8, 16, 32].into_iter().enumerate() {
        let (columns, rows) = (640 / stride, 480 / stride);
        let cells = columns * rows;
        let mut scores = vec![0.01; cells];
        for person in (0..people).filter(|person| person % 3 == level) {
            let (x, y) = (1 + person * 5 % (columns - 3), 1 + person * 3 % (rows - 3));
            for near in 0..9 {
                scores[(y + near / 3) * columns + x + near % 3] = 0.3 + 0.05 * near as f32;
            }
        }
        let logits = (0..cells * 44).map(|n| ((n * 31) % 17) as f32 / 4.0).collect();
        let cells = cells as i64;
        levels.push((stride.to_string(), [1, cells, 1], [1, cells, 44], scores, logits));
    }
    levels
}

fn decode(c: &mut Criterion) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/nanodet-g-416-int8");
    let package = ModelPackage::open(&dir).expect("the package that comes with the program");
    let decoder = package.decoder();
    let source = FrameSize::new(768, 576).expect("not empty");
    for people in [3, 40] {
        let levels = outputs(people);
        let output = |name: &str| {
            let (kind, stride) = name.split_once('_')?;
            let (_, of_scores, of_boxes, scores, boxes) = levels.iter().find(|l| l.0 == stride)?;
            Some(match kind {
                "scores" => RawOutput { shape: of_scores, values: Values::F32(scores) },
                _ => RawOutput { shape: of_boxes, values: Values::F32(boxes) },
            })
        };
        c.bench_function(&format!("decode {people} people"), |b| {
            b.iter(|| decoder.decode(output, black_box(GEOMETRY), source).expect("decodes"));
        });
    }
}

criterion_group!(benches, decode);
criterion_main!(benches);
