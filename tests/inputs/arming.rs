//! Rules, clocks and inputs through the real decision and the real engine, on simulated time.

use std::time::Duration;

use jiff::civil::Weekday;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use standclear::engine::time::Instant;
use standclear::engine::{ArmingView, DisarmedBy};
use standclear::guard::arming::{LEASE, OFF_AFTER, ZoneRules};
use standclear::guard::handle::{Armed, ArmedBy};
use standclear::guard::inputs::Said;
use standclear::zone_file::{
    ArmingRule, DayRange, Interlock, Level, Schedule, TimeOfDay, WeekRange,
};

use crate::world::{LOOK_MS, MAX_AGE_MS, PRESS, Reaches, TICK_MS, World};

fn at(text: &str) -> TimeOfDay {
    TimeOfDay::parse(text).expect("a time of day")
}

/// Armed on workdays from 06:00 to 22:00.
fn workdays() -> Schedule {
    schedule("06:00", "22:00", &Weekday::Monday.cycle_forward().take(5).collect::<Vec<_>>())
}

fn schedule(from: &str, to: &str, days: &[Weekday]) -> Schedule {
    let range = DayRange { from: at(from), to: at(to) };
    Schedule { armed: vec![WeekRange { days: days.to_vec(), range }], exceptions: vec![] }
}

fn by_schedule(schedule: Schedule) -> ArmingRule {
    ArmingRule { schedule: Some(schedule), interlock: None }
}

fn while_press_is(is: Level) -> Option<Interlock> {
    Some(Interlock { input: "press".into(), is })
}

fn interlocked() -> ArmingRule {
    ArmingRule { schedule: None, interlock: while_press_is(Level::On) }
}

const SATURDAY_NOON: &str = "2026-05-09T12:00:00Z";
const MONDAY_NOON: &str = "2026-05-04T12:00:00Z";

#[test]
fn a_zone_is_off_by_schedule_and_says_until_when() {
    let mut world = World::new(by_schedule(workdays()), SATURDAY_NOON, "Europe/Prague");
    world.run(Duration::from_secs(3), Reaches::Yes);
    assert_eq!(world.view(), ArmingView::Disarmed(DisarmedBy::Schedule));
    let shown = world.shown();
    assert_eq!(shown.reason, "Off by schedule until Mon 06:00");
    assert_eq!((shown.armed, shown.by), (Armed::No, Some(ArmedBy::Schedule)));
    assert_eq!(shown.until, Some("2026-05-11T04:00:00Z".parse().expect("a time")));
    world.person = true;
    world.run(Duration::from_secs(60), Reaches::Yes);
    assert!(!world.alarmed, "the zone is off");

    let mut world = World::new(by_schedule(workdays()), MONDAY_NOON, "Europe/Prague");
    world.run(Duration::from_secs(3), Reaches::Yes);
    assert!(world.is_armed());
    assert_eq!(world.shown().reason, "Armed by schedule until Mon 22:00");
}

#[test]
fn who_is_inside_when_the_schedule_arms_alarms_within_a_second() {
    let mut world = World::new(by_schedule(workdays()), "2026-05-11T03:59:30Z", "Europe/Prague");
    world.run(Duration::from_millis(5_000), Reaches::Yes);
    world.person = true;
    world.run(Duration::from_millis(24_950), Reaches::Yes);
    assert!(!world.is_armed() && !world.alarmed);
    world.run(Duration::from_millis(1_000), Reaches::Yes);
    assert!(world.is_armed() && world.alarmed);
}

