//! A running walk test: from observations to attempts. Pure: time is passed in.
//!
//! An entry counts by itself, whoever else is about: its time runs from *its* first picture inside
//! to the siren taking the order that *it* gave. An entry that gave none, because the siren sounded
//! like that already or somebody had answered the alarm, proves nothing: the test says what to do
//! and waits for the next one. Somebody who stays inside without an alarm is a failure too.
//!
//! The edge is the one that is nearest to where the feet came in. An edge that passed already is not
//! walked again; one that failed may be.

use std::time::Duration;

use super::edges::{Edge, Entrance};
use super::path::{CameIn, Pictures, Step, came_in, crossing, distance, way_across};
use crate::engine::detection::FrameSize;
use crate::engine::geometry::Line;
use crate::engine::time::Instant;
use crate::engine::{CameraIndex, Verdict, ZoneIndex};
use crate::guard::message::Sounding;
use crate::guard::observer::{EntrySeen, Feet, Observation, Sound};
use crate::store::walk::{EdgeState, Outcome, SirenHeard};

/// From inside to siren, as promised.
pub const TIME_MS_MAX: u32 = 2_000;

/// Who comes in farther than this from every edge came from nowhere the test can tell, frame heights.
const NEAR_EDGE: f64 = 0.10;

/// Where only a part of somebody has to be inside, the feet may be this far off.
const NEAR_EDGE_BY_BOX: f64 = 0.45;

/// At a corner the feet may seem to cross the edge beside the one that was meant, frame heights.
const CORNER: f64 = 0.02;

/// The siren takes an order within 20 ms; one it has not taken for so long is not taken.
const SIREN_MAX: Duration = Duration::from_secs(4);

/// The picture of an entry comes within a moment of it.
const PICTURE_MAX: Duration = Duration::from_millis(800);

/// Without an alarm for so much longer than allowed there is none.
const NO_ALARM_SLACK: Duration = Duration::from_millis(500);

/// Somebody who is not seen for so long is not still inside.
const STAY_GAP_MAX: Duration = Duration::from_millis(700);

/// Entries that wait for the siren; more at once is no walk test.
const PENDING_MAX: usize = 16;

/// Whose feet decide, and whether a missing alarm is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Feet inside must alarm.
    Feet,
    /// A part of somebody inside must alarm.
    Boxes,
    /// Feet inside may be allowed.
    Heads,
    /// A line: nobody is inside.
    Crossing,
}

/// What a test of a zone is about.
#[derive(Clone, Debug)]
pub struct Task {
    pub zone: ZoneIndex,
    pub camera: CameraIndex,
    pub counts: Counts,
    /// Of a tripwire.
    pub line: Option<Line>,
    pub limit_ms: u32,
    pub edges: Vec<Edge>,
}

/// What came of an observation.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    Attempt(Tried),
    /// What the tester should know.
    Hint(String),
}

/// A walk across an edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    pub edge: u32,
    pub at: Instant,
    pub outcome: Outcome,
    pub detected_ms: Option<u32>,
    pub decided_ms: Option<u32>,
    pub time_ms: Option<u32>,
    pub frames: u32,
    pub incident: Option<u64>,
    pub heard: SirenHeard,
}

/// The test.
#[derive(Clone, Debug)]
pub struct Run {
    task: Task,
    states: Vec<EdgeState>,
    pictures: Pictures,
    pending: Vec<Pending>,
    incident: Incident,
    stay: Option<Stay>,
}

/// Whether the zone has an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incident {
    Open,
    None,
}

#[derive(Clone, Debug)]
struct Pending {
    seen: EntrySeen,
    taken: Option<(Instant, Sounding)>,
}

/// Somebody inside without an incident.
#[derive(Clone, Copy, Debug)]
struct Stay {
    first: Step,
    last: Step,
    frames: u32,
    /// It was told.
    told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    No,
    Yes,
}

