//! Did somebody cross the line? On the path of the foot point, not on track numbers.
//!
//! A **walker** is a chain of detections that one person could have produced, as a candidate of an
//! area is. Its **balance** counts the exact crossings of its foot's path, one way less the other.
//! Somebody **settles** where the foot is further from the line than the margin of jitter. A walker
//! whose balance differs from when they last settled, in the forbidden direction, has crossed once
//! that was seen by the rule of evidence that entries have; once for each time they settle.
//!
//! A jump beyond reach starts a new walker, so it never crosses. Somebody who vanishes right after
//! the first look beyond the line (the picture ends there) has crossed if that look was clear of it.

use std::time::Duration;

use super::super::TrackId;
use super::super::Verdict;
use super::super::detection::{PixelBox, Score};
use super::super::geometry::{Line, PointNorm};
use super::super::site::Direction;
use super::super::time::Instant;
use super::super::tracking::reachable;
use super::evidence::Hit;
use super::{
    Arrival, Change, Look, PEOPLE_MAX, Rules, Sighting, Telling, foot_distance, margin_px,
};

/// A walker not seen for longer is over: beyond this a camera counts as blind anyway.
const WALKER_KEPT: Duration = Duration::from_millis(800);

/// A line and whoever walks near it.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Tripwire {
    line: Line,
    direction: Direction,
    rules: Rules,
    walkers: Vec<Walker>,
    /// The newest crossing that was told, until `clear_after` has passed.
    crossed_at: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq)]
struct Walker {
    bounds: PixelBox,
    foot_norm: PointNorm,
    seen_at: Instant,
    score: Score,
    track: Option<TrackId>,
    balance: i32,
    /// The balance when the foot was last clear of the line.
    settled: i32,
    /// Looks at the forbidden side since then, oldest first.
    beyond: Vec<Hit>,
    clear_of_line: Clear,
    /// When a crossing since the last settling was told.
    told_at: Option<Instant>,
    /// Looks before the forbidden side, up to what is needed.
    before: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clear {
    Yes,
    No,
}

impl Tripwire {
    pub fn new(line: Line, direction: Direction, rules: Rules) -> Tripwire {
        Tripwire { line, direction, rules, walkers: Vec::new(), crossed_at: None }
    }

    /// The line was drawn anew: where people stand to it must be seen anew.
    pub fn redraw(&mut self, line: Line, direction: Direction, rules: Rules) {
        if self.line != line {
            self.walkers.clear();
        }
        (self.line, self.direction, self.rules) = (line, direction, rules);
    }

    /// Nobody was seen until now: the time in which the incident ends does not run on.
    pub fn time_stood_still(&mut self, at: Instant) {
        self.crossed_at = self.crossed_at.map(|crossed| crossed.max(at));
    }

    /// Takes one picture.
    pub fn look(&mut self, look: Look<'_>) -> Change {
        let seen = self.advance(look);
        let mut arrivals = Vec::new();
        for w in seen {
            arrivals.extend(self.judge(w, look));
        }
        arrivals.extend(self.vanished(look));
        if look.telling == Telling::Follow {
            arrivals.clear();
        }
        if !arrivals.is_empty() {
            self.crossed_at = Some(look.at);
        }
        let over = |crossed: &Instant| look.at.since(*crossed) >= self.rules.clear_after;
        let cleared = self.crossed_at.filter(over);
        if cleared.is_some() {
            self.crossed_at = None;
        }
        Change { arrivals, cleared }
    }

