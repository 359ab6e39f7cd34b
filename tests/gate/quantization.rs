//! Half a point of recall, and not a picture more.

use standclear::gate::pairs::Place;
use standclear::gate::quantization::{
    Checked, Counted, Difference, Looked, Outcome, PICTURES_NAMED_MAX, Says, Truth,
};
use standclear::gate::verdict::{Evidence, Judgement, Needed, Quantization, Reason};

use crate::verdict::{BOTH, TRUE, judge, less_than, live, once};

fn place(zone: &str) -> Place {
    Place { camera: "gate".to_owned(), zone: zone.to_owned() }
}

/// What the two say, of every picture and zone.
fn check(looked: &[Looked]) -> Checked {
    Counted::of(looked).checked()
}

/// So many pictures of each sort.
fn clip(zone: &str, sorts: &[(usize, Truth, Says, Says)]) -> Vec<Looked> {
    let all = sorts.iter().flat_map(|&(many, t, p, q)| (0..many).map(move |_| (t, p, q)));
    all.enumerate()
        .map(|(picture, (truth, parent, quantized))| Looked {
            clip: "yard.mp4".to_owned(),
            picture: picture as u64,
            place: place(zone),
            truth,
            parent,
            quantized,
        })
        .collect()
}

const SEEN: Says = Says::Inside;
const NOT: Says = Says::Nobody;

/// Of so many pictures with somebody inside the quantized model loses so many.
fn losing(lost: usize, of: usize) -> Checked {
    let sorts = [(of - lost, Truth::Inside, SEEN, SEEN), (lost, Truth::Inside, SEEN, NOT)];
    check(&clip("press", &sorts))
}

#[test]
fn half_a_point_may_be_lost_and_not_a_picture_more() {
    for (lost, of, accepted) in [
        (0, 200, true),
        (1, 200, true),
        (2, 200, false),
        (2, 399, false),
        (2, 400, true),
        (5, 1000, true),
        (6, 1000, false),
    ] {
        let refused = Outcome::Refused { zones: vec![place("press")] };
        let expected = if accepted { Outcome::Accepted } else { refused };
        assert_eq!(losing(lost, of).outcome, expected, "{lost} of {of}");
    }
}

#[test]
fn a_refusal_names_the_pictures_that_were_lost() {
    let checked = losing(3, 300);
    let named: Vec<(u64, Difference)> = checked.differ.iter().map(|d| (d.picture, d.how)).collect();
    assert_eq!(named, [297, 298, 299].map(|picture| (picture, Difference::Lost)));
    assert_eq!(checked.differ[0].clip, "yard.mp4");
    assert_eq!(checked.zones[&place("press")].lost_points(), Some(1.0));
}

#[test]
fn lost_pictures_are_named_before_all_others_and_their_number_is_bounded() {
    let sorts = [
        (500, Truth::Nobody, NOT, SEEN),
        (300, Truth::Inside, SEEN, SEEN),
        (2, Truth::Inside, SEEN, NOT),
    ];
    let checked = check(&clip("press", &sorts));
    assert_eq!(checked.differ.len(), PICTURES_NAMED_MAX);
    assert_eq!(checked.differ[0].how, Difference::Lost);
    assert_eq!(checked.differ[2].how, Difference::Ghost);
}

#[test]
fn with_fewer_than_two_hundred_pictures_half_a_point_cannot_be_told() {
    let zones = vec![place("press")];
    assert_eq!(losing(0, 199).outcome, Outcome::NotEnough { zones: zones.clone() });
    assert_eq!(losing(1, 199).outcome, Outcome::Refused { zones });
    assert_eq!(check(&[]).outcome, Outcome::NotEnough { zones: vec![] });
}

#[test]
fn a_zone_that_loses_is_not_made_good_by_another() {
    let mut all = clip("yard", &[(100_000, Truth::Inside, SEEN, SEEN)]);
    all.extend(clip("press", &[(198, Truth::Inside, SEEN, SEEN), (2, Truth::Inside, SEEN, NOT)]));
    assert_eq!(check(&all).outcome, Outcome::Refused { zones: vec![place("press")] });
}

#[test]
fn what_it_wins_makes_good_what_it_loses_and_both_are_named() {
    let sorts = [
        (195, Truth::Inside, SEEN, SEEN),
        (3, Truth::Inside, SEEN, NOT),
        (2, Truth::Inside, NOT, SEEN),
    ];
    let checked = check(&clip("press", &sorts));
    assert_eq!(checked.outcome, Outcome::Accepted);
    assert_eq!(checked.differ.len(), 5);
}

