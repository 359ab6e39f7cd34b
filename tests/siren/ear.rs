//! Records what a card plays, and says what is in it.

use std::f64::consts::TAU;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use standclear::clock;
use standclear::engine::time::Instant;
use standclear::guard::siren::{SirenOutput, Sound};

use super::WAIT_MAX;

pub const RATE_HZ: usize = 48_000;

/// Loudest sample that counts as silence, of 32768; the inaudible test is below.
pub const SILENCE_MAX: i16 = 100;

/// Ten milliseconds of a recording, with the moment it was read.
type Chunk = (Instant, Vec<i16>);

/// A recorder of one card.
pub struct Ear {
    recorder: Child,
    heard: Receiver<Chunk>,
}

impl Ear {
    pub fn open(card: &str) -> Ear {
        let mut recorder = Command::new("parec")
            .arg(format!("--server={}", super::server(card)))
            .arg("--device=out.monitor")
            .args(["--raw", "--format=s16le", "--channels=1", "--rate=48000", "--latency-msec=10"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("parec");
        let mut pipe = recorder.stdout.take().expect("a pipe");
        let (sender, heard) = mpsc::sync_channel(8192);
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

    /// What was heard until now does not count.
    pub fn forget(&mut self) {
        while self.heard.try_recv().is_ok() {}
    }

    /// The next `seconds` of sound.
    pub fn listen(&mut self, seconds: f64) -> Vec<i16> {
        self.forget();
        let mut sound = Vec::new();
        while sound.len() < (seconds * RATE_HZ as f64) as usize {
            sound.extend(self.heard.recv_timeout(WAIT_MAX).expect("sound").1);
        }
        sound
    }

    /// Of the next `seconds`, the second in which this frequency is strongest.
    pub fn loudest_second(&mut self, seconds: f64, hz: f64) -> Vec<i16> {
        strongest_second(&self.listen(seconds), hz).to_vec()
    }

    /// Everything recorded since it was last asked.
    pub fn heard_so_far(&mut self) -> Vec<i16> {
        self.heard.try_iter().flat_map(|(_, chunk)| chunk).collect()
    }

    /// From the order to the first sample recorded.
    pub fn first_sound(&mut self, output: &mut impl SirenOutput, sound: Sound) -> Duration {
        self.after(output, sound, |chunk| chunk.iter().any(|s| s.abs() > SILENCE_MAX))
    }

    /// From the order to the first tenth of a second without sound.
    pub fn first_silence(&mut self, output: &mut impl SirenOutput) -> Duration {
        let mut quiet = 0;
        self.after(output, Sound::SILENT, |chunk| {
            let silent = chunk.iter().all(|s| s.abs() <= SILENCE_MAX);
            quiet = if silent { quiet + 1 } else { 0 };
            quiet == 10
        })
    }

    /// The first chunk with sound in it, whoever ordered it.
    pub fn wait_for_sound(&mut self) -> Chunk {
        loop {
            let (at, chunk) = self.heard.recv_timeout(WAIT_MAX).expect("sound");
            if chunk.iter().any(|s| s.abs() > SILENCE_MAX) {
                return (at, chunk);
            }
        }
    }

    fn after(
        &mut self,
        output: &mut impl SirenOutput,
        sound: Sound,
        mut is_it: impl FnMut(&[i16]) -> bool,
    ) -> Duration {
        self.forget();
        let ordered_at = clock::monotonic();
        output.sound(sound);
        let until = ordered_at.after(WAIT_MAX);
        loop {
            let (at, chunk) = self.heard.recv_timeout(WAIT_MAX).expect("sound");
            if is_it(&chunk) {
                return at.since(ordered_at);
            }
            assert!(at < until, "{sound:?} is not heard");
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

/// The second in which this frequency is strongest, to a tenth.
pub fn strongest_second(sound: &[i16], hz: f64) -> &[i16] {
    let windows = sound.windows(RATE_HZ).step_by(RATE_HZ / 10);
    let strongest = windows.max_by(|a, b| power(a, hz).total_cmp(&power(b, hz)));
    strongest.expect("longer than a second")
}

/// Amplitude at a frequency, 1 for a full sine (Goertzel by plain correlation).
pub fn power(sound: &[i16], hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, &sample) in sound.iter().enumerate() {
        let angle = TAU * hz * i as f64 / RATE_HZ as f64;
        re += f64::from(sample) / 32768.0 * angle.cos();
        im += f64::from(sample) / 32768.0 * angle.sin();
    }
    2.0 * f64::hypot(re, im) / sound.len() as f64
}

pub fn peak(sound: &[i16]) -> f64 {
    sound.iter().map(|&s| f64::from(s).abs()).fold(0.0, f64::max) / 32768.0
}

/// How often low and high tone change, counted over windows of 31 ms.
pub fn changes_a_second(sound: &[i16]) -> usize {
    let tones: Vec<bool> = sound
        .chunks_exact(1500)
        .map(|window| power(window, 1200.0) > power(window, 700.0))
        .collect();
    let changes = tones.windows(2).filter(|pair| pair[0] != pair[1]).count();
    changes * RATE_HZ / sound.len()
}
