//! The vision side on real parts: GStreamer, ONNX Runtime, the model, real footage.

mod support;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use standclear::link::{
    self, CaptureClock, DecoderChoice, DetailChoice, Ending, FromWorker, ModelChoice,
    PROTOCOL_VERSION, RingBounds, Source, ToWorker, Watched, WorkerCamera, WorkerConfig,
    WorkerRole,
};
use standclear::vision::ingest::file::{FileOptions, FileSource};
use standclear::vision::ingest::pattern::PatternSource;
use standclear::vision::ingest::{Frame, FrameSource, Pace, Polled, SourceError};
use standclear::vision::offline::{Offline, OfflineError, OfflineOptions};
use standclear::vision::{probe, worker};
use support::SOON;

fn as_fast(fps: Option<f64>) -> FileOptions {
    FileOptions { fit: support::fit(), pace: Pace::AsFast, ending: Ending::Stop, fps }
}

/// Every picture of a file, or what went wrong.
fn all(path: &Path, options: FileOptions) -> Result<Vec<Frame>, SourceError> {
    let mut source = FileSource::open(path, options)?;
    let mut frames = Vec::new();
    loop {
        match source.next(SOON)? {
            Polled::Frame(frame) => frames.push(frame),
            Polled::Ended => return Ok(frames),
            Polled::Idle => panic!("{}: no picture in time after {}", path.display(), frames.len()),
        }
    }
}

fn indices(frames: &[Frame]) -> Vec<u64> {
    frames.iter().map(|frame| frame.index).collect()
}

#[test]
fn every_picture_of_the_footage_comes_once_and_in_order() {
    let frames = all(&support::footage(), as_fast(None)).expect("the footage is whole");
    assert_eq!(indices(&frames), (0..795).collect::<Vec<_>>());
    for frame in &frames {
        let expected_s = frame.index as f64 / 10.0;
        assert!((frame.time.as_secs_f64() - expected_s).abs() < 0.001, "{frame:?}");
        assert_eq!(frame.source_size.width_px(), 768.0);
        let picture = frame.picture.as_ref().expect("readable");
        assert_eq!((picture.width(), picture.height()), (320, 240));
    }
}

#[test]
fn half_the_rate_gives_every_other_picture_with_its_own_index() {
    let frames = all(&support::footage(), as_fast(Some(5.0))).expect("the footage is whole");
    assert_eq!(indices(&frames), (0..795).step_by(2).collect::<Vec<_>>());
}

#[test]
fn pixels_are_the_same_on_every_run() {
    let hash = || {
        let mut hasher = DefaultHasher::new();
        for frame in all(&support::footage(), as_fast(Some(1.0))).expect("whole") {
            let picture = frame.picture.as_ref().expect("readable");
            picture.rows().for_each(|row| row.hash(&mut hasher));
        }
        hasher.finish()
    };
    assert_eq!(hash(), hash());
}

#[test]
fn whole_clips_of_every_container_play_to_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, muxer) in CONTAINERS {
        let clip = support::clip(folder.path(), name, 60, muxer);
        let frames = all(&clip, as_fast(None)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(frames.len(), 60, "{name}");
    }
}

const CONTAINERS: [(&str, &str); 4] = [
    ("a.avi", "avimux"),
    ("late.mp4", "mp4mux"),
    ("fast.mp4", "mp4mux faststart=true"),
    ("a.mkv", "matroskamux"),
];

#[test]
fn truncated_file_is_an_error_in_every_container() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, muxer) in CONTAINERS {
        let clip = support::clip(folder.path(), name, 100, muxer);
        for share in [0.5, 0.9] {
            let error = all(&support::cut(&clip, share), as_fast(None)).expect_err(name);
            let text = error.to_string();
            assert!(text.contains("truncated"), "{name} at {share}: {text}");
        }
    }
}

#[test]
fn truncated_footage_says_where_the_pictures_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("vtest.avi");
    std::fs::copy(support::footage(), &copy).expect("copied");
    let error = all(&support::cut(&copy, 0.4), as_fast(None)).expect_err("truncated");
    let SourceError::Truncated { declared_s, ended_s, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(declared_s, 79.5);
    assert!((20.0..45.0).contains(&ended_s), "{ended_s}");
}

#[test]
fn sound_that_outlasts_the_pictures_is_no_truncation() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sound.mp4");
    support::make_clip(&format!(
        "videotestsrc num-buffers=30 ! video/x-raw,framerate=10/1,width=320,height=240 ! \
         openh264enc ! h264parse ! mp4mux name=m ! filesink location={} \
         audiotestsrc num-buffers=600 ! audioconvert ! avenc_aac ! aacparse ! queue ! m.",
        path.display()
    ));
    assert_eq!(all(&path, as_fast(None)).expect("whole").len(), 30);
}