    /// Gives each walker the nearest detection within reach, and starts new ones. Returns the
    /// walkers seen now.
    fn advance(&mut self, look: Look<'_>) -> Vec<usize> {
        let score_min = self.rules.hold_score.min(self.rules.enter_score);
        let usable =
            |s: &&Sighting| s.verdict == Verdict::Person && s.detection.score.get() >= score_min;
        let free: Vec<&Sighting> = look.crowd.sightings().iter().filter(usable).collect();
        let mut pairs = Vec::new();
        for (w, walker) in self.walkers.iter().enumerate() {
            let unseen = look.at.since(walker.seen_at);
            if unseen > WALKER_KEPT {
                continue;
            }
            for (s, sighting) in free.iter().enumerate() {
                let bounds = sighting.detection.bounds;
                if reachable(walker.bounds, bounds, unseen.as_secs_f64()) {
                    pairs.push((foot_distance(walker.bounds, bounds), w, s));
                }
            }
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let mut moved = vec![false; self.walkers.len()];
        let mut used = vec![false; free.len()];
        for (_, w, s) in pairs {
            if !moved[w] && !used[s] {
                (moved[w], used[s]) = (true, true);
                self.walkers[w].step(free[s], &self.line, look.at);
            }
        }
        let mut seen: Vec<usize> = (0..moved.len()).filter(|&w| moved[w]).collect();
        for (sighting, _) in free.iter().zip(used).filter(|(_, used)| !used) {
            let strong = sighting.detection.score.get() >= self.rules.enter_score;
            if strong && self.walkers.len() < PEOPLE_MAX {
                seen.push(self.walkers.len());
                self.walkers.push(Walker::new(sighting, look.at));
            }
        }
        seen
    }

    /// Whether the walker, seen now, has crossed; settles those clear of the line.
    fn judge(&mut self, w: usize, look: Look<'_>) -> Option<Arrival> {
        let rules = self.rules;
        let walker = &mut self.walkers[w];
        let margin = margin_px(walker.bounds);
        let clear = self.line.distance_px(walker.foot_norm, look.size) >= margin;
        walker.clear_of_line = if clear { Clear::Yes } else { Clear::No };
        if !forbidden(self.direction, walker.balance - walker.settled) {
            walker.beyond.clear();
            walker.before = walker.before.saturating_add(1);
            if clear {
                walker.settle();
            }
            return None;
        }
        if walker.score.get() >= rules.enter_score {
            walker.beyond.push(Hit { at: look.at, score: walker.score });
        }
        let (first_seen_at, score) = look.pace.evidence(&walker.beyond, rules)?;
        // Told already while on the line; told again if the rest of the way took long.
        let news = match walker.told_at {
            None => true,
            Some(told) => clear && look.at.since(told) >= rules.clear_after,
        };
        let arrival =
            Arrival { first_seen_at, score, track: walker.track, anchor_norm: walker.foot_norm };
        if clear {
            walker.settle();
        } else if news {
            walker.told_at = Some(look.at);
        }
        news.then_some(arrival)
    }

    /// Drops walkers who are over; those last seen clear beyond the line have crossed it.
    fn vanished(&mut self, look: Look<'_>) -> Vec<Arrival> {
        let direction = self.direction;
        let over = |walker: &Walker| look.at.since(walker.seen_at) > WALKER_KEPT;
        let crossed = |walker: &&Walker| {
            forbidden(direction, walker.balance - walker.settled)
                && walker.told_at.is_none()
                && walker.clear_of_line == Clear::Yes
                && walker.before >= BEFORE_MIN
        };
        let arrival = |walker: &Walker| {
            let hit = walker.beyond.last()?;
            Some(Arrival {
                first_seen_at: hit.at,
                score: hit.score,
                track: walker.track,
                anchor_norm: walker.foot_norm,
            })
        };
        let gone = self.walkers.iter().filter(|walker| over(walker));
        let arrivals = gone.filter(crossed).filter_map(arrival).collect();
        self.walkers.retain(|walker| !over(walker));
        arrivals
    }
}

/// Looks before the line that make a single one beyond it believable.
const BEFORE_MIN: u32 = 2;

/// Whether a path with this balance went the forbidden way.
fn forbidden(direction: Direction, balance: i32) -> bool {
    match direction {
        Direction::LeftToRight => balance > 0,
        Direction::RightToLeft => balance < 0,
        Direction::Both => balance != 0,
    }
}

impl Walker {
    fn new(sighting: &Sighting, at: Instant) -> Walker {
        Walker {
            bounds: sighting.detection.bounds,
            foot_norm: sighting.anchor.foot_norm,
            seen_at: at,
            score: sighting.detection.score,
            track: sighting.track,
            balance: 0,
            settled: 0,
            beyond: Vec::new(),
            clear_of_line: Clear::No,
            told_at: None,
            before: 0,
        }
    }

    fn step(&mut self, sighting: &Sighting, line: &Line, at: Instant) {
        let foot_norm = sighting.anchor.foot_norm;
        self.balance += line.crossings(self.foot_norm, foot_norm);
        (self.foot_norm, self.bounds) = (foot_norm, sighting.detection.bounds);
        (self.seen_at, self.score) = (at, sighting.detection.score);
        self.track = sighting.track;
    }

    fn settle(&mut self) {
        self.settled = self.balance;
        self.told_at = None;
        self.beyond.clear();
    }
}
