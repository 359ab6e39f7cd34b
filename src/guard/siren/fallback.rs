//! Two sound devices as one output: the second sounds while the first cannot.
//!
//! Both streams are held open all the time, so that the second sounds as soon as the first is known
//! not to: at once when the device says so, within `PULL_GAP_MAX` when it only falls silent. The first
//! takes over again when it works. Either of them failing is told: a fallback that is dead by the time
//! it is needed is none.
//!
//! Not here: how one device is driven (`sound_card`).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::sound_card::SoundCard;
use super::voices::Voices;
use super::{OutputState, SirenOutput, Sound};
use crate::config::SirenDevice;
use crate::engine::time::Instant;

/// A device and the one that stands in for it.
#[derive(Debug)]
pub struct WithFallback<O> {
    first: O,
    second: O,
    sounds: Which,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    First,
    Second,
}

impl WithFallback<SoundCard> {
    /// Starts to open both.
    ///
    /// # Errors
    /// The system does not allow another thread.
    pub fn open(
        device: &SirenDevice,
        fallback: &SirenDevice,
        volume: f32,
        voices: &Arc<Voices>,
    ) -> io::Result<WithFallback<SoundCard>> {
        let first = SoundCard::open(device, volume, voices)?;
        Ok(WithFallback::of(first, SoundCard::open(fallback, volume, voices)?))
    }
}

impl<O> WithFallback<O> {
    pub fn of(first: O, second: O) -> WithFallback<O> {
        WithFallback { first, second, sounds: Which::First }
    }
}

impl<O: SirenOutput> SirenOutput for WithFallback<O> {
    fn sound(&mut self, sound: Sound) {
        let (first, second) = match self.sounds {
            Which::First => (sound, Sound::SILENT),
            Which::Second => (Sound::SILENT, sound),
        };
        self.first.sound(first);
        self.second.sound(second);
    }

    fn state(&mut self, now: Instant) -> OutputState {
        let (sounds, state) = joined(self.first.state(now), self.second.state(now));
        self.sounds = sounds;
        state
    }

    fn played(&mut self, now: Instant) -> Option<Duration> {
        match self.sounds {
            Which::First => self.first.played(now),
            Which::Second => self.second.played(now),
        }
    }

    /// Both have the same.
    fn voices(&self) -> Arc<Voices> {
        self.first.voices()
    }
}

/// Which device sounds, and how the two are as one.
fn joined(first: OutputState, second: OutputState) -> (Which, OutputState) {
    use OutputState::{Broken, Degraded, Opening, Working};
    match (first, second) {
        (
            Working { device } | Degraded { device, .. },
            Broken { device: other, reason } | Degraded { device: other, reason },
        ) => {
            let reason = format!("its fallback {other:?} could not stand in for it: {reason}");
            (Which::First, Degraded { device, reason })
        }
        (first @ (Working { .. } | Degraded { .. }), Working { .. } | Opening { .. }) => {
            (Which::First, first)
        }
        // It sounds through the second meanwhile, and is not told before the first has had its time.
        (first @ Opening { .. }, Working { .. } | Degraded { .. }) => (Which::Second, first),
        (first @ Opening { .. }, Opening { .. } | Broken { .. }) => (Which::First, first),
        (Broken { device: broken, reason }, Working { device } | Degraded { device, .. }) => {
            let reason = format!("{broken:?} failed ({reason}); it sounds on {device:?} meanwhile");
            (Which::Second, Degraded { device, reason })
        }
        (broken @ Broken { .. }, Opening { .. }) => (Which::First, broken),
        (Broken { device, reason }, Broken { device: other, reason: why }) => {
            let reason = format!("{reason}; its fallback {other:?}: {why}");
            (Which::First, Broken { device, reason })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device whose state is set, and that remembers what it was told last.
    struct Device {
        state: OutputState,
        told: Sound,
    }

    impl SirenOutput for Device {
        fn sound(&mut self, sound: Sound) {
            self.told = sound;
        }

        fn state(&mut self, _now: Instant) -> OutputState {
            self.state.clone()
        }

        fn played(&mut self, _now: Instant) -> Option<Duration> {
            None
        }
    }

    const NOW: Instant = Instant::from_nanos(1_000_000_000);

    fn working(device: &str) -> OutputState {
        OutputState::Working { device: device.into() }
    }

    fn broken(device: &str) -> OutputState {
        OutputState::Broken { device: device.into(), reason: "unplugged".into() }
    }

    fn pair() -> WithFallback<Device> {
        let device = |name| Device { state: working(name), told: Sound::SILENT };
        WithFallback::of(device("horn"), device("spare"))
    }

    fn sound(pair: &mut WithFallback<Device>) -> (Sound, Sound) {
        pair.sound(Sound::AllClear);
        (pair.first.told, pair.second.told)
    }

    #[test]
    fn the_second_sounds_while_the_first_cannot_and_only_then() {
        let mut pair = pair();
        assert_eq!(pair.state(NOW), working("horn"));
        assert_eq!(sound(&mut pair), (Sound::AllClear, Sound::SILENT));
        pair.first.state = broken("horn");
        let OutputState::Degraded { device, reason } = pair.state(NOW) else {
            panic!("not degraded");
        };
        assert_eq!(device, "spare");
        assert!(reason.contains("\"horn\" failed (unplugged)"), "{reason}");
        assert_eq!(sound(&mut pair), (Sound::SILENT, Sound::AllClear));
        pair.first.state = working("horn");
        assert_eq!(pair.state(NOW), working("horn"));
        assert_eq!(sound(&mut pair), (Sound::AllClear, Sound::SILENT));
    }

    #[test]
    fn a_dead_fallback_is_told_before_it_is_needed() {
        let mut pair = pair();
        pair.second.state = broken("spare");
        let OutputState::Degraded { device, reason } = pair.state(NOW) else {
            panic!("not degraded");
        };
        assert_eq!(device, "horn");
        assert!(reason.contains("\"spare\"") && reason.contains("unplugged"), "{reason}");
        pair.first.state = broken("horn");
        assert!(matches!(pair.state(NOW), OutputState::Broken { .. }));
    }

    #[test]
    fn what_has_to_sound_while_the_first_opens_sounds_on_the_second() {
        let mut pair = pair();
        pair.first.state = OutputState::Opening { device: "horn".into() };
        assert!(matches!(pair.state(NOW), OutputState::Opening { .. }));
        assert_eq!(sound(&mut pair), (Sound::SILENT, Sound::AllClear));
    }
}
