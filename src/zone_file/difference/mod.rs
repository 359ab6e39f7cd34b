//! What changed between two zone documents, in sentences that a safety engineer would write.
//!
//! One sentence for each change. Documents that guard the same way have no difference, whatever
//! corner their rings begin with.
//!
//! Not here: who changed it, and whether that was right.

mod drawing;
mod written_out;

use drawing::Unit;

use super::document::{
    Document, Duty, GroundPoints, Hazard, Interlock, Mark, Presence, Schedule, Watch, Zone,
};
use super::words::{count, counted, criterion, direction, latched};
use crate::engine::detection::FrameSize;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Id of the zone; `None` for what belongs to the camera.
    pub zone: Option<String>,
    /// A sentence that begins with the name of the zone.
    pub text: String,
}

/// Everything that changed from `old` to `new`. With a picture size distances are in pixels.
pub fn difference(old: &Document, new: &Document, size: Option<FrameSize>) -> Vec<Difference> {
    let mut told = Told { list: Vec::new(), unit: size.map_or(Unit::Percent, Unit::Pixels) };
    for zone in &new.zones {
        match old.zone(&zone.id) {
            Some(before) => told.zone(before, zone),
            None => told.new_zone(zone),
        }
    }
    for zone in old.zones.iter().filter(|zone| new.zone(&zone.id).is_none()) {
        told.add(zone, format!("{} removed", zone.kind().words()));
    }
    told.order(old, new);
    told.calibration(old.ground.as_ref(), new.ground.as_ref());
    told.marks(&old.marks, &new.marks);
    if old.name != new.name {
        let name = |document: &Document| {
            document.name.as_ref().map_or("none".to_owned(), |name| format!("“{name}”"))
        };
        told.camera(format!("Name of the document: {} → {}", name(old), name(new)));
    }
    told.list
}

struct Told {
    list: Vec<Difference>,
    unit: Unit,
}

impl Told {
    fn add(&mut self, zone: &Zone, text: impl AsRef<str>) {
        let text = format!("{}: {}", zone.name, text.as_ref());
        self.list.push(Difference { zone: Some(zone.id.clone()), text });
    }

    fn camera(&mut self, text: String) {
        self.list.push(Difference { zone: None, text });
    }

    /// A value that was one and is another.
    fn changed(&mut self, zone: &Zone, what: &str, old: String, new: String) {
        if old != new {
            self.add(zone, format!("{what} {old} → {new}"));
        }
    }

    fn drawn(&self, zone: &Zone) -> String {
        let corners: usize = zone.area().iter().flatten().map(Vec::len).sum();
        match &zone.duty {
            Duty::Tripwire { line, .. } => {
                format!("{} with {}", zone.kind().words(), counted(line.len(), "point"))
            }
            Duty::Restricted { area, .. }
            | Duty::Warning { area, .. }
            | Duty::Occupancy { area, .. }
            | Duty::Ignore { area, .. }
            | Duty::PrivacyMask { area, .. } => format!(
                "{} with {corners} corners, {} of the picture",
                zone.kind().words(),
                drawing::of_picture(drawing::share(area))
            ),
        }
    }

    /// All that is not as usual: who approves it has seen nothing of it before.
    fn new_zone(&mut self, zone: &Zone) {
        self.add(zone, format!("new {}", self.drawn(zone)));
        self.all(zone, written_out::particulars(zone));
        self.presence(None, zone.presence(), zone);
        self.watch(None, zone.watch(), zone);
        self.all(zone, zone.hazard().map(written_out::hazard).unwrap_or_default());
    }

    fn all(&mut self, zone: &Zone, texts: Vec<String>) {
        texts.iter().for_each(|text| self.add(zone, text));
    }

    fn zone(&mut self, old: &Zone, new: &Zone) {
        if old.name != new.name {
            self.add(new, format!("renamed, was “{}”", old.name));
        }
        let kind = |zone: &Zone| zone.kind().words().to_owned();
        self.changed(new, "kind", kind(old), kind(new));
        if old.area().is_empty() != new.area().is_empty() {
            self.add(new, format!("drawn anew: {}", self.drawn(new)));
        } else {
            let unit = self.unit;
            for text in drawing::areas(old.area(), new.area(), unit) {
                self.add(new, text);
            }
            for text in drawing::lines(old.line(), new.line(), unit) {
                self.add(new, text);
            }
        }
        self.particulars(old, new);
        self.presence(old.presence(), new.presence(), new);
        self.watch(old.watch(), new.watch(), new);
        self.hazard(old.hazard(), new.hazard(), new);
    }

