//! Network cameras, played by a real RTSP server.

mod broken_decoder;
mod fickle;
mod firewall;
mod live;
mod lossy_network;
mod program;
mod server;
#[path = "../support/mod.rs"]
mod support;
mod wrong_clock;

use std::time::Duration;

use standclear::clock;
use standclear::link::{
    CaptureClock, DecoderChoice, DecoderFamily, Login, Password, Rtsp, Secret, Transport,
};
use standclear::telemetry::chain;
use standclear::vision::ingest::rtsp::{RtspOptions, RtspSource, Way};
use standclear::vision::ingest::{Frame, FrameSource, Polled, SourceError};

use server::{BALL, H264, H265, H265_WITH_B, MJPEG, PASSWORD, Server, Setup, USER};
use support::SOON;

/// Reconnects of the test that always runs, and of the long one.
const RECONNECTS: u32 = 20;
const RECONNECTS_LONG: u32 = 500;

/// Pictures after which it is known what is quick for a camera.
const FIRST: usize = 5;

/// After so many connections everything that is kept for good has been made.
const WARM: u32 = 5;

/// What the memory may grow by over all reconnects: a leaked pipeline is a quarter of this.
const GROWTH_MAX_KB: u64 = 12 * 1024;

#[test]
#[ignore = "the server's process, which the other tests start"]
fn serves_when_told() {
    server::serve_when_told();
}

fn camera(url: &str) -> Rtsp {
    let url = Secret::new(url.to_owned());
    Rtsp { url, login: None, transport: Transport::Auto, wait_ms: None }
}

fn login(password: &str) -> Option<Login> {
    let user = Secret::new(USER.to_owned());
    Some(Login { user, password: Password::Written(Secret::new(password.to_owned())) })
}

fn open_by(camera: &Rtsp, way: Way, decoder: DecoderChoice) -> Result<RtspSource, SourceError> {
    RtspSource::open(
        camera,
        &RtspOptions { fit: support::fit(), fps: None, way, decoder: decoder.into() },
    )
}

fn open(camera: &Rtsp) -> RtspSource {
    open_by(camera, Way::Tcp, DecoderChoice::Auto)
        .unwrap_or_else(|error| panic!("{}", chain(&error)))
}

fn picture(source: &mut RtspSource) -> Frame {
    match source.next(SOON) {
        Ok(Polled::Frame(frame)) => frame,
        Ok(other) => panic!("{other:?}"),
        Err(error) => panic!("{}", chain(&error)),
    }
}

/// Why there is no picture.
fn refusal(camera: &Rtsp, way: Way) -> String {
    let mut source = match open_by(camera, way, DecoderChoice::Auto) {
        Ok(source) => source,
        Err(error) => return chain(&error),
    };
    match source.next(SOON) {
        Err(error) => chain(&error),
        Ok(polled) => panic!("{polled:?}"),
    }
}

fn size(frame: &Frame) -> (f64, f64) {
    (frame.source_size.width_px(), frame.source_size.height_px())
}

fn age(frame: &Frame) -> Duration {
    Duration::from_nanos(frame.arrived_ns - frame.captured_ns)
}

#[test]
fn the_footage_comes_over_tcp_and_over_udp_and_what_decodes_it_is_said() {
    let footage = format!(
        "filesrc location={} ! avidemux ! decodebin ! videoconvert",
        support::footage().display()
    );
    let server = Server::start(&Setup::of(&footage, H264));
    for (way, transport) in [(Way::Tcp, Transport::Tcp), (Way::Udp, Transport::Udp)] {
        let camera = camera(&server.url());
        let mut source = open_by(&camera, way, DecoderChoice::Auto).expect("it opens");
        for _ in 0..10 {
            let frame = picture(&mut source);
            assert_eq!(size(&frame), (768.0, 576.0));
        }
        let stream = source.stream();
        assert_eq!(stream.transport, Some(transport));
        assert!(stream.decoder.is_some_and(|decoder| decoder.contains("264")));
    }
}

