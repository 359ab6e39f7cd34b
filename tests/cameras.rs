//! Cameras that are none of RTSP: JPEG pictures over HTTP from a small server of the test, video
//! devices, and a pipeline that hangs.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use standclear::clock;
use standclear::link::{
    self, CaptureClock, DecoderChoice, FromWorker, HttpMjpeg, Login, Password, Secret, Source,
    ToWorker, V4l2, V4l2Format, WorkerCamera, WorkerConfig,
};
use standclear::telemetry::chain;
use standclear::vision::ingest::mjpeg::MjpegSource;
use standclear::vision::ingest::v4l2::V4l2Source;
use standclear::vision::ingest::{Frame, FrameSource, Polled, SourceError};
use standclear::vision::{probe, worker};

use support::SOON;

/// `eva:s3cret` as HTTP Basic has it (RFC 7617).
const AUTHORIZED: &str = "Basic ZXZhOnMzY3JldA==";

/// A picture is sent this often.
const EVERY: Duration = Duration::from_millis(100);

/// How the server behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Pictures with their length, until the client goes.
    Open,
    /// The same for who knows the password.
    Protected,
    /// Without their length, as many cameras do.
    NoLength,
    /// Three pictures, and then nothing, the connection held.
    Silent,
    /// Three pictures, and the end.
    Ends,
    /// A page.
    Page,
}

/// A camera over HTTP, on a port of its own.
fn serve(manner: Manner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/t0ken", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // A client that goes in the middle ends its thread with an error, which is its right.
            std::thread::spawn(move || answer(stream, manner));
        }
    });
    url
}

fn answer(mut stream: TcpStream, manner: Manner) -> std::io::Result<()> {
    let mut authorized = false;
    for line in BufReader::new(stream.try_clone()?).lines().map_while(Result::ok) {
        authorized |=
            line.to_ascii_lowercase().starts_with("authorization:") && line.ends_with(AUTHORIZED);
        if line.is_empty() {
            break;
        }
    }
    if manner == Manner::Protected && !authorized {
        return stream.write_all(
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"camera\"\r\n\
              Content-Length: 0\r\n\r\n",
        );
    }
    if manner == Manner::Page {
        return stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nHello",
        );
    }
    stream.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=next\r\n\r\n",
    )?;
    for number in 0u8.. {
        if number == 3 && manner == Manner::Ends {
            return Ok(());
        }
        if number >= 3 && manner == Manner::Silent {
            std::thread::park_timeout(SOON);
            continue;
        }
        let jpeg = jpeg(number.wrapping_mul(20));
        let length = match manner {
            Manner::NoLength => String::new(),
            _ => format!("Content-Length: {}\r\n", jpeg.len()),
        };
        write!(stream, "--next\r\nContent-Type: image/jpeg\r\n{length}\r\n")?;
        stream.write_all(&jpeg)?;
        stream.write_all(b"\r\n")?;
        std::thread::park_timeout(EVERY);
    }
    Ok(())
}

fn jpeg(grey: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = image::RgbImage::from_pixel(320, 240, image::Rgb([grey, grey, 90]));
    let mut encoder = image::codecs::jpeg::JpegEncoder::new(&mut bytes);
    encoder.encode_image(&picture).expect("a picture");
    bytes
}

fn open(url: &str, password: Option<&str>) -> Result<MjpegSource, SourceError> {
    let login = password.map(|password| Login {
        user: Secret::new("eva".into()),
        password: Password::Written(Secret::new(password.into())),
    });
    let camera = HttpMjpeg { url: Secret::new(url.into()), login };
    MjpegSource::open(&camera, DecoderChoice::Auto, support::fit(), None)
}

fn picture(source: &mut MjpegSource) -> Frame {
    match source.next(SOON) {
        Ok(Polled::Frame(frame)) => frame,
        Ok(other) => panic!("{other:?}"),
        Err(error) => panic!("{}", chain(&error)),
    }
}

