//! A camera that gives pictures and dies, over and over.

use std::time::Duration;

use standclear::clock;
use standclear::link::FromWorker;

use crate::camera;
use crate::live::Vision;
use crate::server::{BALL, H264, Server, Setup};

#[test]
fn a_camera_that_gives_a_picture_and_dies_is_asked_ever_less_often() {
    // Its stream ends after half a second, each time.
    let short = BALL.replace("is-live=true", "is-live=true num-buffers=5");
    let server = Server::start(&Setup::of(&short, H264));
    let vision = Vision::watch(camera(&server.url()));
    vision.report();
    let (began, span) = (clock::monotonic(), Duration::from_secs(14));
    let mut connections = 1;
    while clock::monotonic() < began.after(span) {
        vision.until(|message| match message {
            FromWorker::CameraUp { .. } => {
                connections += 1;
                Some(())
            }
            FromWorker::Heartbeat { .. } => Some(()),
            _ => None,
        });
    }
    println!("{connections} connections in {span:?}");
    // After half a second, one, two, four …, with what a connection takes itself; and not given up.
    assert!((3..=7).contains(&connections), "{connections} in {span:?}");
    vision.stop();
}
