//! The recorder on real pipelines: what is cut from a camera's ring plays, and begins in time.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;

use standclear::link::{
    ClipOutcome, ClipSpan, ClipWritten, Ending, FromWorker, GIVES_WAY, RingBounds, Secret,
    YIELDS_FROM,
};
use standclear::vision::ingest::described::DescribedSource;
use standclear::vision::ingest::file::{FileOptions, FileSource};
use standclear::vision::ingest::pattern::PatternSource;
use standclear::vision::ingest::{FrameSource, Pace, Polled};
use standclear::vision::recorder::{CameraRing, ClipRequest, Recorder, Shown};
use support::SOON;

const S: u64 = 1_000_000_000;

const BOUNDS: RingBounds = RingBounds { seconds: 50, bytes_max: 8 * 1024 * 1024 };

fn by_the_clock(ending: Ending) -> FileOptions {
    FileOptions { fit: support::fit(), pace: Pace::Clock, ending, fps: None }
}

/// Watches a source for so long and returns when its first and its newest picture were captured.
fn watch(source: &mut dyn FrameSource, ring: &Arc<CameraRing>, for_ns: u64) -> (u64, u64) {
    source.record(Arc::clone(ring));
    let mut first_ns = None;
    loop {
        let Polled::Frame(frame) = source.next(SOON).expect("pictures") else {
            panic!("no picture in time");
        };
        let first_ns = *first_ns.get_or_insert(frame.captured_ns);
        if frame.captured_ns >= first_ns + for_ns {
            return (first_ns, frame.captured_ns);
        }
    }
}

#[track_caller]
fn written(outcome: ClipOutcome) -> ClipWritten {
    match outcome {
        ClipOutcome::Written(written) => written,
        ClipOutcome::Failed { reason } => panic!("{reason}"),
    }
}

/// Decodes a clip to its end: when each of its pictures is shown.
fn play(path: &Path) -> Vec<f64> {
    let options = FileOptions { pace: Pace::AsFast, ..by_the_clock(Ending::Stop) };
    let mut source = FileSource::open(path, options).expect("it opens");
    let mut shown_s = Vec::new();
    loop {
        match source.next(SOON).expect("it plays") {
            Polled::Frame(frame) => shown_s.push(frame.time.as_secs_f64()),
            Polled::Ended => return shown_s,
            Polled::Idle => panic!("it does not play on"),
        }
    }
}

/// The clip of the newest `seconds` but one begins before them and shows every one of its pictures
/// at its time.
fn assert_clip_is_whole(ring: &CameraRing, newest_ns: u64, seconds: u64) -> ClipWritten {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("clip.mp4");
    let (from_ns, to_ns) = (newest_ns - (seconds + 1) * S, newest_ns - S);
    let clip = written(ring.write(from_ns, to_ns, &path));
    assert!(clip.first_ns <= from_ns, "{clip:?} begins after {from_ns}");
    assert!(clip.first_ns + 4 * S > from_ns, "{clip:?} begins long before {from_ns}");
    assert!(clip.last_ns <= to_ns && clip.last_ns + S > to_ns, "{clip:?} ends not at {to_ns}");
    assert!(clip.longest_gap_ns < S / 2, "{clip:?}");
    assert_eq!(clip.bytes, path.metadata().expect("a file").len());
    let shown_s = play(&path);
    // A key frame as the very last picture may not come out of a decoder: docs/design/evidence.md.
    let missing = clip.pictures as usize - shown_s.len();
    assert!(missing <= 1, "{clip:?}: {shown_s:?}");
    let span_s = (clip.last_ns - clip.first_ns) as f64 / 1e9;
    let shown_for_s = shown_s[shown_s.len() - 1] - shown_s[0];
    let unseen_s = span_s - shown_for_s;
    assert!(unseen_s.abs() < 0.05 + 0.1 * missing as f64, "{span_s} s of capture: {shown_s:?}");
    clip
}

#[test]
fn what_a_camera_sends_is_kept_as_sent_over_the_end_of_a_round() {
    let folder = tempfile::tempdir().expect("a folder");
    let video = support::clip(folder.path(), "camera.mp4", 30, "mp4mux");
    let ring = Arc::new(CameraRing::new(BOUNDS));
    let mut source = FileSource::open(&video, by_the_clock(Ending::Loop)).expect("it opens");
    let (_, newest_ns) = watch(&mut source, &ring, 5 * S);
    let clip = assert_clip_is_whole(&ring, newest_ns, 3);
    assert_eq!(clip.codec, "H.264");
    // As sent: six seconds are twice the file, and not more.
    let sent = video.metadata().expect("a file").len();
    assert!(ring.bytes() <= 3 * sent, "{} of {sent}", ring.bytes());
}

