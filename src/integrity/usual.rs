//! What is usual for a camera, hour by hour of the day: how bright, how clipped, how coloured.
//!
//! An hour that has not been seen yet says nothing; the judge then falls back on what no picture may
//! be.

use super::grey::Tone;

/// Hours of a day.
pub const HOURS: usize = 24;

/// An hour is known from this many looks on: a minute at two a second. Less could be one passing
/// lorry.
const KNOWN_FROM: f32 = 120.0;

/// The newest look counts by at least this share: what an hour was ten days ago is forgotten.
const RATE_MIN: f32 = 1e-4;

/// How much a number usually is, and by how much it usually differs from that.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Band {
    pub mean: f32,
    pub spread: f32,
}

/// An hour of the day, 0 to 23.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour(u8);

/// What pictures of one hour usually are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UsualHour {
    pub looks: f32,
    pub high: Band,
    pub clipped: Band,
    pub blue: Band,
    pub red: Band,
}

/// All hours of a camera.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usual {
    hours: [UsualHour; HOURS],
}

impl Hour {
    /// Any number of hours, counted round the clock.
    pub fn new(hours: u64) -> Hour {
        Hour((hours % HOURS as u64) as u8)
    }

    pub fn get(self) -> u8 {
        self.0
    }
}

impl Band {
    fn learn(&mut self, value: f32, rate: f32) {
        let off = value - self.mean;
        self.mean += off * rate;
        self.spread += (off.abs() - self.spread) * rate;
    }
}

impl Usual {
    /// What is usual at this hour; `None` while too little was seen of it.
    pub fn at(&self, hour: Hour) -> Option<&UsualHour> {
        Some(&self.hours[usize::from(hour.0)]).filter(|it| it.looks >= KNOWN_FROM)
    }

    /// Learns a picture that nothing is wrong with.
    pub fn learn(&mut self, hour: Hour, tone: &Tone) {
        let usual = &mut self.hours[usize::from(hour.0)];
        usual.looks = (usual.looks + 1.0).min(1.0 / RATE_MIN);
        let rate = 1.0 / usual.looks;
        usual.high.learn(tone.high, rate);
        usual.clipped.learn(tone.clipped, rate);
        usual.blue.learn(tone.cast.0, rate);
        usual.red.learn(tone.cast.1, rate);
    }

    pub fn hours(&self) -> &[UsualHour; HOURS] {
        &self.hours
    }

    /// From what was kept. Numbers that cannot be forget their hour.
    pub fn restored(mut hours: [UsualHour; HOURS]) -> Usual {
        for hour in &mut hours {
            let bands = [hour.high, hour.clipped, hour.blue, hour.red];
            let finite = bands.iter().all(|it| it.mean.is_finite() && it.spread.is_finite());
            if !(finite && (0.0..=1.0 / RATE_MIN).contains(&hour.looks)) {
                *hour = UsualHour::default();
            }
        }
        Usual { hours }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(high: f32) -> Tone {
        Tone { low: 10.0, high, mean: 80.0, clipped: 0.0, cast: (1.0, 2.0) }
    }

    #[test]
    fn an_hour_is_known_by_itself_once_enough_of_it_was_seen() {
        let mut usual = Usual::default();
        for _ in 0..200 {
            usual.learn(Hour::new(14), &tone(200.0));
            usual.learn(Hour::new(27), &tone(60.0));
        }
        usual.learn(Hour::new(9), &tone(200.0));
        let high = |hour| usual.at(Hour::new(hour)).map(|it| it.high.mean.round());
        assert_eq!((high(14), high(3), high(9), high(10)), (Some(200.0), Some(60.0), None, None));
    }

    #[test]
    fn numbers_that_cannot_be_forget_their_hour_and_no_other() {
        let mut usual = Usual::default();
        (0..200).for_each(|_| usual.learn(Hour::new(1), &tone(99.0)));
        let mut kept = *usual.hours();
        kept[2] = UsualHour { looks: f32::NAN, ..kept[1] };
        kept[3] = UsualHour { high: Band { mean: f32::INFINITY, spread: 1.0 }, ..kept[1] };
        let restored = Usual::restored(kept);
        assert!(restored.at(Hour::new(1)).is_some());
        assert!(restored.at(Hour::new(2)).is_none() && restored.at(Hour::new(3)).is_none());
    }
}
