//! Pictures as they are kept, looked at pixel by pixel.

use image::ImageFormat;

use super::*;
use crate::engine::detection::Score;
use crate::engine::ground::Ground;
use crate::engine::time::Instant;
use crate::engine::{AnchorHow, CameraIndex, TrackId, Verdict};
use crate::guard::handle::{CameraViews, Onlooker, ViewPicture};
use crate::guard::models::bank;
use crate::guard::records::{InForce, Standing, ZoneSlot};
use crate::guard::views;
use crate::zone_file::ZoneInfo;

const SIZE: (u32, u32) = (768, 576);
const GREY: Rgb<u8> = Rgb([90, 110, 90]);

/// Five metres high, looking along the second axis; the lower edge of the picture is 6.7 m away.
fn ground() -> Ground {
    let camera = [[0.8, 0.5, 0.0, 0.0], [0.0, 0.4, -0.8, 4.0], [0.0, 1.0, 0.0, 0.0]];
    Ground::from_camera(camera, 0.08).expect("a view of a floor")
}

fn person(foot_norm: [f64; 2], track: u64, inside: &[usize]) -> Person {
    Person {
        track: Some(track),
        bounds_norm: [foot_norm[0] - 0.04, foot_norm[1] - 0.3, 0.08, 0.3],
        foot_norm,
        score: 0.7,
        verdict: Verdict::Person,
        anchor: AnchorHow::Box,
        ground_m: None,
        speed_m_s: None,
        inside: inside.to_vec(),
    }
}

/// Track 3 stands in the zone, 8.9 m from the camera, and raised it; track 4 walks behind, 16 m away;
/// the feet of track 5 are above the horizon.
fn job(ground: Option<Ground>, line: Vec<[f64; 2]>) -> EvidenceJob {
    let ring = vec![[0.2, 0.7], [0.9, 0.7], [0.9, 1.0], [0.2, 1.0], [0.2, 0.7]];
    let polygons = if line.is_empty() { vec![vec![ring]] } else { Vec::new() };
    let zone = ZoneSlot {
        info: ZoneInfo::default(),
        polygons: Arc::new(polygons),
        line: Arc::new(line),
        standing: Standing::Live,
    };
    let in_force = InForce { ground: ground.map(Arc::new), ..InForce::default() };
    let names = Arc::new(SiteNames {
        cameras: vec![("east".into(), "East".into())],
        addresses: vec![String::new()],
        in_force: vec![in_force],
        zones: vec![zone],
    });
    let people = vec![
        person([0.7, 0.65], 4, &[]),
        person([0.5, 0.85], 3, &[0]),
        person([0.1, 0.35], 5, &[]),
    ];
    let captured_at = Instant::from_nanos(0);
    let entry = Entry {
        camera: CameraIndex(0),
        frame: 12,
        captured_at,
        first_seen_at: captured_at,
        track: Some(TrackId(3)),
        score: Score::new(0.7).expect("a score"),
        anchor_norm: (0.5, 0.85),
        people: 1,
    };
    let seen = FramePeople {
        camera: 0,
        frame: 12,
        captured_at,
        size_px: SIZE,
        people,
        covers: Vec::new(),
        names: names.clone(),
    };
    EvidenceJob { incident: IncidentId(17), zone: 0, entry, names, seen }
}

fn painted(job: &EvidenceJob) -> RgbImage {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let canvas = RgbImage::from_pixel(SIZE.0, SIZE.1, GREY);
    canvas.write_to(&mut jpeg, ImageFormat::Jpeg).expect("encoded");
    let picture = Picture { camera: 0, frame: 12, captured_ns: 0, jpeg: jpeg.into_inner() };
    let distances = distance::measure(job);
    match paint(job, &picture, distances.as_ref(), Privacy::Off).expect("painted") {
        Pictures::Clear(jpeg) => image::load_from_memory(&jpeg).expect("a JPEG").into_rgb8(),
        Pictures::Both { .. } => panic!("nobody is hidden"),
    }
}

/// Pixels of a place that two pictures do not have alike, compression aside.
fn changed(a: &RgbImage, b: &RgbImage, x: [u32; 2], y: [u32; 2]) -> usize {
    let places = (x[0]..x[1]).flat_map(|x| (y[0]..y[1]).map(move |y| (x, y)));
    let apart = |at: (u32, u32)| {
        let (a, b) = (a.get_pixel(at.0, at.1).0, b.get_pixel(at.0, at.1).0);
        a.iter().zip(b).any(|(a, b)| a.abs_diff(b) > 40)
    };
    places.filter(|at| apart(*at)).count()
}

