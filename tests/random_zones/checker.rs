//! The incidents of one zone by rules 3 to 5 of "The rules, exactly" in docs/design/decision.md,
//! for a film whose pictures come at one pace and whose camera has neither ground, marks nor
//! ignored areas. Written from that text, without a look at the engine.

use num_bigint::BigInt;
use num_rational::BigRational;

use crate::exact::{Area, Length, Point, part, px};
use crate::sightings::{Rules, Sighting, Size};
use crate::zones::{Criterion, Zone};

/// One incident as a reader of the event file sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    pub entries: Vec<Entry>,
    pub end: End,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub at_ms: i64,
    pub frame: usize,
    pub first_seen_ms: i64,
    pub people: usize,
    /// In billionths of the picture.
    pub foot: [i64; 2],
}

#[derive(Clone, Debug, PartialEq)]
pub enum End {
    Left { at_ms: i64, last_inside_ms: i64, entries: usize },
    FootageEnded { at_ms: i64 },
}

/// Somebody the zone knows to be inside.
struct Presence {
    sighting: Sighting,
    first_seen_ms: i64,
    seen_ms: i64,
    told: bool,
    in_the_middle: bool,
}

/// Somebody who may be inside.
struct Candidate {
    sighting: Sighting,
    hits_ms: Vec<i64>,
}

pub struct Checker<'a> {
    zone: &'a Zone,
    area: Area,
    size: Size,
    rules: &'a Rules,
    pictures_ms: Vec<i64>,
    presences: Vec<Presence>,
    candidates: Vec<Candidate>,
    open: Vec<Entry>,
    ended: Vec<Incident>,
}

