//! Which incident of the shadow model is which of the active one?
//!
//! Two incidents **meet** when they are of the same zone and overlap in time, or miss each other by no
//! more than the tolerance. Each is paired with one of the other model at most; as many pairs are made
//! as there can be, and among those choices the one whose incidents agree best in time. One model may
//! see two incidents where the other sees a long one: the one that is left over is told as such
//! (`Meanwhile::InIncident`), with how much later the other one began. Nobody was unheard if the other
//! model was in it when this one began; an incident that was over before, or came when this one went
//! on for long or had ended, told nobody of it.
//!
//! Not here: whether anybody was there at all; a person says so (`verdict`). The caller hands over
//! only time in which both models watched, by the same zones.

use std::collections::BTreeMap;
use std::time::Duration;

use super::verdict::Told;
use crate::engine::assignment::assign;
use crate::engine::time::Instant;

/// Incidents this close are one. What `evaluate` allows between footage and its truth, for the same
/// reason: evidence takes a few pictures, and two models do not see the same first one.
pub const TOLERANCE: Duration = Duration::from_millis(700);

/// Where an incident was. Names, since footage and boxes number their zones each in their own way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub camera: String,
    pub zone: String,
}

/// An incident of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// The caller's number, unique for its model.
    pub id: u64,
    pub place: Place,
    pub started_at: Instant,
    /// When somebody was last seen inside.
    pub last_inside_at: Instant,
}

/// One incident as both models saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub active: Incident,
    pub shadow: Incident,
}

/// An incident that only one model saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Only {
    pub incident: Incident,
    pub meanwhile: Meanwhile,
}

/// What the zone was to the other model at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meanwhile {
    /// In no incident, or in one that was over when this one began.
    Quiet,
    /// In an incident that is paired with another one, and that began so much later than this one; zero
    /// when it did not.
    InIncident { later_by: Duration },
}

/// Every incident of both models, once; each list by place and time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairing {
    pub both: Vec<Pair>,
    pub active_only: Vec<Only>,
    pub shadow_only: Vec<Only>,
}

impl Pair {
    /// How much later the shadow model said so; zero when it was not.
    pub fn shadow_later_by(&self) -> Duration {
        self.shadow.started_at.since(self.active.started_at)
    }
}

impl Pairing {
    /// Every incident once, as what is to be labelled; of a pair the active model's.
    pub fn told(&self) -> impl Iterator<Item = (&Incident, Told)> {
        let both = self
            .both
            .iter()
            .map(|pair| (&pair.active, Told::Both { shadow_later_by: pair.shadow_later_by() }));
        let active =
            self.active_only.iter().map(|only| (&only.incident, Told::ActiveOnly(only.meanwhile)));
        let shadow =
            self.shadow_only.iter().map(|only| (&only.incident, Told::ShadowOnly(only.meanwhile)));
        both.chain(active).chain(shadow)
    }
}

impl Incident {
    /// An end before the start is a start.
    fn end(&self) -> Instant {
        self.last_inside_at.max(self.started_at)
    }

    fn meets(&self, other: &Incident, tolerance: Duration) -> bool {
        self.place == other.place
            && self.started_at <= other.end().after(tolerance)
            && other.started_at <= self.end().after(tolerance)
    }

    /// What the zone was to the model that told the others. No tolerance where one of them ended
    /// before: a zone that was empty to it told nobody of whoever came then.
    fn meanwhile(&self, others: &[&Incident], tolerance: Duration) -> Meanwhile {
        let met = others.iter().filter(|other| other.meets(self, tolerance));
        met.filter(|other| other.end() >= self.started_at)
            .map(|other| other.started_at.since(self.started_at))
            .min()
            .map_or(Meanwhile::Quiet, |later_by| Meanwhile::InIncident { later_by })
    }

    /// Time both have over time that either has, 0..=1.
    fn likeness(&self, other: &Incident) -> f64 {
        let both = self.end().min(other.end()).since(self.started_at.max(other.started_at));
        let either = self.end().max(other.end()).since(self.started_at.min(other.started_at));
        if either.is_zero() { 1.0 } else { both.as_secs_f64() / either.as_secs_f64() }
    }
}

/// Pairs the incidents of two models over the same time.
pub fn pair(active: &[Incident], shadow: &[Incident], tolerance: Duration) -> Pairing {
    let mut pairing = Pairing::default();
    for heap in heaps(active, shadow, tolerance) {
        pair_heap(&heap, tolerance, &mut pairing);
    }
    pairing
}

/// Incidents of one zone that hang together in time; nothing in it meets anything outside.
#[derive(Debug, Default)]
struct Heap<'a> {
    active: Vec<&'a Incident>,
    shadow: Vec<&'a Incident>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Active,
    Shadow,
}

/// Matching takes time by the cube of its size, so each heap is matched by itself.
fn heaps<'a>(active: &'a [Incident], shadow: &'a [Incident], tolerance: Duration) -> Vec<Heap<'a>> {
    let mut by_place: BTreeMap<&Place, Vec<(Whose, &Incident)>> = BTreeMap::new();
    let named = [(Whose::Active, active), (Whose::Shadow, shadow)];
    for (whose, incident) in named.iter().flat_map(|&(w, all)| all.iter().map(move |i| (w, i))) {
        by_place.entry(&incident.place).or_default().push((whose, incident));
    }
    let mut heaps = Vec::new();
    for mut all in by_place.into_values() {
        all.sort_by_key(|(whose, i)| (i.started_at, i.end(), i.id, *whose));
        let mut until: Option<Instant> = None;
        for (whose, incident) in all {
            if until.is_none_or(|until| incident.started_at > until.after(tolerance)) {
                heaps.push(Heap::default());
            }
            until = Some(until.map_or(incident.end(), |until| until.max(incident.end())));
            if let Some(heap) = heaps.last_mut() {
                match whose {
                    Whose::Active => heap.active.push(incident),
                    Whose::Shadow => heap.shadow.push(incident),
                }
            }
        }
    }
    heaps
}

fn pair_heap(heap: &Heap<'_>, tolerance: Duration, pairing: &mut Pairing) {
    let (active, shadow) = (&heap.active, &heap.shadow);
    // A pair costs 1 at most, so that one pair more is worth worse ones everywhere.
    let nobody = (active.len().min(shadow.len()) + 1) as f64;
    let pairs = assign(active.len(), shadow.len(), nobody, |a, s| {
        if active[a].meets(shadow[s], tolerance) {
            1.0 - active[a].likeness(shadow[s])
        } else {
            nobody
        }
    });
    for &(a, s) in &pairs {
        pairing.both.push(Pair { active: active[a].clone(), shadow: shadow[s].clone() });
    }
    let left = |mine: &[&Incident], others: &[&Incident], taken: &dyn Fn(usize) -> bool| {
        let left = mine.iter().enumerate().filter(|(index, _)| !taken(*index));
        left.map(|(_, &incident)| Only {
            incident: incident.clone(),
            meanwhile: incident.meanwhile(others, tolerance),
        })
        .collect::<Vec<Only>>()
    };
    let active_taken = |index| pairs.iter().any(|pair| pair.0 == index);
    let shadow_taken = |index| pairs.iter().any(|pair| pair.1 == index);
    pairing.active_only.extend(left(active, shadow, &active_taken));
    pairing.shadow_only.extend(left(shadow, active, &shadow_taken));
}
