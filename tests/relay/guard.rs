//! Relays under a whole guard with a fake vision process.

use std::time::Duration;

use standclear::clock;
use standclear::config::{Config, RelayRole};
use standclear::engine::{AlarmSource, AlarmState, Part};
use standclear::guard::app::{Guard, Parts};
use standclear::guard::handle::{RelayCalling, RelayState};

use crate::modbus::{Coils, POINT, TcpServer};
use crate::site::{TestSite, fake_worker, wait_alarm, wait_for, wait_until, wait_watched};
use crate::worker::Scene;

/// A light for emergencies on coil 3, one for faults on coil 4, of a Modbus server.
fn start(site: &TestSite, server: &TcpServer) -> Guard {
    start_on(site, server, server)
}

/// The same, of two servers.
fn start_on(site: &TestSite, red: &TcpServer, blue: &TcpServer) -> Guard {
    let (red, blue, unit) = (red.address, blue.address, POINT.unit);
    let text = format!(
        r#"
        site = {{ name = "Test", time_zone = "UTC" }}
        web.listen = "127.0.0.1:0"
        [[camera]]
        id = "yard"
        name = "Yard"
        source = {{ test = "ball" }}
        zones = "yard.json"
        [[relay]]
        name = "stack-red"
        role = "emergency"
        to = {{ modbus-tcp = {{ address = "{red}", unit = {unit}, coil = 3 }} }}
        [[relay]]
        name = "stack-blue"
        role = "fault"
        to = {{ modbus-tcp = {{ address = "{blue}", unit = {unit}, coil = 4 }} }}
        "#
    );
    let config = Config::parse(&site.path("standclear.toml"), &text);
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    let siren = Box::new(site.siren.clone());
    let parts = Parts { siren, worker_command: fake_worker(site.folder.path()) };
    Guard::start(&config, parts).unwrap_or_else(|error| panic!("{error:?}"))
}

#[track_caller]
fn wait_coils(coils: &Coils, red: bool, blue: bool) {
    wait_for(&format!("red {red}, blue {blue}"), || {
        ((coils.get(3), coils.get(4)) == (Some(red), Some(blue))).then_some(())
    });
}

fn relay_fault(source: AlarmSource) -> bool {
    source == AlarmSource::Fault(Part::Relay)
}

#[test]
fn a_stack_light_shows_an_intrusion_until_it_is_answered_and_over_and_calls_when_the_box_stops() {
    let coils = Coils::default();
    let server = TcpServer::start("127.0.0.1:0", &coils);
    let site = TestSite::new();
    let guard = start(&site, &server);
    wait_watched(&guard);
    wait_coils(&coils, true, true);

    let shown_at = clock::monotonic();
    site.shows(Scene::Person);
    wait_coils(&coils, false, true);
    println!(
        "person in the picture to coil of the server: {:?}",
        clock::monotonic().since(shown_at)
    );

    let alarm = wait_alarm(&guard, crate::site::intrusion, AlarmState::Unacknowledged);
    guard.handle().acknowledge(alarm.id, None, "eva").expect("answered");
    site.shows(Scene::Empty);
    wait_coils(&coils, true, true);

    guard.stop();
    assert_eq!((coils.get(3), coils.get(4)), (Some(false), Some(false)), "a box that is off calls");
}

#[test]
fn a_relay_that_fails_is_an_alarm_with_its_name_until_it_works_again() {
    let coils = Coils::default();
    let server = TcpServer::start("127.0.0.1:0", &coils);
    let address = server.address.to_string();
    let site = TestSite::new();
    let guard = start(&site, &server);
    wait_watched(&guard);
    wait_coils(&coils, true, true);

    drop(server);
    let gone_at = clock::monotonic();
    let alarm = wait_alarm(&guard, relay_fault, AlarmState::Unacknowledged);
    let told = clock::monotonic().since(gone_at);
    println!("server gone: alarm after {told:?}: {}", alarm.text);
    assert!(told < Duration::from_secs(4), "{told:?}");
    wait_until(&guard, "both relays named", |now| {
        let text = now.alarms.iter().find(|a| relay_fault(a.source)).map(|a| a.text.clone());
        text.is_some_and(|text| text.contains("stack-red") && text.contains("stack-blue"))
    });

    wait_until(&guard, "both listed as failed", |now| {
        now.relays.iter().all(|relay| matches!(relay.state, RelayState::Failed(_)))
    });

    // An intrusion is heard all the same, and shown when the device is back.
    site.shows(Scene::Person);
    wait_alarm(&guard, crate::site::intrusion, AlarmState::Unacknowledged);
    let now = wait_until(&guard, "red is to call", |now| {
        now.relays.iter().any(|it| it.name == "stack-red" && it.calling == RelayCalling::Yes)
    });
    assert_eq!(
        now.relays.iter().map(|it| &it.role[..]).collect::<Vec<_>>(),
        [[RelayRole::Emergency], [RelayRole::Fault]]
    );
    assert!(now.relays[0].device.contains(&address), "{:?}", now.relays[0]);
    let _server = TcpServer::start(&address, &coils);
    wait_alarm(&guard, relay_fault, AlarmState::ReturnedUnacknowledged);
    wait_until(&guard, "both listed as working", |now| {
        now.relays.iter().all(|relay| relay.state == RelayState::Working)
    });
    // The fault has gone and nobody has answered it.
    wait_coils(&coils, false, false);
    guard.stop();
}

#[test]
fn a_relay_that_failed_and_was_taken_out_of_the_configuration_fails_no_more() {
    let coils = Coils::default();
    let server = TcpServer::start("127.0.0.1:0", &coils);
    let site = TestSite::new();
    let guard = start(&site, &server);
    wait_watched(&guard);
    drop(server);
    wait_alarm(&guard, relay_fault, AlarmState::Unacknowledged);
    guard.stop();
    let guard = site.start();
    wait_alarm(&guard, relay_fault, AlarmState::ReturnedUnacknowledged);
    guard.stop();
}

#[test]
fn a_second_relay_that_fails_after_the_first_was_answered_is_an_alarm_again() {
    let coils = Coils::default();
    let red = TcpServer::start("127.0.0.1:0", &coils);
    let blue = TcpServer::start("127.0.0.1:0", &coils);
    let site = TestSite::new();
    let guard = start_on(&site, &red, &blue);
    wait_watched(&guard);
    wait_coils(&coils, true, true);
    drop(red);
    let alarm = wait_alarm(&guard, relay_fault, AlarmState::Unacknowledged);
    guard.handle().acknowledge(alarm.id, None, "eva").expect("answered");
    wait_alarm(&guard, relay_fault, AlarmState::Acknowledged);
    drop(blue);
    let again = wait_alarm(&guard, relay_fault, AlarmState::Unacknowledged);
    assert!(again.text.contains("stack-blue"), "{}", again.text);
    guard.stop();
}

#[test]
fn a_coil_that_somebody_else_switches_is_put_right_within_two_seconds() {
    let coils = Coils::default();
    let server = TcpServer::start("127.0.0.1:0", &coils);
    let site = TestSite::new();
    let guard = start(&site, &server);
    wait_watched(&guard);
    wait_coils(&coils, true, true);
    coils.force(3, false);
    let forced_at = clock::monotonic();
    wait_coils(&coils, true, true);
    let after = clock::monotonic().since(forced_at);
    assert!(after < Duration::from_secs(2), "{after:?}");
    guard.stop();
}
