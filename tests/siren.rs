//! The siren through a real sound system: what comes out of the card, and how soon.
//!
//! `tests/siren/record` provides a card that only records (a private PulseAudio with a null sink).
//! Where PulseAudio is not installed the test says so and checks nothing.
#![cfg(feature = "sound")]

use std::env;
use std::f64::consts::TAU;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use standclear::clock;
use standclear::config::SirenDevice;
use standclear::engine::SirenPattern;
use standclear::engine::time::Instant;
use standclear::guard::siren::{OutputState, SirenOutput};
use standclear::guard::sound_card::SoundCard;

/// Set in the run of this program that has the recording card.
const INSIDE: &str = "STANDCLEAR_RECORDING_CARD";

/// What `tests/siren/record` exits with when PulseAudio is missing.
const NOT_INSTALLED: i32 = 77;

const RATE_HZ: usize = 48_000;

/// Longest wait for anything that must come.
const WAIT_MAX: Duration = Duration::from_secs(15);

/// Loudest sample that counts as silence, of 32768.
const SILENCE_MAX: i16 = 100;

#[test]
fn the_siren_is_heard_through_a_sound_card() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/siren/record");
    let status = Command::new(script)
        .arg(env::current_exe().expect("this program"))
        .args(["--exact", "inside_the_recording_card", "--nocapture"])
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

/// The body of the test above; does nothing when it is not started by it.
#[test]
fn inside_the_recording_card() {
    if env::var_os(INSIDE).is_none() {
        return;
    }
    let mut ear = Ear::open();
    let mut card = SoundCard::open(&SirenDevice::Default, 1.0).expect("a thread");
    wait_until_working(&mut card);

    assert!(ear.listen(0.3).iter().all(|s| s.abs() <= SILENCE_MAX), "a quiet siren is not silent");

    let started = ear.first_sound(&mut card, SirenPattern::Intrusion);
    println!("intrusion: first sample recorded {started:?} after the command");
    assert!(started < Duration::from_millis(300), "heard only after {started:?}");
    let sound = ear.listen(1.0);
    let (low, high, other) = (power(&sound, 700.0), power(&sound, 1200.0), power(&sound, 440.0));
    println!(
        "intrusion: 700 Hz {low:.3}, 1200 Hz {high:.3}, 440 Hz {other:.4}, peak {}",
        peak(&sound)
    );
    assert!(low > 0.2 && high > 0.2 && other < 0.02);
    assert!(peak(&sound) <= 0.91, "it clips");
    let changes = changes_a_second(&sound);
    println!("intrusion: {changes} changes of tone a second");
    assert!((7..=9).contains(&changes));

    let started = ear.first_silence(&mut card);
    println!("silent: {started:?} after the command");
    assert!(started < Duration::from_millis(400));

    let started = ear.first_sound(&mut card, SirenPattern::Fault);
    println!("fault: first sample recorded {started:?} after the command");
    let sound = ear.listen(2.0);
    let (fault, intrusion) = (power(&sound, 440.0), power(&sound, 1200.0));
    let loud = sound.chunks(480).filter(|chunk| peak(chunk) > 0.1).count() as f64 / 100.0;
    println!("fault: 440 Hz {fault:.3}, 1200 Hz {intrusion:.4}, sounding {loud:.2} s of 2 s");
    assert!(fault > 0.05 && intrusion < 0.02);
    assert!((0.2..0.4).contains(&loud));

    a_card_that_stops_is_broken_until_it_goes_on(&mut card);
}

/// The card takes no more samples: broken within a second, and working again by itself afterwards.
fn a_card_that_stops_is_broken_until_it_goes_on(card: &mut SoundCard) {
    suspend("1");
    let suspended_at = clock::monotonic();
    wait_until(card, |state| matches!(state, OutputState::Broken { .. }));
    let after = clock::monotonic().since(suspended_at);
    println!("suspended card: broken after {after:?}");
    assert!(after < Duration::from_secs(1), "noticed only after {after:?}");
    suspend("0");
    let resumed_at = clock::monotonic();
    wait_until_working(card);
    println!("resumed card: working after {:?}", clock::monotonic().since(resumed_at));
}

