//! The properties of a zone: which there are, which belong to which kind, and each by itself.
//!
//! Not here: whether they fit together (`check`).

use jiff::civil::{Date, Weekday};

use super::document::{
    Criterion, DayPlan, DayRange, Direction, Duty, Empty, Exception, Hazard, HeadCount, Interlock,
    Kind, Level, Presence, Schedule, Share, TimeOfDay, Watch, WeekRange, Zone,
};
use super::field::{Errors, Members, Place, line_of_text, list, number, trimmed, whole, word};
use super::json::Json;
use super::limits::{
    APPROACH_MS, CLEAR_AFTER_MS, CLEAR_AFTER_MS_DEFAULT, DWELL_MS, ENTER_WINDOW_MS,
    ENTER_WINDOW_MS_DEFAULT, EXCEPTIONS_MAX, ID_CHARS_MAX, INPUT_CHARS_MAX, NAME_CHARS_MAX,
    OVERLAP, PEOPLE, PLANE_HEIGHT_M, RANGES_MAX, REASON_CHARS_MAX, STOP_TIME_MS,
};
use super::read::{Geometry, Optional, optional, ring};
use crate::engine::alarm::Latch;

const AREAS: &[Kind] = &[Kind::Restricted, Kind::Warning, Kind::Occupancy];
const WATCHED: &[Kind] = &[Kind::Restricted, Kind::Warning, Kind::Occupancy, Kind::Tripwire];

/// Members that only some kinds of zone have.
const OF_KINDS: &[(&str, &[Kind])] = &[
    ("criterion", AREAS),
    ("enter_window_ms", WATCHED),
    ("clear_after_ms", WATCHED),
    ("latch", WATCHED),
    ("dwell_ms", AREAS),
    ("count", &[Kind::Occupancy]),
    ("direction", &[Kind::Tripwire]),
    ("approach_ms", &[Kind::Restricted]),
    ("schedule", WATCHED),
    ("interlock", WATCHED),
    ("hazard", &[Kind::Restricted, Kind::Warning]),
    ("reason", &[Kind::Ignore, Kind::PrivacyMask]),
];

/// What is asked for where the name is missing or empty.
pub(super) const NAME_RIGHT: &str = "give the zone a name, 1 to 80 characters";
const _: () = assert!(NAME_CHARS_MAX == 80, "NAME_RIGHT says another limit");

const MILLISECONDS: &str = " (milliseconds)";

/// What was read of a zone's properties; `None` also where a value was wrong, which is noted.
#[derive(Default)]
pub(super) struct Properties {
    pub id: Option<String>,
    pub name: Option<String>,
    kind: Option<Kind>,
    criterion: Option<Criterion>,
    enter_window_ms: Option<u32>,
    clear_after_ms: Option<u32>,
    latch: Option<Latch>,
    dwell_ms: Option<u32>,
    count: Option<HeadCount>,
    direction: Option<Direction>,
    approach_ms: Option<u32>,
    schedule: Option<Schedule>,
    interlock: Option<Interlock>,
    hazard: Option<Hazard>,
    reason: Option<String>,
}

