//! The duty list: who is on duty at a moment, by the clock on the wall of the site.
//!
//! A shift belongs to the days on which it begins. Where two could be in force at once because a
//! clock was put back, the first of the list is. Nobody at all is no error at a moment: then
//! everybody is called.
//!
//! Not here: who is called when, and how the list is kept.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::guard::accounts::fold;
use crate::guard::handle::{DutyList, FieldError, Shift};
use crate::zone_file::schedule::{Armed, DayRange, Schedule, TimeOfDay, WeekRange};

/// Shifts of one list: three a day would be 21.
const SHIFTS_MAX: usize = 50;

/// Places of one shift.
const PLACES_MAX: usize = 20;

/// Longest name of a shift or a person, characters.
const NAME_CHARS_MAX: usize = 80;

const DAY_MINUTES: usize = 24 * 60;
const WEEK_MINUTES: usize = 7 * DAY_MINUTES;

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// A duty list that can be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Roster {
    shifts: Vec<(String, Schedule, Vec<String>)>,
    otherwise: Vec<String>,
}

/// The list as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    shifts: Vec<KeptShift>,
    otherwise: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct KeptShift {
    name: String,
    days: Vec<String>,
    from: String,
    to: String,
    people: Vec<String>,
}

impl Roster {
    /// Takes a list whole, or says everything that is wrong with it.
    pub fn of(list: &DutyList) -> Result<Roster, Vec<FieldError>> {
        let mut wrong = Vec::new();
        if list.shifts.len() > SHIFTS_MAX {
            let right = format!("a list has at most {SHIFTS_MAX} shifts");
            wrong.push(FieldError::new("shifts", list.shifts.len().to_string(), right));
        }
        let nobody = list.otherwise.is_empty() && list.shifts.iter().all(|s| s.people.is_empty());
        if nobody {
            let right = "name at least one person: this list has nobody on duty at any time";
            wrong.push(FieldError::new("otherwise", "", right));
        }
        check_people("otherwise", &list.otherwise, &mut wrong);
        let mut shifts = Vec::new();
        let mut taken: Vec<Option<usize>> = vec![None; WEEK_MINUTES];
        for (place, shift) in list.shifts.iter().take(SHIFTS_MAX).enumerate() {
            let Some(range) = check_shift(place, shift, &mut wrong) else { continue };
            if let Some(other) = overlap(&range, place, &mut taken) {
                let right =
                    format!("overlaps with shifts[{other}]; one shift ends before the next");
                wrong.push(FieldError::new(format!("shifts[{place}]"), &*shift.name, right));
            }
            let schedule = Schedule { armed: vec![range], exceptions: Vec::new() };
            shifts.push((shift.name.clone(), schedule, shift.people.clone()));
        }
        match wrong.is_empty() {
            true => Ok(Roster { shifts, otherwise: list.otherwise.clone() }),
            false => Err(wrong),
        }
    }

    /// The shift in force, and its people, first place first.
    pub fn at(&self, now: Timestamp, zone: &TimeZone) -> (Option<&str>, &[String]) {
        let in_force = |(_, schedule, _): &&(String, Schedule, Vec<String>)| {
            schedule.at(now, zone).armed == Armed::Yes
        };
        match self.shifts.iter().find(in_force) {
            Some((name, _, people)) => (Some(name), people),
            None => (None, &self.otherwise),
        }
    }
}

/// Everybody a list names must be somebody who is known, by this very name.
pub fn check_known(list: &DutyList, known: &[String]) -> Vec<FieldError> {
    let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
    let named = |field: String, people: &[String]| -> Vec<FieldError> {
        let strangers =
            people.iter().enumerate().filter(|(_, name)| !known.contains(name.as_str()));
        strangers
            .map(|(place, name)| {
                let right = "is nobody who has a handheld or an account here";
                FieldError::new(format!("{field}[{place}]"), &**name, right)
            })
            .collect()
    };
    let shifts = list.shifts.iter().enumerate();
    let mut wrong: Vec<FieldError> = shifts
        .flat_map(|(place, shift)| named(format!("shifts[{place}].people"), &shift.people))
        .collect();
    wrong.extend(named("otherwise".into(), &list.otherwise));
    wrong
}

/// The list as a text that is the same for the same list.
pub fn to_text(list: &DutyList) -> String {
    let shift = |shift: &Shift| KeptShift {
        name: shift.name.clone(),
        days: shift.days.clone(),
        from: shift.from.clone(),
        to: shift.to.clone(),
        people: shift.people.clone(),
    };
    let kept =
        Kept { shifts: list.shifts.iter().map(shift).collect(), otherwise: list.otherwise.clone() };
    // Texts and lists of texts always can be written.
    serde_json::to_string(&kept).unwrap_or_default()
}