impl Run {
    pub fn new(task: Task, incident: Incident) -> Run {
        let states = task.edges.iter().map(|edge| edge.kept.state()).collect();
        let pictures = Pictures::of(task.camera);
        Run { task, states, pictures, pending: Vec::new(), incident, stay: None }
    }

    /// A person skips an edge.
    pub fn skip(&mut self, edge: u32) {
        if let Some(state) = self.state_mut(edge) {
            *state = EdgeState::Skipped;
        }
    }

    /// A walk across this edge came to nothing: the edge waits again.
    pub fn reopen(&mut self, edge: u32) {
        if let Some(state) = self.state_mut(edge) {
            *state = EdgeState::Waiting;
        }
    }

    pub fn see(&mut self, observation: &Observation, now: Instant) -> Vec<Finding> {
        let mut findings = Vec::new();
        match observation {
            Observation::Feet(feet) => {
                self.pictures.see(feet);
                findings.extend(self.look_at_stay(feet));
            }
            Observation::Entry(seen) if seen.zone == self.task.zone => {
                self.incident = Incident::Open;
                self.stay = None;
                findings.extend(self.entered(seen));
            }
            Observation::Ended(zone) if *zone == self.task.zone => {
                self.incident = Incident::None;
                self.stay = None;
            }
            Observation::Siren { order, at, output } => {
                for pending in &mut self.pending {
                    let ordered = match pending.seen.sound {
                        Sound::Ordered(ordered) => ordered,
                        Sound::SoundedAlready | Sound::Drowned | Sound::Answered => continue,
                    };
                    if ordered <= *order && pending.taken.is_none() {
                        pending.taken = Some((*at, *output));
                    }
                }
            }
            Observation::Entry(_) | Observation::Ended(_) => {}
        }
        findings.extend(self.settle(now));
        findings
    }

    /// Decides what can be decided.
    pub fn settle(&mut self, now: Instant) -> Vec<Finding> {
        let (ready, waiting) =
            std::mem::take(&mut self.pending).into_iter().partition(|it| self.is_ready(it, now));
        self.pending = waiting;
        let ready: Vec<Pending> = ready;
        ready.into_iter().map(|pending| self.judge(&pending)).collect()
    }

    fn entered(&mut self, seen: &EntrySeen) -> Option<Finding> {
        let hint = match seen.sound {
            Sound::Ordered(_) if self.pending.len() < PENDING_MAX => {
                self.pending.push(Pending { seen: seen.clone(), taken: None });
                return None;
            }
            Sound::Ordered(_) => "Too many people come in at once; walk in one by one.",
            Sound::SoundedAlready => {
                "The siren sounded already when somebody came in, so no time can be told. Leave the \
                 zone, or answer the alarm, until it is silent; then walk in again."
            }
            Sound::Drowned => {
                "Something more urgent sounds, so this zone cannot be heard. Settle that alarm \
                 first; then walk in again."
            }
            Sound::Answered => {
                "Somebody had answered the alarm of this zone, so it did not sound anew. Leave the \
                 zone until it is clear; then walk in again."
            }
        };
        Some(Finding::Hint(hint.to_owned()))
    }

    fn is_ready(&self, pending: &Pending, now: Instant) -> bool {
        let since = now.since(pending.seen.decided_at);
        let pictured =
            self.pictures.has_reached(pending.seen.entry.captured_at) || since > PICTURE_MAX;
        (pending.taken.is_some() && pictured) || since > SIREN_MAX
    }

