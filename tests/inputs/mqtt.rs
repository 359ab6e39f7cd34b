//! Inputs from a real broker that is killed, stopped, restarted and told nonsense.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use rustix::process::Signal;
use standclear::clock;
use standclear::config::{Mqtt, MqttLogin};
use standclear::guard::inputs::{Face, InputIndex, MqttAdapter, Unknown};

use crate::adapters::Running;
use crate::broker::{Broker, Kept};
use crate::{topic, wait_for};

/// Long enough that only what a test does makes the input unknown.
const LONG_MS: u64 = 60_000;

fn listen(broker: &Broker, max_age_ms: u64) -> Running {
    let topics = vec![(topic("site/press"), InputIndex(0))];
    Running::start(Box::new(MqttAdapter::new(broker.config(), topics)), max_age_ms)
}

/// Publishes until it is heard: the subscription may not stand yet.
#[track_caller]
fn say(broker: &Broker, running: &Running, payload: &str, face: Face) {
    wait_for(payload, || {
        broker.publish("site/press", payload, Kept::No);
        (running.state().face() == face).then_some(())
    });
}

#[test]
fn on_and_off_are_heard_and_nonsense_is_unknown() {
    let broker = Broker::start();
    let running = listen(&broker, LONG_MS);
    say(&broker, &running, "run", Face::On);
    say(&broker, &running, "stop", Face::Off);
    broker.publish("site/press/other", "run", Kept::No);
    for nonsense in [vec![], b"maybe".to_vec(), vec![0xff; 3], vec![b'r'; 1025], vec![b' '; 60_000]]
    {
        broker.publish("site/press", nonsense, Kept::No);
        running.wait_unknown(|why| matches!(why, Unknown::Neither { .. }));
        say(&broker, &running, "stop", Face::Off);
    }
}

#[test]
fn a_packet_too_large_to_read_costs_the_connection_and_nothing_else() {
    let broker = Broker::start();
    let running = listen(&broker, LONG_MS);
    say(&broker, &running, "run", Face::On);
    broker.publish("site/press", vec![b'x'; 200_000], Kept::No);
    running.wait_unknown(|why| matches!(why, Unknown::Lost { .. }));
    say(&broker, &running, "run", Face::On);
}

#[test]
fn what_is_not_repeated_goes_stale() {
    let broker = Broker::start();
    let running = listen(&broker, 1_000);
    say(&broker, &running, "stop", Face::Off);
    let stale = running.wait_unknown(|why| matches!(why, Unknown::Stale { .. }));
    let Unknown::Stale { age, max } = stale else { unreachable!("just asked for") };
    assert!(age > max && max == Duration::from_secs(1), "{age:?} {max:?}");
}

#[test]
fn a_retained_value_is_unknown_until_a_live_one_comes() {
    let broker = Broker::start();
    broker.publish("site/press", "stop", Kept::Yes);
    let running = listen(&broker, LONG_MS);
    running.wait_unknown(|why| *why == Unknown::OfUnknownAge);
    // Published live with the wish to be retained, it is live.
    broker.publish("site/press", "stop", Kept::Yes);
    running.wait(Face::Off);
}

#[test]
fn a_killed_broker_is_unknown_at_once_and_heard_again_after_its_restart() {
    let mut broker = Broker::start();
    let running = listen(&broker, LONG_MS);
    say(&broker, &running, "stop", Face::Off);
    let killed_at = clock::monotonic();
    broker.kill();
    let lost_at = running.wait(Face::Unknown);
    println!("a killed broker is noticed after {:?}", lost_at.since(killed_at));
    assert!(lost_at.since(killed_at) < Duration::from_secs(2));
    let lost = running.wait_unknown(|why| matches!(why, Unknown::Lost { .. }));
    let reason = lost.reason(&jiff::tz::TimeZone::UTC);
    assert!(reason.starts_with("the broker is not reachable since "), "{reason}");
    broker.restart();
    running.wait_unknown(|why| *why == Unknown::NotSinceConnected);
    say(&broker, &running, "stop", Face::Off);
}

