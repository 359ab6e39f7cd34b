//! What goes when the bank is full, against the rule read out loud.

use std::collections::BTreeMap;

use proptest::prelude::*;
use standclear::gate::retention::{
    DifferenceHash, Example, ExampleId, Hold, Kind, NEAR_BITS, Occasion, Rest, Room, choose,
};
use standclear::gate::verdict::Label;

const INCIDENT: Kind = Kind { occasion: Occasion::Incident, label: Some(Label::True) };
const NEAR_MISS: Kind = Kind { occasion: Occasion::NearMiss, label: None };
const LOW_SCORE: Kind = Kind { occasion: Occasion::LowScore, label: None };

/// Hashes that all differ by many bits: 16 of them, in each nibble one of 16 patterns.
fn far(number: u64) -> DifferenceHash {
    DifferenceHash((number % 16) * 0x1111_1111_1111_1111)
}

fn example(id: u64, kind: Kind, hash: DifferenceHash) -> Example {
    let camera = "gate".to_owned();
    Example { id: ExampleId(id), kind, camera, hash, bytes: 100, hold: Hold::Free }
}

fn room(examples: usize) -> Room {
    Room { examples, bytes: u64::MAX }
}

fn dropped(bank: &[Example], room: Room) -> Vec<u64> {
    choose(bank, room).drop.iter().map(|id| id.0).collect()
}

#[test]
fn what_fits_stays() {
    let bank: Vec<Example> = (0..5).map(|i| example(i, INCIDENT, far(0))).collect();
    assert!(dropped(&bank, room(5)).is_empty());
    assert!(dropped(&[], room(0)).is_empty());
}

#[test]
fn near_duplicates_go_first_and_the_newest_of_them_stays() {
    let nearly = DifferenceHash(0b1_1111);
    assert_eq!(nearly.distance(far(0)), NEAR_BITS);
    let bank = [
        example(0, NEAR_MISS, far(0)),
        example(1, INCIDENT, far(3)),
        example(2, INCIDENT, far(5)),
        example(3, INCIDENT, far(9)),
        example(4, NEAR_MISS, nearly),
    ];
    // There are more incidents, but none of them is there twice.
    assert_eq!(dropped(&bank, room(4)), [0]);
    // The same look at another camera, or of another kind, is no duplicate.
    let mut apart = bank.clone();
    apart[0].camera = "yard".to_owned();
    assert_eq!(dropped(&apart, room(4)), [1]);
    let mut labelled = bank;
    labelled[0].kind.label = Some(Label::False);
    assert_eq!(dropped(&labelled, room(4)), [1]);
}

#[test]
fn a_rare_kind_loses_nothing_before_the_common_ones_are_as_few() {
    let kinds = [(10, LOW_SCORE), (6, INCIDENT), (2, NEAR_MISS)];
    let mut bank = Vec::new();
    for (many, kind) in kinds {
        let first = bank.len() as u64;
        bank.extend((0..many).map(|i| example(first + i, kind, far(i))));
    }
    let left = |places: usize| {
        let gone = dropped(&bank, room(places));
        kinds.map(|(_, kind)| {
            bank.iter().filter(|e| e.kind == kind && !gone.contains(&e.id.0)).count()
        })
    };
    assert_eq!(left(14), [6, 6, 2]);
    assert_eq!(left(10), [4, 4, 2]);
    assert_eq!(left(6), [2, 2, 2]);
    assert_eq!(left(3), [1, 1, 1]);
}

#[test]
fn the_camera_with_most_examples_gives_before_the_others() {
    let mut bank: Vec<Example> = (0..9).map(|i| example(i, INCIDENT, far(i))).collect();
    for one in &mut bank[6..] {
        one.camera = "yard".to_owned();
    }
    let gone = dropped(&bank, room(6));
    assert!(gone.iter().all(|id| *id < 6), "{gone:?}");
}

#[test]
fn bytes_are_bounded_too() {
    let bank: Vec<Example> = (0..5).map(|i| example(i, INCIDENT, far(i))).collect();
    assert_eq!(dropped(&bank, Room { examples: 5, bytes: 399 }).len(), 2);
    assert_eq!(dropped(&bank, Room { examples: 5, bytes: 400 }).len(), 1);
    assert_eq!(dropped(&bank, Room { examples: 5, bytes: 0 }).len(), 5);
}

#[test]
fn what_is_held_never_goes_and_too_much_of_it_is_said() {
    let mut bank: Vec<Example> = (0..5).map(|i| example(i, INCIDENT, far(0))).collect();
    for one in &mut bank[..3] {
        one.hold = Hold::Held;
    }
    let choice = choose(&bank, room(2));
    assert_eq!((choice.drop.len(), choice.rest), (2, Rest::TooMuchIsHeld));
    assert!(choice.drop.iter().all(|id| id.0 >= 3));
    assert_eq!(choose(&bank, room(3)).rest, Rest::Fits);
}

