//! Schedules: armed by the clock on the wall of the site, and in doubt armed.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use standclear::zone_file::{Armed, ArmingRule, Duty, Interlock, Level, Schedule, shape};

use super::document_with;

/// The schedule of this JSON.
fn schedule(json: &str) -> Schedule {
    let text = document_with(&format!(r#""kind":"restricted","schedule":{json}"#));
    let document = shape(&text).expect("a schedule");
    match document.zones.into_iter().next().map(|zone| zone.duty) {
        Some(Duty::Restricted { watch, .. }) => watch.schedule.expect("a schedule"),
        other => panic!("no restricted zone: {other:?}"),
    }
}

/// A week with one range on every day.
fn daily(from: &str, to: &str) -> Schedule {
    let days = r#"["mon","tue","wed","thu","fri","sat","sun"]"#;
    schedule(&format!(r#"{{"armed":[{{"days":{days},"from":"{from}","to":"{to}"}}]}}"#))
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a time zone")
}

fn utc(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// Every change in `hours` from `start`, as `HH:MM±hh armed|not`, starting with the state there.
fn changes(schedule: &Schedule, tz: &TimeZone, start: &str, hours: i64) -> Vec<String> {
    let (mut at, end) = (utc(start), utc(start) + SignedDuration::from_hours(hours));
    let mut told = Vec::new();
    loop {
        let planned = schedule.at(at, tz);
        let word = match planned.armed {
            Armed::Yes => "armed",
            Armed::No => "not",
        };
        told.push(format!("{} {word}", at.to_zoned(tz.clone()).strftime("%a %H:%M%z")));
        match planned.next_change {
            Some(next) if next < end => {
                assert!(next > at, "a change must lie ahead: {next} after {at}");
                at = next;
            }
            _ => return told,
        }
    }
}

#[test]
fn a_working_week_is_armed_while_people_work() {
    let week = schedule(
        r#"{"armed":[{"days":["mon","tue","wed","thu","fri"],"from":"06:00","to":"22:00"}]}"#,
    );
    // Friday noon to Monday noon.
    assert_eq!(
        changes(&week, &zone("Europe/Prague"), "2026-06-12T10:00:00Z", 72),
        ["Fri 12:00+0200 armed", "Fri 22:00+0200 not", "Mon 06:00+0200 armed"]
    );
}

#[test]
fn a_range_past_midnight_ends_on_the_next_day_and_the_end_is_not_in_it() {
    let night = schedule(r#"{"armed":[{"days":["sun"],"from":"22:00","to":"06:00"}]}"#);
    let tz = zone("Europe/Prague");
    assert_eq!(
        changes(&night, &tz, "2026-06-14T12:00:00Z", 24),
        ["Sun 14:00+0200 not", "Sun 22:00+0200 armed", "Mon 06:00+0200 not"]
    );
    let end = utc("2026-06-15T04:00:00Z");
    assert_eq!(night.at(end, &tz).armed, Armed::No);
    assert_eq!(night.at(end - SignedDuration::from_nanos(1), &tz).armed, Armed::Yes);
}

#[test]
fn ranges_that_touch_over_midnight_are_one() {
    let week = schedule(
        r#"{"armed":[{"days":["mon"],"from":"18:00","to":"24:00"},
                     {"days":["tue"],"from":"00:00","to":"03:00"},
                     {"days":["tue"],"from":"02:00","to":"04:30"}]}"#,
    );
    assert_eq!(
        changes(&week, &zone("UTC"), "2026-06-15T12:00:00Z", 48),
        ["Mon 12:00+0000 not", "Mon 18:00+0000 armed", "Tue 04:30+0000 not"]
    );
}

#[test]
fn always_armed_has_no_change_and_a_far_exception_is_found() {
    let tz = zone("Europe/Prague");
    let always = daily("00:00", "24:00");
    let planned = always.at(utc("2026-06-15T12:00:00Z"), &tz);
    assert_eq!((planned.armed, planned.next_change), (Armed::Yes, None));
    let days = r#"["mon","tue","wed","thu","fri","sat","sun"]"#;
    let but_christmas = schedule(&format!(
        r#"{{"armed":[{{"days":{days},"from":"00:00","to":"24:00"}}],
            "exceptions":[{{"date":"2026-12-24","armed":"never"}}]}}"#
    ));
    let planned = but_christmas.at(utc("2026-01-15T12:00:00Z"), &tz);
    assert_eq!(planned.next_change, Some(utc("2026-12-23T23:00:00Z")));
}

/// A night shift on every day, and one day that differs.
fn night_shift_but(exception: &str) -> Vec<String> {
    let days = r#"["mon","tue","wed","thu","fri","sat","sun"]"#;
    let schedule = schedule(&format!(
        r#"{{"armed":[{{"days":{days},"from":"22:00","to":"06:00"}}],
            "exceptions":[{{"date":"2026-06-17","armed":{exception}}}]}}"#
    ));
    // From Tuesday noon; the 17th is a Wednesday.
    changes(&schedule, &zone("UTC"), "2026-06-16T12:00:00Z", 60)
}

