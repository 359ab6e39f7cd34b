//! The siren: a thread that takes orders, holds the output, watches both, and tests itself.
//!
//! An **order** is one atomic word; giving one never waits. The thread (`attendant`) takes the newest
//! order, hands it to the **output** and reports back when it did. It is also the **dead man** of the
//! alarm path: when the alarm path has not fed it for `DEAD_MAN_MAX`, it sounds the fault pattern by
//! itself. The alarm path in turn sees when this thread last looked, and calls its silence a fault.
//!
//! - `tones`, `voices`, `player`: what it sounds like.
//! - `tester`: the daily test; `trial`: one by hand, without a box.
//! - `sound_card`, `grant`, `mute`, `fallback`: the output, through ALSA.
//!
//! Not here: when to sound (the engine), and the orders to the relays (`guard::relay`).

mod attendant;
#[cfg(feature = "sound")]
pub mod fallback;
#[cfg(feature = "sound")]
pub mod grant;
#[cfg(feature = "sound")]
mod mute;
pub mod player;
#[cfg(feature = "sound")]
pub mod sound_card;
pub mod tester;
pub mod tones;
pub mod trial;
pub mod voices;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use self::attendant::{Attendant, REPORTS_KEPT};
use self::tester::{TestPlan, TestSound, Tester};
use self::voices::Voices;
use super::message::Message;
use crate::clock;
use crate::engine::SirenPattern;
use crate::engine::time::Instant;

/// Longest silence of the alarm path before the siren sounds by itself. The alarm path feeds it at
/// least every 50 ms; R1 allows one second until a fault is heard, and the look below and the sound
/// card's buffer come on top.
pub const DEAD_MAN_MAX: Duration = Duration::from_millis(900);

/// What can sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// What the engine orders, and the recording that names the zone.
    Alarm(SirenPattern, Option<VoiceIndex>),
    /// Nobody is inside any more; once.
    AllClear,
    /// For people to hear that it works; once.
    Test,
    /// Samples that nobody hears, to see that they flow; once.
    InaudibleTest,
}

/// Place of a recording among the `Voices`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoiceIndex(pub u16);

impl Sound {
    pub const SILENT: Sound = Sound::Alarm(SirenPattern::Silent, None);

    /// The pattern, whatever is spoken with it; silence for what is no alarm.
    pub fn pattern(self) -> SirenPattern {
        match self {
            Sound::Alarm(pattern, _) => pattern,
            Sound::AllClear | Sound::Test | Sound::InaudibleTest => SirenPattern::Silent,
        }
    }

    /// How long it lasts; `None` for what goes on until another is ordered.
    pub fn lasts(self) -> Option<Duration> {
        match self {
            Sound::Alarm(..) => None,
            Sound::AllClear => Some(Duration::from_secs_f32(tones::ALL_CLEAR_S)),
            Sound::Test => Some(Duration::from_secs_f32(tones::TEST_S)),
            Sound::InaudibleTest => Some(Duration::from_secs_f32(tones::INAUDIBLE_S)),
        }
    }

    /// In `SOUND_BITS` bits: three of kind, the rest the recording's number plus one.
    fn word(self) -> u64 {
        let (kind, voice) = match self {
            Sound::Alarm(SirenPattern::Silent, voice) => (0, voice),
            Sound::Alarm(SirenPattern::Fault, voice) => (1, voice),
            Sound::Alarm(SirenPattern::Intrusion, voice) => (2, voice),
            Sound::Alarm(SirenPattern::Warning, voice) => (3, voice),
            Sound::AllClear => (4, None),
            Sound::Test => (5, None),
            Sound::InaudibleTest => (6, None),
        };
        kind | voice.map_or(0, |voice| u64::from(voice.0) + 1) << KIND_BITS
    }

    fn of_word(word: u64) -> Sound {
        let voice = word >> KIND_BITS & 0x1_ffff;
        let voice = voice.checked_sub(1).and_then(|v| u16::try_from(v).ok()).map(VoiceIndex);
        match word & 0b111 {
            0 => Sound::Alarm(SirenPattern::Silent, voice),
            2 => Sound::Alarm(SirenPattern::Intrusion, voice),
            3 => Sound::Alarm(SirenPattern::Warning, voice),
            4 => Sound::AllClear,
            5 => Sound::Test,
            6 => Sound::InaudibleTest,
            // 1 is the fault; 7 is never written.
            _ => Sound::Alarm(SirenPattern::Fault, voice),
        }
    }
}

const KIND_BITS: u32 = 3;

/// Bits of a sound in an order's word; the order's number takes the rest.
const SOUND_BITS: u32 = 20;

/// What can sound. A trait, so that the alarm path is tested without a sound card.
pub trait SirenOutput: Send {
    /// Sounds this from now on. Called often with the same one; never waits.
    fn sound(&mut self, sound: Sound);

    /// How the output is; never waits.
    fn state(&mut self, now: Instant) -> OutputState;

    /// How much of the present sound has left for the loudspeaker; `None` where that is not known.
    fn played(&mut self, now: Instant) -> Option<Duration>;

    /// The spoken names it has.
    fn voices(&self) -> Arc<Voices> {
        Arc::default()
    }
}

/// How an output is. The device is named for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputState {
    Opening {
        device: String,
    },
    Working {
        device: String,
    },
    /// It sounds, on this device, but somebody has to look after it.
    Degraded {
        device: String,
        reason: String,
    },
    Broken {
        device: String,
        reason: String,
    },
}

