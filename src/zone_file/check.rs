//! What a zone document contradicts or still lacks, told all at once.
//!
//! Here is what several members say together, or what a drawing means. A document with problems may
//! be kept as a draft; it is never compiled.
//!
//! Not here: a member by itself (`read`), what depends on the site or the day (`compile`).

use std::collections::BTreeMap;

use super::document::{
    DayPlan, DayRange, Document, Duty, Empty, GroundPoints, HeadCount, Mark, Point, Polygon, Ring,
    Schedule, Zone,
};
use super::field::{Errors, FieldError};
use super::limits::{CORNERS_TOTAL_MAX, GROUND_PEOPLE, GROUND_POINTS};
use super::read::Geometry;
use super::read_zone::NAME_RIGHT;
use crate::engine::geometry::{Area, AreaError, Line, LineError, PointNorm};

/// Rounding to six digits can move two edges of a mark by this much, frame fractions.
const ROUNDING: f64 = 2e-6;

impl Document {
    /// Everything that keeps the document from being used, whatever the site and the day.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut errors = Errors::default();
        if self.zones.is_empty() {
            let right = "it has no zone; a camera without zones guards nothing";
            errors.add(FieldError::new("features", "[]", right));
        }
        if let Some(points) = &self.ground {
            ground(points, &mut errors);
        }
        for (number, mark) in self.marks.iter().enumerate() {
            check_mark(&format!("marks[{number}]"), mark, &mut errors);
        }
        let numbered = self.zones.iter().enumerate();
        let drawn: Vec<(usize, Geometry)> =
            numbered.clone().map(|(number, zone)| (number, geometry_of(zone))).collect();
        geometries(&drawn, &mut errors);
        let known: Vec<(usize, String)> =
            numbered.clone().map(|(number, zone)| (number, zone.id.clone())).collect();
        ids(&known, &mut errors);
        for (number, zone) in numbered.clone() {
            name(number, &zone.name, &mut errors);
        }
        for (number, zone) in numbered {
            let place = format!("features[{number}].properties");
            check_zone(&place, zone, self.ground.is_some(), &mut errors);
        }
        errors.into_vec()
    }
}

fn geometry_of(zone: &Zone) -> Geometry {
    match &zone.duty {
        Duty::Tripwire { line, .. } => Geometry::Line(line.clone()),
        Duty::Restricted { area, .. }
        | Duty::Warning { area, .. }
        | Duty::Occupancy { area, .. }
        | Duty::Ignore { area, .. }
        | Duty::PrivacyMask { area, .. } => Geometry::Area(area.clone()),
    }
}

/// Every drawing by itself, each with the number of its feature.
pub(super) fn geometries(drawn: &[(usize, Geometry)], errors: &mut Errors) {
    let corners: usize = drawn.iter().map(|(_, geometry)| corner_count(geometry)).sum();
    if corners > CORNERS_TOTAL_MAX {
        let right = format!("at most {CORNERS_TOTAL_MAX} are allowed for one camera");
        errors.add(FieldError::new("features", format!("{corners} corners"), right));
        return;
    }
    for (number, geometry) in drawn {
        let place = format!("features[{number}].geometry.coordinates");
        match geometry {
            Geometry::Area(polygons) => area(&place, polygons, errors),
            Geometry::Line(points) => line(&place, points, errors),
        }
    }
}

fn corner_count(geometry: &Geometry) -> usize {
    match geometry {
        Geometry::Area(polygons) => polygons.iter().flatten().map(Vec::len).sum(),
        Geometry::Line(points) => points.len(),
    }
}

/// No id twice.
pub(super) fn ids(ids: &[(usize, String)], errors: &mut Errors) {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, id) in ids {
        if let Some(earlier) = first.insert(id, *number) {
            first.insert(id, earlier);
            let place = format!("features[{number}].properties.id");
            let right =
                format!("the id is used twice, also by features[{earlier}]; ids must differ");
            errors.add(FieldError::new(place, format!("`{id}`"), right));
        }
    }
}

/// What people read in an alarm.
pub(super) fn name(number: usize, name: &str, errors: &mut Errors) {
    if name.is_empty() {
        let place = format!("features[{number}].properties.name");
        errors.add(FieldError::new(place, "\"\"", NAME_RIGHT));
    }
}

