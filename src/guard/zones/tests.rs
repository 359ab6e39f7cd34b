//! What becomes of a change that the alarm path does not take. The test plays the alarm path, since
//! the real one always takes it; the rest is real.

use std::fs;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use super::*;
use crate::engine::Refusal;
use crate::guard::message::{Claimed, RezoneOrder};
use crate::guard::records::{Start, inherit};
use crate::guard::wiring::Mind;

/// A camera's zones, a desk over them, and what it orders of the alarm path.
struct Site {
    desk: ZoneDesk,
    orders: Receiver<Message>,
    _folder: tempfile::TempDir,
}

fn document(right: f64) -> Json {
    let text = format!(
        r#"{{"type":"FeatureCollection","features":[{{"type":"Feature",
        "properties":{{"id":"bay","name":"Bay","kind":"restricted"}},"geometry":{{"type":"Polygon",
        "coordinates":[[[0,0],[{right},0],[{right},1],[0,1],[0,0]]]}}}}]}}"#
    );
    serde_json::from_str(&text).expect("JSON")
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("yard.json"), document(0.5).to_pretty()).expect("written");
        let text = r#"
            site = { name = "Test", time_zone = "UTC" }
            web.listen = "127.0.0.1:0"
            [[camera]]
            id = "yard"
            name = "Yard"
            source = { test = "ball" }
            zones = "yard.json"
        "#;
        let config = crate::config::Config::parse(&folder.path().join("standclear.toml"), text);
        let config = config.expect("valid");
        let mut store = Store::open(&folder.path().join("data")).expect("a store");
        let remembered = store.restore().expect("remembered");
        let begun = begin(&config, &mut store).expect("begun");
        let names = Arc::new(SiteNames::new(&config, begun.infos, begun.in_force));
        let inheritance = inherit(remembered, &names, &Start::now());
        let mind = Mind::of(&config, names, begun.site, &inheritance, 1);
        let reader = store.reader().expect("a reader");
        let (alarm_path, orders) = mpsc::sync_channel(1);
        let desk = ZoneDesk::new(ZoneDeskParts {
            names: mind.names,
            documents: begun.documents,
            rule: ApprovalRule::SecondPerson,
            inputs: Arc::new([]),
            alarm_path,
            hub: mind.hub,
            reader,
            clerk: Clerk::over(store).expect("a thread"),
        });
        Site { desk, orders, _folder: folder }
    }

    fn propose(&self, right: f64) -> u32 {
        let any = DraftBefore::Anything;
        let draft = self.desk.put_draft("yard", &document(right), "Ada", &any).expect("kept");
        self.desk.propose("yard", "Ada", "wider", &draft.digest).expect("proposed").number
    }

    /// Version in force, the proposed one, and the version that is armed.
    fn now(&self) -> (u32, Option<u32>, u32) {
        let kept = self.desk.kept("yard").expect("read");
        let number = |version: Option<ZoneVersion>| version.map(|version| version.number);
        let in_force = number(kept.in_force).expect("one");
        (in_force, number(kept.proposed), self.desk.armed().names.in_force[0].version)
    }

    fn order(&self) -> RezoneOrder {
        match self.orders.recv() {
            Ok(Message::Rezone(order)) => *order,
            other => panic!("{other:?}"),
        }
    }

    /// Asks the desk from another thread, and plays the alarm path meanwhile.
    fn played<T: Send>(
        &self,
        play: impl FnOnce(RezoneOrder),
        ask: impl FnOnce(&ZoneDesk) -> T + Send,
    ) -> T {
        let desk = &self.desk;
        thread::scope(|scope| {
            let asked = scope.spawn(move || ask(desk));
            play(self.order());
            asked.join().expect("no panic")
        })
    }
}

fn take(order: RezoneOrder) {
    assert_eq!(order.claim.take(), Claimed::Ours);
    order.reply.try_send(Ok(())).expect("somebody waits");
}

fn refuse(order: RezoneOrder) {
    assert_eq!(order.claim.take(), Claimed::Ours);
    order.reply.try_send(Err(Refusal::BadSlots)).expect("somebody waits");
}

#[test]
fn a_changed_file_takes_no_zone_from_a_later_camera() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, id: &str| {
        let text = document(0.5).to_pretty().replace("\"bay\"", &format!("\"{id}\""));
        fs::write(folder.path().join(name), text).expect("written");
    };
    write("yard.json", "bay");
    write("dock.json", "dock");
    let text = r#"
        site = { name = "Test", time_zone = "UTC" }
        web.listen = "127.0.0.1:0"
        [[camera]]
        id = "yard"
        name = "Yard"
        source = { test = "ball" }
        zones = "yard.json"
        [[camera]]
        id = "dock"
        name = "Dock"
        source = { test = "ball" }
        zones = "dock.json"
    "#;
    let config = crate::config::Config::parse(&folder.path().join("standclear.toml"), text);
    let config = config.expect("valid");
    let mut store = Store::open(&folder.path().join("data")).expect("a store");
    begin(&config, &mut store).expect("begun");
    write("yard.json", "dock");
    let begun = begin(&config, &mut store).expect("it starts all the same");
    let told: Vec<(u32, bool)> =
        begun.in_force.iter().map(|zones| (zones.version, zones.fault.is_some())).collect();
    assert_eq!(told, [(1, true), (1, false)]);
    let ids: Vec<&str> = begun.infos.iter().map(|info| info.id.as_str()).collect();
    assert_eq!(ids, ["bay", "dock"]);
}

