//! The same cameras in the vision process: lost, said, found again.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use standclear::clock;
use standclear::link::{
    self, CameraIndex, DecoderChoice, FromWorker, Report, Rtsp, Source, Stream, ToWorker,
    Transport, WorkerCamera, WorkerConfig,
};
use standclear::vision::worker;

use crate::server::{BALL, H264, Server, Setup};
use crate::support::{self, SOON};
use crate::{camera, firewall};

/// The vision process in a thread of this one, with one camera.
pub struct Vision {
    link: UnixStream,
    thread: std::thread::JoinHandle<Result<(), worker::WorkerError>>,
}

impl Vision {
    pub fn watch(camera: Rtsp) -> Vision {
        let (near, far) = UnixStream::pair().expect("a socket pair");
        near.set_read_timeout(Some(SOON)).expect("settable");
        let thread = std::thread::spawn(move || worker::serve(far));
        let vision = Vision { link: near, thread };
        let camera = WorkerCamera {
            id: "yard".into(),
            source: Source::Rtsp(camera),
            fps: 5.0,
            decoder: DecoderChoice::Auto,
        };
        vision.send(&ToWorker::Start(WorkerConfig {
            models: vec![standclear::link::ModelChoice {
                slot: "shipped".into(),
                dir: support::model_dir().display().to_string(),
            }],
            role: standclear::link::WorkerRole::Active,
            threads: 1,
            input_long_side_px: Some(320),
            provider: "cpu".into(),
            cameras: vec![camera],
            detail: standclear::link::DetailChoice::Off,
            ring: standclear::link::RingBounds { seconds: 10, bytes_max: 16 * 1024 * 1024 },
        }));
        vision
    }

    fn send(&self, message: &ToWorker) {
        link::send(&self.link, message).expect("the worker reads");
    }

    /// Reads on until `wanted` gives something.
    pub fn until<T>(&self, mut wanted: impl FnMut(FromWorker) -> Option<T>) -> T {
        let until = clock::monotonic().after(SOON);
        loop {
            assert!(clock::monotonic() < until, "it did not come within {SOON:?}");
            match link::receive(&self.link).expect("the worker writes") {
                FromWorker::Fatal { reason } => panic!("{reason}"),
                message => {
                    if let Some(found) = wanted(message) {
                        return found;
                    }
                }
            }
        }
    }

    pub fn report(&self) -> Report {
        self.until(|message| match message {
            FromWorker::Report(report) => Some(report),
            _ => None,
        })
    }

    pub fn lost(&self) -> String {
        self.until(|message| match message {
            FromWorker::CameraLost { camera: CameraIndex::MIN, reason } => Some(reason),
            _ => None,
        })
    }

    pub fn up(&self) -> Stream {
        self.until(|message| match message {
            FromWorker::CameraUp { camera: CameraIndex::MIN, stream } => Some(stream),
            _ => None,
        })
    }

    pub fn stop(self) {
        self.send(&ToWorker::Stop);
        self.thread.join().expect("no panic").expect("ends well");
    }
}

#[test]
fn a_camera_that_dies_is_told_and_is_watched_again_when_it_is_back() {
    let server = Server::start(&Setup::of(BALL, H264));
    let again = Setup { port: server.port, ..Setup::of(BALL, H264) };
    let vision = Vision::watch(camera(&server.url()));
    assert_eq!(vision.up().transport, Some(Transport::Tcp));
    vision.report();
    let killed = clock::monotonic();
    server.kill();
    let reason = vision.lost();
    let told_after = clock::monotonic().since(killed);
    assert!(told_after < Duration::from_secs(4), "{told_after:?}: {reason}");
    let _server = Server::start(&again);
    let back = clock::monotonic();
    vision.up();
    vision.report();
    let seen_after = clock::monotonic().since(back);
    println!("killed: told after {told_after:?} ({reason}); seen {seen_after:?} after its return");
    assert!(seen_after < Duration::from_secs(15), "{seen_after:?}");
    vision.stop();
}

#[test]
fn a_camera_that_lives_and_sends_nothing_is_told_and_watched_when_it_goes_on() {
    let mut server = Server::start(&Setup::of(BALL, H264));
    let vision = Vision::watch(camera(&server.url()));
    vision.report();
    server.freeze();
    let frozen = clock::monotonic();
    let reason = vision.lost();
    assert!(reason.contains("no picture for 3 s"), "{reason}");
    println!("frozen: told after {:?}", clock::monotonic().since(frozen));
    server.go();
    vision.report();
    vision.stop();
}

#[test]
fn a_camera_that_gives_nothing_over_tcp_is_watched_over_udp() {
    let server = Server::start(&Setup { transport: "udp", ..Setup::of(BALL, H264) });
    let vision = Vision::watch(camera(&server.url()));
    assert_eq!(vision.up().transport, Some(Transport::Udp));
    vision.report();
    vision.stop();
}

#[test]
fn a_camera_whose_udp_begins_to_be_swallowed_is_watched_over_tcp() {
    let server = Server::start(&Setup { transport: "udp", ..Setup::of(BALL, H264) });
    let url = format!("rtsp://127.0.0.1:{}/yard", firewall::before(server.port));
    let port = server.port;
    let vision = Vision::watch(camera(&url));
    // Neither way: it refuses TCP, and its UDP is swallowed.
    vision.until(|message| match message {
        FromWorker::CameraLost { reason, .. } => reason.contains("firewall").then_some(()),
        _ => None,
    });
    server.kill();
    let _server = Server::start(&Setup { port, ..Setup::of(BALL, H264) });
    assert_eq!(vision.up().transport, Some(Transport::Tcp));
    vision.report();
    vision.stop();
}