#[test]
fn an_exception_replaces_what_begins_on_its_date_and_leaves_the_tail_of_the_day_before() {
    assert_eq!(
        night_shift_but("\"never\""),
        [
            "Tue 12:00+0000 not",
            "Tue 22:00+0000 armed",
            "Wed 06:00+0000 not",
            "Thu 22:00+0000 armed"
        ]
    );
    // The tail of Tuesday runs into the whole of Wednesday; no tail of Wednesday into Thursday.
    assert_eq!(
        night_shift_but("\"all_day\""),
        [
            "Tue 12:00+0000 not",
            "Tue 22:00+0000 armed",
            "Thu 00:00+0000 not",
            "Thu 22:00+0000 armed"
        ]
    );
    assert_eq!(
        night_shift_but(r#"[{"from":"08:00","to":"12:00"},{"from":"23:00","to":"01:00"}]"#),
        [
            "Tue 12:00+0000 not",
            "Tue 22:00+0000 armed",
            "Wed 06:00+0000 not",
            "Wed 08:00+0000 armed",
            "Wed 12:00+0000 not",
            "Wed 23:00+0000 armed",
            "Thu 01:00+0000 not",
            "Thu 22:00+0000 armed"
        ]
    );
}

/// In Prague the clocks go from 02:00 to 03:00 on 2026-03-29, at 01:00 UTC.
#[test]
fn ends_inside_the_missing_hour_leave_nothing_unarmed() {
    let tz = zone("Europe/Prague");
    let night = |from: &str, to: &str| changes(&daily(from, to), &tz, "2026-03-28T23:00:00Z", 10);
    // Begins at 02:30, which there is not: armed as soon as the clock has jumped.
    assert_eq!(
        night("02:30", "05:00"),
        ["Sun 00:00+0100 not", "Sun 03:00+0200 armed", "Sun 05:00+0200 not"]
    );
    // Ends at 02:30: as long after the jump.
    assert_eq!(
        night("01:00", "02:30"),
        ["Sun 00:00+0100 not", "Sun 01:00+0100 armed", "Sun 03:30+0200 not"]
    );
    // Wholly inside: not lost.
    assert_eq!(
        night("02:10", "02:50"),
        ["Sun 00:00+0100 not", "Sun 03:00+0200 armed", "Sun 03:50+0200 not"]
    );
    // Over the whole night: by the clock.
    assert_eq!(night("22:00", "06:00"), ["Sun 00:00+0100 armed", "Sun 06:00+0200 not"]);
}

/// In Prague the clocks go from 03:00 back to 02:00 on 2026-10-25, at 01:00 UTC.
#[test]
fn ends_inside_the_doubled_hour_take_the_longer_way() {
    let tz = zone("Europe/Prague");
    let night = |from: &str, to: &str| changes(&daily(from, to), &tz, "2026-10-24T22:00:00Z", 10);
    assert_eq!(
        night("02:30", "05:00"),
        ["Sun 00:00+0200 not", "Sun 02:30+0200 armed", "Sun 05:00+0100 not"]
    );
    assert_eq!(
        night("01:00", "02:30"),
        ["Sun 00:00+0200 not", "Sun 01:00+0200 armed", "Sun 02:30+0100 not"]
    );
    assert_eq!(
        night("02:10", "02:50"),
        ["Sun 00:00+0200 not", "Sun 02:10+0200 armed", "Sun 02:50+0100 not"]
    );
    assert_eq!(night("22:00", "06:00"), ["Sun 00:00+0200 armed", "Sun 06:00+0100 not"]);
}

/// Lord Howe Island moves its clocks by half an hour: 2026-04-05 02:00 back to 01:30, and
/// 2026-10-04 02:00 on to 02:30.
#[test]
fn half_an_hour_of_summer_time_is_followed() {
    let tz = zone("Australia/Lord_Howe");
    assert_eq!(
        changes(&daily("01:45", "03:00"), &tz, "2026-04-04T13:00:00Z", 8),
        ["Sun 00:00+1100 not", "Sun 01:45+1100 armed", "Sun 03:00+1030 not"]
    );
    assert_eq!(
        changes(&daily("01:00", "01:45"), &tz, "2026-04-04T13:00:00Z", 8),
        ["Sun 00:00+1100 not", "Sun 01:00+1100 armed", "Sun 01:45+1030 not"]
    );
    assert_eq!(
        changes(&daily("02:10", "03:00"), &tz, "2026-10-03T13:30:00Z", 8),
        ["Sun 00:00+1030 not", "Sun 02:30+1100 armed", "Sun 03:00+1100 not"]
    );
    assert_eq!(
        changes(&daily("01:00", "02:10"), &tz, "2026-10-03T13:30:00Z", 8),
        ["Sun 00:00+1030 not", "Sun 01:00+1030 armed", "Sun 02:40+1100 not"]
    );
}

/// In Santiago the clocks go from 24:00 to 01:00 on 2026-09-06: that day has no midnight.
#[test]
fn a_day_without_midnight_is_armed_from_its_first_moment() {
    let days = r#"["mon","tue","wed","thu","fri","sat","sun"]"#;
    let sunday = schedule(&format!(
        r#"{{"armed":[{{"days":{days},"from":"12:00","to":"12:01"}}],
            "exceptions":[{{"date":"2026-09-06","armed":"all_day"}}]}}"#
    ));
    let tz = zone("America/Santiago");
    assert_eq!(
        changes(&sunday, &tz, "2026-09-05T20:00:00Z", 35)[1..],
        ["Sun 01:00-0300 armed", "Mon 00:00-0300 not"]
    );
}

