//! Who is inside an area: candidates, presences, arrivals. The rule is told in `zone`.

use std::cmp::Ordering;
use std::time::Duration;

use super::super::Verdict;
use super::super::detection::{Detection, FrameSize, PixelBox};
use super::super::geometry::Area;
use super::super::site::Criterion;
use super::super::time::Instant;
use super::super::tracking::reachable;
use super::evidence::Hit;
use super::inside::{inside, near};
use super::{Arrival, Change, Look, PEOPLE_MAX, Rules, Telling, foot_distance};

/// Further from the edge than this (body heights) counts as the middle of the zone.
const MIDDLE_HEIGHTS: f64 = 0.5;

/// Somebody not seen for longer still holds the zone but is not counted: who left and who stayed in
/// a crowd would otherwise add up.
const COUNTED_FOR: Duration = Duration::from_millis(500);

/// Somebody not seen for longer, because sight was lost, is not recognised: whoever is there then
/// enters anew and alarms anew. Long enough for the vision process to be started again.
const STRANGER_AFTER: Duration = Duration::from_secs(10);

/// What an engineer marked or ignored holds a presence for this long, since somebody may stand right
/// there; then it is what the engineer said. Without an end, whoever leaves beside a marked thing
/// would be inside for ever, and an alarm that the thing itself raised would never clear.
const EXPLAINED_AFTER: Duration = Duration::from_secs(60);

/// Reach does not grow beyond what a person can cover in this time.
const REACH_GROWS_FOR: Duration = Duration::from_secs(2);

/// A zone's memory of people.
#[derive(Clone, Debug, PartialEq)]
pub struct Occupancy {
    area: Area,
    criterion: Criterion,
    rules: Rules,
    candidates: Vec<Candidate>,
    presences: Vec<Presence>,
    /// When the newest picture was taken.
    newest: Instant,
}

/// Somebody who may be entering.
#[derive(Clone, Debug, PartialEq)]
struct Candidate {
    hits: Vec<Hit>,
    bounds: PixelBox,
}

/// Somebody who is inside.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Presence {
    bounds: PixelBox,
    /// The evidence of the entry.
    entry: Arrival,
    told: Told,
    /// When a detection last held it: reach grows from here.
    seen_at: Instant,
    /// The same, moved on past times without sight: the way out is counted from here.
    held_at: Instant,
    /// When what held it was last not explained away by an engineer.
    unexplained_at: Instant,
    /// What the detection that held it last was taken for.
    held_by: Verdict,
    /// Whether the last hold was far from every way out.
    in_the_middle: bool,
}

/// Whether the arrival has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    NotYet,
    Yes,
}

/// A detection inside the zone or near it.
#[derive(Clone, Copy, Debug)]
struct Spot {
    index: usize,
    detection: Detection,
    anchor_norm: (f64, f64),
    inside: bool,
    verdict: Verdict,
}

/// How far a detection is from where a presence was, which presence, which detection.
type Pair = (f64, usize, usize);

/// The nearer pair first; of equals the older presence, then the detector's order.
fn nearer(a: &Pair, b: &Pair) -> Ordering {
    a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2)))
}

impl Occupancy {
    pub fn new(area: Area, criterion: Criterion, rules: Rules) -> Occupancy {
        Occupancy {
            area,
            criterion,
            rules,
            candidates: Vec::new(),
            presences: Vec::new(),
            newest: Instant::ZERO,
        }
    }

    /// Where the zone is.
    pub fn area(&self) -> &Area {
        &self.area
    }

    /// The zone was drawn anew: whoever is inside stays known, and leaves the usual way if that is
    /// outside now.
    pub fn redraw(&mut self, area: Area, criterion: Criterion, rules: Rules) {
        (self.area, self.criterion, self.rules) = (area, criterion, rules);
    }

    /// People inside: those seen within `COUNTED_FOR`, and at least one while anybody holds the zone.
    pub fn people(&self) -> usize {
        self.count(|_| true)
    }

