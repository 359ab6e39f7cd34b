//! The whole box for a long time: the real program with four network cameras that play footage, zones,
//! a siren, clips and integrity. What grows, what gets late, what cries wolf?
//!
//! `four_cameras_are_watched_without_loss_or_growth` holds what no busy machine explains at every
//! `scripts/test`; `scripts/soak` runs `soak` on the release build and holds the promises.

#[path = "soak/figures.rs"]
mod figures;
#[path = "soak/process.rs"]
mod process;
#[path = "support/running.rs"]
#[expect(dead_code, reason = "the measurement of latency asks more of it")]
mod running;
#[path = "rtsp/server.rs"]
#[allow(dead_code, reason = "cameras of this test only play")]
mod server;
#[path = "soak/service.rs"]
mod service;
#[path = "soak/slope.rs"]
mod slope;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use standclear::clock;
use standclear::engine::time::Instant;

use figures::{Figures, GROSS, Memory, PROMISED, between};
use server::{Server, Setup};
use service::{Service, Sound};

/// Pictures a second, of every camera.
pub const FPS: u32 = 5;

/// One whole picture every two seconds, 1 Mbit/s: what a small camera sends.
const ENCODER: &str = "openh264enc gop-size=10 complexity=low bitrate=1000000 ! \
    h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96";

/// From camera to camera so many pictures later, so that they do not show the same.
const APART: u32 = 83;

/// Nothing counts before: memory for 50 s of video fills, snapshots and clips are made for the first
/// time. A sixth of a short run, at most this.
const WARM_UP_MAX: Duration = Duration::from_secs(240);

const LOOK_EVERY: Duration = Duration::from_secs(1);
const MEASURE_EVERY: Duration = Duration::from_secs(5);

/// How long the test that always runs measures.
const SHORT: Duration = Duration::from_secs(30);

/// Lines of the box's log that are repeated.
const LOG_LINES_MAX: usize = 20;

#[test]
#[ignore = "the server's process, which the other tests start"]
fn serves_when_told() {
    server::serve_when_told();
}

#[test]
fn four_cameras_are_watched_without_loss_or_growth() {
    let figures = run(SHORT, 4, Kind::Rtsp);
    let beyond = match figures.starved_from_outside() {
        true => {
            println!(
                "the machine is busy with something else: only memory and fairness are judged"
            );
            figures.beyond_whatever_the_load(&GROSS)
        }
        false => figures.beyond(&GROSS),
    };
    assert!(beyond.is_empty(), "beyond the limits:\n{}\n{GROSS:#?}", beyond.join("\n"));
}

/// The long form, for `scripts/soak`: minutes, cameras and their kind in `STANDCLEAR_SOAK`.
#[test]
#[ignore = "takes as long as it is told: scripts/soak"]
fn soak() {
    let told = std::env::var("STANDCLEAR_SOAK").expect("started by scripts/soak");
    let [minutes, cameras, kind] = told.split(' ').collect::<Vec<_>>()[..] else {
        panic!("minutes, cameras and their kind, not {told:?}");
    };
    let kind = match kind {
        "rtsp" => Kind::Rtsp,
        "file" => Kind::File,
        other => panic!("no kind of camera: {other:?}"),
    };
    let minutes: u64 = minutes.parse().expect("minutes");
    let cameras: u32 = cameras.parse().expect("cameras");
    let figures = run(Duration::from_secs(60 * minutes), cameras, kind);
    let beyond = figures.beyond(&PROMISED);
    assert!(beyond.is_empty(), "beyond the limits:\n{}\n{PROMISED:#?}", beyond.join("\n"));
}

/// What the cameras are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A server process each.
    Rtsp,
    /// The sample footage, opened anew whenever it is over: what the box keeps of it, it encodes itself.
    File,
}

