//! `standclear handhelds`, beside a box that runs and one that is stopped.

use std::path::PathBuf;
use std::process::Command;

use crate::device::Habit;
use crate::world::{World, write_config};

/// The real binary, beside this test's.
fn standclear(world_config: &PathBuf, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_standclear"))
        .args(["handhelds"])
        .args(arguments)
        .arg("--config")
        .arg(world_config)
        .output()
        .expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_command_lists_pairs_and_revokes_on_a_box_that_is_stopped_and_refuses_beside_one_that_runs() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let config = write_config(&world.site, world.port);
    let (done, text) = standclear(&config, &["list"]);
    assert!(!done && text.contains("in use"), "{text}");
    drop(phones[0].connect(Habit::Good));
    let World { site, guard, port, .. } = world;
    guard.stop();
    let (done, text) = standclear(&config, &["list"]);
    assert!(done && text.contains("Eva's phone") && text.contains(&phones[0].id), "{text}");
    let (done, text) = standclear(&config, &["pair", "Ben", "Ben's phone"]);
    let code = text.lines().next().and_then(|line| line.split_whitespace().last());
    // As the page shows it: four, a dash, four.
    let is_shown_so = |code: &&str| code.len() == 9 && code.chars().nth(4) == Some('-');
    let code = code.filter(is_shown_so).map(|code| code.replace('-', ""));
    assert!(text.contains("/handheld on the device") && text.contains("://"), "{text}");
    assert!(done && code.is_some(), "{text}");
    let (done, text) = standclear(&config, &["revoke", "nobody", "--reason", "x"]);
    assert!(!done && text.contains("no handheld \"nobody\""), "{text}");
    let (done, text) = standclear(&config, &["revoke", &phones[0].id, "--reason", "lost"]);
    assert!(done && text.contains("revoked"), "{text}");

    let world = World::again(site, port);
    let refusal = phones[0].try_connect(Habit::Good, |nonce| phones[0].proof(nonce)).err();
    assert_eq!(refusal.expect("refused")["code"], "revoked");
    let paired = world.pair_with(&code.expect("just seen"), &crate::device::Key::new());
    assert_eq!((paired.0, paired.1["person"].as_str()), (200, Some("Ben")));
    world.guard.stop();
}

#[test]
fn a_question_before_the_first_start_makes_no_store() {
    let site = crate::site::TestSite::new();
    let config = write_config(&site, 1);
    let (done, text) = standclear(&config, &["list"]);
    assert!(done && text.contains("never started"), "{text}");
    let (done, text) = standclear(&config, &["revoke", "abc", "--reason", "lost"]);
    assert!(!done && text.contains("no handheld \"abc\""), "{text}");
    assert!(!site.path("data").exists(), "the store's folder");
}