#[test]
fn what_is_no_video_is_refused_with_what_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    };
    let refused = |path: &Path| all(path, as_fast(None)).expect_err("refused").to_string();
    let missing = refused(&folder.path().join("nowhere.avi"));
    assert!(missing.contains("nowhere.avi does not exist"), "{missing}");
    assert!(refused(folder.path()).contains("is not a file"));
    let pipe = folder.path().join("pipe.avi");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    assert!(refused(&pipe).contains("is not a file"), "and does not wait for a writer");
    assert!(refused(&file("empty.avi", b"")).contains("is empty"));
    let text = refused(&file("text.avi", b"this is a text and no video\n"));
    assert!(text.contains("text.avi"), "{text}");
    let sound = folder.path().join("sound.wav");
    support::make_clip(&format!(
        "audiotestsrc num-buffers=20 ! wavenc ! filesink location={}",
        sound.display()
    ));
    let sound = refused(&sound);
    assert!(sound.contains("no pictures"), "{sound}");
}

#[test]
fn looped_clip_goes_on_without_a_gap() {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = support::clip(folder.path(), "loop.avi", 8, "avimux");
    let mut source = FileSource::open(
        &clip,
        FileOptions { pace: Pace::Clock, ending: Ending::Loop, ..as_fast(None) },
    )
    .expect("opens");
    let mut captured = Vec::new();
    while captured.len() < 20 {
        match source.next(SOON).expect("plays") {
            Polled::Frame(frame) => {
                assert!(frame.captured_ns <= frame.arrived_ns);
                captured.push(frame.captured_ns);
            }
            other => panic!("{other:?}"),
        }
    }
    for pair in captured.windows(2) {
        let gap_ms = (pair[1] - pair[0]) / 1_000_000;
        assert!(gap_ms < 100 + 300, "{gap_ms} ms between two pictures");
    }
}

#[test]
fn test_pattern_comes_live_and_an_unknown_one_is_refused() {
    let mut source = PatternSource::open("smpte", support::fit(), 10.0).expect("opens");
    let Polled::Frame(frame) = source.next(SOON).expect("plays") else {
        panic!("a picture in time");
    };
    assert_eq!(frame.source_size.width_px(), 640.0);
    let error = PatternSource::open("plaid", support::fit(), 10.0).err().expect("refused");
    assert!(error.to_string().contains("smpte"), "{error}");
}

#[test]
fn people_are_found_in_footage_and_nobody_in_a_test_pattern() {
    let mut detector = support::detector();
    let options = OfflineOptions { fps: Some(0.5) };
    let offline = Offline::open(&support::footage(), &mut detector, options).expect("opens");
    assert_eq!(offline.total_frames(), Some(40));
    let frames: Vec<_> = offline.map(|frame| frame.expect("looked at")).collect();
    assert_eq!(frames.len(), 40);
    let sure = |frame: &standclear::vision::offline::OfflineFrame| {
        frame.detections.iter().filter(|d| d.score.get() > 0.5).count()
    };
    assert!(frames.iter().map(sure).sum::<usize>() > 100);

    let folder = tempfile::tempdir().expect("a folder");
    let empty = support::clip(folder.path(), "balls.avi", 10, "avimux");
    let offline = Offline::open(&empty, &mut detector, OfflineOptions::default()).expect("opens");
    for frame in offline {
        assert_eq!(sure(&frame.expect("looked at")), 0);
    }
}

#[test]
fn replay_of_a_truncated_file_ends_in_an_error_and_then_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = support::clip(folder.path(), "a.avi", 40, "avimux");
    let cut = support::cut(&clip, 0.5);
    let mut detector = support::detector();
    let mut offline = Offline::open(&cut, &mut detector, OfflineOptions::default()).expect("opens");
    let error = offline.by_ref().find_map(Result::err).expect("an error");
    assert!(matches!(error, OfflineError::Source(SourceError::Truncated { .. })), "{error:?}");
    assert!(offline.next().is_none());
}

