//! Zone files: one GeoJSON FeatureCollection per camera, as a safety engineer keeps them.
//!
//! Coordinates are frame fractions, y down. A file is taken whole or not at all; every refusal names
//! the file, the zone and what would be right. The JSON Schema beside the files
//! (`zones/zones.schema.json`) says the same to editors.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::engine::geometry::{Area, AreaError};
use crate::engine::zone::Rules;
use crate::engine::{CameraSpec, Site, SiteError, ZoneSpec};

/// Largest zone file read: thousands of zones fit, a wrong file does not fill the memory.
pub const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Bounds of the timing overrides, milliseconds. The upper bound of the entry window keeps R2's two
/// seconds reachable; T_clear has no such deadline.
pub const ENTER_WINDOW_MS: (u64, u64) = (100, 1000);
pub const CLEAR_AFTER_MS: (u64, u64) = (200, 60_000);

/// Longest id and name, characters.
const ID_CHARS_MAX: usize = 64;
const NAME_CHARS_MAX: usize = 80;

/// A zone as people know it; the engine knows it by its index.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneInfo {
    pub id: String,
    pub name: String,
    pub kind: String,
    /// Position of its camera in the site's list.
    pub camera: u16,
    /// GeoJSON MultiPolygon coordinates in frame fractions: polygon, ring, point.
    pub polygons: Vec<Vec<Vec<[f64; 2]>>>,
}

/// All zones of a site; `infos[i]` describes the engine's zone `i`.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteZones {
    pub site: Site,
    pub infos: Vec<ZoneInfo>,
    /// sha256 over all zone files, hex: the zone revision carried by every alarm.
    pub revision: String,
}

/// Why a zone file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ZoneFileError {
    #[error("zone file {path}: cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "zone file {path}: {bytes} bytes are more than the {FILE_BYTES_MAX} allowed; is it a zone file?"
    )]
    TooLong { path: PathBuf, bytes: u64 },
    #[error("zone file {path}: not a GeoJSON FeatureCollection of zones")]
    Parse {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("zone file {path}: it has no zone; a camera without zones guards nothing")]
    NoZones { path: PathBuf },
    #[error("zone file {path}, feature {feature}: {problem}")]
    Property { path: PathBuf, feature: usize, problem: String },
    #[error("zone file {path}, zone `{zone}`: {reason}")]
    Area { path: PathBuf, zone: String, reason: AreaError },
    #[error(
        "zone file {path}, zone `{zone}`: the id is used twice, also in {other}; ids must differ over all cameras"
    )]
    DuplicateId { path: PathBuf, zone: String, other: PathBuf },
    #[error("the zone files hold too much")]
    Site(#[source] SiteError),
}

/// Loads the zone file of every camera, in the order of the cameras: (camera id, file).
pub fn load_site(cameras: &[(String, &Path)]) -> Result<SiteZones, ZoneFileError> {
    let mut site = Site::default();
    let mut infos: Vec<ZoneInfo> = Vec::new();
    let mut paths: Vec<&Path> = Vec::new();
    let mut hash = Sha256::new();
    for (index, (camera, path)) in cameras.iter().enumerate() {
        let text = read(path)?;
        hash.update(camera.as_bytes());
        hash.update([0]);
        hash.update(text.as_bytes());
        hash.update([0]);
        let camera = u16::try_from(index).unwrap_or(u16::MAX);
        let mut spec = CameraSpec::default();
        for (zone, info) in parse(path, &text, camera)? {
            if let Some(first) = infos.iter().position(|known| known.id == info.id) {
                return Err(ZoneFileError::DuplicateId {
                    path: path.to_path_buf(),
                    zone: info.id,
                    other: paths[first].to_path_buf(),
                });
            }
            spec.zones.push(zone);
            infos.push(info);
            paths.push(path);
        }
        site.cameras.push(spec);
    }
    let site = site.checked().map_err(ZoneFileError::Site)?;
    let revision = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(SiteZones { site, infos, revision })
}

fn read(path: &Path) -> Result<String, ZoneFileError> {
    let failed = |source| ZoneFileError::Read { path: path.to_path_buf(), source };
    let bytes = fs::metadata(path).map_err(failed)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(ZoneFileError::TooLong { path: path.to_path_buf(), bytes });
    }
    fs::read_to_string(path).map_err(failed)
}

