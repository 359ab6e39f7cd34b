//! Clips in which nobody can be recognised, on real pipelines: what is left of a picture where people
//! were, and what is as it was.

mod support;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use standclear::clock;
use standclear::link::{
    ClipOutcome, ClipVeil, ClipWritten, Ending, FoundPeople, GIVES_WAY, HiddenPeople, RingBounds,
    SeenPicture,
};
use standclear::vision::ingest::file::{FileOptions, FileSource};
use standclear::vision::ingest::{FrameSource, Pace, Polled};
use standclear::vision::recorder::{CameraRing, HideBounds};
use support::SOON;

const S: u64 = 1_000_000_000;

const BOUNDS: RingBounds = RingBounds { seconds: 50, bytes_max: 64 * 1024 * 1024 };

/// Of every picture of the test: pixels.
const SIZE: (usize, usize) = (320, 240);

/// Where somebody is: frame fractions, and pixels well inside of it.
const PERSON: [f64; 4] = [0.4, 0.25, 0.15, 0.5];
const INSIDE: [usize; 4] = [136, 72, 168, 168];

/// Pixels far from them.
const ELSEWHERE: [usize; 4] = [16, 16, 80, 80];

/// Squares of 8 pixels are this far apart, and in a mosaic of 16 they are all the same.
const SQUARES_MIN: f64 = 60.0;
const MOSAIC_MAX: f64 = 12.0;

/// Three seconds of squares.
fn camera(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("camera.mp4");
    support::make_clip(&format!(
        "videotestsrc pattern=checkers-8 num-buffers=60 ! \
         video/x-raw,format=I420,width=320,height=240,framerate=20/1 ! \
         openh264enc gop-size=10 bitrate=4000000 ! h264parse ! mp4mux ! filesink location={}",
        path.display()
    ));
    path
}

/// A ring with the camera's video, and when its first and its last picture were captured.
fn recorded(folder: &Path) -> (CameraRing, u64, u64) {
    recorded_of(&camera(folder))
}

fn recorded_of(video: &Path) -> (CameraRing, u64, u64) {
    let fit = support::fit();
    let options = FileOptions { fit, pace: Pace::Clock, ending: Ending::Stop, fps: None };
    let mut source = FileSource::open(video, options).expect("it opens");
    let ring = Arc::new(CameraRing::new(BOUNDS));
    source.record(Arc::clone(&ring));
    let (mut first_ns, mut last_ns) = (None, 0);
    while let Polled::Frame(frame) = source.next(SOON).expect("it plays") {
        first_ns.get_or_insert(frame.captured_ns);
        last_ns = frame.captured_ns;
    }
    drop(source);
    let ring = Arc::into_inner(ring).expect("nobody else has it");
    (ring, first_ns.expect("pictures"), last_ns)
}

/// Somebody stands there from then to then, looked at ten times a second.
fn seen(from_ns: u64, to_ns: u64, people: &[[f64; 4]]) -> Vec<SeenPicture> {
    let look =
        |captured_ns| SeenPicture { captured_ns, found: FoundPeople::Boxes(people.to_vec()) };
    (from_ns..=to_ns).step_by(100_000_000).map(look).collect()
}

fn veil(people: HiddenPeople, seen: Vec<SeenPicture>) -> ClipVeil {
    ClipVeil { people, seen, masks: Vec::new() }
}

#[track_caller]
fn hidden(ring: &CameraRing, span_ns: (u64, u64), veil: &ClipVeil, path: &Path) -> ClipWritten {
    let until = clock::monotonic().after(Duration::from_secs(60));
    match ring.hide(span_ns, veil, path, &HideBounds { until, is_wanted: &|| false }) {
        ClipOutcome::Written(written) => written,
        ClipOutcome::Failed { reason } => panic!("{reason}"),
    }
}

/// The pixels of a picture, green of each: the squares are red and green.
type Pixels = Vec<Vec<u8>>;

