//! Silence, shelf and out of service of a guard that lives: what is heard, what is kept, and what a
//! restart makes of it.

use standclear::clock;
use standclear::engine::alarm::{Inhibition, ShelfTime};
use standclear::engine::{AlarmId, AlarmState, SirenPattern};
use standclear::guard::app::Guard;
use standclear::guard::handle::{
    AlarmCommand, CommandError, Commanded, HoldKind, Reason, ZonePlace,
};
use standclear::store::audit::AuditReader;

use crate::site::{TestSite, intrusion, wait_alarm, wait_for, wait_until, wait_watched};
use crate::worker::Scene;

fn shelve(alarm: AlarmId, minutes: u64) -> AlarmCommand {
    let time = ShelfTime::from_minutes(minutes).expect("a time");
    let reason = Reason::new("Scaffold in the picture").expect("a reason");
    AlarmCommand::Shelve { alarm, time, reason }
}

fn bay() -> ZonePlace {
    ZonePlace { camera: "yard".into(), zone: "bay".into() }
}

fn command(guard: &Guard, command: AlarmCommand) -> Result<Commanded, CommandError> {
    guard.handle().command(command, "Eva")
}

fn wait_sound(site: &TestSite, pattern: SirenPattern) {
    wait_for(&format!("{pattern:?}"), || (site.siren.now() == pattern).then_some(()));
}

/// Actions in the audit log with who did them, oldest first.
fn audited(site: &TestSite) -> Vec<(String, String)> {
    let config = site.config();
    let reader = AuditReader::of_store(&config.store.path).expect("a reader");
    let mut rows = reader.entries(100, None).expect("the log");
    rows.reverse();
    rows.into_iter().map(|row| (row.entry.action, row.entry.by)).collect()
}

#[test]
fn a_shelved_alarm_is_silent_over_a_restart_and_sounds_when_it_is_taken_down() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    site.shows(Scene::Person);
    let alarm = wait_alarm(&guard, intrusion, AlarmState::Unacknowledged).id;
    wait_sound(&site, SirenPattern::Intrusion);
    assert!(matches!(command(&guard, shelve(alarm, 30)), Ok(Commanded::Until(_))));
    assert_eq!(command(&guard, shelve(alarm, 30)), Err(CommandError::AlreadyShelved));
    wait_sound(&site, SirenPattern::Silent);
    wait_alarm(&guard, intrusion, AlarmState::Shelved);
    guard.stop();

    let guard = site.start();
    let now = wait_watched(&guard);
    let shelved = wait_alarm(&guard, intrusion, AlarmState::Shelved);
    assert_eq!(shelved.id, alarm);
    let hold = &now.holds[0];
    assert_eq!((hold.by.as_str(), hold.reason.as_str()), ("Eva", "Scaffold in the picture"));
    assert!(matches!(hold.kind, HoldKind::Shelved { alarm: it, .. } if it == alarm));
    assert_eq!(now.zones[0].inhibition, Inhibition::Shelved);
    let from = clock::monotonic();
    assert_eq!(command(&guard, AlarmCommand::Unshelve { alarm }), Ok(Commanded::Done));
    site.siren.since(from, SirenPattern::Intrusion);
    let again = command(&guard, AlarmCommand::Unshelve { alarm });
    assert_eq!(again, Err(CommandError::NotShelved));
    guard.stop();
    let told = audited(&site);
    for action in ["alarm_shelved", "alarm_unshelved"] {
        let entries = told.iter().filter(|(it, by)| it == action && by == "Eva").count();
        assert_eq!(entries, 1, "{action} in {told:?}");
    }
}

#[test]
fn a_zone_out_of_service_stays_so_over_a_restart_until_somebody_puts_it_back() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    site.shows(Scene::Person);
    wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    let reason = Reason::new("The gate is rebuilt").expect("a reason");
    let out = AlarmCommand::TakeOutOfService { zone: bay(), reason };
    assert_eq!(command(&guard, out.clone()), Ok(Commanded::Done));
    assert_eq!(command(&guard, out), Err(CommandError::AlreadyOutOfService));
    wait_sound(&site, SirenPattern::Silent);
    guard.stop();

    let guard = site.start();
    wait_alarm(&guard, intrusion, AlarmState::OutOfService);
    let now = wait_until(&guard, "one hold", |now| now.holds.len() == 1);
    assert_eq!(now.holds[0].kind, HoldKind::OutOfService);
    assert_eq!(now.holds[0].reason, "The gate is rebuilt");
    let from = clock::monotonic();
    let back = AlarmCommand::PutIntoService { zone: bay() };
    assert_eq!(command(&guard, back.clone()), Ok(Commanded::Done));
    assert_eq!(command(&guard, back), Err(CommandError::AlreadyInService));
    site.siren.since(from, SirenPattern::Intrusion);
    let nowhere = ZonePlace { camera: "yard".into(), zone: "pit".into() };
    let unknown = command(&guard, AlarmCommand::PutIntoService { zone: nowhere });
    assert_eq!(unknown, Err(CommandError::UnknownZone));
    guard.stop();
    let told = audited(&site);
    for action in ["zone_out_of_service", "zone_in_service"] {
        let entries = told.iter().filter(|(it, by)| it == action && by == "Eva").count();
        assert_eq!(entries, 1, "{action} in {told:?}");
    }
}

