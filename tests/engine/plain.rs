//! The decision once more, in the plainest way: every zone asks about everybody, every pair is
//! compared, nothing is indexed or left out early. Written from `docs/design/decision.md`, rules 3 to
//! 5. The engine must give the same entries and ends, whatever it does to be quick.

use std::time::Duration;

use proptest::prelude::*;
use standclear::engine::detection::{Detection, FrameSize, PixelBox};
use standclear::engine::geometry::Area;
use standclear::engine::time::Instant;
use standclear::engine::zone::Rules;
use standclear::engine::{Anchor, CameraSpec, EventKind, Restored, ZoneIndex, ZoneSpec};

use crate::exact::{ring, segment_touches_exactly};
use crate::world::{CAMERA, World, area, cases, person_sized, size};

fn seconds(from: Instant, to: Instant) -> f64 {
    to.since(from).as_secs_f64()
}

fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

fn far(a: PixelBox, b: PixelBox) -> (f64, f64) {
    let across = (a.left() + a.width() / 2.0) - (b.left() + b.width() / 2.0);
    (across.hypot(a.bottom() - b.bottom()), across.hypot(a.top() - b.top()))
}

fn within_reach(a: PixelBox, b: PixelBox, seconds: f64) -> bool {
    let (feet, heads) = far(a, b);
    feet.min(heads) <= (0.5 + 5.0 * seconds) * a.height().max(b.height())
}

/// Somebody who may be entering.
struct Candidate {
    hits: Vec<Instant>,
    last: PixelBox,
}

/// Somebody inside.
struct Presence {
    last: PixelBox,
    seen: Instant,
    middle: bool,
}

/// One restricted zone with the foot criterion.
struct Zone {
    area: Area,
    candidates: Vec<Candidate>,
    presences: Vec<Presence>,
}

/// What happened to a zone in a picture: somebody entered, with the foot there, or all have left.
#[derive(Clone, Debug, PartialEq)]
enum Happened {
    Entered { zone: u16, foot_norm: (f64, f64) },
    Cleared { zone: u16 },
}

impl Zone {
    fn inside(&self, anchor: Anchor) -> bool {
        let touched = |(a, b)| segment_touches_exactly(&self.area.polygons(), a, b);
        self.area.contains(anchor.foot_norm)
            || anchor.estimated.is_some_and(|f| touched((f.from_norm, f.to_norm)))
    }

    fn near(&self, d: Detection, anchor: Anchor, size: FrameSize) -> bool {
        let margin = (0.08 * d.bounds.height()).max(3.0);
        let close = |point| self.area.distance_px(point, size) <= margin;
        self.inside(anchor)
            || close(anchor.foot_norm)
            || anchor.estimated.is_some_and(|f| close(f.from_norm) || close(f.to_norm))
    }

    fn in_the_middle(&self, d: Detection, anchor: Anchor, size: FrameSize) -> bool {
        let half = 0.5 * d.bounds.height();
        let (x, y) = anchor.foot_norm;
        let (dx, dy) = (half / size.width_px(), half / size.height_px());
        let around = [(x - dx, y), (x + dx, y), (x, y - dy), (x, y + dy)];
        self.inside(anchor) && around.into_iter().all(|point| self.area.contains(point))
    }

    fn look(
        &mut self,
        zone: u16,
        seen: &[(Detection, Anchor)],
        pictures: &[Instant],
    ) -> Vec<Happened> {
        let (size, now) = (size(), *pictures.last().expect("this one"));
        let holding = !self.presences.is_empty();
        let mut free: Vec<(Detection, Anchor)> = seen
            .iter()
            .copied()
            .filter(|(d, _)| d.score.get() >= 0.2)
            .filter(|&(d, a)| self.inside(a) || (holding && self.near(d, a, size)))
            .collect();
        self.hold(&mut free, now);
        free.retain(|&(d, a)| d.score.get() >= 0.3 && self.inside(a));
        self.gather(&free, pictures);
        let mut happened = Vec::new();
        for &(d, anchor) in &free {
            let last_now = |c: &Candidate| c.last == d.bounds && c.hits.last() == Some(&now);
            let Some(c) = self.candidates.iter().position(last_now) else { continue };
            if somebody(&self.candidates[c].hits, pictures) {
                self.candidates.remove(c);
                let middle = self.in_the_middle(d, anchor, size);
                self.presences.push(Presence { last: d.bounds, seen: now, middle });
                happened.push(Happened::Entered { zone, foot_norm: anchor.foot_norm });
            }
        }
        let held = !self.presences.is_empty();
        self.presences.retain(|p| now.since(p.seen) < ms(if p.middle { 2000 } else { 1000 }));
        if held && self.presences.is_empty() {
            happened.push(Happened::Cleared { zone });
        }
        happened
    }

    /// Every pair, nearest first.
    fn hold(&mut self, free: &mut Vec<(Detection, Anchor)>, now: Instant) {
        let mut pairs = Vec::new();
        for (p, presence) in self.presences.iter().enumerate() {
            for (s, (d, _)) in free.iter().enumerate() {
                let unseen = seconds(presence.seen, now).min(2.0);
                if within_reach(presence.last, d.bounds, unseen) {
                    pairs.push((far(presence.last, d.bounds).0, p, s));
                }
            }
        }
        pairs.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
        let (mut held, mut used) = (Vec::new(), Vec::new());
        for (_, p, s) in pairs {
            if held.contains(&p) || used.contains(&s) {
                continue;
            }
            held.push(p);
            used.push(s);
            let (d, anchor) = free[s];
            let middle = self.in_the_middle(d, anchor, size());
            self.presences[p] = Presence { last: d.bounds, seen: now, middle };
        }
        let mut index = 0..;
        free.retain(|_| !used.contains(&index.next().expect("endless")));
    }

