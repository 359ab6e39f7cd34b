//! A vision process that sees what a file says. It is this test program, started by the guard.

use std::cell::Cell;
use std::env;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use standclear::clock;
use standclear::link::{
    self, CameraLoad, CaptureClock, ClipOutcome, ClipSpan, ClipWritten, FromWorker, GreyPicture,
    LearnedView, Load, ModelInfo, PROTOCOL_VERSION, Picture, Report, Served, StageTimes, ToWorker,
    UsualHour, ViewFinding, ViewKind, ViewShift, Watched, WireDetection,
};

/// Names the folder with the scene; set only for the vision process.
pub const FOLDER: &str = "STANDCLEAR_FAKE_VISION";

/// Pause between two pictures.
const PICTURE_EVERY: Duration = Duration::from_millis(100);

const SIZE_PX: (u32, u32) = (320, 240);

/// The view is known from this frame on, where nothing was known of it before.
const SETTLED_AT: u64 = 3;

/// What the view's first reference shows, and the one that was accepted.
pub const FIRST_LEVEL: u8 = 11;
pub const ACCEPTED_LEVEL: u8 = 22;

/// What stands low on the right of every view, and is found again in a file.
pub const SECRET: &[u8; 6] = b"AFACE!";

/// What the camera shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    Empty,
    Person,
    /// Something that hardly looks like somebody.
    Faint,
    /// Somebody walks in and stops at the middle, low in the picture.
    FromLeft,
    FromRight,
    FromAbove,
    /// The same, and somebody stands in the middle already.
    SecondFromLeft,
    /// Numbers that cannot be, a picture without size, a camera nobody has; and a person.
    Garbage,
    /// The source gives nothing, and the vision process says so.
    Lost,
    /// Pictures come, of another place than before.
    Moved,
    /// The vision process refuses to work.
    Fatal,
    /// More pictures come than can be looked at.
    Overload,
}

impl Scene {
    const ALL: [Scene; 12] = [
        Scene::Empty,
        Scene::Person,
        Scene::Faint,
        Scene::FromLeft,
        Scene::FromRight,
        Scene::FromAbove,
        Scene::SecondFromLeft,
        Scene::Garbage,
        Scene::Lost,
        Scene::Moved,
        Scene::Fatal,
        Scene::Overload,
    ];

    pub fn name(self) -> String {
        format!("{self:?}")
    }

    fn of(folder: &Path) -> Scene {
        // Read while it is being written, it is empty for a moment.
        let text = fs::read_to_string(folder.join("scene")).unwrap_or_default();
        let found = Scene::ALL.into_iter().find(|scene| scene.name() == text);
        found.unwrap_or(Scene::Empty)
    }
}

