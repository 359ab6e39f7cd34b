//! Picture to model input, at the sizes of a 4:3 and a 16:9 camera; the same code as production.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use standclear::vision::package::ModelPackage;
use standclear::vision::preprocess::{Fit, PictureRef, Prepared, Preprocessor};

fn preprocess(c: &mut Criterion) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/nanodet-g-416-int8");
    let package = ModelPackage::open(&dir).expect("the package that comes with the program");
    let preprocessor = Preprocessor::new(&package.manifest().input, Fit::new(640, 32));
    for (width, height) in [(640, 480), (640, 360)] {
        let bytes: Vec<u8> = (0..width * height * 3).map(|n| (n * 7 % 251) as u8).collect();
        let picture = PictureRef::new(&bytes, width, height, width * 3).expect("fits");
        let mut prepared = Prepared::default();
        c.bench_function(&format!("preprocess {width}x{height}"), |b| {
            b.iter(|| preprocessor.prepare(black_box(&picture), &mut prepared));
        });
    }
}

criterion_group!(benches, preprocess);
criterion_main!(benches);