    /// The same without those that a doubtful detection held last: it may be a thing beside which
    /// somebody stood who has left.
    pub fn people_beyond_doubt(&self) -> usize {
        self.count(|presence| presence.held_by == Verdict::Person)
    }

    fn count(&self, counts: impl Fn(&Presence) -> bool) -> usize {
        let held = || self.presences.iter().filter(|presence| counts(presence));
        let seen = held().filter(|it| self.newest.since(it.seen_at) <= COUNTED_FOR).count();
        seen.max(usize::from(held().next().is_some()))
    }

    /// Everybody who still holds the zone, seen or not: nobody says that they have left.
    pub fn held(&self) -> usize {
        self.presences.len()
    }

    /// Takes one picture.
    pub fn look(&mut self, look: Look<'_>) -> Change {
        let near = look.crowd.near(&self.area, self.criterion);
        if near.is_empty() && self.candidates.is_empty() && self.presences.is_empty() {
            return Change::default();
        }
        self.newest = look.at;
        let mut free = self.inside_or_near(&near, look);
        self.hold(&mut free, look);
        free.retain(|spot| {
            spot.inside
                && spot.verdict == Verdict::Person
                && spot.detection.score.get() >= self.rules.enter_score
        });
        self.extend_candidates(&free, look);
        self.admit(&free, look);
        let arrivals = match look.telling {
            Telling::Tell => self.tell(),
            Telling::Follow => Vec::new(),
        };
        Change { arrivals, cleared: self.release(look.at) }
    }

    /// Everybody inside long enough who has not been told yet: to be told from now on.
    pub fn tell(&mut self) -> Vec<Arrival> {
        let (newest, rules) = (self.newest, self.rules);
        let dwell = rules.dwell;
        let due = |presence: &&mut Presence| {
            // Whoever must dwell must be seen to dwell, and whoever is let go now has left before.
            let seen = newest.since(presence.seen_at) <= COUNTED_FOR;
            let there = dwell.is_zero() || (seen && presence.stays(&rules, newest));
            presence.told == Told::NotYet
                && there
                && newest.since(presence.entry.first_seen_at) >= dwell
        };
        let tell = |presence: &mut Presence| {
            presence.told = Told::Yes;
            presence.entry
        };
        self.presences.iter_mut().filter(due).map(tell).collect()
    }

    /// Takes over everybody inside a zone that was of another kind; they are told anew.
    pub(super) fn take_people(&mut self, from: Occupancy) {
        (self.candidates, self.newest) = (from.candidates, from.newest);
        let untold = |presence: Presence| Presence { told: Told::NotYet, ..presence };
        self.presences = from.presences.into_iter().map(untold).collect();
    }

    /// The entry of whoever was seen last.
    pub fn newest_entry(&self) -> Option<Arrival> {
        self.presences.iter().max_by_key(|presence| presence.seen_at).map(|p| p.entry)
    }

    /// Sight is lost, or was until now: nobody is known to have left, so nobody's way out runs on.
    pub fn time_stood_still(&mut self, at: Instant) {
        for presence in &mut self.presences {
            presence.held_at = presence.held_at.max(at);
            presence.unexplained_at = presence.unexplained_at.max(at);
        }
    }

    fn inside_or_near(&self, near_by: &[usize], look: Look<'_>) -> Vec<Spot> {
        let mut spots = Vec::new();
        let score_min = self.rules.hold_score.min(self.rules.enter_score);
        for &index in near_by {
            let sighting = &look.crowd.sightings()[index];
            if sighting.detection.score.get() < score_min {
                continue;
            }
            let inside = inside(&self.area, self.criterion, look.crowd, index);
            // The margin matters to somebody who was inside; without them the edge is exact.
            let holds = || near(&self.area, self.criterion, look.crowd, index, look.size);
            if inside || (!self.presences.is_empty() && holds()) {
                spots.push(Spot {
                    index,
                    detection: sighting.detection,
                    anchor_norm: sighting.anchor.foot_norm,
                    inside,
                    verdict: sighting.verdict,
                });
            }
        }
        spots
    }

