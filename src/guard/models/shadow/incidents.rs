//! The incidents of both models in a run, while they are under way and until they are kept.
//!
//! An incident is left out of the comparison when the shadow model was not given the pictures around its
//! beginning: what somebody could not see they did not miss. One that was given them and died of them, or
//! did not answer, has missed it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::mind::Noticed;
use crate::engine::detection::{Detection, FrameSize};
use crate::engine::time::Instant;
use crate::engine::{CameraIndex, Entry, IncidentId, ZoneIndex};
use crate::gate::pairs::TOLERANCE;
use crate::guard::handle::shadowing::CaseBox;
use crate::guard::privacy::covers::{self, BoxNorm, Cover};

/// Whose incident it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Active,
    Shadow,
}

/// Both must have seen the camera from so long before an incident began …
const BEFORE: Duration = Duration::from_secs(1);
/// … to so long after: alarming later is as bad as not alarming (`gate`), and evidence takes as long.
const AFTER: Duration = Duration::from_secs(2);

/// So long after it began it is known whether the other model tells it, too.
const SETTLED: Duration = Duration::from_secs(5);

/// Newest pictures whose detections are remembered per camera: two seconds at 30 pictures a second.
const FRAMES_KEPT: usize = 64;

/// Most incidents that are under way or lately over.
const KEPT: usize = 512;

const NOT_GIVEN: &str = "the shadow model was not given the camera's pictures when it began";

/// One incident.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Incident {
    pub who: Who,
    pub number: IncidentId,
    pub zone: ZoneIndex,
    pub camera: CameraIndex,
    pub frame: u64,
    /// When the picture that completed the evidence was taken.
    pub began: Instant,
    pub last: Instant,
    pub over: Over,
    pub score: f32,
    pub boxes: Vec<CaseBox>,
    /// What the other model saw in that picture.
    pub others: Vec<CaseBox>,
    pub left_out: Option<&'static str>,
    settled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Yes,
    No,
}

/// See [`Incidents::room`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Left,
    Over,
}

/// What a model saw in a picture.
#[derive(Debug)]
struct Seen {
    frame: u64,
    at: Instant,
    boxes: Vec<CaseBox>,
}

/// A picture, as far as it is named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shot {
    pub camera: CameraIndex,
    pub frame: u64,
    pub at: Instant,
    pub size: FrameSize,
}

/// All of a run that is not over, or not long.
#[derive(Debug, Default)]
pub(super) struct Incidents {
    /// Under way when the run began: not told in it.
    before: BTreeSet<(Who, IncidentId)>,
    all: BTreeMap<(Who, IncidentId), Incident>,
    /// What is to be kept anew.
    changed: BTreeSet<(Who, IncidentId)>,
    seen: BTreeMap<(Who, CameraIndex), VecDeque<Seen>>,
    /// When the shadow model last did not see the camera for want of pictures.
    blind: BTreeMap<CameraIndex, Instant>,
    /// How many are not compared.
    left_out: u64,
}

impl Incidents {
    pub fn begin(under_way: &[IncidentId]) -> Incidents {
        let both = [Who::Active, Who::Shadow];
        let before = both.iter().flat_map(|who| under_way.iter().map(|it| (*who, *it))).collect();
        Incidents { before, ..Incidents::default() }
    }

    /// What a model saw in a picture; before what it made of it. Gives it back as it is kept.
    pub fn saw(&mut self, who: Who, shot: Shot, detections: &[Detection]) -> &[CaseBox] {
        let seen = self.seen.entry((who, shot.camera)).or_default();
        if seen.len() == FRAMES_KEPT {
            seen.pop_front();
        }
        let boxes = detections.iter().map(|it| case_box(it, shot.size)).collect();
        seen.push_back(Seen { frame: shot.frame, at: shot.at, boxes });
        seen.back().map_or(&[], |it| &it.boxes)
    }

    /// Where people are in the picture in which an incident's evidence was complete, as either model sees
    /// it, or were a moment before.
    pub fn covers(&self, of: &Incident) -> Vec<Cover> {
        let of_both = |frame: u64| -> Vec<BoxNorm> {
            let both = [Who::Active, Who::Shadow].into_iter();
            let seen = both.filter_map(|who| self.seen.get(&(who, of.camera))).flatten();
            let boxes = seen.filter(|it| it.frame == frame).flat_map(|it| &it.boxes);
            boxes.map(|it| [it.left_norm, it.top_norm, it.width_norm, it.height_norm]).collect()
        };
        let pictures = self.seen.get(&(Who::Active, of.camera)).into_iter().flatten();
        pictures
            .filter(|it| it.frame <= of.frame)
            .fold(Vec::new(), |before, it| covers::next(&before, it.at, &of_both(it.frame)))
    }

