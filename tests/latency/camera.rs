//! A network camera of the test: H.264 over RTSP (interleaved TCP), five pictures a second.
//!
//! A picture is encoded before its instant, so nothing of the encoder's work or of any buffer lies
//! between that instant, at which light is said to reach the camera, and its first byte on the wire.

use std::collections::VecDeque;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use standclear::clock;
use standclear::engine::time::Instant;

use crate::yard::{HEIGHT_PX, Scene, WIDTH_PX, Yard};

pub const FPS: u64 = 5;
const EVERY: Duration = Duration::from_millis(1000 / FPS);

/// A picture is encoded this long before its instant; who is in it is decided then.
const AHEAD: Duration = Duration::from_millis(60);

/// Pictures remembered: what any incident asks about lies seconds back.
const SHOTS_KEPT: usize = 512;

/// The encoder gives a picture within this time.
const ENCODED_WITHIN: gst::ClockTime = gst::ClockTime::from_seconds(5);

/// One whole picture a second: a box that joins sees something after that time at the latest.
const ENCODER: &str = "appsrc name=in is-live=false format=time max-buffers=2 ! \
    openh264enc gop-size=5 bitrate=3000000 rate-control=off complexity=low \
    enable-frame-skip=false scene-change-detection=false multi-thread=1 ! \
    rtph264pay config-interval=-1 mtu=1400 pt=96 ! appsink name=out sync=false";

/// One picture that was sent.
#[derive(Clone, Copy, Debug)]
pub struct Shot {
    pub number: u64,
    pub scene: Scene,
    /// When light reached the camera: just before its first byte was written.
    pub at: Instant,
}

pub struct Camera {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    /// 0: nobody; else one more than the person.
    wanted: AtomicUsize,
    shots: Mutex<VecDeque<Shot>>,
    viewer: Mutex<Option<TcpStream>>,
    stop: AtomicBool,
    /// When the latest picture was sent after it was due, at worst.
    late: Mutex<Duration>,
}