    /// What only some kinds have.
    fn particulars(&mut self, old: &Zone, new: &Zone) {
        let heads = |zone: &Zone| match zone.duty {
            Duty::Occupancy { count: people, .. } => Some(count(people)),
            Duty::Restricted { .. }
            | Duty::Warning { .. }
            | Duty::Tripwire { .. }
            | Duty::Ignore { .. }
            | Duty::PrivacyMask { .. } => None,
        };
        let way = |zone: &Zone| match zone.duty {
            Duty::Tripwire { direction: way, .. } => Some(direction(way).to_owned()),
            Duty::Restricted { .. }
            | Duty::Warning { .. }
            | Duty::Occupancy { .. }
            | Duty::Ignore { .. }
            | Duty::PrivacyMask { .. } => None,
        };
        let approach = |zone: &Zone| zone.approach_ms().map(|ms| format!("{ms} ms ahead"));
        let reason = |zone: &Zone| zone.reason().map(|reason| format!("“{reason}”"));
        self.optional(new, "people", heads(old), heads(new));
        self.optional(new, "direction", way(old), way(new));
        self.optional(new, "warning of an approach", approach(old), approach(new));
        self.optional(new, written_out::reason_of(new), reason(old), reason(new));
    }

    fn optional(&mut self, zone: &Zone, what: &str, old: Option<String>, new: Option<String>) {
        let or_none = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
        self.changed(zone, what, or_none(old), or_none(new));
    }

    fn presence(&mut self, old: Option<&Presence>, new: Option<&Presence>, zone: &Zone) {
        let Some(new) = new else { return };
        let Some(old) = old else { return self.all(zone, written_out::presence(new)) };
        let what = "counts as inside with";
        self.changed(zone, what, criterion(old.criterion), criterion(new.criterion));
        self.changed(zone, "dwell", milliseconds(old.dwell_ms), milliseconds(new.dwell_ms));
    }

    fn watch(&mut self, old: Option<&Watch>, new: Option<&Watch>, zone: &Zone) {
        let Some(new) = new else { return };
        let Some(old) = old else { return self.all(zone, written_out::watch(new)) };
        let (was, is) = (old.enter_window_ms, new.enter_window_ms);
        self.changed(zone, "entry window", milliseconds(was), milliseconds(is));
        let (was, is) = (old.clear_after_ms, new.clear_after_ms);
        self.changed(zone, "clear after", milliseconds(was), milliseconds(is));
        let (was, is) = (latched(old.latch), latched(new.latch));
        self.changed(zone, "after everybody has left", was.to_owned(), is.to_owned());
        self.schedule(old.schedule.as_ref(), new.schedule.as_ref(), zone);
        let words = |interlock: &Option<Interlock>| interlock.as_ref().map(Interlock::words);
        self.optional(zone, "interlock", words(&old.interlock), words(&new.interlock));
    }

    fn schedule(&mut self, old: Option<&Schedule>, new: Option<&Schedule>, zone: &Zone) {
        let words = |schedule: Option<&Schedule>| schedule.map(Schedule::words);
        self.optional(zone, "schedule", words(old), words(new));
        let none = Vec::new();
        let before = old.map_or(&none, |schedule| &schedule.exceptions);
        let after = new.map_or(&none, |schedule| &schedule.exceptions);
        for exception in after {
            let words = exception.words();
            match before.iter().find(|other| other.date == exception.date) {
                None => self.add(zone, format!("on {}: {words} (new)", exception.date)),
                Some(other) => {
                    let what = format!("on {}:", exception.date);
                    self.changed(zone, &what, other.words(), words);
                    let reason = |text: &Option<String>| text.clone().unwrap_or("none".into());
                    let what = format!("reason for {}:", exception.date);
                    self.changed(zone, &what, reason(&other.reason), reason(&exception.reason));
                }
            }
        }
        for gone in before.iter().filter(|old| !after.iter().any(|new| new.date == old.date)) {
            self.add(zone, format!("on {}: as in every week (was {})", gone.date, gone.words()));
        }
    }

