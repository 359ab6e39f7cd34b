//! The zones of a whole site: one document per camera, from files or from elsewhere.
//!
//! Not here: what a document holds, and who decides which one is in force.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::compile::{Context, ZoneInfo};
use super::document::Document;
use super::field::FieldError;
use super::limits::{DOCUMENT_BYTES_MAX, PIPELINE_MS_DEFAULT};
use super::read::parse;
use crate::digest::hex;
use crate::engine::detection::FrameSize;
use crate::engine::time::Instant;
use crate::engine::{Site, SiteError};

/// All zones of a site; `infos[i]` describes the engine's zone `i`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SiteZones {
    pub site: Site,
    pub infos: Vec<ZoneInfo>,
    /// sha256 over all zone documents, hex: the zone revision carried by every alarm.
    pub revision: String,
    /// The document of each camera, in the order of the cameras.
    pub documents: Vec<Document>,
    /// What an engineer should know, with the position of the camera.
    pub warnings: Vec<(u16, FieldError)>,
}

/// What the zones of a site are compiled for.
#[derive(Clone, Copy, Debug)]
pub struct SiteContext<'a> {
    /// Wall and monotonic time of this moment.
    pub now: (Timestamp, Instant),
    /// Size of each camera's picture, where it is known; may be shorter than the list of cameras.
    pub frame_sizes: &'a [Option<FrameSize>],
    /// Worst time from picture to siren that was measured.
    pub pipeline_max_ms: u32,
    /// Names of the machine inputs; `None`: unknown ones are not told.
    pub inputs: Option<&'a [String]>,
}

/// Why the zones of a site were refused.
#[derive(Debug, thiserror::Error)]
pub enum ZoneFileError {
    #[error("zone file {path}: cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("zone file {path}: {why}")]
    NoText { path: PathBuf, why: &'static str },
    #[error(
        "zone file {path}: {bytes} bytes are more than the {DOCUMENT_BYTES_MAX} allowed; is it a zone file?"
    )]
    TooLong { path: PathBuf, bytes: u64 },
    #[error("{place}: {}", Listed(errors))]
    Refused { place: String, errors: Vec<FieldError> },
    #[error(
        "{place}, zone `{zone}`: the id is used twice, also in {other}; ids must differ over all cameras"
    )]
    DuplicateId { place: String, zone: String, other: String },
    #[error("the zone documents hold too much")]
    Site(#[source] SiteError),
}

/// Every error on a line of its own, when there are several.
struct Listed<'a>(&'a [FieldError]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [one] => write!(f, "{one}"),
            several => {
                write!(f, "{} things are wrong", several.len())?;
                several.iter().try_for_each(|error| write!(f, "\n  {error}"))
            }
        }
    }
}

/// Loads the zone file of every camera, in the order of the cameras: (camera id, file). For footage:
/// its date is not known, so no mark holds; calibration waits for [`SiteZones::for_footage`].
pub fn load_site(cameras: &[(String, &Path)]) -> Result<SiteZones, ZoneFileError> {
    let mut documents = load_documents(cameras)?;
    for (_, document) in &mut documents {
        document.marks.clear();
    }
    let now = (Timestamp::UNIX_EPOCH, Instant::ZERO);
    assemble(documents, &SiteContext::starting(now))
}

/// The same for a box that starts to guard at this moment.
pub fn load_site_at(
    cameras: &[(String, &Path)],
    context: &SiteContext<'_>,
) -> Result<SiteZones, ZoneFileError> {
    assemble(load_documents(cameras)?, context)
}

impl SiteZones {
    /// The site as footage of these picture sizes needs it: with the calibration, which waits for
    /// the size. As it is where nothing is calibrated.
    pub fn for_footage(&self, frame_sizes: &[Option<FrameSize>]) -> Site {
        let mut site = self.site.clone();
        let now = (Timestamp::UNIX_EPOCH, Instant::ZERO);
        let context = SiteContext { frame_sizes, ..SiteContext::starting(now) };
        let documents = self.documents.iter().zip(0..).zip(&mut site.cameras);
        for ((document, camera), spec) in documents {
            if document.ground.is_some()
                && let Ok(compiled) = document.compile_in_force(&context.of_camera(camera))
            {
                spec.ground = compiled.spec.ground;
            }
        }
        site
    }
}

