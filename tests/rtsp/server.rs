//! A real RTSP server (gst-rtsp-server) in a process of its own, which can be killed, frozen and told
//! to send pictures of another size.
//!
//! The process is this very test program, told by a variable what to serve.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use gst_rtsp_server::gst_rtsp::{RTSPAuthMethod, RTSPLowerTrans};
use gst_rtsp_server::prelude::*;
use gst_rtsp_server::{
    RTSP_PERM_MEDIA_FACTORY_ACCESS, RTSP_PERM_MEDIA_FACTORY_CONSTRUCT,
    RTSP_TOKEN_MEDIA_FACTORY_ROLE, RTSPAuth, RTSPMedia, RTSPMediaFactory, RTSPServer, RTSPToken,
};
use gstreamer as gst;
use gstreamer_rtsp_server as gst_rtsp_server;
use standclear::clock;
use standclear::engine::time::Instant;

/// Says what to serve: address, port, transport, authentication and a pipeline, a line each.
const TOLD: &str = "STANDCLEAR_TEST_RTSP_SERVER";

/// Type of a sender report, and where it has its time.
const SENDER_REPORT: u8 = 200;
const NTP_AT: usize = 8;

pub const USER: &str = "eva";
pub const PASSWORD: &str = "s3cr3t/@:";

/// Ten pictures a second of a moving ball, which can be stopped and changed.
pub const BALL: &str = "videotestsrc is-live=true pattern=ball ! capsfilter name=size \
    caps=video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! valve name=valve";

pub const H264: &str = "openh264enc gop-size=10 complexity=low ! h264parse config-interval=-1 ! \
    rtph264pay name=pay0 pt=96";

pub const H265: &str = "x265enc speed-preset=ultrafast tune=zerolatency key-int-max=10 ! \
    h265parse config-interval=-1 ! rtph265pay name=pay0 pt=96";

/// Debian has no H.264 encoder that makes B pictures; x265 does.
pub const H265_WITH_B: &str = "x265enc speed-preset=ultrafast key-int-max=20 \
    option-string=bframes=3:b-adapt=0:rc-lookahead=5 ! h265parse config-interval=-1 ! \
    rtph265pay name=pay0 pt=96";

pub const MJPEG: &str = "jpegenc ! rtpjpegpay name=pay0 pt=26";

/// What to serve.
#[derive(Clone, Debug)]
pub struct Setup {
    /// 0: any.
    pub port: u16,
    /// `tcp`, `udp` or `both`.
    pub transport: &'static str,
    /// `none`, `basic` or `digest`.
    pub auth: &'static str,
    pub pipeline: String,
    /// Where it listens.
    pub address: &'static str,
    /// The words before the program's own, to run it elsewhere: `ip netns exec …`.
    pub within: Vec<String>,
}

/// The server's process. It ends with this value.
pub struct Server {
    pub port: u16,
    address: &'static str,
    child: Child,
    commands: ChildStdin,
}

impl Setup {
    pub fn of(video: &str, encoder: &str) -> Setup {
        let pipeline = format!("( {video} ! {encoder} )");
        let (address, within) = ("127.0.0.1", vec![]);
        Setup { port: 0, transport: "both", auth: "none", pipeline, address, within }
    }
}

