//! When a model on trial stays, and when it goes.

use std::time::Duration;

use standclear::engine::time::Instant;
use standclear::rollout::probation::{
    FRAMES_MIN, Golden, Probation, Progress, RUN_MIN, Review, Rules, SILENCE_MAX, Seen, Verdict,
};
use standclear::rollout::stage::Fault;

const BUDGET: Duration = Duration::from_millis(400);

/// Short, so that a test can go through all of it.
fn rules() -> Rules {
    Rules {
        frames_min: 10,
        run_min: Duration::from_secs(60),
        silence_max: Duration::from_secs(2),
        golden_max: Duration::from_secs(30),
        ..Rules::with_latency_budget(BUDGET)
    }
}

fn at(second: u64) -> Instant {
    Instant::from_millis(second * 1000)
}

fn begun() -> Probation {
    Probation::new(rules(), Progress::default(), at(0))
}

/// Lives and decides, a second each, and nothing comes of it.
fn goes_on(probation: &mut Probation, from: u64, to: u64) {
    for second in from..to {
        assert_eq!(probation.see(Seen::Frame, at(second)), Verdict::GoOn, "{second} s");
    }
}

/// At 60 s everything but the golden pictures is met.
fn asked() -> Probation {
    let mut probation = begun();
    goes_on(&mut probation, 0, 60);
    assert_eq!(probation.see(Seen::Frame, at(60)), Verdict::RunGolden);
    probation
}

#[test]
fn it_stays_after_enough_pictures_enough_hours_and_its_golden_pictures_once_more() {
    let mut probation = asked();
    assert_eq!(probation.see(Seen::Frame, at(61)), Verdict::GoOn, "asked once");
    assert_eq!(probation.see(Seen::Golden(Golden::Passed), at(62)), Verdict::Commit);
    assert_eq!(probation.see(Seen::Frame, at(63)), Verdict::Commit, "until somebody acts on it");
}

#[test]
fn hours_without_pictures_and_pictures_without_hours_are_not_enough() {
    let mut still = begun();
    for second in 0..3_600 {
        assert_eq!(still.see(Seen::Heartbeat, at(second)), Verdict::GoOn);
    }
    let mut quick = begun();
    for n in 0..10_000 {
        assert_eq!(quick.see(Seen::Frame, Instant::from_millis(n)), Verdict::GoOn);
    }
}

#[test]
fn the_usual_rules_are_a_day_and_five_thousand_pictures() {
    let rules = Rules::with_latency_budget(BUDGET);
    assert_eq!((rules.frames_min, rules.run_min), (FRAMES_MIN, RUN_MIN));
    assert_eq!((FRAMES_MIN, RUN_MIN), (5_000, Duration::from_secs(86_400)));
    assert_eq!(rules.silence_max, SILENCE_MAX);
}

#[test]
fn whatever_goes_wrong_takes_it_back_at_once_and_for_good() {
    let late = BUDGET + Duration::from_nanos(1);
    let faults = [
        (Seen::Error, Fault::Error),
        (Seen::Hang, Fault::Hung),
        (Seen::Latency { p99: late }, Fault::Latency),
        (Seen::Golden(Golden::Failed), Fault::GoldenFailed),
        (Seen::Review(Review::Confirmed), Fault::ReviewConfirmed),
    ];
    for (seen, reason) in faults {
        let mut probation = begun();
        goes_on(&mut probation, 0, 5);
        assert_eq!(probation.see(seen, at(5)), Verdict::RollBack { reason });
        assert_eq!(probation.see(Seen::Frame, at(6)), Verdict::RollBack { reason }, "final");
        // Also when it had passed and nobody has acted on it yet.
        let mut passed = asked();
        assert_eq!(passed.see(Seen::Golden(Golden::Passed), at(60)), Verdict::Commit);
        assert_eq!(passed.see(seen, at(61)), Verdict::RollBack { reason });
    }
}

#[test]
fn latency_within_the_budget_is_none_of_it() {
    let mut probation = begun();
    assert_eq!(probation.see(Seen::Latency { p99: BUDGET }, at(0)), Verdict::GoOn);
}