/// When each picture is shown, seconds, and what it shows.
fn play(path: &Path) -> Vec<(f64, Pixels)> {
    let fit = support::fit();
    let options = FileOptions { fit, pace: Pace::AsFast, ending: Ending::Stop, fps: None };
    let mut source = FileSource::open(path, options).expect("it opens");
    let mut pictures = Vec::new();
    while let Polled::Frame(frame) = source.next(SOON).expect("it plays") {
        let picture = frame.picture.as_ref().expect("pixels");
        assert_eq!((picture.width(), picture.height()), SIZE);
        let row = |y| picture.row(y).iter().skip(1).step_by(3).copied().collect();
        pictures.push((frame.time.as_secs_f64(), (0..picture.height()).map(row).collect()));
    }
    pictures
}

/// Mean difference of neighbours 8 pixels apart.
fn detail(picture: &Pixels, [left, top, right, bottom]: [usize; 4]) -> f64 {
    let mut sum = 0.0;
    for row in &picture[top..bottom] {
        let pairs = (left..right - 8).map(|x| f64::from(row[x].abs_diff(row[x + 8])));
        sum += pairs.sum::<f64>() / (right - 8 - left) as f64;
    }
    sum / (bottom - top) as f64
}

#[test]
fn people_are_a_mosaic_where_they_were_and_all_else_is_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ring, first_ns, last_ns) = recorded(folder.path());
    let path = folder.path().join("clip.hidden.mp4");
    let veil = veil(HiddenPeople::Persons, seen(first_ns, last_ns, &[PERSON]));
    let written = hidden(&ring, (first_ns, last_ns), &veil, &path);
    let clear_path = folder.path().join("clip.mp4");
    let ClipOutcome::Written(clear) = ring.write(first_ns, last_ns, &clear_path) else {
        panic!("no clear clip")
    };
    assert_eq!((written.first_ns, written.codec.as_str()), (clear.first_ns, "H.264"));
    assert!(clear.last_ns - written.last_ns < S / 10, "{written:?} {clear:?}");
    assert!(written.longest_gap_ns < S / 5, "{written:?}");
    assert_eq!(written.bytes, path.metadata().expect("a file").len());
    let pictures = play(&path);
    assert_eq!(pictures.len(), written.pictures as usize);
    assert!((25..=32).contains(&pictures.len()), "3 s at 10 a second: {}", pictures.len());
    for (time, picture) in &pictures {
        let (inside, elsewhere) = (detail(picture, INSIDE), detail(picture, ELSEWHERE));
        assert!(inside < MOSAIC_MAX, "at {time}: {inside} of somebody is left");
        assert!(elsewhere > SQUARES_MIN, "at {time}: {elsewhere} elsewhere");
    }
    for (time, picture) in play(&clear_path) {
        assert!(detail(&picture, INSIDE) > SQUARES_MIN, "clear at {time}");
    }
}

#[test]
fn a_picture_that_nobody_looked_at_is_a_mosaic_all_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ring, first_ns, last_ns) = recorded(folder.path());
    let path = folder.path().join("clip.hidden.mp4");
    // The detector was away after a second.
    let veil = veil(HiddenPeople::Persons, seen(first_ns, first_ns + S, &[]));
    hidden(&ring, (first_ns, last_ns), &veil, &path);
    for (time, picture) in play(&path) {
        let left = detail(&picture, ELSEWHERE);
        match time {
            ..1.3 => assert!(left > SQUARES_MIN, "at {time}: {left}"),
            1.7.. => assert!(left < MOSAIC_MAX, "at {time}: {left} can be seen"),
            _ => {}
        }
    }
}

#[test]
fn what_is_masked_is_black_in_every_picture_whoever_is_hidden() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ring, first_ns, last_ns) = recorded(folder.path());
    let path = folder.path().join("clip.hidden.mp4");
    let desk = vec![vec![[0.0, 0.0], [0.3, 0.0], [0.3, 0.4], [0.0, 0.4], [0.0, 0.0]]];
    let seen = seen(first_ns, last_ns, &[PERSON]);
    let veil = ClipVeil { people: HiddenPeople::Nobody, seen, masks: vec![desk] };
    hidden(&ring, (first_ns, last_ns), &veil, &path);
    let pictures = play(&path);
    assert!(pictures.len() > 20, "{}", pictures.len());
    for (time, picture) in pictures {
        let [left, top, right, bottom] = ELSEWHERE;
        let brightest = picture[top..bottom].iter().flat_map(|row| &row[left..right]).max();
        assert!(brightest.is_some_and(|it| *it < 30), "at {time}: {brightest:?} behind the mask");
        assert!(detail(&picture, INSIDE) > SQUARES_MIN, "at {time}: nobody is hidden");
    }
}

