//! Does the INT8 model still see what its FP32 parent saw? Refused when it loses more than half a
//! point of recall in any zone of the site's clips (R21).
//!
//! **Recall** of a zone: the share of the pictures with somebody inside in which the model has
//! somebody inside. Where the truth of a picture is not known, the parent's answer is taken for it; a
//! parent that is wrong there costs its child nothing it could win by.
//!
//! Exact counts and no interval: the pictures of a clip are far from independent, so no interval of
//! them would be true. It is a limit on these clips, and says nothing of others.
//!
//! Not here: running the two models, and what zones are.

use std::collections::{BTreeMap, BTreeSet};

use super::pairs::Place;

/// What may be lost: one picture in so many, which is half a point (R21).
pub const LOST_ONE_IN: usize = 200;

/// Pictures that are named in a refusal; there may be many more.
pub const PICTURES_NAMED_MAX: usize = 100;

/// What is known of a zone in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    Inside,
    Nobody,
    NotKnown,
}

/// What a model says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Inside,
    Nobody,
}

/// One zone in one picture, as both models see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    pub clip: String,
    /// Number of the picture in the clip, from 0.
    pub picture: u64,
    pub place: Place,
    pub truth: Truth,
    pub parent: Says,
    pub quantized: Says,
}

/// The balance of a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recall {
    /// Pictures with somebody inside.
    pub demanded: usize,
    pub parent_found: usize,
    pub quantized_found: usize,
}

/// A picture in which the two differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differs {
    pub clip: String,
    pub picture: u64,
    pub place: Place,
    pub how: Difference,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Somebody is inside, and only the parent sees it.
    Lost,
    /// Somebody is inside, and only the quantized model sees it.
    Won,
    /// Nobody is inside as far as is known, and only the quantized model sees somebody. No recall is
    /// lost by it.
    Ghost,
    /// Nobody is inside, and only the parent sees somebody.
    GhostGone,
}

/// What the check comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub zones: BTreeMap<Place, Recall>,
    /// The first pictures that differ, in the order they came; lost ones before all others.
    pub differ: Vec<Differs>,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Accepted,
    /// These zones lose more than half a point.
    Refused {
        zones: Vec<Place>,
    },
    /// In these zones too few pictures have somebody inside: half a point of them is less than one.
    NotEnough {
        zones: Vec<Place>,
    },
}

impl Recall {
    /// Points of recall that the quantized model loses; negative where it wins. `None` where nobody
    /// was ever inside.
    pub fn lost_points(&self) -> Option<f64> {
        let lost = self.parent_found as f64 - self.quantized_found as f64;
        (self.demanded > 0).then(|| 100.0 * lost / self.demanded as f64)
    }

    /// Of one recording among others: of few pictures one that is lost may be chance.
    fn loses_alone(&self) -> bool {
        let lost = self.parent_found.saturating_sub(self.quantized_found);
        self.loses_too_much() && (self.demanded >= LOST_ONE_IN || lost >= 2)
    }

    fn loses_too_much(&self) -> bool {
        let lost = self.parent_found.saturating_sub(self.quantized_found);
        lost.saturating_mul(LOST_ONE_IN) > self.demanded
    }
}

/// What was counted so far, of one recording or of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub zones: BTreeMap<Place, Recall>,
    pub differ: Vec<Differs>,
    /// Zones that lost too much in one recording by itself, whatever the others show.
    pub lost_alone: BTreeSet<Place>,
}

impl Counted {
    /// Counts every picture and zone. Each zone that is to be guarded must occur.
    pub fn of(looked: &[Looked]) -> Counted {
        let mut zones: BTreeMap<Place, Recall> = BTreeMap::new();
        for one in looked {
            let recall = zones.entry(one.place.clone()).or_default();
            if is_inside(one) {
                recall.demanded += 1;
                recall.parent_found += usize::from(one.parent == Says::Inside);
                recall.quantized_found += usize::from(one.quantized == Says::Inside);
            }
        }
        let differ = looked.iter().filter_map(difference).collect();
        let mut counted = Counted { zones, differ, lost_alone: BTreeSet::new() };
        counted.name_the_first();
        counted
    }

    /// With those of another recording: the same zone has all of its pictures together, so that short
    /// ones are enough; what one lost by itself no other makes good.
    pub fn add(&mut self, other: Counted) {
        self.lost_alone.extend(other.lost_alone);
        for (place, more) in other.zones {
            if more.loses_alone() {
                self.lost_alone.insert(place.clone());
            }
            let recall = self.zones.entry(place).or_default();
            recall.demanded = recall.demanded.saturating_add(more.demanded);
            recall.parent_found = recall.parent_found.saturating_add(more.parent_found);
            recall.quantized_found = recall.quantized_found.saturating_add(more.quantized_found);
        }
        self.differ.extend(other.differ);
        self.name_the_first();
    }

    /// What it comes to.
    pub fn checked(self) -> Checked {
        let Counted { zones, differ, lost_alone } = self;
        let named = |which: &dyn Fn(&Place, &Recall) -> bool| -> Vec<Place> {
            let those = zones.iter().filter(|(place, recall)| which(place, recall));
            those.map(|(place, _)| place.clone()).collect()
        };
        let refused = named(&|place, recall| recall.loses_too_much() || lost_alone.contains(place));
        let too_few = named(&|_, recall| recall.demanded < LOST_ONE_IN);
        let outcome = if !refused.is_empty() {
            Outcome::Refused { zones: refused }
        } else if !too_few.is_empty() || zones.is_empty() {
            Outcome::NotEnough { zones: too_few }
        } else {
            Outcome::Accepted
        };
        Checked { zones, differ, outcome }
    }

    fn name_the_first(&mut self) {
        self.differ.sort_by_key(|differs| differs.how != Difference::Lost);
        self.differ.truncate(PICTURES_NAMED_MAX);
    }
}

fn is_inside(looked: &Looked) -> bool {
    match looked.truth {
        Truth::Inside => true,
        Truth::Nobody => false,
        Truth::NotKnown => looked.parent == Says::Inside,
    }
}

fn difference(looked: &Looked) -> Option<Differs> {
    let how = match (is_inside(looked), looked.parent, looked.quantized) {
        (_, Says::Inside, Says::Inside) | (_, Says::Nobody, Says::Nobody) => return None,
        (true, Says::Inside, Says::Nobody) => Difference::Lost,
        (true, Says::Nobody, Says::Inside) => Difference::Won,
        (false, Says::Inside, Says::Nobody) => Difference::GhostGone,
        (false, Says::Nobody, Says::Inside) => Difference::Ghost,
    };
    Some(Differs {
        clip: looked.clip.clone(),
        picture: looked.picture,
        place: looked.place.clone(),
        how,
    })
}