#[test]
fn same_footage_gives_the_same_detections_at_any_number_of_runs() {
    let run = || {
        let mut detector = support::detector();
        let options = OfflineOptions { fps: Some(1.0) };
        let offline = Offline::open(&support::footage(), &mut detector, options).expect("opens");
        let detections = offline.take(20).map(|frame| frame.expect("looked at").detections);
        detections.collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

#[test]
fn probe_tells_size_or_trouble_of_a_file() {
    let size = probe::file(&support::footage()).expect("plays");
    assert_eq!((size.width_px(), size.height_px()), (768.0, 576.0));
    assert!(probe::file(Path::new("/nowhere.avi")).is_err());
    assert!(probe::gstreamer_elements().expect("asked").len() > 5);
}

/// A worker in a thread of this process, and the guard's end of its link.
struct Worker {
    link: UnixStream,
    thread: std::thread::JoinHandle<Result<(), worker::WorkerError>>,
}

impl Worker {
    fn start(config: WorkerConfig) -> Worker {
        let (near, far) = UnixStream::pair().expect("a socket pair");
        near.set_read_timeout(Some(SOON)).expect("settable");
        let thread = std::thread::spawn(move || worker::serve(far));
        let worker = Worker { link: near, thread };
        worker.send(&ToWorker::Start(config));
        worker
    }

    fn send(&self, message: &ToWorker) {
        link::send(&self.link, message).expect("the worker reads");
    }

    fn receive(&self) -> FromWorker {
        link::receive(&self.link).expect("the worker writes")
    }

    /// Reads on until `wanted` gives something.
    fn until<T>(&self, mut wanted: impl FnMut(FromWorker) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.receive()) {
                return found;
            }
        }
    }
}

fn choice(dir: &Path) -> ModelChoice {
    ModelChoice { slot: "shipped".into(), dir: dir.display().to_string() }
}

fn config(cameras: Vec<WorkerCamera>) -> WorkerConfig {
    WorkerConfig {
        models: vec![choice(&support::model_dir())],
        role: WorkerRole::Active,
        threads: 1,
        input_long_side_px: Some(320),
        provider: "cpu".into(),
        cameras,
        detail: DetailChoice::Off,
        ring: RingBounds { seconds: 50, bytes_max: 16 * 1024 * 1024 },
    }
}

fn file_camera(path: PathBuf, ending: Ending) -> WorkerCamera {
    WorkerCamera {
        id: "walkway".into(),
        source: Source::File { path: path.display().to_string(), ending },
        fps: 5.0,
        decoder: DecoderChoice::Auto,
    }
}

