//! The example bank is full: what goes?
//!
//! Near-duplicates first. Then always one of the **kind** of which there is most, of its camera with
//! most, and there the one that is most like another: so every kind, every camera and every way of
//! looking keeps something, and a rare kind loses nothing but doubles before the common ones are as
//! few. Of two alike the older one goes. What is held (a label is awaited, an approval rests on it)
//! never goes.
//!
//! Likeness is the distance of **difference hashes** (dHash: Krawetz, "Kind of Like That", 2013): one
//! bit for each of 8 × 8 neighbours, whether the right one is brighter; the distance is the number of
//! bits that differ. It must be of the person's surroundings: of whole pictures of one camera all
//! hashes are alike.
//!
//! Not here: files and rows. What an example is worth for training.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::verdict::Label;

/// Bits in which near-duplicates differ at most, of 64. Half of what Krawetz takes for "probably a
/// variation": an example that is lost costs more than one kept twice.
pub const NEAR_BITS: u32 = 5;

/// Farther than any hash from any other.
const ALONE: u32 = 65;

/// Columns and rows of the grey picture that a hash is made of.
pub const HASH_COLUMNS: usize = 9;
pub const HASH_ROWS: usize = 8;

/// How a picture looks, coarsely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DifferenceHash(pub u64);

impl DifferenceHash {
    /// Of a picture shrunk to 9 × 8 grey levels, row by row.
    pub fn of(grey: &[[u8; HASH_COLUMNS]; HASH_ROWS]) -> DifferenceHash {
        let neighbours = grey.iter().flat_map(|row| row.windows(2));
        DifferenceHash(neighbours.fold(0, |bits, pair| (bits << 1) | u64::from(pair[1] > pair[0])))
    }

    /// Bits that differ, 0..=64.
    pub fn distance(self, other: DifferenceHash) -> u32 {
        (self.0 ^ other.0).count_ones()
    }
}

/// Why an example was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Occasion {
    Incident,
    NearMiss,
    /// Active and shadow model differed.
    Disagreement,
    /// A track that never scored enough to be somebody.
    LowScore,
}

/// What is balanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    pub occasion: Occasion,
    /// What somebody said of it.
    pub label: Option<Label>,
}

/// The bank's number of an example; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExampleId(pub u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    Free,
    /// Something still rests on it.
    Held,
}

/// An example in the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    pub id: ExampleId,
    pub kind: Kind,
    pub camera: String,
    pub hash: DifferenceHash,
    pub bytes: u64,
    pub hold: Hold,
}

/// What the bank may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub examples: usize,
    pub bytes: u64,
}

/// What goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// In the order in which it goes.
    pub drop: Vec<ExampleId>,
    pub rest: Rest,
}

/// What stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    Fits,
    /// So much is held that it does not fit; nothing new may come in.
    TooMuchIsHeld,
}

/// What has to go until the rest fits.
pub fn choose(bank: &[Example], room: Room) -> Choice {
    let mut groups = groups(bank);
    let mut examples = bank.len();
    let mut bytes: u128 = bank.iter().map(|example| u128::from(example.bytes)).sum();
    let mut drop = Vec::new();
    while examples > room.examples || bytes > u128::from(room.bytes) {
        let Some((group, member)) = next(&groups) else {
            return Choice { drop, rest: Rest::TooMuchIsHeld };
        };
        let gone = groups[group].take(member);
        examples -= 1;
        bytes -= u128::from(gone.bytes);
        drop.push(gone.id);
    }
    Choice { drop, rest: Rest::Fits }
}

/// Examples of one kind and camera, with the distance of each to the one most like it.
#[derive(Debug)]
struct Group<'a> {
    kind: Kind,
    members: Vec<(&'a Example, u32)>,
}

impl<'a> Group<'a> {
    fn measure(&mut self) {
        let hashes: Vec<DifferenceHash> = self.members.iter().map(|(e, _)| e.hash).collect();
        for (index, (example, nearest)) in self.members.iter_mut().enumerate() {
            let others = hashes.iter().enumerate().filter(|(other, _)| *other != index);
            *nearest = others.map(|(_, h)| h.distance(example.hash)).min().unwrap_or(ALONE);
        }
    }

    fn take(&mut self, member: usize) -> &'a Example {
        let (gone, _) = self.members.remove(member);
        self.measure();
        gone
    }
}

fn groups(bank: &[Example]) -> Vec<Group<'_>> {
    let mut by_place: BTreeMap<(Kind, &str), Vec<(&Example, u32)>> = BTreeMap::new();
    for example in bank {
        by_place.entry((example.kind, example.camera.as_str())).or_default().push((example, ALONE));
    }
    let group = |((kind, _), members): ((Kind, &str), Vec<_>)| {
        let mut group = Group { kind, members };
        group.measure();
        group
    };
    by_place.into_iter().map(group).collect()
}

/// The group and the member that goes next; `None` when all that is left is held.
fn next(groups: &[Group<'_>]) -> Option<(usize, usize)> {
    let mut of_kind: BTreeMap<Kind, usize> = BTreeMap::new();
    for group in groups {
        *of_kind.entry(group.kind).or_default() += group.members.len();
    }
    let free = groups.iter().enumerate().flat_map(|(index, group)| {
        let common = (of_kind.get(&group.kind), group.members.len());
        let members = group.members.iter().enumerate();
        members.filter(|(_, (example, _))| example.hold == Hold::Free).map(
            move |(member, (example, nearest))| {
                let alike = (*nearest <= NEAR_BITS, common, Reverse(*nearest));
                ((alike, Reverse(example.id)), index, member)
            },
        )
    });
    free.max().map(|(_, group, member)| (group, member))
}