/// Serves the guard at standard input, if this is the vision process.
pub fn serve_if_started_by_the_guard() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    fs::write(folder.join("pid"), std::process::id().to_string()).expect("a process id");
    let stdin = rustix::stdio::stdin().try_clone_to_owned().expect("standard input");
    let link = UnixStream::from(stdin);
    let reading = link.try_clone().expect("the link");
    let (sender, commands) = mpsc::sync_channel(64);
    thread::spawn(move || {
        while let Ok(message) = link::receive::<ToWorker>(&reading) {
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    // An error means that the guard is gone.
    let _ = Fake { folder, link, shown: Cell::new((Scene::Empty, 0)), accepted: Cell::new(false) }
        .serve(&commands);
    std::process::exit(0);
}

struct Fake {
    folder: PathBuf,
    link: UnixStream,
    /// What is shown, and the first frame that showed it.
    shown: Cell<(Scene, u64)>,
    /// Whether the view was accepted as it is.
    accepted: Cell<bool>,
}

impl Fake {
    fn serve(&self, commands: &Receiver<ToWorker>) -> Result<(), link::LinkError> {
        self.say(&FromWorker::Hello { version: PROTOCOL_VERSION })?;
        if Scene::of(&self.folder) == Scene::Fatal {
            let reason = "the model has the wrong digest".to_owned();
            return self.say(&FromWorker::Fatal { reason });
        }
        self.say(&FromWorker::Ready(ModelInfo {
            slot: "shipped".into(),
            name: "fake".into(),
            version: "1".into(),
            digest: fs::read_to_string(self.folder.join("model")).unwrap_or("d1ce".into()),
            provider: "cpu".into(),
            runtime: "0".into(),
            ..ModelInfo::default()
        }))?;
        let mut watched = Watched::No;
        // How often it was told where to look closer.
        let mut told = 0;
        for frame in 0.. {
            loop {
                match commands.try_recv() {
                    Ok(ToWorker::Stop) => return Ok(()),
                    Ok(ToWorker::Watch { watched: now, .. }) => watched = now,
                    Ok(ToWorker::TakeSnapshot { request, frame, .. }) => {
                        if self.folder.join("keeps pictures").exists() {
                            fs::write(self.folder.join("kept"), frame.to_string()).expect("a note");
                            continue;
                        }
                        let picture = Some(picture(frame));
                        self.say(&FromWorker::Snapshot { request, picture })?;
                    }
                    Ok(ToWorker::AcceptView { .. }) => {
                        self.accepted.set(true);
                        self.settle(frame, ACCEPTED_LEVEL)?;
                    }
                    Ok(ToWorker::Reference { known, .. }) => {
                        let level = known.reference.map(|it| it.luma[0].to_string());
                        let usual = known.learned.usual.len();
                        let note = format!("{} {usual}", level.unwrap_or("none".into()));
                        fs::write(self.folder.join("known"), note).expect("a note");
                    }
                    Ok(ToWorker::HideClip { request, span, path, veil, .. }) => {
                        let told = format!("{} masks", veil.masks.len());
                        fs::write(self.folder.join("veil"), told).expect("a note");
                        assert!(!veil.seen.is_empty(), "nobody was seen for two seconds");
                        self.write_clip(request, span, Path::new(&path))?;
                    }
                    Ok(ToWorker::WriteClip { request, span, path, .. }) => {
                        fs::write(self.folder.join("clear"), "asked for").expect("a note");
                        self.write_clip(request, span, Path::new(&path))?;
                    }
                    Ok(ToWorker::Detail { .. }) => {
                        told += 1;
                        fs::write(self.folder.join("detail"), told.to_string()).expect("a note");
                    }
                    Ok(
                        ToWorker::Start(_)
                        | ToWorker::Prepare { .. }
                        | ToWorker::Switch { .. }
                        | ToWorker::SwitchBack { .. }
                        | ToWorker::ForgetStandby
                        | ToWorker::RunGolden { .. },
                    ) => {}
                    Err(_) => break,
                }
            }
            self.look(frame)?;
            let known = fs::read_to_string(self.folder.join("known")).unwrap_or_default();
            if frame == SETTLED_AT && known.starts_with("none") {
                self.settle(frame, FIRST_LEVEL)?;
            }
            if watched == Watched::Yes {
                self.say(&FromWorker::Preview(picture(frame)))?;
            }
            fs::write(self.folder.join("watched"), format!("{watched:?}")).expect("a note");
            thread::park_timeout(PICTURE_EVERY);
        }
        Ok(())
    }

    fn look(&self, frame: u64) -> Result<(), link::LinkError> {
        let at_ns = clock::monotonic().as_nanos();
        self.say(&FromWorker::Heartbeat { at_ns })?;
        let scene = Scene::of(&self.folder);
        if self.shown.get().0 != scene {
            if self.shown.get().0 == Scene::Overload {
                self.say(&FromWorker::Load(None))?;
            }
            self.shown.set((scene, frame));
        }
        let walked = frame - self.shown.get().1;
        match scene {
            Scene::Empty | Scene::Fatal => self.say(&report(frame, vec![])),
            Scene::Person => self.say(&report(frame, vec![person()])),
            Scene::Faint => {
                let faint = WireDetection { score: 0.2, ..person() };
                self.say(&report(frame, vec![faint]))
            }
            Scene::FromLeft => self.say(&report(frame, vec![walker(walked, (10.0, 190.0))])),
            Scene::FromRight => self.say(&report(frame, vec![walker(walked, (310.0, 190.0))])),
            Scene::FromAbove => self.say(&report(frame, vec![walker(walked, (176.0, 110.0))])),
            Scene::SecondFromLeft => {
                let people = vec![walker(u64::MAX, (0.0, 0.0)), walker(walked, (10.0, 190.0))];
                self.say(&report(frame, people))
            }
            Scene::Lost => {
                self.say(&FromWorker::CameraLost { camera: 0, reason: "the cable is out".into() })
            }
            Scene::Overload => {
                self.say(&FromWorker::Load(Some(overload())))?;
                self.say(&report(frame, vec![]))
            }
            Scene::Moved => {
                let finding = ViewFinding {
                    kind: ViewKind::Moved,
                    since_ns: at_ns,
                    measured: 24.0 / 1920.0,
                    limit: 7.0 / 1920.0,
                };
                let accepted = self.accepted.get();
                let findings = if accepted { vec![] } else { vec![finding] };
                self.say(&report(frame, vec![]))?;
                let shift = ViewShift { x_norm: 0.0125, y_norm: 0.0, turn_deg: 0.0, zoom: 1.0 };
                let shift = Some(shift).filter(|_| !accepted);
                self.say(&FromWorker::Integrity { camera: 0, findings, shift })
            }
            Scene::Garbage => {
                let stranger = FromWorker::Report(Report {
                    camera: 17,
                    ..unwrap(report(frame, vec![person()]))
                });
                let flat = FromWorker::Report(Report {
                    width_px: 0,
                    ..unwrap(report(frame, vec![person()]))
                });
                self.say(&stranger)?;
                self.say(&flat)?;
                let nan = WireDetection { left_px: f64::NAN, ..person() };
                let sure = WireDetection { score: f32::INFINITY, ..person() };
                self.say(&report(frame, vec![nan, sure, person()]))
            }
        }
    }

    /// The view is known: this level in all of it, but for what is secret; or one that could be recognised.
    fn settle(&self, frame: u64, level: u8) -> Result<(), link::LinkError> {
        let reference = match self.folder.join("textured").exists() {
            true => textured(level),
            false => {
                let mut luma = vec![level; 16 * 12];
                for row in luma.chunks_exact_mut(16).skip(8) {
                    row[9..15].copy_from_slice(SECRET);
                }
                GreyPicture { width_px: 16, height_px: 12, luma }
            }
        };
        let usual = vec![UsualHour::default(); 24];
        let (background, faces) = (Some(reference.clone()), vec![reference.clone()]);
        self.say(&FromWorker::Settled { camera: 0, frame, reference })?;
        let learned = LearnedView { usual, background, faces, lately: None };
        let learned = Box::new(learned);
        self.say(&FromWorker::Learned { camera: 0, learned })
    }

    /// As the file `clips` says: `full` as on a full disk, `half` writes half of one and hangs, `empty`
    /// writes nothing and says it did, `empty clear` does so for the clear one only, and a number writes
    /// so many megabytes, or as many as the disk takes.
    fn write_clip(
        &self,
        request: u64,
        ClipSpan { from_ns: first_ns, to_ns: last_ns, .. }: ClipSpan,
        path: &Path,
    ) -> Result<(), link::LinkError> {
        let how = fs::read_to_string(self.folder.join("clips")).unwrap_or_default();
        let outcome = match how.as_str() {
            "full" => ClipOutcome::Failed { reason: "No space left on device".into() },
            "half" => {
                fs::write(path, b"half a fi").expect("written");
                return Ok(());
            }
            how => {
                let mut film = format!("a film from {first_ns} to {last_ns}").into_bytes();
                film.resize(film.len() + how.parse::<usize>().unwrap_or(0) * 1_000_000, b' ');
                let hides = path.to_string_lossy().contains(".hidden.");
                if how == "empty" || (how == "empty clear" && !hides) {
                    film.clear();
                }
                match fs::write(path, &film) {
                    Err(error) => ClipOutcome::Failed { reason: error.to_string() },
                    Ok(()) => ClipOutcome::Written(ClipWritten {
                        first_ns,
                        last_ns,
                        longest_gap_ns: 100_000_000,
                        pictures: 100,
                        bytes: film.len() as u64,
                        codec: "H.264".into(),
                    }),
                }
            }
        };
        self.say(&FromWorker::Clip { request, outcome })
    }

    fn say(&self, message: &FromWorker) -> Result<(), link::LinkError> {
        link::send(&self.link, message)
    }
}

/// A view that can be recognised everywhere; its first pixel has this level.
fn textured(level: u8) -> GreyPicture {
    let (width_px, height_px) = (160, 90);
    let mut luma: Vec<u8> = (0..width_px * height_px).map(|at| (at * 7919 % 251) as u8).collect();
    luma[0] = level;
    GreyPicture { width_px, height_px, luma }
}

fn overload() -> Load {
    let camera = CameraLoad {
        camera: 0,
        came_fps: 5.0,
        looked_at_fps: 3.1,
        picture_ms: 264.0,
        served: Served::TooLittle,
    };
    Load { needed_ms_per_s: 1320.0, available_ms_per_s: 1000.0, cameras: vec![camera] }
}

fn unwrap(message: FromWorker) -> Report {
    match message {
        FromWorker::Report(report) => report,
        other => unreachable!("made by report(): {other:?}"),
    }
}

fn report(frame: u64, detections: Vec<WireDetection>) -> FromWorker {
    let now = clock::monotonic().as_nanos();
    let ms = |ms: u64| now - ms * 1_000_000;
    FromWorker::Report(Report {
        camera: 0,
        frame,
        width_px: SIZE_PX.0,
        height_px: SIZE_PX.1,
        detections,
        stages: StageTimes {
            captured_ns: ms(60),
            arrived_ns: ms(40),
            preprocessed_ns: ms(30),
            inferred_ns: ms(10),
            decoded_ns: ms(5),
        },
        clock: CaptureClock::Pipeline,
        passed_over: 0,
    })
}

fn person() -> WireDetection {
    WireDetection { left_px: 120.0, top_px: 60.0, width_px: 40.0, height_px: 120.0, score: 0.8 }
}

/// Somebody whose feet come from a place, 10 px a picture, and stop in the middle.
fn walker(walked: u64, from: (f64, f64)) -> WireDetection {
    const MIDDLE: (f64, f64) = (176.0, 190.0);
    const STEP_PX: f64 = 10.0;
    let way = (MIDDLE.0 - from.0, MIDDLE.1 - from.1);
    let length = f64::hypot(way.0, way.1);
    let share = (walked as f64 * STEP_PX / length).min(1.0);
    let (x, y) = (from.0 + share * way.0, from.1 + share * way.1);
    WireDetection {
        left_px: x - 17.0,
        top_px: y - 100.0,
        width_px: 34.0,
        height_px: 100.0,
        score: 0.8,
    }
}

fn picture(frame: u64) -> Picture {
    let mut jpeg = Vec::new();
    // Stripes, so that it can be seen where they are gone.
    let stripes = image::RgbImage::from_fn(SIZE_PX.0, SIZE_PX.1, |x, _| match x / 4 % 2 {
        0 => image::Rgb([50, 50, 50]),
        _ => image::Rgb([130, 130, 130]),
    });
    image::codecs::jpeg::JpegEncoder::new(&mut jpeg).encode_image(&stripes).expect("a picture");
    Picture { camera: 0, frame, captured_ns: clock::monotonic().as_nanos(), jpeg }
}