    fn gather(&mut self, free: &[(Detection, Anchor)], pictures: &[Instant]) {
        let now = pictures[pictures.len() - 1];
        let window = window(pictures);
        for candidate in &mut self.candidates {
            candidate.hits.retain(|hit| now.since(*hit) <= window);
        }
        self.candidates.retain(|candidate| !candidate.hits.is_empty());
        for (d, _) in free {
            let nearest = self
                .candidates
                .iter_mut()
                .filter(|c| *c.hits.last().expect("not empty") < now)
                .filter(|c| within_reach(c.last, d.bounds, seconds(c.hits[c.hits.len() - 1], now)))
                .min_by(|a, b| far(a.last, d.bounds).0.total_cmp(&far(b.last, d.bounds).0));
            match nearest {
                Some(candidate) => {
                    candidate.hits.push(now);
                    candidate.last = d.bounds;
                }
                None => self.candidates.push(Candidate { hits: vec![now], last: d.bounds }),
            }
        }
    }
}

/// How far back evidence reaches.
fn window(pictures: &[Instant]) -> Duration {
    match pictures {
        [.., previous, now] if now.since(*previous) <= ms(700) => ms(300).max(now.since(*previous)),
        _ => ms(300),
    }
}

fn somebody(hits: &[Instant], pictures: &[Instant]) -> bool {
    let now = pictures[pictures.len() - 1];
    let first = hits[0];
    let chances = pictures.iter().filter(|taken| **taken >= first).count();
    let kept = &pictures[pictures.len().saturating_sub(48)..];
    let mut gaps: Vec<Duration> = kept.windows(2).map(|w| w[1].since(w[0])).collect();
    gaps.sort();
    let slow = gaps.len() >= 3 && gaps[gaps.len() / 2] > ms(300);
    slow || (hits.len() >= 2 && 2 * hits.len() >= chances && now.since(first) >= ms(85))
}

/// Somebody's box by foot, height, shape and score, and how they go on.
type Walker = (f64, f64, f64, f64, f32, (f64, f64));

fn walker() -> impl Strategy<Value = Walker> {
    let place = (0.0..1000.0f64, 100.0..1050.0f64);
    let speed = (-60.0..60.0f64, -40.0..40.0f64);
    (place, 30.0..300.0f64, 0.3..1.2f64, 0.1..=1.0f32, speed)
        .prop_map(|((x, y), height, aspect, score, speed)| (x, y, height, aspect, score, speed))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(150)))]

    #[test]
    fn quick_and_plain_walk_over_zones_and_people_agree(
        rings in prop::collection::vec(ring(), 1..12),
        walkers in prop::collection::vec(walker(), 0..10),
        seen in prop::collection::vec(prop::collection::vec(0.0..1.0f64, 10), 10..40),
        gaps_ms in prop::collection::vec(prop::sample::select(vec![33u64, 40, 100, 200, 400]), 40),
        steady in any::<bool>(),
    ) {
        let valid = rings.into_iter().filter(|ring| Area::new(&[vec![ring.clone()]]).is_ok());
        let mut zones: Vec<Zone> = valid
            .map(|ring| Zone { area: area(&ring), candidates: vec![], presences: vec![] })
            .collect();
        let specs = zones.iter().map(|zone| ZoneSpec::restricted(zone.area.clone(), Rules::DEFAULT));
        let spec = CameraSpec { zones: specs.collect(), ..CameraSpec::default() };
        let mut world = World::of(spec, &Restored::default());
        let mut pictures: Vec<Instant> = Vec::new();
        for (i, luck) in seen.iter().enumerate() {
            world.wait(ms(if steady { gaps_ms[0] } else { gaps_ms[i] }));
            pictures.push(world.now);
            let t = seconds(pictures[0], world.now);
            let people: Vec<Detection> = walkers
                .iter()
                .zip(luck)
                .filter(|(_, luck)| **luck < 0.8)
                .map(|((x, y, height, aspect, score, (vx, vy)), luck)| {
                    // The box comes and goes a little, and sometimes the legs do.
                    let legs = if *luck < 0.1 { 0.5 } else { 1.0 };
                    let y = y + vy * t - (1.0 - legs) * height;
                    person_sized(x + vx * t + 5.0 * luck, y, aspect * height, legs * height, *score)
                })
                .collect();
            let effects = world.picture(&people);
            let happened: Vec<Happened> = effects
                .events
                .iter()
                .filter_map(|event| match &event.kind {
                    EventKind::IncidentStarted { zone: ZoneIndex(zone), entry, .. }
                    | EventKind::PersonEntered { zone: ZoneIndex(zone), entry, .. } => {
                        Some(Happened::Entered { zone: *zone, foot_norm: entry.anchor_norm })
                    }
                    EventKind::IncidentEnded { zone: ZoneIndex(zone), .. } => {
                        Some(Happened::Cleared { zone: *zone })
                    }
                    _ => None,
                })
                .collect();
            let anchors = world.engine.looked(CAMERA).iter().map(|looked| looked.anchor);
            let seen: Vec<_> = people.iter().copied().zip(anchors).collect();
            let plain: Vec<Happened> = zones
                .iter_mut()
                .zip(0..)
                .flat_map(|(zone, number)| zone.look(number, &seen, &pictures))
                .collect();
            prop_assert_eq!(happened, plain, "picture {}", i);
        }
    }
}
