//! What the table knows, for every order of events.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use standclear::engine::time::Instant;
use standclear::guard::inputs::{Face, InputIndex, InputState, InputTable, Moment, Said, Unknown};

use crate::posted;

const MAX_AGE_MS: u64 = 5_000;

/// The input that is looked at.
const PRESS: InputIndex = InputIndex(0);

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn moment(ms: u64) -> Moment {
    let start: Timestamp = "2026-05-04T12:00:00Z".parse().expect("a time");
    let passed = SignedDuration::from_millis(i64::try_from(ms).expect("small"));
    Moment { monotonic: at(ms), wall: start + passed }
}

fn table() -> InputTable {
    InputTable::new(&[posted("press", MAX_AGE_MS), posted("gate", 1_000)], moment(0).wall)
}

/// Anything that can happen to an input.
#[derive(Clone, Debug)]
enum Happening {
    Said { said: Said, late_ms: u64 },
    Lost,
    Connected,
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        Just(Said::On),
        Just(Said::Off),
        Just(Said::OfUnknownAge),
        ".{0,60}".prop_map(|text| Said::Neither { text }),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (said(), 0..8_000u64).prop_map(|(said, late_ms)| Happening::Said { said, late_ms }),
        1 => Just(Happening::Lost),
        1 => Just(Happening::Connected),
    ]
}

proptest! {
    /// The table may say less than a simple reading of history, never more: on or off is said only
    /// when the newest word on the input is that, from a connected source, and young enough.
    #[test]
    fn a_value_is_believed_only_while_its_newest_word_is_young_and_its_source_is_there(
        story in prop::collection::vec((happening(), 0..4_000u64), 1..60),
    ) {
        let mut table = table();
        let (mut now_ms, mut lost) = (10_000u64, false);
        let mut newest: Option<(Said, u64)> = None;
        for (happening, pause_ms) in story {
            match happening {
                Happening::Said { said, late_ms } => {
                    let said_ms = now_ms - late_ms;
                    table.heard(PRESS, said.clone(), at(said_ms), None);
                    if !lost && newest.as_ref().is_none_or(|(_, ms)| said_ms >= *ms) {
                        newest = Some((said, said_ms));
                    }
                }
                Happening::Lost => {
                    table.lost(&[PRESS], "the broker", "gone", moment(now_ms).wall);
                    (lost, newest) = (true, newest.map(|(_, ms)| (Said::OfUnknownAge, ms)));
                }
                Happening::Connected => {
                    table.connected(&[PRESS]);
                    lost = false;
                }
            }
            now_ms += pause_ms;
            let face = table.state(PRESS, at(now_ms)).face();
            let young = |ms: u64| now_ms - ms <= MAX_AGE_MS;
            let allowed = match (&newest, lost) {
                (Some((Said::On, ms)), false) if young(*ms) => Face::On,
                (Some((Said::Off, ms)), false) if young(*ms) => Face::Off,
                _ => Face::Unknown,
            };
            // A retained word does not take back a live one, which has an age of its own.
            let retained = matches!(newest, Some((Said::OfUnknownAge, _)));
            prop_assert!(face == allowed || face == Face::Unknown || retained, "{face:?}");
            prop_assert!(!lost || face == Face::Unknown);
            prop_assert_eq!(table.state(PRESS, at(now_ms + MAX_AGE_MS + 1)).face(), Face::Unknown);
        }
    }

    #[test]
    fn notes_come_at_most_once_a_second_and_count_what_they_leave_out(
        gaps_ms in prop::collection::vec(1..400u64, 1..200),
    ) {
        let mut table = table();
        let (mut now_ms, mut noted_ms, mut counted) = (0u64, None, 0u32);
        for (number, gap_ms) in gaps_ms.iter().enumerate() {
            now_ms += gap_ms;
            let said = if number % 2 == 0 { Said::On } else { Said::Off };
            table.heard(PRESS, said, at(now_ms), None);
            for note in table.look(moment(now_ms)) {
                prop_assert!(noted_ms.is_none_or(|ms| now_ms - ms >= 1_000));
                noted_ms = Some(now_ms);
                counted += note.changes;
            }
        }
        counted += table.look(moment(now_ms + 1_000)).iter().map(|note| note.changes).sum::<u32>();
        // One that is left is still on its way to the next note.
        let changes = u32::try_from(gaps_ms.len()).expect("small");
        prop_assert!(counted == changes || counted + 1 == changes, "{counted} of {changes}");
    }
}

