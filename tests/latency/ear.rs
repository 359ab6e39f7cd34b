//! What the sound device gets: recorded from the monitor of a sink without hardware, each stretch of
//! 10 ms with the instant at which it was read.
//!
//! The **onset** of the intrusion pattern is the first stretch at whose end the low tone stands out,
//! after silence of both tones and followed by the high one. The instant is that of reading, so every
//! figure includes what the recording itself takes: a sound is never said to be earlier than it was.

use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use standclear::clock;
use standclear::engine::time::Instant;
use standclear::guard::siren::tones::INTRUSION_HZ;

const RATE_HZ: usize = 48_000;
const STRETCH: usize = RATE_HZ / 100;
/// Judged at a time, two stretches: tells tones 100 Hz apart.
const WINDOW: usize = 2 * STRETCH;

/// A tone is there from this amplitude of full scale, and not there below the other.
const THERE: f64 = 0.1;
const GONE: f64 = 0.03;

/// Silence of both tones before an onset, and the longest until the high tone follows.
const QUIET_BEFORE: Duration = Duration::from_millis(150);
const HIGH_WITHIN: Duration = Duration::from_millis(400);

/// Stretches kept: a minute.
const KEPT: usize = 6000;

/// Frequency of the known click, Hz: neither of the siren's.
const CLICK_HZ: f64 = 2000.0;

#[derive(Clone, Copy, Debug)]
struct Stretch {
    read_at: Instant,
    low: f64,
    high: f64,
    click: f64,
}

