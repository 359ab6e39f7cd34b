//! From a zone document to JSON: one order of members, every default written.
//!
//! Not here: how JSON becomes text (`json`).

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

use super::document::{
    Criterion, DayPlan, DayRange, Direction, Document, Duty, Empty, Exception, GroundPoints,
    Hazard, HeadCount, Interlock, Level, Mark, Point, Polygon, Presence, Ring, Schedule, Watch,
    WeekRange, Zone,
};
use super::json::Json;
use super::read::shape_of;
use super::read_zone::DAYS;
use crate::engine::alarm::Latch;

impl Document {
    /// The document as JSON, members in their canonical order.
    pub fn to_json(&self) -> Json {
        let mut members = Object::default();
        members.add("type", Json::text("FeatureCollection"));
        members.maybe("name", self.name.as_deref().map(Json::text));
        members.maybe("ground", self.ground.as_ref().map(ground));
        if !self.marks.is_empty() {
            members.add("marks", list(&self.marks, mark));
        }
        members.add("features", list(&self.zones, feature));
        members.done()
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(to)
    }
}

/// A document of the right shape; all that is wrong stands in the error.
impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Document, D::Error> {
        shape_of(&Json::deserialize(from)?).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            D::Error::custom(errors.join("; "))
        })
    }
}

#[derive(Default)]
struct Object(Vec<(String, Json)>);

impl Object {
    fn add(&mut self, name: &str, value: Json) {
        self.0.push((name.to_owned(), value));
    }

    fn maybe(&mut self, name: &str, value: Option<Json>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    fn done(self) -> Json {
        Json::Object(self.0)
    }
}

fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn list<T>(items: &[T], write: impl Fn(&T) -> Json) -> Json {
    Json::List(items.iter().map(write).collect())
}

fn numbers(values: &[f64]) -> Json {
    list(values, |&value| Json::number(value))
}

fn ground(ground: &GroundPoints) -> Json {
    let point = list(&ground.points, |point| {
        object([("image", numbers(&point.image)), ("ground_m", numbers(&point.ground_m))])
    });
    let people = list(&ground.people, |person| {
        object([
            ("foot", numbers(&person.foot)),
            ("head", numbers(&person.head)),
            ("height_m", Json::number(person.height_m)),
        ])
    });
    object([("points", point), ("people", people)])
}

fn mark(mark: &Mark) -> Json {
    object([
        ("box", numbers(&mark.bounds_norm)),
        ("reason", Json::text(mark.reason.as_str())),
        ("until", Json::text(mark.until.to_string())),
    ])
}

fn feature(zone: &Zone) -> Json {
    object([
        ("type", Json::text("Feature")),
        ("properties", properties(zone)),
        ("geometry", geometry(zone)),
    ])
}

fn properties(zone: &Zone) -> Json {
    let mut members = Object::default();
    members.add("id", Json::text(zone.id.as_str()));
    members.add("name", Json::text(zone.name.as_str()));
    members.add("kind", Json::text(zone.kind().as_str()));
    match &zone.duty {
        Duty::Restricted { presence, watch, approach_ms, hazard, .. } => {
            members.presence(presence);
            members.maybe("approach_ms", approach_ms.map(Json::whole));
            members.watch(watch);
            members.maybe("hazard", hazard.as_ref().map(hazard_json));
        }
        Duty::Warning { presence, watch, hazard, .. } => {
            members.presence(presence);
            members.watch(watch);
            members.maybe("hazard", hazard.as_ref().map(hazard_json));
        }
        Duty::Occupancy { presence, watch, count, .. } => {
            members.add("count", count_json(*count));
            members.presence(presence);
            members.watch(watch);
        }
        Duty::Tripwire { direction, watch, .. } => {
            members.add("direction", Json::text(direction_word(*direction)));
            members.watch(watch);
        }
        Duty::Ignore { reason, .. } | Duty::PrivacyMask { reason, .. } => {
            members.add("reason", Json::text(reason.as_str()));
        }
    }
    members.done()
}

impl Object {
    fn presence(&mut self, presence: &Presence) {
        self.add(
            "criterion",
            match presence.criterion {
                Criterion::Foot => Json::text("foot"),
                Criterion::Any => Json::text("any"),
                Criterion::Overlap(share) => object([("overlap", Json::number(share.get()))]),
            },
        );
        self.add("dwell_ms", Json::whole(presence.dwell_ms));
    }

