//! From JSON to a zone document: the shape. Everything a member can say by itself is checked here;
//! what several say together is `check`'s.
//!
//! Not here: the properties of a zone (`read_zone`).

use jiff::Timestamp;

use super::check;
use super::document::{
    Document, GroundPoint, GroundPoints, Mark, PersonPoint, Point, Polygon, Ring, Zone,
};
use super::field::{
    Errors, FieldError, Members, Place, ROOT, line_of_text, list, number, numbers, word,
};
use super::json::Json;
use super::limits::{
    DOCUMENT_BYTES_MAX, GROUND_M, GROUND_PEOPLE, GROUND_POINTS, LINE_POINTS_MAX, MARK_SIDE,
    MARKS_MAX, PERSON_HEIGHT_M, REASON_CHARS_MAX, RING_POINTS_MAX, RINGS_MAX, TITLE_CHARS_MAX,
    ZONES_MAX,
};
use super::read_zone;
use crate::engine::geometry::POLYGONS_MAX;

/// Frame fractions.
pub(super) const FRACTION: (f64, f64) = (0.0, 1.0);

/// A complete zone document: the right shape and no problems.
pub fn parse(text: &str) -> Result<Document, Vec<FieldError>> {
    let json = tree(text)?;
    let mut errors = Errors::default();
    let read = Found::read(&json, &mut errors);
    // What could be read is looked at too, so that all can be mended in one go.
    match &read.document {
        Some(document) => errors.extend(document.problems()),
        None => {
            check::geometries(&read.geometries, &mut errors);
            check::ids(&read.ids, &mut errors);
            for (number, name) in &read.names {
                check::name(*number, name, &mut errors);
            }
        }
    }
    read.document.filter(|_| errors.is_empty()).ok_or_else(|| errors.into_vec())
}

/// A zone document of the right shape, perhaps unfinished.
pub fn shape(text: &str) -> Result<Document, Vec<FieldError>> {
    shape_of(&tree(text)?)
}

/// The same from a tree, for a document inside another.
pub fn shape_of(json: &Json) -> Result<Document, Vec<FieldError>> {
    let mut errors = Errors::default();
    let document = Found::read(json, &mut errors).document;
    document.filter(|_| errors.is_empty()).ok_or_else(|| errors.into_vec())
}

/// The JSON of a text; the place of a slip is its line and column.
fn tree(text: &str) -> Result<Json, Vec<FieldError>> {
    if text.len() > DOCUMENT_BYTES_MAX {
        let right = format!("at most {DOCUMENT_BYTES_MAX} bytes are read; is it a zone document?");
        return Err(vec![FieldError::new(ROOT, format!("{} bytes", text.len()), right)]);
    }
    if text.trim().is_empty() {
        let right = format!("it is empty; {WANTED}");
        return Err(vec![FieldError::new(ROOT, "line 1, column 1", right)]);
    }
    serde_json::from_str(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        let right = format!("this is not JSON: {}; {WANTED}", slip(&error));
        vec![FieldError::new(ROOT, place, right)]
    })
}

/// What stands wrong in a text that is no JSON, in the words of who wrote it.
fn slip(error: &serde_json::Error) -> &'static str {
    if error.is_eof() {
        return "it ends too early, with a brace, bracket or quote still open";
    }
    let told = error.to_string();
    let known = SLIPS.iter().find(|(library, _)| told.starts_with(library));
    known.map_or("something stands here that JSON does not have", |(_, ours)| ours)
}

const WANTED: &str = "write a GeoJSON FeatureCollection of zones";

/// The commonest slips: how the JSON library begins to tell them, and how people say it.
const SLIPS: &[(&str, &str)] = &[
    ("key must be a string", "the name of a member stands here without its double quotes"),
    ("trailing comma", "a comma stands before a closing brace or bracket"),
    ("trailing characters", "something stands behind the end of the document"),
    ("expected value", "a value should begin here"),
    ("expected ident", "a value should begin here"),
    ("expected `:`", "a colon is missing behind the name of a member"),
    ("expected `,` or `}`", "a comma or a closing brace is missing"),
    ("expected `,` or `]`", "a comma or a closing bracket is missing"),
    ("control character", "a text goes on over the end of its line"),
    ("invalid number", "this is no number"),
    ("number out of range", "the number is too large"),
    ("recursion limit", "too many braces and brackets stand inside each other"),
];

/// Where a zone is, before its kind is looked at.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Geometry {
    Area(Vec<Polygon>),
    Line(Vec<Point>),
}

/// What could be read of a document.
#[derive(Default)]
struct Found {
    document: Option<Document>,
    /// Each with the number of its feature.
    geometries: Vec<(usize, Geometry)>,
    ids: Vec<(usize, String)>,
    names: Vec<(usize, String)>,
}

