//! A whole box in a seeded world: the real engine with its supervision, the real paging policy and
//! the real delivery policy; cameras, vision process, disk, network, handhelds and people are played.
//!
//! Two acts. In the first everything fails that may: **safety** is judged after every step (`judge`).
//! In the second all of it heals and nobody is where nobody may be: the box must **converge**.
//!
//! Nothing here waits and nothing reads a clock, so a seed is a story that can be told again:
//! `STANDCLEAR_SEED=17 cargo test --test sim`; `STANDCLEAR_SEEDS=1000` tells so many
//! (`scripts/sim --seeds 1000`).

mod disk;
mod handhelds;
mod judge;
mod post;
mod random;
mod script;
mod vision;
mod world;

use std::collections::BTreeMap;

use world::{Told, World};

/// Stories told without being asked for more: about ten seconds.
const SEEDS: u64 = 200;

/// Seeds that once told of a fault in the box. They stay.
const REGRESSIONS: &[u64] = &[];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_fails_the_siren_sounds_in_time_nothing_is_lost_and_the_box_converges() {
    let seeds: Vec<u64> = match (number("STANDCLEAR_SEED"), number("STANDCLEAR_SEEDS")) {
        (Some(seed), _) => vec![seed],
        (None, seeds) => REGRESSIONS.iter().copied().chain(1..=seeds.unwrap_or(SEEDS)).collect(),
    };
    let mut sum: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in &seeds {
        println!("seed {seed}: STANDCLEAR_SEED={seed} cargo test --no-default-features --test sim");
        let Told { counts } = World::new(*seed).tell();
        for (what, count) in counts {
            *sum.entry(what).or_default() += count;
        }
    }
    println!("{} stories: {sum:?}", seeds.len());
    // A story in which nothing happens proves nothing.
    if seeds.len() as u64 >= SEEDS {
        for what in [
            "incidents",
            "strangers heard",
            "blind",
            "kills",
            "records lost with a kill",
            "sent again",
            "next person called",
            "nobody listened",
            "messages delivered",
            "messages delivered twice",
            "answers",
            "answers of what was newer",
        ] {
            assert!(sum.get(what).is_some_and(|count| *count > 0), "never seen: {what}; {sum:?}");
        }
    }
}

#[test]
fn a_story_told_twice_is_the_same_story() {
    let tell = || World::new(7).tell().counts;
    assert_eq!(tell(), tell());
}
