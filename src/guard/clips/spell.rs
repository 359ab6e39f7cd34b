//! A state of which people are told when it begins and when it is over.
//!
//! What comes and goes all day is told once a day: it is over when it has not been so for a day.

use std::time::Duration;

use crate::engine::time::Instant;

/// How long it must not have been so.
const OVER_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// What people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Begins,
    Over,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spell {
    #[default]
    None,
    /// People have been told; since when it has not been so, if it is not.
    Lasts { not_since: Option<Instant> },
}

impl Spell {
    pub fn lasts(self) -> bool {
        self != Spell::None
    }

    /// It is so now.
    pub fn is_so(&mut self) -> Option<Turn> {
        let began = *self == Spell::None;
        *self = Spell::Lasts { not_since: None };
        began.then_some(Turn::Begins)
    }

    /// It is not so now.
    pub fn is_not(&mut self, now: Instant) -> Option<Turn> {
        let Spell::Lasts { not_since } = self else {
            return None;
        };
        if now.since(*not_since.get_or_insert(now)) < OVER_AFTER {
            return None;
        }
        *self = Spell::None;
        Some(Turn::Over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_is_told_when_it_begins_and_once_it_has_been_over_for_a_day() {
        const HOUR_S: u64 = 3_600;
        let at = |hours: u64| Instant::ZERO.after(Duration::from_secs(hours * HOUR_S));
        let mut spell = Spell::default();
        assert_eq!(spell.is_not(at(0)), None, "there was nothing");
        assert_eq!(spell.is_so(), Some(Turn::Begins));
        for hour in 1..100 {
            let told = if hour % 20 == 0 { spell.is_so() } else { spell.is_not(at(hour)) };
            assert_eq!(told, None, "hour {hour}");
        }
        assert!(spell.lasts());
        let over = (100..200).find(|hour| spell.is_not(at(*hour)) == Some(Turn::Over));
        assert_eq!(over, Some(105), "a day after hour 81");
        assert_eq!((spell.lasts(), spell.is_so()), (false, Some(Turn::Begins)));
    }
}
