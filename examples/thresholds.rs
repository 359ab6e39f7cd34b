//! How the default thresholds were chosen: every combination on footage with truth.
//!
//! `cargo run --release --example thresholds -- FOLDER [LONG_SIDE]...`, where FOLDER holds one folder
//! a piece of footage: a video, and either `gt.txt` (MOTChallenge) or `events.json` with `zones[]`
//! of `name`, `polygon` (frame fractions) and `occupied_s` or `events[]` (`start_s`, `end_s`).
//!
//! Footage with boxes is judged on fifty random zones (seed fixed), so that no zone is fitted; the
//! rest on its own zones. The model runs once per video and size, the engine once per combination.
//! The result stands in docs/design/thresholds.md.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Duration;

use standclear::engine::detection::{Detection, FrameSize};
use standclear::engine::geometry::Area;
use standclear::engine::zone::Rules;
use standclear::engine::{CameraSpec, Site, ZoneSpec};
use standclear::evaluation::episodes::{Episode, Weight, episodes};
use standclear::evaluation::pairing::{Balance, incidents, pair};
use standclear::replay::Player;
use standclear::replay::mot::parse_truth;
use standclear::vision::inference::{Detector, GoldenCheck, Options, Provider};
use standclear::vision::offline::{Offline, OfflineOptions};
use standclear::vision::package::ModelPackage;
use standclear::zone_file::{SiteZones, ZoneInfo};

const RANDOM_ZONES: usize = 50;
const TOLERANCE_S: f64 = 0.7;

/// Each zone with its true episodes.
type Zones = Vec<(Area, Vec<Episode>)>;

struct Footage {
    name: String,
    pictures: Vec<(u64, Duration, FrameSize, Vec<Detection>)>,
    zones: Zones,
    end: Duration,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().ok_or("the folder of the footage is wanted")?);
    let mut sizes: Vec<u32> = args.map(|a| a.parse()).collect::<Result<_, _>>()?;
    if sizes.is_empty() {
        sizes.push(640);
    }
    println!(
        "size enter hold clear vanish | episodes found | incidents false | seen of occupied | alarmed of empty | p50 max delay"
    );
    for size in sizes {
        let footage = look_at_all(&folder, size)?;
        for enter in [0.2, 0.25, 0.3, 0.35, 0.4, 0.5] {
            for hold in [0.15, 0.2, 0.25, 0.3] {
                for (clear, vanish) in [(600, 600), (1000, 1000), (1000, 2000), (1500, 3000)] {
                    if hold <= enter {
                        let rules = Rules {
                            enter_score: enter,
                            hold_score: hold,
                            clear_after: Duration::from_millis(clear),
                            vanished_after: Duration::from_millis(vanish),
                            ..Rules::DEFAULT
                        };
                        print(size, &rules, &footage);
                    }
                }
            }
        }
    }
    Ok(())
}

fn print(size: u32, rules: &Rules, footage: &[Footage]) {
    let mut all = Balance::default();
    let mut each = String::new();
    for piece in footage {
        let balance = judge(piece, rules);
        each.push_str(&format!(
            " {}:{}/{}-{}f {:.0}%/{:.0}s",
            piece.name,
            balance.found,
            balance.episodes,
            balance.false_alarms,
            100.0 * balance.occupied_seen_s / balance.occupied_s.max(0.001),
            balance.empty_alarmed_s
        ));
        all.add(&balance);
    }
    println!(
        "{size} {:.2} {:.2} {:4} {:4} | {} {} {:.3} | {} {} {:.3} | {:.3} | {:.4} | {:.2} {:.2} |{each}",
        rules.enter_score,
        rules.hold_score,
        rules.clear_after.as_millis(),
        rules.vanished_after.as_millis(),
        all.episodes,
        all.found,
        all.found as f64 / all.episodes as f64,
        all.incidents,
        all.false_alarms,
        1.0 - all.false_alarms as f64 / all.incidents.max(1) as f64,
        all.occupied_seen_s / all.occupied_s,
        all.empty_alarmed_s / all.empty_s,
        all.delay_s(0.5).unwrap_or(f64::NAN),
        all.delay_s(1.0).unwrap_or(f64::NAN),
    );
}

