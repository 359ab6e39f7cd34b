//! Which spans are due: pure bookkeeping over incidents and time.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::IncidentId;
use crate::engine::time::Instant;
use crate::link::{CameraIndex, HIDE_S_MAX};
use crate::store::evidence::Shows;

/// A span is asked for so long after its end: pictures are decoded, and may come late.
const SETTLE: Duration = Duration::from_secs(2);

/// An outcome that has not come so long after it was asked for will not come: the vision process
/// takes 30 s for a clip at most, or it has ended.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// The same of a hidden one, which the vision process gives up by itself.
const HIDE_ANSWER_MAX: Duration = Duration::from_secs(HIDE_S_MAX as u64 + 30);

/// Parts of one incident: a quarter of an hour. What goes on for longer shows nothing new.
const PARTS_MAX: u32 = 24;

/// Incidents that are recorded at once; a site has far fewer zones.
const OPEN_MAX: usize = 512;

/// Files that were given up and may come all the same; the oldest are forgotten, and removed when the
/// folder is looked over.
const GIVEN_UP_MAX: usize = 256;

/// A file that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub incident: IncidentId,
    pub part: u32,
    pub shows: Shows,
}

impl Asked {
    /// Its last name: sorts by incident and part, and needs no quoting anywhere.
    pub fn file(&self) -> String {
        let Asked { incident, part, shows } = self;
        let hidden = match shows {
            Shows::Clear => "",
            Shows::Hidden => ".hidden",
        };
        format!("incident-{:08}-{part:02}{hidden}.mp4", incident.0)
    }

    fn answer_max(&self) -> Duration {
        match self.shows {
            Shows::Clear => ANSWER_MAX,
            Shows::Hidden => HIDE_ANSWER_MAX,
        }
    }
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// A part is over.
    Write { incident: IncidentId, part: u32, camera: CameraIndex, from: Instant, to: Instant },
    /// There will be no such file.
    GiveUp { asked: Asked, why: &'static str },
    /// There will be no such part.
    TooLong { incident: IncidentId, part: u32 },
}

/// Whose outcome has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    Awaited(Asked),
    /// Too late: its file is nobody's.
    GivenUp(Asked),
    Nobody,
}

/// An incident that is recorded.
struct Open {
    camera: CameraIndex,
    part: u32,
    from: Instant,
    /// When its last part ends, once that is known.
    to: Option<Instant>,
    /// How long after its end a part is asked for.
    settle: Duration,
}

pub struct Book {
    before: Duration,
    after: Duration,
    part: Duration,
    open: BTreeMap<IncidentId, Open>,
    asked: BTreeMap<u64, (Asked, Instant)>,
    given_up: BTreeMap<u64, Asked>,
    requests: u64,
}

impl Book {
    pub fn new(before: Duration, after: Duration, part: Duration) -> Book {
        let (open, asked, given_up) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Book { before, after, part, open, asked, given_up, requests: 0 }
    }