/// A box without a siren: a fault that stays.
#[derive(Debug)]
pub struct NoSiren {
    pub reason: &'static str,
}

impl SirenOutput for NoSiren {
    fn sound(&mut self, _sound: Sound) {}

    fn state(&mut self, _now: Instant) -> OutputState {
        OutputState::Broken { device: "none".into(), reason: self.reason.into() }
    }

    fn played(&mut self, _now: Instant) -> Option<Duration> {
        None
    }
}

/// The alarm path's end: gives orders and feeds the dead man.
#[derive(Debug)]
pub struct Siren {
    shared: Arc<Shared>,
    thread: Thread,
    voices: Arc<Voices>,
    last_order: u64,
}

#[derive(Debug)]
struct Shared {
    /// Number of the order, then `SOUND_BITS` of sound.
    order: AtomicU64,
    /// The test a person asked for; see `test_word`.
    test: AtomicU8,
    /// How often the all-clear was ordered.
    all_clears: AtomicU64,
    /// When the alarm path was last alive, nanoseconds of the monotonic clock.
    fed_ns: AtomicU64,
    /// When the siren's thread last looked, in the same clock.
    looked_ns: AtomicU64,
    stop: AtomicBool,
}

impl Siren {
    /// Orders a pattern, and the name of the zone it sounds for, and returns the order's number.
    /// Never waits.
    pub fn order(&mut self, pattern: SirenPattern, zone: Option<&str>) -> u64 {
        self.last_order += 1;
        let voice = zone.and_then(|zone| self.voices.find(zone));
        let word = self.last_order << SOUND_BITS | Sound::Alarm(pattern, voice).word();
        self.shared.order.store(word, Ordering::Release);
        self.thread.unpark();
        self.last_order
    }

    /// Says once that it is over; not while a pattern is ordered.
    pub fn all_clear(&self) {
        self.shared.all_clears.fetch_add(1, Ordering::Release);
        self.thread.unpark();
    }

    /// Tests it now, for a person.
    pub fn test(&self, sound: TestSound) {
        self.shared.test.store(test_word(Some(sound)), Ordering::Release);
        self.thread.unpark();
    }

    /// The alarm path lives.
    pub fn feed(&self, now: Instant) {
        self.shared.fed_ns.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// How long the siren's thread has not looked: orders given since then are not heard.
    pub fn silence(&self, now: Instant) -> Duration {
        now.since(Instant::from_nanos(self.shared.looked_ns.load(Ordering::Relaxed)))
    }
}

/// A test that is asked for, as one atomic word.
const fn test_word(asked: Option<TestSound>) -> u8 {
    match asked {
        None => 0,
        Some(TestSound::Audible) => 1,
        Some(TestSound::Inaudible) => 2,
    }
}

impl Shared {
    /// The test a person asked for, once.
    fn take_test(&self) -> Option<TestSound> {
        let word = self.test.swap(test_word(None), Ordering::AcqRel);
        let is = |sound: &TestSound| test_word(Some(*sound)) == word;
        [TestSound::Audible, TestSound::Inaudible].into_iter().find(is)
    }
}

/// The siren thread, to be stopped.
#[derive(Debug)]
pub struct SirenThread {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl SirenThread {
    /// Starts the thread; its reports go to the alarm path.
    pub fn start(
        output: Box<dyn SirenOutput>,
        tests: TestPlan,
        reports: SyncSender<Message>,
    ) -> io::Result<(Siren, SirenThread)> {
        let now = clock::monotonic();
        let voices = output.voices();
        let shared = Arc::new(Shared {
            order: AtomicU64::new(Sound::SILENT.word()),
            test: AtomicU8::new(test_word(None)),
            all_clears: AtomicU64::new(0),
            fed_ns: AtomicU64::new(now.as_nanos()),
            looked_ns: AtomicU64::new(now.as_nanos()),
            stop: AtomicBool::new(false),
        });
        let attendant = Attendant {
            output,
            shared: shared.clone(),
            reports,
            waiting: VecDeque::with_capacity(REPORTS_KEPT),
            accepted: 0,
            told: None,
            told_test: None,
            opening_since: now,
            dead_man_sounds: false,
            all_clears: 0,
            all_clear_since: None,
            tester: Tester::new(tests, now),
        };
        let thread = thread::Builder::new().name("siren".into()).spawn(move || attendant.run())?;
        let siren = Siren {
            shared: shared.clone(),
            thread: thread.thread().clone(),
            voices,
            last_order: 0,
        };
        Ok((siren, SirenThread { shared, thread }))
    }

    /// Silences the siren and ends its thread.
    pub fn stop(self) {
        self.shared.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        // Only a panic while it stopped gets here; the panic hook has logged it.
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_survives_being_a_word() {
        let patterns = [
            SirenPattern::Silent,
            SirenPattern::Fault,
            SirenPattern::Warning,
            SirenPattern::Intrusion,
        ];
        let voices = [None, Some(VoiceIndex(0)), Some(VoiceIndex(255)), Some(VoiceIndex(u16::MAX))];
        let alarms = patterns.iter().flat_map(|p| voices.map(|v| Sound::Alarm(*p, v)));
        for sound in alarms.chain([Sound::AllClear, Sound::Test, Sound::InaudibleTest]) {
            assert!(sound.word() < 1 << SOUND_BITS);
            assert_eq!(Sound::of_word(sound.word()), sound);
            assert_eq!(Sound::of_word(9 << SOUND_BITS | sound.word()), sound);
        }
    }
}