/// As a person does: looks again and presses again when something else has come meanwhile, such as a
/// walk test that is overdue.
fn silence_what_is_shown(guard: &Guard) -> Result<Commanded, CommandError> {
    wait_for("a silence of somebody who has seen everything", || {
        let now = guard.handle().snapshots().borrow().clone();
        let seen = now.alarms.iter().map(|alarm| alarm.version).max().unwrap_or_default();
        let told = guard.handle().silence(seen, "Eva");
        (told != Err(CommandError::NewerCause)).then_some(told)
    })
}

#[test]
fn what_sounded_when_the_box_stopped_sounds_before_any_picture_and_though_it_was_silenced() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    site.shows(Scene::Person);
    let alarm = wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    wait_sound(&site, SirenPattern::Intrusion);
    let silenced = silence_what_is_shown(&guard);
    assert!(matches!(silenced, Ok(Commanded::Until(_))), "{silenced:?}");
    assert_eq!(silence_what_is_shown(&guard), Err(CommandError::AlreadySilenced));
    wait_sound(&site, SirenPattern::Silent);
    let now = wait_until(&guard, "who silenced it", |now| now.siren.silenced.is_some());
    assert_eq!(now.siren.silenced.as_ref().map(|(by, _)| by.as_str()), Some("Eva"));
    assert_eq!(now.alarms[0].state, AlarmState::Unacknowledged, "it answered nothing");
    guard.stop();

    let from = clock::monotonic();
    // A vision process that never says anything.
    let guard = site.start_with(vec!["sleep".into(), "1000".into()]);
    let heard = site.siren.since(from, SirenPattern::Intrusion).since(from);
    let open = wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    assert_eq!(open.id, alarm.id);
    println!("heard {heard:?} after the start began");
    guard.stop();
}

#[test]
fn silence_of_somebody_who_saw_less_than_happened_is_refused_and_the_siren_goes_on() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    site.shows(Scene::Person);
    let alarm = wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    wait_sound(&site, SirenPattern::Intrusion);
    let older = alarm.renewed - 1;
    assert_eq!(guard.handle().silence(older, "Eva"), Err(CommandError::NewerCause));
    for seen in [older, u64::MAX] {
        let one = AlarmCommand::Silence { alarm: Some(alarm.id), seen };
        assert_eq!(command(&guard, one), Err(CommandError::NewerCause), "{seen}");
    }
    assert_eq!(site.siren.now(), SirenPattern::Intrusion, "the siren goes on");
    let one = AlarmCommand::Silence { alarm: Some(alarm.id), seen: alarm.version };
    assert!(matches!(command(&guard, one), Ok(Commanded::Until(_))));
    wait_sound(&site, SirenPattern::Silent);
    guard.stop();
}

#[test]
fn an_answer_of_somebody_who_saw_less_than_happened_is_refused() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    site.shows(Scene::Person);
    let alarm = wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    assert!(alarm.version > 1 << 20, "of the first life: {}", alarm.version);
    let old = guard.handle().acknowledge(alarm.id, Some(alarm.renewed - 1), "Eva");
    assert_eq!(old, Err(standclear::guard::handle::AcknowledgeError::NewerCause));
    let seen = guard.handle().acknowledge(alarm.id, Some(alarm.version), "Eva");
    assert_eq!(seen, Ok(AlarmState::Acknowledged));
    let answered = wait_alarm(&guard, intrusion, AlarmState::Acknowledged);
    assert!(answered.version > alarm.version);
    assert_eq!(answered.renewed, alarm.renewed, "an answer is no new cause");
    let reset = command(&guard, AlarmCommand::Reset { alarm: alarm.id });
    assert_eq!(reset, Err(CommandError::StillActive));
    guard.stop();

    let guard = site.start();
    let after = wait_alarm(&guard, intrusion, AlarmState::Acknowledged);
    assert!(after.version > answered.version, "versions rise over a restart");
    guard.stop();
}
