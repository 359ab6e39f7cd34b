//! Every finding in words, with the figures of the gate's own worked examples.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::*;
use crate::guard::handle::gated::{CaseId, Difference, Differs};
use crate::guard::handle::models::Slot;
use crate::guard::handle::shadowing::{
    CompareLatency, Coverage, Discordant, Figures, FrameAgreement, Judgement, ParentFacts,
};

fn probability_of(value: f64) -> Probability {
    Probability::new(value).expect("a probability")
}

fn tally(misses: usize, of: usize) -> Tally {
    Tally::new(misses, of).expect("a tally")
}

/// Run 4 of this site; so many missed of so many are in the count.
fn facts(counted: Tally) -> EvidenceFacts {
    let figures = Figures {
        cases: BTreeMap::new(),
        all: counted,
        counted,
        at_most: None,
        at_most_any_time: 1.0,
        more_needed: None,
        found: Discordant::default(),
        false_alarms: Discordant { active_only: 1, shadow_only: 9 },
        joined: 0,
        told: 0,
        undecided: Vec::new(),
        unlabelled: Vec::new(),
    };
    let run = RunRow {
        id: 4,
        source: Source::Live,
        name: "this site".to_owned(),
        began: Timestamp::UNIX_EPOCH,
        ended: None,
        coverage: Coverage { seen: 0, of: 0 },
        both: 0,
        discordant: Discordant::default(),
        figures,
        frames: FrameAgreement::default(),
        latency: CompareLatency::default(),
    };
    EvidenceFacts {
        digest: String::new(),
        active: Slot::Shipped,
        shadow: None,
        claim: Claim {
            miss_rate: probability_of(0.01),
            confidence: Probability::CONFIDENCE,
            look: Look::Any,
        },
        judgement: Judgement::NotEnough { needed: Vec::new() },
        runs: vec![run],
        quantization: None,
    }
}

#[test]
fn how_many_incidents_a_claim_takes_is_said_with_how_many_are_there_and_how_many_that_leaves() {
    let told = needed(&facts(tally(0, 10)), &Needed::Incidents { run: 0, more: Some(289) });
    assert_eq!(
        told.text,
        "299 true incidents without a miss are needed to claim a miss rate below 1 % with 95 % \
         confidence; 10 are there in run 4 (this site): 289 more"
    );
    assert_eq!((told.code, told.run, told.more), ("incidents", Some(4), Some(289)));
    let told = needed(&facts(tally(1, 1)), &Needed::Incidents { run: 0, more: Some(472) });
    assert!(
        told.text.starts_with("473 true incidents with no miss but the 1 there is are needed")
            && told.text.ends_with("; 1 is there in run 4 (this site): 472 more"),
        "{}",
        told.text
    );
    let told = needed(&facts(tally(9, 10)), &Needed::Incidents { run: 0, more: None });
    assert!(told.text.ends_with("9 of 10 were missed in run 4 (this site)"), "{}", told.text);
}

#[test]
fn a_lost_incident_is_named_with_its_case_and_run_and_how_late_it_was() {
    let facts = facts(tally(1, 10));
    let lost = reason(&facts, &Reason::LostIncident { run: 0, case: CaseId(12) });
    assert_eq!(
        lost.text,
        "in case 12 of run 4 (this site) somebody was inside: the active model told it, the shadow \
         model did not"
    );
    assert_eq!((lost.code, lost.cases), ("lost_incident", vec![12]));
    let later_by = Duration::from_millis(2_340);
    let late = reason(&facts, &Reason::LateIncident { run: 0, case: CaseId(13), later_by });
    assert!(late.text.ends_with("told it too late, 2.3 s after it"), "{}", late.text);
    assert_eq!(late.code, "late_incident");
}

