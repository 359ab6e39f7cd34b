//! A box with one camera, people who may change its zones, and documents to change them to.

use std::fs;

use serde_json::{Value, json};
use standclear::config::Config;
use standclear::guard::app::{Guard, Parts};

use crate::client::Person;
use crate::site::{TestSite, fake_worker, wait_watched};

/// Left, top, right, bottom. The fake vision process shows its person with the feet at 0.44, 0.75.
pub type Sides = [f64; 4];

/// The person stands in it.
pub const AROUND: Sides = [0.1, 0.1, 0.6, 0.95];

/// Other corners, and the person stands in it all the same.
pub const AROUND_TOO: Sides = [0.2, 0.2, 0.55, 0.9];

/// The person does not stand in it.
pub const BESIDE: Sides = [0.7, 0.1, 0.95, 0.9];

pub const ZONES: &str = "/api/cameras/yard/zones";

/// A restricted zone over a rectangle.
pub fn zone(id: &str, sides: Sides) -> Value {
    let [left, top, right, bottom] = sides;
    let ring = json!([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]);
    json!({
        "type": "Feature",
        "properties": { "id": id, "name": id, "kind": "restricted" },
        "geometry": { "type": "Polygon", "coordinates": [ring] }
    })
}

pub fn document(zones: &[(&str, Sides)]) -> Value {
    let zones: Vec<Value> = zones.iter().map(|(id, sides)| zone(id, *sides)).collect();
    json!({ "type": "FeatureCollection", "features": zones })
}

/// A site whose zone file has these zones.
pub fn site(zones: &[(&str, Sides)]) -> TestSite {
    let site = TestSite::new();
    write_zones(&site, &document(zones).to_string());
    site
}

pub fn write_zones(site: &TestSite, text: &str) {
    fs::write(site.path("yard.json"), text).expect("a zone file");
}

pub const SECOND_PERSON: &str = "second_person";
pub const AUTHOR: &str = "self";

pub fn start(site: &TestSite, approval: &str) -> Guard {
    let text = format!(
        r#"
        site = {{ name = "Test", time_zone = "Europe/Prague" }}
        web.listen = "127.0.0.1:0"
        zones.approval = "{approval}"
        [[camera]]
        id = "yard"
        name = "Yard"
        source = {{ test = "ball" }}
        zones = "yard.json"
        "#
    );
    let config = Config::parse(&site.path("standclear.toml"), &text);
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    let parts = Parts {
        siren: Box::new(site.siren.clone()),
        worker_command: fake_worker(site.folder.path()),
    };
    Guard::start(&config, parts).unwrap_or_else(|error| panic!("{error:?}"))
}

/// A box that watches, its admin Ada and its engineer Ben.
pub struct World {
    pub site: TestSite,
    pub guard: Guard,
    pub ada: Person,
    pub ben: Person,
}

impl World {
    pub fn new(zones: &[(&str, Sides)]) -> World {
        World::with_approval(zones, SECOND_PERSON)
    }

    pub fn with_approval(zones: &[(&str, Sides)], approval: &str) -> World {
        let site = site(zones);
        let guard = start(&site, approval);
        let code = guard.setup_code().expect("nobody is there yet");
        let mut ada = Person::set_up(guard.address(), code, "Ada");
        let ben = ada.add("Ben", "engineer");
        wait_watched(&guard);
        World { site, guard, ada, ben }
    }

    /// Ada draws it and proposes it; the number of the version.
    pub fn propose(&mut self, document: &Value, reason: &str) -> u64 {
        draw(&mut self.ada, document);
        propose(&mut self.ada, reason)
    }

    /// Ada draws it, Ben approves it.
    pub fn change(&mut self, document: &Value, reason: &str) -> u64 {
        let number = self.propose(document, reason);
        self.ben.post(&version(number, "approve"), &json!({})).ok();
        number
    }

    /// Stops the box and starts it again; people have to sign in anew at another address.
    pub fn restart(self) -> World {
        self.restart_after(|_| {})
    }

    /// The same, with something done while the box is off.
    pub fn restart_after(self, meanwhile: impl FnOnce(&TestSite)) -> World {
        let World { site, guard, .. } = self;
        guard.stop();
        meanwhile(&site);
        let guard = start(&site, SECOND_PERSON);
        let ada = Person::sign_in(guard.address(), "Ada");
        let ben = Person::sign_in(guard.address(), "Ben");
        wait_watched(&guard);
        World { site, guard, ada, ben }
    }
}

/// The path of what is done with a version.
pub fn version(number: u64, what: &str) -> String {
    format!("{ZONES}/versions/{number}/{what}")
}

#[track_caller]
pub fn draw(person: &mut Person, document: &Value) -> Value {
    let draft = person.put(&format!("{ZONES}/draft"), &json!({ "document": document })).ok();
    assert_eq!(draft["problems"], json!([]), "{draft}");
    draft
}

#[track_caller]
pub fn propose(person: &mut Person, reason: &str) -> u64 {
    let body = json!({ "reason": reason, "digest": seen(person) });
    let proposed = person.post(&format!("{ZONES}/propose"), &body).ok();
    assert_eq!(proposed["state"], "proposed");
    proposed["number"].as_u64().expect("a number")
}

/// The digest of the draft as it is kept now; null for none.
pub fn seen(person: &mut Person) -> Value {
    person.get(ZONES).ok()["draft"]["digest"].clone()
}

/// Ids of the zones the box shows.
pub fn shown(person: &mut Person) -> Vec<String> {
    let state = person.state();
    let zones = state["zones"].as_array().expect("a list").clone();
    zones.iter().map(|zone| zone["id"].as_str().expect("a text").to_owned()).collect()
}

/// What the audit log says was done about zones: by, action, detail; oldest first.
pub fn trail(person: &mut Person) -> Vec<(String, String, Value)> {
    let log = person.get("/api/audit?limit=500").ok();
    assert_eq!(log["verified"]["ok"], true, "{}", log["verified"]);
    let mut entries: Vec<_> = log["entries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            (text("by"), text("action"), entry["detail"].clone())
        })
        .filter(|(_, action, _)| action.starts_with("zone"))
        .collect();
    entries.reverse();
    entries
}