    /// Gives each presence the nearest detection within reach; removes those from `free`.
    fn hold(&mut self, free: &mut Vec<Spot>, look: Look<'_>) {
        if self.presences.is_empty() || free.is_empty() {
            return;
        }
        if self.presences.len() == 1 || free.len() == 1 {
            // The usual case by far: only the nearest pair can be taken.
            if let Some((_, p, s)) = self.pairs(free, look).min_by(nearer) {
                let spot = free.remove(s);
                self.take(p, spot, look);
            }
            return;
        }
        let mut held = vec![false; self.presences.len()];
        let mut used = vec![false; free.len()];
        while held.contains(&false) && used.contains(&false) {
            // Taking the nearest pair of all, again and again, takes every pair in which each is
            // nearest to the other: no need to sort them all.
            let mut nearest_to_presence: Vec<Option<Pair>> = vec![None; held.len()];
            let mut nearest_to_spot: Vec<Option<Pair>> = vec![None; used.len()];
            for pair in self.pairs(free, look).filter(|&(_, p, s)| !held[p] && !used[s]) {
                let (_, p, s) = pair;
                for nearest in [&mut nearest_to_presence[p], &mut nearest_to_spot[s]] {
                    if nearest.is_none_or(|nearest| nearer(&pair, &nearest).is_lt()) {
                        *nearest = Some(pair);
                    }
                }
            }
            let mutual = |pair: &Pair| nearest_to_spot[pair.2] == Some(*pair);
            let taken: Vec<Pair> =
                nearest_to_presence.into_iter().flatten().filter(mutual).collect();
            if taken.is_empty() {
                break;
            }
            for (_, p, s) in taken {
                (held[p], used[s]) = (true, true);
                self.take(p, free[s], look);
            }
        }
        let mut used = used.into_iter();
        free.retain(|_| !used.next().unwrap_or(false));
    }

    /// Which detections may hold which presences.
    fn pairs(&self, free: &[Spot], look: Look<'_>) -> impl Iterator<Item = Pair> {
        let hold_score = self.rules.hold_score;
        self.presences.iter().enumerate().flat_map(move |(p, presence)| {
            let unseen = look.at.since(presence.seen_at);
            let known = unseen <= STRANGER_AFTER;
            let unseen = unseen.min(REACH_GROWS_FOR).as_secs_f64();
            let doubted = look.at.since(presence.unexplained_at) <= EXPLAINED_AFTER;
            let may_hold = move |spot: &Spot| {
                known
                    && spot.detection.score.get() >= hold_score
                    && (doubted || !explained(spot.verdict))
                    && reachable(presence.bounds, spot.detection.bounds, unseen)
            };
            let holding = free.iter().enumerate().filter(move |(_, spot)| may_hold(spot));
            holding
                .map(move |(s, spot)| (foot_distance(presence.bounds, spot.detection.bounds), p, s))
        })
    }

    /// This detection holds this presence now.
    fn take(&mut self, p: usize, spot: Spot, look: Look<'_>) {
        let in_the_middle = self.in_the_middle(&spot, look.size);
        let presence = &mut self.presences[p];
        (presence.bounds, presence.in_the_middle) = (spot.detection.bounds, in_the_middle);
        (presence.seen_at, presence.held_at) = (look.at, look.at);
        presence.held_by = spot.verdict;
        if !explained(spot.verdict) {
            presence.unexplained_at = look.at;
        }
        if presence.told == Told::NotYet {
            presence.entry.anchor_norm = spot.anchor_norm;
        }
    }