    fn judge(&mut self, pending: &Pending) -> Finding {
        let seen = &pending.seen;
        let way = self.pictures.way(usize::from(self.task.zone.0), &seen.entry);
        let came = came_in(&way);
        // The earlier of the two: neither a lost picture nor evidence that began anew makes it faster.
        let first_at = came
            .first_inside
            .map_or(seen.entry.first_seen_at, |step| step.captured_at)
            .min(seen.entry.first_seen_at);
        let ms = |at: Instant| millis(at.since(first_at));
        let time_ms = pending.taken.map(|(at, _)| ms(at));
        let Some(edge) = self.edge_of(&way, &came, seen.entry.anchor_norm) else {
            return Finding::Hint(self.elsewhere(time_ms));
        };
        let limit_ms = self.task.limit_ms;
        let fail = |reason: String| Outcome::Fail { reason };
        let outcome = match time_ms {
            None => fail("the siren did not take the sound".into()),
            Some(time_ms) if time_ms > limit_ms => fail(format!(
                "the siren had the sound after {time_ms} ms, {limit_ms} ms are allowed"
            )),
            Some(_) => Outcome::Pass,
        };
        let heard = match pending.taken {
            Some((_, Sounding::Yes)) | None => SirenHeard::Sounds,
            Some((_, Sounding::No)) => SirenHeard::Muted,
        };
        self.set_state(edge, &outcome);
        Finding::Attempt(Tried {
            edge,
            at: seen.decided_at,
            outcome,
            detected_ms: came.first_inside.map(|step| ms(step.received_at)),
            decided_ms: Some(ms(seen.decided_at)),
            time_ms,
            frames: came.frames,
            incident: Some(seen.incident.0),
            heard,
        })
    }

    /// The edge that was walked in at, if it still counts.
    fn edge_of(&self, way: &[Step], came: &CameIn, anchor: (f64, f64)) -> Option<u32> {
        if let Some(line) = &self.task.line {
            return self.way_edge(line, way);
        }
        let inside = came.first_inside.map_or([anchor.0, anchor.1], |step| step.foot_norm);
        let size = self.pictures.size()?;
        let place = came
            .last_outside
            .and_then(|outside| {
                let across = self.task.edges.iter().filter(|e| e.entrance == Entrance::Across);
                across
                    .filter_map(|edge| crossing(&edge.kept.points, outside.foot_norm, inside))
                    .min_by(|a, b| apart(*a, inside).total_cmp(&apart(*b, inside)))
            })
            .unwrap_or(inside);
        self.nearest(place, size)
    }

    fn way_edge(&self, line: &Line, way: &[Step]) -> Option<u32> {
        let crossed = way_across(line, way);
        let mut ways = self.task.edges.iter().filter(|edge| match (edge.entrance, crossed) {
            (Entrance::Way(of), Some(crossed)) => of == crossed,
            // Only one way is watched, so that is the one that was told.
            (Entrance::Way(_), None) => self.task.edges.len() == 1,
            (Entrance::Across | Entrance::Anywhere, _) => false,
        });
        ways.next().map(|edge| edge.kept.edge).filter(|edge| self.counts(*edge))
    }

    fn nearest(&self, place: [f64; 2], size: FrameSize) -> Option<u32> {
        let open = |edge: &&Edge| self.counts(edge.kept.edge);
        let anywhere = self.task.edges.iter().filter(|e| e.entrance == Entrance::Anywhere);
        if let Some(edge) = anywhere.clone().find(open) {
            return Some(edge.kept.edge);
        }
        let off = |edge: &Edge| distance(&edge.kept.points, place, size);
        let of_all = self.task.edges.iter().map(off).fold(f64::INFINITY, f64::min);
        let near = match self.task.counts {
            Counts::Boxes => NEAR_EDGE_BY_BOX,
            Counts::Feet | Counts::Heads | Counts::Crossing => NEAR_EDGE,
        };
        let nearest = self
            .task
            .edges
            .iter()
            .filter(open)
            .min_by(|a, b| off(a).total_cmp(&off(b)))
            .filter(|edge| off(edge) <= of_all + CORNER && of_all <= near)?;
        Some(nearest.kept.edge)
    }