/// UTC, and whether a zone that is armed from 01:30 to 03:30 each day in Prague is armed then.
type Expected = (&'static str, bool);

#[test]
fn clocks_put_forward_and_back_are_followed_by_the_engine() {
    // 2026-03-29: 02:00 CET becomes 03:00 CEST at 01:00 UTC.
    let spring: [Expected; 4] = [
        ("2026-03-29T00:29:00Z", false),
        ("2026-03-29T00:31:00Z", true),
        ("2026-03-29T01:29:00Z", true),
        ("2026-03-29T01:31:00Z", false),
    ];
    // 2026-10-25: 03:00 CEST becomes 02:00 CET at 01:00 UTC.
    let autumn: [Expected; 5] = [
        ("2026-10-24T23:29:00Z", false),
        ("2026-10-24T23:31:00Z", true),
        ("2026-10-25T00:59:00Z", true),
        ("2026-10-25T02:29:00Z", true),
        ("2026-10-25T02:31:00Z", false),
    ];
    let every_day: Vec<Weekday> = Weekday::Monday.cycle_forward().take(7).collect();
    let rule = by_schedule(schedule("01:30", "03:30", &every_day));
    for expected in [&spring[..], &autumn[..]] {
        let mut world = World::new(rule.clone(), expected[0].0, "Europe/Prague");
        for (when, armed) in expected {
            let when: Timestamp = when.parse().expect("a time");
            let left = Duration::try_from(when.duration_since(world.now.wall)).expect("later");
            world.run(left + Duration::from_secs(2), Reaches::Yes);
            assert_eq!(world.is_armed(), *armed, "at {when}");
        }
    }
}

#[test]
fn an_arming_thread_that_dies_leaves_everything_armed_when_its_lease_is_over() {
    let mut world = World::new(by_schedule(workdays()), SATURDAY_NOON, "Europe/Prague");
    world.run(Duration::from_secs(5), Reaches::Yes);
    world.person = true;
    world.run(Duration::from_secs(5), Reaches::Yes);
    assert!(!world.is_armed() && !world.alarmed);
    // Nobody looks any more.
    for _ in 0..LEASE.as_millis() as u64 / TICK_MS {
        world.now.monotonic = world.now.monotonic.after(Duration::from_millis(TICK_MS));
        world.picture();
    }
    assert!(world.is_armed() && world.alarmed, "the lease is over");
}

#[test]
fn an_arming_thread_that_does_not_get_through_arms_and_is_heard_again() {
    let mut world = World::new(by_schedule(workdays()), SATURDAY_NOON, "Europe/Prague");
    world.run(Duration::from_secs(10), Reaches::Yes);
    world.run(LEASE, Reaches::No);
    assert!(world.is_armed());
    world.run(Duration::from_secs(1), Reaches::Yes);
    assert!(!world.is_armed());
}

#[test]
fn a_clock_that_is_set_into_the_weekend_disarms_nothing_until_it_is_steady() {
    let mut world = World::new(by_schedule(workdays()), MONDAY_NOON, "Europe/Prague");
    world.run(Duration::from_secs(10), Reaches::Yes);
    world.step_wall(5 * 24 * 3600);
    world.run(Duration::from_secs(59), Reaches::Yes);
    assert!(world.is_armed());
    assert_eq!(world.shown().reason, "Armed because the clock was set forward by 432000 s");
    world.run(Duration::from_secs(4), Reaches::Yes);
    assert!(!world.is_armed(), "a clock that runs steadily is believed");
    // A zone that is off is armed when the clock is set.
    world.step_wall(-3);
    world.run(Duration::from_millis(500), Reaches::Yes);
    assert!(world.is_armed());
}

#[test]
fn a_box_that_has_just_started_is_armed_until_its_clock_can_be_believed() {
    let saturday: Timestamp = SATURDAY_NOON.parse().expect("a time");
    let mut world = World::just_started(by_schedule(workdays()), saturday, "Europe/Prague", None);
    world.person = true;
    world.run(Duration::from_secs(8), Reaches::Yes);
    assert!(world.is_armed() && world.alarmed);
    let because = "Armed because the clock has not been watched for long enough";
    assert_eq!(world.shown().reason, because);
    world.run(Duration::from_secs(5), Reaches::Yes);
    assert!(!world.is_armed());

    // It is later than the clock shows: nothing is off however steadily it runs.
    let last_alive = saturday + SignedDuration::from_hours(1);
    let zone = "Europe/Prague";
    let mut world = World::just_started(by_schedule(workdays()), saturday, zone, Some(last_alive));
    world.run(Duration::from_secs(3_598), Reaches::Yes);
    assert!(world.is_armed());
    world.run(Duration::from_secs(5), Reaches::Yes);
    assert!(!world.is_armed());
}

#[test]
fn a_clock_nobody_set_and_a_time_zone_nobody_knows_keep_zones_armed() {
    for (start, time_zone, says) in [
        ("1970-01-03T12:00:00Z", "Europe/Prague", "the clock shows the year 1970"),
        (SATURDAY_NOON, "Europe/Nowhere", "the time zone Europe/Nowhere is not known here"),
    ] {
        let mut world = World::new(by_schedule(workdays()), start, time_zone);
        world.run(Duration::from_secs(120), Reaches::Yes);
        assert!(world.is_armed());
        assert_eq!(world.shown().reason, format!("Armed because {says}"));
    }
}

#[test]
fn an_interlock_arms_while_its_input_is_so_and_while_it_is_not_known() {
    let mut world = World::new(interlocked(), MONDAY_NOON, "UTC");
    world.run(Duration::from_secs(2), Reaches::Yes);
    assert!(world.is_armed());
    assert_eq!(world.shown().reason, "Armed because press has never been heard");
    world.repeat(&Said::Off, 3);
    assert_eq!(world.view(), ArmingView::Disarmed(DisarmedBy::Interlock));
    assert_eq!(world.shown().reason, "Off while press is off");
    world.person = true;
    world.repeat(&Said::Off, 2);
    assert!(!world.alarmed);
    // At once, not at the next renewal.
    world.say(Said::On);
    world.look(Reaches::Yes);
    assert!(world.is_armed());
    world.run(Duration::from_millis(300), Reaches::Yes);
    assert!(world.alarmed);
    assert_eq!(world.shown().reason, "Armed while press is on");
    world.repeat(&Said::Off, 3);
    assert!(!world.is_armed());
    world.run(Duration::from_millis(MAX_AGE_MS + LOOK_MS), Reaches::Yes);
    assert!(world.is_armed());
    world.run(Duration::from_secs(4), Reaches::Yes);
    assert_eq!(world.shown().reason, "Armed because press has not been heard for 7 s");
}

#[test]
fn of_schedule_and_interlock_either_arms() {
    let rule = ArmingRule { schedule: Some(workdays()), interlock: while_press_is(Level::Off) };
    let mut world = World::new(rule.clone(), SATURDAY_NOON, "Europe/Prague");
    world.repeat(&Said::On, 3);
    assert_eq!(world.view(), ArmingView::Disarmed(DisarmedBy::Schedule));
    assert_eq!(world.shown().reason, "Off by schedule until Mon 06:00, while press is on");
    world.repeat(&Said::Off, 1);
    assert!(world.is_armed());
    assert_eq!(world.shown().by, Some(ArmedBy::Interlock));
    let mut world = World::new(rule, MONDAY_NOON, "Europe/Prague");
    world.repeat(&Said::On, 3);
    assert!(world.is_armed());
    assert_eq!(world.shown().by, Some(ArmedBy::Schedule));
}

#[test]
fn an_input_nobody_configured_and_no_rule_at_all_are_armed() {
    let interlock = Some(Interlock { input: "pres".into(), is: Level::On });
    let mut world = World::new(ArmingRule { schedule: None, interlock }, MONDAY_NOON, "UTC");
    world.repeat(&Said::Off, 5);
    assert!(world.is_armed());
    assert_eq!(world.shown().reason, "Armed because pres is not configured");
    let mut world = World::new(ArmingRule::default(), MONDAY_NOON, "UTC");
    world.run(Duration::from_secs(5), Reaches::Yes);
    assert!(world.is_armed());
    assert_eq!(world.shown().reason, "Always armed");
}

#[test]
fn a_signal_that_flickers_keeps_the_zone_armed() {
    let mut world = World::new(interlocked(), MONDAY_NOON, "UTC");
    for _ in 0..60 {
        world.say(Said::Off);
        world.look(Reaches::Yes);
        world.run(OFF_AFTER - Duration::from_millis(100), Reaches::Yes);
        world.say(Said::On);
        world.look(Reaches::Yes);
        assert!(world.is_armed());
    }
}

#[test]
fn changed_rules_take_effect_at_the_next_look_and_retired_zones_are_told_nothing() {
    let mut world = World::new(by_schedule(workdays()), SATURDAY_NOON, "Europe/Prague");
    world.run(Duration::from_secs(5), Reaches::Yes);
    assert!(!world.is_armed());
    world.arming.put_rules(ZoneRules { epoch: 1, rules: vec![Some(ArmingRule::default())] });
    assert_eq!(world.arming.epoch(), 1);
    world.look(Reaches::Yes);
    assert!(world.is_armed());
    world.arming.put_rules(ZoneRules { epoch: 2, rules: vec![None] });
    let look = world.arming.look(&world.table, world.now);
    assert_eq!((look.orders, world.arming.shown()), (vec![], vec![None]));
    // The number is taken by another zone: it starts armed.
    let rule = Some(by_schedule(workdays()));
    world.arming.put_rules(ZoneRules { epoch: 3, rules: vec![rule] });
    world.look(Reaches::Yes);
    assert!(world.is_armed());
    world.run(Duration::from_secs(2), Reaches::Yes);
    assert!(!world.is_armed());
}

/// Anything that can happen to an interlocked zone.
#[derive(Clone, Debug)]
enum Happening {
    Said(Said),
    Lost,
    Connected,
    Silence,
    /// The wall clock is set by so many seconds.
    Set(i64),
    /// The arming thread does not get through for a while.
    Blocked,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        8 => prop_oneof![
            3 => Just(Said::Off),
            1 => Just(Said::On),
            1 => Just(Said::OfUnknownAge),
            1 => ".{0,20}".prop_map(|text| Said::Neither { text }),
        ].prop_map(Happening::Said),
        1 => Just(Happening::Lost),
        1 => Just(Happening::Connected),
        2 => Just(Happening::Silence),
        1 => (-100_000..100_000i64).prop_map(Happening::Set),
        1 => Just(Happening::Blocked),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Off means: the machine has said so, live, and not longer ago than the input's age and one
    /// look; or, for a thread that did not get through, that a lease is not over.
    #[test]
    fn whatever_is_sent_what_is_stale_is_armed(
        story in prop::collection::vec((happening(), 1..40u64), 1..40),
    ) {
        let mut world = World::new(interlocked(), MONDAY_NOON, "UTC");
        let (mut off_at, mut lost, mut blocked_at) = (None, false, None);
        world.look(Reaches::Yes);
        for (happening, ticks) in story {
            let mut reaches = Reaches::Yes;
            match happening {
                Happening::Said(said) => {
                    if !lost {
                        match said {
                            Said::Off => off_at = Some(world.now.monotonic),
                            // It says nothing about now.
                            Said::OfUnknownAge => {}
                            Said::On | Said::Neither { .. } => off_at = None,
                        }
                    }
                    world.say(said);
                    world.look(Reaches::Yes);
                }
                Happening::Lost => {
                    (off_at, lost) = (None, true);
                    world.table.lost(&[PRESS], "the broker", "gone", world.now.wall);
                    world.look(Reaches::Yes);
                }
                Happening::Connected => {
                    lost = false;
                    world.table.connected(&[PRESS]);
                }
                Happening::Silence => {}
                Happening::Set(seconds) => world.step_wall(seconds),
                Happening::Blocked => reaches = Reaches::No,
            }
            world.run(Duration::from_millis(ticks * TICK_MS), reaches);
            let believed = Duration::from_millis(MAX_AGE_MS + LOOK_MS);
            let now = world.now.monotonic;
            if reaches == Reaches::No {
                blocked_at = Some(now);
            }
            let leased = blocked_at.is_some_and(|at: Instant| now.since(at) < LEASE);
            let vouched = leased || off_at
                .is_some_and(|at: Instant| now.since(at) <= believed);
            prop_assert!(world.is_armed() || vouched, "off, and nobody says so");
            let shown = world.shown();
            prop_assert!(leased || world.is_armed() || shown.armed == Armed::No);
        }
        world.run(Duration::from_millis(MAX_AGE_MS + LOOK_MS), Reaches::Yes);
        prop_assert!(world.is_armed(), "after silence everything is armed");
    }

    /// Off by schedule means: the clock has run steadily, and what it shows is off.
    #[test]
    fn a_clock_that_is_set_disarms_nothing_that_the_schedule_does_not_say(
        steps in prop::collection::vec((-700_000..700_000i64, 1..200u64), 1..12),
    ) {
        let mut world = World::new(by_schedule(workdays()), MONDAY_NOON, "Europe/Prague");
        let mut set_at = None;
        world.look(Reaches::Yes);
        for (seconds, pause_s) in steps {
            world.step_wall(seconds);
            if seconds.abs() > 1 {
                set_at = Some(world.now.monotonic);
            }
            world.look(Reaches::Yes);
            for _ in 0..pause_s {
                world.run(Duration::from_secs(1), Reaches::Yes);
                if world.is_armed() {
                    continue;
                }
                let local = world.now.wall.in_tz("Europe/Prague").expect("known");
                let workday = local.weekday().to_monday_one_offset() <= 5;
                prop_assert!(!(workday && (6..22).contains(&local.hour())), "off at {local}");
                let steady = set_at.is_none_or(|at: Instant| {
                    world.now.monotonic.since(at) >= Duration::from_secs(60)
                });
                prop_assert!(steady, "off while the clock is not steady");
            }
        }
    }
}