/// A list that was kept; `None` when it cannot be read.
pub fn of_text(text: &str) -> Option<DutyList> {
    let kept: Kept = serde_json::from_str(text).ok()?;
    let shift = |shift: KeptShift| Shift {
        name: shift.name,
        days: shift.days,
        from: shift.from,
        to: shift.to,
        people: shift.people,
    };
    Some(DutyList {
        shifts: kept.shifts.into_iter().map(shift).collect(),
        otherwise: kept.otherwise,
    })
}

fn check_shift(place: usize, shift: &Shift, wrong: &mut Vec<FieldError>) -> Option<WeekRange> {
    let before = wrong.len();
    let field = |member: &str| format!("shifts[{place}].{member}");
    if !is_name(&shift.name) {
        let right = format!("1 to {NAME_CHARS_MAX} characters on one line");
        wrong.push(FieldError::new(field("name"), &*shift.name, right));
    }
    let mut days = Vec::new();
    for (at, day) in shift.days.iter().enumerate() {
        match DAYS.iter().find(|(name, _)| name == day) {
            Some((_, day)) if !days.contains(day) => days.push(*day),
            Some(_) => wrong.push(FieldError::new(field(&format!("days[{at}]")), &**day, "once")),
            None => {
                let right = "one of mon, tue, wed, thu, fri, sat, sun";
                wrong.push(FieldError::new(field(&format!("days[{at}]")), &**day, right));
            }
        }
    }
    if shift.days.is_empty() {
        wrong.push(FieldError::new(field("days"), "", "at least one day"));
    }
    let mut time = |member: &str, text: &str| {
        let parsed = TimeOfDay::parse(text);
        if parsed.is_none() {
            wrong.push(FieldError::new(field(member), text, "a time of day such as 06:00"));
        }
        parsed
    };
    let (from, to) = (time("from", &shift.from), time("to", &shift.to));
    if from == Some(TimeOfDay::END) {
        wrong.push(FieldError::new(field("from"), &*shift.from, "00:00 of the next day instead"));
    }
    if shift.people.is_empty() {
        let right = "at least one person; without a shift, those of `otherwise` are on duty";
        wrong.push(FieldError::new(field("people"), "", right));
    }
    check_people(&field("people"), &shift.people, wrong);
    days.sort_by_key(|day| day.to_monday_zero_offset());
    let range = DayRange { from: from?, to: to? };
    (wrong.len() == before).then_some(WeekRange { days, range })
}

fn check_people(field: &str, people: &[String], wrong: &mut Vec<FieldError>) {
    if people.len() > PLACES_MAX {
        let right = format!("a shift has at most {PLACES_MAX} places");
        wrong.push(FieldError::new(field, people.len().to_string(), right));
    }
    let mut seen = BTreeSet::new();
    for (place, person) in people.iter().take(PLACES_MAX).enumerate() {
        if !seen.insert(fold(person)) {
            let right = "has an earlier place already";
            wrong.push(FieldError::new(format!("{field}[{place}]"), &**person, right));
        }
    }
}

/// Marks the minutes of the week; the place of a shift that has one of them already.
fn overlap(range: &WeekRange, place: usize, taken: &mut [Option<usize>]) -> Option<usize> {
    let (from, to) = (range.range.from.minutes(), range.range.to.minutes());
    let length = if to > from { to - from } else { to + DAY_MINUTES - from };
    let mut other = None;
    for day in &range.days {
        let day = usize::from(day.to_monday_zero_offset().unsigned_abs());
        let first = day * DAY_MINUTES + from;
        for minute in first..first + length {
            let minute = &mut taken[minute % WEEK_MINUTES];
            // A shift longer than a day may meet itself; that is one shift all the same.
            if let Some(mine) = minute.replace(place).filter(|before| *before != place) {
                other = Some(mine);
            }
        }
    }
    other
}

