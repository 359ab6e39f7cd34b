//! The siren through a real sound system: what comes out of the card, and how soon.
//!
//! `tests/siren/record` provides two cards that only record (a private PulseAudio with null sinks).
//! Where PulseAudio is not installed the tests say so and check nothing.
#![cfg(feature = "sound")]

#[path = "siren/ear.rs"]
mod ear;

use std::env;
use std::f32::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use standclear::clock;
use standclear::config::SirenDevice;
use standclear::engine::SirenPattern;
use standclear::guard::siren::fallback::WithFallback;
use standclear::guard::siren::sound_card::{SoundCard, try_open};
use standclear::guard::siren::tones;
use standclear::guard::siren::voices::Voices;
use standclear::guard::siren::{OutputState, SirenOutput, Sound};
use standclear::store::Store;
use standclear::store::audit::AuditReader;

use ear::{Ear, RATE_HZ, changes_a_second, peak, power};

/// Set in the run of this program that has the recording cards.
const INSIDE: &str = "STANDCLEAR_RECORDING_CARD";

/// What `tests/siren/record` exits with when PulseAudio is missing.
const NOT_INSTALLED: i32 = 77;

/// Longest wait for anything that must come.
pub const WAIT_MAX: Duration = Duration::from_secs(15);

const SILENT: Sound = Sound::SILENT;
const INTRUSION: Sound = Sound::Alarm(SirenPattern::Intrusion, None);
const WARNING: Sound = Sound::Alarm(SirenPattern::Warning, None);
const FAULT: Sound = Sound::Alarm(SirenPattern::Fault, None);

/// Runs a test of this program where there are recording cards.
fn with_recording_cards(test: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/siren/record");
    let status = Command::new(script)
        .arg(env::current_exe().expect("this program"))
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .expect("a shell");
    if status.code() == Some(NOT_INSTALLED) {
        eprintln!(
            "SKIPPED: install pulseaudio, pulseaudio-utils and libasound2-plugins to hear it"
        );
        return;
    }
    assert!(status.success(), "the part inside failed, see above");
}

fn inside() -> bool {
    env::var_os(INSIDE).is_some()
}

#[test]
fn every_sound_is_recognised_in_what_the_card_plays() {
    with_recording_cards("inside_every_sound");
}

#[test]
fn an_order_is_heard_within_a_tenth_of_a_second() {
    with_recording_cards("inside_onset");
}

#[test]
fn the_zones_name_is_heard_after_the_pattern() {
    with_recording_cards("inside_name");
}

#[test]
fn a_card_that_stops_or_is_muted_is_broken_until_it_goes_on() {
    with_recording_cards("inside_stopped_and_muted");
}

#[test]
fn a_second_card_sounds_while_the_first_is_gone_and_the_first_again_when_it_is_back() {
    with_recording_cards("inside_fallback");
}

#[test]
fn a_card_whose_thread_panics_is_a_fault_the_second_sounds_and_the_first_is_tried_again() {
    with_recording_cards("inside_panic");
}

#[test]
fn the_test_command_is_heard_and_says_what_was_granted() {
    with_recording_cards("inside_test_command");
}