fn parse(path: &Path, text: &str, camera: u16) -> Result<Vec<(ZoneSpec, ZoneInfo)>, ZoneFileError> {
    let file: File = serde_json::from_str(text)
        .map_err(|source| ZoneFileError::Parse { path: path.to_path_buf(), source })?;
    if file.features.is_empty() {
        return Err(ZoneFileError::NoZones { path: path.to_path_buf() });
    }
    let features = file.features.into_iter().enumerate();
    features.map(|(i, feature)| zone(path, i + 1, feature, camera)).collect()
}

fn zone(
    path: &Path,
    number: usize,
    feature: Feature,
    camera: u16,
) -> Result<(ZoneSpec, ZoneInfo), ZoneFileError> {
    let refused = |problem: String| ZoneFileError::Property {
        path: path.to_path_buf(),
        feature: number,
        problem,
    };
    let properties = feature.properties;
    let id = checked_id(&properties.id).map_err(refused)?;
    let name = checked_name(&properties.name).map_err(refused)?;
    let rules = rules(&properties).map_err(refused)?;
    if properties.kind != RESTRICTED {
        return Err(refused(format!(
            "kind `{}` is unknown; `{RESTRICTED}` is the kind there is",
            properties.kind
        )));
    }
    let polygons = match feature.geometry {
        Geometry::Polygon { coordinates } => vec![coordinates],
        Geometry::MultiPolygon { coordinates } => coordinates,
    };
    let points: Vec<Vec<Vec<(f64, f64)>>> = polygons
        .iter()
        .map(|rings| rings.iter().map(|ring| ring.iter().map(|p| (p[0], p[1])).collect()).collect())
        .collect();
    let area = Area::new(&points).map_err(|reason| ZoneFileError::Area {
        path: path.to_path_buf(),
        zone: id.clone(),
        reason,
    })?;
    let info = ZoneInfo { id, name, kind: properties.kind, camera, polygons };
    Ok((ZoneSpec::restricted(area, rules), info))
}

/// The one kind of zone.
const RESTRICTED: &str = "restricted";

fn checked_id(id: &str) -> Result<String, String> {
    let length = id.chars().count();
    let plain = id.trim() == id && !id.chars().any(char::is_control);
    if length == 0 || length > ID_CHARS_MAX || !plain {
        return Err(format!(
            "id `{}` is not usable; write 1 to {ID_CHARS_MAX} characters, no blanks around them",
            id.escape_debug()
        ));
    }
    Ok(id.to_owned())
}

fn checked_name(name: &str) -> Result<String, String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(format!("name `{name}` is not usable; write 1 to {NAME_CHARS_MAX} characters"));
    }
    Ok(name.to_owned())
}

fn rules(properties: &Properties) -> Result<Rules, String> {
    let within =
        |key: &str, value: Option<u64>, (min, max): (u64, u64), default: Duration| match value {
            None => Ok(default),
            Some(ms) if (min..=max).contains(&ms) => Ok(Duration::from_millis(ms)),
            Some(ms) => Err(format!("{key} is {ms}; it must be {min} to {max} milliseconds")),
        };
    let default = Rules::DEFAULT;
    let enter_window = within(
        "enter_window_ms",
        properties.enter_window_ms,
        ENTER_WINDOW_MS,
        default.enter_window,
    )?;
    let clear_after =
        within("clear_after_ms", properties.clear_after_ms, CLEAR_AFTER_MS, default.clear_after)?;
    Ok(Rules {
        enter_window,
        clear_after,
        vanished_after: default.vanished_after.max(clear_after),
        ..default
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "type")]
    _type: FeatureCollection,
    /// GeoJSON allows a name; people use it for the camera.
    #[serde(default, rename = "name")]
    _name: Option<String>,
    features: Vec<Feature>,
}

#[derive(Deserialize)]
enum FeatureCollection {
    FeatureCollection,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Feature {
    #[serde(rename = "type")]
    _type: FeatureTag,
    /// GeoJSON allows an id here; the one in `properties` is the zone's.
    #[serde(default, rename = "id")]
    _id: serde::de::IgnoredAny,
    properties: Properties,
    geometry: Geometry,
}

#[derive(Deserialize)]
enum FeatureTag {
    Feature,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Properties {
    id: String,
    name: String,
    kind: String,
    #[serde(default)]
    enter_window_ms: Option<u64>,
    #[serde(default)]
    clear_after_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum Geometry {
    Polygon { coordinates: Vec<Vec<[f64; 2]>> },
    MultiPolygon { coordinates: Vec<Vec<Vec<[f64; 2]>>> },
}