pub(super) fn is_name(text: &str) -> bool {
    let chars = text.chars().count();
    (1..=NAME_CHARS_MAX).contains(&chars) && text.trim() == text && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift(name: &str, days: &[&str], from: &str, to: &str, people: &[&str]) -> Shift {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Shift {
            name: name.into(),
            days: texts(days),
            from: from.into(),
            to: to.into(),
            people: texts(people),
        }
    }

    fn list(shifts: Vec<Shift>, otherwise: &[&str]) -> DutyList {
        DutyList { shifts, otherwise: otherwise.iter().map(|&name| name.to_owned()).collect() }
    }

    fn fields(list: &DutyList) -> Vec<String> {
        let wrong = Roster::of(list).expect_err("refused");
        wrong.into_iter().map(|error| error.field).collect()
    }

    const WEEK: [&str; 5] = ["mon", "tue", "wed", "thu", "fri"];

    #[test]
    fn shifts_follow_the_clock_of_the_site_over_midnight_and_over_a_changed_clock() {
        let zone = TimeZone::get("Europe/Prague").expect("known");
        let all = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let night = shift("Night", &all, "22:00", "06:00", &["Ben"]);
        let day = shift("Day", &WEEK, "06:00", "14:00", &["Eva", "Ben"]);
        let roster = Roster::of(&list(vec![day, night], &["Cara"])).expect("right");
        let at = |text: &str| {
            let when: Timestamp = text.parse().expect("a time");
            let (shift, people) = roster.at(when, &zone);
            (shift.map(str::to_owned), people[0].clone())
        };
        let of = |shift: &str, first: &str| (Some(shift.to_owned()), first.to_owned());
        // A Monday in winter: UTC + 1.
        assert_eq!(at("2026-01-05T04:59:59Z"), of("Night", "Ben"));
        assert_eq!(at("2026-01-05T05:00:00Z"), of("Day", "Eva"));
        assert_eq!(at("2026-01-05T12:59:59Z"), of("Day", "Eva"));
        assert_eq!(at("2026-01-05T13:00:00Z"), (None, "Cara".to_owned()));
        assert_eq!(at("2026-01-05T21:00:00Z"), of("Night", "Ben"));
        // In summer UTC + 2; the night of the change has nine hours and no gap.
        assert_eq!(at("2026-07-06T04:00:00Z"), of("Day", "Eva"));
        for hour in 20..24 {
            assert_eq!(at(&format!("2026-10-24T{hour}:30:00Z")), of("Night", "Ben"));
        }
        for hour in 0..5 {
            assert_eq!(at(&format!("2026-10-25T0{hour}:30:00Z")), of("Night", "Ben"));
        }
        assert_eq!(at("2026-10-25T05:30:00Z"), (None, "Cara".to_owned()));
    }

    #[test]
    fn a_list_that_cannot_be_is_refused_naming_every_field() {
        assert_eq!(fields(&list(vec![], &[])), ["otherwise"]);
        assert_eq!(fields(&list(vec![], &["Eva", "eva"])), ["otherwise[1]"]);
        let nobody = shift("Day", &WEEK, "06:00", "14:00", &[]);
        assert_eq!(fields(&list(vec![nobody], &["Eva"])), ["shifts[0].people"]);
        let wrong = shift("", &["mon", "mon", "someday"], "6:00", "25:00", &["Eva"]);
        let expected = [
            "shifts[0].name",
            "shifts[0].days[1]",
            "shifts[0].days[2]",
            "shifts[0].from",
            "shifts[0].to",
        ];
        assert_eq!(fields(&list(vec![wrong], &[])), expected);
        let day = shift("Day", &WEEK, "06:00", "14:00", &["Eva"]);
        let late = shift("Late", &["fri"], "13:59", "22:00", &["Ben"]);
        assert_eq!(fields(&list(vec![day.clone(), late], &[])), ["shifts[1]"]);
        let next = shift("Late", &WEEK, "14:00", "06:00", &["Ben"]);
        assert!(Roster::of(&list(vec![day.clone(), next], &[])).is_ok());
        let sunday = shift("Sunday", &["sun"], "22:00", "06:01", &["Ben"]);
        assert_eq!(fields(&list(vec![day, sunday], &[])), ["shifts[1]"]);
    }

    #[test]
    fn strangers_are_named_and_what_was_kept_comes_back() {
        let day = shift("Day", &WEEK, "06:00", "14:00", &["Eva", "Nobody"]);
        let list = list(vec![day], &["Zoe"]);
        let known = ["Eva".to_owned()];
        let wrong: Vec<String> =
            check_known(&list, &known).into_iter().map(|error| error.field).collect();
        assert_eq!(wrong, ["shifts[0].people[1]", "otherwise[0]"]);
        assert_eq!(of_text(&to_text(&list)), Some(list));
        assert_eq!(of_text("{}"), None);
    }
}
