//! Cameras that a GStreamer description opens.

mod support;

use std::time::Duration;

use standclear::link::Secret;
use standclear::telemetry::chain;
use standclear::vision::ingest::described::DescribedSource;
use standclear::vision::ingest::{Frame, FrameSource, Polled, SourceError};
use support::SOON;

/// What the buffer of a network camera may keep a packet back, in the test of it.
const BUFFERED: Duration = Duration::from_secs(2);

/// Pictures looked at until some are fresh: the two seconds that were kept back, and two more.
const PICTURES_MAX: usize = 40;

fn open(description: &str) -> Result<DescribedSource, SourceError> {
    DescribedSource::open(&Secret::new(description.to_owned()), support::fit(), None)
}

/// The first picture, or why there is none.
fn first(description: &str) -> Result<Frame, SourceError> {
    match open(description)?.next(SOON)? {
        Polled::Frame(frame) => Ok(frame),
        other => panic!("{description}: {other:?}"),
    }
}

fn error_of(description: &str) -> String {
    match first(description) {
        Ok(frame) => panic!("{description}: {frame:?}"),
        Err(error) => chain(&error),
    }
}

#[test]
fn a_description_may_end_in_raw_video_or_in_what_must_be_decoded() {
    let raw = "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=10/1";
    for description in [raw, &format!("{raw} ! jpegenc"), &format!("{raw} ! jpegenc ! jpegdec")] {
        let frame = first(description).unwrap_or_else(|e| panic!("{description}: {}", chain(&e)));
        assert_eq!((frame.source_size.width_px(), frame.source_size.height_px()), (320.0, 240.0));
    }
}

#[test]
fn a_live_picture_is_there_at_once_though_the_source_may_be_later() {
    // The buffer says that packets may take two seconds; live, nobody waits for what might be.
    let mut source = open(
        "videotestsrc is-live=true ! \
         video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! \
         jpegenc ! rtpjpegpay ! rtpjitterbuffer latency=2000 ! rtpjpegdepay",
    )
    .expect("it opens");
    let Polled::Frame(_) = source.next(SOON).expect("pictures") else {
        panic!("no picture");
    };
    // What the buffer kept back until its first packet was due comes in a burst; then it is over.
    let mut fresh_in_a_row = 0;
    for _ in 0..PICTURES_MAX {
        let Polled::Frame(frame) = source.next(SOON).expect("pictures") else {
            panic!("no picture");
        };
        let age = Duration::from_nanos(frame.arrived_ns - frame.captured_ns);
        fresh_in_a_row = if age < BUFFERED / 2 { fresh_in_a_row + 1 } else { 0 };
        if fresh_in_a_row == 5 {
            return;
        }
    }
    panic!("pictures wait for what might be");
}

#[test]
fn a_stream_that_ends_is_an_error_so_that_it_is_opened_again() {
    let mut source = open("videotestsrc is-live=true num-buffers=1").expect("it opens");
    assert!(matches!(source.next(SOON), Ok(Polled::Frame(_))));
    let error = source.next(SOON).expect_err("it has ended");
    assert!(chain(&error).contains("the stream ended"), "{}", chain(&error));
}

#[test]
fn what_is_wrong_with_a_description_is_told_with_the_element_and_without_the_password() {
    for (description, told) in [
        ("rtspsorc location=rtsp://eva:s3cret@h/a", "no element \"rtspsorc\""),
        ("rtspsrc location=rtsp://eva:s3cret@h/a latenzy=0", "\"latenzy\" in element \"rtspsrc"),
        ("videotestsrc ! fakesink password=s3cret", "fakesink"),
        ("videotestsrc ! ! x", "syntax"),
        ("rtspsrc location=rtsp://eva:s3cret@127.0.0.1:9/a user-pw=s3cret", "127.0.0.1:9: the con"),
        ("souphttpsrc location=http://eva:s3cret@127.0.0.1:9/a", "127.0.0.1:9: the connection is"),
        ("audiotestsrc is-live=true", "no pictures"),
    ] {
        let error = error_of(description);
        assert!(error.contains(told), "{description}: {error}");
        assert!(!error.contains("s3cret"), "{description}: {error}");
    }
}