fn judge(piece: &Footage, rules: &Rules) -> Balance {
    let zones = piece.zones.iter().map(|(area, _)| ZoneSpec::restricted(area.clone(), *rules));
    let infos = (0..piece.zones.len()).map(|i| ZoneInfo {
        id: i.to_string(),
        name: i.to_string(),
        kind: "restricted".to_owned(),
        ..ZoneInfo::default()
    });
    let site = SiteZones {
        site: Site {
            cameras: vec![CameraSpec { zones: zones.collect(), ..CameraSpec::default() }],
        },
        infos: infos.collect(),
        ..SiteZones::default()
    };
    let mut player = Player::new(&site);
    for (index, time, size, detections) in &piece.pictures {
        player.show(*index, *time, *size, detections.clone());
    }
    let outcome = player.finish(piece.end);
    let mut balance = Balance::default();
    for (number, (_, truth)) in piece.zones.iter().enumerate() {
        let id = number.to_string();
        let incidents = incidents(&outcome.events, &id);
        balance.add(&pair(&incidents, truth, TOLERANCE_S, piece.end.as_secs_f64()));
    }
    balance
}

fn look_at_all(folder: &Path, long_side: u32) -> Result<Vec<Footage>, Box<dyn Error>> {
    let package = ModelPackage::find("nanodet-g-416-int8")?;
    let options = Options {
        threads: NonZeroU16::MIN,
        long_side_px: Some(long_side),
        provider: Provider::Cpu,
        golden: GoldenCheck::Skip,
    };
    let mut detector = Detector::load(&package, &options)?;
    let mut folders: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    folders.sort();
    let mut all = Vec::new();
    for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
        if let Some(video) = video_in(&folder)?
            && let Some(footage) = look_at(&folder, &video, &mut detector)?
        {
            eprintln!("{} at {long_side}: {} pictures", footage.name, footage.pictures.len());
            all.push(footage);
        }
    }
    Ok(all)
}

fn video_in(folder: &Path) -> Result<Option<PathBuf>, Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "mp4" || e == "avi") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn look_at(
    folder: &Path,
    video: &Path,
    detector: &mut Detector,
) -> Result<Option<Footage>, Box<dyn Error>> {
    let mut pictures = Vec::new();
    for frame in Offline::open(video, detector, OfflineOptions { fps: None })? {
        let frame = frame?;
        pictures.push((frame.index, frame.time, frame.source_size, frame.detections));
    }
    let Some((_, last, size, _)) = pictures.last() else {
        return Ok(None);
    };
    let (size, end) = (*size, *last + *last / u32::try_from(pictures.len() - 1)?);
    let times: BTreeMap<u64, f64> = pictures.iter().map(|p| (p.0, p.1.as_secs_f64())).collect();
    let picture_s = end.as_secs_f64() / pictures.len() as f64;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let zones = if folder.join("gt.txt").exists() {
        let rows = parse_truth(&fs::read_to_string(folder.join("gt.txt"))?)?;
        let judged = |area: Area| {
            let truth = episodes(&rows, &area, size, &times, picture_s);
            (area, truth)
        };
        random_areas().into_iter().map(judged).collect()
    } else if folder.join("events.json").exists() {
        own_zones(&fs::read_to_string(folder.join("events.json"))?)?
    } else if name.starts_with("neg") {
        random_areas().into_iter().map(|area| (area, Vec::new())).collect()
    } else {
        return Ok(None);
    };
    Ok(Some(Footage { name, pictures, zones, end }))
}

/// Four- to six-cornered zones of 10 to 40 % of the picture's sides.
fn random_areas() -> Vec<Area> {
    let mut state = 20_240_611_u64;
    let mut next = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut areas = Vec::new();
    while areas.len() < RANDOM_ZONES {
        let (w, h) = (0.1 + 0.3 * next(), 0.1 + 0.3 * next());
        let (x, y) = (next() * (1.0 - w), next() * (1.0 - h));
        let corners = 4 + (3.0 * next()) as usize;
        let ring = (0..corners)
            .map(|i| {
                let angle = (i as f64 + 0.6 * next()) / corners as f64 * std::f64::consts::TAU;
                (x + w * (0.5 + 0.5 * angle.cos()), y + h * (0.5 + 0.5 * angle.sin()))
            })
            .collect();
        areas.extend(Area::new(&[vec![ring]]));
    }
    areas
}

fn own_zones(text: &str) -> Result<Zones, Box<dyn Error>> {
    let truth: serde_json::Value = serde_json::from_str(text)?;
    let mut zones = Vec::new();
    for zone in truth["zones"].as_array().ok_or("no zones")? {
        let point = |p: &serde_json::Value| {
            (p[0].as_f64().unwrap_or_default(), p[1].as_f64().unwrap_or_default())
        };
        let ring = zone["polygon"].as_array().ok_or("no polygon")?.iter().map(point).collect();
        let spans = zone["events"].as_array().ok_or("no events")?.iter().map(|event| Episode {
            start_s: event["start_s"].as_f64().unwrap_or_default(),
            end_s: event["end_s"].as_f64().unwrap_or_default(),
            weight: Weight::Demanded,
        });
        zones.push((Area::new(&[vec![ring]])?, spans.collect()));
    }
    Ok(zones)
}