/// The folder with a video in it, for the process that hides it.
const HIDE_IN: &str = "STANDCLEAR_TEST_HIDE_IN";

#[test]
#[ignore = "the process whose standard error the test below reads"]
fn hides_when_told() {
    let Some(folder) = std::env::var_os(HIDE_IN).map(PathBuf::from) else {
        return;
    };
    let (ring, first_ns, last_ns) = recorded_of(&folder.join("camera.mp4"));
    let veil = veil(HiddenPeople::Persons, seen(first_ns, last_ns, &[PERSON]));
    let written = hidden(&ring, (first_ns, last_ns), &veil, &folder.join("clip.mp4"));
    println!("{} pictures hidden", written.pictures);
}

#[test]
fn no_library_writes_into_the_log_when_a_clip_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    camera(folder.path());
    let done = Command::new(std::env::current_exe().expect("a program"))
        .args(["--exact", "hides_when_told", "--ignored", "--nocapture"])
        .env(HIDE_IN, folder.path())
        .output()
        .expect("this program starts");
    let (told, said) =
        (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && told.contains("pictures hidden"), "{told} {said}");
    assert!(!said.contains("OpenH264"), "{said}");
    let pictures = play(&folder.path().join("clip.mp4"));
    assert!((25..=32).contains(&pictures.len()), "all of 3 s: {}", pictures.len());
}

#[test]
fn a_hidden_clip_that_takes_too_long_is_given_up_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ring, first_ns, last_ns) = recorded(folder.path());
    let path = folder.path().join("clip.hidden.mp4");
    let veil = veil(HiddenPeople::Persons, Vec::new());
    let bounds = HideBounds { until: clock::monotonic(), is_wanted: &|| false };
    let outcome = ring.hide((first_ns, last_ns), &veil, &path, &bounds);
    let ClipOutcome::Failed { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("not done within"), "{reason}");
    assert!(!path.exists(), "nothing is left of it");
}

#[test]
fn one_that_gives_way_stops_in_the_middle_when_another_is_wanted_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ring, first_ns, last_ns) = recorded(folder.path());
    let path = folder.path().join("clip.hidden.mp4");
    let veil = veil(HiddenPeople::Persons, Vec::new());
    let asked = Cell::new(0);
    let is_wanted = || asked.replace(asked.get() + 1) == 5;
    let until = clock::monotonic().after(Duration::from_secs(60));
    let bounds = HideBounds { until, is_wanted: &is_wanted };
    let outcome = ring.hide((first_ns, last_ns), &veil, &path, &bounds);
    assert_eq!(outcome, ClipOutcome::Failed { reason: GIVES_WAY.to_owned() });
    assert_eq!(asked.get(), 6, "at once");
    assert!(!path.exists(), "nothing is left of it");
}

/// Fifty clips that keep a picture each, kept 8 MB.
const KEPT_MB_MAX: f64 = 6.0;

#[test]
fn clips_over_and_over_keep_no_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ring, first_ns, last_ns) = recorded(folder.path());
    let veil = veil(HiddenPeople::Persons, seen(first_ns, last_ns, &[PERSON]));
    let path = folder.path().join("clip.mp4");
    let mut warm_mb = 0.0;
    for n in 0..60 {
        hidden(&ring, (first_ns, last_ns), &veil, &path);
        ring.write(first_ns, last_ns, &path);
        if n == 9 {
            warm_mb = memory_mb();
        }
    }
    let now_mb = memory_mb();
    println!("{warm_mb:.1} MB after ten clips, {now_mb:.1} MB after sixty");
    assert!(now_mb < warm_mb + KEPT_MB_MAX, "{warm_mb} MB became {now_mb} MB");
}

/// What this process has in memory.
fn memory_mb() -> f64 {
    support::resident_kb("self").expect("this process lives") as f64 / 1024.0
}