fn run(span: Duration, cameras: u32, kind: Kind) -> Figures {
    let folder = tempfile::tempdir().expect("a folder");
    let servers: Vec<Server> = match kind {
        Kind::File => Vec::new(),
        Kind::Rtsp => {
            let footage = pictures_of_footage(folder.path());
            let play = |number: u32| Server::start(&Setup::of(&camera(&footage, number), ENCODER));
            (0..cameras).map(play).collect()
        }
    };
    let sources: Vec<String> = match kind {
        Kind::Rtsp => servers.iter().map(|it| format!("{{ rtsp = {:?} }}", it.url())).collect(),
        Kind::File => {
            let source = format!("{{ file = {:?}, loop = true }}", support::footage());
            vec![source; cameras as usize]
        }
    };
    let service = Service::start(folder.path(), &sources);
    service.wait_watched();
    let figures = Run::new(&service).measure(span);
    println!("{}", figures.words());
    keep(&service, &figures);
    figures
}

/// The footage's pictures as files, so that cameras can play them round and round without a jump in
/// time.
fn pictures_of_footage(folder: &Path) -> String {
    let pattern = folder.join("%05d.jpg").display().to_string();
    support::make_clip(&format!(
        "filesrc location={} ! avidemux ! decodebin ! videorate ! videoconvertscale ! \
         video/x-raw,format=I420,width=640,height=480,framerate={FPS}/1 ! jpegenc quality=85 ! \
         multifilesink location={pattern}",
        support::footage().display()
    ));
    pattern
}

fn camera(pattern: &str, number: u32) -> String {
    let first = number * APART;
    format!(
        "multifilesrc location={pattern} index={first} loop=true \
         caps=image/jpeg,framerate={FPS}/1 ! jpegdec ! videoconvert ! identity sync=true"
    )
}

/// What is measured while it runs.
struct Run<'a> {
    service: &'a Service,
    guard: u32,
    vision: u32,
    troubles: BTreeSet<String>,
    worst_minute_ms: f64,
}

