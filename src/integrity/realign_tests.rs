//! Zones moved with the view: what was measured of it puts every point where the picture went.

use std::time::Duration;

use crate::engine::time::Instant;
use crate::engine::view_fault::ViewFault;

use super::faults::{Canvas, FaultKind, FaultSpan, Injector};
use super::known::resized;
use super::scenes::{noisy, yard};
use super::{Grey, Hour, Known, Shift, Watch};

/// The camera's picture, and the one that is looked at.
const SOURCE: (usize, usize) = (512, 288);
const LOOKED_AT: (usize, usize) = (256, 144);

/// A point of a zone may be off by so much afterwards, of the picture's width: 3 pixels of 1920,
/// less than half of what is told as moved.
const OFF_MAX: f64 = 3.0 / 1920.0;

/// Corners of a zone, of the frame.
const ZONE: [(f64, f64); 4] = [(0.1, 0.3), (0.9, 0.35), (0.8, 0.95), (0.15, 0.9)];

/// The yard as the camera sees it with this fault; brightness only.
fn seen(kind: Option<FaultKind>) -> Grey {
    let (width, height) = SOURCE;
    let yard = yard(width, height, 0.0, 0.0);
    let mut bytes: Vec<u8> = yard.luma().iter().flat_map(|&y| [y, y, y]).collect();
    if let Some(kind) = kind {
        let span = FaultSpan { kind, from: Duration::ZERO, to: Duration::from_secs(9) };
        let canvas = Canvas::new(&mut bytes, width, height, width * 3).expect("whole");
        Injector::new(vec![span]).paint(canvas, Duration::from_secs(1));
    }
    let (grey, _) = Grey::from_bgr(bytes.chunks(width * 3), width).expect("whole");
    resized(&grey, LOOKED_AT.0, LOOKED_AT.1).expect("the same shape")
}

/// What is measured once it is told.
fn measured(kind: FaultKind) -> Shift {
    let known = Known { reference: Some(seen(None)), ..Known::default() };
    let (mut watch, view) = (Watch::restored(known), seen(Some(kind)));
    let mut last = None;
    for picture in 0..45 {
        let grey = noisy(&view, 2.0, picture);
        let (tone, at) = (grey.tone(0, 0), Instant::from_millis(1_000_000 + picture * 200));
        last = Some(watch.look(grey, tone, at, Hour::new(12)));
    }
    let look = last.expect("there were pictures");
    assert!(look.findings.iter().any(|it| it.fault == ViewFault::Moved), "{:?}", look.findings);
    look.shift.expect("it is known where it went")
}

/// The worst point of the zone, of the picture's width, moved by what was measured against where the
/// picture of it `went`, frame fractions from the middle.
fn worst(shift: Shift, went: impl Fn(f64, f64) -> (f64, f64)) -> f64 {
    let (width, height) = (LOOKED_AT.0 as f64, LOOKED_AT.1 as f64);
    let off = |&(x, y): &(f64, f64)| {
        let (x, y) = ((x - 0.5) * width, (y - 0.5) * height);
        let (right, down) = shift.at(x, y);
        let (true_x, true_y) = went(x / width, y / width);
        (right / width - (true_x - x / width)).hypot(down / width - (true_y - y / width))
    };
    ZONE.iter().map(off).fold(0.0, f64::max)
}

#[test]
fn zones_moved_by_what_was_measured_lie_where_the_picture_went() {
    let shifted = worst(measured(FaultKind::Shift), |x, y| (x + 10.0 / 1920.0, y));
    assert!(shifted <= OFF_MAX, "{:.2} of 1920", shifted * 1920.0);
    let (sin, cos) = 1f64.to_radians().sin_cos();
    let turned = worst(measured(FaultKind::Rotate), |x, y| (x * cos - y * sin, x * sin + y * cos));
    assert!(turned <= OFF_MAX, "{:.2} of 1920", turned * 1920.0);
    // Left as they were they would be off by more than is told.
    let left = worst(Shift::NONE, |x, y| (x * cos - y * sin, x * sin + y * cos));
    assert!(left > 7.0 / 1920.0, "{:.2} of 1920", left * 1920.0);
}
