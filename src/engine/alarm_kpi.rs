//! How well the alarms serve the people who answer them: numbers over a span of time, against the
//! targets of IEC 62682 and ISA-18.2 ("recommended alarm performance metrics").
//!
//! Terms: an alarm is **annunciated** when it wants an answer and did not before; what is kept quiet
//! is not. A **flood** is more than ten in ten minutes. A source **chatters** that is annunciated
//! three times within a minute. An alarm is **stale** that is active for more than a day without a
//! break: its cause is there all that time, answered or not, and nobody keeps it quiet. What waits for an
//! answer or a reset after its cause went is not: nothing is wrong any more, and a person is asked.
//!
//! Nothing is judged by less than one whole period: an average over ten minutes needs ten minutes.
//! What is missed already is said at once. Nothing can be stale on a box younger than a day.
//!
//! Not here: where the history comes from, and names.

use std::collections::BTreeMap;
use std::time::Duration;

use super::AlarmState;
use super::time::Instant;

/// The span that people are taken to overlook.
pub const PERIOD: Duration = Duration::from_secs(600);

/// Most alarms in a period that one person can answer; more are a flood.
const FLOOD_ABOVE: u32 = 10;

/// Annunciations of one source within `CHATTER_SPAN` that are chatter.
const CHATTER_TIMES: usize = 3;
const CHATTER_SPAN: Duration = Duration::from_secs(60);

/// An alarm whose cause is there for longer tells nobody anything any more (ISA-18.2, "stale").
const STALE_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Sources that are named.
const TOP: usize = 10;

/// Targets: an alarm in ten minutes on average, ten at most; in flood less than 1 % of the time;
/// nothing chatters; fewer than five stale; the top ten sources have at most 5 % of all.
const MEAN_TARGET: f64 = 1.0;
const WORST_TARGET: f64 = 10.0;
const FLOOD_SHARE_TARGET: f64 = 0.01;
const CHATTERING_TARGET: f64 = 0.0;
const STALE_TARGET: f64 = 4.0;
const TOP_SHARE_TARGET: f64 = 0.05;

/// One alarm's life, as far as it is known: its states, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Story<K> {
    pub source: K,
    pub changes: Vec<(Instant, AlarmState)>,
}

/// A number against its target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    pub value: f64,
    /// The most it should be.
    pub target: f64,
    pub verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Met,
    Missed,
    /// There are too few sources to judge by.
    TooFew,
    /// The span is too short to judge by.
    TooShort,
}

/// How often a source was annunciated, and its share of all.
#[derive(Clone, Debug, PartialEq)]
pub struct Frequent<K> {
    pub source: K,
    pub alarms: u32,
    pub share: f64,
}

/// A period in which something was annunciated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy {
    /// Since the start of the span.
    pub after: Duration,
    pub alarms: u32,
}

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kpis<K> {
    pub alarms: u32,
    pub mean: Measure,
    pub worst: Measure,
    pub flood_share: Measure,
    pub chattering: Measure,
    pub chatterers: Vec<K>,
    pub stale: Measure,
    pub stale_sources: Vec<K>,
    pub top_share: Measure,
    /// Most frequent first.
    pub top: Vec<Frequent<K>>,
    /// Oldest first; what is not in it was quiet.
    pub periods: Vec<Busy>,
}

