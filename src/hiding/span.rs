//! Where people are in every picture of a video, when only some of its pictures were looked at.
//!
//! Whoever is found in the look before and in the one after is on the way between; whoever is in one of
//! them only is covered for a second after it, and before it, in a place that grows. Unlike in live
//! pictures it is known what comes: somebody is covered before they are found.
//!
//! Not here: pictures. A picture far from any look has places that nobody knows.

use std::time::Duration;

use super::covers::{self, BoxNorm, Cover};
use crate::engine::time::Instant;

/// A picture that is farther from every look than this may show somebody whom no look has found.
const LOOKED_WITHIN: Duration = Duration::from_millis(500);

/// A picture that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    pub at: Instant,
    pub found: Found,
}

/// Who was found in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    People(Vec<BoxNorm>),
    /// More than are kept.
    TooMany,
}

/// Where people are in a picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Places {
    Known(Vec<Cover>),
    /// Anywhere.
    Unknown,
}

/// All looks of a video.
#[derive(Debug)]
pub struct Span {
    looks: Vec<Look>,
    /// By look: where people are, those carried on from before included.
    ahead: Vec<Vec<Cover>>,
    /// The same, backwards.
    back: Vec<Vec<Cover>>,
}

impl Span {
    pub fn new(mut looks: Vec<Look>) -> Span {
        looks.sort_by_key(|look| look.at);
        let ahead = chain(looks.iter().map(|look| (look.at, look)));
        // Time runs backwards from the last look.
        let last = looks.last().map_or(Instant::ZERO, |look| look.at);
        let mirrored = |at: Instant| Instant::ZERO.after(last.since(at));
        let mut back = chain(looks.iter().rev().map(|look| (mirrored(look.at), look)));
        back.reverse();
        Span { looks, ahead, back }
    }

    /// Where people are in the picture captured then.
    pub fn at(&self, at: Instant) -> Places {
        let after = self.looks.partition_point(|look| look.at <= at);
        let before = after.checked_sub(1);
        let since = before.map(|look| at.since(self.looks[look].at));
        let until = self.looks.get(after).map(|look| look.at.since(at));
        let near = |away: &Duration| *away <= LOOKED_WITHIN;
        if !since.iter().chain(&until).any(near) {
            return Places::Unknown;
        }
        let neighbours = [before.filter(|_| since.is_some_and(|it| near(&it))), Some(after)];
        let crowd =
            |look: &usize| self.looks.get(*look).is_some_and(|look| look.found == Found::TooMany);
        if neighbours.iter().flatten().any(crowd) {
            return Places::Unknown;
        }
        let aged = |covers: Option<&Vec<Cover>>, by: Option<Duration>| {
            let by = by.unwrap_or_default();
            let older = |cover: &Cover| Cover { age: cover.age + by, ..*cover };
            covers.into_iter().flatten().map(older).collect::<Vec<_>>()
        };
        let left = aged(before.map(|look| &self.ahead[look]), since);
        let right = aged(self.back.get(after), until);
        Places::Known(covers::between(left, right))
    }
}

fn chain<'a>(looks: impl Iterator<Item = (Instant, &'a Look)>) -> Vec<Vec<Cover>> {
    let mut all: Vec<Vec<Cover>> = Vec::new();
    for (at, look) in looks {
        let before = all.last().map_or(&[][..], Vec::as_slice);
        let found = match &look.found {
            Found::People(found) => found.as_slice(),
            Found::TooMany => &[],
        };
        let covers = covers::next(before, at, found);
        all.push(covers);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEIGHT: f64 = 0.4;

    fn at(ms: u64) -> Instant {
        Instant::ZERO.after(Duration::from_millis(ms))
    }

    fn person(left: f64) -> BoxNorm {
        [left, 0.3, 0.1, HEIGHT]
    }

    fn span(looks: &[(u64, &[f64])]) -> Span {
        let look = |(ms, lefts): &(u64, &[f64])| Look {
            at: at(*ms),
            found: Found::People(lefts.iter().map(|left| person(*left)).collect()),
        };
        Span::new(looks.iter().map(look).collect())
    }

    /// Whether all of somebody who stands there then is covered.
    fn covers(span: &Span, ms: u64, left: f64) -> bool {
        let Places::Known(covers) = span.at(at(ms)) else { return true };
        covers.iter().any(|cover| {
            let [x, y, width, height] = cover.place_norm();
            x <= left + 1e-9
                && x + width >= left + 0.1 - 1e-9
                && y <= 0.3 + 1e-9
                && y + height >= 0.3 + HEIGHT - 1e-9
        })
    }

    #[test]
    fn whoever_walks_is_covered_between_two_looks_and_only_where_they_may_be() {
        let span = span(&[(0, &[0.2]), (200, &[0.26])]);
        for (ms, left) in [(0, 0.2), (50, 0.215), (100, 0.23), (150, 0.245), (200, 0.26)] {
            assert!(covers(&span, ms, left), "after {ms} ms");
        }
        let Places::Known(covers) = span.at(at(100)) else { panic!("two looks are near") };
        assert_eq!(covers.len(), 1, "{covers:?}");
        let [x, _, width, _] = covers[0].place_norm();
        assert!(width < 0.2 && x > 0.17, "{x} {width}");
    }

    #[test]
    fn whoever_is_missed_is_covered_a_second_after_and_whoever_comes_a_second_before() {
        let empty: Vec<(u64, &[f64])> = (0..40).map(|n| (n * 100, &[][..])).collect();
        let mut looks = empty;
        looks[20] = (2_000, &[0.5]);
        let span = span(&looks);
        for (ms, covered) in
            [(900, false), (1_050, true), (1_950, true), (2_950, true), (3_100, false)]
        {
            assert_eq!(covers(&span, ms, 0.5), covered, "at {ms} ms");
        }
    }

    #[test]
    fn a_picture_that_no_look_is_near_has_people_anywhere() {
        let span = span(&[(1_000, &[]), (3_000, &[])]);
        for (ms, known) in [
            (400, false),
            (500, true),
            (1_500, true),
            (2_000, false),
            (2_500, true),
            (3_501, false),
        ] {
            assert_eq!(span.at(at(ms)) != Places::Unknown, known, "at {ms} ms");
        }
        assert_eq!(Span::new(Vec::new()).at(at(0)), Places::Unknown);
    }

    #[test]
    fn next_to_a_look_that_found_too_many_people_are_anywhere() {
        let look = |ms, found| Look { at: at(ms), found };
        let few = || Found::People(vec![person(0.1)]);
        let span = Span::new(vec![look(0, few()), look(100, Found::TooMany), look(200, few())]);
        let known = [0, 50, 100, 150, 250].map(|ms| span.at(at(ms)) != Places::Unknown);
        assert_eq!(known, [false, false, false, false, true]);
    }
}
