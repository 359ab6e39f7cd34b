//! Looking closer where the zones are: on the real footage, with the real model.

#![cfg(feature = "vision")]

mod support;

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::thread;

use standclear::engine::detection::{Detection, FrameSize};
use standclear::link::{
    self, DecoderChoice, DetailChoice, DetailZone, Ending, FromWorker, Report, Source, ToWorker,
    WorkerCamera, WorkerConfig,
};
use standclear::vision::detail::alike::Alike;
use standclear::vision::detail::budget::Allow;
use standclear::vision::detail::{Clock, Detail};
use standclear::vision::inference::{Detector, GoldenCheck, Options};
use standclear::vision::offline::{DetailOptions, Offline, OfflineOptions};
use standclear::vision::package::ModelPackage;
use standclear::vision::preprocess::PictureRef;
use standclear::vision::worker;

/// The walkway's far end: people there are some 60 of 576 lines high.
fn far_zone() -> DetailZone {
    DetailZone {
        left_norm: 0.0,
        top_norm: 0.22,
        right_norm: 0.8,
        bottom_norm: 0.34,
        person_norm: vec![0.09; 8],
    }
}

/// What is found in every fifth picture, with so many pixels for the whole of it.
fn found(long_side_px: u32, zones: &[DetailZone]) -> Vec<(FrameSize, Vec<Detection>)> {
    let package = ModelPackage::open(&support::model_dir()).expect("the package is whole");
    let options =
        Options { long_side_px: Some(long_side_px), ..support::options(GoldenCheck::Skip) };
    let mut detector = Detector::load(&package, &options).expect("the model loads");
    let zones = zones.to_vec();
    let detail = DetailOptions {
        long_side_px_max: 768,
        zones: Box::new(move |_| zones.clone()),
        faults: Vec::new(),
    };
    let options = OfflineOptions { fps: Some(2.0) };
    let footage = support::footage();
    let frames = Offline::open_detailed(&footage, &mut detector, options, detail);
    let frames = frames.expect("the footage opens").map(|frame| frame.expect("a picture"));
    frames.map(|frame| (frame.source_size, frame.detections)).collect()
}

/// People whose feet are in the far zone and who are seen surely enough to be believed.
fn far(detections: &[Detection], size: FrameSize, score_min: f32) -> Vec<Detection> {
    let zone = far_zone();
    let inside = |it: &&Detection| {
        let (x, y) = it.bounds.anchor_norm(size);
        (zone.left_norm..=zone.right_norm).contains(&x)
            && (zone.top_norm..=zone.bottom_norm).contains(&y)
            && it.score.get() >= score_min
    };
    detections.iter().filter(inside).copied().collect()
}

#[test]
fn small_people_in_a_zone_are_found_that_the_whole_picture_does_not_show() {
    // A third of the footage's size: people in the zone have 20 lines for the model.
    let (whole, closer) = (found(256, &[]), found(256, &[far_zone()]));
    // Who is really there, as far as the same model can tell with six times the pixels.
    let truth = found(640, &[]);
    let (mut people, mut with, mut without) = (0, 0, 0);
    for ((truth, whole), closer) in truth.iter().zip(&whole).zip(&closer) {
        let size = truth.0;
        for person in far(&truth.1, size, 0.4) {
            let same = |it: &Detection| it.bounds.iou(person.bounds) >= 0.5;
            people += 1;
            with += usize::from(closer.1.iter().any(same));
            without += usize::from(whole.1.iter().any(same));
        }
    }
    assert!(people >= 10, "{people}");
    assert!(with > without, "{with} of {people} with, {without} without");
}

/// A box that has time for crops up to a size, and for larger ones never.
struct SlowBox {
    most_px: usize,
    looked_at: Vec<usize>,
}

impl Clock for SlowBox {
    fn allows(&mut self, cost_px: usize) -> Allow {
        self.ever_allows(cost_px)
    }

    fn ever_allows(&self, cost_px: usize) -> Allow {
        if cost_px > self.most_px { Allow::Stop } else { Allow::Go }
    }

    fn whole(&mut self, _cost_px: usize, _took_ns: u64) {}

    fn crop(&mut self, cost_px: usize, _took_ns: u64) {
        self.looked_at.push(cost_px);
    }
}