    fn elsewhere(&self, time_ms: Option<u32>) -> String {
        let after = time_ms.map_or(String::new(), |ms| format!(" {ms} ms after coming in"));
        let open: Vec<&str> = self
            .task
            .edges
            .iter()
            .filter(|edge| self.counts(edge.kept.edge))
            .map(|edge| edge.kept.label.as_str())
            .collect();
        match open.as_slice() {
            [] => "Every edge is done; finish the test.".into(),
            open => format!(
                "Somebody was heard{after}, and not across an edge that still counts: {}.",
                open.join(", ")
            ),
        }
    }

    /// Somebody who stays inside without an alarm.
    fn look_at_stay(&mut self, feet: &Feet) -> Option<Finding> {
        let must_alarm = self.task.counts == Counts::Feet;
        if feet.camera != self.task.camera || !must_alarm || self.incident == Incident::Open {
            return None;
        }
        let zone = usize::from(self.task.zone.0);
        let inside = feet.people.iter().find(|foot| {
            foot.verdict == Verdict::Person && foot.track.is_some() && foot.inside.contains(&zone)
        })?;
        let step = Step {
            captured_at: feet.captured_at,
            received_at: feet.received_at,
            foot_norm: inside.at_norm,
            inside: super::path::Inside::Yes,
        };
        let stay = match &mut self.stay {
            Some(stay) if step.captured_at.since(stay.last.captured_at) <= STAY_GAP_MAX => {
                stay.last = step;
                stay.frames += 1;
                *stay
            }
            Some(_) | None => {
                self.stay = Some(Stay { first: step, last: step, frames: 1, told: Told::No });
                return None;
            }
        };
        let limit = Duration::from_millis(self.task.limit_ms.into()) + NO_ALARM_SLACK;
        let lasted = stay.last.captured_at.since(stay.first.captured_at);
        if stay.told == Told::Yes || lasted <= limit {
            return None;
        }
        if let Some(stay) = &mut self.stay {
            stay.told = Told::Yes;
        }
        Some(self.no_alarm(&stay, lasted))
    }

    fn no_alarm(&mut self, stay: &Stay, lasted: Duration) -> Finding {
        let ms = millis(lasted);
        let edge = self.pictures.size().and_then(|size| self.nearest(stay.first.foot_norm, size));
        let Some(edge) = edge else {
            return Finding::Hint(format!(
                "Somebody is inside for {ms} ms and no alarm has come. Leave, and walk in at an edge."
            ));
        };
        let outcome =
            Outcome::Fail { reason: format!("somebody was inside for {ms} ms and no alarm came") };
        self.set_state(edge, &outcome);
        Finding::Attempt(Tried {
            edge,
            at: stay.last.captured_at,
            outcome,
            detected_ms: Some(millis(stay.first.received_at.since(stay.first.captured_at))),
            decided_ms: None,
            time_ms: Some(ms),
            frames: stay.frames,
            incident: None,
            heard: SirenHeard::Sounds,
        })
    }

    /// Whether a walk across this edge still counts.
    pub fn counts(&self, edge: u32) -> bool {
        match self.state(edge) {
            Some(EdgeState::Waiting | EdgeState::Fail) => true,
            Some(EdgeState::Pass | EdgeState::Skipped) | None => false,
        }
    }

    /// As if somebody had been heard in time at this edge.
    #[cfg(test)]
    pub fn pass(&mut self, edge: u32) {
        self.set_state(edge, &Outcome::Pass);
    }

    fn state(&self, edge: u32) -> Option<EdgeState> {
        usize::try_from(edge).ok().and_then(|place| self.states.get(place)).copied()
    }

    fn state_mut(&mut self, edge: u32) -> Option<&mut EdgeState> {
        usize::try_from(edge).ok().and_then(|place| self.states.get_mut(place))
    }

    fn set_state(&mut self, edge: u32, outcome: &Outcome) {
        if let Some(state) = self.state_mut(edge) {
            *state = match outcome {
                Outcome::Pass => EdgeState::Pass,
                Outcome::Fail { .. } => EdgeState::Fail,
            };
        }
    }
}

fn apart(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Whole milliseconds, rounded up: a time is never told shorter than it was.
fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