#[test]
fn inside_every_sound() {
    if !inside() {
        return;
    }
    let mut ear = Ear::open("horn");
    let mut card = open("horn");
    wait_until_working(&mut card);
    assert!(ear.listen(0.3).iter().all(|s| s.abs() <= ear::SILENCE_MAX), "a quiet siren sounds");

    ear.first_sound(&mut card, INTRUSION);
    let sound = ear.listen(1.0);
    let (low, high, other) = (power(&sound, 700.0), power(&sound, 1200.0), power(&sound, 440.0));
    let changes = changes_a_second(&sound);
    println!(
        "intrusion: 700 Hz {low:.3}, 1200 Hz {high:.3}, 440 Hz {other:.4}, peak {:.3}, {changes} \
         changes of tone a second",
        peak(&sound)
    );
    assert!(low > 0.2 && high > 0.2 && other < 0.02);
    assert!(peak(&sound) <= 0.91, "it clips");
    assert!((7..=9).contains(&changes));
    println!("silent {:?} after the order", ear.first_silence(&mut card));

    ear.first_sound(&mut card, FAULT);
    let sound = ear.listen(2.0);
    let (fault, intrusion) = (power(&sound, 440.0), power(&sound, 1200.0));
    let loud = sound.chunks(480).filter(|chunk| peak(chunk) > 0.1).count() as f64 / 100.0;
    println!("fault: 440 Hz {fault:.3}, 1200 Hz {intrusion:.4}, sounding {loud:.2} s of 2 s");
    assert!(fault > 0.05 && intrusion < 0.02);
    assert!((0.2..0.4).contains(&loud));
    ear.first_silence(&mut card);

    ear.first_sound(&mut card, WARNING);
    let sound = ear.listen(1.5);
    let (warning, intrusion) = (power(&sound, 988.0), power(&sound, 1200.0));
    println!("warning: 988 Hz {warning:.3}, 1200 Hz {intrusion:.4}, peak {:.3}", peak(&sound));
    assert!(warning > 0.01 && intrusion < 0.005 && peak(&sound) < 0.4);
    ear.first_silence(&mut card);

    ear.first_sound(&mut card, Sound::AllClear);
    let sound = ear.listen(1.0);
    let (steady, other) = (power(&sound, f64::from(tones::ALL_CLEAR_HZ)), power(&sound, 440.0));
    println!("all clear: 520 Hz {steady:.3}, 440 Hz {other:.4}");
    assert!(steady > 0.8 && other < 0.01);
    let rest = ear.listen(2.5);
    assert!(peak(&rest[rest.len() - RATE_HZ..]) < 0.01, "once, and then silence");

    card.sound(SILENT);
    ear.first_sound(&mut card, Sound::Test);
    let sound = ear.listen(1.0);
    let notes = tones::TEST_HZ.map(|hz| power(&sound, f64::from(hz)));
    println!("test: 600, 900, 1500 Hz {notes:.3?}");
    assert!(notes.iter().all(|note| *note > 0.05) && power(&sound, 1200.0) < 0.02);
    ear.first_silence(&mut card);

    card.sound(Sound::InaudibleTest);
    let sound = ear.loudest_second(2.0, 30.0);
    let (there, level) = (power(&sound, 30.0), peak(&sound));
    let played = card.played(clock::monotonic());
    println!("inaudible test: 30 Hz {there:.6}, peak {level:.6}, {played:?} left the card");
    assert!(there > 1e-4, "nothing reached the card");
    assert!(level < 0.001, "it could be heard");
    assert!(played >= Sound::InaudibleTest.lasts(), "{played:?}");
}

#[test]
fn inside_onset() {
    if !inside() {
        return;
    }
    println!("granted: {}", try_open(&named("horn")).expect("a card"));
    let mut ear = Ear::open("horn");
    let mut card = open("horn");
    wait_until_working(&mut card);
    let mut onsets: Vec<Duration> = (0..15)
        .map(|_| {
            let onset = ear.first_sound(&mut card, INTRUSION);
            ear.first_silence(&mut card);
            onset
        })
        .collect();
    onsets.sort();
    let (median, worst) = (onsets[7], onsets[14]);
    println!("order to first sample recorded: median {median:?}, worst of 15 {worst:?}");
    assert!(median < Duration::from_millis(100), "median {median:?}");
    // The recorder and the machine's other work are in this one.
    assert!(worst < Duration::from_millis(500), "worst {worst:?}");
}

#[test]
fn inside_name() {
    if !inside() {
        return;
    }
    // A name that no pattern can be taken for: one second of 3 kHz.
    let name = (0..16_000).map(|i| 0.8 * (TAU * 3000.0 * i as f32 / 16_000.0).sin()).collect();
    let voices = Arc::new(Voices::of([("gate-road".into(), 16_000, name)]));
    let voice = voices.find("gate-road");
    let mut ear = Ear::open("horn");
    let mut card = SoundCard::open(&named("horn"), 1.0, &voices).expect("a thread");
    wait_until_working(&mut card);
    ear.first_sound(&mut card, Sound::Alarm(SirenPattern::Intrusion, voice));
    let sound = ear.listen(5.5);
    let spoken: Vec<bool> =
        sound.chunks_exact(RATE_HZ / 10).map(|tenth| power(tenth, 3000.0) > 0.4).collect();
    let tones: Vec<bool> = sound
        .chunks_exact(RATE_HZ / 10)
        .map(|tenth| power(tenth, 700.0).max(power(tenth, 1200.0)) > 0.3)
        .collect();
    let first = spoken.iter().position(|spoken| *spoken).expect("the name is spoken");
    println!("name: spoken from {:.1} s, tenths of a second: {spoken:?}", first as f64 / 10.0);
    assert!((18..=24).contains(&first), "after two loops of a second");
    assert!(tones[..15].iter().all(|tone| *tone), "the pattern is first");
    assert!(spoken.iter().filter(|spoken| **spoken).count() >= 8);
    assert!(tones[36..].iter().any(|tone| *tone), "and goes on after the name");
}