/// Why there is no picture, or none any more.
fn refusal(url: &str, password: Option<&str>) -> String {
    let mut source = match open(url, password) {
        Ok(source) => source,
        Err(error) => return chain(&error),
    };
    loop {
        match source.next(SOON) {
            Ok(Polled::Frame(_)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => return chain(&error),
        }
    }
}

#[test]
fn pictures_over_http_come_with_and_without_their_length_and_count_from_their_arrival() {
    for manner in [Manner::Open, Manner::NoLength] {
        let mut source = open(&serve(manner), None).expect("it opens");
        for _ in 0..5 {
            let frame = picture(&mut source);
            assert_eq!(
                (frame.source_size.width_px(), frame.source_size.height_px()),
                (320.0, 240.0)
            );
            assert_eq!(frame.clock, CaptureClock::Arrival);
            let age = Duration::from_nanos(frame.arrived_ns - frame.captured_ns);
            assert!(age < Duration::from_millis(500), "{age:?}");
        }
        assert_eq!(source.stream().decoder.as_deref(), Some("jpegdec"));
    }
}

#[test]
fn a_camera_over_http_lets_in_who_knows_the_password() {
    let url = serve(Manner::Protected);
    picture(&mut open(&url, Some("s3cret")).expect("it opens"));
    for password in [Some("wr0ng"), None] {
        let error = refusal(&url, password);
        assert!(error.contains("does not let the box in"), "{error}");
        assert!(!error.contains("wr0ng") && !error.contains("t0ken"), "{error}");
    }
}

#[test]
fn a_camera_over_http_that_ends_or_is_silent_or_is_none_is_an_error_without_its_token() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}/t0ken", listener.local_addr().expect("an address"))
    };
    let others = [Manner::Ends, Manner::Silent, Manner::Page].map(serve);
    let others = others.into_iter().map(|url| (url, "cannot be watched"));
    for (url, told) in others.chain([(nobody, "the connection is refused")]) {
        let error = refusal(&url, None);
        assert!(error.contains(told) && error.contains("127.0.0.1:"), "{error}");
        assert!(!error.contains("t0ken"), "{error}");
    }
}

#[test]
fn a_video_device_that_is_not_there_is_named() {
    let camera =
        V4l2 { device: "/dev/video-none".into(), format: V4l2Format::Mjpeg, size_px: None };
    let opened = V4l2Source::open(&camera, DecoderChoice::Auto, support::fit(), None);
    let error = chain(&opened.err().expect("there is none"));
    assert_eq!(error, "/dev/video-none does not exist");
}

#[test]
fn what_decodes_which_video_is_known_without_a_camera() {
    let decoders = probe::decoders().expect("asked");
    let names: Vec<&str> = decoders.iter().map(|(codec, _)| *codec).collect();
    assert_eq!(names, ["H.264", "H.265", "MJPEG"]);
    assert!(decoders.iter().all(|(_, elements)| !elements.is_empty()), "{decoders:?}");
}

#[test]
fn a_pipeline_that_does_not_even_open_costs_the_vision_process_and_it_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let (near, far) = UnixStream::pair().expect("a socket pair");
    near.set_read_timeout(Some(SOON)).expect("settable");
    let thread = std::thread::spawn(move || worker::serve(far));
    // Opening a pipe into which nobody writes never comes back.
    let description = format!("filesrc location={}", pipe.display());
    let camera = |id: &str, source: Source| WorkerCamera {
        id: id.into(),
        source,
        fps: 5.0,
        decoder: DecoderChoice::Auto,
    };
    let config = WorkerConfig {
        models: vec![standclear::link::ModelChoice {
            slot: "shipped".into(),
            dir: support::model_dir().display().to_string(),
        }],
        role: standclear::link::WorkerRole::Active,
        threads: 1,
        input_long_side_px: Some(320),
        provider: "cpu".into(),
        cameras: vec![
            camera("well", Source::Test { pattern: "ball".into() }),
            camera("stuck", Source::Gst { description: Secret::new(description) }),
        ],
        detail: standclear::link::DetailChoice::Off,
        ring: standclear::link::RingBounds { seconds: 10, bytes_max: 16 * 1024 * 1024 },
    };
    link::send(&near, &ToWorker::Start(config)).expect("the worker reads");
    let until = clock::monotonic().after(SOON);
    let mut reports = 0;
    let reason = loop {
        assert!(clock::monotonic() < until, "it hangs with its camera");
        match link::receive(&near).expect("the worker writes") {
            FromWorker::Fatal { reason } => break reason,
            FromWorker::Report(report) if report.camera == 0 => reports += 1,
            _ => {}
        }
    };
    assert!(reason.contains("`stuck`") && reason.contains("does not open"), "{reason}");
    assert!(reports > 5, "the other camera was watched meanwhile: {reports}");
    assert!(thread.join().expect("no panic").is_err());
    // Lets go of the thread that hangs.
    let _ = std::fs::OpenOptions::new().write(true).open(&pipe);
}