impl Server {
    pub fn start(setup: &Setup) -> Server {
        let Setup { port, transport, auth, pipeline, address, within } = setup;
        let program = std::env::current_exe().expect("a program");
        let mut words = within.iter().map(OsString::from).chain([program.into_os_string()]);
        let mut child = Command::new(words.next().expect("the program at least"))
            .args(words)
            .args(["--exact", "serves_when_told", "--ignored", "--nocapture"])
            .env(TOLD, format!("{address}\n{port}\n{transport}\n{auth}\n{pipeline}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let commands = child.stdin.take().expect("piped");
        let said = BufReader::new(child.stdout.take().expect("piped"));
        let mut lines = said.lines().map_while(Result::ok);
        let port = lines.by_ref().find_map(|line| {
            line.split_once("port=").and_then(|(_, port)| port.trim().parse().ok())
        });
        // It goes on to say things, and would die of nobody listening.
        thread::spawn(move || lines.for_each(drop));
        let port = port.expect("the server says its port");
        Server { port, address, child, commands }
    }

    pub fn url(&self) -> String {
        format!("rtsp://{}:{}/yard", self.address, self.port)
    }

    /// The server lives on and sends nothing more; or it goes on.
    pub fn freeze(&mut self) {
        self.tell("freeze");
    }

    pub fn go(&mut self) {
        self.tell("go");
    }

    pub fn resize(&mut self, width_px: u32, height_px: u32) {
        self.tell(&format!("size {width_px} {height_px}"));
    }

    /// From now on this share of all packets is lost, where the pipeline ends in `netsim`.
    pub fn lose(&mut self, share: f32) {
        self.tell(&format!("lose {share}"));
    }

    /// From now on the camera's clock shows so much more than it should, and gains so much a second.
    pub fn set_clock(&mut self, ahead_ms: i64, gains_ms_per_s: i64) {
        self.tell(&format!("clock {ahead_ms} {gains_ms_per_s}"));
    }

    /// As when somebody pulls the camera's plug, but that its system closes the connections.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    fn tell(&mut self, command: &str) {
        writeln!(self.commands, "{command}").expect("the server reads");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until the starter goes; returns at once where nobody told anything.
pub fn serve_when_told() {
    let Ok(told) = std::env::var(TOLD) else {
        return;
    };
    let told: Vec<&str> = told.splitn(5, '\n').collect();
    let [address, port, transport, auth, pipeline] = told[..] else {
        panic!("{told:?}");
    };
    gst::init().expect("GStreamer starts");
    let context = gst::glib::MainContext::new();
    let server = RTSPServer::new();
    server.set_address(address);
    server.set_service(port);
    let factory = factory(transport, pipeline);
    if auth != "none" {
        protect(&server, &factory, auth);
    }
    let element = Arc::new(Mutex::new(None));
    let wrong = Arc::new(Mutex::new(WrongClock::default()));
    let (media, shown) = (Arc::clone(&element), Arc::clone(&wrong));
    factory.connect_media_configure(move |_, new| {
        *media.lock().expect("not poisoned") = Some(new.element());
        let shown = Arc::clone(&shown);
        new.connect_prepared(move |media| show_wrong_time(media, &shown));
    });
    server.mount_points().expect("it has some").add_factory("/yard", factory);
    let _attached = server.attach(Some(&context)).expect("the port is free");
    thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if let Some(words) = line.strip_prefix("clock ") {
                *wrong.lock().expect("not poisoned") = WrongClock::told(words);
                continue;
            }
            let media = element.lock().expect("not poisoned").clone();
            obey(&line, media.and_then(|media: gst::Element| media.downcast::<gst::Bin>().ok()));
        }
        std::process::exit(0);
    });
    println!("port={}", server.bound_port());
    gst::glib::MainLoop::new(Some(&context), false).run();
}

/// A clock that shows something else than the time.
#[derive(Default)]
struct WrongClock {
    since: Option<Instant>,
    ahead_ms: i64,
    gains_ms_per_s: i64,
}

impl WrongClock {
    fn told(words: &str) -> WrongClock {
        let mut numbers = words.split(' ').map(|word| word.parse().expect("a number"));
        let mut next = || numbers.next().expect("two numbers");
        WrongClock { since: Some(clock::monotonic()), ahead_ms: next(), gains_ms_per_s: next() }
    }

    fn ahead_ms(&self) -> i64 {
        let passed_s =
            self.since.map_or(0.0, |since| clock::monotonic().since(since).as_secs_f64());
        self.ahead_ms + (self.gains_ms_per_s as f64 * passed_s) as i64
    }
}