#[test]
fn distances_are_those_of_the_floor() {
    let distances =
        distance::measure(&job(Some(ground()), Vec::new())).expect("the floor is known");
    assert!((distances.residual_m - 0.08).abs() < 1e-9);
    let [behind, raiser, nowhere] = &distances.people[..] else {
        panic!("{distances:?}");
    };
    let metres = |found: Option<f64>, right: f64| (found.expect("known") - right).abs() < 1e-6;
    assert!(metres(raiser.camera_m, 4.0 / 0.45), "{raiser:?}");
    let edge = raiser.edge.expect("known");
    // The near edge of the zone is the lower edge of the picture, at 4 / 0.6 m.
    assert!((edge.metres - (4.0 / 0.45 - 4.0 / 0.6)).abs() < 1e-6, "{edge:?}");
    assert_eq!(edge.side, Side::Inside);
    assert!(metres(behind.camera_m, 16.0 * (1.0_f64 + 0.25 * 0.25).sqrt()), "{behind:?}");
    assert_eq!((behind.edge, nowhere.camera_m, nowhere.edge), (None, None, None));
    assert_eq!(words(raiser), ["8.9 m", "2.2 m inside"]);
    assert_eq!(words(nowhere), [""; 0], "nothing, and not 0 m");
}

#[test]
fn of_a_line_it_is_the_distance_from_the_line() {
    let across = vec![[0.2, 0.8], [0.9, 0.8]];
    let distances = distance::measure(&job(Some(ground()), across)).expect("the floor is known");
    let edge = distances.people[1].edge.expect("known");
    assert!((edge.metres - (10.0 - 4.0 / 0.45)).abs() < 1e-6, "{edge:?}");
    assert_eq!(words(&distances.people[1])[1], "1.1 m from line");
}

#[test]
fn where_the_floor_is_not_known_nothing_is_said() {
    assert_eq!(distance::measure(&job(None, Vec::new())), None);
    let plane = [[0.8, 0.5, 0.0], [0.0, 0.4, 4.0], [0.0, 1.0, 0.0]];
    let plane = Ground::from_plane(plane, 0.08).expect("a floor");
    let distances = distance::measure(&job(Some(plane), Vec::new())).expect("the edge is known");
    // Where the camera hangs is not.
    assert_eq!(words(&distances.people[1]), ["2.2 m inside"]);
    assert_eq!(words(&distances.people[0]), [""; 0]);
}

#[test]
fn the_kept_picture_says_it_below_the_feet_and_over_nobodys_head() {
    let plain = painted(&job(None, Vec::new()));
    let told = painted(&job(Some(ground()), Vec::new()));
    // Feet at 384, 490: the label is below them, and wide enough for "2.2 m inside".
    assert!(changed(&plain, &told, [300, 470], [496, 570]) > 3_000);
    let bright = |at: &&&Rgb<u8>| at.0.iter().all(|value| *value > 200);
    let letters = pixels(&told, [300, 470], [496, 570]);
    assert!(letters.iter().filter(bright).count() > 300, "letters are light");
    // Heads: of whoever raised it, of the other, of the one whose feet are nowhere.
    for (x, y) in [([353, 415], [317, 370]), ([507, 568], [202, 260]), ([46, 108], [29, 300])] {
        assert_eq!(changed(&plain, &told, x, y), 0, "{x:?} {y:?}");
    }
    // Feet at 538, 374.
    assert!(changed(&plain, &told, [480, 600], [376, 420]) > 1_000, "the other one too");
}

fn pixels(of: &RgbImage, x: [u32; 2], y: [u32; 2]) -> Vec<&Rgb<u8>> {
    let places = (x[0]..x[1]).flat_map(|x| (y[0]..y[1]).map(move |y| (x, y)));
    places.map(|(x, y)| of.get_pixel(x, y)).collect()
}

#[test]
fn a_picture_of_another_frame_has_no_distances_on_it() {
    let mut late = job(Some(ground()), Vec::new());
    late.seen.frame = 13;
    let plain = job(None, Vec::new());
    let (late, plain) = (painted(&late), painted(&plain));
    // Boxes are missing too; where the label would be there is nothing.
    assert_eq!(changed(&plain, &late, [300, 470], [502, 570]), 0);
}

#[test]
fn a_picture_of_a_trouble_that_is_over_is_awaited_no_longer() {
    let (views, _left) = views::tests::views("yard", &[]);
    let views = Arc::new(views);
    let (keeper, _jobs) = mpsc::sync_channel(1);
    let (asked, privacy) = (BTreeMap::new(), Privacy::Persons);
    let mut painter =
        Painter { asked, keeper, bank: bank::queue().0, privacy, views: views.clone() };
    let camera = views::tests::CAMERA;
    let mut jpeg = std::io::Cursor::new(Vec::new());
    RgbImage::from_pixel(64, 48, GREY).write_to(&mut jpeg, ImageFormat::Jpeg).expect("encoded");
    let jpeg = jpeg.into_inner();
    let arrived = |request| PaintTask::Arrived {
        request,
        picture: Some(Picture { camera: 0, frame: 12, captured_ns: 0, jpeg: jpeg.clone() }),
    };
    let names = job(None, Vec::new()).names;
    let trouble = |request| {
        let frame = ViewFrame { camera, names: names.clone(), seen: None };
        PaintTask::Trouble { request, frame }
    };
    let shown = || views.view_picture("yard", ViewPicture::Trouble, Onlooker::Anybody).is_some();
    // The view is right again before the picture came.
    painter.take(trouble(1));
    painter.take(PaintTask::TroubleOver { camera });
    painter.take(arrived(1));
    assert!(!shown(), "nothing is wrong");
    painter.take(trouble(2));
    painter.take(arrived(2));
    assert!(shown());
    painter.take(PaintTask::TroubleOver { camera });
    assert!(!shown());
}
