//! `standclear zones export | import | history`, with the program itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jiff::Timestamp;
use serde_json::{Value, json};
use standclear::store::Store;
use standclear::store::zones::{
    ApprovalRule, Decision, DraftBefore, NewVersion, Signed, VersionSource, VersionState,
};
use standclear::zone_file::{Document, parse};

use crate::world::{AROUND, AROUND_TOO, AUTHOR, BESIDE, SECOND_PERSON, World, ZONES, document};

/// A stopped box with a configuration, and perhaps a store.
struct Box {
    folder: tempfile::TempDir,
}

impl Box {
    fn new(approval: &str) -> Box {
        let made = Box { folder: tempfile::tempdir().expect("a folder") };
        fs::write(made.path("yard.json"), document(&[("bay", BESIDE)]).to_string())
            .expect("written");
        configure(made.folder.path(), approval);
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self) -> Store {
        Store::open(&self.path("data")).expect("the store")
    }

    fn zones(&self, arguments: &[&str]) -> Output {
        zones(self.folder.path(), arguments)
    }

    /// A zone file for an import.
    fn file(&self, name: &str, document: &Value) -> String {
        fs::write(self.path(name), document.to_string()).expect("written");
        self.path(name).display().to_string()
    }
}

fn configure(folder: &Path, approval: &str) {
    let config = format!(
        r#"
        site = {{ name = "Test", time_zone = "Europe/Prague" }}
        web.listen = "127.0.0.1:0"
        model.folder = "nowhere"
        siren.device = "none"
        zones.approval = "{approval}"
        [[camera]]
        id = "yard"
        name = "Yard"
        source = {{ test = "ball" }}
        zones = "yard.json"
    "#
    );
    fs::write(folder.join("standclear.toml"), config).expect("a configuration");
}

fn zones(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_standclear"));
    command.arg("zones").args(arguments).arg("--config").arg(folder.join("standclear.toml"));
    command.output().expect("the program runs")
}