#[test]
fn video_that_no_browser_plays_and_pictures_without_any_are_encoded() {
    let ring = Arc::new(CameraRing::new(BOUNDS));
    let mut footage =
        FileSource::open(&support::footage(), by_the_clock(Ending::Stop)).expect("it opens");
    let (_, newest_ns) = watch(&mut footage, &ring, 6 * S);
    assert_clip_is_whole(&ring, newest_ns, 2);

    let ring = Arc::new(CameraRing::new(BOUNDS));
    let mut pattern = PatternSource::open("ball", support::fit(), 10.0).expect("it opens");
    let (_, newest_ns) = watch(&mut pattern, &ring, 6 * S);
    assert_clip_is_whole(&ring, newest_ns, 2);
}

#[test]
fn a_clip_that_does_not_begin_with_the_stream_plays_though_the_camera_told_the_codec_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let video = support::clip(folder.path(), "camera.mp4", 80, "mp4mux");
    // Three seconds are kept, so the stream's own beginning is gone.
    let ring = Arc::new(CameraRing::new(RingBounds { seconds: 3, ..BOUNDS }));
    let camera = Secret::new(format!(
        "filesrc location={} ! qtdemux ! rtph264pay config-interval=0 ! rtph264depay ! \
         video/x-h264,stream-format=byte-stream",
        video.display()
    ));
    let mut source = DescribedSource::open(&camera, support::fit(), None).expect("it opens");
    let (_, newest_ns) = watch(&mut source, &ring, 6 * S);
    assert_clip_is_whole(&ring, newest_ns, 1);
}

#[test]
fn a_full_disk_costs_the_clip_and_nothing_else_and_the_reason_is_told() {
    let ring = Arc::new(CameraRing::new(BOUNDS));
    let mut pattern = PatternSource::open("ball", support::fit(), 10.0).expect("it opens");
    let (first_ns, newest_ns) = watch(&mut pattern, &ring, 3 * S);
    let full = ring.write(first_ns, newest_ns, Path::new("/dev/full"));
    let ClipOutcome::Failed { reason } = full else { panic!("{full:?}") };
    assert!(reason.contains("/dev/full"), "{reason}");
    let folder = tempfile::tempdir().expect("a folder");
    let clip = ring.write(first_ns, newest_ns, &folder.path().join("clip.mp4"));
    assert!(written(clip).pictures > 10);
}

#[test]
fn a_clip_that_gives_way_waits_for_all_others_and_none_of_them_waits_in_its_place() {
    // Nothing is said before somebody listens, and the next clip is not begun before that.
    let (told, outcomes) = mpsc::sync_channel(0);
    let tell = move |it| drop(told.send(it));
    let recorder = Recorder::start(1, BOUNDS, tell).expect("threads");
    let mut pattern = PatternSource::open("ball", support::fit(), 10.0).expect("it opens");
    let (first_ns, newest_ns) = watch(&mut pattern, &recorder.rings()[0], 3 * S);
    let folder = tempfile::tempdir().expect("a folder");
    let ask = |request: u64| {
        let path = folder.path().join(format!("{request}.mp4"));
        let span = ClipSpan::between(first_ns, newest_ns);
        recorder.write(ClipRequest { request, camera: 0, span, path, shown: Shown::AsSent })
    };
    let heard = || match outcomes.recv_timeout(SOON).expect("an outcome") {
        FromWorker::Clip { request, outcome } => (request, written(outcome).pictures > 10),
        other => panic!("{other:?}"),
    };
    ask(1).expect("it waits");
    ask(2).expect("it waits");
    let refused = ask(YIELDS_FROM).expect_err("others wait");
    let reason = GIVES_WAY.to_owned();
    let outcome = ClipOutcome::Failed { reason };
    assert_eq!(*refused, FromWorker::Clip { request: YIELDS_FROM, outcome });
    assert_eq!((heard(), heard()), ((1, true), (2, true)));
    ask(YIELDS_FROM + 1).expect("nothing waits");
    ask(3).expect("it is in nobody's way");
    assert_eq!((heard(), heard()), ((YIELDS_FROM + 1, true), (3, true)));
}

#[test]
fn nothing_is_written_of_a_time_of_which_nothing_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("clip.mp4");
    let ring = CameraRing::new(BOUNDS);
    let outcome = ring.write(0, S, &path);
    let ClipOutcome::Failed { reason } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason, "no video of this time is kept");
    assert!(!path.exists());
}