impl Found {
    fn read(json: &Json, errors: &mut Errors) -> Found {
        let mut found = Found::default();
        let known = ["type", "name", "ground", "marks", "features"];
        let root = Place::Root;
        let Some(members) = Members::of(json, root, &known, errors) else { return found };
        collection_type(&members, root, "FeatureCollection", errors);
        let name = optional(&members, root, "name", |json, place| {
            line_of_text(json, place, TITLE_CHARS_MAX, errors)
        });
        let ground = optional(&members, root, "ground", |json, place| ground(json, place, errors));
        let marks = optional(&members, root, "marks", |json, place| {
            list(json, place, MARKS_MAX, errors, mark)
        });
        let right = "must be a list of zones, each a GeoJSON Feature";
        let features = members.required("features", root, right, errors);
        let zones = features.and_then(|json| found.zones(json, root.member("features"), errors));
        if let (Optional::Read(name), Optional::Read(ground), Optional::Read(marks), Some(zones)) =
            (name, ground, marks, zones)
        {
            let name = name.filter(|name: &String| !name.is_empty());
            let marks = marks.unwrap_or_default();
            found.document = Some(Document { name, ground, marks, zones });
        }
        found
    }

    fn zones(&mut self, json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Vec<Zone>> {
        let mut number = 0;
        list(json, place, ZONES_MAX, errors, |json, place, errors| {
            number += 1;
            self.feature(number - 1, json, place, errors)
        })
    }

    fn feature(
        &mut self,
        number: usize,
        json: &Json,
        place: Place<'_>,
        errors: &mut Errors,
    ) -> Option<Zone> {
        // GeoJSON allows an id here; the one in `properties` is the zone's.
        let members = Members::of(json, place, &["type", "id", "properties", "geometry"], errors)?;
        collection_type(&members, place, "Feature", errors);
        let geometry = members
            .required("geometry", place, "must be a GeoJSON geometry", errors)
            .and_then(|json| geometry(json, place.member("geometry"), errors));
        if let Some(geometry) = &geometry {
            self.geometries.push((number, geometry.clone()));
        }
        let properties = members
            .required("properties", place, "must be an object with id, name and kind", errors)
            .and_then(|json| read_zone::properties(json, place.member("properties"), errors));
        if let Some(id) = properties.as_ref().and_then(|p| p.id.as_ref()) {
            self.ids.push((number, id.clone()));
        }
        if let Some(name) = properties.as_ref().and_then(|p| p.name.as_ref()) {
            self.names.push((number, name.clone()));
        }
        read_zone::zone(properties?, geometry, place, errors)
    }
}

/// A member that may be left out.
pub(super) enum Optional<T> {
    /// What stands there, or that nothing does.
    Read(Option<T>),
    Wrong,
}

/// Reads a member that may be left out.
pub(super) fn optional<T>(
    members: &Members<'_>,
    place: Place<'_>,
    name: &str,
    read: impl FnOnce(&Json, Place<'_>) -> Option<T>,
) -> Optional<T> {
    match members.get(name) {
        None => Optional::Read(None),
        Some(json) => match read(json, place.member(name)) {
            Some(value) => Optional::Read(Some(value)),
            None => Optional::Wrong,
        },
    }
}

/// GeoJSON's `type`, where only one is possible.
fn collection_type(members: &Members<'_>, place: Place<'_>, name: &str, errors: &mut Errors) {
    if let Some(json) = members.required("type", place, &format!("must be \"{name}\""), errors) {
        word(json, place.member("type"), &[(name, ())], errors);
    }
}

fn geometry(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Geometry> {
    #[derive(Clone, Copy)]
    enum Type {
        Polygon,
        MultiPolygon,
        LineString,
    }
    let members = Members::of(json, place, &["type", "coordinates"], errors)?;
    let types = [
        ("Polygon", Type::Polygon),
        ("MultiPolygon", Type::MultiPolygon),
        ("LineString", Type::LineString),
    ];
    let kind = members
        .required("type", place, "must be \"Polygon\", \"MultiPolygon\" or \"LineString\"", errors)
        .and_then(|json| word(json, place.member("type"), &types, errors));
    let coordinates = members.required("coordinates", place, "must be a list of points", errors)?;
    let place = place.member("coordinates");
    match kind? {
        Type::Polygon => polygon(coordinates, place, errors).map(|p| Geometry::Area(vec![p])),
        Type::MultiPolygon => {
            list(coordinates, place, POLYGONS_MAX, errors, polygon).map(Geometry::Area)
        }
        Type::LineString => {
            list(coordinates, place, LINE_POINTS_MAX, errors, point).map(Geometry::Line)
        }
    }
}

fn polygon(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Polygon> {
    list(json, place, RINGS_MAX, errors, ring)
}

/// A ring, without the first point again at its end.
pub(super) fn ring(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Ring> {
    let mut ring = list(json, place, RING_POINTS_MAX, errors, point)?;
    if ring.len() > 1 && ring.first() == ring.last() {
        ring.pop();
    }
    Some(ring)
}

fn point(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Point> {
    numbers(json, place, FRACTION, ", fractions of the picture", errors)
}

fn ground(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<GroundPoints> {
    let members = Members::of(json, place, &["points", "people"], errors)?;
    let right = "must be a list of at least 4 points, each with image and ground_m";
    let points = members
        .required("points", place, right, errors)
        .and_then(|json| list(json, place.member("points"), GROUND_POINTS.1, errors, ground_point));
    let people = optional(&members, place, "people", |json, place| {
        list(json, place, GROUND_PEOPLE.1, errors, person_point)
    });
    let Optional::Read(people) = people else { return None };
    Some(GroundPoints { points: points?, people: people.unwrap_or_default() })
}

fn ground_point(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<GroundPoint> {
    let members = Members::of(json, place, &["image", "ground_m"], errors)?;
    let image = members
        .required("image", place, "must be a point of the picture, as [0.2, 0.8]", errors)
        .and_then(|json| point(json, place.member("image"), errors));
    let ground_m = members
        .required("ground_m", place, "must be where it is on the ground, metres", errors)
        .and_then(|json| numbers(json, place.member("ground_m"), GROUND_M, " (metres)", errors));
    Some(GroundPoint { image: image?, ground_m: ground_m? })
}

fn person_point(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<PersonPoint> {
    let members = Members::of(json, place, &["foot", "head", "height_m"], errors)?;
    let mut spot = |name: &str| {
        let right = "must be a point of the picture, as [0.3, 0.7]";
        let json = members.required(name, place, right, errors)?;
        point(json, place.member(name), errors)
    };
    let (foot, head) = (spot("foot"), spot("head"));
    let height_m = members
        .required("height_m", place, "must be the person's height in metres", errors)
        .and_then(|json| {
            number(json, place.member("height_m"), PERSON_HEIGHT_M, " (metres)", errors)
        });
    Some(PersonPoint { foot: foot?, head: head?, height_m: height_m? })
}

fn mark(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Mark> {
    let members = Members::of(json, place, &["box", "reason", "until"], errors)?;
    let right = "must be left, top, width and height, fractions of the picture";
    let bounds_norm = members.required("box", place, right, errors).and_then(|json| {
        let place = place.member("box");
        let bounds: [f64; 4] = numbers(json, place, FRACTION, " (fractions)", errors)?;
        // The sides are read again: they may not be zero.
        let Json::List(items) = json else { return None };
        let width = number(&items[2], place.item(2), MARK_SIDE, " (width)", errors);
        let height = number(&items[3], place.item(3), MARK_SIDE, " (height)", errors);
        (width.is_some() && height.is_some()).then_some(bounds)
    });
    let reason = members
        .required("reason", place, "must say what the thing is, as \"traffic cone\"", errors)
        .and_then(|json| line_of_text(json, place.member("reason"), REASON_CHARS_MAX, errors));
    let until = members
        .required("until", place, UNTIL_RIGHT, errors)
        .and_then(|json| instant(json, place.member("until"), errors));
    Some(Mark { bounds_norm: bounds_norm?, reason: reason?, until: until? })
}

const UNTIL_RIGHT: &str = "must be a date and time with its offset, as \"2026-12-20T00:00:00Z\"";

/// A date and time in full, of this century; kept to the second.
fn instant(json: &Json, place: Place<'_>, errors: &mut Errors) -> Option<Timestamp> {
    let read = match json {
        Json::Text(text) if is_full_time(text) => text.parse::<Timestamp>().ok(),
        _ => None,
    };
    let whole = read.and_then(|at| Timestamp::from_second(at.as_second()).ok());
    if whole.is_none() {
        errors.wrong(place, json, UNTIL_RIGHT);
    }
    whole
}

/// `20YY-MM-DDThh:mm:ss`, perhaps a fraction, then `Z` or `±hh:mm`. The calendar is checked when it
/// is parsed; this keeps out the other spellings that a parser may take.
fn is_full_time(text: &str) -> bool {
    if !text.is_ascii() || text.len() < 20 {
        return false;
    }
    let (start, rest) = text.split_at(19);
    let fits = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(c, p)| match p {
                b'#' => c.is_ascii_digit(),
                other => c == other,
            })
    };
    let after_fraction = match rest.strip_prefix('.') {
        Some(fraction) => {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if !(1..=9).contains(&digits) {
                return false;
            }
            &fraction[digits..]
        }
        None => rest,
    };
    let leap_second = start.ends_with("60");
    let signed = fits(after_fraction, "+##:##") || fits(after_fraction, "-##:##");
    let zone = after_fraction == "Z"
        || (signed && &after_fraction[1..3] < "24" && &after_fraction[4..6] < "60");
    fits(start, "20##-##-##T##:##:##") && !leap_second && zone
}