    /// Nothing is recorded and nothing is waited for.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.asked.is_empty()
    }

    pub fn began(&mut self, incident: IncidentId, camera: CameraIndex, at: Instant) {
        if self.open.len() >= OPEN_MAX {
            tracing::warn!("incident {} has no clip: too many at once", incident.0);
            return;
        }
        let from = at.before(self.before);
        let open = Open { camera, part: 1, from, to: None, settle: SETTLE };
        self.open.entry(incident).or_insert(open);
    }

    pub fn ended(&mut self, incident: IncidentId, at: Instant) {
        if let Some(open) = self.open.get_mut(&incident) {
            open.to.get_or_insert(at.after(self.after));
        }
    }

    /// Everything ends now, and nothing is waited for.
    pub fn end_all(&mut self, now: Instant) {
        for open in self.open.values_mut() {
            open.to = Some(open.to.map_or(now, |to| to.min(now)));
            open.settle = Duration::ZERO;
        }
    }

    /// Whether more of an incident is to come.
    pub fn records(&self, incident: IncidentId) -> bool {
        self.open.contains_key(&incident)
    }

    /// A file is asked for; the number of the request.
    pub fn ask(&mut self, asked: Asked, now: Instant) -> u64 {
        self.requests += 1;
        self.asked.insert(self.requests, (asked, now));
        self.requests
    }

    /// What was asked for and may still come.
    pub fn awaited(&self) -> impl Iterator<Item = &Asked> {
        self.asked.values().map(|(asked, _)| asked)
    }

    /// The outcome of a request has come.
    pub fn answered(&mut self, request: u64) -> Answered {
        if let Some((asked, _)) = self.asked.remove(&request) {
            return Answered::Awaited(asked);
        }
        self.given_up.remove(&request).map_or(Answered::Nobody, Answered::GivenUp)
    }

    /// What is due at `now`; each order comes once.
    pub fn due(&mut self, now: Instant) -> Vec<Order> {
        let mut orders = Vec::new();
        let late =
            |(_, (asked, at)): &(&u64, &(Asked, Instant))| now.since(*at) >= asked.answer_max();
        let given_up: Vec<u64> = self.asked.iter().filter(late).map(|(it, _)| *it).collect();
        for request in given_up {
            if let Some((asked, _)) = self.asked.remove(&request) {
                self.given_up.insert(request, asked.clone());
                let why = "the vision process did not write it";
                orders.push(Order::GiveUp { asked, why });
            }
        }
        while self.given_up.len() > GIVEN_UP_MAX {
            self.given_up.pop_first();
        }
        let part = self.part;
        self.open.retain(|&incident, open| {
            let whole = open.from.after(part);
            let to = open.to.map_or(whole, |to| to.min(whole));
            if now < to.after(open.settle) {
                return true;
            }
            let (part, camera) = (open.part, open.camera);
            if part > PARTS_MAX {
                orders.push(Order::TooLong { incident, part });
                return false;
            }
            orders.push(Order::Write { incident, part, camera, from: open.from, to });
            open.part += 1;
            open.from = to;
            open.to.is_none_or(|end| end > to)
        });
        orders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn at(seconds: u64) -> Instant {
        Instant::from_nanos(seconds * S)
    }

    fn book() -> Book {
        let seconds = Duration::from_secs;
        Book::new(seconds(10), seconds(10), seconds(40))
    }

    /// From, to and part of everything asked for until then, a look a second.
    fn spans(book: &mut Book, from: u64, to: u64) -> Vec<(u64, u64, u64, u32)> {
        let mut spans = Vec::new();
        for now in from..=to {
            for order in book.due(at(now)) {
                let Order::Write { part, from, to, .. } = order else { panic!("{order:?}") };
                spans.push((now, from.as_nanos() / S, to.as_nanos() / S, part));
            }
        }
        spans
    }

    #[test]
    fn a_short_incident_has_one_clip_from_before_to_after_and_is_asked_for_once_it_is_over() {
        let mut book = book();
        book.began(IncidentId(7), 0, at(100));
        book.ended(IncidentId(7), at(103));
        assert_eq!(spans(&mut book, 100, 200), [(115, 90, 113, 1)]);
        assert!(book.is_empty());
    }

    #[test]
    fn an_incident_that_goes_on_is_cut_and_continued_without_a_hole() {
        let mut book = book();
        book.began(IncidentId(7), 0, at(100));
        let mut all = spans(&mut book, 100, 180);
        book.ended(IncidentId(7), at(185));
        all.extend(spans(&mut book, 181, 400));
        assert_eq!(all, [(132, 90, 130, 1), (172, 130, 170, 2), (197, 170, 195, 3)]);
    }

    #[test]
    fn overlapping_incidents_have_a_clip_each() {
        let mut book = book();
        book.began(IncidentId(7), 0, at(100));
        book.began(IncidentId(8), 0, at(102));
        book.ended(IncidentId(7), at(103));
        book.ended(IncidentId(8), at(104));
        assert_eq!(spans(&mut book, 100, 200), [(115, 90, 113, 1), (116, 92, 114, 1)]);
    }

    #[test]
    fn an_incident_without_end_is_recorded_for_a_stated_time_and_then_said_to_be_cut() {
        let mut book = book();
        book.began(IncidentId(7), 0, at(100));
        let mut written = 0;
        for now in 100..5_000 {
            for order in book.due(at(now)) {
                match order {
                    Order::Write { .. } => written += 1,
                    Order::TooLong { part, .. } => assert_eq!(part, PARTS_MAX + 1),
                    Order::GiveUp { .. } => panic!("nothing was asked for"),
                }
            }
        }
        assert_eq!(written, PARTS_MAX);
        assert!(book.is_empty());
    }

    #[test]
    fn a_vision_process_that_says_nothing_costs_the_clip_and_its_late_answer_changes_nothing() {
        let mut book = book();
        book.began(IncidentId(7), 0, at(100));
        book.ended(IncidentId(7), at(103));
        let [Order::Write { incident, part, .. }] = book.due(at(120))[..] else {
            panic!("one order")
        };
        let asked = |shows| Asked { incident, part, shows };
        let clear = book.ask(asked(Shows::Clear), at(120));
        let hidden = book.ask(asked(Shows::Hidden), at(120));
        assert_eq!(book.due(at(179)), []);
        let why = "the vision process did not write it";
        let given_up = |shows| [Order::GiveUp { asked: asked(shows), why }];
        assert_eq!(book.due(at(180)), given_up(Shows::Clear));
        assert_eq!(book.answered(clear), Answered::GivenUp(asked(Shows::Clear)));
        assert_eq!(book.answered(clear), Answered::Nobody);
        assert_eq!(book.due(at(389)), []);
        assert_eq!(book.due(at(390)), given_up(Shows::Hidden));
        assert_eq!(book.answered(hidden), Answered::GivenUp(asked(Shows::Hidden)));
        assert!(book.is_empty());
    }

    #[test]
    fn a_file_is_named_by_its_incident_its_part_and_what_it_shows() {
        let asked = |shows| Asked { incident: IncidentId(17), part: 1, shows };
        assert_eq!(asked(Shows::Clear).file(), "incident-00000017-01.mp4");
        assert_eq!(asked(Shows::Hidden).file(), "incident-00000017-01.hidden.mp4");
    }

    #[test]
    fn a_box_that_stops_asks_for_what_is_there() {
        let mut book = book();
        book.began(IncidentId(7), 0, at(100));
        book.end_all(at(105));
        assert_eq!(spans(&mut book, 105, 105), [(105, 90, 105, 1)]);
    }
}