#[test]
fn without_truth_the_parent_is_believed() {
    let sorts = [
        (198, Truth::NotKnown, SEEN, SEEN),
        (2, Truth::NotKnown, SEEN, NOT),
        // Whatever it sees more is no recall, for nobody knows.
        (50, Truth::NotKnown, NOT, SEEN),
        (50, Truth::NotKnown, NOT, NOT),
    ];
    let checked = check(&clip("press", &sorts));
    assert_eq!(checked.zones[&place("press")].demanded, 200);
    assert!(matches!(checked.outcome, Outcome::Refused { .. }));
    // Where the truth is that nobody was there, the parent's ghosts need not be seen.
    let known = [(200, Truth::Inside, SEEN, SEEN), (9, Truth::Nobody, SEEN, NOT)];
    let checked = check(&clip("press", &known));
    assert_eq!(checked.outcome, Outcome::Accepted);
    assert_eq!(checked.differ[0].how, Difference::GhostGone);
}

#[test]
fn a_zone_has_its_pictures_of_all_recordings_together() {
    let part = |lost: usize, of: usize| {
        let sorts = [(of - lost, Truth::Inside, SEEN, SEEN), (lost, Truth::Inside, SEEN, NOT)];
        Counted::of(&clip("press", &sorts))
    };
    assert_eq!(part(0, 120).checked().outcome, Outcome::NotEnough { zones: vec![place("press")] });
    let mut both = part(0, 120);
    both.add(part(1, 100));
    assert_eq!(both.clone().checked().outcome, Outcome::Accepted, "one of 220");
    both.add(part(1, 100));
    let lost = both.checked();
    assert_eq!(lost.outcome, Outcome::Refused { zones: vec![place("press")] }, "two of 320");
    assert_eq!(lost.differ.len(), 2);
}

#[test]
fn what_one_recording_lost_no_other_makes_good() {
    let part = |lost: usize, of: usize| {
        let sorts = [(of - lost, Truth::Inside, SEEN, SEEN), (lost, Truth::Inside, SEEN, NOT)];
        Counted::of(&clip("press", &sorts))
    };
    for (lost, of, refused) in [(2, 200, true), (1, 200, false), (2, 100, true), (1, 100, false)] {
        let mut all = Counted::default();
        all.add(part(0, 20_000));
        all.add(part(lost, of));
        let outcome = all.checked().outcome;
        assert_eq!(outcome != Outcome::Accepted, refused, "{lost} of {of}: {outcome:?}");
    }
}

#[test]
fn a_quantized_model_is_held_against_its_parent_whatever_it_found() {
    let claim = less_than(1.0, once(299));
    let zones = || vec![place("press")];
    let with =
        |quantization| judge(&Evidence { quantization, ..live(&[(299, BOTH, TRUE)]) }, &claim);
    let may = |judged: Judgement| matches!(judged, Judgement::MayBeApproved { .. });
    assert!(
        may(with(Quantization::NotAsked)) && may(with(Quantization::Checked(Outcome::Accepted)))
    );
    let needs = |needed| Judgement::NotEnough { needed: vec![needed] };
    assert_eq!(with(Quantization::Unchecked), needs(Needed::ParentCheck));
    let few = Quantization::Checked(Outcome::NotEnough { zones: zones() });
    assert_eq!(with(few), needs(Needed::ParentPictures));
    let lost = Quantization::Checked(Outcome::Refused { zones: zones() });
    assert_eq!(with(lost), Judgement::Refused { reasons: vec![Reason::SeesLessThanParent] });
}

#[test]
fn a_run_of_which_the_busy_part_is_not_compared_is_not_enough() {
    let claim = less_than(1.0, once(299));
    let with = |left_out| {
        let mut evidence = live(&[(299, BOTH, TRUE)]);
        evidence.runs[0].left_out = left_out;
        judge(&evidence, &claim)
    };
    assert!(matches!(with(33), Judgement::MayBeApproved { .. }), "33 of 332");
    let needed = vec![Needed::LeftOut { run: 0, left_out: 34, told: 333 }];
    assert_eq!(with(34), Judgement::NotEnough { needed });
}