fn area(place: &str, polygons: &[Polygon], errors: &mut Errors) {
    if polygons.is_empty() {
        errors.add(FieldError::new(place, "[]", AreaError::Empty.to_string()));
    }
    for (number, rings) in polygons.iter().enumerate() {
        let place = match polygons {
            [_] => place.to_owned(),
            _ => format!("{place}[{number}]"),
        };
        polygon(&place, rings, errors);
    }
}

fn polygon(place: &str, rings: &[Ring], errors: &mut Errors) {
    let points = points(rings);
    let mut sound = !rings.is_empty();
    if rings.is_empty() {
        let error = AreaError::TooFewCorners { ring: 0, corners: 0 };
        errors.add(FieldError::new(place, "[]", error.to_string()));
    }
    // Each ring first by itself, so that one bad hole does not hide the next.
    for (number, ring) in points.iter().enumerate() {
        match Area::new(&[vec![ring.clone()]]) {
            Ok(_) | Err(AreaError::TooSmall { .. }) => {}
            Err(error) => {
                sound = false;
                errors.add(ring_error(&format!("{place}[{number}]"), number, ring, error));
            }
        }
    }
    if sound && let Err(error) = Area::new(&[points]) {
        errors.add(FieldError::new(place, "", error.to_string()));
    }
}

fn points(rings: &[Ring]) -> Vec<Vec<PointNorm>> {
    rings.iter().map(|ring| ring.iter().map(|p| (p[0], p[1])).collect()).collect()
}

/// What is wrong with ring `number` of a polygon, by the place of the corner where there is one.
fn ring_error(place: &str, number: usize, ring: &[PointNorm], error: AreaError) -> FieldError {
    let name = if number == 0 { "the outline".to_owned() } else { format!("hole {number}") };
    let text = error.to_string().replacen("the outline", &name, 1);
    let spot = |corner: usize| ring.get(corner.saturating_sub(1)).map(|&(x, y)| [x, y]);
    let at_corner = |corner: usize| {
        let place = format!("{place}[{}]", corner.saturating_sub(1));
        let error = FieldError::new(place, "", text.clone());
        match spot(corner) {
            Some(point) => error.at(point),
            None => error,
        }
    };
    match error {
        AreaError::SelfIntersection { at, .. } => FieldError::new(place, "", text).at([at.0, at.1]),
        AreaError::OutsideFrame { corner, .. } | AreaError::RepeatedCorner { corner, .. } => {
            at_corner(corner)
        }
        AreaError::Empty
        | AreaError::TooManyPolygons { .. }
        | AreaError::TooFewCorners { .. }
        | AreaError::TooManyCorners { .. }
        | AreaError::TooSmall { .. }
        | AreaError::Invalid { .. } => FieldError::new(place, "", text),
    }
}

fn line(place: &str, points: &[Point], errors: &mut Errors) {
    let line: Vec<PointNorm> = points.iter().map(|p| (p[0], p[1])).collect();
    let Err(error) = Line::new(&line) else { return };
    let text = error.to_string();
    match error {
        LineError::OutsideFrame { point, .. } | LineError::TooShort { point } => {
            let index = point.saturating_sub(1);
            let error = FieldError::new(format!("{place}[{index}]"), "", text);
            errors.add(match points.get(index) {
                Some(spot) => error.at(*spot),
                None => error,
            });
        }
        LineError::TooFewPoints { .. } | LineError::TooManyPoints { .. } => {
            errors.add(FieldError::new(place, "", text));
        }
    }
}

fn ground(ground: &GroundPoints, errors: &mut Errors) {
    let (points, people) = (ground.points.len(), ground.people.len());
    let by_people = points == 0 && people >= GROUND_PEOPLE.0;
    if points < GROUND_POINTS.0 && !by_people {
        let right = format!(
            "the ground needs at least {} measured points well apart, or none and at least {} \
             people of known height",
            GROUND_POINTS.0, GROUND_PEOPLE.0
        );
        let value = format!("{points} points, {people} people");
        errors.add(FieldError::new("ground.points", value, right));
    }
    for (number, person) in ground.people.iter().enumerate() {
        if person.head[1] >= person.foot[1] {
            let value = format!("head at {}, foot at {}", person.head[1], person.foot[1]);
            let right = "the head of a standing person is above the foot (y runs down)";
            let place = format!("ground.people[{number}].head");
            errors.add(FieldError::new(place, value, right).at(person.head));
        }
    }
}