#[test]
fn worker_says_hello_reports_beats_shows_pictures_and_stops_when_told() {
    let worker = Worker::start(config(vec![file_camera(support::footage(), Ending::Loop)]));
    assert!(matches!(worker.receive(), FromWorker::Hello { version: PROTOCOL_VERSION }));
    let FromWorker::Ready(info) = worker.receive() else {
        panic!("Ready follows Hello");
    };
    assert_eq!((info.name.as_str(), info.digest.len()), ("nanodet-g-416-int8", 64));
    worker.send(&ToWorker::Watch { camera: 0, watched: Watched::Yes });
    let (mut beats, mut frames, mut preview, mut decoder) = (0, vec![], None, None);
    while beats < 5 || frames.len() < 5 || preview.is_none() {
        match worker.receive() {
            FromWorker::Heartbeat { .. } => beats += 1,
            FromWorker::Preview(picture) => preview = Some(picture),
            FromWorker::Report(report) => {
                let s = report.stages;
                let order =
                    [s.captured_ns, s.arrived_ns, s.preprocessed_ns, s.inferred_ns, s.decoded_ns];
                assert!(order.is_sorted(), "{order:?}");
                assert_eq!((report.width_px, report.height_px), (768, 576));
                frames.push(report.frame);
            }
            FromWorker::CameraUp { camera: 0, stream } => {
                assert_eq!((stream.clock, stream.clock_refused), (CaptureClock::Pipeline, None));
                decoder = stream.decoder;
            }
            FromWorker::Load(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(decoder.is_some(), "it says what decodes the pictures");
    assert_eq!(frames, (0..frames.len() as u64).collect::<Vec<_>>());
    let newest = *frames.last().expect("some");
    for (request, frame) in [(7, newest), (8, u64::MAX)] {
        worker.send(&ToWorker::TakeSnapshot { request, camera: 0, frame });
        let picture = worker.until(|message| match message {
            FromWorker::Snapshot { request: r, picture } if r == request => Some(picture),
            _ => None,
        });
        let picture = picture.expect("kept");
        let decoded = image::load_from_memory(&picture.jpeg).expect("a JPEG");
        assert_eq!((decoded.width(), decoded.height()), (320, 240));
    }
    worker.send(&ToWorker::TakeSnapshot { request: 9, camera: 99, frame: 0 });
    worker.until(|message| match message {
        FromWorker::Snapshot { request: 9, picture } => {
            assert_eq!(picture, None);
            Some(())
        }
        _ => None,
    });
    worker.send(&ToWorker::Stop);
    worker.thread.join().expect("no panic").expect("ends well");
}

#[test]
fn camera_that_cannot_be_opened_and_one_that_ends_are_told_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let short = support::clip(folder.path(), "short.avi", 5, "avimux");
    let worker = Worker::start(config(vec![
        file_camera("/nowhere.avi".into(), Ending::Loop),
        file_camera(short, Ending::Stop),
        WorkerCamera {
            id: "pattern".into(),
            source: Source::Test { pattern: "smpte".into() },
            fps: 5.0,
            decoder: DecoderChoice::Auto,
        },
    ]));
    let (mut missing, mut ended, mut patterns) = (None, None, 0);
    while missing.is_none() || ended.is_none() || patterns < 5 {
        match worker.receive() {
            FromWorker::CameraLost { camera: 0, reason } => missing = Some(reason),
            FromWorker::CameraLost { camera: 1, reason } => ended = Some(reason),
            FromWorker::Report(report) if report.camera == 2 => patterns += 1,
            FromWorker::Fatal { reason } => panic!("{reason}"),
            _ => {}
        }
    }
    assert_eq!(missing.as_deref(), Some("/nowhere.avi does not exist"));
    assert_eq!(ended.as_deref(), Some("the file has ended"));
    // The guard dies: the worker notices by its link.
    drop(worker.link);
    worker.thread.join().expect("no panic").expect("ends well");
}

#[test]
fn damaged_model_is_fatal_and_the_reason_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("model");
    copy_package(&copy);
    let model = copy.join("model.onnx");
    let mut bytes = std::fs::read(&model).expect("readable");
    bytes[1000] ^= 1;
    std::fs::write(&model, bytes).expect("written");
    let worker = Worker::start(WorkerConfig { models: vec![choice(&copy)], ..config(vec![]) });
    let reason = worker.until(|message| match message {
        FromWorker::Fatal { reason } => Some(reason),
        FromWorker::Ready(_) => panic!("a damaged model must not be ready"),
        _ => None,
    });
    assert!(reason.contains("changed or damaged"), "{reason}");
    assert!(worker.thread.join().expect("no panic").is_err());
}

#[test]
fn a_detector_with_too_many_cameras_says_so_with_numbers_and_serves_them_all() {
    let camera = |n: usize| WorkerCamera {
        id: format!("pattern {n}"),
        source: Source::Test { pattern: "smpte".into() },
        // The first is twice as fast as the others, and none of them can be served.
        fps: if n == 0 { 20.0 } else { 10.0 },
        decoder: DecoderChoice::Auto,
    };
    let cameras = (0..4).map(camera).collect();
    let worker = Worker::start(WorkerConfig { input_long_side_px: Some(1280), ..config(cameras) });
    let load = worker.until(|message| match message {
        FromWorker::Load(load) => Some(load),
        FromWorker::Fatal { reason } => panic!("{reason}"),
        _ => None,
    });
    let load = load.expect("50 pictures a second of 1280 px are too many");
    assert!(load.needed_ms_per_s > load.available_ms_per_s, "{load:?}");
    let got: Vec<f64> = load.cameras.iter().map(|camera| camera.looked_at_fps).collect();
    let (least, most) =
        (got.iter().copied().fold(f64::MAX, f64::min), got.iter().copied().fold(0.0, f64::max));
    assert!(least > 0.5 * most, "{got:?}");
    worker.send(&ToWorker::Stop);
    worker.thread.join().expect("no panic").expect("ends well");
}

fn copy_package(to: &Path) {
    let from = support::model_dir();
    std::fs::create_dir_all(to.join("golden")).expect("made");
    for entry in ["manifest.json", "model.onnx", "model-s8.onnx"] {
        std::fs::copy(from.join(entry), to.join(entry)).expect("copied");
    }
    for entry in std::fs::read_dir(from.join("golden")).expect("readable") {
        let entry = entry.expect("readable");
        std::fs::copy(entry.path(), to.join("golden").join(entry.file_name())).expect("copied");
    }
}

#[test]
fn idle_worker_beats_ten_times_a_second() {
    let worker = Worker::start(config(vec![]));
    let mut beats = Vec::new();
    while beats.len() < 11 {
        if let FromWorker::Heartbeat { at_ns } = worker.receive() {
            beats.push(at_ns);
        }
    }
    let mean = Duration::from_nanos((beats[10] - beats[0]) / 10);
    assert!((95..200).contains(&mean.as_millis()), "{mean:?}");
}
