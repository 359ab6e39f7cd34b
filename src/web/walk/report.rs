//! The report of a walk test: one page that stands alone, prints on A4, and needs nothing else.
//!
//! No script, no link to anything: style, pictures and drawing are in it. Every text that a person
//! wrote is escaped. It says what was measured and what was not; it judges nothing anew.

mod edges;

use std::fmt::Write;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::encode::{base64, escaped};
use crate::guard::handle::{
    EdgeState, Signed, SirenHeard, WalkEdge, WalkFacts, WalkReport, WalkState, WalkTest,
};

/// Size of the drawing where the camera's is not known.
const SIZE_PX: (u32, u32) = (1600, 900);

/// What this page is not, said on every report.
pub const STATEMENT: &str = "Standclear is an additional aid. It is not a protective device in the \
    sense of IEC 61496 (electro-sensitive protective equipment), replaces none, and no safety \
    function may rest on it.";

const STYLE: &str = r"
@page { size: A4; margin: 14mm 15mm 16mm; }
* { box-sizing: border-box; }
html { font: 10.5pt/1.45 system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; color: #15181c; background: #fff; }
body { max-width: 180mm; margin: 0 auto; padding: 8mm 0; }
header { display: flex; justify-content: space-between; align-items: baseline; border-bottom: 1.5pt solid #15181c; padding-bottom: 2mm; }
h1 { font-size: 17pt; margin: 0; font-weight: 600; }
h2 { font-size: 11.5pt; margin: 7mm 0 2mm; font-weight: 600; break-after: avoid; }
p { margin: 1.5mm 0; }
.result { margin: 4mm 0; padding: 3mm 4mm; border: 1.5pt solid #15181c; font-size: 13pt; font-weight: 600; }
.result small { display: block; font-size: 10pt; font-weight: 400; }
.passed { border-color: #1a6b3c; } .unproved { border-color: #8a5a00; border-style: dashed; } .failed { border-color: #a3161c; } .incomplete, .abandoned, .running { border-style: dashed; }
.note { border-left: 2.5pt solid #8a5a00; padding: 1mm 3mm; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: 1.2mm 2mm 1.2mm 0; border-bottom: 0.4pt solid #b9bec5; overflow-wrap: anywhere; }
th { font-weight: 600; }
table.walks th, table.walks td { hyphens: none; overflow-wrap: normal; }
table.walks { font-size: 9.5pt; } .w { white-space: nowrap; }
table.facts th { width: 42mm; font-weight: 400; color: #4a515a; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr, figure { break-inside: avoid; }
code { font: 8.5pt/1.3 ui-monospace, 'Cascadia Mono', Menlo, Consolas, monospace; overflow-wrap: anywhere; }
figure { margin: 3mm 0; } figure svg, figure img { display: block; width: 100%; height: auto; border: 0.4pt solid #b9bec5; }
figcaption { font-size: 9pt; color: #4a515a; margin-top: 1mm; }
.evidence { display: grid; grid-template-columns: 1fr 1fr; gap: 3mm; } .evidence figure { margin: 0; }
.sign { display: grid; grid-template-columns: 2fr 1fr; gap: 14mm 12mm; margin-top: 14mm; break-inside: avoid; }
.sign div { border-top: 0.6pt solid #15181c; padding-top: 1mm; font-size: 9pt; color: #4a515a; }
footer { margin-top: 8mm; border-top: 0.6pt solid #15181c; padding-top: 2mm; font-size: 9pt; break-inside: avoid; }
@media print { body { padding: 0; max-width: none; } }
";

/// What the page may load: what is in it, and nothing else.
pub fn content_security_policy() -> String {
    let style = base64(&Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    )
}

/// The whole page.
pub fn page(report: &WalkReport) -> String {
    let page = Page {
        test: &report.test,
        facts: &report.facts,
        report,
        // One that this machine does not know any more is shown as UTC, and says so.
        zone: TimeZone::get(&report.facts.time_zone).unwrap_or(TimeZone::UTC),
    };
    let sections = [
        page.head(),
        page.result(),
        page.facts(),
        page.picture(),
        page.edges(),
        page.around(),
        page.attempts(),
        page.evidence(),
        page.end(),
    ];
    sections.concat()
}

struct Page<'a> {
    test: &'a WalkTest,
    facts: &'a WalkFacts,
    report: &'a WalkReport,
    zone: TimeZone,
}

impl Page<'_> {
    fn head(&self) -> String {
        let (id, name) = (self.test.id, escaped(&self.test.zone_name));
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <title>Walk test {id}: {name}</title><style>{STYLE}</style></head>\n<body>\n\
             <header><h1>Walk test: {name}</h1><span>No. {id}</span></header>\n"
        )
    }

    fn result(&self) -> String {
        let test = self.test;
        let count = |wanted| test.edges.iter().filter(|edge| edge.state() == wanted).count();
        let slowest = test
            .edges
            .iter()
            .filter(|edge| matches!(edge.state(), EdgeState::Pass | EdgeState::Fail))
            .filter_map(|edge| edge.attempts.last()?.time_ms)
            .max();
        let slowest = slowest.map_or(String::new(), |ms| {
            format!("; slowest {ms} ms of {} ms allowed", test.limit_ms)
        });
        let unproved = self.facts.leaves_siren_unproved(test);
        let (word, meaning) = match test.state {
            WalkState::Passed if unproved => (
                "PASS, siren not proved",
                "Every edge that can be walked was detected in time, but nobody could hear it.",
            ),
            WalkState::Passed => ("PASS", "Every edge that can be walked was heard in time."),
            WalkState::Failed => ("FAIL", "At least one edge was not heard, or not in time."),
            WalkState::Incomplete => (
                "INCOMPLETE",
                "Nothing failed, and not every edge was walked. This proves nothing.",
            ),
            WalkState::Abandoned => ("ABANDONED", "The test was given up. It proves nothing."),
            WalkState::Running => ("RUNNING", "The test is not over."),
        };
        let mut out = format!(
            "<div class=\"result {}\">{word}<small>{meaning} {} of {} edges passed, {} failed, {} \
             skipped, {} not walked{slowest}.</small></div>\n",
            if unproved { "unproved" } else { test.state.name() },
            count(EdgeState::Pass),
            test.edges.len(),
            count(EdgeState::Fail),
            count(EdgeState::Skipped),
            count(EdgeState::Waiting),
        );
        if let Some(closed) = &test.closed
            && !closed.reason.is_empty()
        {
            let _ = writeln!(out, "<p>Why it was given up: {}.</p>", escaped(&closed.reason));
        }
        out + &self.notes()
    }

    /// What takes from the test, whatever its result.
    fn notes(&self) -> String {
        let test = self.test;
        let mut out = String::new();
        if test.siren == SirenHeard::Muted && self.facts.no_siren {
            out += "<p class=\"note\"><b>This box has no siren</b>, as its configuration says. This \
                test shows detection and decision, not a sound.</p>\n";
        } else if test.siren == SirenHeard::Muted {
            let why = self.facts.siren_fault.as_deref().unwrap_or("the output was broken");
            let _ = writeln!(
                out,
                "<p class=\"note\"><b>The siren was muted ({}).</b> Nobody heard it. This test shows \
                 detection, decision and the order to the siren, not its sound.</p>",
                escaped(why)
            );
        }
        for (from, to) in &self.report.unseen {
            let to = to.map_or("the end of this report".to_owned(), |to| self.when(to));
            let _ = writeln!(
                out,
                "<p class=\"note\"><b>The zone was not seen</b> from {} until {}: UNKNOWN while the \
                 test ran.</p>",
                escaped(&self.when(*from)),
                escaped(&to)
            );
        }
        if test.lost > 0 {
            let _ = writeln!(
                out,
                "<p class=\"note\">{} observations were lost while the test ran. Times to the siren \
                 stand; whose path was lost was not counted.</p>",
                test.lost
            );
        }
        out
    }

    fn facts(&self) -> String {
        let (test, facts) = (self.test, self.facts);
        let closed = test.closed.as_ref();
        let model = facts.model.as_ref();
        let siren = match test.siren {
            SirenHeard::Sounds => format!("audible, on {}", facts.siren_device),
            SirenHeard::Muted if facts.no_siren => "this box has no siren".to_owned(),
            SirenHeard::Muted => "muted".to_owned(),
        };
        let next = match (test.state, closed, facts.valid_days) {
            _ if facts.leaves_siren_unproved(test) => {
                "now: the siren could not sound, so this test does not make the zone valid".into()
            }
            (WalkState::Passed, Some(closed), Some(days)) => {
                let days_on = SignedDuration::from_hours(i64::from(days) * 24);
                let due = closed.signed.at.checked_add(days_on).unwrap_or(Timestamp::MAX);
                format!("{}, or at once when the zone is changed", self.when(due))
            }
            (WalkState::Passed, _, None) => "none is required by the configuration".into(),
            (_, _, _) => "now: this test does not hold".into(),
        };
        let version = self.report.version.as_ref();
        let rows: [(&str, String); 18] = [
            ("Site", facts.site.clone()),
            ("Camera", format!("{} ({})", facts.camera_name, test.camera)),
            ("Zone", format!("{} ({}), {}", test.zone_name, test.zone, facts.kind)),
            ("Tester", test.tester.clone()),
            ("Started", format!("{}, by {}", self.when(test.started.at), test.started.by)),
            (
                "Ended",
                closed.map_or("not yet".into(), |closed| {
                    format!("{}, by {}", self.when(closed.signed.at), closed.signed.by)
                }),
            ),
            ("Next test due", next),
            ("Siren", siren),
            ("Armed otherwise", facts.armed.clone()),
            ("Zone version in force", test.zones_version.to_string()),
            ("Made by", self.signed(version.map(|it| &it.made))),
            ("Approved by", self.signed(version.and_then(|it| it.approved.as_ref()))),
            (
                "In force since",
                version.and_then(|it| it.applied_at).map_or("not known".into(), |at| self.when(at)),
            ),
            ("Digest of that version", facts.version_digest.clone()),
            ("Digest of what was tested", test.zone_digest.clone()),
            ("Model", model.map_or("not known".into(), |it| format!("{} {}", it.name, it.version))),
            ("Digest of the model", model.map_or("not known".into(), |it| it.digest.clone())),
            ("Box", format!("Standclear {}", facts.box_version)),
        ];
        let mut out = String::from("<table class=\"facts\">");
        for (name, value) in &rows {
            let value = escaped(value);
            let value =
                if name.starts_with("Digest") { format!("<code>{value}</code>") } else { value };
            let _ = write!(out, "<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>");
        }
        out + "</table>\n"
    }

    /// The camera's picture with zone, ignored areas and numbered edges.
    fn picture(&self) -> String {
        let (width, height) = self.facts.frame_px.unwrap_or(SIZE_PX);
        let scale = f64::from(width) / 1600.0;
        let mut svg = format!(
            "<figure><svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" aria-label=\"Zone and edges\">"
        );
        let picture = self.report.picture.as_ref();
        let _ = match picture {
            Some(jpeg) => write!(
                svg,
                "<image width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
                 href=\"data:image/jpeg;base64,{}\"/>",
                base64(jpeg)
            ),
            None => write!(svg, "<rect width=\"{width}\" height=\"{height}\" fill=\"#e6e8eb\"/>"),
        };
        let size = (f64::from(width), f64::from(height));
        for ignored in &self.facts.ignored {
            let _ = write!(
                svg,
                "<path d=\"{}\" fill=\"#000\" fill-opacity=\"0.35\" stroke=\"#fff\" \
                 stroke-width=\"{:.1}\" stroke-dasharray=\"{:.0} {:.0}\"/>",
                path(&ignored.polygons, size),
                2.0 * scale,
                6.0 * scale,
                6.0 * scale
            );
        }
        let _ = write!(
            svg,
            "<path d=\"{}\" fill=\"#e01b24\" fill-opacity=\"0.18\" fill-rule=\"evenodd\"/>",
            path(&self.facts.polygons, size)
        );
        for edge in &self.test.edges {
            svg += &drawn(edge, size, scale);
        }
        let caption = match picture {
            Some(_) => {
                "The camera's picture when the test was started, with the zone, its edges and \
                        ignored areas (dark)."
            }
            None => "No picture was kept; the zone and its edges as drawn.",
        };
        svg + &format!("</svg><figcaption>{caption}</figcaption></figure>\n")
    }

    /// What the zone rests on: calibration, set-back, and where nobody looks.
    fn around(&self) -> String {
        let facts = self.facts;
        let mut out = String::from("<h2>Calibration</h2>\n");
        let _ = match &facts.calibration {
            Some(fit) => writeln!(
                out,
                "<p>{} points on the floor; residual {:.2} m (RMS), worst point {:.2} m.</p>",
                fit.points, fit.residual_m, fit.worst_m
            ),
            None => writeln!(
                out,
                "<p>This camera is not calibrated: no distance in metres is known.</p>"
            ),
        };
        out += "<h2>Set-back from the machine</h2>\n";
        let _ = match &facts.setback {
            Some(setback) => {
                let actual = setback
                    .actual_m
                    .map_or("not measurable".to_owned(), |actual_m| format!("{actual_m:.2} m"));
                let judged = if setback.tight {
                    "<b>Less than required, or not known to be enough.</b>"
                } else {
                    "Enough."
                };
                writeln!(
                    out,
                    "<p>{}</p>\n<p>Required {:.2} m, actual {actual}. {judged}</p>",
                    escaped(&setback.text),
                    setback.required_m
                )
            }
            None => {
                writeln!(out, "<p>No machine is drawn for this zone; no set-back was reckoned.</p>")
            }
        };
        out += "<h2>Ignored areas of this camera</h2>\n";
        if facts.ignored.is_empty() {
            out += "<p>None.</p>\n";
        } else {
            out += "<table><thead><tr><th>Area</th><th>Why nobody looks there</th></tr></thead><tbody>";
            for ignored in &facts.ignored {
                let _ = write!(
                    out,
                    "<tr><td>{}</td><td>{}</td></tr>",
                    escaped(&ignored.name),
                    escaped(&ignored.reason)
                );
            }
            out += "</tbody></table>\n";
        }
        out
    }

    fn evidence(&self) -> String {
        if self.report.snapshots.is_empty() {
            return "<h2>Pictures</h2>\n<p>No picture of an incident was kept.</p>\n".into();
        }
        let mut out = String::from("<h2>Pictures</h2>\n<div class=\"evidence\">");
        for (incident, jpeg) in &self.report.snapshots {
            let edges: Vec<String> = self
                .test
                .edges
                .iter()
                .filter(|edge| {
                    edge.attempts.last().is_some_and(|it| it.incident == Some(*incident))
                })
                .map(|edge| escaped(&edge.label))
                .collect();
            let _ = write!(
                out,
                "<figure><img alt=\"Incident {incident}\" src=\"data:image/jpeg;base64,{}\">\
                 <figcaption>Incident {incident}: {}</figcaption></figure>",
                base64(jpeg),
                edges.join(", ")
            );
        }
        out + "</div>\n"
    }

    fn end(&self) -> String {
        format!(
            "<div class=\"sign\"><div>Tester: {}</div><div>Date</div>\
             <div>Responsible for safety</div><div>Date</div></div>\n\
             <footer><p><b>{STATEMENT}</b></p><p>A walk test shows that one person, dressed and \
             walking as the tester, was heard at that time in that light. Made by Standclear {}.</p>\
             </footer>\n</body></html>\n",
            escaped(&self.test.tester),
            escaped(&self.facts.box_version)
        )
    }

    fn signed(&self, signed: Option<&Signed>) -> String {
        signed.map_or("not known".into(), |it| format!("{}, {}", it.by, self.when(it.at)))
    }

    /// The time of day, of what happened within half an hour.
    fn clock(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    /// As the site's clocks show it.
    fn when(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%-d %b %Y %H:%M:%S %Z").to_string()
    }
}

/// SVG path of polygons.
fn path(polygons: &[Vec<Vec<[f64; 2]>>], size: (f64, f64)) -> String {
    let mut d = String::new();
    for ring in polygons.iter().flatten() {
        for (place, point) in ring.iter().enumerate() {
            let letter = if place == 0 { 'M' } else { 'L' };
            let _ = write!(d, "{letter}{:.1} {:.1}", point[0] * size.0, point[1] * size.1);
        }
        d.push('Z');
    }
    d
}

/// An edge and its number.
fn drawn(edge: &WalkEdge, size: (f64, f64), scale: f64) -> String {
    // A number at the border stays whole; in a picture lower than a number it does what it can.
    let within = |at: f64, length: f64| (at * length).min(length - 24.0 * scale).max(24.0 * scale);
    let points: Vec<String> = edge
        .points
        .iter()
        .map(|point| format!("{:.1},{:.1}", point[0] * size.0, point[1] * size.1))
        .collect();
    let (color, dashes) = match edge.state() {
        EdgeState::Pass => ("#39d07a", "none"),
        EdgeState::Fail => ("#ff3b30", "none"),
        EdgeState::Waiting => ("#ffffff", "14 10"),
        EdgeState::Skipped => ("#c3c9d0", "4 10"),
    };
    let first = edge.points.first().copied().unwrap_or_default();
    let last = edge.points.get(edge.points.len().saturating_sub(1)).copied().unwrap_or(first);
    let (x, y) = match edge.points.len() {
        // Between its ends; on a bent edge, at a corner of it.
        0..=2 => (f64::midpoint(first[0], last[0]), f64::midpoint(first[1], last[1])),
        count => (edge.points[count / 2][0], edge.points[count / 2][1]),
    };
    format!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{:.1}\" \
         stroke-dasharray=\"{dashes}\"/><g transform=\"translate({:.1} {:.1})\">\
         <circle r=\"{r:.1}\" fill=\"#12151a\" stroke=\"#fff\" stroke-width=\"{:.1}\"/>\
         <text y=\"{:.1}\" text-anchor=\"middle\" font-size=\"{:.1}\" font-weight=\"700\" \
         fill=\"#fff\" font-family=\"sans-serif\">{}</text></g>",
        points.join(" "),
        5.0 * scale,
        within(x, size.0),
        within(y, size.1),
        2.0 * scale,
        8.0 * scale,
        24.0 * scale,
        edge.edge + 1,
        r = 22.0 * scale,
    )
}