fn check_mark(place: &str, mark: &Mark, errors: &mut Errors) {
    let [left, top, width, height] = mark.bounds_norm;
    if left + width > 1.0 + ROUNDING || top + height > 1.0 + ROUNDING {
        let value = format!("{left} + {width} across, {top} + {height} down");
        let right = "the box leaves the picture; neither sum may be more than 1";
        errors.add(FieldError::new(format!("{place}.box"), value, right).at([left, top]));
    }
    if mark.reason.is_empty() {
        let right = "must say what the thing is, as \"traffic cone\"";
        errors.add(FieldError::new(format!("{place}.reason"), "\"\"", right));
    }
}

fn check_zone(place: &str, zone: &Zone, has_ground: bool, errors: &mut Errors) {
    if zone.reason() == Some("") {
        let right = "must say why this blind spot was chosen";
        errors.add(FieldError::new(format!("{place}.reason"), "\"\"", right));
    }
    if let Duty::Occupancy {
        count: HeadCount::AtLeast { people: 0 | 1, empty: Empty::Allowed },
        ..
    } = zone.duty
    {
        let value = "at least 1, empty allowed";
        let right = "that is always so; ask for 2 people, or write \"empty\": \"alarms\"";
        errors.add(FieldError::new(format!("{place}.count"), value, right));
    }
    if let Some(hazard) = zone.hazard() {
        let outline = points(std::slice::from_ref(&hazard.outline));
        let place = format!("{place}.hazard.outline");
        match Area::new(std::slice::from_ref(&outline)) {
            // A machine may be small.
            Ok(_) | Err(AreaError::TooSmall { .. }) => {}
            Err(error) => errors.add(ring_error(&place, 0, &outline[0], error)),
        }
    }
    if !has_ground {
        let right = "needs the ground, which is not calibrated; add `ground` or remove this";
        if let Some(ms) = zone.approach_ms() {
            errors.add(FieldError::new(format!("{place}.approach_ms"), ms.to_string(), right));
        }
        if zone.hazard().is_some() {
            errors.add(FieldError::new(format!("{place}.hazard"), "", right));
        }
    }
    if let Some(watch) = zone.watch() {
        if let Some(plan) = &watch.schedule {
            schedule(&format!("{place}.schedule"), plan, errors);
        }
        if let Some(interlock) = &watch.interlock
            && interlock.input.is_empty()
        {
            let place = format!("{place}.interlock.armed_while.input");
            errors.add(FieldError::new(place, "\"\"", "must be the name of a machine input"));
        }
    }
}

fn schedule(place: &str, schedule: &Schedule, errors: &mut Errors) {
    if schedule.armed.is_empty() {
        let right = "a week in which the zone is never armed guards nothing; add a range, or \
                     remove the schedule";
        errors.add(FieldError::new(format!("{place}.armed"), "[]", right));
    }
    for (number, week) in schedule.armed.iter().enumerate() {
        let place = format!("{place}.armed[{number}]");
        if week.days.is_empty() {
            let right = "must name at least one day, as [\"mon\"]";
            errors.add(FieldError::new(format!("{place}.days"), "[]", right));
        }
        range(&place, week.range, errors);
    }
    let mut dates = BTreeMap::new();
    for (number, exception) in schedule.exceptions.iter().enumerate() {
        let place = format!("{place}.exceptions[{number}]");
        if let Some(earlier) = dates.get(&exception.date) {
            let value = exception.date.to_string();
            let right = format!("exceptions[{earlier}] is of this date already; keep one");
            errors.add(FieldError::new(format!("{place}.date"), value, right));
        }
        dates.entry(exception.date).or_insert(number);
        if let DayPlan::Ranges(ranges) = &exception.armed {
            if ranges.is_empty() {
                let right = "an empty list is not clear; write \"never\" or \"all_day\"";
                errors.add(FieldError::new(format!("{place}.armed"), "[]", right));
            }
            for (number, one) in ranges.iter().enumerate() {
                range(&format!("{place}.armed[{number}]"), *one, errors);
            }
        }
    }
}

fn range(place: &str, range: DayRange, errors: &mut Errors) {
    if range.from == range.to {
        let value = format!("{} to {}", range.from, range.to);
        let right = "begins when it ends; for a whole day write \"00:00\" to \"24:00\"";
        errors.add(FieldError::new(format!("{place}.to"), value, right));
    }
}
