//! What a zone says that was not there before, in sentences: who approves a new zone has nothing
//! else to read. What is as usual (the default) goes without a sentence.
//!
//! Not here: what was one thing and is another.

use crate::engine::alarm::Latch;

use super::super::document::{Criterion, Duty, Exception, Hazard, Presence, Schedule, Watch, Zone};
use super::super::limits::{CLEAR_AFTER_MS_DEFAULT, ENTER_WINDOW_MS_DEFAULT};
use super::super::words::{and, count, criterion, direction, latched};
use super::milliseconds;

/// What only some kinds have.
pub(super) fn particulars(zone: &Zone) -> Vec<String> {
    let mut told = Vec::new();
    match &zone.duty {
        Duty::Restricted { .. } | Duty::Warning { .. } => {}
        Duty::Occupancy { count: people, .. } => told.push(format!("people: {}", count(*people))),
        Duty::Tripwire { direction: way, .. } => {
            told.push(format!("direction {}", direction(*way)));
        }
        Duty::Ignore { reason, .. } | Duty::PrivacyMask { reason, .. } => {
            told.push(format!("{} “{reason}”", reason_of(zone)));
        }
    }
    if let Some(ms) = zone.approach_ms() {
        told.push(format!("warning of an approach {ms} ms ahead"));
    }
    told
}

/// What the reason of a zone is a reason for.
pub(super) fn reason_of(zone: &Zone) -> &'static str {
    match zone.duty {
        Duty::PrivacyMask { .. } => "reason for hiding",
        Duty::Restricted { .. }
        | Duty::Warning { .. }
        | Duty::Occupancy { .. }
        | Duty::Tripwire { .. }
        | Duty::Ignore { .. } => "reason for ignoring",
    }
}

pub(super) fn presence(presence: &Presence) -> Vec<String> {
    let mut told = Vec::new();
    match presence.criterion {
        Criterion::Foot => {}
        other @ (Criterion::Any | Criterion::Overlap(_)) => {
            told.push(format!("counts as inside with {}", criterion(other)));
        }
    }
    if presence.dwell_ms > 0 {
        told.push(format!("dwell {}", milliseconds(presence.dwell_ms)));
    }
    told
}

pub(super) fn watch(watch: &Watch) -> Vec<String> {
    let mut told = Vec::new();
    if watch.enter_window_ms != ENTER_WINDOW_MS_DEFAULT {
        told.push(format!("entry window {}", milliseconds(watch.enter_window_ms)));
    }
    if watch.clear_after_ms != CLEAR_AFTER_MS_DEFAULT {
        told.push(format!("clear after {}", milliseconds(watch.clear_after_ms)));
    }
    if watch.latch == Latch::Yes {
        told.push(format!("after everybody has left {}", latched(watch.latch)));
    }
    if let Some(plan) = &watch.schedule {
        // Either one arms the zone: beside an interlock it is not off outside its hours.
        let outside = match watch.interlock {
            None => "else off",
            Some(_) => "else by its interlock alone",
        };
        told.push(match week(plan) {
            Some(week) => format!("armed {week}, {outside}"),
            None => "armed on no day of the week".to_owned(),
        });
        told.extend(plan.exceptions.iter().map(exception));
    }
    told.extend(watch.interlock.iter().map(|interlock| interlock.words()));
    told
}

fn week(plan: &Schedule) -> Option<String> {
    let ranges = plan.ranges_words();
    (!ranges.is_empty()).then(|| and(&ranges))
}

fn exception(exception: &Exception) -> String {
    let reason = exception.reason.as_ref().map(|reason| format!(" (“{reason}”)"));
    format!("on {}: {}{}", exception.date, exception.words(), reason.unwrap_or_default())
}

pub(super) fn hazard(hazard: &Hazard) -> Vec<String> {
    let mut told =
        vec![format!("hazard with a stop time of {}", milliseconds(hazard.stop_time_ms))];
    if hazard.height_m > 0.0 {
        told.push(format!("height of the detection plane {} m", hazard.height_m));
    }
    told
}