/// Reads and checks the zone file of every camera: camera id and document.
pub fn load_documents(
    cameras: &[(String, &Path)],
) -> Result<Vec<(String, Document)>, ZoneFileError> {
    let mut documents: Vec<(String, Document)> = Vec::new();
    for (camera, path) in cameras {
        let place = || format!("zone file {}", path.display());
        let document = load_document(path)?;
        // Nothing is measured yet, so the usual time of the pipeline stands for it.
        let slow = document.slow_zones(PIPELINE_MS_DEFAULT);
        if !slow.is_empty() {
            return Err(ZoneFileError::Refused { place: place(), errors: slow });
        }
        let before = documents.iter().zip(cameras);
        for ((_, other), (_, other_path)) in before {
            let twice = document.zones.iter().find(|zone| other.zone(&zone.id).is_some());
            if let Some(zone) = twice {
                return Err(ZoneFileError::DuplicateId {
                    place: place(),
                    zone: zone.id.clone(),
                    other: other_path.display().to_string(),
                });
            }
        }
        documents.push((camera.clone(), document));
    }
    Ok(documents)
}

/// Reads and checks one zone file.
pub fn load_document(path: &Path) -> Result<Document, ZoneFileError> {
    let text = load_text(path)?;
    let place = format!("zone file {}", path.display());
    parse(&text).map_err(|errors| ZoneFileError::Refused { place, errors })
}

/// The text of a zone file, whatever it says.
pub fn load_text(path: &Path) -> Result<String, ZoneFileError> {
    let failed = |source: io::Error| {
        let path = path.to_path_buf();
        match why_no_text(source.kind()) {
            Some(why) => ZoneFileError::NoText { path, why },
            None => ZoneFileError::Read { path, source },
        }
    };
    let bytes = fs::metadata(path).map_err(failed)?.len();
    if usize::try_from(bytes).map_or(true, |bytes| bytes > DOCUMENT_BYTES_MAX) {
        return Err(ZoneFileError::TooLong { path: path.to_path_buf(), bytes });
    }
    fs::read_to_string(path).map_err(failed)
}

/// What people can mend, in their words instead of the system's.
fn why_no_text(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::NotFound => Some("does not exist; is its name right?"),
        io::ErrorKind::PermissionDenied => Some("this user may not read it; give it the right to"),
        io::ErrorKind::IsADirectory => Some("is a folder; name the file in it"),
        io::ErrorKind::InvalidData => Some("is not text in UTF-8; is it a zone document?"),
        _ => None,
    }
}

/// The zones of a site from the document in force of every camera: (camera id, document).
pub fn assemble(
    documents: Vec<(String, Document)>,
    context: &SiteContext<'_>,
) -> Result<SiteZones, ZoneFileError> {
    let revision = revision(&documents);
    let mut zones = SiteZones { revision, ..SiteZones::default() };
    for (index, (camera, document)) in documents.into_iter().enumerate() {
        let place = || format!("zones of camera {camera}");
        let number = u16::try_from(index).unwrap_or(u16::MAX);
        let compiled = document
            .compile_in_force(&context.of_camera(number))
            .map_err(|errors| ZoneFileError::Refused { place: place(), errors })?;
        for info in &compiled.infos {
            if let Some(first) = zones.infos.iter().find(|known| known.id == info.id) {
                return Err(ZoneFileError::DuplicateId {
                    place: place(),
                    zone: info.id.clone(),
                    other: format!("camera {} of the list", first.camera + 1),
                });
            }
        }
        zones.site.cameras.push(compiled.spec);
        zones.infos.extend(compiled.infos);
        zones.warnings.extend(compiled.warnings.into_iter().map(|warning| (number, warning)));
        zones.documents.push(document);
    }
    zones.site = zones.site.checked().map_err(ZoneFileError::Site)?;
    Ok(zones)
}

/// sha256 over all documents with the ids of their cameras, hex.
pub fn revision(documents: &[(String, Document)]) -> String {
    let mut hash = Sha256::new();
    for (camera, document) in documents {
        hash.update(camera.as_bytes());
        hash.update([0]);
        hash.update(document.to_text().as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize())
}

impl SiteContext<'_> {
    /// Nothing is measured and no picture was seen yet.
    pub fn starting(now: (Timestamp, Instant)) -> SiteContext<'static> {
        SiteContext { now, frame_sizes: &[], pipeline_max_ms: PIPELINE_MS_DEFAULT, inputs: None }
    }

    fn of_camera(&self, camera: u16) -> Context<'_> {
        Context {
            camera,
            now: self.now.0,
            monotonic_now: self.now.1,
            frame_size: self.frame_sizes.get(usize::from(camera)).copied().flatten(),
            pipeline_max_ms: self.pipeline_max_ms,
            inputs: self.inputs,
        }
    }
}
