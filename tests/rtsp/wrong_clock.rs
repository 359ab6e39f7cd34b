//! Cameras whose clock is wrong, runs wrong, or is set.

use std::time::Duration;

use standclear::clock;
use standclear::link::CaptureClock;
use standclear::vision::ingest::rtsp::{RtspSource, Way};
use standclear::vision::ingest::{Frame, FrameSource};

use crate::server::{BALL, H264, Server, Setup};
use crate::support::SOON;
use crate::{age, camera, live, open, open_by, picture};

const HOUR_MS: i64 = 3_600_000;

/// A picture here is a few milliseconds old; beside busy tests it may take longer, and a wrong clock
/// makes it seem hours old.
const OLD: Duration = Duration::from_millis(900);

/// Pictures until one is timed by this clock; none on the way seems old.
fn until(source: &mut RtspSource, clock: CaptureClock) -> Frame {
    let until = clock::monotonic().after(SOON);
    loop {
        let frame = picture(source);
        assert!(age(&frame) < OLD, "{:?}: {frame:?}", source.stream());
        if frame.clock == clock {
            return frame;
        }
        assert!(clock::monotonic() < until, "never timed by {clock:?}: {:?}", source.stream());
    }
}

fn refusal(source: &mut RtspSource) -> String {
    let until = clock::monotonic().after(SOON);
    loop {
        let frame = picture(source);
        assert!(age(&frame) < OLD, "{:?}: {frame:?}", source.stream());
        if let Some(refused) = source.stream().clock_refused {
            return refused;
        }
        assert!(clock::monotonic() < until, "it is believed");
    }
}

#[test]
fn a_camera_whose_clock_is_hours_off_is_refused_with_words_and_counts_from_arrival() {
    for way in [Way::Tcp, Way::Udp] {
        for (ahead_ms, said) in
            [(2 * HOUR_MS, "7200.0 s ahead of"), (-3 * HOUR_MS, "10800.0 s behind")]
        {
            let mut server = Server::start(&Setup::of(BALL, H264));
            server.set_clock(ahead_ms, 0);
            let choice = standclear::link::DecoderChoice::Auto;
            let mut source = open_by(&camera(&server.url()), way, choice).expect("it opens");
            let refused = refusal(&mut source);
            // Its pictures came a few milliseconds late, which is in the number too.
            let number = said.split(' ').next().and_then(|it| it.parse().ok()).unwrap_or(0.0_f64);
            let measured = refused.split(' ').find_map(|word| word.parse::<f64>().ok());
            let way_off = said.split_once(" s ").map_or("", |(_, way)| way);
            assert!(refused.contains(way_off), "{refused}");
            assert!(measured.is_some_and(|it| (it - number).abs() < 1.0), "{refused}");
            for _ in 0..10 {
                let frame = picture(&mut source);
                assert_eq!(frame.clock, CaptureClock::Arrival);
                assert!(age(&frame) < OLD, "{frame:?}");
            }
        }
    }
}

#[test]
fn a_clock_that_is_set_wrong_is_refused_from_then_on() {
    let mut server = Server::start(&Setup::of(BALL, H264));
    let mut source = open(&camera(&server.url()));
    until(&mut source, CaptureClock::SenderReport);
    server.set_clock(HOUR_MS, 0);
    until(&mut source, CaptureClock::Arrival);
    let refused = source.stream().clock_refused.expect("it says why");
    assert!(refused.contains("ahead of"), "{refused}");
}

#[test]
fn a_clock_that_runs_wrong_is_refused_before_its_pictures_seem_old() {
    for gains_ms_per_s in [-250, 250] {
        let mut server = Server::start(&Setup::of(BALL, H264));
        let mut source = open(&camera(&server.url()));
        until(&mut source, CaptureClock::SenderReport);
        server.set_clock(0, gains_ms_per_s);
        let refused = refusal(&mut source);
        println!("{gains_ms_per_s} ms a second: {refused}");
        until(&mut source, CaptureClock::Arrival);
    }
}

#[test]
fn the_guard_is_told_in_words_why_a_clock_is_not_believed() {
    let mut server = Server::start(&Setup::of(BALL, H264));
    server.set_clock(-2 * HOUR_MS, 0);
    let vision = live::Vision::watch(camera(&server.url()));
    let until = clock::monotonic().after(SOON);
    let stream = loop {
        let stream = vision.up();
        if stream.clock_refused.is_some() {
            break stream;
        }
        assert!(clock::monotonic() < until, "{stream:?}");
    };
    assert_eq!(stream.clock, CaptureClock::Arrival);
    assert!(stream.clock_refused.is_some_and(|words| words.contains("s behind the box's")));
    let report = vision.report();
    let age_ns = clock::monotonic().as_nanos() - report.stages.captured_ns;
    assert!(Duration::from_nanos(age_ns) < OLD, "{report:?}");
    vision.stop();
}