/// The rule of the module, said a second time and without any search: is there a date whose plan
/// has a range around the moment? Outside the nights of the clock changes only.
fn armed_by_hand(schedule: &Schedule, when: Timestamp, tz: &TimeZone) -> bool {
    let shown = when.to_zoned(tz.clone());
    let minute = i32::from(shown.hour()) * 60 + i32::from(shown.minute());
    let minutes = |text: String| -> i32 {
        let (hours, minutes) = text.split_once(':').expect("HH:MM");
        hours.parse::<i32>().expect("hours") * 60 + minutes.parse::<i32>().expect("minutes")
    };
    let plan = |date: Date| -> Vec<(i32, i32)> {
        let exception = schedule.exceptions.iter().find(|e| e.date == date);
        let ranges = match exception.map(|e| &e.armed) {
            Some(standclear::zone_file::DayPlan::AllDay) => return vec![(0, 1440)],
            Some(standclear::zone_file::DayPlan::Never) => return Vec::new(),
            Some(standclear::zone_file::DayPlan::Ranges(ranges)) => ranges.clone(),
            None => {
                let week = schedule.armed.iter().filter(|w| w.days.contains(&date.weekday()));
                week.map(|w| w.range).collect()
            }
        };
        let ends = |r: &standclear::zone_file::DayRange| {
            let (from, to) = (minutes(r.from.to_string()), minutes(r.to.to_string()));
            (from, if to > from { to } else { to + 1440 })
        };
        ranges.iter().map(ends).collect()
    };
    let today = shown.date();
    let yesterday = today.yesterday().expect("a day");
    plan(today).iter().any(|r| (r.0..r.1).contains(&minute))
        || plan(yesterday).iter().any(|r| (r.0..r.1).contains(&(minute + 1440)))
}

prop_compose! {
    fn time_text(last: u32)(minute in 0..last) -> String {
        format!("{:02}:{:02}", minute * 15 / 60, minute * 15 % 60)
    }
}