#[test]
fn a_difference_hash_is_of_edges_and_not_of_light() {
    let mut grey = [[0u8; 9]; 8];
    for (y, row) in grey.iter_mut().enumerate() {
        for (x, level) in row.iter_mut().enumerate() {
            *level = (10 * x + y) as u8;
        }
    }
    assert_eq!(DifferenceHash::of(&grey), DifferenceHash(u64::MAX), "brighter to the right");
    let brighter = grey.map(|row| row.map(|level| level + 100));
    assert_eq!(DifferenceHash::of(&brighter), DifferenceHash::of(&grey));
    grey[7][8] = 0;
    assert_eq!(DifferenceHash::of(&grey), DifferenceHash(u64::MAX - 1), "the last neighbour");
    grey[0][0] = 255;
    let both = DifferenceHash((u64::MAX >> 1) & !1);
    assert_eq!(DifferenceHash::of(&grey), both, "and the first");
    assert_eq!(both.distance(DifferenceHash(u64::MAX)), 2);
}

/// The rule, read out loud and looked up anew each time.
fn by_hand(bank: &[Example], places: usize) -> Vec<u64> {
    let mut left: Vec<&Example> = bank.iter().collect();
    let mut gone = Vec::new();
    while left.len() > places {
        let alike = |a: &Example, b: &Example| a.kind == b.kind && a.camera == b.camera;
        let nearest = |e: &Example| {
            let others = left.iter().filter(|o| o.id != e.id && alike(o, e));
            others.map(|o| o.hash.distance(e.hash)).min().unwrap_or(65)
        };
        let of_kind = |e: &Example| left.iter().filter(|o| o.kind == e.kind).count();
        let of_camera = |e: &Example| left.iter().filter(|o| alike(o, e)).count();
        let mut free: Vec<&Example> =
            left.iter().filter(|e| e.hold == Hold::Free).copied().collect();
        if free.iter().any(|e| nearest(e) <= NEAR_BITS) {
            free.retain(|e| nearest(e) <= NEAR_BITS);
        }
        let most = free.iter().map(|e| of_kind(e)).max();
        free.retain(|e| Some(of_kind(e)) == most);
        let most = free.iter().map(|e| of_camera(e)).max();
        free.retain(|e| Some(of_camera(e)) == most);
        let least = free.iter().map(|e| nearest(e)).min();
        free.retain(|e| Some(nearest(e)) == least);
        let Some(oldest) = free.iter().map(|e| e.id).min() else { break };
        gone.push(oldest.0);
        left.retain(|e| e.id != oldest);
    }
    gone
}

fn any_bank() -> impl Strategy<Value = Vec<Example>> {
    let one = (0usize..3, 0usize..2, prop_oneof![0u64..64, any::<u64>()], 0u8..8);
    prop::collection::vec(one, 0..24).prop_map(|drawn| {
        let build = |(id, (kind, camera, hash, hold)): (usize, (usize, usize, u64, u8))| {
            let kind = [INCIDENT, NEAR_MISS, LOW_SCORE][kind];
            let hold = if hold == 0 { Hold::Held } else { Hold::Free };
            let camera = ["gate", "yard"][camera].to_owned();
            Example { camera, hold, ..example(id as u64, kind, DifferenceHash(hash)) }
        };
        drawn.into_iter().enumerate().map(build).collect()
    })
}

proptest! {
    #[test]
    fn what_goes_is_what_the_rule_says(bank in any_bank(), places in 0usize..24) {
        prop_assert_eq!(dropped(&bank, room(places)), by_hand(&bank, places));
    }

    #[test]
    fn the_order_in_the_bank_changes_nothing(bank in any_bank(), places in 0usize..24) {
        let mut turned = bank.clone();
        turned.reverse();
        prop_assert_eq!(dropped(&turned, room(places)), dropped(&bank, room(places)));
    }

    #[test]
    fn no_kind_that_lost_more_than_doubles_is_rarer_than_another_by_more_than_one(
        sizes in prop::array::uniform3(0u64..16), places in 0usize..48,
    ) {
        let kinds = [INCIDENT, NEAR_MISS, LOW_SCORE];
        let mut bank = Vec::new();
        for (many, kind) in sizes.into_iter().zip(kinds) {
            let first = bank.len() as u64;
            bank.extend((0..many).map(|i| example(first + i, kind, far(i))));
        }
        let gone = dropped(&bank, room(places));
        let mut left: BTreeMap<Kind, usize> = BTreeMap::new();
        for one in bank.iter().filter(|e| !gone.contains(&e.id.0)) {
            *left.entry(one.kind).or_default() += 1;
        }
        let of = |kind| left.get(&kind).copied().unwrap_or(0);
        for kind in bank.iter().filter(|e| gone.contains(&e.id.0)).map(|e| e.kind) {
            for other in kinds {
                prop_assert!(of(kind) + 1 >= of(other), "{:?}", left);
            }
        }
    }
}