fn suspend(yes: &str) {
    let pactl = Command::new("pactl").args(["suspend-sink", "siren", yes]).status();
    assert!(pactl.expect("pactl").success());
}

fn wait_until_working(card: &mut SoundCard) {
    wait_until(card, |state| matches!(state, OutputState::Working { .. }));
}

fn wait_until(card: &mut SoundCard, wanted: impl Fn(&OutputState) -> bool) {
    let until = clock::monotonic().after(WAIT_MAX);
    loop {
        let state = card.state(clock::monotonic());
        if wanted(&state) {
            return;
        }
        assert!(clock::monotonic() < until, "the card stays {state:?}");
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// Records what the card plays.
struct Ear {
    recorder: Child,
    heard: Receiver<(Instant, Vec<i16>)>,
}

impl Ear {
    fn open() -> Ear {
        let mut recorder = Command::new("parec")
            .args(["--device=siren.monitor", "--raw", "--format=s16le", "--channels=1"])
            .args(["--rate=48000", "--latency-msec=10"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("parec");
        let mut pipe = recorder.stdout.take().expect("a pipe");
        let (sender, heard) = mpsc::sync_channel(4096);
        thread::spawn(move || {
            let mut bytes = [0; 960];
            while pipe.read_exact(&mut bytes).is_ok() {
                let samples = bytes.chunks(2).map(|b| i16::from_le_bytes([b[0], b[1]]));
                if sender.send((clock::monotonic(), samples.collect())).is_err() {
                    return;
                }
            }
        });
        Ear { recorder, heard }
    }

    /// The next `seconds` of sound.
    fn listen(&mut self, seconds: f64) -> Vec<i16> {
        while self.heard.try_recv().is_ok() {}
        let mut sound = Vec::new();
        while sound.len() < (seconds * RATE_HZ as f64) as usize {
            sound.extend(self.heard.recv_timeout(WAIT_MAX).expect("sound").1);
        }
        sound
    }

    fn first_sound(&mut self, card: &mut SoundCard, pattern: SirenPattern) -> Duration {
        self.after(card, pattern, |chunk| chunk.iter().any(|s| s.abs() > SILENCE_MAX))
    }

    /// The first tenth of a second without sound.
    fn first_silence(&mut self, card: &mut SoundCard) -> Duration {
        let mut quiet = 0;
        self.after(card, SirenPattern::Silent, |chunk| {
            let silent = chunk.iter().all(|s| s.abs() <= SILENCE_MAX);
            quiet = if silent { quiet + 1 } else { 0 };
            quiet == 10
        })
    }

    fn after(
        &mut self,
        card: &mut SoundCard,
        pattern: SirenPattern,
        mut is_it: impl FnMut(&[i16]) -> bool,
    ) -> Duration {
        while self.heard.try_recv().is_ok() {}
        let ordered_at = clock::monotonic();
        card.sound(pattern);
        let until = ordered_at.after(WAIT_MAX);
        loop {
            let (at, chunk) = self.heard.recv_timeout(WAIT_MAX).expect("sound");
            if is_it(&chunk) {
                return at.since(ordered_at);
            }
            assert!(at < until, "{pattern:?} is not heard");
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        // It may have ended with the server.
        let _ = self.recorder.kill();
        let _ = self.recorder.wait();
    }
}

/// Amplitude at a frequency, 1 for a full sine (Goertzel by plain correlation).
fn power(sound: &[i16], hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, &sample) in sound.iter().enumerate() {
        let angle = TAU * hz * i as f64 / RATE_HZ as f64;
        re += f64::from(sample) / 32768.0 * angle.cos();
        im += f64::from(sample) / 32768.0 * angle.sin();
    }
    2.0 * f64::hypot(re, im) / sound.len() as f64
}

fn peak(sound: &[i16]) -> f64 {
    sound.iter().map(|&s| f64::from(s).abs()).fold(0.0, f64::max) / 32768.0
}

/// How often low and high tone change, counted over windows of 31 ms.
fn changes_a_second(sound: &[i16]) -> usize {
    let tones: Vec<bool> = sound
        .chunks_exact(1500)
        .map(|window| power(window, 1200.0) > power(window, 700.0))
        .collect();
    let changes = tones.windows(2).filter(|pair| pair[0] != pair[1]).count();
    changes * RATE_HZ / sound.len()
}