    pub fn noticed(&mut self, who: Who, noticed: Noticed) {
        match noticed {
            Noticed::Began { incident, zone, entry } => self.began(who, incident, zone, &entry),
            Noticed::Another { incident, score } => {
                self.change((who, incident), |it| it.score = it.score.max(score));
            }
            Noticed::Ended { incident, last_inside_at } => {
                self.change((who, incident), |it| {
                    it.last = it.last.max(last_inside_at);
                    it.over = Over::Yes;
                });
            }
        }
    }

    fn began(&mut self, who: Who, number: IncidentId, zone: ZoneIndex, entry: &Entry) {
        if self.before.contains(&(who, number)) {
            return;
        }
        let camera = entry.camera;
        let seen = |who| {
            let mut seen = self.seen.get(&(who, camera)).into_iter().flatten().rev();
            let seen = seen.find(|it| it.frame == entry.frame);
            seen.map(|it| it.boxes.clone()).unwrap_or_default()
        };
        let other = match who {
            Who::Active => Who::Shadow,
            Who::Shadow => Who::Active,
        };
        let blind =
            self.blind.get(&camera).is_some_and(|at| entry.captured_at.since(*at) <= BEFORE);
        let incident = Incident {
            who,
            number,
            zone,
            camera,
            frame: entry.frame,
            began: entry.captured_at,
            last: entry.captured_at,
            over: Over::No,
            score: entry.score.get(),
            boxes: seen(who),
            others: seen(other),
            left_out: blind.then_some(NOT_GIVEN),
            settled: false,
        };
        self.left_out += u64::from(blind);
        self.all.insert((who, number), incident);
        self.changed.insert((who, number));
    }

    fn change(&mut self, key: (Who, IncidentId), change: impl FnOnce(&mut Incident)) {
        if let Some(incident) = self.all.get_mut(&key) {
            change(incident);
            self.changed.insert(key);
        }
    }

    /// The shadow model does not see this camera now, and is not given its pictures.
    pub fn blind(&mut self, camera: CameraIndex, now: Instant) {
        self.blind.insert(camera, now);
        let young = |it: &&mut Incident| {
            it.camera == camera && it.left_out.is_none() && now <= it.began.after(AFTER)
        };
        for it in self.all.values_mut().filter(young) {
            it.left_out = Some(NOT_GIVEN);
            self.left_out += 1;
            self.changed.insert((it.who, it.number));
        }
    }

    /// Whether there is room for all that is under way. Where there is none the run is over: to forget any
    /// would be to forget what the other model told.
    pub fn room(&self) -> Room {
        match self.all.len() > KEPT {
            true => Room::Over,
            false => Room::Left,
        }
    }

    /// How many incidents of the run are not compared.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Time has come so far for both.
    pub fn advance(&mut self, now: Instant) {
        for it in self.all.values_mut().filter(|it| it.over == Over::No) {
            it.last = it.last.max(now);
        }
        let long_over = |it: &Incident| {
            it.over == Over::Yes && it.settled && now.since(it.last) > SETTLED + TOLERANCE
        };
        let changed = &self.changed;
        self.all.retain(|key, it| changed.contains(key) || !long_over(it));
    }

    /// Incidents that only one of the two told, as far as is known now; each once.
    pub fn disagreements(&mut self, now: Instant) -> Vec<Incident> {
        let due: Vec<(Who, IncidentId)> = self
            .all
            .iter()
            .filter(|(_, it)| !it.settled && now.since(it.began) >= SETTLED)
            .map(|(key, _)| *key)
            .collect();
        let mut alone = Vec::new();
        for key in due {
            let Some(it) = self.all.get(&key) else { continue };
            if it.left_out.is_none() && !self.is_told_by_the_other(it) {
                alone.push(it.clone());
            }
            if let Some(it) = self.all.get_mut(&key) {
                it.settled = true;
            }
        }
        alone
    }

    /// Whether the other model has an incident there at that time.
    pub fn is_told_by_the_other(&self, it: &Incident) -> bool {
        self.all.values().any(|other| {
            other.who != it.who
                && other.zone == it.zone
                && other.began <= it.last.after(TOLERANCE)
                && it.began <= other.last.after(TOLERANCE)
        })
    }

    pub fn get(&self, who: Who, number: IncidentId) -> Option<&Incident> {
        self.all.get(&(who, number))
    }

    /// What is to be kept, with those under way, whose end moves on.
    pub fn to_keep(&self) -> Vec<Incident> {
        let wanted = |(key, it): &(&(Who, IncidentId), &Incident)| {
            it.over == Over::No || self.changed.contains(*key)
        };
        self.all.iter().filter(wanted).map(|(_, it)| it.clone()).collect()
    }

    /// Whether anything is new.
    pub fn has_news(&self) -> bool {
        !self.changed.is_empty()
    }

    pub fn kept(&mut self) {
        self.changed.clear();
    }

    /// The run is over: whatever is under way is not told to its end.
    pub fn close(&mut self) {
        for (key, it) in self.all.iter_mut().filter(|(_, it)| it.over == Over::No) {
            it.over = Over::Yes;
            self.changed.insert(*key);
        }
    }
}

