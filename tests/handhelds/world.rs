//! A box with handhelds, its admin Ada, and phones of people.

use std::path::PathBuf;

use serde_json::{Value, json};
use standclear::config::Config;
use standclear::engine::AlarmState;
use standclear::guard::app::{Guard, Parts};
use standclear::guard::handle::Alarm;

use crate::client::Person;
use crate::device::{Key, Phone};
use crate::site::{TestSite, fake_worker, intrusion, wait_alarm, wait_watched};
use crate::worker::Scene;

pub struct World {
    pub site: TestSite,
    pub guard: Guard,
    pub ada: Person,
    /// Where handhelds connect; the same after a restart.
    pub port: u16,
}

fn config_text(listen: &str) -> String {
    format!(
        r#"
        site = {{ name = "Test", time_zone = "Europe/Prague" }}
        web.listen = "127.0.0.1:0"
        handhelds = {{ listen = "{listen}", acknowledge_within_s = 10 }}
        [[camera]]
        id = "yard"
        name = "Yard"
        source = {{ test = "ball" }}
        zones = "yard.json"
        "#
    )
}

/// The configuration as a file, for commands.
pub fn write_config(site: &TestSite, port: u16) -> PathBuf {
    let file = site.path("standclear.toml");
    std::fs::write(&file, config_text(&format!("127.0.0.1:{port}"))).expect("a file");
    file
}

pub fn start(site: &TestSite, port: u16) -> Guard {
    start_on(site, &format!("127.0.0.1:{port}"))
}

pub fn start_on(site: &TestSite, listen: &str) -> Guard {
    let text = config_text(listen);
    let config = Config::parse(&site.path("standclear.toml"), &text);
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    let parts = Parts {
        siren: Box::new(site.siren.clone()),
        worker_command: fake_worker(site.folder.path()),
    };
    Guard::start(&config, parts).unwrap_or_else(|error| panic!("{error:?}"))
}

impl World {
    /// A box that watches and sees nobody.
    pub fn new() -> World {
        World::on(TestSite::new())
    }

    /// The first start of a box with these zones.
    pub fn on(site: TestSite) -> World {
        let guard = start(&site, 0);
        let code = guard.setup_code().expect("nobody is there yet");
        let ada = Person::set_up(guard.address(), code, "Ada");
        wait_watched(&guard);
        let port = guard.handheld_address().expect("configured").port();
        World { site, guard, ada, port }
    }

    /// A box with paired phones, and these people on duty at any time.
    pub fn with(people: &[&str], on_duty: &[&str]) -> (World, Vec<Phone>) {
        let mut world = World::new();
        let phones = people.iter().map(|person| world.pair(person)).collect();
        world.put_duty(on_duty);
        (world, phones)
    }

    /// Makes a code and uses it up.
    pub fn pair(&mut self, person: &str) -> Phone {
        let key = Key::new();
        let answer = self.pair_with(&self.code(person), &key);
        assert_eq!(answer.0, 200, "{}", answer.1);
        Phone::new(self.port, person, &answer.1, key)
    }

    pub fn code(&self, person: &str) -> String {
        let mut ada = Person::sign_in(self.guard.address(), "Ada");
        let body = json!({ "person": person, "device_name": format!("{person}'s phone") });
        let made = ada.post("/api/handhelds/pairings", &body);
        assert_eq!(made.status, 201, "{}", made.json);
        made.json["code"].as_str().expect("a code").to_owned()
    }

    /// What a device says that has read a code.
    pub fn pair_with(&self, code: &str, key: &Key) -> (u16, Value) {
        let mut device = Person::nobody(format!("127.0.0.1:{}", self.port));
        let body = json!({ "code": code, "public_key": key.public(), "platform": "test" });
        let answer = device.post("/api/handheld/pair", &body);
        (answer.status, answer.json)
    }

    /// These people are on duty at any time, first place first.
    pub fn put_duty(&mut self, people: &[&str]) {
        let digest = self.ada.get("/api/duty").ok()["digest"].clone();
        let body = json!({ "shifts": [], "otherwise": people, "if_digest": digest });
        self.ada.put("/api/duty", &body).ok();
    }

    /// Somebody walks in; the alarm.
    pub fn intrusion(&self) -> Alarm {
        self.site.shows(Scene::Person);
        wait_alarm(&self.guard, intrusion, AlarmState::Unacknowledged)
    }

    /// Stops the box and starts it again where devices look for it.
    pub fn restart(self) -> World {
        let World { site, guard, port, .. } = self;
        guard.stop();
        World::again(site, port)
    }

    /// A box that was stopped.
    pub fn again(site: TestSite, port: u16) -> World {
        let guard = start(&site, port);
        let ada = Person::sign_in(guard.address(), "Ada");
        World { site, guard, ada, port }
    }

    /// What the audit log says was done: by, action, subject; oldest first.
    pub fn trail(&mut self) -> Vec<(String, String, String)> {
        let log = self.ada.get("/api/audit?limit=500").ok();
        assert_eq!(log["verified"]["ok"], true, "{}", log["verified"]);
        let entries = log["entries"].as_array().expect("a list").clone();
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let entry = |it: &Value| (text(it, "by"), text(it, "action"), text(it, "subject"));
        entries.iter().rev().map(entry).collect()
    }
}