/// Records and listens.
pub struct Ear {
    recorder: Child,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard {
    stretches: Mutex<VecDeque<Stretch>>,
    more: Condvar,
}

impl Ear {
    pub fn open() -> Ear {
        let mut recorder = Command::new("parec")
            .args(["--device=out.monitor", "--raw", "--format=s16le", "--channels=1"])
            .args(["--rate=48000", "--latency-msec=10"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("parec");
        let mut pipe = recorder.stdout.take().expect("a pipe");
        let heard = Arc::new(Heard::default());
        let listener = heard.clone();
        thread::spawn(move || {
            let hann = |i: usize| 0.5 - 0.5 * (TAU * (i as f64 + 0.5) / WINDOW as f64).cos();
            let weights: Vec<f64> = (0..WINDOW).map(hann).collect();
            let mut window = vec![0.0; WINDOW];
            let mut bytes = [0; 2 * STRETCH];
            while pipe.read_exact(&mut bytes).is_ok() {
                let read_at = clock::monotonic();
                window.copy_within(STRETCH.., 0);
                for (sample, pair) in window[STRETCH..].iter_mut().zip(bytes.chunks_exact(2)) {
                    *sample = f64::from(i16::from_le_bytes([pair[0], pair[1]])) / 32768.0;
                }
                let tone = |hz: f64| amplitude(&window, &weights, hz);
                let (low, high) = (tone(INTRUSION_HZ.0.into()), tone(INTRUSION_HZ.1.into()));
                listener.add(Stretch { read_at, low, high, click: tone(CLICK_HZ) });
            }
        });
        Ear { recorder, heard }
    }

    /// When the intrusion pattern began, if it began after `then` and by `until`.
    pub fn onset(&self, then: Instant, until: Instant) -> Option<Instant> {
        self.heard.wait(until.after(HIGH_WITHIN), |stretches| {
            onset_in(stretches, then).filter(|at| *at <= until)
        })
    }

    /// Waits until neither tone of the intrusion pattern has sounded for a while.
    pub fn quiet(&self, until: Instant) -> bool {
        let is_quiet = |stretches: &VecDeque<Stretch>| {
            let last = stretches.back()?.read_at;
            let recent =
                stretches.iter().rev().take_while(|s| last.since(s.read_at) < 2 * QUIET_BEFORE);
            recent.into_iter().all(|s| s.low < GONE && s.high < GONE).then_some(())
        };
        self.heard.wait(until, is_quiet).is_some()
    }

    /// How long a click written to the sound server takes to be read from the recording: more than
    /// the recording alone takes, since a player lies before it.
    pub fn click(&self) -> Option<Duration> {
        let mut player = Click::start();
        // The player's own stream has to flow before its delay means anything.
        player.silence(Duration::from_millis(600));
        let written = player.click();
        let until = written.after(Duration::from_secs(2));
        let heard = self.heard.wait(until, |stretches| {
            stretches.iter().find(|s| s.read_at > written && s.click > GONE).map(|s| s.read_at)
        });
        player.end();
        heard.map(|at| at.since(written))
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        // It may have ended with the server.
        let _ = self.recorder.kill();
        let _ = self.recorder.wait();
    }
}

impl Heard {
    fn add(&self, stretch: Stretch) {
        let mut stretches = self.stretches.lock().unwrap_or_else(PoisonError::into_inner);
        if stretches.len() == KEPT {
            stretches.pop_front();
        }
        stretches.push_back(stretch);
        self.more.notify_all();
    }

    fn wait<T>(
        &self,
        until: Instant,
        found: impl Fn(&VecDeque<Stretch>) -> Option<T>,
    ) -> Option<T> {
        let mut stretches = self.stretches.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = found(&stretches) {
                return Some(found);
            }
            let left = until.since(clock::monotonic());
            if left.is_zero() {
                return None;
            }
            let waited = self.more.wait_timeout(stretches, left);
            stretches = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn onset_in(stretches: &VecDeque<Stretch>, then: Instant) -> Option<Instant> {
    for (index, stretch) in stretches.iter().enumerate() {
        if stretch.read_at <= then || stretch.low < THERE {
            continue;
        }
        let before = stretches.range(..index.saturating_sub(2)).rev();
        let mut before = before.take_while(|s| stretch.read_at.since(s.read_at) < QUIET_BEFORE);
        let mut after = stretches.range(index..);
        let quiet = before.all(|s| s.low < GONE && s.high < GONE);
        let followed =
            after.any(|s| s.high > THERE && s.read_at.since(stretch.read_at) < HIGH_WITHIN);
        if quiet && followed {
            return Some(stretch.read_at);
        }
    }
    None
}

/// Amplitude at a frequency, 1 for a full sine (plain correlation under a Hann window).
fn amplitude(sound: &[f64], weights: &[f64], hz: f64) -> f64 {
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for (i, (sample, weight)) in sound.iter().zip(weights).enumerate() {
        let angle = TAU * hz * i as f64 / RATE_HZ as f64;
        re += weight * sample * angle.cos();
        im += weight * sample * angle.sin();
        all += weight;
    }
    2.0 * f64::hypot(re, im) / all
}

/// A player of one click.
struct Click {
    player: Child,
    pipe: ChildStdin,
}

impl Click {
    fn start() -> Click {
        let mut player = Command::new("pacat")
            .args(["--playback", "--device=out", "--raw", "--format=s16le", "--channels=1"])
            .args(["--rate=48000", "--latency-msec=10"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("pacat");
        let pipe = player.stdin.take().expect("a pipe");
        Click { player, pipe }
    }

    /// Writes silence at the pace of time.
    fn silence(&mut self, span: Duration) {
        let start = clock::monotonic();
        let mut written = 0;
        while clock::monotonic().since(start) < span {
            let due = start.after(Duration::from_millis(10 * written));
            thread::park_timeout(due.since(clock::monotonic()));
            self.write(&[0.0; STRETCH]);
            written += 1;
        }
    }

    /// Writes 50 ms of a tone and says when.
    fn click(&mut self) -> Instant {
        let sine = |i: usize| (TAU * CLICK_HZ * i as f64 / RATE_HZ as f64).sin() / 2.0;
        let tone: Vec<f64> = (0..5 * STRETCH).map(sine).collect();
        let at = clock::monotonic();
        self.write(&tone);
        at
    }

    fn write(&mut self, samples: &[f64]) {
        let bytes = samples.iter().flat_map(|s| ((s * 32767.0) as i16).to_le_bytes());
        self.pipe.write_all(&bytes.collect::<Vec<u8>>()).expect("the player takes samples");
        self.pipe.flush().expect("the player takes samples");
    }

    fn end(mut self) {
        drop(self.pipe);
        let _ = self.player.kill();
        let _ = self.player.wait();
    }
}
