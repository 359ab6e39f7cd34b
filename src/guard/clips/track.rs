//! Who was seen where while a clip lasted, as a text for whoever draws it over the video.

use std::sync::Arc;

use serde::Serialize;

use super::sightings::{Seen, SeenPerson};
use crate::clock;
use crate::engine::time::Instant;
use crate::guard::records::SiteNames;
use crate::link::ClipWritten;

/// Longest text that is kept: 40 s of 15 pictures a second with 20 people each are about as long.
const BYTES_MAX: usize = 1024 * 1024;

/// How far before and after the clip's pictures boxes are kept, so that they move from its first picture
/// to its last.
const AROUND_NS: u64 = 1_000_000_000;

/// What an incident is about.
#[derive(Clone, Debug)]
pub struct About {
    /// Number of the zone.
    pub zone: usize,
    /// The zones that decided.
    pub names: Arc<SiteNames>,
}

#[derive(Serialize)]
struct Track<'a> {
    from: String,
    zone: &'a str,
    zones: Vec<TrackZone<'a>>,
    frames: Vec<TrackFrame>,
}

#[derive(Serialize)]
struct TrackZone<'a> {
    id: &'a str,
    name: &'a str,
    polygon: &'a [[f64; 2]],
}

#[derive(Serialize)]
struct TrackFrame {
    t_ms: i64,
    boxes: Vec<TrackBox>,
}

#[derive(Serialize)]
struct TrackBox {
    x: f64,
    y: f64,
    w: f64,
    h: f64,
    score: f64,
    inside: bool,
}

/// The text; `None` when it would be too long.
pub fn json(about: &About, seen: &[Seen], written: &ClipWritten) -> Option<String> {
    let names = &about.names;
    let of = names.zones.get(about.zone)?;
    let camera = of.info.camera;
    let from = clock::wall_at(Instant::from_nanos(written.first_ns));
    let zones = names.live().map(|(_, zone)| zone).filter(|zone| zone.info.camera == camera);
    let outline = |zone: &'_ crate::guard::records::ZoneSlot| zone.polygons.clone();
    let outlines: Vec<_> = zones.map(|zone| (&zone.info, outline(zone))).collect();
    let zones = outlines.iter().flat_map(|(info, polygons)| {
        polygons.iter().filter_map(|polygon| {
            let polygon = polygon.first()?;
            Some(TrackZone { id: &info.id, name: &info.name, polygon })
        })
    });
    let first_ns = written.first_ns;
    let span = first_ns.saturating_sub(AROUND_NS)..=written.last_ns.saturating_add(AROUND_NS);
    let frames = seen.iter().filter(|seen| span.contains(&seen.at.as_nanos()));
    let track = Track {
        from: format!("{from:.3}"),
        zone: &of.info.id,
        zones: zones.collect(),
        frames: frames.map(|seen| frame(seen, first_ns, about.zone)).collect(),
    };
    serde_json::to_string(&track).ok().filter(|json| json.len() <= BYTES_MAX)
}

fn frame(seen: &Seen, first_ns: u64, zone: usize) -> TrackFrame {
    let ms = |ns: u64| i64::try_from(ns / 1_000_000).unwrap_or(i64::MAX);
    let person = |person: &SeenPerson| {
        let [x, y, w, h] = person.bounds_norm.map(rounded);
        let score = rounded(f64::from(person.score));
        TrackBox { x, y, w, h, score, inside: person.inside.contains(&zone) }
    };
    TrackFrame {
        t_ms: ms(seen.at.as_nanos()) - ms(first_ns),
        boxes: seen.people.iter().map(person).collect(),
    }
}

/// A tenth of a pixel of a 4K picture is nothing anybody draws.
fn rounded(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}
