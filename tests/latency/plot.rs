//! The same figures as a picture: one line a condition, every incident a stroke.

use std::fmt::Write;

use crate::report::{Incident, groups, quantile};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 330.0;
const RIGHT: f64 = 870.0;
const TOP: f64 = 56.0;
const ROW: f64 = 34.0;
const AXIS_STEP_MS: f64 = 200.0;

/// What the promise allows, ms: p99 and at most.
const P99_MS: f64 = 500.0;
const MAX_MS: f64 = 1000.0;

const STYLE: &str = "text{font:13px sans-serif;fill:#333}.s{stroke:#1f6f8b;stroke-opacity:.35;\
    stroke-width:2}.m{stroke:#0b3c4d;stroke-width:3}.l{stroke:#b3261e;stroke-width:1.5;\
    stroke-dasharray:5 4}.g{stroke:#ddd}.r{fill:#b3261e}";

/// The picture, light on a white ground.
pub fn svg(incidents: &[Incident]) -> String {
    let groups = groups(incidents);
    let largest = incidents.iter().filter_map(|i| i.total_ms).fold(MAX_MS, f64::max);
    let end = (largest / AXIS_STEP_MS).ceil() * AXIS_STEP_MS + AXIS_STEP_MS / 2.0;
    let x = |ms: f64| LEFT + (RIGHT - LEFT) * ms / end;
    let bottom = TOP + ROW * groups.len() as f64;
    let height = bottom + 44.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"Time from light at the camera to the siren, by condition\">\
         <style>{STYLE}</style><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"24\">Light at the camera → sound at the device, ms. Each stroke is one \
         person; the dark one is the median.</text>\n"
    );
    let mut ms = 0.0;
    while ms <= end {
        let at = x(ms);
        let _ = writeln!(
            svg,
            "<line class=\"g\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{ms}</text>",
            bottom + 18.0
        );
        ms += AXIS_STEP_MS;
    }
    for (limit, name) in [(P99_MS, "p99"), (MAX_MS, "max")] {
        let at = x(limit);
        let _ = writeln!(
            svg,
            "<line class=\"l\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
             <text class=\"r\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>",
            TOP - 6.0
        );
    }
    for (row, group) in groups.iter().enumerate() {
        let middle = TOP + ROW * (row as f64 + 0.5);
        let title = group.title();
        let _ = writeln!(svg, "<text x=\"16\" y=\"{:.1}\">{title}</text>", middle + 4.0);
        let totals = group.totals();
        let mut stroke = |ms: f64, class: &str, half: f64| {
            let (at, top, low) = (x(ms), middle - half, middle + half);
            let _ = writeln!(
                svg,
                "<line class=\"{class}\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{top:.1}\" y2=\"{low:.1}\"/>"
            );
        };
        totals.iter().for_each(|ms| stroke(*ms, "s", 8.0));
        if let Some(median) = quantile(&totals, 0.5) {
            stroke(median, "m", 11.0);
        }
    }
    svg + "</svg>\n"
}
