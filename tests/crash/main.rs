//! A box that is killed, over and over, while people walk in and out: nothing that was kept is lost,
//! nothing reaches a receiver twice that tells messages apart, alarms are as they were, and the store
//! is whole.
//!
//! Kills come at **points** in the code (right before and after everything that makes something last)
//! and at random moments. `STANDCLEAR_KILLS=500 cargo test --test crash` takes more of them;
//! `STANDCLEAR_SEED` tells a run again, as far as threads allow.
//!
//! A kill leaves the system's cache alone, so this shows order and atomicity; that commits are synced
//! is what `Store::open` asserts.

#[path = "../notify/hook.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod hook;
mod life;
mod proof;
#[path = "../guard/site.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod site;
#[path = "../guard/worker.rs"]
mod worker;

use std::time::Duration;

use life::{Ended, Life, POINTS};
use proof::Receiver;

/// Kills without being asked for more: each point four times, and as many at random.
const KILLS: usize = 60;

/// Not a test of its own: the vision process of the boxes below.
#[test]
fn fake_vision_process() {
    worker::serve_if_started_by_the_guard();
}

/// Not a test of its own: the box that is killed.
#[test]
fn box_that_is_killed() {
    life::live_if_asked();
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whenever_the_box_is_killed_nothing_kept_is_lost_and_alarms_are_as_they_were() {
    let kills = number("STANDCLEAR_KILLS").map_or(KILLS, |kills| kills as usize);
    let seed = number("STANDCLEAR_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}: STANDCLEAR_SEED={seed} cargo test --no-default-features --test crash");
    let mut random = seed;
    let mut next = move || {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 33
    };
    let receiver = Receiver::start(next());
    let folder = life::folder(&receiver.url());
    let mut at_points = [0_u32; POINTS.len()];
    let mut answers = 0;
    for kill in 0..kills {
        let before = proof::open_alarms(folder.path());
        // Half of them at a point, the n-th time that it is passed.
        let point = (kill % 2 == 0).then(|| (kill / 2) % POINTS.len());
        let passed = match point {
            // Passed once in a life.
            Some(point) if POINTS[point].starts_with("store::restore") => 1,
            Some(_) | None => 1 + next() % 6,
        };
        let pause = Duration::from_millis(200 + next() % 1_400);
        let mut life = Life::begin(folder.path(), point.map(|point| (POINTS[point], passed)));
        if let Some(restored) = life.restored() {
            assert_eq!(restored, before, "seed {seed}, kill {kill}: alarms changed with a restart");
        }
        match life.end(pause) {
            Ended::AtThePoint => at_points[point.expect("one was set")] += 1,
            Ended::Killed => {}
        }
        answers += life.answered().len();
        proof::whole(folder.path(), &format!("seed {seed}, kill {kill}"));
        proof::answers_kept(folder.path(), life.answered(), &format!("seed {seed}, kill {kill}"));
    }
    life::live_on(folder.path(), || proof::is_drained(folder.path()));
    let sums = receiver.compare(folder.path());
    println!("{kills} kills, {answers} answers, {sums}");
    for (point, times) in POINTS.iter().zip(at_points) {
        println!("  {times} at {point}");
        assert!(kills < KILLS || times > 0, "no kill at {point}");
    }
    assert!(answers > 0, "nobody answered anything");
}