/// The numbers of a span of time.
pub fn kpis<K: Clone + Ord>(stories: &[Story<K>], from: Instant, to: Instant) -> Kpis<K> {
    let mut by_source: BTreeMap<&K, Vec<Instant>> = BTreeMap::new();
    for story in stories {
        let times = annunciations(&story.changes).filter(|at| (from..=to).contains(at));
        by_source.entry(&story.source).or_default().extend(times);
    }
    by_source.retain(|_, times| !times.is_empty());
    for times in by_source.values_mut() {
        times.sort_unstable();
    }
    let span = to.since(from);
    let counts = per_period(by_source.values().flatten(), from, to);
    let alarms: u32 = counts.iter().map(|busy| busy.alarms).sum();
    let periods = (span.as_secs_f64() / PERIOD.as_secs_f64()).max(1.0);
    let floods = counts.iter().filter(|busy| busy.alarms > FLOOD_ABOVE).count();
    let chatters = |times: &[Instant]| {
        times.windows(CHATTER_TIMES).any(|w| w[CHATTER_TIMES - 1].since(w[0]) <= CHATTER_SPAN)
    };
    let chattering = by_source.iter().filter(|(_, times)| chatters(times));
    let chatterers: Vec<K> = chattering.map(|(source, _)| (*source).clone()).collect();
    let is_stale = |story: &&Story<K>| longest_active(&story.changes, from, to) > STALE_AFTER;
    let mut stale: Vec<K> = stories.iter().filter(is_stale).map(|it| it.source.clone()).collect();
    let stale_alarms = stale.len();
    stale.sort();
    stale.dedup();
    let sources = by_source.len();
    let top = frequent(&by_source, alarms);
    Kpis {
        alarms,
        mean: averaged(f64::from(alarms) / periods, MEAN_TARGET, span),
        worst: counted(
            f64::from(counts.iter().map(|busy| busy.alarms).max().unwrap_or(0)),
            WORST_TARGET,
            (span, PERIOD),
        ),
        flood_share: averaged(floods as f64 / periods.ceil(), FLOOD_SHARE_TARGET, span),
        chattering: counted(chatterers.len() as f64, CHATTERING_TARGET, (span, PERIOD)),
        chatterers,
        stale: counted(stale_alarms as f64, STALE_TARGET, (span, STALE_AFTER)),
        stale_sources: stale,
        top_share: top_share(&top, sources),
        top,
        periods: counts,
    }
}

/// When it wanted an answer and had not before.
fn annunciations(changes: &[(Instant, AlarmState)]) -> impl Iterator<Item = Instant> {
    let before = std::iter::once(AlarmState::Normal).chain(changes.iter().map(|(_, state)| *state));
    let wants = AlarmState::Unacknowledged;
    let pairs = changes.iter().zip(before);
    pairs.filter(move |((_, to), from)| *to == wants && *from != wants).map(|((at, _), _)| *at)
}

/// Annunciations in each period of the span that has any.
fn per_period<'a>(
    times: impl Iterator<Item = &'a Instant>,
    from: Instant,
    to: Instant,
) -> Vec<Busy> {
    let place = |at: Instant| at.since(from).as_secs() / PERIOD.as_secs();
    let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
    let last = place(to);
    for at in times {
        // The last period is what is left of the span, and may be a moment.
        *counts.entry(place(*at).min(last)).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|(number, alarms)| Busy {
            after: PERIOD.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX)),
            alarms,
        })
        .collect()
}

/// The longest that its cause was there, and it was not kept quiet, without a break that came before
/// the span.
fn longest_active(changes: &[(Instant, AlarmState)], from: Instant, to: Instant) -> Duration {
    let mut since: Option<Instant> = None;
    let mut longest = Duration::ZERO;
    for &(at, state) in changes {
        match state {
            AlarmState::Normal
            | AlarmState::ReturnedUnacknowledged
            | AlarmState::LatchedUnacknowledged
            | AlarmState::LatchedAcknowledged
            | AlarmState::Shelved
            | AlarmState::OutOfService => {
                let began = since.take().filter(|_| at >= from);
                longest = longest.max(began.map_or(Duration::ZERO, |began| at.since(began)));
            }
            AlarmState::Unacknowledged | AlarmState::Acknowledged => {
                since.get_or_insert(at);
            }
        }
    }
    longest.max(since.map_or(Duration::ZERO, |since| to.since(since)))
}

fn frequent<K: Clone>(by_source: &BTreeMap<&K, Vec<Instant>>, alarms: u32) -> Vec<Frequent<K>> {
    let of = |(source, times): (&&K, &Vec<Instant>)| {
        let of_it = u32::try_from(times.len()).unwrap_or(u32::MAX);
        let share = f64::from(of_it) / f64::from(alarms.max(1));
        Frequent { source: (*source).clone(), alarms: of_it, share }
    };
    let mut top: Vec<Frequent<K>> = by_source.iter().map(of).collect();
    // Stable: equals stay in the order of their names.
    top.sort_by_key(|it| std::cmp::Reverse(it.alarms));
    top.truncate(TOP);
    top
}

