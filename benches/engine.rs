//! The decision's cost: tracker, zones, whole step. The same code as production.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use standclear::engine::detection::{Detection, FrameSize, PixelBox, Score};
use standclear::engine::geometry::Area;
use standclear::engine::time::Instant;
use standclear::engine::tracking::Tracker;
use standclear::engine::zone::{Crowd, Look, Occupancy, Pace, Rules, Sighting, Telling};
use standclear::engine::{
    Anchor, Arming, CameraIndex, CameraSpec, Criterion as Inside, DisarmedBy, Engine, FrameReport,
    Input, Restored, Site, Verdict, ZoneIndex, ZoneSpec,
};

/// A fixed sequence without pattern: the multiplier of Knuth's MMIX generator.
fn numbers() -> impl FnMut() -> f64 {
    let mut state = 7u64;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn size() -> FrameSize {
    FrameSize::new(1920, 1080).expect("positive")
}

/// Where things are.
#[derive(Clone, Copy, Debug)]
enum Where {
    /// Anywhere in the picture.
    Spread,
    /// All in one place, each inside every other.
    Together,
}

/// Six-cornered zones a tenth of the picture wide.
fn zones(count: usize, place: Where) -> Vec<Area> {
    let mut next = numbers();
    let zone = |x: f64, y: f64| {
        let (w, h) = (0.1, 0.1);
        let ring = [(0.2, 0.0), (0.8, 0.0), (1.0, 0.5), (0.8, 1.0), (0.2, 1.0), (0.0, 0.5)];
        let ring = ring.iter().map(|(a, b)| (x + a * w, y + b * h)).collect();
        Area::new(&[vec![ring]]).expect("valid")
    };
    let mut corner = || match place {
        Where::Spread => (next() * 0.9, next() * 0.9),
        Where::Together => (0.45 + 0.001 * next(), 0.45 + 0.001 * next()),
    };
    (0..count).map(|_| corner()).map(|(x, y)| zone(x, y)).collect()
}

fn people(count: usize, place: Where) -> Vec<Detection> {
    let mut next = numbers();
    (0..count)
        .map(|_| {
            let (x, y) = match place {
                Where::Spread => (next() * 1880.0, next() * 980.0),
                Where::Together => (880.0 + 120.0 * next(), 420.0 + 60.0 * next()),
            };
            Detection {
                bounds: PixelBox::new(x, y, 40.0, 100.0).expect("a box"),
                score: Score::new(0.3 + 0.6 * next() as f32).expect("a score"),
            }
        })
        .collect()
}

fn tracking(c: &mut Criterion) {
    for count in [10, 100] {
        let seen = people(count, Where::Spread);
        let mut tracker = Tracker::default();
        let mut picture = 0;
        c.bench_function(&format!("tracking step, {count} people"), |b| {
            b.iter(|| {
                picture += 1;
                black_box(tracker.update(black_box(&seen), Instant::from_millis(100 * picture)))
            });
        });
    }
}

fn zone_step(c: &mut Criterion) {
    let seen = people(100, Where::Spread);
    let sighting = |detection: &Detection| Sighting {
        detection: *detection,
        track: None,
        anchor: Anchor::of_box(detection, size()),
        verdict: Verdict::Person,
    };
    let sightings: Vec<Sighting> = seen.iter().map(sighting).collect();
    for count in [10, 1_000, 10_000] {
        let zone = |area| Occupancy::new(area, Inside::Foot, Rules::DEFAULT);
        let mut zones: Vec<Occupancy> = zones(count, Where::Spread).into_iter().map(zone).collect();
        let mut pictures: Vec<Instant> = (0..8).map(|i| Instant::from_millis(100 * i)).collect();
        let mut picture = 8;
        c.bench_function(&format!("zone step, {count} zones x 100 people"), |b| {
            b.iter(|| {
                picture += 1;
                pictures.remove(0);
                pictures.push(Instant::from_millis(100 * picture));
                let crowd = Crowd::new(black_box(&sightings).clone(), size());
                let look = Look {
                    crowd: &crowd,
                    size: size(),
                    at: Instant::from_millis(100 * picture),
                    pace: Pace::of(&pictures),
                    telling: Telling::Tell,
                };
                for zone in &mut zones {
                    black_box(zone.look(look));
                }
            });
        });
    }
}

/// All zones on one camera: the worst that so many zones can cost.
fn whole_step(c: &mut Criterion) {
    use Where::{Spread, Together};
    for (zone_count, person_count, zones_are, people_are) in [
        (4, 10, Spread, Spread),
        (1_000, 100, Spread, Spread),
        (10_000, 100, Spread, Spread),
        (1_000, 100, Spread, Together),
        (1_000, 100, Together, Together),
    ] {
        let zone = |area| ZoneSpec::restricted(area, Rules::DEFAULT);
        let zones = zones(zone_count, zones_are).into_iter().map(zone).collect();
        let site = Site { cameras: vec![CameraSpec { zones, ..CameraSpec::default() }] };
        let mut engine = Engine::new(site, &Restored::default(), Instant::ZERO);
        let seen = people(person_count, people_are);
        let mut picture = 0;
        let name = format!(
            "whole engine step, {zone_count} zones ({zones_are:?}) x {person_count} people \
             ({people_are:?})"
        );
        let mut group = c.benchmark_group("site");
        group.sample_size(20);
        group.bench_function(&name, |b| {
            b.iter(|| {
                picture += 1;
                let now = Instant::from_millis(100 * picture);
                let report = FrameReport {
                    camera: CameraIndex(0),
                    frame: picture,
                    size: size(),
                    captured_at: now,
                    detections: seen.clone(),
                };
                black_box(engine.step(Input::Frame(report), now))
            });
        });
        group.finish();
    }
}

/// The leases of all zones, as the arming thread says them every second.
fn arming(c: &mut Criterion) {
    let mut group = c.benchmark_group("arming");
    group.sample_size(20);
    for count in [10, 1_000] {
        let zone = |area| ZoneSpec::restricted(area, Rules::DEFAULT);
        let zones = zones(count, Where::Spread).into_iter().map(zone).collect();
        let site = Site { cameras: vec![CameraSpec { zones, ..CameraSpec::default() }] };
        let mut engine = Engine::new(site, &Restored::default(), Instant::ZERO);
        let mut second = 0;
        let mut leases = move || {
            second += 1;
            let now = Instant::from_millis(1_000 * second);
            let until = Instant::from_millis(1_000 * second + 3_000);
            let arming = Arming::Disarmed { until, by: DisarmedBy::Schedule };
            let numbers = (0..u16::try_from(count).expect("small")).map(ZoneIndex);
            (numbers.map(|zone| (zone, arming)).collect::<Vec<_>>(), now)
        };
        group.bench_function(format!("{count} zones, a step each"), |b| {
            b.iter(|| {
                let (zones, now) = leases();
                for (zone, arming) in zones {
                    black_box(engine.step(Input::Arm { zone, arming }, now));
                }
            });
        });
        group.bench_function(format!("{count} zones, one step"), |b| {
            b.iter(|| {
                let (zones, now) = leases();
                black_box(engine.step(Input::ArmMany { zones }, now))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, tracking, zone_step, whole_step, arming);
criterion_main!(benches);