#[test]
fn each_reason_names_itself() {
    let mut table = table();
    let reason = |table: &InputTable, ms: u64| match table.state(PRESS, at(ms)) {
        InputState::Unknown(why) => {
            why.reason(&jiff::tz::TimeZone::get("Europe/Prague").expect("known"))
        }
        known => panic!("{known:?} is known"),
    };
    assert_eq!(reason(&table, 0), "never heard");
    table.heard(PRESS, Said::OfUnknownAge, at(10), None);
    assert!(reason(&table, 10).contains("retained"));
    table.heard(PRESS, Said::Neither { text: "maybe".into() }, at(20), None);
    assert_eq!(reason(&table, 20), "value `maybe` is neither on nor off");
    table.heard(PRESS, Said::On, at(1_000), None);
    assert_eq!(table.state(PRESS, at(6_000)), InputState::On);
    assert_eq!(reason(&table, 8_000), "no word for 7 s (at most 5 s)");
    table.lost(&[PRESS], "the broker", "connection refused", moment(420_000).wall);
    let lost = "the broker is not reachable since 14:07 (connection refused)";
    assert_eq!(reason(&table, 420_000), lost);
    table.lost(&[PRESS], "the broker", "connection refused", moment(900_000).wall);
    assert_eq!(reason(&table, 900_000), lost, "since the first loss, not the last try");
    table.connected(&[PRESS]);
    assert_eq!(reason(&table, 900_001), "not heard since the connection came back");
    let strange = table.state_of("nobody", at(0));
    assert_eq!(strange, InputState::Unknown(Unknown::NotConfigured));
}

#[test]
fn what_was_said_before_a_loss_is_not_believed_after_it() {
    let mut table = table();
    table.heard(PRESS, Said::Off, at(1_000), None);
    table.lost(&[PRESS], "the broker", "gone", moment(1_100).wall);
    assert_eq!(table.state(PRESS, at(1_100)).face(), Face::Unknown);
    table.heard(PRESS, Said::Off, at(1_150), None);
    table.connected(&[PRESS]);
    assert_eq!(table.state(PRESS, at(1_200)).face(), Face::Unknown);
    table.heard(PRESS, Said::Off, at(1_300), None);
    assert_eq!(table.state(PRESS, at(1_300)), InputState::Off);
}

#[test]
fn one_input_says_nothing_of_another() {
    let mut table = table();
    table.heard(InputIndex(1), Said::Off, at(1_000), None);
    table.heard(InputIndex(99), Said::Off, at(1_000), None);
    assert_eq!(table.state(PRESS, at(1_000)).face(), Face::Unknown);
    assert_eq!(table.state_of("gate", at(1_000)), InputState::Off);
    assert_eq!(table.state_of("gate", at(2_001)).face(), Face::Unknown);
}

#[test]
fn since_is_when_the_face_changed_and_age_is_of_the_newest_word() {
    let mut table = table();
    for ms in [1_000, 2_000, 3_000] {
        table.heard(PRESS, Said::On, at(ms), None);
        table.look(moment(ms));
    }
    let rows: Vec<_> = table.rows(at(3_500)).collect();
    assert_eq!(rows[0].0, "press");
    assert_eq!((rows[0].2, rows[0].3), (moment(1_000).wall, Some(Duration::from_millis(500))));
    assert_eq!((rows[1].2, rows[1].3), (moment(0).wall, None));
}