#[test]
fn a_part_for_which_there_is_never_time_is_cut_smaller_and_holds_up_no_other() {
    let package = ModelPackage::open(&support::model_dir()).expect("the package is whole");
    let options = Options { long_side_px: Some(320), ..support::options(GoldenCheck::Skip) };
    let mut detector = Detector::load(&package, &options).expect("the model loads");
    let (width, height) = (1920, 1080);
    let bytes = vec![90; width * height * 3];
    let picture = PictureRef::new(&bytes, width, height, width * 3).expect("fits");
    let size = FrameSize::new(1920, 1080).expect("positive");
    let zone = |left_norm: f64, right_norm: f64, top_norm: f64, bottom_norm: f64| DetailZone {
        left_norm,
        top_norm,
        right_norm,
        bottom_norm,
        person_norm: vec![],
    };
    // One part of about 590 x 560 pixels, and one of about 110 x 90 behind it.
    let zones = vec![zone(0.05, 0.33, 0.2, 0.65), zone(0.9, 0.93, 0.9, 0.91)];
    let mut detail = Detail::new(zones);
    let mut slow = SlowBox { most_px: 448 * 448, looked_at: Vec::new() };
    let mut look = |slow: &mut SlowBox| {
        slow.looked_at.clear();
        detail.look(&mut detector, &picture, size, slow).expect("looked at")
    };
    let first = look(&mut slow);
    assert_eq!((first.parts_planned, first.parts_looked_at), (2, 1), "{:?}", slow.looked_at);
    // Once that has been so for a while its large part comes in tiles that fit.
    for _ in 1..50 {
        assert_eq!(look(&mut slow).parts_planned, 2);
    }
    let second = look(&mut slow);
    assert!(second.parts_planned > 2, "{second:?}");
    assert_eq!(second.parts_looked_at, second.parts_planned);
    assert!(slow.looked_at.iter().sum::<usize>() > 450 * 450, "{:?}", slow.looked_at);
}

#[test]
fn where_there_is_never_time_for_a_larger_whole_picture_parts_of_it_are_looked_at() {
    let package = ModelPackage::open(&support::model_dir()).expect("the package is whole");
    let options = Options { long_side_px: Some(320), ..support::options(GoldenCheck::Skip) };
    let mut detector = Detector::load(&package, &options).expect("the model loads");
    let bytes = vec![90; 768 * 576 * 3];
    let picture = PictureRef::new(&bytes, 768, 576, 768 * 3).expect("fits");
    let size = FrameSize::new(768, 576).expect("positive");
    let everywhere = DetailZone {
        left_norm: 0.0,
        top_norm: 0.1,
        right_norm: 1.0,
        bottom_norm: 1.0,
        person_norm: vec![0.12; 4],
    };
    let mut detail = Detail::new(vec![everywhere]);
    let mut slow = SlowBox { most_px: 150_000, looked_at: Vec::new() };
    let first = detail.look(&mut detector, &picture, size, &mut slow).expect("looked at");
    assert_eq!((first.parts_planned, first.parts_looked_at), (1, 0));
    let mut later = first;
    for _ in 0..101 {
        later = detail.look(&mut detector, &picture, size, &mut slow).expect("looked at");
    }
    assert!(later.parts_planned > 1, "{later:?}");
    assert_eq!(later.parts_looked_at, later.parts_planned);
}

/// A box that has time for a part now and then, by no rule.
struct Hurried(u64);

impl Clock for Hurried {
    fn allows(&mut self, _cost_px: usize) -> Allow {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if self.0 >> 63 == 0 { Allow::Go } else { Allow::Stop }
    }

    fn ever_allows(&self, _cost_px: usize) -> Allow {
        Allow::Go
    }

    fn whole(&mut self, _cost_px: usize, _took_ns: u64) {}

    fn crop(&mut self, _cost_px: usize, _took_ns: u64) {}
}

