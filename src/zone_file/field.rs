//! Reading one JSON value at a time, with a place to point at and a list for everything wrong.
//!
//! A *place* is the path of a value, as `features[2].properties.name`. A value that cannot be read
//! is noted and reading goes on with the next, so that a person learns of all that is wrong at once.
//!
//! Not here: which members a zone document has.

use std::fmt;

use super::json::Json;

/// Most errors kept of one document; who has a hundred to mend does not need the next thousand.
const ERRORS_MAX: usize = 100;

/// Longest piece of a wrong value that is repeated in a message, characters.
const VALUE_CHARS_MAX: usize = 60;

/// Most members of an object that are looked at; several times what any object here has.
const MEMBERS_MAX: usize = 64;

/// The place of the whole document.
pub const ROOT: &str = "document";

/// What is wrong with a member of a zone document.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// Where, as `features[2].properties.schedule.armed[0].to`.
    pub field: String,
    /// What stands there, or the numbers that do not fit together.
    pub value: String,
    /// What would be right.
    pub right: String,
    /// Where on the picture, frame fractions, when that is known: a crossing, a corner.
    pub at: Option<[f64; 2]>,
}

impl FieldError {
    pub fn new(
        field: impl Into<String>,
        value: impl Into<String>,
        right: impl Into<String>,
    ) -> FieldError {
        FieldError { field: field.into(), value: value.into(), right: right.into(), at: None }
    }

    /// The same, with a point of the picture to mark.
    pub fn at(self, point_norm: [f64; 2]) -> FieldError {
        FieldError { at: Some(point_norm), ..self }
    }

    /// Value and what would be right, without the place.
    pub fn message(&self) -> String {
        if self.value.is_empty() {
            self.right.clone()
        } else {
            format!("{}: {}", self.value, self.right)
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value.is_empty() {
            write!(f, "{}: {}", self.field, self.right)
        } else {
            write!(f, "{} = {}: {}", self.field, self.value, self.right)
        }
    }
}

impl std::error::Error for FieldError {}

/// Where a value stands.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    Root,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    pub fn member<'a>(&'a self, name: &'a str) -> Place<'a> {
        Place::Member(self, name)
    }

    pub fn item(&self, index: usize) -> Place<'_> {
        Place::Item(self, index)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root => f.write_str(ROOT),
            Place::Member(Place::Root, name) => f.write_str(name),
            Place::Member(parent, name) => write!(f, "{parent}.{name}"),
            Place::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Collects what is wrong, up to a bound.
#[derive(Debug, Default)]
pub struct Errors(Vec<FieldError>);

impl Errors {
    pub fn add(&mut self, error: FieldError) {
        match self.0.len() {
            n if n < ERRORS_MAX => self.0.push(error),
            ERRORS_MAX => {
                self.0.push(FieldError::new(ROOT, "", "there is more; mend these first"));
            }
            _ => {}
        }
    }

    pub fn wrong(&mut self, place: Place<'_>, json: &Json, right: impl Into<String>) {
        self.add(FieldError::new(place.to_string(), shown(json), right));
    }

    pub fn missing(&mut self, place: Place<'_>, right: impl Into<String>) {
        self.add(FieldError::new(place.to_string(), "missing", right));
    }

    pub fn extend(&mut self, errors: impl IntoIterator<Item = FieldError>) {
        errors.into_iter().for_each(|error| self.add(error));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn into_vec(self) -> Vec<FieldError> {
        self.0
    }
}

/// The start of a value, for a message.
pub fn shown(json: &Json) -> String {
    match json {
        // Whole lists and objects would drown what is wrong with them.
        Json::List(items) if items.len() > 4 => format!("a list of {}", items.len()),
        Json::Object(_) => "an object".to_owned(),
        other => {
            let text = other.to_string();
            if text.chars().count() <= VALUE_CHARS_MAX {
                return text;
            }
            let start: String = text.chars().take(VALUE_CHARS_MAX).collect();
            format!("{start}…")
        }
    }
}

/// The members of an object, each there at most once.
pub struct Members<'j> {
    entries: &'j [(String, Json)],
}

impl<'j> Members<'j> {
    /// The members of an object. Refuses members that are not `known`, and any that stands twice.
    pub fn of(
        json: &'j Json,
        place: Place<'_>,
        known: &[&str],
        errors: &mut Errors,
    ) -> Option<Members<'j>> {
        let Json::Object(entries) = json else {
            errors.wrong(place, json, format!("must be an object with {}", known.join(", ")));
            return None;
        };
        if entries.len() > MEMBERS_MAX {
            errors.wrong(
                place,
                json,
                format!("has {} members; that is no zone document", entries.len()),
            );
            return None;
        }
        for (position, (name, value)) in entries.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let right = format!("is no member here; there are {}", known.join(", "));
                errors.wrong(place.member(&short(name)), value, right);
            } else if entries[..position].iter().any(|(earlier, _)| earlier == name) {
                errors.wrong(place.member(name), value, "stands here twice; keep one");
            }
        }
        Some(Members { entries })
    }

    pub fn get(&self, name: &str) -> Option<&'j Json> {
        self.entries.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The member, or an error that says what should stand there.
    pub fn required(
        &self,
        name: &str,
        place: Place<'_>,
        right: &str,
        errors: &mut Errors,
    ) -> Option<&'j Json> {
        let found = self.get(name);
        if found.is_none() {
            errors.missing(place.member(name), right);
        }
        found
    }
}