    fn hazard(&mut self, old: Option<&Hazard>, new: Option<&Hazard>, zone: &Zone) {
        match (old, new) {
            (None, None) => {}
            (None, Some(hazard)) => {
                let ms = hazard.stop_time_ms;
                self.add(zone, format!("hazard drawn, stops within {ms} ms"));
                if hazard.height_m > 0.0 {
                    let height = hazard.height_m;
                    self.add(zone, format!("height of the detection plane {height} m"));
                }
            }
            (Some(_), None) => self.add(zone, "hazard removed"),
            (Some(old), Some(new)) => {
                let rings = |hazard: &Hazard| vec![vec![hazard.outline.clone()]];
                for text in drawing::areas(&rings(old), &rings(new), self.unit) {
                    self.add(zone, format!("hazard: {text}"));
                }
                let (was, is) = (old.stop_time_ms, new.stop_time_ms);
                self.changed(zone, "stop time", milliseconds(was), milliseconds(is));
                let metres = |hazard: &Hazard| format!("{} m", hazard.height_m);
                self.changed(zone, "height of the detection plane", metres(old), metres(new));
            }
        }
    }

    fn order(&mut self, old: &Document, new: &Document) {
        let common = |a: &Document, b: &Document| -> Vec<String> {
            let shared = a.zones.iter().filter(|zone| b.zone(&zone.id).is_some());
            shared.map(|zone| zone.id.clone()).collect()
        };
        if common(old, new) != common(new, old) {
            self.camera("The zones stand in another order".to_owned());
        }
    }

    fn calibration(&mut self, old: Option<&GroundPoints>, new: Option<&GroundPoints>) {
        let size = |ground: &GroundPoints| {
            let points = ground.points.len();
            let points = (points > 0).then(|| counted(points, "point"));
            let people = match ground.people.len() {
                0 => None,
                1 => Some("one person".to_owned()),
                people => Some(format!("{people} people")),
            };
            let both: Vec<String> = [points, people].into_iter().flatten().collect();
            if both.is_empty() { String::new() } else { format!(", {}", both.join(" and ")) }
        };
        match (old, new) {
            (None, None) => {}
            (None, Some(ground)) => self.camera(format!("Calibration: new{}", size(ground))),
            (Some(_), None) => self.camera("Calibration removed".to_owned()),
            (Some(old), Some(new)) => {
                let changes = [
                    changes(&old.points, &new.points, "point"),
                    changes(&old.people, &new.people, "marked person"),
                ];
                for text in changes.into_iter().flatten() {
                    self.camera(format!("Calibration: {text}"));
                }
            }
        }
    }

    fn marks(&mut self, old: &[Mark], new: &[Mark]) {
        let day = |mark: &Mark| mark.until.strftime("%Y-%m-%d %H:%M UTC").to_string();
        let same_thing = |a: &Mark, b: &Mark| a.bounds_norm == b.bounds_norm;
        for mark in new.iter().filter(|mark| !old.contains(mark)) {
            let what = &mark.reason;
            let text =
                match old.iter().find(|other| same_thing(other, mark) && !new.contains(other)) {
                    Some(other) if other.reason == *what => {
                        format!("Mark “{what}”: until {} → {}", day(other), day(mark))
                    }
                    Some(other) => {
                        format!("Mark “{}”: is “{what}” now, until {}", other.reason, day(mark))
                    }
                    None => format!("Mark “{what}”: new, until {}", day(mark)),
                };
            self.camera(text);
        }
        for mark in old.iter().filter(|mark| !new.contains(mark)) {
            if !new.iter().any(|other| same_thing(other, mark) && !old.contains(other)) {
                self.camera(format!("Mark “{}” removed", mark.reason));
            }
        }
        if old.len() != new.len()
            && old.iter().all(|m| new.contains(m))
            && new.iter().all(|m| old.contains(m))
        {
            self.camera(format!("Marks: {} → {}", old.len(), new.len()));
        }
    }
}

/// What happened to a list whose items have no names.
fn changes<T: PartialEq>(old: &[T], new: &[T], thing: &str) -> Option<String> {
    if old == new {
        return None;
    }
    let gone = old.iter().filter(|item| !new.contains(item)).count();
    let come = new.iter().filter(|item| !old.contains(item)).count();
    let words = |count: usize, word: &str| match count {
        0 => None,
        count => Some(format!("{} {word}", counted(count, thing))),
    };
    let changed = gone.min(come);
    let told: Vec<String> = [
        words(changed, "changed"),
        words(come - changed, "added"),
        words(gone - changed, "removed"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if told.is_empty() {
        return Some(format!("{}, was {}", counted(new.len(), thing), counted(old.len(), thing)));
    }
    Some(told.join(", "))
}

fn milliseconds(ms: u32) -> String {
    format!("{ms} ms")
}
