//! What the loudspeaker gets next: loops of a pattern, and between them the zone's name.
//!
//! A pattern always starts first, because it is understood sooner than speech. After `LOOPS_FIRST`
//! loops the zone's name is spoken if there is a recording of it, then the pattern goes on. A new
//! sound starts at once, at its beginning, also in the middle of a word.
//!
//! Not here: the sound card that takes the samples.

use std::sync::Arc;

use super::tones::{Repeat, Tones};
use super::voices::Voices;
use super::{Sound, VoiceIndex};

/// Loops of the pattern before the zone's name, and between two times of it: 2 s of an intrusion.
pub const LOOPS_FIRST: u32 = 2;

/// Silence before and after the name, seconds: what is spoken right after a loud tone is not heard.
const BREATH_S: f32 = 0.15;

/// Plays one sound after another; made for one sample rate.
#[derive(Debug)]
pub struct Player {
    tones: Tones,
    /// Recordings at this sample rate, in the order of `Voices`.
    names: Vec<Vec<f32>>,
    sound: Sound,
    part: Part,
    /// Next frame of the part.
    position: usize,
    taken: u64,
}

/// What is played of a sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The loop of this number since the name was last spoken.
    Loop(u32),
    Name(VoiceIndex),
    /// A sound that is played once has been.
    Over,
}

impl Player {
    /// Silent at first.
    pub fn new(sample_rate_hz: u32, volume: f32, voices: &Arc<Voices>) -> Player {
        let breath = vec![0.0; (BREATH_S * sample_rate_hz as f32) as usize];
        let with_breath = |name: Vec<f32>| [&breath[..], &name[..], &breath[..]].concat();
        let names = voices.at_rate(sample_rate_hz, volume).into_iter().map(with_breath);
        Player {
            tones: Tones::new(sample_rate_hz, volume),
            names: names.collect(),
            sound: Sound::SILENT,
            part: Part::Loop(0),
            position: 0,
            taken: 0,
        }
    }

    /// Plays this from now on; what plays already goes on.
    pub fn play(&mut self, sound: Sound) {
        if sound != self.sound {
            self.sound = sound;
            self.part = Part::Loop(0);
            self.position = 0;
            self.taken = 0;
        }
    }

    /// The next sample.
    pub fn next_sample(&mut self) -> f32 {
        self.taken += 1;
        let (samples, repeat) = match self.part {
            Part::Loop(_) => self.tones.samples(self.sound),
            Part::Name(voice) => (self.name(voice), Repeat::Forever),
            Part::Over => (&[][..], Repeat::Once),
        };
        let (sample, length) = (samples.get(self.position).copied().unwrap_or(0.0), samples.len());
        self.position += 1;
        if self.position >= length {
            self.position = 0;
            self.part = self.following(repeat);
        }
        sample
    }

    /// How many samples of the present sound have been taken.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    fn name(&self, voice: VoiceIndex) -> &[f32] {
        self.names.get(usize::from(voice.0)).map_or(&[], Vec::as_slice)
    }

    fn following(&self, repeat: Repeat) -> Part {
        let voice = match self.sound {
            Sound::Alarm(_, voice) => voice,
            Sound::AllClear | Sound::Test | Sound::InaudibleTest => None,
        };
        match (self.part, repeat, voice) {
            (Part::Over, _, _) | (Part::Loop(_), Repeat::Once, _) => Part::Over,
            (Part::Loop(number), Repeat::Forever, Some(voice)) if number + 1 >= LOOPS_FIRST => {
                Part::Name(voice)
            }
            (Part::Loop(number), Repeat::Forever, _) => Part::Loop(number.saturating_add(1)),
            (Part::Name(_), _, _) => Part::Loop(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tones::ALL_CLEAR_S;
    use super::*;
    use crate::engine::SirenPattern;

    const RATE_HZ: u32 = 8_000;

    /// A name that is a constant, which no pattern is.
    fn player() -> Player {
        let voices = Voices::of([("gate".into(), RATE_HZ, vec![0.5; RATE_HZ as usize])]);
        Player::new(RATE_HZ, 1.0, &Arc::new(voices))
    }

    fn take(player: &mut Player, seconds: f32) -> Vec<f32> {
        (0..(seconds * RATE_HZ as f32) as usize).map(|_| player.next_sample()).collect()
    }

    fn speaks(samples: &[f32]) -> bool {
        samples.windows(400).any(|w| w.iter().all(|s| *s > 0.1 && (s - w[0]).abs() < 0.01))
    }

    const GATE: Sound = Sound::Alarm(SirenPattern::Intrusion, Some(VoiceIndex(0)));

    #[test]
    fn the_pattern_starts_first_and_the_name_follows_after_two_loops_again_and_again() {
        let mut player = player();
        player.play(GATE);
        assert!(!speaks(&take(&mut player, 2.0)), "nothing is spoken in the first two loops");
        assert!(speaks(&take(&mut player, 1.3)), "then the name");
        assert!(!speaks(&take(&mut player, 2.0)), "then the pattern");
        assert!(speaks(&take(&mut player, 1.3)), "then the name again");
    }

    #[test]
    fn a_zone_without_a_recording_has_only_tones() {
        let mut player = player();
        player.play(Sound::Alarm(SirenPattern::Intrusion, None));
        assert!(!speaks(&take(&mut player, 10.0)));
        player.play(Sound::Alarm(SirenPattern::Intrusion, Some(VoiceIndex(7))));
        let heard = take(&mut player, 10.0);
        assert!(!speaks(&heard) && heard.iter().any(|s| s.abs() > 0.5));
    }

    #[test]
    fn an_order_in_the_middle_of_a_name_starts_its_pattern_at_once() {
        let mut player = player();
        player.play(GATE);
        take(&mut player, 2.5);
        player.play(Sound::Alarm(SirenPattern::Fault, None));
        let fresh = Tones::new(RATE_HZ, 1.0);
        let fault = fresh.samples(Sound::Alarm(SirenPattern::Fault, None)).0.to_vec();
        assert_eq!(take(&mut player, 0.5), fault[..RATE_HZ as usize / 2]);
    }

    #[test]
    fn what_is_played_once_ends_in_silence() {
        let mut player = player();
        player.play(Sound::AllClear);
        assert!(take(&mut player, ALL_CLEAR_S).iter().any(|s| s.abs() > 0.5));
        assert!(take(&mut player, 3.0).iter().all(|s| *s == 0.0));
        assert_eq!(player.taken(), (RATE_HZ as f32 * (ALL_CLEAR_S + 3.0)) as u64);
    }
}