#[test]
fn everything_that_can_be_missing_has_its_own_code_and_names_numbers() {
    let facts = facts(tally(3, 40));
    let coverage = Coverage { seen: 900, of: 1_000 };
    let all = [
        (
            Needed::Labels { run: 0, cases: vec![CaseId(7)] },
            "labels",
            "somebody has to say of 1 case in run 4 (this site) whether somebody was inside",
        ),
        (
            Needed::Coverage { run: 0, coverage },
            "coverage",
            "in run 4 (this site) the shadow model saw 900 of 1000 pictures (90 %); at least 95 % are \
             needed to compare the two, where no recordings show the claim",
        ),
        (
            Needed::LiveIncidents { more: 1 },
            "live_incidents",
            "the shadow model has to find 1 more true incident by this site's own cameras; what both \
             told counts once somebody has said that it was true",
        ),
        (
            Needed::AnotherRun { run: 0 },
            "another_run",
            "the one look that was planned for run 4 (this site) is over and does not show that it \
             misses less than 1 % (95 % confidence); it takes another run, planned anew",
        ),
        (
            Needed::Together { source: Source::Corpus, tally: tally(2, 90) },
            "together",
            "one of several runs on recordings shows that it misses less than 1 % (95 % confidence), \
             all of them together do not: 2 of 90 true incidents missed",
        ),
        (
            Needed::Contradicted { run: 0, tally: tally(3, 40) },
            "contradicted",
            "in run 4 (this site) it missed 3 of 40 true incidents: so many that it can hardly be \
             true that it misses less than 1 % (95 % confidence), whatever another run shows",
        ),
        (
            Needed::Separate { run: 0, joined: 6, told: 40 },
            "joined_too_many",
            "in run 4 (this site) it joined 6 of 40 true incidents with others; with more than 5 % \
             nobody knows whether it would see the next person",
        ),
        (
            Needed::LeftOut { run: 0, left_out: 5, told: 40 },
            "left_out",
            "in run 4 (this site) 5 of 40 incidents that the active model told are not compared, since \
             the shadow model was not given enough of their pictures; with more than 10 % what is \
             compared may be the quiet ones: give it more time",
        ),
        (Needed::ParentCheck, "parent_check", UNCHECKED),
        (
            Needed::AnyRun,
            "no_run",
            "nothing was compared yet: let it run in the shadow, or compare the two models on \
             recordings",
        ),
    ];
    for (what, code, text) in all {
        let told = needed(&facts, &what);
        assert_eq!((told.code, told.text.as_str()), (code, text));
    }
}

#[test]
fn whoever_approves_is_warned_with_numbers() {
    let facts = facts(tally(2, 300));
    let noisier = warning(&facts, &Warning::Noisier { run: 0, p: 0.010_742 });
    assert_eq!(
        noisier.text,
        "in run 4 (this site) it alarms for nothing more often than the active model: 9 times where \
         the active model was quiet, against 1; so much comes by chance with 1.07 %, for one look"
    );
    let missed = warning(&facts, &Warning::Missed { run: 0, tally: tally(2, 300) });
    assert!(missed.text.contains("missed 2 of 300 incidents"), "{}", missed.text);
    let joins = warning(&facts, &Warning::Joins { run: 0, cases: 3 });
    assert!(joins.text.contains("one incident of several 3 times"), "{}", joins.text);
    assert_eq!((noisier.code, missed.code, joins.code), ("noisier", "missed", "joins"));
    let few = Coverage { seen: 570, of: 1000 };
    let few = warning(&facts, &Warning::Coverage { run: 0, coverage: few });
    assert!(few.text.contains("it saw 57 % of the pictures: recordings show"), "{}", few.text);
    assert_eq!((few.code, few.run), ("coverage", Some(4)));
}