#[test]
fn inside_stopped_and_muted() {
    if !inside() {
        return;
    }
    let mut card = open("horn");
    wait_until_working(&mut card);
    pactl(&["suspend-sink", "out", "1"]);
    let after = wait_until(&mut card, |state| matches!(state, OutputState::Broken { .. }));
    println!("suspended card: broken after {after:?}");
    assert!(after < Duration::from_secs(1), "noticed only after {after:?}");
    pactl(&["suspend-sink", "out", "0"]);
    println!("resumed card: working after {:?}", wait_until_working(&mut card));

    pactl(&["set-sink-mute", "out", "1"]);
    let muted = |state: &OutputState| matches!(state, OutputState::Broken { reason, .. } if reason.contains("muted"));
    println!("muted card: broken after {:?}", wait_until(&mut card, muted));
    let refused = try_open(&named("horn")).expect_err("doctor says so too");
    assert!(refused.contains("alsamixer"), "{refused}");
    pactl(&["set-sink-mute", "out", "0"]);
    println!("open again: working after {:?}", wait_until_working(&mut card));
}

#[test]
fn inside_fallback() {
    if !inside() {
        return;
    }
    let (mut horn, mut spare) = (Ear::open("horn"), Ear::open("spare"));
    let mut both =
        WithFallback::open(&named("horn"), &named("spare"), 1.0, &Arc::default()).expect("threads");
    wait_until_working(&mut both);
    horn.first_sound(&mut both, INTRUSION);
    assert!(power(&horn.listen(0.5), 700.0) > 0.2);
    assert!(peak(&spare.listen(0.3)) < 0.01, "the spare is silent");

    unplug("horn");
    let gone_at = clock::monotonic();
    spare.forget();
    drop(horn);
    let told = drive_until(
        &mut both,
        INTRUSION,
        |state| matches!(state, OutputState::Degraded { device, .. } if device == "spare"),
    );
    println!("first card gone: told after {told:?}: {:?}", both.state(clock::monotonic()));
    both.sound(INTRUSION);
    let heard = spare.wait_for_sound().0.since(gone_at);
    println!("second card heard {heard:?} after the first was gone");
    assert!(heard < Duration::from_millis(1500), "heard only after {heard:?}");
    let sound = spare.listen(1.0);
    assert!(power(&sound, 700.0) > 0.2 && power(&sound, 1200.0) > 0.2, "the same alarm");

    let plug = Command::new(cards().join("plug-horn")).status().expect("a script");
    assert!(plug.success(), "the card is not back");
    let back = drive_until(
        &mut both,
        INTRUSION,
        |state| matches!(state, OutputState::Working { device } if device == "horn"),
    );
    println!("first card back: sounds again after {back:?}");
    both.sound(INTRUSION);
    let mut horn = Ear::open("horn");
    let (sound, spare) = (horn.listen(1.0), spare.listen(1.0));
    assert!(power(&sound, 700.0) > 0.2, "the first card sounds again");
    assert!(peak(&spare) < 0.01, "and the second is silent again: {}", peak(&spare));
}

#[test]
fn inside_panic() {
    if !inside() {
        return;
    }
    let mut spare = Ear::open("spare");
    let mut both =
        WithFallback::open(&named("horn"), &named("spare"), 1.0, &Arc::default()).expect("threads");
    wait_until_working(&mut both);
    spare.forget();
    fail::cfg("sound_card::horn", "panic").expect("a point");
    let told = drive_until(&mut both, INTRUSION, |state| {
        matches!(state, OutputState::Degraded { device, reason }
            if device == "spare" && reason.contains("its thread failed"))
    });
    println!("thread of the first card panicked: told after {told:?}");
    both.sound(INTRUSION);
    spare.wait_for_sound();
    assert!(power(&spare.listen(1.0), 700.0) > 0.2, "the second sounds the alarm");
    fail::remove("sound_card::horn");
    let back = drive_until(
        &mut both,
        INTRUSION,
        |state| matches!(state, OutputState::Working { device } if device == "horn"),
    );
    println!("the thread begins anew: the first sounds again after {back:?}");
    both.sound(INTRUSION);
    let mut horn = Ear::open("horn");
    assert!(power(&horn.listen(1.0), 700.0) > 0.2, "the first card sounds again");
}

