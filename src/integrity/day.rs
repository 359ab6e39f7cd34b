//! Days of clean pictures: a scene in the light of the day, with clouds, a shadow that wanders, people
//! and a lorry that pass, a mast that trembles, the noise of a sensor, and infrared by night.
//!
//! For trials of how often something is told falsely: nothing is wrong in any of these pictures.
//! Made of functions of the time alone, so that a trial can be repeated.
//!
//! Not here: rain, snow, insects and spiders before an infrared lamp, and whatever else nobody
//! thought of. Clean days that were made show that nothing obvious is wrong, and no more than that.

use std::f64::consts::TAU;
use std::time::Duration;

use super::grey::{Grey, Tone};

const SECONDS_A_DAY: f64 = 86_400.0;

/// A trial begins at noon.
const NOON_S: f64 = 43_200.0;

/// The camera changes to infrared when the sun is this low (sine of its height), and back when it is
/// this high: cameras wait, lest they change to and fro.
const NIGHT_BELOW: f64 = -0.05;
const DAY_ABOVE: f64 = 0.05;

/// Noise of the sensor in levels (standard deviation), by day and by night.
const NOISE: (f64, f64) = (1.5, 3.0);

/// How far the mast trembles at most, as a share of the picture's width: 2 of 1920 pixels.
const TREMBLE: f64 = 2.0 / 1920.0;

/// Numbers of noise that are made beforehand; a prime, so that rows do not repeat each other.
const NOISE_KEPT: usize = 65_537;

/// A camera and its weather.
#[derive(Clone, Debug)]
pub struct Day {
    seed: u64,
    noise: Vec<i16>,
}

/// What a moment is like.
struct Moment {
    night: bool,
    /// Brightness, of 1.
    gain: f64,
    /// Where the shadow begins, of the picture's width.
    shadow: f64,
    right_px: f64,
    down_px: f64,
}

/// A number that looks random, 0 to 1.
fn hash(n: u64, seed: u64) -> f64 {
    let mut v = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ seed.wrapping_mul(0x1656_67B1_9E37_79F9);
    v ^= v >> 29;
    v = v.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    v ^= v >> 32;
    (v % 10_007) as f64 / 10_006.0
}

impl Day {
    pub fn new(seed: u64) -> Day {
        // In sixteenths of a level, of standard deviation 1: three numbers added are round enough.
        let one = |i: u64| {
            let sum: f64 = (0..3).map(|k| hash(3 * i + k, seed) - 0.5).sum();
            (sum * 2.0 * 16.0) as i16
        };
        Day { seed, noise: (0..NOISE_KEPT as u64).map(one).collect() }
    }

    /// The hour of the day.
    pub fn hour(&self, at: Duration) -> u64 {
        ((at.as_secs_f64() + NOON_S) / 3600.0) as u64
    }

    /// Whether the camera sees by infrared light.
    pub fn is_night(&self, at: Duration) -> bool {
        self.moment(at, 1.0).night
    }

    /// The scene as the camera sees it then.
    pub fn picture(&self, scene: &Grey, cast: (f32, f32), at: Duration) -> (Grey, Tone) {
        let (width, height) = (scene.width_px(), scene.height_px());
        let it = self.moment(at, width as f64);
        let passers = self.passers(at, width as f64, height as f64);
        let from = (hash(at.as_millis() as u64, self.seed) * NOISE_KEPT as f64) as usize;
        let mut noise = self.noise.iter().cycle().skip(from % NOISE_KEPT);
        let sigma = if it.night { NOISE.1 } else { NOISE.0 };
        let mut luma = Vec::with_capacity(width * height);
        for y in 0..height {
            let lamp_y = (y as f64 / height as f64 - 0.5).powi(2);
            for x in 0..width {
                let level = between(scene, x as f64 - it.right_px, y as f64 - it.down_px);
                let here = x as f64 / width as f64 + 0.3 * y as f64 / height as f64;
                let lit = match it.night {
                    // A lamp at the camera: the middle is brighter, contrast is less.
                    true => 25.0 + level * (0.7 - 0.8 * lamp_y - 0.5 * (here - 0.65).powi(2)),
                    // The edge of a shadow is as wide as the sun.
                    false => {
                        let sunlit = ((here - it.shadow) * 60.0).clamp(0.0, 1.0);
                        level * it.gain * (0.72 + 0.28 * sunlit)
                    }
                };
                let shown = passers.iter().fold(lit, |under, passer| passer.over(under, x, y));
                let grain = f64::from(noise.next().copied().unwrap_or_default()) / 16.0 * sigma;
                luma.push((shown + grain).round().clamp(0.0, 255.0) as u8);
            }
        }
        // As many as the scene has, which is whole.
        let grey = Grey::new(width, height, luma).unwrap_or_else(|| scene.clone());
        let cast = if it.night { (0.0, 0.0) } else { cast };
        let tone = Tone { cast, ..grey.tone(0, 0) };
        (grey, tone)
    }

