//! What a camera's view is held against: kept, shown, and replaced by people alone.

use std::fs;

use image::RgbImage;
use rustix::process::Signal;
use standclear::config::Config;
use standclear::engine::AlarmState;
use standclear::guard::app::{Guard, Parts};
use standclear::guard::handle::{
    AlarmCommand, CommandError, Commanded, DraftBefore, Onlooker, Pictured, Reason, ReferenceFacts,
    ReferenceWhy, ViewFault, ViewPicture,
};
use standclear::store::audit::AuditReader;

use crate::site::{TestSite, blind, fake_worker, wait_alarm, wait_for, wait_until, wait_watched};
use crate::worker::{ACCEPTED_LEVEL, FIRST_LEVEL, SECRET, Scene};

/// A guard whose camera looks at something.
fn start(site: &TestSite) -> Guard {
    let text = r#"
        site = { name = "Test", time_zone = "UTC" }
        web.listen = "127.0.0.1:0"
        zones.approval = "self"
        [[camera]]
        id = "yard"
        name = "Yard"
        source = { gst = "videotestsrc" }
        zones = "yard.json"
        "#;
    let config = Config::parse(&site.path("standclear.toml"), text).expect("valid");
    let worker_command = fake_worker(site.folder.path());
    let parts = Parts { siren: Box::new(site.siren.clone()), worker_command };
    Guard::start(&config, parts).unwrap_or_else(|error| panic!("{error:?}"))
}

/// The reference, once there is one for this reason with a picture.
fn reference(guard: &Guard, why: ReferenceWhy) -> ReferenceFacts {
    wait_for("a reference", || {
        let facts = guard.handle().view_desk().view_facts("yard").expect("a camera");
        let pictured = facts.pictures.0 == Pictured::Yes;
        facts.reference.filter(|reference| pictured && reference.why == why)
    })
}

fn picture(guard: &Guard, which: ViewPicture, who: Onlooker) -> Option<RgbImage> {
    let jpeg = guard.handle().view_desk().view_picture("yard", which, who)?;
    Some(image::load_from_memory(&jpeg).expect("a JPEG").into_rgb8())
}

/// The largest difference along a row, four pixels apart, where the person of the scene stands.
fn contrast(picture: &RgbImage) -> u8 {
    let green = |x, y| picture.get_pixel(x, y)[1];
    let row = |y| (128..148).map(move |x| green(x, y).abs_diff(green(x + 4, y)));
    (80..160).step_by(7).flat_map(row).max().expect("a place")
}

/// What the vision process that was started last knew of the view.
fn known(site: &TestSite) -> String {
    wait_for("a vision process that knows", || {
        fs::read_to_string(site.path("known")).ok().filter(|text| !text.is_empty())
    })
}

#[test]
fn what_a_view_is_held_against_outlives_the_box_and_nobody_is_recognised_in_it() {
    let site = TestSite::new();
    site.shows(Scene::Person);
    let guard = start(&site);
    let first = reference(&guard, ReferenceWhy::First);
    assert_eq!((&first.by, first.zone_version), (&None, Some(1)));
    let hidden = picture(&guard, ViewPicture::Reference, Onlooker::Anybody).expect("a picture");
    assert!(contrast(&hidden) <= 25, "{}", contrast(&hidden));
    let clear = picture(&guard, ViewPicture::Reference, Onlooker::Granted).expect("a picture");
    assert!(contrast(&clear) >= 50, "{}", contrast(&clear));
    guard.stop();

    fs::remove_file(site.path("known")).expect("nothing was known at the first start");
    let guard = start(&site);
    // Not learned anew from what is there now, which may have been turned meanwhile.
    assert_eq!(known(&site), format!("{FIRST_LEVEL} 24"));
    assert_eq!(reference(&guard, ReferenceWhy::First), first);
    assert_eq!(picture(&guard, ViewPicture::Reference, Onlooker::Anybody), Some(hidden));
    // Nor when the vision process alone ends.
    fs::remove_file(site.path("known")).expect("it is there");
    site.signal_worker(Signal::KILL);
    assert_eq!(known(&site), format!("{FIRST_LEVEL} 24"));
    guard.stop();
}