impl<'a> Checker<'a> {
    pub fn new(zone: &'a Zone, size: Size, rules: &'a Rules) -> Checker<'a> {
        Checker {
            zone,
            area: zone.area(size.width_px, size.height_px),
            size,
            rules,
            pictures_ms: Vec::new(),
            presences: Vec::new(),
            candidates: Vec::new(),
            open: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// One picture; rule 4.
    pub fn look(&mut self, now_ms: i64, sightings: &[Sighting]) {
        self.pictures_ms.push(now_ms);
        let hold_score = part(&px(1), self.rules.hold_score_percent, 100);
        let mut left_over = Vec::new();
        let mut taking_part = Vec::new();
        for sighting in sightings.iter().filter(|s| s.score >= hold_score) {
            let inside = self.is_inside(sighting);
            if inside || (!self.presences.is_empty() && self.is_near(sighting)) {
                taking_part.push((sighting, inside));
            }
        }
        let taken = self.hold(now_ms, &taking_part);
        for (i, (sighting, inside)) in taking_part.iter().enumerate() {
            if *inside && !taken[i] {
                left_over.push(*sighting);
            }
        }
        self.believe(now_ms, &left_over);
        let (told, last_inside_ms) = self.tell(now_ms);
        self.release(now_ms);
        self.enter(now_ms, told);
        if let (Some(last_inside_ms), false) = (last_inside_ms, self.holds_anybody_told()) {
            let entries = std::mem::take(&mut self.open);
            let end = End::Left { at_ms: now_ms, last_inside_ms, entries: entries.len() };
            self.ended.push(Incident { entries, end });
        }
    }

    /// The film is over.
    pub fn finish(mut self, end_ms: i64) -> Vec<Incident> {
        if !self.open.is_empty() {
            self.ended
                .push(Incident { entries: self.open, end: End::FootageEnded { at_ms: end_ms } });
        }
        self.ended
    }

    /// Rule 4.1. Says of each sighting whether somebody was held by it.
    fn hold(&mut self, now_ms: i64, sightings: &[(&Sighting, bool)]) -> Vec<bool> {
        let mut pairs = Vec::new();
        for (p, presence) in self.presences.iter().enumerate() {
            let unseen_ms = now_ms - presence.seen_ms;
            if unseen_ms > self.rules.stranger_after_ms {
                continue;
            }
            let span_ms = unseen_ms.min(self.rules.reach_grows_ms);
            for (s, (sighting, _)) in sightings.iter().enumerate() {
                if self.within_reach(&presence.sighting, sighting, span_ms) {
                    pairs.push((apart(&presence.sighting, sighting), p, s));
                }
            }
        }
        pairs.sort();
        let (mut held, mut taken) =
            (vec![false; self.presences.len()], vec![false; sightings.len()]);
        for (_, p, s) in pairs {
            if !held[p] && !taken[s] {
                (held[p], taken[s]) = (true, true);
                let (sighting, inside) = sightings[s];
                self.presences[p].in_the_middle = inside && self.is_middle(sighting);
                self.presences[p].sighting = sighting.clone();
                self.presences[p].seen_ms = now_ms;
            }
        }
        taken
    }

    /// Rules 4.2 and 4.3.
    fn believe(&mut self, now_ms: i64, left_over: &[&Sighting]) {
        let kept_ms = self.window_ms();
        for candidate in &mut self.candidates {
            candidate.hits_ms.retain(|hit_ms| now_ms - hit_ms <= kept_ms);
        }
        self.candidates.retain(|candidate| !candidate.hits_ms.is_empty());
        let enter_score = part(&px(1), self.rules.enter_score_percent, 100);
        let mut new = Vec::new();
        for &sighting in left_over.iter().filter(|s| s.score >= enter_score) {
            let has_it = |candidate: &Candidate| {
                let last_ms = *candidate.hits_ms.last().expect("has hits");
                last_ms < now_ms
                    && self.within_reach(&candidate.sighting, sighting, now_ms - last_ms)
            };
            let nearest = (0..self.candidates.len())
                .filter(|&c| has_it(&self.candidates[c]))
                .min_by_key(|&c| (apart(&self.candidates[c].sighting, sighting), c));
            let Some(c) = nearest else {
                new.push(Candidate { sighting: sighting.clone(), hits_ms: vec![now_ms] });
                continue;
            };
            self.candidates[c].hits_ms.push(now_ms);
            self.candidates[c].sighting = sighting.clone();
            if let Some(first_seen_ms) = self.evidence(now_ms, &self.candidates[c]) {
                let candidate = self.candidates.remove(c);
                self.presences.push(Presence {
                    in_the_middle: self.is_middle(&candidate.sighting),
                    sighting: candidate.sighting,
                    first_seen_ms,
                    seen_ms: now_ms,
                    told: false,
                });
            }
        }
        self.candidates.append(&mut new);
    }

    /// Rule 4.3 for a camera whose pictures come closer together than the enter window.
    fn window_ms(&self) -> i64 {
        self.zone.enter_window_ms + self.rules.window_more_ms
    }

    /// First sight of somebody who has been seen often enough.
    fn evidence(&self, now_ms: i64, candidate: &Candidate) -> Option<i64> {
        let window_ms = self.window_ms();
        let hits: Vec<i64> =
            candidate.hits_ms.iter().copied().filter(|hit| now_ms - hit <= window_ms).collect();
        let first_ms = *hits.first()?;
        let pictures = self.pictures_ms.iter().filter(|&&at_ms| at_ms >= first_ms).count();
        let enough = hits.len() >= self.rules.hits_min
            && hits.len() * self.rules.pictures_per_hit_max >= pictures
            && now_ms - first_ms >= self.rules.span_min_ms;
        enough.then_some(first_ms)
    }

    /// Rule 4.4: who is told now, with first sight and foot, and when any of those who have been
    /// told was last held.
    fn tell(&mut self, now_ms: i64) -> (Vec<(i64, Point)>, Option<i64>) {
        let dwell_ms = self.zone.dwell_ms;
        let (clear_ms, vanished_ms) = self.kept_ms();
        let mut told = Vec::new();
        for presence in self.presences.iter_mut().filter(|p| !p.told) {
            let kept_ms = if presence.in_the_middle { vanished_ms } else { clear_ms };
            let unseen_ms = now_ms - presence.seen_ms;
            let is_seen = dwell_ms == 0
                || (unseen_ms <= self.rules.told_while_seen_ms && unseen_ms < kept_ms);
            if now_ms - presence.first_seen_ms >= dwell_ms && is_seen {
                presence.told = true;
                told.push((presence.first_seen_ms, presence.sighting.foot.clone()));
            }
        }
        let last_ms = self.presences.iter().filter(|p| p.told).map(|p| p.seen_ms).max();
        (told, last_ms)
    }

    /// How long somebody unseen is kept: near the edge, and in the middle.
    fn kept_ms(&self) -> (i64, i64) {
        let clear_ms = self.zone.clear_after_ms + self.rules.clear_after_more_ms;
        (clear_ms, self.rules.vanished_after_ms.max(clear_ms))
    }

    /// Rule 4.5.
    fn release(&mut self, now_ms: i64) {
        let (clear_ms, vanished_ms) = self.kept_ms();
        self.presences.retain(|presence| {
            let kept_ms = if presence.in_the_middle { vanished_ms } else { clear_ms };
            now_ms - presence.seen_ms < kept_ms
        });
    }

    fn holds_anybody_told(&self) -> bool {
        self.presences.iter().any(|presence| presence.told)
    }

    /// Rule 5. People are counted when the picture is done with, after those who were released.
    fn enter(&mut self, now_ms: i64, told: Vec<(i64, Point)>) {
        let seen = |p: &&Presence| now_ms - p.seen_ms <= self.rules.counted_ms;
        let counted = self.presences.iter().filter(seen).count();
        let people = counted.max(usize::from(!self.presences.is_empty()));
        for (first_seen_ms, foot) in told {
            self.open.push(Entry {
                at_ms: now_ms,
                frame: self.pictures_ms.len() - 1,
                first_seen_ms,
                people,
                foot: [
                    billionths(&foot.x, self.size.width_px),
                    billionths(&foot.y, self.size.height_px),
                ],
            });
        }
    }

    fn within_reach(&self, one: &Sighting, other: &Sighting, span_ms: i64) -> bool {
        let span_ms = u64::try_from(span_ms).expect("time goes on");
        let height = std::cmp::max(&one.height, &other.height);
        let heights = self.rules.reach_percent * 1000 + self.rules.reach_percent_per_s * span_ms;
        let reach = part(height, heights, 100_000);
        let square = &reach * &reach;
        apart(one, other) <= square
            || one.top_centre.square_of_distance(&other.top_centre) <= square
    }

    /// Rule 3, inside.
    fn is_inside(&self, sighting: &Sighting) -> bool {
        let by_foot = || {
            self.area.contains(&sighting.foot)
                || sighting.estimate.as_ref().is_some_and(|e| self.area.touches_stretch(&e.0, &e.1))
        };
        match (self.zone.criterion, &sighting.clipped) {
            (Criterion::Foot, _) | (_, None) => by_foot(),
            (Criterion::Any, Some(clipped)) => self.area.touches_box(clipped) || by_foot(),
            (Criterion::Share(hundredths), Some(clipped)) => {
                self.area.share_of(clipped) >= ratio(hundredths, 100)
            }
        }
    }

    /// Rule 3, near.
    fn is_near(&self, sighting: &Sighting) -> bool {
        let margin = &sighting.margin;
        let by_foot = || {
            self.area.is_near(&sighting.foot, margin)
                || sighting.estimate.as_ref().is_some_and(|(from, to)| {
                    self.area.touches_stretch(from, to)
                        || self.area.is_near(from, margin)
                        || self.area.is_near(to, margin)
                })
        };
        match (self.zone.criterion, &sighting.clipped) {
            (Criterion::Foot, _) | (_, None) => by_foot(),
            (Criterion::Any, Some(clipped)) => {
                self.area.touches_box(&clipped.grown(margin)) || by_foot()
            }
            (Criterion::Share(hundredths), Some(clipped)) => {
                let least = hundredths * self.rules.holding_share_percent;
                self.area.share_of(clipped) >= ratio(least, 10_000)
            }
        }
    }

    /// Whether everything around the foot is inside too: nobody leaves from here unseen.
    fn is_middle(&self, sighting: &Sighting) -> bool {
        let step = part(&sighting.height, self.rules.middle_percent, 100);
        let (zero, back) = (BigInt::ZERO, -&step);
        [(&back, &zero), (&step, &zero), (&zero, &back), (&zero, &step)]
            .into_iter()
            .all(|(x, y)| self.area.contains(&sighting.foot.moved(x, y)))
    }
}

/// The square of how far apart two bottom centres are.
fn apart(one: &Sighting, other: &Sighting) -> BigInt {
    one.bottom_centre.square_of_distance(&other.bottom_centre)
}

fn ratio(numerator: u64, denominator: u64) -> BigRational {
    BigRational::new(BigInt::from(numerator), BigInt::from(denominator))
}

fn billionths(length: &Length, whole_px: u32) -> i64 {
    let value: BigInt = (length * 2_000_000_000 / px(whole_px) + 1) / 2;
    value.to_string().parse().expect("a fraction of the picture")
}