#[test]
fn a_bound_is_never_said_to_be_lower_than_it_is() {
    let shown = Shown {
        run: 0,
        source: Source::Live,
        claim: facts(Tally::EMPTY).claim,
        tally: tally(0, 350),
        at_most: 0.009_411,
    };
    assert_eq!(
        claim(&facts(Tally::EMPTY), &shown),
        "with 95 % confidence it misses less than 1 %: 0 of 350 true incidents missed in run 4 (this \
         site), so at most 0.95 %"
    );
    for (share, text) in
        [(0.01, "1 %"), (0.28, "28 %"), (0.281_50, "28.15 %"), (0.000_01, "0.01 %")]
    {
        assert_eq!(percent_up(share), text);
    }
    assert_eq!(
        (percent(0.999), percent(1.0), percent(0.0)),
        ("99.9 %".into(), "100 %".into(), "0 %".into())
    );
}

#[test]
fn quantization_says_which_zone_loses_how_much() {
    let gate = Place { camera: "yard".to_owned(), zone: "gate".to_owned() };
    let recall = |quantized_found| Recall { demanded: 400, parent_found: 396, quantized_found };
    let checked = |quantized_found, outcome| Checked {
        zones: BTreeMap::from([(gate.clone(), recall(quantized_found))]),
        differ: vec![Differs {
            clip: "a.mp4".to_owned(),
            picture: 7,
            place: gate.clone(),
            how: Difference::Lost,
        }],
        outcome,
    };
    assert_eq!(
        quantization(&checked(394, Outcome::Accepted)),
        (
            "accepted",
            "the INT8 model sees what its FP32 parent saw: in the worst zone 0.50 points of recall, \
             and 0.5 may be lost"
                .to_owned()
        )
    );
    assert_eq!(
        quantization(&checked(393, Outcome::Refused { zones: vec![gate.clone()] })),
        (
            "refused",
            "the INT8 model loses more than 0.5 points of recall against its FP32 parent: in gate of \
             yard 393 of 400 pictures instead of 396 (0.75 points)"
                .to_owned()
        )
    );
    let few_pictures = checked(396, Outcome::NotEnough { zones: vec![gate.clone()] });
    let few = quantization(&few_pictures);
    assert!(few.1.contains("200 pictures") && few.1.ends_with("in gate of yard 400"), "{few:?}");
    let none = Checked {
        zones: BTreeMap::new(),
        differ: Vec::new(),
        outcome: Outcome::NotEnough { zones: Vec::new() },
    };
    assert!(quantization(&none).1.contains("no picture"));

    let mut facts = facts(tally(0, 10));
    let (_, text) = quantization(&few_pictures);
    facts.quantization =
        Some(ParentFacts { checked: few_pictures, parents: vec!["5a".to_owned()] });
    let told = needed(&facts, &Needed::ParentPictures);
    assert_eq!((told.code, told.text), ("parent_pictures", text.clone()));
    let told = reason(&facts, &Reason::SeesLessThanParent);
    assert_eq!((told.code, told.text), ("sees_less_than_parent", text.clone()));
}

#[test]
fn a_camera_without_enough_incidents_is_told_how_many_more_it_takes() {
    let wish = Wish { miss_rate: probability_of(0.05), confidence: Probability::CONFIDENCE };
    let few = Proposal::NotEnough { have: 10, needed: Some(59) };
    assert_eq!(
        threshold(Some(0.35), Some(&few), wish),
        "59 true incidents are needed for a threshold that loses less than 5 % of true incidents with \
         95 % confidence; 10 are there: 49 more"
    );
    assert!(threshold(None, None, wish).contains("nobody has said"));
    let never = Proposal::NotEnough { have: 1, needed: None };
    assert!(threshold(None, Some(&never), wish).ends_with("; 1 is there"));
}

#[test]
fn only_a_share_within_its_range_is_one() {
    let range = 0.000_1..=0.5;
    assert_eq!(probability("0.01", &range).map(Probability::get), Some(0.01));
    assert_eq!(probability("5e-2", &range).map(Probability::get), Some(0.05));
    for wrong in ["", "0", "1", "-0.01", "NaN", "inf", "0.50001", "1 %", "0,05", "0.00001"] {
        assert_eq!(probability(wrong, &range), None, "{wrong}");
    }
}