/// A name short enough for a path.
fn short(name: &str) -> String {
    let name: String = name.chars().take(VALUE_CHARS_MAX).collect();
    name.escape_debug().to_string()
}

/// One of the words, and what it stands for.
pub fn word<T: Clone>(
    json: &Json,
    place: Place<'_>,
    words: &[(&str, T)],
    errors: &mut Errors,
) -> Option<T> {
    let found = match json {
        Json::Text(text) => words.iter().find(|(word, _)| word == text),
        _ => None,
    };
    if found.is_none() {
        let list: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        errors.wrong(place, json, format!("must be {}", list.join(" or ")));
    }
    found.map(|(_, value)| value.clone())
}

/// A text without the blanks around it. The byte order mark is one: nobody sees it, and two ids that
/// differ by it alone look the same.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// One line of text of at most so many characters, without the blanks around it.
pub fn line_of_text(
    json: &Json,
    place: Place<'_>,
    chars_max: usize,
    errors: &mut Errors,
) -> Option<String> {
    match json {
        Json::Text(text)
            if text.chars().count() <= chars_max && !text.contains(char::is_control) =>
        {
            Some(trimmed(text).to_owned())
        }
        _ => {
            errors.wrong(place, json, format!("must be text of 1 to {chars_max} characters"));
            None
        }
    }
}

/// A whole number of the range, ends included.
pub fn whole(
    json: &Json,
    place: Place<'_>,
    (min, max): (u32, u32),
    unit: &str,
    errors: &mut Errors,
) -> Option<u32> {
    let value = match json {
        Json::Number(number) => number.as_f64(),
        _ => None,
    };
    match value {
        // 300.0 is a whole number too; the range keeps the conversion exact.
        Some(v) if v.fract() == 0.0 && (f64::from(min)..=f64::from(max)).contains(&v) => {
            Some(v as u32)
        }
        _ => {
            errors.wrong(place, json, format!("must be a whole number from {min} to {max}{unit}"));
            None
        }
    }
}

/// A number of the range, ends included, rounded to what a document keeps.
pub fn number(
    json: &Json,
    place: Place<'_>,
    (min, max): (f64, f64),
    unit: &str,
    errors: &mut Errors,
) -> Option<f64> {
    let value = match json {
        Json::Number(number) => number.as_f64(),
        _ => None,
    };
    match value {
        Some(v) if (min..=max).contains(&v) => Some(rounded(v)),
        _ => {
            errors.wrong(place, json, format!("must be a number from {min} to {max}{unit}"));
            None
        }
    }
}

/// Digits a document keeps after the point: a millionth of a picture is far below a pixel, and a
/// millionth of a metre far below a measuring tape.
const DIGITS: f64 = 1e6;

/// The number as a document keeps it. Twice rounded is once rounded, so text and document agree.
pub fn rounded(value: f64) -> f64 {
    // The sum turns a negative zero into zero.
    (value * DIGITS).round() / DIGITS + 0.0
}

/// Items of a list of at most `max`, each read by `read`; `None` when the list or an item is wrong.
pub fn list<T>(
    json: &Json,
    place: Place<'_>,
    max: usize,
    errors: &mut Errors,
    mut read: impl FnMut(&Json, Place<'_>, &mut Errors) -> Option<T>,
) -> Option<Vec<T>> {
    match json {
        Json::List(items) if items.len() <= max => {
            // All are read before one missing spoils the list, so that each can be complained about.
            let read: Vec<Option<T>> = items
                .iter()
                .enumerate()
                .map(|(index, item)| read(item, place.item(index), errors))
                .collect();
            read.into_iter().collect()
        }
        _ => {
            errors.wrong(place, json, format!("must be a list of at most {max}"));
            None
        }
    }
}

/// A list of exactly `N` numbers of the range.
pub fn numbers<const N: usize>(
    json: &Json,
    place: Place<'_>,
    range: (f64, f64),
    unit: &str,
    errors: &mut Errors,
) -> Option<[f64; N]> {
    let items = match json {
        Json::List(items) if items.len() == N => items,
        _ => {
            errors.wrong(place, json, format!("must be {N} numbers{unit}"));
            return None;
        }
    };
    let mut values = [0.0; N];
    let mut complete = true;
    for (index, (value, item)) in values.iter_mut().zip(items).enumerate() {
        match number(item, place.item(index), range, unit, errors) {
            Some(read) => *value = read,
            None => complete = false,
        }
    }
    complete.then_some(values)
}