/// Ten sources or fewer have all alarms between them; that says nothing about them.
fn top_share<K>(top: &[Frequent<K>], sources: usize) -> Measure {
    let share = top.iter().map(|it| it.share).sum();
    match sources {
        0..=TOP => Measure { value: share, target: TOP_SHARE_TARGET, verdict: Verdict::TooFew },
        _ => judged(share, TOP_SHARE_TARGET),
    }
}

/// A share of the time: less than a period says nothing for or against it.
fn averaged(value: f64, target: f64, span: Duration) -> Measure {
    match span < PERIOD {
        true => Measure { value, target, verdict: Verdict::TooShort },
        false => judged(value, target),
    }
}

/// What only grows with time: missed is missed at once, and met after `least`.
fn counted(value: f64, target: f64, (span, least): (Duration, Duration)) -> Measure {
    let measure = judged(value, target);
    match measure.verdict {
        Verdict::Met if span < least => Measure { verdict: Verdict::TooShort, ..measure },
        Verdict::Met | Verdict::Missed | Verdict::TooFew | Verdict::TooShort => measure,
    }
}

fn judged(value: f64, target: f64) -> Measure {
    let verdict = if value <= target { Verdict::Met } else { Verdict::Missed };
    Measure { value, target, verdict }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AlarmState::{
        Acknowledged, LatchedAcknowledged, LatchedUnacknowledged, Normal, ReturnedUnacknowledged,
        Shelved, Unacknowledged,
    };

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(1_000_000).after(Duration::from_secs(seconds))
    }

    fn story(source: &'static str, changes: &[(u64, AlarmState)]) -> Story<&'static str> {
        let changes = changes.iter().map(|(second, state)| (at(*second), *state)).collect();
        Story { source, changes }
    }

    const DAY_S: u64 = 24 * 3600;

    #[test]
    fn a_quiet_day_meets_every_target() {
        let told = kpis(
            &[story("gate", &[(100, Unacknowledged), (110, Acknowledged), (200, Normal)])],
            at(0),
            at(DAY_S),
        );
        assert_eq!(told.alarms, 1);
        assert_eq!(told.mean.value, 1.0 / 144.0);
        for measure in [told.mean, told.worst, told.flood_share, told.chattering, told.stale] {
            assert_eq!(measure.verdict, Verdict::Met, "{measure:?}");
        }
        assert_eq!(told.top_share.verdict, Verdict::TooFew);
        assert_eq!((told.top[0].source, told.top[0].alarms, told.top[0].share), ("gate", 1, 1.0));
    }

    #[test]
    fn a_flood_counts_by_the_ten_minutes_it_falls_into() {
        let stories: Vec<_> = (0..11)
            .map(|i| story("gate", &[(700 + i * 40, Unacknowledged), (701 + i * 40, Normal)]))
            .collect();
        let told = kpis(&stories, at(0), at(6_000));
        assert_eq!((told.alarms, told.worst.value), (11, 11.0));
        assert_eq!(told.periods, [Busy { after: PERIOD, alarms: 11 }]);
        assert_eq!((told.worst.verdict, told.flood_share.value), (Verdict::Missed, 0.1));
        assert_eq!(told.flood_share.verdict, Verdict::Missed);
        assert_eq!(told.mean.value, 1.1);
    }

    #[test]
    fn three_in_a_minute_chatter_and_a_further_person_is_none_of_them() {
        let often = [(0, Unacknowledged), (10, ReturnedUnacknowledged), (30, Unacknowledged)];
        let third = [(40, ReturnedUnacknowledged), (60, Unacknowledged)];
        let chatters = story("gate", &[&often[..], &third[..]].concat());
        let people =
            story("yard", &[(0, Unacknowledged), (10, Unacknowledged), (20, Unacknowledged)]);
        let slow = story("dock", &[(0, Unacknowledged), (30, Acknowledged), (31, Unacknowledged)]);
        let told = kpis(&[chatters, people, slow], at(0), at(600));
        assert_eq!(told.chatterers, ["gate"]);
        assert_eq!((told.chattering.value, told.chattering.verdict), (1.0, Verdict::Missed));
        assert_eq!(told.alarms, 3 + 1 + 2);
    }

    #[test]
    fn an_alarm_open_for_more_than_a_day_is_stale_unless_it_is_kept_quiet() {
        let stale = story("gate", &[(0, Unacknowledged), (10, Acknowledged)]);
        let shelved = story("yard", &[(0, Unacknowledged), (10, Shelved)]);
        let over = story("dock", &[(0, Unacknowledged), (DAY_S - 1, Normal)]);
        let told = kpis(&[stale, shelved, over], at(0), at(DAY_S + 60));
        assert_eq!((told.stale.value, told.stale_sources), (1.0, vec!["gate"]));
    }

    #[test]
    fn an_alarm_that_only_a_latch_keeps_open_is_not_stale() {
        let came = [(0, Unacknowledged), (10, Acknowledged)];
        let kept = |by| story("gate", &[&came[..], &[(20, by)]].concat());
        for by in [LatchedAcknowledged, LatchedUnacknowledged, ReturnedUnacknowledged] {
            let told = kpis(&[kept(by)], at(0), at(3 * DAY_S));
            assert_eq!((told.stale.value, told.stale_sources.len()), (0.0, 0), "{by:?}");
        }
        // Active for two days, and over before the span.
        let long = story("dock", &[(0, Acknowledged), (2 * DAY_S, LatchedAcknowledged)]);
        assert_eq!(
            kpis(std::slice::from_ref(&long), at(2 * DAY_S + 1), at(3 * DAY_S)).stale.value,
            0.0
        );
        assert_eq!(kpis(&[long], at(DAY_S), at(3 * DAY_S)).stale_sources, ["dock"]);
        // It came back, and has been there for more than a day.
        let again = [(20, LatchedAcknowledged), (DAY_S, Unacknowledged)];
        let again = story("gate", &[&came[..], &again[..]].concat());
        assert_eq!(kpis(std::slice::from_ref(&again), at(0), at(2 * DAY_S)).stale.value, 0.0);
        assert_eq!(kpis(&[again], at(0), at(2 * DAY_S + 1)).stale_sources, ["gate"]);
    }

    #[test]
    fn what_came_before_the_span_is_not_counted_and_nothing_at_all_is_fine() {
        let old = story("gate", &[(0, Unacknowledged), (500, Normal)]);
        let told = kpis(&[old], at(600), at(1_200));
        assert_eq!((told.alarms, told.top.len()), (0, 0));
        let none = kpis::<&str>(&[], at(0), at(0));
        assert_eq!((none.alarms, none.mean.verdict), (0, Verdict::TooShort));
    }

    #[test]
    fn less_than_ten_minutes_are_too_short_to_judge_but_for_what_is_missed_already() {
        let often = |n: u64| {
            let one = |i| story("gate", &[(i * 6, Unacknowledged), (i * 6 + 1, Normal)]);
            (0..n).map(one).collect::<Vec<_>>()
        };
        let few = kpis(&often(1), at(0), at(120));
        for measure in [few.mean, few.worst, few.flood_share, few.chattering, few.stale] {
            assert_eq!(measure.verdict, Verdict::TooShort, "{measure:?}");
        }
        let many = kpis(&often(19), at(0), at(120));
        assert_eq!((many.mean.value, many.mean.verdict), (19.0, Verdict::TooShort));
        assert_eq!(
            (many.worst.verdict, many.chattering.verdict),
            (Verdict::Missed, Verdict::Missed)
        );
        // After ten minutes all is judged but for what takes a day.
        let later = kpis(&often(1), at(0), at(600));
        assert_eq!((later.mean.value, later.mean.verdict), (1.0, Verdict::Met));
        assert_eq!((later.worst.verdict, later.stale.verdict), (Verdict::Met, Verdict::TooShort));
    }

    #[test]
    fn the_ten_most_frequent_sources_have_their_share() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let mut stories: Vec<_> =
            names.iter().map(|name| story(name, &[(100, Unacknowledged), (101, Normal)])).collect();
        stories.push(story("l", &[(9_000, Unacknowledged)]));
        let told = kpis(&stories, at(0), at(10_000));
        assert_eq!((told.top.len(), told.top[0].source), (10, "l"));
        assert!((told.top_share.value - 11.0 / 13.0).abs() < 1e-12);
        assert_eq!(told.top_share.verdict, Verdict::Missed);
    }
}