#[test]
fn what_is_not_taken_in_time_is_never_taken_and_is_proposed_again() {
    let site = Site::new();
    let number = site.propose(0.6);
    let outcome = site.desk.approve("yard", number, "Ben");
    assert!(matches!(outcome, Err(ZoneDeskError::NotTaken)), "{outcome:?}");
    assert_eq!(site.now(), (1, Some(number), 1));
    // The order lies in the queue still, and too late is too late.
    assert_eq!(site.order().claim.take(), Claimed::Theirs);
    let made = site.played(take, |desk| desk.approve("yard", number, "Ben")).expect("in force");
    assert_eq!(made.approved.expect("approved").by, "Ben");
    assert_eq!(site.now(), (number, None, number));
}

#[test]
fn a_full_queue_and_a_refusal_change_nothing() {
    let site = Site::new();
    let number = site.propose(0.6);
    site.desk.alarm_path.try_send(Message::Stop).expect("room for one");
    let outcome = site.desk.approve("yard", number, "Ben");
    assert!(matches!(outcome, Err(ZoneDeskError::NotTaken)), "{outcome:?}");
    assert!(matches!(site.orders.recv(), Ok(Message::Stop)));
    let outcome = site.played(refuse, |desk| desk.approve("yard", number, "Ben"));
    assert!(matches!(outcome, Err(ZoneDeskError::EngineRefused(Refusal::BadSlots))), "{outcome:?}");
    assert_eq!(site.now(), (1, Some(number), 1));
}

#[test]
fn a_way_back_that_is_not_taken_is_withdrawn_and_what_guarded_goes_on() {
    let site = Site::new();
    let number = site.propose(0.6);
    site.played(take, |desk| desk.approve("yard", number, "Ben")).expect("in force");
    let outcome = site.played(refuse, |desk| desk.restore("yard", 1, "Ben", "stop"));
    assert!(outcome.is_err());
    assert_eq!(site.now(), (number, None, number));
    let versions = site.desk.zone_versions("yard").expect("read");
    let states: Vec<VersionState> = versions.iter().map(|version| version.state).collect();
    use VersionState::{InForce, Replaced, Withdrawn};
    assert_eq!(states, [Withdrawn, InForce, Replaced]);
}

#[test]
fn what_nobody_knows_is_settled_by_what_the_store_says() {
    let site = Site::new();
    let number = site.propose(0.6);
    // Taken, and then no word of it.
    let lost = |order: RezoneOrder| assert_eq!(order.claim.take(), Claimed::Ours);
    let outcome = site.played(lost, |desk| desk.approve("yard", number, "Ben"));
    assert!(matches!(outcome, Err(ZoneDeskError::Unclear)), "{outcome:?}");
    assert_eq!(site.now(), (number, None, 1));
    site.played(take, |desk| desk.tend()).expect("settled");
    assert_eq!(site.now(), (number, None, number));
    site.desk.tend().expect("nothing more to do");
    assert!(site.orders.try_recv().is_err());
}

#[test]
fn of_two_changes_at_once_one_is_told_that_the_box_is_busy() {
    let site = Site::new();
    let number = site.propose(0.6);
    let made = site.played(
        |order| {
            let outcome = site.desk.restore("yard", 1, "Cara", "stop");
            assert!(matches!(outcome, Err(ZoneDeskError::Busy)), "{outcome:?}");
            take(order);
        },
        |desk| desk.approve("yard", number, "Ben"),
    );
    assert_eq!(made.expect("in force").number, number);
}

#[test]
fn a_mark_that_was_reckoned_by_a_wrong_clock_is_reckoned_anew() {
    let site = Site::new();
    let until = clock::wall() + SignedDuration::from_hours(2);
    let marks =
        format!(r#"{{"marks":[{{"box":[0.1,0.1,0.05,0.1],"reason":"cone","until":"{until}"}}],"#);
    let text = document(0.6).to_pretty().replacen('{', &marks, 1);
    let marked: Json = serde_json::from_str(&text).expect("JSON");
    let any = DraftBefore::Anything;
    let draft = site.desk.put_draft("yard", &marked, "Ada", &any).expect("kept");
    let proposed = site.desk.propose("yard", "Ada", "a cone", &draft.digest);
    let number = proposed.expect("proposed").number;
    site.played(take, |desk| desk.approve("yard", number, "Ben")).expect("in force");
    site.desk.tend().expect("nothing to do");
    assert!(site.orders.try_recv().is_err(), "the clock was not set");

    // By the clock that the box started with, the mark had a day more.
    let ahead = SignedDuration::from_hours(24);
    site.desk.armed.lock().expect("no panic").cameras[0].clocks.ahead -= ahead;
    let check_and_take = |order: RezoneOrder| {
        let left = order.spec.marks[0].until.since(clock::monotonic());
        assert!(left.as_secs() <= 2 * 3600 && left.as_secs() > 7_000, "{left:?}");
        take(order);
    };
    site.played(check_and_take, |desk| desk.tend()).expect("armed anew");
    site.desk.tend().expect("nothing more to do");
    assert!(site.orders.try_recv().is_err());
}
