//! Which incident answers which episode.

use super::episodes::{Episode, Weight};
use super::intervals::{Interval, rate, share};
use crate::replay::event_log::{INCIDENT_ENDED, INCIDENT_STARTED, LoggedEvent};

/// An incident of the replay, seconds of video time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Incident {
    pub start_s: f64,
    /// When the engine said that it ended.
    pub end_s: f64,
    /// When somebody was last seen inside.
    pub last_inside_s: f64,
}

/// The balance of one zone, or of several together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Balance {
    /// Episodes that had to be found, and how many were.
    pub episodes: usize,
    pub found: usize,
    pub marginal: usize,
    pub incidents: usize,
    /// Incidents without an episode.
    pub false_alarms: usize,
    /// Incidents that answer more than one episode, and episodes answered by more than one incident:
    /// neither is an error, both are worth knowing.
    pub merged: usize,
    pub split: usize,
    /// For each found episode: seconds from its start to the incident's, 0 when one was under way.
    pub delays_s: Vec<f64>,
    /// Time somebody was inside, and the share of it in which the zone was OCCUPIED.
    pub occupied_s: f64,
    pub occupied_seen_s: f64,
    /// Time nobody was inside, and how long the zone was OCCUPIED in it.
    pub empty_s: f64,
    pub empty_alarmed_s: f64,
}

impl Balance {
    pub fn recall(&self) -> Option<Interval> {
        share(self.found, self.episodes)
    }

    pub fn precision(&self) -> Option<Interval> {
        share(self.incidents - self.false_alarms, self.incidents)
    }

    /// Per hour in which nobody was inside.
    pub fn false_alarms_per_hour(&self) -> Option<Interval> {
        rate(self.false_alarms, self.empty_s / 3600.0)
    }

    /// The `share`-quantile of the time to alarm (nearest rank), seconds.
    pub fn delay_s(&self, share: f64) -> Option<f64> {
        let mut delays = self.delays_s.clone();
        delays.sort_by(f64::total_cmp);
        let rank = (share * delays.len() as f64).ceil().max(1.0) as usize;
        delays.get(rank - 1).copied()
    }

    /// Adds another zone's balance.
    pub fn add(&mut self, other: &Balance) {
        self.episodes += other.episodes;
        self.found += other.found;
        self.marginal += other.marginal;
        self.incidents += other.incidents;
        self.false_alarms += other.false_alarms;
        self.merged += other.merged;
        self.split += other.split;
        self.delays_s.extend_from_slice(&other.delays_s);
        self.occupied_s += other.occupied_s;
        self.occupied_seen_s += other.occupied_seen_s;
        self.empty_s += other.empty_s;
        self.empty_alarmed_s += other.empty_alarmed_s;
    }
}

/// A zone's incidents, from their start and end events.
pub fn incidents(events: &[LoggedEvent], zone: &str) -> Vec<Incident> {
    let of_zone = |event: &&LoggedEvent| event.zone == zone;
    events
        .iter()
        .filter(of_zone)
        .filter(|event| event.event == INCIDENT_STARTED)
        .filter_map(|start| {
            let ends = |e: &&LoggedEvent| e.event == INCIDENT_ENDED && e.incident == start.incident;
            let end = events.iter().find(ends)?;
            Some(Incident {
                start_s: start.time_s,
                end_s: end.time_s,
                last_inside_s: end.last_inside_s.unwrap_or(end.time_s),
            })
        })
        .collect()
}

/// Pairs a zone's incidents with its episodes. `tolerance_s` widens each episode on both sides.
pub fn pair(
    incidents: &[Incident],
    episodes: &[Episode],
    tolerance_s: f64,
    footage_s: f64,
) -> Balance {
    let meets = |incident: &Incident, episode: &Episode| {
        incident.start_s <= episode.end_s + tolerance_s
            && incident.last_inside_s >= episode.start_s - tolerance_s
    };
    let mut balance = Balance { incidents: incidents.len(), ..Balance::default() };
    for episode in episodes {
        let answers: Vec<&Incident> = incidents.iter().filter(|i| meets(i, episode)).collect();
        match episode.weight {
            Weight::Marginal => {
                balance.marginal += 1;
                continue;
            }
            Weight::Demanded => balance.episodes += 1,
        }
        balance.split += usize::from(answers.len() > 1);
        let first = answers.iter().map(|i| i.start_s).min_by(f64::total_cmp);
        if let Some(first) = first {
            balance.found += 1;
            balance.delays_s.push((first - episode.start_s).max(0.0));
        }
    }
    for incident in incidents {
        match episodes.iter().filter(|episode| meets(incident, episode)).count() {
            0 => balance.false_alarms += 1,
            1 => {}
            _ => balance.merged += 1,
        }
    }
    balance.occupied_s = episodes.iter().map(|e| e.end_s - e.start_s).sum();
    balance.occupied_seen_s =
        incidents.iter().flat_map(|i| episodes.iter().map(move |e| overlap(i, e))).sum();
    balance.empty_s = (footage_s - balance.occupied_s).max(0.0);
    let alarmed: f64 = incidents.iter().map(|i| i.end_s - i.start_s).sum();
    balance.empty_alarmed_s = (alarmed - balance.occupied_seen_s).max(0.0);
    balance
}

fn overlap(incident: &Incident, episode: &Episode) -> f64 {
    (incident.end_s.min(episode.end_s) - incident.start_s.max(episode.start_s)).max(0.0)
}
