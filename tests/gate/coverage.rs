//! What a shadow model saw too few pictures of, and what recordings make up for.

use standclear::gate::verdict::{Coverage, Evidence, Judgement, Needed, Source, Warning};

use crate::verdict::{BOTH, GAINED, LOST, TRUE, judge, less_than, live, of_runs, once, run};

/// As on a box whose cores are the active model's most of the time.
const FEW: Coverage = Coverage { seen: 570, of: 1000 };

#[test]
fn a_shadow_that_skips_pictures_is_not_compared() {
    let claim = less_than(5.0, once(59));
    for (seen, of, enough) in [(950, 1000, true), (949, 1000, false), (0, 0, false)] {
        let mut evidence = live(&[(59, BOTH, TRUE)]);
        let coverage = Coverage { seen, of };
        evidence.runs[0].coverage = coverage;
        let judged = judge(&evidence, &claim);
        if enough {
            assert!(matches!(judged, Judgement::MayBeApproved { .. }), "{judged:?}");
        } else {
            let needed = vec![Needed::Coverage { run: 0, coverage }];
            assert_eq!(judged, Judgement::NotEnough { needed });
        }
    }
}

/// Recordings on which so many were found by both, and a run of this site with so few of its pictures.
fn beside_recordings(recorded: usize, found_live: usize, of_live: Coverage) -> Evidence {
    let mut here = run(Source::Live, &[(found_live, BOTH, TRUE)]);
    here.coverage = of_live;
    of_runs(vec![run(Source::Corpus, &[(recorded, BOTH, TRUE)]), here])
}

#[test]
fn where_recordings_show_the_claim_a_box_with_little_time_for_the_shadow_is_only_warned() {
    let claim = less_than(5.0, once(59));
    let judged = judge(&beside_recordings(59, 10, FEW), &claim);
    let Judgement::MayBeApproved { claims, warnings } = judged else { panic!("{judged:?}") };
    assert_eq!(warnings, [Warning::Coverage { run: 1, coverage: FEW }]);
    assert_eq!(claims.iter().map(|shown| shown.run).collect::<Vec<_>>(), [0]);
}

#[test]
fn what_a_run_with_too_few_pictures_found_shows_no_claim() {
    let claim = less_than(5.0, once(59));
    let judged = judge(&beside_recordings(59, 299, FEW), &claim);
    let Judgement::MayBeApproved { claims, .. } = judged else { panic!("{judged:?}") };
    assert_eq!(claims.iter().map(|shown| shown.source).collect::<Vec<_>>(), [Source::Corpus]);
    // Without the recordings it is not compared, however much it found.
    let judged = judge(&beside_recordings(10, 299, FEW), &claim);
    let Judgement::NotEnough { needed } = judged else { panic!("{judged:?}") };
    assert!(needed.contains(&Needed::Coverage { run: 1, coverage: FEW }), "{needed:?}");
}

#[test]
fn recordings_make_up_for_no_incidents_here_for_no_picture_at_all_and_for_nobody_lost() {
    let claim = less_than(5.0, once(59));
    let judged = judge(&beside_recordings(59, 9, FEW), &claim);
    assert_eq!(judged, Judgement::NotEnough { needed: vec![Needed::LiveIncidents { more: 1 }] });
    let none = Coverage { seen: 0, of: 1000 };
    let judged = judge(&beside_recordings(59, 10, none), &claim);
    let needed = vec![Needed::Coverage { run: 1, coverage: none }];
    assert_eq!(judged, Judgement::NotEnough { needed });
    let mut lost = beside_recordings(59, 10, FEW);
    lost.runs[1].cases.extend(run(Source::Live, &[(10, GAINED, TRUE), (1, LOST, TRUE)]).cases);
    let judged = judge(&lost, &claim);
    assert!(matches!(judged, Judgement::Refused { .. }), "{judged:?}");
}

#[test]
fn recordings_of_which_too_few_pictures_were_seen_show_nothing_and_excuse_nothing() {
    let mut evidence = beside_recordings(59, 10, FEW);
    evidence.runs[0].coverage = FEW;
    let judged = judge(&evidence, &less_than(5.0, once(59)));
    let Judgement::NotEnough { needed } = judged else { panic!("{judged:?}") };
    for run in [0, 1] {
        assert!(needed.contains(&Needed::Coverage { run, coverage: FEW }), "{needed:?}");
    }
}