#[track_caller]
fn worked(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn failed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn made(at: &str, by: &str, document: &Document, reason: &str) -> NewVersion {
    NewVersion {
        camera: "yard".into(),
        document: document.to_text(),
        digest: document.digest(),
        made: signed(at, by),
        reason: reason.into(),
        differences: Vec::new(),
    }
}

fn signed(at: &str, by: &str) -> Signed {
    Signed { by: by.into(), at: at.parse::<Timestamp>().expect("a time") }
}

fn typed(document: &Value) -> Document {
    parse(&document.to_string()).expect("a document")
}

/// A year of changes: from the file in January, drawn and approved in March, refused in April, gone
/// back in June.
fn a_year(store: &mut Store) -> [Document; 2] {
    let first = typed(&document(&[("bay", BESIDE)]));
    let second = typed(&document(&[("bay", AROUND)]));
    let file = made("2025-01-10T08:00:00Z", "file", &first, "the zone file");
    store.put_zones_in_force(&file, VersionSource::File, &[]).expect("kept");
    let draft = signed("2025-03-01T11:00:00Z", "Ada");
    store.put_zone_draft("yard", &second.to_text(), &draft, &DraftBefore::Anything).expect("kept");
    let wider = made("2025-03-01T12:00:00Z", "Ada", &second, "the barrier was moved");
    store.propose_zones(&wider, &second.to_text()).expect("proposed");
    let decision = Decision {
        camera: "yard".into(),
        number: 2,
        signed: signed("2025-03-02T09:30:00Z", "Ben"),
    };
    store.approve_zones(&decision, ApprovalRule::SecondPerson, &[]).expect("approved");
    let third = typed(&document(&[("bay", AROUND_TOO)]));
    store
        .propose_zone_file(&made("2025-04-01T12:00:00Z", "Ada", &third, "narrower"))
        .expect("kept");
    let decision =
        Decision { number: 3, signed: signed("2025-04-02T10:00:00Z", "Ben"), ..decision };
    store.refuse_zones(&decision, "too narrow").expect("refused");
    let back = made("2025-06-05T14:00:00Z", "Ben", &first, "back to version 1: forklifts stop");
    store.put_zones_in_force(&back, VersionSource::Rollback, &[]).expect("kept");
    [first, second]
}

#[test]
fn a_year_later_it_is_known_what_was_in_force_on_a_day_and_who_wanted_it() {
    let made = Box::new(SECOND_PERSON);
    let [first, second] = a_year(&mut made.store());
    let all = worked(&made.zones(&["history"]));
    for line in [
        "Times are those of Europe/Prague.\n\nCamera yard\n",
        "version 4: in force since 2025-06-05 16:00:00",
        "made by Ben at 2025-06-05 16:00:00 (rollback, from version 2): back to version 1: forklifts stop",
        "version 3: never in force; refused",
        "refused by Ben at 2025-04-02 12:00:00: too narrow",
        "version 2: in force from 2025-03-02 10:30:00 to 2025-06-05 16:00:00",
        "made by Ada at 2025-03-01 13:00:00 (page, from version 1): the barrier was moved",
        "approved by Ben at 2025-03-02 10:30:00",
        "version 1: in force from 2025-01-10 09:00:00 to 2025-03-02 10:30:00",
        &format!("sha256 {}", second.digest()),
    ] {
        assert!(all.contains(line), "`{line}` is missing in\n{all}");
    }
    for (at, versions) in [
        ("2025-03-02T09:29:59Z", &[1][..]),
        ("2025-03-02T09:30:00Z", &[2]),
        // On the clock of the site, an hour ahead.
        ("2025-03-02T10:29", &[1]),
        ("2025-03-02T10:31", &[2]),
        ("2025-03-02", &[1, 2]),
        ("2025-04-15", &[2]),
        ("2026-03-01T12:00Z", &[4]),
        ("2024-12-31", &[]),
    ] {
        let told = worked(&made.zones(&["history", "--at", at, "--camera", "yard"]));
        for number in 1..=4 {
            let named = told.contains(&format!("\n  version {number}:"));
            assert_eq!(named, versions.contains(&number), "{at}\n{told}");
        }
        assert_eq!(told.contains("no zones were in force"), versions.is_empty(), "{told}");
    }
    // The documents of that day are there, as they were.
    let exported = worked(&made.zones(&["export", "--at", "2025-05-01T12:00Z"]));
    assert_eq!(exported, second.to_text());
    assert_eq!(worked(&made.zones(&["export"])), first.to_text());
    let third = made.zones(&["export", "--camera", "yard", "--version", "3"]);
    assert!(parse(&worked(&third)).is_ok());
    let told = failed(&made.zones(&["export", "--at", "2025-03-02"]));
    assert!(told.contains("several versions of yard") && told.contains("1, 2"), "{told}");
    let told = failed(&made.zones(&["export", "--camera", "yard", "--version", "9"]));
    assert!(told.contains("no version 9"), "{told}");
    let told = failed(&made.zones(&["export", "--at", "2024-01-01"]));
    assert!(told.contains("no zones were in force"), "{told}");
    let told = failed(&made.zones(&["history", "--camera", "attic"]));
    assert!(told.contains("attic") && told.contains("yard"), "{told}");
    let told = made.zones(&["history", "--at", "last Tuesday"]);
    assert!(String::from_utf8_lossy(&told.stderr).contains("2026-03-01T12:00Z"), "{told:?}");
}

#[test]
fn an_export_into_a_folder_overwrites_nothing_and_can_be_imported_again() {
    let made = Box::new(AUTHOR);
    let [first, second] = a_year(&mut made.store());
    fs::create_dir(made.path("out")).expect("a folder");
    let out = made.path("out").display().to_string();
    let told = worked(&made.zones(&["export", "--out", &out]));
    assert!(told.contains("yard.json: version 4 of camera yard, in force"), "{told}");
    let file = made.path("out/yard.json");
    assert_eq!(fs::read_to_string(&file).expect("written"), first.to_text());
    fs::write(&file, "mine").expect("written");
    let told = failed(&made.zones(&["export", "--out", &out]));
    assert!(told.contains("is there already"), "{told}");
    assert_eq!(fs::read_to_string(&file).expect("there"), "mine");
    let nowhere = made.path("nowhere").display().to_string();
    assert!(failed(&made.zones(&["export", "--out", &nowhere])).contains("does not exist"));
    let text = worked(&made.zones(&["export", "--camera", "yard", "--version", "2"]));
    fs::write(&file, text).expect("written");
    let file = file.display().to_string();
    worked(&made.zones(&["import", &file, "--reason", "as in spring"]));
    let in_force = made.store().zones_of("yard").expect("read").in_force.expect("one");
    assert_eq!((in_force.number, in_force.digest), (5, second.digest()));
}

#[test]
fn an_import_is_proposed_or_in_force_as_the_rule_says_and_the_box_guards_by_it() {
    let wide = document(&[("bay", AROUND)]);
    for (approval, state) in
        [(SECOND_PERSON, VersionState::Proposed), (AUTHOR, VersionState::InForce)]
    {
        let mut world = World::with_approval(&[("bay", BESIDE)], approval);
        let draft = json!({ "document": document(&[("bay", AROUND_TOO)]) });
        world.ben.put(&format!("{ZONES}/draft"), &draft).ok();
        let world = world;
        let folder = world.site.folder.path().to_owned();
        configure(&folder, approval);
        let file = folder.join("wide.json");
        fs::write(&file, wide.to_string()).expect("written");
        let file = file.display().to_string();

        // While the box runs it is said so, and nothing changes; reading works all the same.
        let told = failed(&zones(&folder, &["import", &file, "--reason", "wider"]));
        assert!(told.contains("the box is running, and nothing was changed"), "{told}");
        assert!(worked(&zones(&folder, &["history"])).contains("version 1: in force since"));
        let exported = worked(&zones(&folder, &["export"]));
        assert_eq!(parse(&exported), parse(&document(&[("bay", BESIDE)]).to_string()));

        let mut world = world.restart_after(|_| {
            let told = worked(&zones(&folder, &["import", &file, "--reason", "wider"]));
            let proposed = told.contains("Version 2 of camera yard is proposed");
            let in_force = told.contains("Version 2 of camera yard is in force");
            assert_eq!(
                (proposed, in_force),
                (state == VersionState::Proposed, state == VersionState::InForce),
                "{told}"
            );
        });
        let version = world.ada.get(&format!("{ZONES}/versions/2")).ok();
        let who = (&version["state"], &version["by"], &version["source"], &version["reason"]);
        assert_eq!(who, (&json!(state.name()), &json!("console"), &json!("file"), &json!("wider")));
        let now = world.ada.get(ZONES).ok();
        assert_eq!(now["draft"]["by"], "Ben", "somebody's draft is nobody else's to throw away");
        if state == VersionState::Proposed {
            assert_eq!(world.ada.state()["cameras"][0]["zones_version"], 1);
            let path = crate::world::version(2, "approve");
            assert_eq!(world.ben.post(&path, &json!({})).ok()["approved_by"], "Ben");
        }
        crate::site::wait_until(&world.guard, "it", |now| now.cameras[0].zones_version == 2);
        let log = crate::world::trail(&mut world.ada);
        assert!(log.iter().any(|entry| entry.0 == "console"), "{log:?}");
        world.guard.stop();
    }
}

#[test]
fn an_import_that_cannot_be_used_says_why_and_changes_nothing() {
    let made = Box::new(AUTHOR);
    let good = made.file("good.json", &document(&[("bay", AROUND)]));
    let told = failed(&made.zones(&["import", &good, "--reason", "x"]));
    assert!(told.contains("has not run with camera yard yet") && told.contains("yard.json"));
    a_year(&mut made.store());
    let same = made.file("same.json", &document(&[("bay", BESIDE)]));
    let told = failed(&made.zones(&["import", &same, "--reason", "x"]));
    assert!(told.contains("version 4 of camera yard is in force with just these zones"), "{told}");
    let mut slow = document(&[("bay", AROUND)]);
    slow["features"][0]["properties"]["dwell_ms"] = json!(1_500);
    slow["features"][0]["properties"]["interlock"] =
        json!({ "armed_while": { "input": "press", "is": "on" } });
    let slow = made.file("slow.json", &slow);
    let told = failed(&made.zones(&["import", &slow, "--reason", "x"]));
    assert!(told.contains("features[0].properties.dwell_ms"), "{told}");
    assert!(told.contains("features[0].properties.interlock"), "{told}");
    let told = failed(&made.zones(&["import", &good, "--reason", "x", "--camera", "attic"]));
    assert!(told.contains("there is no camera attic; there are: yard"), "{told}");
    for reason in ["", "  ", "a\nb"] {
        let output = made.zones(&["import", &good, "--reason", reason]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
    let kept = made.store().zones_of("yard").expect("read");
    assert_eq!((kept.in_force.map(|v| v.number), kept.proposed), (Some(4), None));
}
