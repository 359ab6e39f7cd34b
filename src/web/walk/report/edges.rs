//! The report's tables of edges: what each walk took, and every walk where one was repeated.
//!
//! Not here: the drawing of the edges, which stands with the picture.

use std::fmt::Write;

use super::Page;
use crate::guard::handle::{Attempt, EdgeState, Outcome, WalkEdge};
use crate::web::walk::encode::escaped;

impl Page<'_> {
    pub(super) fn edges(&self) -> String {
        let mut out = String::from(
            "<h2>Edges</h2>\n<p>Milliseconds, which add up to the total: from the first picture with \
             the person inside until the box had seen it, then until it was confirmed, then until \
             the siren had the sound.</p>\n<table class=\"walks\"><thead><tr><th>Edge</th>\
             <th>Result</th><th>At</th><th class=\"n\">Seen</th><th class=\"n\">+ Confirmed</th>\
             <th class=\"n\">+ Siren</th><th class=\"n\">Total</th><th class=\"n\">Pictures</th>\
             <th class=\"n\">Walked</th><th class=\"n\">Incident</th></tr></thead><tbody>",
        );
        for edge in &self.test.edges {
            let newest = edge.attempts.last();
            let shown = |ms: Option<u32>| ms.map_or("–".to_owned(), |ms| ms.to_string());
            let [seen, confirmed, siren] = newest.map(parts).unwrap_or_default();
            let word = match edge.state() {
                EdgeState::Pass => "pass".to_owned(),
                EdgeState::Fail => format!("<b>FAIL</b>: {}", escaped(&failure(newest))),
                EdgeState::Waiting => "not walked".to_owned(),
                EdgeState::Skipped => {
                    let reason = edge.skipped.as_ref().map_or("", |skip| &skip.reason);
                    format!("skipped: {}", escaped(reason))
                }
            };
            let incident = newest.and_then(|attempt| attempt.incident);
            let _ = write!(
                out,
                "<tr><td class=\"w\">{}</td><td>{word}</td><td class=\"w\">{}</td><td class=\"n\">{}</td>\
                 <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
                 <td class=\"n\">{}</td><td class=\"n\">{}×</td><td class=\"n\">{}</td></tr>",
                escaped(&edge.label),
                newest.map_or("–".to_owned(), |attempt| self.clock(attempt.at)),
                shown(seen),
                shown(confirmed),
                shown(siren),
                shown(newest.and_then(|attempt| attempt.time_ms)),
                newest.map_or("–".to_owned(), |attempt| attempt.frames.to_string()),
                edge.attempts.len(),
                incident.map_or("–".to_owned(), |incident| incident.to_string()),
            );
        }
        out + "</tbody></table>\n"
    }

    /// Every walk, where an edge was walked more than once.
    pub(super) fn attempts(&self) -> String {
        if self.test.edges.iter().all(|edge| edge.attempts.len() < 2) {
            return String::new();
        }
        let mut out = String::from(
            "<h2>Every walk</h2>\n<table class=\"walks\"><thead><tr><th>When</th><th>Edge</th><th>Result</th>\
             <th class=\"n\">Total, ms</th></tr></thead><tbody>",
        );
        let mut walks: Vec<(&WalkEdge, &Attempt)> = self
            .test
            .edges
            .iter()
            .flat_map(|edge| edge.attempts.iter().map(move |attempt| (edge, attempt)))
            .collect();
        walks.sort_by_key(|(_, attempt)| attempt.at);
        for (edge, attempt) in walks {
            let result = match &attempt.outcome {
                Outcome::Pass => "pass".to_owned(),
                Outcome::Fail { reason } => format!("<b>FAIL</b>: {}", escaped(reason)),
            };
            let _ = write!(
                out,
                "<tr><td class=\"w\">{}</td><td class=\"w\">{}</td><td>{result}</td><td class=\"n\">{}</td></tr>",
                escaped(&self.when(attempt.at)),
                escaped(&edge.label),
                attempt.time_ms.map_or("–".to_owned(), |ms| ms.to_string())
            );
        }
        out + "</tbody></table>\n"
    }
}

/// Where the time went, as the page tells it: parts that add up, not running totals. One whose
/// ends are not both known is not told.
fn parts(attempt: &Attempt) -> [Option<u32>; 3] {
    let between = |from: Option<u32>, to: Option<u32>| {
        from.zip(to).map(|(from_ms, to_ms)| to_ms.saturating_sub(from_ms))
    };
    [
        attempt.detected_ms,
        between(attempt.detected_ms, attempt.decided_ms),
        between(attempt.decided_ms, attempt.time_ms),
    ]
}

fn failure(attempt: Option<&Attempt>) -> String {
    match attempt.map(|attempt| &attempt.outcome) {
        Some(Outcome::Fail { reason }) => reason.clone(),
        Some(Outcome::Pass) | None => String::new(),
    }
}
