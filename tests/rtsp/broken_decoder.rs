//! A hardware decoder that is there and does not decode: an element of this test under the name that
//! a real one has.

use std::process::Command;
use std::sync::LazyLock;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer::subclass::prelude::*;
use standclear::clock;
use standclear::link::{DecoderChoice, DecoderFamily, FromWorker};
use standclear::telemetry::chain;
use standclear::vision::ingest::rtsp::Way;
use standclear::vision::ingest::{FrameSource, Polled};
use standclear::vision::probe;

use crate::live::Vision;
use crate::server::{BALL, H264, Server, Setup};
use crate::support::SOON;
use crate::{camera, open_by};

/// The name of the decoder this machine has not, and now has.
const NAME: &str = "vah264dec";

/// Set in the process that has it.
const INSIDE: &str = "STANDCLEAR_TEST_BROKEN_DECODER";

mod fails {
    use super::*;

    #[derive(Default)]
    pub struct Fails;

    #[glib::object_subclass]
    impl ObjectSubclass for Fails {
        const NAME: &'static str = "StandclearTestFailingDecoder";
        type Type = super::FailingDecoder;
        type ParentType = gst::Element;
    }

    impl ObjectImpl for Fails {
        fn constructed(&self) {
            self.parent_constructed();
            let template = |name| self.obj().pad_template(name).expect("it has it");
            let sink = gst::Pad::builder_from_template(&template("sink"))
                .chain_function(|_, parent, _| {
                    let parent = parent
                        .and_then(|it| it.downcast_ref::<gst::Element>())
                        .expect("an element");
                    let what = gst::StreamError::Decode;
                    gst::element_error!(parent, what, ("the driver does not answer"));
                    Err(gst::FlowError::Error)
                })
                .build();
            let source = gst::Pad::from_template(&template("src"));
            self.obj().add_pad(&sink).expect("a pad");
            self.obj().add_pad(&source).expect("a pad");
        }
    }

    impl GstObjectImpl for Fails {}

    impl ElementImpl for Fails {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static WHAT: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                let class = "Codec/Decoder/Video/Hardware";
                gst::subclass::ElementMetadata::new("Fails", class, "It fails", "Standclear")
            });
            Some(&*WHAT)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static PADS: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                let h264 = gst::Caps::new_empty_simple("video/x-h264");
                let raw = gst::Caps::new_empty_simple("video/x-raw");
                let pad = |name, direction, caps: &gst::Caps| {
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, caps)
                        .expect("a template")
                };
                vec![
                    pad("sink", gst::PadDirection::Sink, &h264),
                    pad("src", gst::PadDirection::Src, &raw),
                ]
            });
            &PADS
        }
    }
}

glib::wrapper! {
    pub struct FailingDecoder(ObjectSubclass<fails::Fails>) @extends gst::Element, gst::Object;
}

/// Runs this test in a process of its own, which has the decoder: the others must not. True in there.
fn installed(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_none() {
        let program = std::env::current_exe().expect("this program");
        let name = format!("broken_decoder::{test}");
        let mut own = Command::new(program);
        own.args(["--exact", &name, "--nocapture"]).env(INSIDE, "1");
        assert!(
            own.status().expect("it starts").success(),
            "it failed in its own process, see above"
        );
        return false;
    }
    gst::init().expect("GStreamer starts");
    if gst::ElementFactory::find(NAME).is_some() {
        eprintln!("SKIPPED: this machine has a real {NAME}");
        return false;
    }
    let kind = FailingDecoder::static_type();
    gst::Element::register(None, NAME, gst::Rank::NONE, kind).expect("a free name");
    true
}

#[test]
fn a_camera_whose_hardware_decoder_fails_is_watched_by_the_next_one_which_is_said() {
    if !installed("a_camera_whose_hardware_decoder_fails_is_watched_by_the_next_one_which_is_said")
    {
        return;
    }
    let server = Server::start(&Setup::of(BALL, H264));
    let vision = Vision::watch(camera(&server.url()));
    let began = clock::monotonic();
    let mut failures = 0;
    let stream = vision.until(|message| match message {
        FromWorker::CameraLost { reason, .. } => {
            failures += 1;
            assert!(reason.contains("the driver does not answer"), "{reason}");
            None
        }
        FromWorker::CameraUp { stream, .. } => Some(stream),
        _ => None,
    });
    println!("watched after {:?}, said {failures} times", clock::monotonic().since(began));
    assert_eq!(stream.decoder.as_deref(), Some("avdec_h264"));
    let words = stream.decoder_failed.clone().expect("it says why");
    assert!(words.contains(NAME) && words.contains("the driver does not answer"), "{words}");
    assert!(stream.to_string().contains(&words), "{stream}");
    vision.report();
    vision.stop();
}

#[test]
fn a_decoder_that_was_named_is_not_replaced_when_it_fails() {
    if !installed("a_decoder_that_was_named_is_not_replaced_when_it_fails") {
        return;
    }
    let server = Server::start(&Setup::of(BALL, H264));
    let named = DecoderChoice::Named(DecoderFamily::Va);
    for _ in 0..4 {
        let mut source = open_by(&camera(&server.url()), Way::Tcp, named).expect("it opens");
        let error = loop {
            match source.next(SOON) {
                Ok(Polled::Idle) => {}
                Ok(other) => panic!("{other:?}"),
                Err(error) => break chain(&error),
            }
        };
        assert!(error.contains("the driver does not answer"), "{error}");
    }
    let refused = probe::rtsp(&camera(&server.url()), named).expect_err("it decodes nothing");
    assert!(chain(&refused).contains("the driver does not answer"), "{refused}");
}

#[test]
fn doctor_sees_the_camera_by_the_next_decoder_and_says_which_one_fails() {
    if !installed("doctor_sees_the_camera_by_the_next_decoder_and_says_which_one_fails") {
        return;
    }
    let server = Server::start(&Setup::of(BALL, H264));
    let seen = probe::rtsp(&camera(&server.url()), DecoderChoice::Auto).expect("a picture");
    assert_eq!(seen.stream.decoder.as_deref(), Some("avdec_h264"));
    assert!(seen.stream.decoder_failed.is_some_and(|words| words.contains(NAME)));
}