/// Reads all properties, whatever the kind.
pub(super) fn properties(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Properties> {
    let mut known = vec!["id", "name", "kind"];
    known.extend(OF_KINDS.iter().map(|(name, _)| *name));
    let members = Members::of(json, place, &known, errors)?;
    let mut read = Properties::default();
    let right = "must be 1 to 64 characters that name the zone for ever, as \"gate-road\"";
    if let Some(json) = members.required("id", place, right, errors) {
        read.id = id(json, place.member("id"), errors);
    }
    if let Some(json) = members.required("name", place, NAME_RIGHT, errors) {
        read.name = line_of_text(json, place.member("name"), NAME_CHARS_MAX, errors);
    }
    let kinds = Kind::ALL.map(|kind| (kind.as_str(), kind));
    if let Some(json) = members.required("kind", place, "must be \"restricted\" or another", errors)
    {
        read.kind = word(json, place.member("kind"), &kinds, errors);
    }
    for (name, _) in OF_KINDS {
        if let Some(json) = members.get(name) {
            read.member(name, json, place.member(name), errors);
        }
    }
    read.refuse_other_kinds(&members, place, errors);
    Some(read)
}

impl Properties {
    fn member(&mut self, name: &str, json: &Json, at: Place<'_>, errors: &mut Errors) {
        let mut ms = |range| whole(json, at, range, MILLISECONDS, errors);
        match name {
            "enter_window_ms" => self.enter_window_ms = ms(ENTER_WINDOW_MS),
            "clear_after_ms" => self.clear_after_ms = ms(CLEAR_AFTER_MS),
            "latch" => self.latch = latch(json, at, errors),
            "dwell_ms" => self.dwell_ms = ms(DWELL_MS),
            "approach_ms" => self.approach_ms = ms(APPROACH_MS),
            "criterion" => self.criterion = criterion(json, at, errors),
            "count" => self.count = count(json, at, errors),
            "direction" => self.direction = word(json, at, &DIRECTIONS, errors),
            "schedule" => self.schedule = schedule(json, at, errors),
            "interlock" => self.interlock = interlock(json, at, errors),
            "hazard" => self.hazard = hazard(json, at, errors),
            "reason" => self.reason = line_of_text(json, at, REASON_CHARS_MAX, errors),
            // Every name of the table above is handled; no other is asked for.
            _ => {}
        }
    }

    fn refuse_other_kinds(&self, members: &Members<'_>, place: Place<'_>, errors: &mut Errors) {
        let Some(kind) = self.kind else { return };
        for (name, kinds) in OF_KINDS {
            if let Some(json) = members.get(name)
                && !kinds.contains(&kind)
            {
                let owners: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
                let right = format!(
                    "belongs to zones of kind {}, and this one is of kind {}; remove it",
                    owners.join(", "),
                    kind.as_str()
                );
                errors.wrong(place.member(name), json, right);
            }
        }
        let demanded = match kind {
            Kind::Occupancy => ("count", "must be how many people are right, as {\"at_most\": 1}"),
            Kind::Tripwire => ("direction", "must be left_to_right, right_to_left or both"),
            Kind::Ignore => ("reason", "must say why this blind spot was chosen"),
            Kind::PrivacyMask => ("reason", "must say why nobody may see what is here"),
            Kind::Restricted | Kind::Warning => return,
        };
        members.required(demanded.0, place, demanded.1, errors);
    }

    fn presence(&self) -> Presence {
        Presence {
            criterion: self.criterion.unwrap_or(Criterion::Foot),
            dwell_ms: self.dwell_ms.unwrap_or(0),
        }
    }
}

fn latch(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Latch> {
    match json {
        Json::Bool(true) => Some(Latch::Yes),
        Json::Bool(false) => Some(Latch::No),
        Json::Null | Json::Number(_) | Json::Text(_) | Json::List(_) | Json::Object(_) => {
            errors.wrong(place, json, "must be true or false");
            None
        }
    }
}

/// The zone, when all of it could be read.
pub(super) fn zone(
    read: Properties,
    geometry: Option<Geometry>,
    place: Place<'_>,
    errors: &mut Errors,
) -> Option<Zone> {
    let kind = read.kind?;
    let place = place.member("geometry");
    let presence = read.presence();
    let watch = Watch {
        enter_window_ms: read.enter_window_ms.unwrap_or(ENTER_WINDOW_MS_DEFAULT),
        clear_after_ms: read.clear_after_ms.unwrap_or(CLEAR_AFTER_MS_DEFAULT),
        latch: read.latch.unwrap_or_default(),
        schedule: read.schedule,
        interlock: read.interlock,
    };
    let (approach_ms, hazard) = (read.approach_ms, read.hazard);
    let duty = match (kind, geometry?) {
        (Kind::Restricted, Geometry::Area(area)) => {
            Duty::Restricted { area, presence, watch, approach_ms, hazard }
        }
        (Kind::Warning, Geometry::Area(area)) => Duty::Warning { area, presence, watch, hazard },
        (Kind::Occupancy, Geometry::Area(area)) => {
            Duty::Occupancy { area, presence, watch, count: read.count? }
        }
        (Kind::Ignore, Geometry::Area(area)) => Duty::Ignore { area, reason: read.reason? },
        (Kind::PrivacyMask, Geometry::Area(area)) => {
            Duty::PrivacyMask { area, reason: read.reason? }
        }
        (Kind::Tripwire, Geometry::Line(line)) => {
            Duty::Tripwire { line, direction: read.direction?, watch }
        }
        (Kind::Tripwire, Geometry::Area(_)) => {
            let right = "a tripwire is a LineString";
            errors.wrong(place.member("type"), &Json::text("Polygon"), right);
            return None;
        }
        (
            Kind::Restricted | Kind::Warning | Kind::Occupancy | Kind::Ignore | Kind::PrivacyMask,
            Geometry::Line(_),
        ) => {
            let right = format!("a zone of kind {} is a Polygon or MultiPolygon", kind.as_str());
            errors.wrong(place.member("type"), &Json::text("LineString"), right);
            return None;
        }
    };
    Some(Zone { id: read.id?, name: read.name?, duty })
}

fn id(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<String> {
    let right = format!("must be 1 to {ID_CHARS_MAX} characters, no blanks around them");
    match json {
        Json::Text(text)
            if (1..=ID_CHARS_MAX).contains(&text.chars().count())
                && trimmed(text) == text
                && !text.contains(char::is_control) =>
        {
            Some(text.clone())
        }
        _ => {
            errors.wrong(place, json, right);
            None
        }
    }
}

const DIRECTIONS: [(&str, Direction); 3] = [
    ("left_to_right", Direction::LeftToRight),
    ("right_to_left", Direction::RightToLeft),
    ("both", Direction::Both),
];

fn criterion(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Criterion> {
    match json {
        Json::Object(_) => {
            let members = Members::of(json, place, &["overlap"], errors)?;
            let right = "must be a share of the person's box, as 0.3";
            let share = members.required("overlap", place, right, errors)?;
            let share = number(share, place.member("overlap"), OVERLAP, "", errors)?;
            Share::new(share).map(Criterion::Overlap)
        }
        Json::Text(text) if text == "foot" => Some(Criterion::Foot),
        Json::Text(text) if text == "any" => Some(Criterion::Any),
        other => {
            errors.wrong(place, other, "must be \"foot\", \"any\" or {\"overlap\": 0.3}");
            None
        }
    }
}

fn count(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<HeadCount> {
    let members = Members::of(json, place, &["at_most", "at_least", "empty"], errors)?;
    let empty = optional(&members, place, "empty", |json, place| {
        let words = [("allowed", Empty::Allowed), ("alarms", Empty::Alarms)];
        word(json, place, &words, errors)
    });
    let mut people = |name: &str| {
        members.get(name).and_then(|json| {
            let people = whole(json, place.member(name), PEOPLE, " (people)", errors)?;
            u16::try_from(people).ok()
        })
    };
    let (at_most, at_least) = (people("at_most"), people("at_least"));
    let (Optional::Read(empty), true) =
        (empty, members.get("at_most").is_some() != members.get("at_least").is_some())
    else {
        errors.wrong(place, json, "must hold either at_most, or at_least and empty");
        return None;
    };
    match (at_most, at_least, empty) {
        (Some(people), _, None) => Some(HeadCount::AtMost(people)),
        (_, Some(people), Some(empty)) => Some(HeadCount::AtLeast { people, empty }),
        _ => {
            errors.wrong(
                place,
                json,
                "must be {\"at_most\": 1} or {\"at_least\": 2, \"empty\": \"allowed\"}; \
                 empty says what nobody at all means",
            );
            None
        }
    }
}

fn interlock(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Interlock> {
    let members = Members::of(json, place, &["armed_while"], errors)?;
    let right = "must be {\"input\": \"press-3-running\", \"is\": \"on\"}";
    let json = members.required("armed_while", place, right, errors)?;
    let place = place.member("armed_while");
    let members = Members::of(json, place, &["input", "is"], errors)?;
    let input = members
        .required("input", place, "must be the name of a machine input", errors)
        .and_then(|json| line_of_text(json, place.member("input"), INPUT_CHARS_MAX, errors));
    let levels = [("on", Level::On), ("off", Level::Off)];
    let is = members
        .required("is", place, "must be \"on\" or \"off\"", errors)
        .and_then(|json| word(json, place.member("is"), &levels, errors));
    Some(Interlock { input: input?, is: is? })
}

fn hazard(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Hazard> {
    let members = Members::of(json, place, &["outline", "stop_time_ms", "height_m"], errors)?;
    let outline = members
        .required("outline", place, "must be the corners of the machine on the ground", errors)
        .and_then(|json| ring(json, place.member("outline"), errors));
    let right = "must be the time until the machine stands still, milliseconds";
    let stop_time_ms = members.required("stop_time_ms", place, right, errors).and_then(|json| {
        whole(json, place.member("stop_time_ms"), STOP_TIME_MS, MILLISECONDS, errors)
    });
    let height_m = optional(&members, place, "height_m", |json, place| {
        number(json, place, PLANE_HEIGHT_M, " (metres)", errors)
    });
    let Optional::Read(height_m) = height_m else { return None };
    let (outline, stop_time_ms) = (outline?, stop_time_ms?);
    Some(Hazard { outline, stop_time_ms, height_m: height_m.unwrap_or(0.0) })
}

fn schedule(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Schedule> {
    let members = Members::of(json, place, &["armed", "exceptions"], errors)?;
    let right = "must be a list of days with from and to";
    let armed = members
        .required("armed", place, right, errors)
        .and_then(|json| list(json, place.member("armed"), RANGES_MAX, errors, week_range));
    let exceptions = optional(&members, place, "exceptions", |json, place| {
        list(json, place, EXCEPTIONS_MAX, errors, exception)
    });
    let Optional::Read(exceptions) = exceptions else { return None };
    Some(Schedule { armed: armed?, exceptions: exceptions.unwrap_or_default() })
}

/// The days of a week, as they are written.
pub(super) const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

fn week_range(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<WeekRange> {
    let members = Members::of(json, place, &["days", "from", "to"], errors)?;
    let days = members
        .required("days", place, "must be a list as [\"mon\", \"tue\"]", errors)
        .and_then(|json| days(json, place.member("days"), errors));
    let range = ends(&members, place, errors);
    Some(WeekRange { days: days?, range: range? })
}

/// Days in the order of the week, none twice.
fn days(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Vec<Weekday>> {
    let mut days = list(json, place, DAYS.len(), errors, |json, place, errors| {
        word(json, place, &DAYS, errors)
    })?;
    let written = days.len();
    days.sort_by_key(|day| day.to_monday_zero_offset());
    days.dedup();
    if days.len() < written {
        errors.wrong(place, json, "names a day twice; name each once");
        return None;
    }
    Some(days)
}

/// `from` and `to`.
fn ends(members: &Members<'_>, place: Place<'_>, errors: &mut Errors) -> Option<DayRange> {
    const RIGHT: &str = "must be a time of day, as \"06:00\"";
    const RIGHT_TO: &str = "must be a time of day, as \"22:00\", or \"24:00\"";
    let from = members.required("from", place, RIGHT, errors);
    let to = members.required("to", place, RIGHT_TO, errors);
    let time = |json: Option<&Json>| match json {
        Some(Json::Text(text)) => TimeOfDay::parse(text),
        _ => None,
    };
    let (from_read, to_read) = (time(from).filter(|t| *t != TimeOfDay::END), time(to));
    for (json, read, name, right) in
        [(from, from_read, "from", RIGHT), (to, to_read, "to", RIGHT_TO)]
    {
        if let (Some(json), None) = (json, read) {
            errors.wrong(place.member(name), json, right);
        }
    }
    Some(DayRange { from: from_read?, to: to_read? })
}

fn exception(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Exception> {
    let members = Members::of(json, place, &["date", "armed", "reason"], errors)?;
    let right = "must be a date, as \"2026-12-24\"";
    let date = members
        .required("date", place, right, errors)
        .and_then(|json| date(json, place.member("date"), right, errors));
    let right = "must be \"all_day\", \"never\" or a list of from and to";
    let armed = members
        .required("armed", place, right, errors)
        .and_then(|json| day_plan(json, place.member("armed"), right, errors));
    let reason = optional(&members, place, "reason", |json, place| {
        line_of_text(json, place, REASON_CHARS_MAX, errors)
    });
    let Optional::Read(reason) = reason else { return None };
    let reason = reason.filter(|text| !text.is_empty());
    Some(Exception { date: date?, armed: armed?, reason })
}

fn day_plan(json: &Json, place: Place<'_>, right: &str, errors: &mut Errors) -> Option<DayPlan> {
    match json {
        Json::Text(text) if text == "all_day" => Some(DayPlan::AllDay),
        Json::Text(text) if text == "never" => Some(DayPlan::Never),
        Json::List(_) => list(json, place, RANGES_MAX, errors, |json, place, errors| {
            let members = Members::of(json, place, &["from", "to"], errors)?;
            ends(&members, place, errors)
        })
        .map(DayPlan::Ranges),
        other => {
            errors.wrong(place, other, right);
            None
        }
    }
}

/// `20YY-MM-DD`, a day there is.
fn date(json: &Json, place: Place<'_>, right: &str, errors: &mut Errors) -> Option<Date> {
    let read = match json {
        Json::Text(text) if text.len() == 10 && text.starts_with("20") => {
            let digits_and_dashes = text.bytes().enumerate().all(|(i, byte)| match i {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
            if digits_and_dashes { text.parse::<Date>().ok() } else { None }
        }
        _ => None,
    };
    if read.is_none() {
        errors.wrong(place, json, right);
    }
    read
}