prop_compose! {
    fn range_text()(from in time_text(96), to in time_text(97)) -> String {
        format!(r#""from":"{from}","to":"{to}""#)
    }
}

prop_compose! {
    fn any_schedule()(
        weeks in prop::collection::vec((1u8..128, range_text()), 1..4),
        exceptions in prop::collection::btree_map(1i64..28, (0u8..3, range_text()), 0..4),
    ) -> Schedule {
        let words = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let armed: Vec<String> = weeks.iter().map(|(mask, range)| {
            let days: Vec<String> = words.iter().enumerate()
                .filter(|(bit, _)| mask & (1 << bit) != 0)
                .map(|(_, day)| format!("\"{day}\"")).collect();
            format!(r#"{{"days":[{}],{range}}}"#, days.join(","))
        }).collect();
        let exceptions: Vec<String> = exceptions.iter().map(|(day, (kind, range))| {
            let armed = match kind {
                0 => "\"never\"".to_owned(),
                1 => "\"all_day\"".to_owned(),
                _ => format!("[{{{range}}}]"),
            };
            // Over both nights of the clock changes.
            let date = Date::constant(2026, 3, 15).checked_add(jiff::Span::new().days(*day));
            format!(r#"{{"date":"{}","armed":{armed}}}"#, date.expect("a date"))
        }).collect();
        schedule(&format!(
            r#"{{"armed":[{}],"exceptions":[{}]}}"#, armed.join(","), exceptions.join(",")
        ))
    }
}

fn any_zone() -> impl Strategy<Value = TimeZone> {
    prop::sample::select(vec![
        "UTC",
        "Europe/Prague",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Asia/Kathmandu",
        "Pacific/Apia",
    ])
    .prop_map(zone)
}

proptest! {
    /// Nothing changes before the next change, and there it does.
    #[test]
    fn the_next_change_is_the_next_change(
        schedule in any_schedule(),
        tz in any_zone(),
        minutes in 0i64..45_000,
        part in 0.0f64..1.0,
    ) {
        let when = utc("2026-03-10T00:00:00Z") + SignedDuration::from_mins(minutes);
        let planned = schedule.at(when, &tz);
        let until = planned.next_change.unwrap_or(when + SignedDuration::from_hours(24 * 30));
        prop_assert!(until > when);
        let span = until.duration_since(when).as_secs_f64() * part;
        let between = when + SignedDuration::from_secs(span as i64);
        prop_assert_eq!(schedule.at(between, &tz), planned);
        let last = until - SignedDuration::from_nanos(1);
        prop_assert_eq!(schedule.at(last, &tz).armed, planned.armed);
        if planned.next_change.is_some() {
            prop_assert_ne!(schedule.at(until, &tz).armed, planned.armed);
        }
    }

    /// Away from the nights of the clock changes the answer is that of the plain rule; in those
    /// nights it may only be armed where the rule says not.
    #[test]
    fn armed_is_what_the_plain_rule_says(
        schedule in any_schedule(),
        tz in any_zone(),
        minutes in 0i64..45_000,
    ) {
        let when = utc("2026-03-10T00:00:00Z") + SignedDuration::from_mins(minutes);
        let armed = schedule.at(when, &tz).armed == Armed::Yes;
        let by_hand = armed_by_hand(&schedule, when, &tz);
        let hours = SignedDuration::from_hours(3);
        let quiet = tz.to_offset(when - hours) == tz.to_offset(when + hours);
        prop_assert!(armed == by_hand || (!quiet && armed), "{when}: {armed}, by hand {by_hand}");
    }
}

#[test]
fn the_ends_of_the_calendar_are_armed_and_do_not_panic() {
    let night = daily("22:00", "06:00");
    for when in [Timestamp::MIN, Timestamp::MAX] {
        for name in ["UTC", "Europe/Prague", "Pacific/Kiritimati"] {
            assert_eq!(night.at(when, &zone(name)).armed, Armed::Yes);
        }
    }
}

#[test]
fn a_rule_says_in_words_what_holds_now_and_until_when() {
    let rule = |schedule: Option<Schedule>, interlock: Option<Interlock>| ArmingRule {
        schedule,
        interlock,
    };
    let week =
        || schedule(r#"{"armed":[{"days":["fri","sat","sun"],"from":"00:00","to":"22:00"}]}"#);
    let signal = || Interlock { input: "press-3-running".into(), is: Level::On };
    let friday = utc("2026-06-12T10:00:00Z").to_zoned(zone("Europe/Prague"));
    assert_eq!(rule(None, None).words(&friday), "armed always");
    assert_eq!(rule(Some(week()), None).words(&friday), "armed now; changes today 22:00");
    assert_eq!(
        rule(Some(week()), Some(signal())).words(&friday),
        "armed now; changes today 22:00; besides armed while press-3-running is on or not known"
    );
    let weekend = schedule(r#"{"armed":[{"days":["sat"],"from":"00:00","to":"24:00"}]}"#);
    let saturday = utc("2026-06-13T10:00:00Z").to_zoned(zone("Europe/Prague"));
    assert_eq!(
        rule(Some(weekend.clone()), None).words(&saturday),
        "armed now; changes Sunday 00:00"
    );
    let sunday = utc("2026-06-14T10:00:00Z").to_zoned(zone("Europe/Prague"));
    assert_eq!(rule(Some(weekend), None).words(&sunday), "not armed now; changes Saturday 00:00");
    let all = rule(Some(daily("00:00", "24:00")), None);
    assert_eq!(all.words(&sunday), "armed now; no change within a year");
}