#[test]
fn approved_zones_take_the_view_as_it_is_and_end_moved_and_the_record_says_so() {
    let site = TestSite::new();
    let guard = start(&site);
    wait_watched(&guard);
    reference(&guard, ReferenceWhy::First);
    site.shows(Scene::Moved);
    wait_alarm(&guard, blind, AlarmState::Unacknowledged);
    wait_for("the picture of the trouble", || {
        picture(&guard, ViewPicture::Trouble, Onlooker::Anybody)
    });
    let now = wait_until(&guard, "how far it moved", |now| now.cameras[0].view.shift.is_some());
    let trouble = now.cameras[0].view.trouble.clone().expect("it has moved");
    let measured = trouble.measured.expect("it was measured");
    assert_eq!((trouble.fault, measured.value.round()), (ViewFault::Moved, 24.0));

    let handle = guard.handle();
    let desk = handle.zone_desk();
    let document = desk.zones("yard").expect("zones").in_force.document;
    let shifted = document.replace("Bay", "Bay, moved with the view");
    let shifted = serde_json::from_str(&shifted).expect("JSON");
    let draft = desk.put_draft("yard", &shifted, "Eva", &DraftBefore::Anything).expect("a draft");
    let version = desk.propose("yard", "Eva", "the mast leans", &draft.digest).expect("proposed");
    desk.approve("yard", version.number, "Eva").expect("in force");
    drop(handle);
    let approved = reference(&guard, ReferenceWhy::ZonesApproved);
    assert_eq!(approved.by.as_deref(), Some("Eva"));
    assert_eq!(approved.zone_version, Some(version.number));
    wait_watched(&guard);
    let now = wait_until(&guard, "a view that is right", |now| now.cameras[0].view.shift.is_none());
    assert_eq!(now.cameras[0].view.trouble, None);
    wait_for("no picture of a trouble", || {
        picture(&guard, ViewPicture::Trouble, Onlooker::Anybody).is_none().then_some(())
    });
    guard.stop();

    let store = site.config().store.path;
    let rows = AuditReader::of_store(&store).expect("a reader").entries(100, None).expect("log");
    assert!(rows.iter().any(|row| row.entry.action == "view_confirmed" && row.entry.by == "Eva"));
    fs::write(site.path("known"), "").expect("forgotten");
    let guard = start(&site);
    assert_eq!(known(&site), format!("{ACCEPTED_LEVEL} 24"));
    guard.stop();
}

#[test]
fn a_confirmed_view_is_the_reference_by_the_name_of_whoever_looked() {
    let site = TestSite::new();
    let guard = start(&site);
    wait_watched(&guard);
    reference(&guard, ReferenceWhy::First);
    let reason = Reason::new("A new wall").expect("a reason");
    let confirm = AlarmCommand::ConfirmView { camera: "yard".into(), reason };
    assert_eq!(guard.handle().command(confirm, "Ben"), Ok(Commanded::Done));
    let confirmed = reference(&guard, ReferenceWhy::Confirmed);
    assert_eq!(confirmed.by.as_deref(), Some("Ben"));
    guard.stop();
}

#[test]
fn a_view_that_has_moved_is_so_after_a_restart_until_somebody_has_looked() {
    let site = TestSite::new();
    let guard = start(&site);
    wait_watched(&guard);
    site.shows(Scene::Moved);
    wait_alarm(&guard, blind, AlarmState::Unacknowledged);
    guard.stop();

    // Nothing more is said of it: the camera may have been put back, and nobody has looked.
    site.shows(Scene::Empty);
    let guard = start(&site);
    let now = wait_until(&guard, "a view that has moved still", |now| {
        let trouble = now.cameras[0].view.trouble.as_ref();
        now.cameras[0].frame_age_ms.is_some()
            && trouble.is_some_and(|trouble| trouble.fault == ViewFault::Moved)
    });
    assert!(now.cameras[0].unknown.is_some());
    let confirm = || AlarmCommand::ConfirmView {
        camera: "yard".into(),
        reason: Reason::new("It was put back").expect("a reason"),
    };
    assert_eq!(guard.handle().command(confirm(), "Eva"), Ok(Commanded::Done));
    wait_watched(&guard);
    // Nor is a view confirmed that nobody can see.
    site.shows(Scene::Lost);
    wait_alarm(&guard, blind, AlarmState::Unacknowledged);
    let refused = guard.handle().command(confirm(), "Eva");
    assert_eq!(refused, Err(CommandError::ViewUnseen));
    guard.stop();
    let guard = start(&site);
    assert_eq!(guard.handle().snapshots().borrow().cameras[0].view.trouble, None);
    guard.stop();
}