    fn watch(&mut self, watch: &Watch) {
        self.add("enter_window_ms", Json::whole(watch.enter_window_ms));
        self.add("clear_after_ms", Json::whole(watch.clear_after_ms));
        // Where it is as usual it is not said, so that documents keep their digests.
        self.maybe("latch", (watch.latch == Latch::Yes).then_some(Json::Bool(true)));
        self.maybe("schedule", watch.schedule.as_ref().map(schedule));
        self.maybe("interlock", watch.interlock.as_ref().map(interlock));
    }
}

fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::LeftToRight => "left_to_right",
        Direction::RightToLeft => "right_to_left",
        Direction::Both => "both",
    }
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::On => "on",
            Level::Off => "off",
        }
    }
}

fn count_json(count: HeadCount) -> Json {
    match count {
        HeadCount::AtMost(people) => object([("at_most", Json::whole(people.into()))]),
        HeadCount::AtLeast { people, empty } => {
            let empty = match empty {
                Empty::Allowed => "allowed",
                Empty::Alarms => "alarms",
            };
            object([("at_least", Json::whole(people.into())), ("empty", Json::text(empty))])
        }
    }
}

fn interlock(interlock: &Interlock) -> Json {
    let armed_while = [
        ("input", Json::text(interlock.input.as_str())),
        ("is", Json::text(interlock.is.as_str())),
    ];
    object([("armed_while", object(armed_while))])
}

fn hazard_json(hazard: &Hazard) -> Json {
    object([
        ("outline", ring(&hazard.outline)),
        ("stop_time_ms", Json::whole(hazard.stop_time_ms)),
        ("height_m", Json::number(hazard.height_m)),
    ])
}

fn schedule(schedule: &Schedule) -> Json {
    let mut members = Object::default();
    members.add("armed", list(&schedule.armed, week_range));
    if !schedule.exceptions.is_empty() {
        members.add("exceptions", list(&schedule.exceptions, exception));
    }
    members.done()
}

fn week_range(week: &WeekRange) -> Json {
    let word = |day| DAYS.iter().find(|(_, known)| *known == day).map_or("", |(word, _)| word);
    let days = list(&week.days, |day| Json::text(word(*day)));
    let [from, to] = ends(week.range);
    object([("days", days), from, to])
}

fn ends(range: DayRange) -> [(&'static str, Json); 2] {
    [("from", Json::text(range.from.to_string())), ("to", Json::text(range.to.to_string()))]
}

fn exception(exception: &Exception) -> Json {
    let mut members = Object::default();
    members.add("date", Json::text(exception.date.to_string()));
    members.add(
        "armed",
        match &exception.armed {
            DayPlan::AllDay => Json::text("all_day"),
            DayPlan::Never => Json::text("never"),
            DayPlan::Ranges(ranges) => list(ranges, |range| object(ends(*range))),
        },
    );
    members.maybe("reason", exception.reason.as_deref().map(Json::text));
    members.done()
}

fn geometry(zone: &Zone) -> Json {
    let (kind, coordinates) = match &zone.duty {
        Duty::Tripwire { line, .. } => ("LineString", list(line, |point: &Point| numbers(point))),
        Duty::Restricted { area, .. }
        | Duty::Warning { area, .. }
        | Duty::Occupancy { area, .. }
        | Duty::Ignore { area, .. }
        | Duty::PrivacyMask { area, .. } => match area.as_slice() {
            [one] => ("Polygon", polygon(one)),
            // Also none at all, in a draft.
            several => ("MultiPolygon", list(several, polygon)),
        },
    };
    object([("type", Json::text(kind)), ("coordinates", coordinates)])
}

fn polygon(polygon: &Polygon) -> Json {
    list(polygon, ring)
}

/// GeoJSON closes a ring with its first point.
fn ring(ring: &Ring) -> Json {
    Json::List(ring.iter().chain(ring.first()).map(|point| numbers(point)).collect())
}