#[test]
fn an_equal_model_that_looks_alike_finds_the_same_whatever_there_was_time_for() {
    let package = ModelPackage::open(&support::model_dir()).expect("the package is whole");
    let options = Options { long_side_px: Some(256), ..support::options(GoldenCheck::Skip) };
    let load = || Detector::load(&package, &options).expect("the model loads");
    let (mut active, mut shadow) = (load(), load());
    let pictures = [1, 2, 3].map(|number| {
        let file = support::model_dir().join(format!("golden/walkway-{number}.jpg"));
        let mut bytes = image::open(file).expect("a picture").to_rgb8();
        bytes.pixels_mut().for_each(|pixel| pixel.0.reverse());
        bytes
    });
    // Nothing is calibrated: the plan comes of the boxes that the active model sees.
    let zone = DetailZone { person_norm: vec![], bottom_norm: 0.6, ..far_zone() };
    let near = DetailZone { top_norm: 0.6, bottom_norm: 0.9, ..zone.clone() };
    let (mut detail, mut alike) = (Detail::new(vec![zone, near]), Alike::default());
    let (mut hurried, mut plans, mut cut, mut closer) = (Hurried(3), Vec::new(), 0, 0);
    for look in 0..60 {
        let bytes = &pictures[look % 3];
        let (width, height) = (bytes.width() as usize, bytes.height() as usize);
        let picture = PictureRef::new(bytes, width, height, width * 3).expect("fits");
        let size = FrameSize::new(768, 576).expect("positive");
        let by_active = detail.look(&mut active, &picture, size, &mut hurried).expect("looked at");
        let like = detail.fed();
        let by_shadow = alike.look(&mut shadow, (&picture, size), like).expect("looked at");
        assert_eq!(by_shadow.detected.detections, by_active.detected.detections, "look {look}");
        assert_eq!(by_shadow.cost_px, by_active.cost_px, "look {look}");
        if plans.last() != Some(&like.zones) {
            plans.push(like.zones.clone());
        }
        cut += usize::from(by_active.parts_looked_at < by_active.parts_planned);
        closer += by_active.parts_looked_at;
    }
    assert!(plans.len() > 1 && cut > 5 && closer > 20, "{} plans, {cut}, {closer}", plans.len());
}

#[test]
fn two_replays_with_detail_give_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let replay = |name: &str, threads: &str| {
        let events = folder.path().join(name);
        let detections = folder.path().join(format!("{name}.mot"));
        let output = Command::new(env!("CARGO_BIN_EXE_standclear"))
            .arg("replay")
            .arg(support::footage())
            .args(["--zones", "zones/yard-east.json", "--detail", "zones", "--fps", "1"])
            .args(["--long-side", "320", "--threads", threads])
            .arg("--events")
            .arg(&events)
            .arg("--detections")
            .arg(&detections)
            .current_dir(support::root())
            .output()
            .expect("the program starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let read = |path: &Path| fs::read_to_string(path).expect("a file");
        (read(&events), read(&detections))
    };
    let first = replay("first", "1");
    assert_eq!(first, replay("second", "2"));
    assert!(first.1.lines().count() > 50, "nobody was found");
}

#[test]
fn a_live_camera_is_looked_at_closer_and_goes_on_being_reported() {
    let (near, theirs) = UnixStream::pair().expect("a socket pair");
    near.set_read_timeout(Some(support::SOON)).expect("a limit");
    let serving = thread::spawn(move || worker::serve(theirs));
    let camera = WorkerCamera {
        id: "walkway".into(),
        source: Source::File {
            path: support::footage().display().to_string(),
            ending: Ending::Loop,
        },
        fps: 2.0,
        decoder: DecoderChoice::Auto,
    };
    let config = WorkerConfig {
        models: vec![standclear::link::ModelChoice {
            slot: "shipped".into(),
            dir: support::model_dir().display().to_string(),
        }],
        role: standclear::link::WorkerRole::Active,
        threads: 1,
        input_long_side_px: Some(320),
        provider: "cpu".into(),
        cameras: vec![camera],
        detail: DetailChoice::Zones,
        ring: standclear::link::RingBounds { seconds: 10, bytes_max: 16 * 1024 * 1024 },
    };
    link::send(&near, &ToWorker::Start(config)).expect("sent");
    link::send(&near, &ToWorker::Detail { camera: 0, zones: vec![far_zone()] }).expect("sent");
    let mut reports: Vec<Report> = Vec::new();
    while reports.len() < 20 {
        match link::receive(&near).expect("a message in time") {
            FromWorker::Report(report) => reports.push(report),
            FromWorker::Fatal { reason } => panic!("{reason}"),
            _ => {}
        }
    }
    link::send(&near, &ToWorker::Stop).expect("sent");
    serving.join().expect("no panic").expect("ends well");
    let numbers: Vec<u64> = reports.iter().map(|report| report.frame).collect();
    assert_eq!(numbers, (0..20).collect::<Vec<_>>());
    for report in &reports {
        assert_eq!((report.width_px, report.height_px), (768, 576));
        let s = report.stages;
        assert!(
            [s.captured_ns, s.arrived_ns, s.preprocessed_ns, s.inferred_ns, s.decoded_ns]
                .is_sorted()
        );
    }
    // 320 px of input show people of 27 lines; closer, they have 50.
    let far_people = reports.iter().flat_map(|report| &report.detections).filter(|it| {
        let foot = (it.top_px + it.height_px) / 576.0;
        (0.22..0.34).contains(&foot) && it.score >= 0.3
    });
    assert!(far_people.count() > 0, "nobody at the far end was found");
}
