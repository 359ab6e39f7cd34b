//! A real broker: letters, retained zones, the last will, Home Assistant, answers by message; killed,
//! restarted without its session store, hanging, talking nonsense, with and without TLS.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use serde_json::Value;
use standclear::clock;
use standclear::config::{Discovery, MqttLogin, MqttVersion, NotifyMqtt};
use standclear::notify::mqtt::MqttChannel;
use standclear::notify::{Refused, Site, SiteNow, State, ZoneNow};

use crate::broker::{Broker, Kept};
use crate::{Outlet, wait_for};

/// A site whose zones the test sets, and which notes who answered what.
#[derive(Default)]
pub struct TestSite {
    pub now: Mutex<SiteNow>,
    pub answers: Mutex<Vec<(u64, u64, String)>>,
}

impl Site for TestSite {
    fn now(&self) -> SiteNow {
        self.now.lock().expect("not poisoned").clone()
    }

    fn acknowledge(&self, alarm: u64, version: u64, by: &str) -> Result<(), Refused> {
        if alarm == 404 {
            let message = "there is no open alarm of this number".into();
            return Err(Refused { code: "unknown_alarm", message });
        }
        self.answers.lock().expect("not poisoned").push((alarm, version, by.into()));
        Ok(())
    }
}

pub fn site(states: &[(&str, &'static str)]) -> Arc<TestSite> {
    let site = Arc::new(TestSite::default());
    set(&site, states);
    site
}

fn set(site: &TestSite, states: &[(&str, &'static str)]) {
    let zones = states.iter().map(|(id, state)| ZoneNow {
        id: (*id).into(),
        name: format!("Zone {id}"),
        camera: "yard".into(),
        state,
        reason: None,
        since: clock::wall(),
        people: 0,
        armed: "armed",
    });
    *site.now.lock().expect("not poisoned") = SiteNow {
        name: "Yard".into(),
        zones: zones.collect(),
        siren: "silent",
        ..SiteNow::default()
    };
}

pub fn settings(port: u16, version: MqttVersion) -> NotifyMqtt {
    NotifyMqtt {
        host: "127.0.0.1".into(),
        port,
        version,
        login: None,
        ca_file: None,
        prefix: "site/standclear".into(),
        discovery: Discovery::HomeAssistant,
    }
}

pub fn channel(outlet: &Outlet, settings: NotifyMqtt, site: &Arc<TestSite>) -> Box<MqttChannel> {
    Box::new(MqttChannel::new(settings, outlet.box_id.clone(), site.clone(), 3))
}

type Heard = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Somebody who listens to everything, for as long as this lives.
pub struct Listener {
    heard: Heard,
    client: Client,
}

impl Listener {
    fn new(options: MqttOptions) -> Listener {
        let (client, mut connection) = Client::new(options, 16);
        client.subscribe("#", QoS::AtLeastOnce).expect("queued");
        let heard = Heard::default();
        let notes = heard.clone();
        let (ready, subscribed) = std::sync::mpsc::sync_channel(1);
        thread::spawn(move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        let note = (message.topic, message.payload.to_vec());
                        notes.lock().expect("not poisoned").push(note);
                    }
                    Ok(Event::Incoming(Packet::SubAck(_))) => drop(ready.try_send(())),
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        subscribed.recv_timeout(crate::WAIT_MAX).expect("subscribed");
        Listener { heard, client }
    }

    pub fn of(broker: &Broker) -> Listener {
        let id = format!("listener-{:x}", clock::monotonic().as_nanos());
        let mut options = MqttOptions::new(id, "127.0.0.1", broker.port());
        options.set_max_packet_size(1 << 20, 1 << 20);
        Listener::new(options)
    }

    fn newest(&self) -> BTreeMap<String, Vec<u8>> {
        self.heard.lock().expect("not poisoned").iter().cloned().collect()
    }

    pub fn wait(&self, topic: &str, text: &str) {
        wait_for(&format!("{text:?} on {topic}"), || {
            let payload = self.newest().remove(topic)?;
            String::from_utf8_lossy(&payload).contains(text).then_some(())
        });
    }

    /// Key and version of each alarm that was heard, as often as it was.
    fn alarms(&self) -> Vec<(String, u64)> {
        let heard = self.heard.lock().expect("not poisoned");
        let alarms = heard.iter().filter(|(topic, _)| topic.contains("/alarm/"));
        let json = alarms.map(|(_, payload)| serde_json::from_slice(payload).expect("JSON"));
        json.map(|json: Value| {
            (json["key"].as_str().expect("a key").into(), json["version"].as_u64().expect("one"))
        })
        .collect()
    }
}

/// A line to a broker that can be cut.
struct Gate {
    port: u16,
    open: Arc<AtomicBool>,
    lines: Arc<Mutex<Vec<TcpStream>>>,
}

impl Gate {
    fn to(broker_port: u16) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let open = Arc::new(AtomicBool::new(true));
        let is_open = open.clone();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let stand = lines.clone();
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if !is_open.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", broker_port)) else { continue };
                let ends = [(&near, &far), (&far, &near)];
                let both = [near.try_clone(), far.try_clone()];
                stand.lock().expect("not poisoned").extend(both.into_iter().flatten());
                for (from, to) in ends {
                    let (from, to) = (from.try_clone(), to.try_clone());
                    let (Ok(mut from), Ok(mut to)) = (from, to) else { continue };
                    thread::spawn(move || {
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                        let _ = from.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        Gate { port, open, lines }
    }

    /// Cuts every line without a goodbye, and lets none through.
    fn cut(&self) {
        self.open.store(false, Ordering::SeqCst);
        for line in self.lines.lock().expect("not poisoned").drain(..) {
            let _ = line.shutdown(Shutdown::Both);
        }
    }
}

fn both_versions_tell_everything(version: MqttVersion) {
    let broker = Broker::start();
    let mut outlet = Outlet::new(&["mqtt"]);
    let site = site(&[("bay", "clear"), ("dock", "unknown")]);
    let listener = Listener::of(&broker);
    outlet.start("mqtt", channel(&outlet, settings(broker.port(), version), &site));
    let base = format!("site/standclear/{}", outlet.box_id);
    listener.wait(&format!("{base}/availability"), "online");
    listener.wait(&format!("{base}/zone/bay/state"), r#""state":"clear""#);
    listener.wait(&format!("{base}/zone/dock/state"), r#""state":"unknown""#);
    outlet.alarms(3);
    outlet.wait_empty("mqtt");
    listener.wait(&format!("{base}/alarm/3"), r#""history":false"#);
    assert_eq!(listener.alarms().len(), 3);
    set(&site, &[("bay", "occupied")]);
    listener.wait(&format!("{base}/zone/bay/state"), r#""state":"occupied""#);
    // Who comes later finds what is, and nothing of a zone that is gone.
    wait_for("the zone that is gone", || {
        let later = Listener::of(&broker);
        later.wait(&format!("{base}/zone/bay/state"), r#""state":"occupied""#);
        let newest = later.newest();
        (!newest.contains_key(&format!("{base}/zone/dock/state"))).then_some(())
    });
    let config =
        format!("homeassistant/binary_sensor/standclear_{}/bay_safety/config", outlet.box_id);
    let config: Value = serde_json::from_slice(&listener.newest()[&config]).expect("JSON");
    assert_eq!(config["availability_topic"], format!("{base}/availability"));
    assert_eq!(config["device_class"], "safety");
    outlet.stop();
    listener.wait(&format!("{base}/availability"), "offline");
}

#[test]
fn version_3_1_1_tells_everything() {
    both_versions_tell_everything(MqttVersion::V3);
}

#[test]
fn version_5_tells_everything() {
    both_versions_tell_everything(MqttVersion::V5);
}

#[test]
fn a_box_that_dies_is_offline_by_its_last_will() {
    let broker = Broker::start();
    let gate = Gate::to(broker.port());
    let mut outlet = Outlet::new(&["mqtt"]);
    let listener = Listener::of(&broker);
    let site = site(&[("bay", "clear")]);
    // Through a line that is cut without a goodbye.
    outlet.start("mqtt", channel(&outlet, settings(gate.port, MqttVersion::V5), &site));
    let availability = format!("site/standclear/{}/availability", outlet.box_id);
    listener.wait(&availability, "online");
    gate.cut();
    listener.wait(&availability, "offline");
}

#[test]
fn a_broker_killed_and_restarted_without_its_sessions_costs_nothing() {
    let mut broker = Broker::start();
    let gate = Gate::to(broker.port());
    let mut outlet = Outlet::new(&["mqtt"]);
    let site = site(&[("bay", "clear")]);
    let before = Listener::of(&broker);
    outlet.start("mqtt", channel(&outlet, settings(gate.port, MqttVersion::V5), &site));
    outlet.alarms(10);
    outlet.wait_empty("mqtt");
    gate.cut();
    broker.kill();
    outlet.alarms(10);
    outlet.wait_state("mqtt", State::Down);
    broker.restart();
    // Whoever listens is there before the box comes back: what a broker forgets is not the box's.
    let after = Listener::of(&broker);
    gate.open.store(true, Ordering::SeqCst);
    outlet.alarms(10);
    outlet.wait_empty("mqtt");
    wait_for("the last alarm", || {
        after.alarms().iter().any(|(key, _)| key == "alarm-30").then_some(())
    });
    let heard: Vec<(String, u64)> = [before.alarms(), after.alarms()].concat();
    let known: BTreeSet<(String, u64)> = heard.iter().cloned().collect();
    assert_eq!(known.len(), 30, "nothing is lost, and a receiver knows repeats");
    assert_eq!(outlet.face("mqtt").state, State::Working);
}

#[test]
fn a_broker_that_hangs_or_talks_nonsense_is_down_and_says_why() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let nonsense = Arc::new(AtomicBool::new(true));
    let talks = nonsense.clone();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if talks.load(Ordering::SeqCst) {
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            }
            thread::spawn(move || {
                let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
                while stream.read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
            });
        }
    });
    let mut outlet = Outlet::new(&["mqtt"]);
    let site = site(&[("bay", "clear")]);
    outlet.start("mqtt", channel(&outlet, settings(port, MqttVersion::V5), &site));
    outlet.alarms(1);
    outlet.wait_state("mqtt", State::Down);
    nonsense.store(false, Ordering::SeqCst);
    wait_for("a broker that does not answer", || {
        let (why, _) = outlet.face("mqtt").error?;
        why.contains("did not answer").then_some(())
    });
    let reader = outlet.store.lock().expect("not poisoned").reader().expect("a reader");
    assert_eq!(reader.backlog("mqtt").expect("readable")[0].waiting, 1);
}

#[test]
fn an_answer_by_message_needs_a_login_a_version_and_a_name() {
    let broker = Broker::start();
    let mut outlet = Outlet::new(&["mqtt"]);
    let site = site(&[("bay", "clear")]);
    let listener = Listener::of(&broker);
    let login = Some(MqttLogin { user: "anna".into(), password_file: None });
    let with_login = NotifyMqtt { login, ..settings(broker.port(), MqttVersion::V5) };
    outlet.start("mqtt", channel(&outlet, with_login, &site));
    let base = format!("site/standclear/{}", outlet.box_id);
    let (topic, result) =
        (format!("{base}/command/acknowledge"), format!("{base}/command/acknowledge/result"));
    listener.wait(&format!("{base}/availability"), "online");
    let say = |text: &str| broker.publish(&topic, text, Kept::No);
    say(r#"{"alarm": 7, "version": 99, "by": " Eva "}"#);
    listener.wait(&result, r#""alarm":7,"outcome":"acknowledged""#);
    for (wrong, why) in [
        ("nonsense", "bad_request"),
        (r#"{"alarm": 7, "by": "Eva"}"#, "version"),
        (r#"{"alarm": 7, "version": 1, "by": ""}"#, "by must be a name"),
        (r#"{"alarm": 7, "version": 1, "by": "Eva", "siren": "off"}"#, "unknown field"),
        (r#"{"alarm": 404, "version": 1, "by": "Eva"}"#, "unknown_alarm"),
    ] {
        say(wrong);
        listener.wait(&result, why);
    }
    // What the broker kept from earlier is no answer of now.
    broker.publish(&topic, r#"{"alarm": 8, "version": 1, "by": "Ghost"}"#, Kept::Yes);
    outlet.stop();
    let login = Some(MqttLogin { user: "anna".into(), password_file: None });
    let with_login = NotifyMqtt { login, ..settings(broker.port(), MqttVersion::V3) };
    site.answers.lock().expect("not poisoned").retain(|(alarm, ..)| *alarm != 8);
    outlet.start("mqtt", channel(&outlet, with_login, &site));
    say(r#"{"alarm": 9, "version": 2, "by": "Ben"}"#);
    wait_for("the second answer", || {
        say(r#"{"alarm": 9, "version": 2, "by": "Ben"}"#);
        let answers = site.answers.lock().expect("not poisoned");
        answers.iter().any(|(alarm, ..)| *alarm == 9).then_some(())
    });
    let answers = site.answers.lock().expect("not poisoned").clone();
    assert!(answers.contains(&(7, 99, "Eva (by MQTT)".into())), "{answers:?}");
    assert!(answers.iter().all(|(alarm, ..)| *alarm != 8), "{answers:?}");
}

#[test]
fn without_a_login_no_answer_is_taken() {
    let broker = Broker::start();
    let mut outlet = Outlet::new(&["mqtt"]);
    let site = site(&[("bay", "clear")]);
    let listener = Listener::of(&broker);
    outlet.start("mqtt", channel(&outlet, settings(broker.port(), MqttVersion::V5), &site));
    let base = format!("site/standclear/{}", outlet.box_id);
    listener.wait(&format!("{base}/availability"), "online");
    let command = r#"{"alarm": 7, "version": 1, "by": "Eva"}"#;
    broker.publish(&format!("{base}/command/acknowledge"), command, Kept::No);
    // It has gone past the box when the alarm behind it has come through.
    outlet.alarms(1);
    outlet.wait_empty("mqtt");
    listener.wait(&format!("{base}/alarm/1"), "alarm-1");
    assert!(site.answers.lock().expect("not poisoned").is_empty());
    drop(listener.client);
}

#[test]
fn a_broker_with_a_certificate_of_the_given_authority_is_trusted_and_no_other() {
    let authority_key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).expect("signed");
    let issuer = rcgen::Issuer::new(params, authority_key);
    let server_key = rcgen::KeyPair::generate().expect("a key");
    let server = rcgen::CertificateParams::new(vec!["127.0.0.1".into()])
        .and_then(|params| params.signed_by(&server_key, &issuer))
        .expect("signed");
    let other_key = rcgen::KeyPair::generate().expect("a key");
    let other = rcgen::CertificateParams::new(Vec::new())
        .and_then(|params| params.self_signed(&other_key))
        .expect("signed");
    let broker = Broker::start_with(
        "allow_anonymous true\ncertfile {folder}/server.pem\nkeyfile {folder}/server.key",
        &[("server.pem", &server.pem()), ("server.key", &server_key.serialize_pem())],
    );
    let mut outlet = Outlet::new(&["good", "bad"]);
    let (good, bad) = (broker.path("ca.pem"), broker.path("other.pem"));
    fs::write(&good, authority.pem()).expect("written");
    fs::write(&bad, other.pem()).expect("written");
    let site = site(&[("bay", "clear")]);
    for (name, ca) in [("good", good), ("bad", bad)] {
        let with = NotifyMqtt { ca_file: Some(ca), ..settings(broker.port(), MqttVersion::V5) };
        outlet.start(name, channel(&outlet, with, &site));
    }
    outlet.alarms(3);
    outlet.wait_empty("good");
    outlet.wait_state("bad", State::Down);
    let (why, _) = outlet.face("bad").error.expect("a reason");
    assert!(why.contains("certificate") || why.contains("encryption"), "{why}");
}

#[test]
fn what_a_broker_kept_of_zones_that_are_gone_goes_also_over_a_restart() {
    let broker = Broker::start();
    let mut outlet = Outlet::new(&["mqtt"]);
    let site = site(&[("bay", "clear"), ("dock", "clear")]);
    let base = format!("site/standclear/{}", outlet.box_id);
    let config = |zone: &str| {
        format!("homeassistant/sensor/standclear_{}/{zone}_state/config", outlet.box_id)
    };
    let (dock_config, gate_config) = (config("dock"), config("gate"));
    let dock = format!("{base}/zone/dock/state");
    for version in [MqttVersion::V5, MqttVersion::V3] {
        set(&site, &[("bay", "clear"), ("dock", "clear")]);
        outlet.start("mqtt", channel(&outlet, settings(broker.port(), version), &site));
        wait_for("the zones", || {
            let kept = Listener::of(&broker);
            kept.wait(&format!("{base}/availability"), "online");
            let newest = kept.newest();
            (newest.contains_key(&dock) && newest.contains_key(&dock_config)).then_some(())
        });
        outlet.stop();
        // Gone while the box was not there.
        set(&site, &[("bay", "clear")]);
        outlet.start("mqtt", channel(&outlet, settings(broker.port(), version), &site));
        let listener = Listener::of(&broker);
        listener.wait(&format!("{base}/availability"), "online");
        wait_for("the zone that is gone to be forgotten", || {
            let later = Listener::of(&broker);
            later.wait(&format!("{base}/zone/bay/state"), "clear");
            let newest = later.newest();
            let kept = newest.contains_key(&dock) || newest.contains_key(&dock_config);
            (!kept).then_some(())
        });
        // New while the box is there.
        set(&site, &[("bay", "clear"), ("gate", "clear")]);
        listener.wait(&gate_config, "Zone gate");
        outlet.stop();
    }
}

#[test]
fn a_broker_that_refuses_discovery_and_state_still_takes_the_alarms() {
    let rules = "topic read #\ntopic readwrite site/+/+/alarm/#\n";
    let broker =
        Broker::start_with("allow_anonymous true\nacl_file {folder}/rules", &[("rules", rules)]);
    let mut outlet = Outlet::new(&["mqtt"]);
    let site = site(&[("bay", "clear")]);
    let _somebody_listens = Listener::of(&broker);
    outlet.start("mqtt", channel(&outlet, settings(broker.port(), MqttVersion::V5), &site));
    outlet.alarms(3);
    outlet.wait_empty("mqtt");
    let face = outlet.face("mqtt");
    assert_eq!(face.state, State::Working);
    wait_for("the complaint", || {
        let (why, _) = outlet.face("mqtt").error?;
        why.contains("NotAuthorized").then_some(())
    });
}

#[test]
fn a_login_without_the_right_to_send_alarms_loses_none() {
    let rules = "topic read #\ntopic readwrite site/+/+/test\n";
    let broker =
        Broker::start_with("allow_anonymous true\nacl_file {folder}/rules", &[("rules", rules)]);
    let mut outlet = Outlet::new(&["mqtt"]);
    let site = site(&[("bay", "clear")]);
    outlet.start("mqtt", channel(&outlet, settings(broker.port(), MqttVersion::V5), &site));
    outlet.alarms(1);
    wait_for("the reason", || {
        let face = outlet.face("mqtt");
        let (why, _) = face.error?;
        (face.state == State::Down && why.contains("/alarm/1: NotAuthorized")).then_some(())
    });
    let reader = outlet.store.lock().expect("not poisoned").reader().expect("a reader");
    assert_eq!(reader.backlog("mqtt").expect("readable")[0].waiting, 1);
}