/// Puts a privacy mask in force: left, top, right, bottom.
fn put_mask_in_force(guard: &Guard, [left, top, right, bottom]: [f64; 4]) {
    let handle = guard.handle();
    let desk = handle.zone_desk();
    let document = desk.zones("yard").expect("zones").in_force.document;
    let mut masked: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    let mask = serde_json::json!({
        "type": "Feature",
        "properties": {
            "id": "desk", "name": "Desk", "kind": "privacy_mask",
            "reason": "a desk of the works council"
        },
        "geometry": {
            "type": "Polygon",
            "coordinates": [[
                [left, top], [right, top], [right, bottom], [left, bottom], [left, top]
            ]]
        }
    });
    masked["features"].as_array_mut().expect("features").push(mask);
    let masked = serde_json::from_str(&masked.to_string()).expect("JSON");
    let draft = desk.put_draft("yard", &masked, "Eva", &DraftBefore::Anything).expect("a draft");
    let version = desk.propose("yard", "Eva", "a new desk", &draft.digest).expect("proposed");
    desk.approve("yard", version.number, "Eva").expect("in force");
}

/// Whether what stands low on the right of the view is in any file of the store.
fn is_on_disk(site: &TestSite) -> bool {
    let files = fs::read_dir(site.config().store.path).expect("the store's folder");
    let files = files.filter_map(|entry| fs::read(entry.ok()?.path()).ok());
    files.into_iter().any(|bytes| bytes.windows(SECRET.len()).any(|part| part == SECRET))
}

#[test]
fn what_a_privacy_mask_covers_is_in_no_file_once_the_mask_is_in_force() {
    let site = TestSite::new();
    let guard = start(&site);
    wait_watched(&guard);
    reference(&guard, ReferenceWhy::First);
    wait_for("the view on the disk", || is_on_disk(&site).then_some(()));

    put_mask_in_force(&guard, [0.5, 0.6, 1.0, 1.0]);
    reference(&guard, ReferenceWhy::ZonesApproved);
    wait_for("files in which it is not", || (!is_on_disk(&site)).then_some(()));
    guard.stop();
    assert!(!is_on_disk(&site));

    // What is left of the view is what it is held against all the same.
    fs::write(site.path("known"), "").expect("forgotten");
    let guard = start(&site);
    assert_eq!(known(&site), format!("{ACCEPTED_LEVEL} 24"));
    guard.stop();
}

#[test]
fn a_box_that_kept_too_little_of_a_view_to_know_it_again_clears_no_zone_before_somebody_has_looked()
{
    let site = TestSite::new();
    fs::write(site.path("textured"), "").expect("a note");
    let guard = start(&site);
    wait_watched(&guard);
    reference(&guard, ReferenceWhy::First);
    put_mask_in_force(&guard, [0.0, 0.0, 0.95, 1.0]);
    reference(&guard, ReferenceWhy::ZonesApproved);
    wait_watched(&guard);
    // A vision process alone knows all of it.
    fs::remove_file(site.path("known")).expect("it is there");
    site.signal_worker(Signal::KILL);
    assert_eq!(known(&site), format!("{ACCEPTED_LEVEL} 24"));
    wait_watched(&guard);
    guard.stop();

    let guard = start(&site);
    let now = wait_until(&guard, "a view that nobody knows", |now| {
        let trouble = now.cameras[0].view.trouble.as_ref();
        now.cameras[0].frame_age_ms.is_some()
            && trouble.is_some_and(|trouble| trouble.fault == ViewFault::Moved)
    });
    assert!(now.cameras[0].unknown.is_some());
    let confirm = AlarmCommand::ConfirmView {
        camera: "yard".into(),
        reason: Reason::new("The yard as it was").expect("a reason"),
    };
    assert_eq!(guard.handle().command(confirm, "Eva"), Ok(Commanded::Done));
    wait_watched(&guard);
    guard.stop();
}

#[test]
fn a_picture_of_a_trouble_that_a_vision_process_took_with_it_is_asked_of_the_next_one() {
    let site = TestSite::new();
    let guard = start(&site);
    wait_watched(&guard);
    reference(&guard, ReferenceWhy::First);
    fs::write(site.path("keeps pictures"), "").expect("a note");
    site.shows(Scene::Moved);
    wait_alarm(&guard, blind, AlarmState::Unacknowledged);
    wait_for("a question for a picture", || fs::read_to_string(site.path("kept")).ok());
    assert_eq!(picture(&guard, ViewPicture::Trouble, Onlooker::Anybody), None);
    fs::remove_file(site.path("keeps pictures")).expect("it is there");
    site.signal_worker(Signal::KILL);
    wait_for("the picture of the trouble", || {
        picture(&guard, ViewPicture::Trouble, Onlooker::Anybody)
    });
    guard.stop();
}