#[test]
fn silence_takes_it_back_within_two_seconds_and_a_look_at_the_clock() {
    for seen in [Seen::Tick, Seen::Frame, Seen::Heartbeat, Seen::Review(Review::Dismissed)] {
        let mut probation = begun();
        goes_on(&mut probation, 0, 5);
        let last = Instant::from_millis(4_000 + 2_000);
        assert_eq!(probation.see(Seen::Tick, last), Verdict::GoOn);
        let silent = Instant::from_millis(4_000 + 2_001);
        assert_eq!(probation.see(seen, silent), Verdict::RollBack { reason: Fault::Hung });
    }
}

#[test]
fn only_the_model_itself_shows_that_it_lives() {
    let mut probation = begun();
    let mut last = Verdict::GoOn;
    for n in 0..=21 {
        let now = Instant::from_millis(n * 100);
        last = probation.see(Seen::Tick, now);
        last = if n % 2 == 0 { probation.see(Seen::Review(Review::Dismissed), now) } else { last };
    }
    assert_eq!(last, Verdict::RollBack { reason: Fault::Hung });
}

#[test]
fn a_keeper_that_was_held_up_takes_nobody_for_silent() {
    // Everything is told at once, with the moments at which it was.
    let mut probation = begun();
    goes_on(&mut probation, 0, 30);
    // And out of order: what is older than the last sign of life moves nothing.
    assert_eq!(probation.see(Seen::Frame, at(3)), Verdict::GoOn);
    goes_on(&mut probation, 30, 60);
    assert_eq!(probation.see(Seen::Frame, at(60)), Verdict::RunGolden);
    assert_eq!(probation.progress(), Progress { frames: 62, run_s: 60 });
}

#[test]
fn an_open_review_holds_up_the_commit_and_golden_pictures_are_looked_at_after_it() {
    let mut probation = begun();
    assert_eq!(probation.see(Seen::Review(Review::Opened), at(0)), Verdict::GoOn);
    assert_eq!(probation.see(Seen::Review(Review::Opened), at(0)), Verdict::GoOn);
    goes_on(&mut probation, 0, 200);
    assert_eq!(
        probation.see(Seen::Review(Review::Dismissed), at(200)),
        Verdict::GoOn,
        "one is open"
    );
    assert_eq!(probation.see(Seen::Review(Review::Dismissed), at(200)), Verdict::RunGolden);
    assert_eq!(probation.see(Seen::Golden(Golden::Passed), at(201)), Verdict::Commit);
    assert_eq!(probation.see(Seen::Review(Review::Opened), at(201)), Verdict::GoOn, "withdrawn");
    goes_on(&mut probation, 201, 203);
    assert_eq!(probation.see(Seen::Golden(Golden::Passed), at(203)), Verdict::GoOn, "of before");
    assert_eq!(probation.see(Seen::Review(Review::Dismissed), at(203)), Verdict::RunGolden);
    assert_eq!(probation.see(Seen::Golden(Golden::Passed), at(203)), Verdict::Commit);
}

#[test]
fn golden_pictures_that_were_right_too_early_do_not_count() {
    let mut probation = begun();
    goes_on(&mut probation, 0, 59);
    assert_eq!(probation.see(Seen::Golden(Golden::Passed), at(59)), Verdict::GoOn);
    assert_eq!(probation.see(Seen::Frame, at(60)), Verdict::RunGolden);
    assert_eq!(probation.see(Seen::Frame, at(61)), Verdict::GoOn);
}

#[test]
fn golden_pictures_that_never_end_take_it_back() {
    let mut probation = asked();
    for second in 61..=90 {
        assert_eq!(probation.see(Seen::Frame, at(second)), Verdict::GoOn);
    }
    assert_eq!(probation.see(Seen::Frame, at(91)), Verdict::RollBack { reason: Fault::Hung });
}

#[test]
fn hours_and_pictures_count_over_restarts_and_the_time_in_between_does_not() {
    let mut first = begun();
    goes_on(&mut first, 0, 31);
    let before = first.progress();
    assert_eq!(before, Progress { frames: 31, run_s: 30 });
    // Another machine's clock: the origin has no meaning.
    let mut second = Probation::new(rules(), before, at(1_000_000));
    goes_on(&mut second, 1_000_000, 1_000_030);
    assert_eq!(second.see(Seen::Frame, at(1_000_030)), Verdict::RunGolden);
}

#[test]
fn numbers_at_their_end_are_not_passed() {
    let most = Progress { frames: u64::MAX, run_s: u64::MAX };
    let mut probation = Probation::new(rules(), most, at(0));
    assert_eq!(probation.see(Seen::Frame, at(1)), Verdict::RunGolden);
    assert_eq!(probation.progress(), most);
}