/// Rewrites the time in what the camera reports of itself (RTCP sender reports, RFC 3550, 6.4.1), which
/// it then does twice a second.
fn show_wrong_time(media: &RTSPMedia, wrong: &Arc<Mutex<WrongClock>>) {
    let pipeline = media.element().parent().and_downcast::<gst::Bin>().expect("a pipeline");
    let elements = pipeline.iterate_recurse().into_iter().filter_map(Result::ok);
    for session in elements.filter(|it| it.factory().is_some_and(|it| it.name() == "rtpsession")) {
        let every = gst::ClockTime::from_mseconds(500).nseconds();
        let inside = session.property::<gst::glib::Object>("internal-session");
        inside.set_property("rtcp-min-interval", every);
        let reports = session.static_pad("send_rtcp_src").expect("it sends reports");
        let wrong = Arc::clone(wrong);
        reports.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let ahead_ms = wrong.lock().expect("not poisoned").ahead_ms();
            let mut report = info.buffer_mut().expect("a packet").make_mut().map_writable();
            let bytes = report.as_mut().expect("writable");
            if ahead_ms != 0 && bytes[1] == SENDER_REPORT {
                let at = NTP_AT..NTP_AT + 8;
                let ntp = u64::from_be_bytes(bytes[at.clone()].try_into().expect("eight"));
                let ahead = ((i128::from(ahead_ms) << 32) / 1000) as u64;
                bytes[at].copy_from_slice(&ntp.wrapping_add(ahead).to_be_bytes());
            }
            gst::PadProbeReturn::Ok
        });
    }
}

fn factory(transport: &str, pipeline: &str) -> RTSPMediaFactory {
    let factory = RTSPMediaFactory::new();
    factory.set_launch(pipeline);
    factory.set_shared(true);
    factory.set_protocols(match transport {
        "tcp" => RTSPLowerTrans::TCP,
        "udp" => RTSPLowerTrans::UDP,
        _ => RTSPLowerTrans::TCP | RTSPLowerTrans::UDP,
    });
    factory
}

fn protect(server: &RTSPServer, factory: &RTSPMediaFactory, how: &str) {
    let token = RTSPToken::builder().field(RTSP_TOKEN_MEDIA_FACTORY_ROLE.as_str(), USER).build();
    let role = gst::Structure::builder(USER)
        .field(RTSP_PERM_MEDIA_FACTORY_ACCESS.as_str(), true)
        .field(RTSP_PERM_MEDIA_FACTORY_CONSTRUCT.as_str(), true)
        .build();
    factory.add_role_from_structure(&role);
    let auth = RTSPAuth::new();
    if how == "digest" {
        auth.set_supported_methods(RTSPAuthMethod::Digest);
        auth.add_digest(USER, PASSWORD, &token);
    } else {
        auth.set_supported_methods(RTSPAuthMethod::Basic);
        auth.add_basic(&RTSPAuth::make_basic(USER, PASSWORD), &token);
    }
    server.set_auth(Some(&auth));
}

fn obey(command: &str, media: Option<gst::Bin>) {
    let element = |name: &str| media.as_ref().and_then(|media| media.by_name(name));
    let words: Vec<&str> = command.split(' ').collect();
    match words[..] {
        ["freeze"] => element("valve").expect("a valve").set_property("drop", true),
        ["go"] => element("valve").expect("a valve").set_property("drop", false),
        ["lose", share] => {
            let share = share.parse::<f32>().expect("a number");
            element("pay0").expect("a network").set_property("drop-probability", share);
        }
        ["size", width, height] => {
            let px = |side: &str| side.parse::<i32>().expect("a number");
            let caps = gst::Caps::builder("video/x-raw")
                .field("format", "I420")
                .field("width", px(width))
                .field("height", px(height))
                .field("framerate", gst::Fraction::new(10, 1))
                .build();
            element("size").expect("a filter").set_property("caps", caps);
        }
        _ => panic!("{command}"),
    }
}