#[test]
fn inside_test_command() {
    if !inside() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("standclear.toml");
    let text = "[site]\nname = \"Yard\"\ntime_zone = \"UTC\"\n[[camera]]\nid = \"yard\"\n\
                name = \"Yard\"\nsource = { test = \"ball\" }\nzones = \"yard.json\"\n\
                [siren]\ndevice = \"horn\"\nfallback = \"spare\"\n";
    fs::write(&config, text).expect("written");
    fs::write(folder.path().join("yard.json"), "{}").expect("written");
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_standclear"))
            .args(["siren", "test", "--config"])
            .arg(&config)
            .args(arguments)
            .output()
            .expect("the program");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        println!("siren test {arguments:?}: {said}");
        (output.status.success(), said)
    };
    let (mut horn, mut spare) = (Ear::open("horn"), Ear::open("spare"));
    let (passed, said) = run(&[]);
    assert!(passed, "{said}");
    for part in ["horn", "spare", "granted: period ", "buffer 2048 frames (42.7 ms)", "passed"] {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
    for ear in [&mut horn, &mut spare] {
        let sound = ear.heard_so_far();
        let second = ear::strongest_second(&sound, f64::from(tones::TEST_HZ[1]));
        let note = power(second, f64::from(tones::TEST_HZ[1]));
        assert!(note > 0.05, "the test was heard: {note}");
    }
    assert!(said.contains("Not in the audit log"), "{said}");
    let data = folder.path().join("data");
    let store = Store::open(&data).expect("a store");
    let (_, beside_a_box) = run(&["--inaudible", "--device", "spare"]);
    assert!(beside_a_box.contains("Not in the audit log"), "{beside_a_box}");
    drop(store);
    let (passed, said) = run(&["--inaudible", "--device", "spare"]);
    assert!(passed && said.contains("passed") && !said.contains("horn"), "{said}");
    let kept = AuditReader::of_store(&data).expect("a reader").entries(10, None).expect("the log");
    let kept: Vec<_> = kept.iter().map(|row| &row.entry).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let of = (kept[0].by.as_str(), kept[0].action.as_str(), kept[0].subject.as_str());
    assert_eq!(of, ("console", "siren_test_passed", "spare"));
    assert!(peak(&spare.heard_so_far()) < 0.003, "inaudible");
    let (passed, said) = run(&["--device", "nowhere"]);
    assert!(!passed && said.contains("there are") && said.contains("horn"), "{said}");
}

/// Where `tests/siren/record` keeps its cards.
fn cards() -> PathBuf {
    env::var_os("CARDS").expect("the recording cards").into()
}

/// The sound server of a card.
fn server(card: &str) -> String {
    format!("unix:{}", cards().join(card).display())
}

fn unplug(card: &str) {
    let pid = fs::read_to_string(cards().join(format!("{card}.pid"))).expect("a process id");
    let pid = Pid::from_raw(pid.trim().parse().expect("a number")).expect("not 0");
    kill_process(pid, Signal::KILL).expect("it lives");
}

/// Looks as the siren's thread does, until the state is the wanted one.
fn drive_until(
    output: &mut impl SirenOutput,
    sound: Sound,
    wanted: impl Fn(&OutputState) -> bool,
) -> Duration {
    let from = clock::monotonic();
    loop {
        output.sound(sound);
        let state = output.state(clock::monotonic());
        if wanted(&state) {
            return clock::monotonic().since(from);
        }
        assert!(clock::monotonic() < from.after(WAIT_MAX), "the output stays {state:?}");
        thread::park_timeout(Duration::from_millis(20));
    }
}

fn open(device: &str) -> SoundCard {
    SoundCard::open(&named(device), 1.0, &Arc::default()).expect("a thread")
}

fn named(device: &str) -> SirenDevice {
    SirenDevice::of(device)
}

fn pactl(arguments: &[&str]) -> String {
    let pactl = Command::new("pactl").args(arguments).output().expect("pactl");
    assert!(pactl.status.success(), "pactl {arguments:?}");
    String::from_utf8(pactl.stdout).expect("text").trim().to_owned()
}

fn wait_until_working(output: &mut impl SirenOutput) -> Duration {
    wait_until(output, |state| matches!(state, OutputState::Working { .. }))
}

fn wait_until(output: &mut impl SirenOutput, wanted: impl Fn(&OutputState) -> bool) -> Duration {
    let from = clock::monotonic();
    loop {
        let state = output.state(clock::monotonic());
        if wanted(&state) {
            return clock::monotonic().since(from);
        }
        assert!(clock::monotonic() < from.after(WAIT_MAX), "the output stays {state:?}");
        thread::park_timeout(Duration::from_millis(10));
    }
}