#[test]
fn every_kind_of_video_a_camera_sends_is_decoded_in_its_order() {
    for (encoder, decoder) in [
        (H264, "avdec_h264"),
        (H265, "avdec_h265"),
        (H265_WITH_B, "avdec_h265"),
        (MJPEG, "jpegdec"),
    ] {
        let server = Server::start(&Setup::of(BALL, encoder));
        let software = DecoderChoice::Named(DecoderFamily::Software);
        let mut source = open_by(&camera(&server.url()), Way::Tcp, software).expect("it opens");
        let frames: Vec<Frame> = (0..15).map(|_| picture(&mut source)).collect();
        assert_eq!(source.stream().decoder.as_deref(), Some(decoder));
        for pair in frames.windows(2) {
            assert_eq!(size(&pair[1]), (320.0, 240.0), "{encoder}");
            assert!(pair[0].time < pair[1].time, "{encoder}");
        }
        // How late the first ones are shows when quicker ones have come, and what the encoder took
        // when the camera says it.
        for pair in frames[FIRST..].windows(2) {
            let in_order = pair[0].captured_ns < pair[1].captured_ns;
            assert!(in_order || pair[0].clock != pair[1].clock, "{encoder}: {pair:?}");
        }
        assert!(frames.iter().all(|frame| frame.clock != CaptureClock::Pipeline), "{encoder}");
    }
}

#[test]
fn a_decoder_this_machine_has_not_is_named() {
    let server = Server::start(&Setup::of(BALL, H264));
    let nvidia = DecoderChoice::Named(DecoderFamily::Nvidia);
    let mut source = open_by(&camera(&server.url()), Way::Tcp, nvidia).expect("it opens");
    let error = chain(&source.next(SOON).expect_err("there is none"));
    assert!(error.contains("nvidia") && error.contains("H.264"), "{error}");
}