impl Camera {
    /// Starts a camera whose first picture comes after `phase`.
    pub fn start(yard: Arc<Yard>, phase: Duration) -> Camera {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            wanted: AtomicUsize::new(0),
            shots: Mutex::new(VecDeque::new()),
            viewer: Mutex::new(None),
            stop: AtomicBool::new(false),
            late: Mutex::new(Duration::ZERO),
        });
        let server = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = server.clone();
                thread::spawn(move || serve(stream, &shared));
            }
        });
        let film = shared.clone();
        thread::spawn(move || film_for_ever(&yard, phase, &film));
        Camera { port, shared }
    }

    pub fn description(&self) -> String {
        format!("rtspsrc location=rtsp://127.0.0.1:{}/yard protocols=tcp latency=0", self.port)
    }

    /// Who stands there from the next picture on.
    pub fn show(&self, scene: Scene) {
        let wanted = match scene {
            Scene::Empty => 0,
            Scene::Person(who) => who + 1,
        };
        self.shared.wanted.store(wanted, Ordering::Release);
    }

    /// The pictures sent since then, oldest first.
    pub fn shots_since(&self, then: Instant) -> Vec<Shot> {
        lock(&self.shared.shots).iter().filter(|shot| shot.at >= then).copied().collect()
    }

    /// Worst delay of a picture against its own beat: the camera's own unpunctuality.
    pub fn late(&self) -> Duration {
        *lock(&self.shared.late)
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn film_for_ever(yard: &Yard, phase: Duration, shared: &Shared) {
    let mut encoder = Encoder::start();
    let start = clock::monotonic().after(phase + AHEAD);
    for number in 0u64.. {
        let due = start.after(EVERY * u32::try_from(number).expect("a short test"));
        wait_until(due.before(AHEAD));
        if shared.stop.load(Ordering::Acquire) {
            return;
        }
        let scene = match shared.wanted.load(Ordering::Acquire) {
            0 => Scene::Empty,
            one_more => Scene::Person(one_more - 1),
        };
        let bytes = encoder.encode(yard.picture(scene, number), number);
        wait_until(due);
        let at = clock::monotonic();
        let mut viewer = lock(&shared.viewer);
        if viewer.as_mut().is_some_and(|stream| stream.write_all(&bytes).is_err()) {
            *viewer = None;
        }
        drop(viewer);
        let mut late = lock(&shared.late);
        *late = late.max(at.since(due));
        drop(late);
        let mut shots = lock(&shared.shots);
        if shots.len() == SHOTS_KEPT {
            shots.pop_front();
        }
        shots.push_back(Shot { number, scene, at });
    }
}

fn wait_until(then: Instant) {
    loop {
        let left = then.since(clock::monotonic());
        if left.is_zero() {
            return;
        }
        thread::park_timeout(left);
    }
}

struct Encoder {
    pipeline: gst::Pipeline,
    entry: gst_app::AppSrc,
    exit: gst_app::AppSink,
}

impl Encoder {
    fn start() -> Encoder {
        let pipeline = gst::parse::launch(ENCODER).expect("the encoder is installed");
        let pipeline = pipeline.downcast::<gst::Pipeline>().expect("a pipeline");
        let element = |name: &str| pipeline.by_name(name).expect("it has this name");
        let entry = element("in").downcast::<gst_app::AppSrc>().expect("an appsrc");
        let exit = element("out").downcast::<gst_app::AppSink>().expect("an appsink");
        entry.set_caps(Some(
            &gst::Caps::builder("video/x-raw")
                .field("format", "I420")
                .field("width", WIDTH_PX as i32)
                .field("height", HEIGHT_PX as i32)
                .field("framerate", gst::Fraction::new(FPS as i32, 1))
                .build(),
        ));
        pipeline.set_state(gst::State::Playing).expect("the encoder starts");
        Encoder { pipeline, entry, exit }
    }

    /// The picture as interleaved RTP packets.
    fn encode(&mut self, picture: Vec<u8>, number: u64) -> Vec<u8> {
        let mut buffer = gst::Buffer::from_slice(picture);
        let timing = buffer.get_mut().expect("nobody else has it");
        let every = gst::ClockTime::from_nseconds(EVERY.as_nanos() as u64);
        timing.set_pts(every * number);
        timing.set_duration(every);
        self.entry.push_buffer(buffer).expect("the encoder takes pictures");
        let mut bytes = Vec::new();
        loop {
            let sample = self.exit.try_pull_sample(ENCODED_WITHIN).expect("an encoded picture");
            let buffer = sample.buffer().expect("a packet");
            let packet = buffer.map_readable().expect("readable");
            let length = u16::try_from(packet.len()).expect("packets are short");
            bytes.extend([b'$', 0]);
            bytes.extend(length.to_be_bytes());
            bytes.extend_from_slice(&packet);
            // The marker: the last packet of a picture.
            if packet[1] & 0x80 != 0 {
                return bytes;
            }
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Answers one RTSP client (RFC 2326) until it goes.
fn serve(stream: TcpStream, shared: &Shared) {
    stream.set_nodelay(true).expect("a TCP stream");
    let mut answers = stream.try_clone().expect("a second handle");
    let mut requests = BufReader::new(stream);
    while let Some((method, sequence, url)) = request(&mut requests) {
        let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=yard\r\nt=0 0\r\na=control:*\r\n\
                   m=video 0 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 H264/90000\r\n\
                   a=fmtp:96 packetization-mode=1\r\na=control:stream=0\r\n";
        let (headers, body) = match method.as_str() {
            "OPTIONS" => {
                let methods = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN";
                (format!("Public: {methods}\r\n"), "")
            }
            "DESCRIBE" => {
                let about = format!(
                    "Content-Base: {url}/\r\nContent-Type: application/sdp\r\n\
                     Content-Length: {}\r\n",
                    sdp.len()
                );
                (about, sdp)
            }
            "SETUP" => {
                let transport = "RTP/AVP/TCP;unicast;interleaved=0-1";
                (format!("Transport: {transport}\r\nSession: 1;timeout=60\r\n"), "")
            }
            _ => ("Session: 1\r\n".to_owned(), ""),
        };
        let answer = format!("RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n{headers}\r\n{body}");
        // Under the lock: an answer must not fall into the middle of a picture.
        let mut viewer = lock(&shared.viewer);
        if answers.write_all(answer.as_bytes()).is_err() {
            return;
        }
        if method == "PLAY" {
            *viewer = answers.try_clone().ok();
        }
        drop(viewer);
        if method == "TEARDOWN" {
            return;
        }
    }
}

/// Method, sequence number and address of the next request; receiver reports are passed over.
fn request(from: &mut BufReader<TcpStream>) -> Option<(String, String, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = byte(from)?;
        if head.is_empty() && byte == b'$' {
            let mut length = [0; 3];
            from.read_exact(&mut length).ok()?;
            let mut report = vec![0; usize::from(u16::from_be_bytes([length[1], length[2]]))];
            from.read_exact(&mut report).ok()?;
            continue;
        }
        head.push(byte);
    }
    let head = String::from_utf8(head).ok()?;
    let mut words = head.split_whitespace();
    let (method, url) = (words.next()?.to_owned(), words.next()?.to_owned());
    let value = |line: &str| line.strip_prefix("CSeq:").map(|value| value.trim().to_owned());
    let sequence = head.lines().find_map(value).unwrap_or_default();
    Some((method, sequence, url))
}

fn byte(from: &mut BufReader<TcpStream>) -> Option<u8> {
    let mut byte = [0];
    from.read_exact(&mut byte).ok()?;
    Some(byte[0])
}