fn case_box(detection: &Detection, size: FrameSize) -> CaseBox {
    let bounds = detection.bounds;
    CaseBox {
        left_norm: bounds.left() / size.width_px(),
        top_norm: bounds.top() / size.height_px(),
        width_norm: bounds.width() / size.width_px(),
        height_norm: bounds.height() / size.height_px(),
        score: detection.score.get(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::detection::Score;

    const YARD: CameraIndex = CameraIndex(0);

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(1_000_000_000_000 + ms * 1_000_000)
    }

    fn began(number: u64, zone: u16, ms: u64) -> Noticed {
        let entry = Entry {
            camera: YARD,
            frame: ms,
            captured_at: at(ms),
            first_seen_at: at(ms),
            track: None,
            score: Score::new(0.5).expect("a score"),
            anchor_norm: (0.5, 0.5),
            people: 1,
        };
        Noticed::Began { incident: IncidentId(number), zone: ZoneIndex(zone), entry }
    }

    fn ended(number: u64, ms: u64) -> Noticed {
        Noticed::Ended { incident: IncidentId(number), last_inside_at: at(ms) }
    }

    fn alone(of: &mut Incidents, ms: u64) -> Vec<(Who, u64)> {
        let alone = of.disagreements(at(ms));
        alone.iter().map(|it| (it.who, it.number.0)).collect()
    }

    #[test]
    fn what_only_one_of_the_two_tells_is_said_once_and_not_before_the_other_had_its_time() {
        let mut of = Incidents::begin(&[]);
        of.noticed(Who::Active, began(1, 0, 0));
        of.noticed(Who::Shadow, began(1, 0, 400));
        of.noticed(Who::Active, began(2, 1, 1000));
        of.noticed(Who::Shadow, began(2, 2, 1000));
        of.noticed(Who::Active, ended(2, 2000));
        assert_eq!(alone(&mut of, 4000), []);
        of.advance(at(6000));
        assert_eq!(alone(&mut of, 6000), [(Who::Active, 2), (Who::Shadow, 2)]);
        assert_eq!(alone(&mut of, 60_000), []);
    }

    #[test]
    fn what_was_under_way_when_the_run_began_is_not_told_in_it() {
        let mut of = Incidents::begin(&[IncidentId(4)]);
        of.noticed(Who::Active, began(4, 0, 0));
        of.noticed(Who::Active, ended(4, 100));
        assert!(of.to_keep().is_empty() && !of.has_news());
    }

    #[test]
    fn what_the_shadow_model_was_not_given_when_it_began_is_left_out_and_counted() {
        // Blind so long before or after it began.
        let cases = [(-1500, false), (-900, true), (0, true), (1900, true), (2100, false)];
        for (blind_ms, left_out) in cases {
            let mut of = Incidents::begin(&[]);
            let began_ms = 10_000;
            let blind_at = (began_ms + blind_ms) as u64;
            if blind_ms < 0 {
                of.blind(YARD, at(blind_at));
            }
            of.noticed(Who::Active, began(1, 0, began_ms as u64));
            if blind_ms >= 0 {
                of.blind(YARD, at(blind_at));
            }
            of.advance(at(20_000));
            assert_eq!(of.to_keep()[0].left_out.is_some(), left_out, "{blind_ms} ms");
            assert_eq!(of.left_out(), u64::from(left_out));
            assert_eq!(alone(&mut of, 20_000).is_empty(), left_out);
        }
    }

    #[test]
    fn what_is_over_and_kept_is_forgotten_and_what_goes_on_is_kept_again() {
        let mut of = Incidents::begin(&[]);
        of.noticed(Who::Active, began(1, 0, 0));
        of.noticed(Who::Active, began(2, 1, 0));
        of.noticed(Who::Active, ended(1, 500));
        of.advance(at(9000));
        let _ = of.disagreements(at(9000));
        assert_eq!(of.to_keep().len(), 2);
        of.kept();
        of.advance(at(9001));
        let left = of.to_keep();
        assert_eq!(left.len(), 1);
        assert_eq!(
            (left[0].number, left[0].last, left[0].over),
            (IncidentId(2), at(9001), Over::No)
        );
        assert!(of.get(Who::Active, IncidentId(1)).is_none());
        of.close();
        assert_eq!(of.to_keep()[0].over, Over::Yes);
    }

    #[test]
    fn a_model_that_tells_more_than_there_is_room_for_takes_nothing_of_the_other_ones() {
        let mut of = Incidents::begin(&[]);
        of.noticed(Who::Active, began(1, 0, 0));
        for number in 0..KEPT as u64 {
            assert_eq!(of.room(), Room::Left);
            of.noticed(Who::Shadow, began(number, 1, 0));
        }
        assert_eq!(of.room(), Room::Over);
        assert!(of.get(Who::Active, IncidentId(1)).is_some());
    }
}