    /// Adds each detection to the candidate it may belong to, or starts one.
    fn extend_candidates(&mut self, free: &[Spot], look: Look<'_>) {
        // An old sight must not draw a new one away from the candidate that it would complete.
        let (at, kept) = (look.at, look.pace.window(self.rules));
        for candidate in &mut self.candidates {
            candidate.hits.retain(|hit| at.since(hit.at) <= kept);
        }
        self.candidates.retain(|candidate| !candidate.hits.is_empty());
        let mut extended = vec![false; self.candidates.len()];
        for spot in free {
            let hit = Hit { at, score: spot.detection.score };
            let nearest = (0..extended.len())
                .filter(|&c| !extended[c] && self.candidates[c].reaches(spot, at))
                .min_by(|&a, &b| {
                    let far =
                        |c: usize| foot_distance(self.candidates[c].bounds, spot.detection.bounds);
                    far(a).total_cmp(&far(b)).then(a.cmp(&b))
                });
            match nearest {
                Some(c) => {
                    extended[c] = true;
                    self.candidates[c].hits.push(hit);
                    self.candidates[c].bounds = spot.detection.bounds;
                }
                None if self.candidates.len() < PEOPLE_MAX => {
                    let bounds = spot.detection.bounds;
                    self.candidates.push(Candidate { hits: vec![hit], bounds });
                }
                None => {}
            }
        }
    }

    /// Turns candidates with enough evidence into presences.
    fn admit(&mut self, free: &[Spot], look: Look<'_>) {
        for spot in free {
            let position = self.candidates.iter().position(|candidate| {
                candidate.bounds == spot.detection.bounds
                    && candidate.hits.last().is_some_and(|hit| hit.at == look.at)
            });
            let Some(position) = position else { continue };
            let evidence = look.pace.evidence(&self.candidates[position].hits, self.rules);
            let Some((first_seen_at, score)) = evidence else {
                continue;
            };
            if self.presences.len() >= PEOPLE_MAX {
                continue;
            }
            self.candidates.remove(position);
            self.presences.push(Presence {
                bounds: spot.detection.bounds,
                entry: Arrival {
                    first_seen_at,
                    score,
                    track: look.crowd.sightings()[spot.index].track,
                    anchor_norm: spot.anchor_norm,
                },
                told: Told::NotYet,
                seen_at: look.at,
                held_at: look.at,
                unexplained_at: look.at,
                held_by: spot.verdict,
                in_the_middle: self.in_the_middle(spot, look.size),
            });
        }
    }

    /// Drops presences that nothing has held for long enough; when the last one that was told
    /// goes, says when somebody was last seen.
    fn release(&mut self, at: Instant) -> Option<Instant> {
        let told = |presence: &&Presence| presence.told == Told::Yes;
        let last = self.presences.iter().filter(told).map(|presence| presence.held_at).max();
        let rules = self.rules;
        self.presences.retain(|presence| presence.stays(&rules, at));
        if self.presences.iter().any(|presence| presence.told == Told::Yes) { None } else { last }
    }

    /// Whether somebody seen here could not leave unseen: far from the zone's edge on all sides, and
    /// from the picture's.
    fn in_the_middle(&self, spot: &Spot, size: FrameSize) -> bool {
        let b = spot.detection.bounds;
        let reach_px = MIDDLE_HEIGHTS * b.height();
        let (x, y) = spot.anchor_norm;
        let (dx, dy) = (reach_px / size.width_px(), reach_px / size.height_px());
        let around = [(x - dx, y), (x + dx, y), (x, y - dy), (x, y + dy)];
        spot.inside && around.iter().all(|&point| self.area.contains(point))
    }
}

impl Presence {
    /// Whether somebody not held since then is still taken to be inside.
    fn stays(&self, rules: &Rules, at: Instant) -> bool {
        let kept = if self.in_the_middle { rules.vanished_after } else { rules.clear_after };
        at.since(self.held_at) < kept
    }
}

/// Whether an engineer said what this is.
fn explained(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Marked | Verdict::Ignored => true,
        // Only our own guess: too small may be what is left to see of somebody who lies there.
        Verdict::Person | Verdict::TooSmall => false,
    }
}

impl Candidate {
    fn reaches(&self, spot: &Spot, at: Instant) -> bool {
        self.hits.last().is_some_and(|last| {
            reachable(self.bounds, spot.detection.bounds, at.since(last.at).as_secs_f64())
        })
    }
}