#[test]
fn a_broker_that_hangs_is_unknown_when_the_age_is_over_and_what_it_kept_is_old() {
    let broker = Broker::start();
    let running = listen(&broker, 1_000);
    say(&broker, &running, "stop", Face::Off);
    broker.signal(Signal::STOP);
    running.wait_unknown(|why| matches!(why, Unknown::Stale { .. }));
    // Its silence is noticed, so that the reason becomes the right one.
    running.wait_unknown(|why| matches!(why, Unknown::Lost { .. }));
    broker.signal(Signal::CONT);
    say(&broker, &running, "run", Face::On);
}

#[test]
fn what_a_broker_kept_while_it_hung_is_never_believed_again() {
    let broker = Broker::start();
    let running = listen(&broker, LONG_MS);
    say(&broker, &running, "run", Face::On);
    // Live, so it counts; and kept by the broker for whoever comes later.
    broker.publish("site/press", "stop", Kept::Yes);
    running.wait(Face::Off);
    broker.signal(Signal::STOP);
    running.wait_unknown(|why| matches!(why, Unknown::Lost { .. }));
    broker.signal(Signal::CONT);
    running.wait_unknown(|why| *why == Unknown::OfUnknownAge);
    say(&broker, &running, "stop", Face::Off);
}

#[test]
fn a_broker_that_hangs_up_at_once_is_tried_less_and_less_often() {
    const TRIES: usize = 5;
    // Half of each pause at least: 250, 500, 1000 and 2000 ms.
    const AT_LEAST: Duration = Duration::from_millis(1_875);
    let door = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = door.local_addr().expect("an address").port();
    let config = Mqtt { host: "127.0.0.1".into(), port, login: None };
    let topics = vec![(topic("site/press"), InputIndex(0))];
    let running = Running::start(Box::new(MqttAdapter::new(config, topics)), LONG_MS);
    drop(door.accept().expect("the first try"));
    let start = clock::monotonic();
    for _ in 1..TRIES {
        drop(door.accept().expect("another try"));
    }
    let took = clock::monotonic().since(start);
    assert!(took >= AT_LEAST, "{TRIES} tries in {took:?}");
    running.wait_unknown(|why| matches!(why, Unknown::Lost { .. }));
}

#[test]
fn a_machine_that_dies_is_unknown_at_once_through_its_last_will() {
    let broker = Broker::start();
    let running = listen(&broker, LONG_MS);
    say(&broker, &running, "stop", Face::Off);
    broker.publish_last_will("site/press", "gone");
    let why = running.wait_unknown(|why| matches!(why, Unknown::Neither { .. }));
    assert_eq!(why, Unknown::Neither { text: "gone".into() });
}

#[test]
fn a_broker_that_was_never_there_is_named_with_its_cause() {
    let mut broker = Broker::start();
    broker.kill();
    let running = listen(&broker, LONG_MS);
    let lost = running.wait_unknown(|why| matches!(why, Unknown::Lost { .. }));
    let reason = lost.reason(&jiff::tz::TimeZone::UTC);
    assert!(reason.contains("refused"), "{reason}");
}

/// The user `box` with the password `right`, as `mosquitto_passwd` writes it.
const USERS: &str = "box:$7$101$FtKoiZX+jeMzdGd2$pWg8SglpRLHoTKyQ7JNRa9/58H\
    8rdLI4R39DhD6rMRayjxsuWEsIuayhKsZBWN2mc2vUBgJ0V/XLqTX4U9CboA==\n";

#[test]
fn a_password_is_read_at_each_connection() {
    let lines = "allow_anonymous false\npassword_file {folder}/users";
    let broker = Broker::start_with(lines, &[("users", USERS)]);
    let file = broker.path("password");
    fs::write(&file, "wrong\n").expect("written");
    let mut config = broker.config();
    config.login = Some(MqttLogin { user: "box".into(), password_file: Some(file.clone()) });
    let topics = vec![(topic("site/press"), InputIndex(0))];
    let running = Running::start(Box::new(MqttAdapter::new(config, topics)), LONG_MS);
    let lost = running.wait_unknown(|why| matches!(why, Unknown::Lost { .. }));
    let reason = lost.reason(&jiff::tz::TimeZone::UTC);
    assert!(reason.contains("refused"), "{reason}");
    fs::remove_file(&file).expect("removed");
    running
        .wait_unknown(|why| matches!(why, Unknown::Lost { why, .. } if why.contains("password")));
    fs::write(&file, "right\n").expect("written");
    running.wait_unknown(|why| *why == Unknown::NeverHeard || *why == Unknown::NotSinceConnected);
}
