//! `camera.source`: where pictures come from.

use std::fs;

use standclear::config::{Camera, shown};
use standclear::link::{
    DecoderChoice, DecoderFamily, HttpMjpeg, Login, Password, Rtsp, Secret, Source, Transport,
    V4l2, V4l2Format,
};

use super::{Folder, SMALLEST, assert_says, error_with};

fn camera_in(folder: &Folder, source: &str) -> Camera {
    let text = SMALLEST.replace("{ test = \"ball\" }", source);
    folder.parse(&text).unwrap_or_else(|error| panic!("{source}: {error}")).cameras.remove(0)
}

fn camera(source: &str) -> Camera {
    camera_in(&Folder::new(), source)
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

#[test]
fn a_source_is_one_of_six_and_nothing_else() {
    for source in [
        "{}",
        "{ loop = true }",
        "{ test = \"ball\", file = \"a\" }",
        "{ gst = \"videotestsrc\", file = \"a\" }",
        "{ rtsp = \"rtsp://h/a\", mjpeg = \"http://h/a\" }",
    ] {
        let error = error_with("{ test = \"ball\" }", source);
        assert_says(
            &error,
            &["standclear.toml:8", "camera[0].source", "file = ", "rtsp = ", "gst = "],
        );
    }
}

#[test]
fn beside_a_source_stand_only_its_own_keys() {
    for (source, told) in [
        ("{ test = \"ball\", loop = true }", "nothing"),
        ("{ gst = \"videotestsrc\", loop = true }", "nothing"),
        ("{ file = \"a\", transport = \"tcp\" }", "only loop"),
        ("{ mjpeg = \"http://h/a\", wait_ms = 1 }", "only user, password_file, decoder"),
        ("{ v4l2 = \"/dev/video0\", user = \"eva\" }", "only format, width, height, decoder"),
    ] {
        assert_says(&error_with("{ test = \"ball\" }", source), &["beside", told]);
    }
}

#[test]
fn a_camera_is_what_was_written_and_its_password_stands_apart() {
    let folder = Folder::new();
    let password = folder.0.path().join("yard.password");
    fs::write(&password, "s3cret\n").expect("written");
    let by_file = |user: &str| Login {
        user: secret(user),
        password: Password::File(password.display().to_string()),
    };
    let rtsp = Rtsp {
        url: secret("rtsp://10.0.0.7/a?b=c"),
        login: None,
        transport: Transport::Auto,
        wait_ms: None,
    };
    let written = Login { user: secret("eva"), password: Password::Written(secret("s3@cret")) };
    for (source, expected) in [
        ("{ rtsp = \"rtsp://10.0.0.7/a?b=c\" }", Source::Rtsp(rtsp.clone())),
        (
            "{ rtsp = \"rtsp://eva:s3%40cret@10.0.0.7/a?b=c\", transport = \"udp\", wait_ms = 80 }",
            Source::Rtsp(Rtsp {
                login: Some(written),
                transport: Transport::Udp,
                wait_ms: Some(80),
                ..rtsp.clone()
            }),
        ),
        (
            "{ rtsp = \"rtsp://10.0.0.7/a?b=c\", user = \"eva\", password_file = \"yard.password\" }",
            Source::Rtsp(Rtsp { login: Some(by_file("eva")), ..rtsp }),
        ),
        (
            "{ mjpeg = \"http://eva@h:81/v\", password_file = \"yard.password\" }",
            Source::HttpMjpeg(HttpMjpeg {
                url: secret("http://h:81/v"),
                login: Some(by_file("eva")),
            }),
        ),
        (
            "{ v4l2 = \"/dev/video0\", format = \"mjpeg\", width = 1280, height = 720 }",
            Source::V4l2(V4l2 {
                device: "/dev/video0".into(),
                format: V4l2Format::Mjpeg,
                size_px: Some((1280, 720)),
            }),
        ),
    ] {
        let camera = camera_in(&folder, source);
        assert_eq!(camera.source, expected, "{source}");
        assert_eq!(camera.decoder, DecoderChoice::Auto);
    }
}

#[test]
fn a_decoder_can_be_demanded() {
    let decoder =
        |name: &str| camera(&format!("{{ rtsp = \"rtsp://h/a\", decoder = \"{name}\" }}")).decoder;
    assert_eq!(decoder("auto"), DecoderChoice::Auto);
    assert_eq!(decoder("software"), DecoderChoice::Named(DecoderFamily::Software));
    assert_eq!(decoder("nvidia"), DecoderChoice::Named(DecoderFamily::Nvidia));
}

#[test]
fn what_cannot_be_a_camera_is_told_with_what_would_be_right() {
    for (source, told) in [
        ("{ rtsp = \"10.0.0.7\" }", "rtsp://10.0.0.7:554/stream"),
        ("{ rtsp = \"http://10.0.0.7/a\" }", "rtsp://"),
        ("{ mjpeg = \"rtsp://10.0.0.7/a\" }", "http://"),
        ("{ rtsp = \"rtsp://h/a\", transport = \"carrier pigeon\" }", "\"udp\""),
        ("{ rtsp = \"rtsp://h/a\", wait_ms = 5000 }", "0 to 500"),
        ("{ rtsp = \"rtsp://h/a\", decoder = \"avdec_h264\" }", "\"software\""),
        ("{ rtsp = \"rtsp://h/a\", user = \"eva\" }", "add password_file"),
        ("{ rtsp = \"rtsp://eva@h/a\" }", "add password_file"),
        ("{ rtsp = \"rtsp://h/a\", password_file = \"yard.json\" }", "add user"),
        ("{ rtsp = \"rtsp://h/a\", user = \"eva\", password_file = \"gone\" }", "no file"),
        ("{ rtsp = \"rtsp://a:b@h/a\", user = \"eva\", password_file = \"yard.json\" }", "either"),
        ("{ v4l2 = \"/dev/video0\", width = 640 }", "belong together"),
        ("{ v4l2 = \"/dev/video0\", format = \"h265\" }", "\"mjpeg\""),
    ] {
        let error = error_with("{ test = \"ball\" }", source);
        assert_says(&error, &["standclear.toml:8", "camera[0].source", told]);
    }
}

#[test]
fn a_password_in_a_source_is_never_repeated() {
    let long = format!("rtspsrc location=rtsp://eva:s3cret@h/{}", "x".repeat(4096));
    for source in [
        "\"rtsp://eva:s3cret@h/a\"",
        "{ gst = \"rtspsrc location=rtsp://eva:s3cret@h/a\", loop = true }",
        "{ gst = \"rtspsrc location=rtsp://eva:s3cret@h/a\", file = \"a\" }",
        "{ gsd = \"rtspsrc location=rtsp://eva:s3cret@h/a\" }",
        "{ rtsp = \"rtsp://eva:s3cret@h:x/a\" }",
        "{ rtsp = \"rtsp://eva:s3/cret@h/s3cret\" }",
        "{ rtsp = \"rtsp://eva:s3cret@h/a\", user = \"eva\" }",
        "{ mjpeg = \"eva:s3cret@h\" }",
        &format!("{{ gst = \"{long}\" }}"),
    ] {
        let error = error_with("{ test = \"ball\" }", source);
        assert_says(&error, &["standclear.toml:8"]);
        assert!(!error.contains("s3cret"), "{error}");
    }
    for source in [
        "{ gst = \" rtspsrc user-pw=s3cret location=rtsp://h/a \" }",
        "{ rtsp = \"rtsp://eva:s3cret@h/s3cret\" }",
        "{ mjpeg = \"http://eva:s3cret@h/a?token=s3cret\" }",
    ] {
        let camera = camera(source);
        assert!(!format!("{camera:?}").contains("s3cret"), "{camera:?}");
        assert!(!shown(&camera.source).contains("s3cret"), "{}", shown(&camera.source));
    }
    let Source::Gst { description } = camera("{ gst = \" videotestsrc \" }").source else {
        panic!("it is a description");
    };
    assert_eq!(description.reveal(), "videotestsrc");
}
