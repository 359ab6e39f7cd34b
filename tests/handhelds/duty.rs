//! The duty list: who may be on it, and that it holds at once.

use serde_json::json;

use crate::device::Habit;
use crate::worker::Scene;
use crate::world::World;

#[test]
fn a_list_with_nobody_a_stranger_or_an_overlap_is_refused_and_changes_nothing() {
    let (mut world, _phones) = World::with(&["Eva", "Ben"], &["Eva"]);
    let before = world.ada.get("/api/duty").ok();
    let shift = |from: &str, to: &str, people: &[&str]| json!({ "name": "Day", "days": ["mon"], "from": from, "to": to, "people": people });
    for (shifts, otherwise, field) in [
        (json!([]), json!([]), "otherwise"),
        (json!([]), json!(["Nobody"]), "otherwise[0]"),
        (json!([shift("06:00", "14:00", &[])]), json!(["Eva"]), "shifts[0].people"),
        (json!([shift("06:00", "14:00", &["Zoe"])]), json!(["Eva"]), "shifts[0].people[0]"),
        (json!([shift("6", "14:00", &["Eva"])]), json!(["Eva"]), "shifts[0].from"),
        (
            json!([shift("06:00", "14:00", &["Eva"]), shift("13:00", "22:00", &["Ben"])]),
            json!(["Eva"]),
            "shifts[1]",
        ),
    ] {
        let body = json!({
            "shifts": shifts, "otherwise": otherwise, "if_digest": before["digest"],
        });
        let answer = world.ada.put("/api/duty", &body);
        assert_eq!((answer.status, answer.fields()), (422, vec![field.to_owned()]), "{body}");
    }
    // What somebody else changed meanwhile is not overwritten.
    let body = json!({ "shifts": [], "otherwise": ["Ben"], "if_digest": null });
    world.ada.put("/api/duty", &body).refused(409, "duty_changed");
    assert_eq!(world.ada.get("/api/duty").ok(), before);
    // A user without a device may be on it; the next is called then.
    world.put_duty(&["Ada", "Ben"]);
    let now = world.ada.get("/api/duty").ok();
    assert_eq!(now["otherwise"], json!(["Ada", "Ben"]));
    assert_eq!(now["known"], json!(["Ada", "Ben", "Eva"]));
    let changes = world.trail().into_iter().filter(|entry| entry.1 == "duty_list_changed");
    assert_eq!(changes.count(), 2);
    world.guard.stop();
}

#[test]
fn another_list_calls_its_first_at_once_for_what_nobody_has_answered() {
    let (mut world, phones) = World::with(&["Eva", "Ben"], &["Eva"]);
    let (eva, ben) = (phones[0].connect(Habit::Good), phones[1].connect(Habit::Good));
    world.site.shows(Scene::Person);
    let (message, _) = eva.find("alarm", |it| it["alarm"]["priority"] == "emergency");
    world.put_duty(&["Ben"]);
    ben.find("alarm", |it| it["alarm"]["id"] == message["alarm"]["id"]);
    let on_duty = json!([{ "person": "Ben", "place": 1, "listening": true, "you": true }]);
    ben.find("state", |state| state["duty"]["people"] == on_duty);
    // And holds over a restart.
    let mut world = world.restart();
    assert_eq!(world.ada.get("/api/duty").ok()["otherwise"], json!(["Ben"]));
    world.guard.stop();
}

#[test]
fn a_box_without_handhelds_says_so() {
    let site = crate::site::TestSite::new();
    let guard = site.start();
    let code = guard.setup_code().expect("nobody is there yet").to_owned();
    let mut ada = crate::client::Person::set_up(guard.address(), &code, "Ada");
    let list = ada.get("/api/handhelds").ok();
    assert_eq!((&list["enabled"], &list["handhelds"]), (&json!(false), &json!([])));
    let body = json!({ "person": "Eva", "device_name": "phone" });
    ada.post("/api/handhelds/pairings", &body).refused(409, "no_handhelds");
    assert_eq!(ada.state()["handhelds"]["listening"], "not_expected");
    guard.stop();
}
