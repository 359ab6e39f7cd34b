//! Pairing: one code, one device, and who may make codes.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::client::Person;
use crate::device::{Habit, Key};
use crate::site::{TestSite, WAIT_MAX};
use crate::world::{World, start_on};

#[test]
fn a_code_pairs_one_device_once_and_is_shown_as_a_picture() {
    let mut world = World::new();
    let body = json!({ "person": " Eva ", "device_name": "Eva's phone" });
    let made = world.ada.post("/api/handhelds/pairings", &body);
    assert_eq!(made.status, 201);
    let code = made.json["code"].as_str().expect("a text").to_owned();
    assert!(code.len() == 8 && !code.contains(['0', 'O', '1', 'I']), "{code}");
    let url = format!("http://localhost:{}/handheld#pair={code}", world.port);
    assert_eq!(made.json["url"], url);
    assert!(made.json["qr_svg"].as_str().is_some_and(|svg| svg.contains("<svg")));
    // As people type it.
    let typed = format!("{}-{}", code[..4].to_lowercase(), &code[4..]);
    let key = Key::new();
    let (status, paired) = world.pair_with(&typed, &key);
    assert_eq!(
        (status, &paired["person"], &paired["name"]),
        (200, &json!("Eva"), &json!("Eva's phone"))
    );
    let (status, again) = world.pair_with(&code, &Key::new());
    assert_eq!((status, &again["error"]["code"]), (403, &json!("wrong_code")));
    let other = world.code("Ben");
    let (status, same_key) = world.pair_with(&other, &key);
    assert_eq!((status, &same_key["error"]["code"]), (409, &json!("key_taken")));
    assert_eq!(world.pair_with(&other, &Key::new()).0, 200, "a refused try does not use it up");
    let done: Vec<(String, String)> =
        world.trail().into_iter().map(|(by, action, _)| (by, action)).collect();
    for expected in [("Ada", "handheld_code_made"), ("Eva", "handheld_paired")] {
        assert!(done.contains(&(expected.0.into(), expected.1.into())), "{done:?}");
    }
    world.guard.stop();
    let bytes = std::fs::read(world.site.path("data/standclear.db")).expect("the store");
    let holds = bytes.windows(8).any(|eight| eight == code.as_bytes());
    assert!(!holds, "the code itself is not kept");
}

#[test]
fn whoever_guesses_codes_waits() {
    let world = World::new();
    let code = world.code("Eva");
    for n in 0..5 {
        let (status, refused) = world.pair_with(&format!("WRONG{n:03}"), &Key::new());
        assert_eq!((status, &refused["error"]["code"]), (403, &json!("wrong_code")));
    }
    let (status, refused) = world.pair_with(&code, &Key::new());
    assert_eq!((status, &refused["error"]["code"]), (429, &json!("too_many_attempts")));
    world.guard.stop();
}

#[test]
fn a_key_that_is_none_and_names_that_are_none_are_refused_naming_the_field() {
    let mut world = World::new();
    let code = world.code("Eva");
    let mut device = Person::nobody(format!("127.0.0.1:{}", world.port));
    for (body, field) in [
        (json!({ "code": code, "public_key": "AAAA", "platform": "x" }), "public_key"),
        (json!({ "code": code, "public_key": Key::new().public(), "platform": "" }), "platform"),
        (json!({ "code": code }), "public_key"),
    ] {
        let answer = device.post("/api/handheld/pair", &body);
        assert_eq!((answer.status, answer.fields()), (422, vec![field.to_owned()]));
    }
    for (body, field) in [
        (json!({ "person": "", "device_name": "x" }), "person"),
        (json!({ "person": "Eva", "device_name": "a\nb" }), "device_name"),
        (json!({ "person": "a".repeat(81), "device_name": "x" }), "person"),
    ] {
        let answer = world.ada.post("/api/handhelds/pairings", &body);
        assert_eq!((answer.status, answer.fields()), (422, vec![field.to_owned()]));
    }
    world.guard.stop();
}

#[test]
fn the_door_of_handhelds_serves_them_and_nothing_of_the_page() {
    let world = World::new();
    let mut device = Person::nobody(format!("127.0.0.1:{}", world.port));
    for path in ["/api/state", "/api/alarms/1/acknowledge", "/api/users", "/index.html"] {
        assert_eq!(device.get(path).status, 404, "{path}");
    }
    assert_eq!(device.get("/api/handheld/cameras/yard/live").status, 401);
    let answer = device.get("/healthz");
    assert!(matches!(answer.status, 200 | 503), "{}", answer.json);
    // And the page serves nothing of theirs.
    let mut page = Person::nobody(world.guard.address());
    assert_eq!(page.get("/api/handheld/socket").status, 404);
    world.guard.stop();
}

#[test]
fn beyond_this_machine_the_door_is_encrypted_although_the_page_is_not() {
    let site = TestSite::new();
    let guard = start_on(&site, "0.0.0.0:0");
    let port = guard.handheld_address().expect("configured").port();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    stream.set_read_timeout(Some(WAIT_MAX)).expect("set");
    stream.write_all(b"GET /handheld HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    let mut told = String::new();
    stream.read_to_string(&mut told).expect("an answer");
    assert!(told.starts_with("HTTP/1.1 400") && told.contains("https://"), "{told}");
    let code = guard.setup_code().expect("nobody is there yet").to_owned();
    let mut ada = Person::set_up(guard.address(), &code, "Ada");
    let made = ada.post("/api/handhelds/pairings", &json!({ "person": "Eva", "device_name": "x" }));
    assert!(
        made.json["url"].as_str().is_some_and(|it| it.starts_with("https://")),
        "{}",
        made.json
    );
    guard.stop();
}

#[test]
fn an_open_line_sees_pictures_with_its_ticket() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Good);
    world.intrusion();
    let (message, _) = eva.find("state", |state| state["alarms"][0]["has_snapshot"] == true);
    let alarm: &Value = &message["alarms"][0];
    let ticket = eva.welcome["ticket"].as_str().expect("a ticket");
    let mut device = Person::nobody(format!("127.0.0.1:{}", world.port));
    let path = format!("/api/handheld/incidents/{}/snapshot.jpg", alarm["incident"]);
    assert_eq!(device.get(&format!("{path}?ticket={ticket}")).status, 200);
    device.get(&path).refused(401, "ticket_needed");
    device.get(&format!("{path}?ticket=0")).refused(401, "ticket_needed");
    world.guard.stop();
}