#[test]
fn the_camera_lets_in_who_knows_the_password_and_no_message_repeats_one() {
    for auth in ["basic", "digest"] {
        let server = Server::start(&Setup { auth, ..Setup::of(BALL, H264) });
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("password");
        std::fs::write(&file, format!("{PASSWORD}\nnot this\n")).expect("written");
        let by_file = Login {
            user: Secret::new(USER.to_owned()),
            password: Password::File(file.display().to_string()),
        };
        for login in [login(PASSWORD), Some(by_file)] {
            picture(&mut open(&Rtsp { login, ..camera(&server.url()) }));
        }
        for login in [login("wr0ng"), None] {
            let error = refusal(&Rtsp { login, ..camera(&server.url()) }, Way::Tcp);
            assert!(error.contains("does not let the box in"), "{auth}: {error}");
            assert!(!error.contains("wr0ng") && !error.contains("s3cr3t"), "{error}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_camera_is_told_without_its_token() {
    let server = Server::start(&Setup::of(BALL, H264));
    let nowhere = "rtsp://127.0.0.1:9/t0ken".to_owned();
    for (url, told) in [(server.url() + "/t0ken", "ot found"), (nowhere, "connect")] {
        let error = refusal(&camera(&url), Way::Tcp);
        assert!(error.contains(told) && !error.contains("t0ken"), "{error}");
    }
    let login = Login {
        user: Secret::new(USER.to_owned()),
        password: Password::File("/nowhere/password".to_owned()),
    };
    let error = refusal(&Rtsp { login: Some(login), ..camera(&server.url()) }, Way::Tcp);
    assert!(error.contains("/nowhere/password"), "{error}");
}

#[test]
fn udp_that_a_firewall_swallows_is_said_and_tcp_goes_through_it() {
    let server = Server::start(&Setup::of(BALL, H264));
    let url = format!("rtsp://127.0.0.1:{}/yard", firewall::before(server.port));
    let error = refusal(&camera(&url), Way::Udp);
    assert!(error.contains("UDP") && error.contains("firewall"), "{error}");
    let mut source = open(&camera(&url));
    picture(&mut source);
    assert_eq!(source.stream().transport, Some(Transport::Tcp));
}

#[test]
fn the_camera_says_when_a_picture_was_taken_once_its_report_came() {
    for way in [Way::Tcp, Way::Udp] {
        let server = Server::start(&Setup::of(BALL, H264));
        let mut source =
            open_by(&camera(&server.url()), way, DecoderChoice::Auto).expect("it opens");
        let first = picture(&mut source);
        assert!(first.captured_ns <= first.arrived_ns);
        let until = clock::monotonic().after(SOON);
        let reported = loop {
            let frame = picture(&mut source);
            assert!(age(&frame) < Duration::from_millis(900), "{way:?}: {frame:?}");
            if frame.clock == CaptureClock::SenderReport {
                break frame;
            }
            assert_eq!(frame.clock, CaptureClock::Arrival);
            assert!(clock::monotonic() < until, "no report within {SOON:?}");
        };
        println!("{way:?}: a picture is {:?} old by the camera's clock", age(&reported));
        assert_eq!(source.stream().clock, CaptureClock::SenderReport);
        assert_eq!(source.stream().clock_refused, None);
    }
}

#[test]
fn a_picture_of_another_size_is_a_picture() {
    let mut server = Server::start(&Setup::of(BALL, H264));
    let mut source = open(&camera(&server.url()));
    assert_eq!(size(&picture(&mut source)), (320.0, 240.0));
    server.resize(640, 360);
    let until = clock::monotonic().after(SOON);
    while size(&picture(&mut source)) != (640.0, 360.0) {
        assert!(clock::monotonic() < until, "it stayed as it was");
    }
}

#[test]
fn under_loss_nothing_is_shown_that_was_made_up_and_all_is_shown_when_it_ends() {
    // A third of all packets is lost, and every picture is many.
    let h264 = "openh264enc gop-size=10 complexity=low bitrate=1000000 ! \
                rtph264pay config-interval=-1 mtu=500 pt=96";
    let h265 = "x265enc speed-preset=ultrafast tune=zerolatency key-int-max=10 bitrate=1000 ! \
                h265parse config-interval=-1 ! rtph265pay mtu=500 pt=96";
    for encoder in [h264, h265] {
        let lossy = format!("{encoder} ! netsim name=pay0 drop-probability=0");
        let noise = BALL.replace("pattern=ball", "pattern=snow");
        let mut server = Server::start(&Setup::of(&noise, &lossy));
        let camera = camera(&server.url());
        let mut source = open_by(&camera, Way::Udp, DecoderChoice::Auto).expect("it opens");
        picture(&mut source);
        server.lose(0.3);
        let (mut shown, span) = (0, Duration::from_secs(4));
        let until = clock::monotonic().after(span);
        while clock::monotonic() < until {
            let polled = source.next(Duration::from_millis(100));
            shown += u32::from(matches!(polled, Ok(Polled::Frame(_))));
        }
        server.lose(0.0);
        let ended = clock::monotonic();
        for _ in 0..10 {
            picture(&mut source);
        }
        let recovered = clock::monotonic().since(ended);
        println!("{shown} pictures in {span:?} of loss; ten within {recovered:?} of its end");
        // A few may come before the command does.
        assert!(shown < 5, "{shown} of 40 pictures cannot have come whole");
        assert!(recovered < Duration::from_secs(5), "{recovered:?}");
    }
}

#[test]
fn connecting_again_and_again_keeps_nothing() {
    reconnect(RECONNECTS);
}

#[test]
#[ignore = "takes minutes; run it before a release"]
fn connecting_five_hundred_times_keeps_nothing() {
    reconnect(RECONNECTS_LONG);
}

fn reconnect(times: u32) {
    let server = Server::start(&Setup::of(BALL, H264));
    let camera = camera(&server.url());
    let mut warm_kb = 0;
    for n in 0..times {
        let way = if n % 2 == 0 { Way::Tcp } else { Way::Udp };
        picture(&mut open_by(&camera, way, DecoderChoice::Auto).expect("it opens"));
        if n + 1 == WARM {
            warm_kb = resident_kb();
        }
    }
    let now_kb = resident_kb();
    println!("{times} connections: {warm_kb} kB resident after {WARM}, {now_kb} kB at the end");
    assert!(now_kb < warm_kb + GROWTH_MAX_KB, "{warm_kb} kB became {now_kb} kB");
}

fn resident_kb() -> u64 {
    support::resident_kb("self").expect("this process lives")
}