impl<'a> Run<'a> {
    fn new(service: &'a Service) -> Run<'a> {
        let (guard, vision) = service.processes().expect("guard and vision run");
        Run { service, guard, vision, troubles: BTreeSet::new(), worst_minute_ms: 0.0 }
    }

    fn measure(mut self, span: Duration) -> Figures {
        self.watch(warm_up(span), |_| {});
        self.troubles.clear();
        let (began, before) = (clock::monotonic(), self.pictures());
        let warnings_before = warnings(self.service).len();
        let (guard_s, vision_s) =
            (process::processor_s(self.guard), process::processor_s(self.vision));
        let machine_s = process::machine_s();
        let (mut guard, mut vision) = (Memory::default(), Memory::default());
        self.watch(span, |run| {
            let hours = clock::monotonic().since(began).as_secs_f64() / 3600.0;
            for (memory, id) in [(&mut guard, run.guard), (&mut vision, run.vision)] {
                memory.0.extend(process::resident_mb(id).map(|mb| (hours, mb)));
            }
        });
        let (took, after) = (clock::monotonic().since(began), self.pictures());
        let state = self.service.get("/api/state").unwrap_or(Value::Null);
        let cores = |from: f64, to: f64| (to - from) / took.as_secs_f64();
        let log = warnings(self.service).split_off(warnings_before);
        Figures {
            span: took,
            cameras: between(&before, &after),
            worst_minute_ms: self.worst_minute_ms,
            guard,
            vision,
            guard_cores: cores(guard_s, process::processor_s(self.guard)),
            vision_cores: cores(vision_s, process::processor_s(self.vision)),
            machine_cores: cores(machine_s, process::machine_s()),
            incidents: self.newest_incident(),
            evidence: self.evidence(),
            restarts: state["vision"]["restarts"].as_u64().unwrap_or(u64::MAX),
            troubles: self.troubles.into_iter().collect(),
            log: log.into_iter().take(LOG_LINES_MAX).collect(),
        }
    }

    /// Answers alarms and notes troubles for so long.
    fn watch(&mut self, span: Duration, mut measured: impl FnMut(&Run<'_>)) {
        let until = clock::monotonic().after(span);
        let (mut measure_at, mut minute_at) = (clock::monotonic(), clock::monotonic());
        let mut minute = self.pictures();
        while clock::monotonic() < until {
            self.look();
            let now = clock::monotonic();
            if now >= measure_at {
                measured(self);
                measure_at = now.after(MEASURE_EVERY);
            }
            if now.since(minute_at) >= Duration::from_secs(60) {
                let last = std::mem::replace(&mut minute, self.pictures());
                let worst = between(&last, &minute).iter().map(|it| it.p99_ms).fold(0.0, f64::max);
                self.worst_minute_ms = self.worst_minute_ms.max(worst);
                minute_at = now;
            }
            wait(now.after(LOOK_EVERY).min(until));
        }
    }

    fn look(&mut self) {
        let Some(state) = self.service.get("/api/state") else {
            self.troubles.insert("the API does not answer".to_owned());
            return;
        };
        for alarm in state["alarms"].as_array().map_or(&[][..], Vec::as_slice) {
            if alarm["kind"] == "intrusion" || alarm["kind"] == "warning" {
                if alarm["state"] == "unacknowledged" {
                    self.service.acknowledge(alarm["id"].as_u64().unwrap_or(0));
                }
            } else if self.service.sound == Sound::Recorded || alarm["part"] != "siren" {
                self.troubles.insert(format!("{}: {}", alarm["title"], alarm["text"]));
            }
        }
        for camera in state["cameras"].as_array().map_or(&[][..], Vec::as_slice) {
            if let Some(why) = camera["reason"].as_str() {
                self.troubles.insert(format!("{}: {why}", camera["name"]));
            }
        }
    }

    fn pictures(&self) -> Value {
        self.service.get("/api/pictures").unwrap_or(Value::Null)
    }

    fn newest_incident(&self) -> u64 {
        let newest = self.service.get("/api/incidents?limit=1").unwrap_or(Value::Null);
        newest["incidents"][0]["id"].as_u64().unwrap_or(0)
    }

    fn evidence(&self) -> String {
        let kept = self.service.get("/api/evidence").unwrap_or(Value::Null);
        let megabytes = kept["clip_bytes"].as_f64().unwrap_or(0.0) / 1e6;
        let (clips, lost) = (&kept["clips"], &kept["lost"]);
        format!("{clips} clips of {megabytes:.1} MB, {lost} lost, {} snapshots", kept["snapshots"])
    }
}

fn warm_up(span: Duration) -> Duration {
    (span / 6).min(WARM_UP_MAX)
}

/// Warnings and errors of the box's log.
fn warnings(service: &Service) -> Vec<String> {
    let text = service.output();
    let bad = text.lines().filter(|line| line.contains(" WARN ") || line.contains("ERROR "));
    bad.map(str::to_owned).collect()
}

/// What others may want to draw, where `scripts/soak` wants it.
fn keep(service: &Service, figures: &Figures) {
    let Some(folder) = std::env::var_os("STANDCLEAR_SOAK_OUT") else {
        return;
    };
    let folder = Path::new(&folder);
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("soak.md"), figures.words()).expect("written");
    fs::write(folder.join("log"), service.output()).expect("written");
    let mut table = String::from("hours\tguard_mb\tvision_mb\n");
    for (guard, vision) in figures.guard.0.iter().zip(&figures.vision.0) {
        table += &format!("{:.5}\t{:.2}\t{:.2}\n", guard.0, guard.1, vision.1);
    }
    fs::write(folder.join("memory.tsv"), table).expect("written");
}

fn wait(until: Instant) {
    loop {
        let left = until.since(clock::monotonic());
        if left.is_zero() {
            return;
        }
        thread::park_timeout(left);
    }
}