    fn moment(&self, at: Duration, width: f64) -> Moment {
        let s = at.as_secs_f64();
        let of_day = ((s + NOON_S) / SECONDS_A_DAY).fract();
        let sun = -(of_day * TAU).cos();
        // Rising by the clock's first half.
        let limit = if of_day < 0.5 { DAY_ABOVE } else { NIGHT_BELOW };
        let phase = hash(1, self.seed) * TAU;
        let wave = |period_s: f64, k: f64| (s / period_s * TAU + k * phase).sin();
        // Clouds come within half a minute, and the camera's exposure evens out half of them.
        let cloud = 0.5 + 0.5 * (1.5 * wave(411.0, 1.0) + wave(173.0, 2.0)).clamp(-1.0, 1.0);
        let dusk = ((sun + 0.1) / 0.3).clamp(0.0, 1.0);
        let gust = (0.5 + 0.5 * wave(97.0, 3.0)).powi(3);
        let tremble = TREMBLE * width * gust;
        Moment {
            night: sun < limit,
            gain: (0.45 + 0.55 * dusk) * (1.0 - 0.2 * cloud),
            shadow: 1.3 - 1.6 * (of_day - 0.2) / 0.6,
            right_px: tremble * (s * 2.3 * TAU).sin(),
            down_px: 0.6 * tremble * (s * 3.1 * TAU).sin(),
        }
    }

    /// Who and what passes at this time.
    fn passers(&self, at: Duration, width: f64, height: f64) -> Vec<Passer> {
        let s = at.as_secs_f64();
        let mut passers = Vec::new();
        // One walk a slot of 40 s and lane; most of them for half of it, some wait on their way.
        for lane in 0..3u64 {
            let slot = (s / 40.0) as u64 * 3 + lane;
            let chance = hash(slot, self.seed ^ 0xA5);
            let into = (s / 40.0).fract() * 2.0;
            if chance > 0.5 || into > 1.0 {
                continue;
            }
            let way = if chance < 0.1 { into.min(0.4) + (into - 0.7).max(0.0) } else { into };
            let way = if slot.is_multiple_of(2) { way } else { 1.0 - way };
            let tall = height * (0.14 + 0.06 * lane as f64);
            let top = height * (0.3 + 0.18 * lane as f64);
            let left = way * (width + tall) - tall;
            let level = 40.0 + 170.0 * hash(slot, 7);
            passers.push(Passer { left, top, right: left + tall * 0.4, bottom: top + tall, level });
        }
        // A lorry every eleven minutes, eight seconds long.
        let into = s % 660.0 / 8.0;
        if into < 1.0 {
            let left = into * 1.4 * width - 0.4 * width;
            let (top, bottom) = (height * 0.35, height * 0.75);
            passers.push(Passer { left, top, right: left + 0.33 * width, bottom, level: 90.0 });
        }
        passers
    }
}

/// Somebody or something that passes: a box with stripes, in pixels.
struct Passer {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    level: f64,
}

impl Passer {
    fn over(&self, under: f64, x: usize, y: usize) -> f64 {
        let (x, y) = (x as f64, y as f64);
        let inside = (self.left..self.right).contains(&x) && (self.top..self.bottom).contains(&y);
        if !inside {
            return under;
        }
        let stripe = ((y - self.top) / 4.0) as u64 % 3;
        self.level + 12.0 * stripe as f64
    }
}

/// The level between four pixels.
fn between(scene: &Grey, x: f64, y: f64) -> f64 {
    let x = x.clamp(0.0, (scene.width_px() - 1) as f64);
    let y = y.clamp(0.0, (scene.height_px() - 1) as f64);
    let (left, top) = (x as usize, y as usize);
    let (right, below) =
        ((left + 1).min(scene.width_px() - 1), (top + 1).min(scene.height_px() - 1));
    let (s, t) = (x - left as f64, y - top as f64);
    let (upper, lower) = (scene.row(top), scene.row(below));
    let mix = |row: &[u8]| f64::from(row[left]) * (1.0 - s) + f64::from(row[right]) * s;
    mix(upper) * (1.0 - t) + mix(lower) * t
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::time::Instant;
    use crate::integrity::scenes::yard;
    use crate::integrity::{Hour, Watch};

    const CAST: (f32, f32) = (2.0, -1.0);

    /// What is told of so many seconds of a day, from `from` on.
    fn told(watch: &mut Watch, day: &Day, from: u64, seconds: u64) -> Vec<String> {
        let scene = yard(160, 90, 0.0, 0.0);
        let mut told = Vec::new();
        for ms in (from * 1000..(from + seconds) * 1000).step_by(200) {
            let at = Duration::from_millis(ms);
            let (grey, tone) = day.picture(&scene, CAST, at);
            let now = Instant::from_millis(1_000_000 + ms);
            let look = watch.look(grey, tone, now, Hour::new(day.hour(at)));
            told.extend(look.findings.iter().map(|it| format!("{} s {:?}", ms / 1000, it.fault)));
        }
        told
    }

    #[test]
    fn some_minutes_of_a_day_and_of_a_night_are_told_as_nothing() {
        let day = Day::new(7);
        assert_eq!(told(&mut Watch::new(), &day, 0, 120), Vec::<String>::new());
        assert_eq!(told(&mut Watch::new(), &day, 12 * 3600, 60), Vec::<String>::new());
    }

    #[test]
    fn it_gets_dark_and_light_again_once_a_day() {
        let day = Day::new(3);
        let nights: Vec<bool> =
            (0..48).map(|hour| day.is_night(Duration::from_secs(hour * 3600))).collect();
        assert_eq!(nights.windows(2).filter(|two| two[0] != two[1]).count(), 4);
        assert!(!nights[0] && nights[12]);
    }
}
