//! What is in force when the box starts.
//!
//! - The store has a version and the zone file is the one taken last: the version stays, also when
//!   it was drawn on the page and the file is older.
//! - The file was changed since, or the store has no version: the file becomes a version and is in
//!   force at once. Whoever may write the file may restart the box as well; it is logged as `file`.
//!   Another spelling of what was taken from it last is no change: it does not undo what was drawn
//!   on the page since.
//! - The file was changed and cannot be used: the version stays, and that is shown as a fault.
//! - The version in force cannot be used (by a newer program, or because the file was damaged): the
//!   newest earlier one that can be is brought back, and that is shown as a fault. A box that
//!   guards by yesterday's zones is better than one that does not start.
//!
//! Only when nothing at all can be used the box does not start.

use std::fs;
use std::path::Path;

use jiff::Timestamp;

use crate::clock;
use crate::config::{Camera, Config};
use crate::engine::Site;
use crate::engine::time::Instant;
use crate::guard::app::StartError;
use crate::guard::records::InForce;
use crate::store::record::ZoneName;
use crate::store::zones::{
    BY_BOX, BY_FILE, NewVersion, Signed, VersionSource, ZoneVersion, ZonesError, ZonesOfCamera,
    file_digest,
};
use crate::store::{Store, StoreError};
use crate::zone_file::limits::PIPELINE_MS_DEFAULT;
use crate::zone_file::{
    Compiled, Context, Document, FieldError, ZoneFileError, ZoneInfo, difference, load_document,
    parse, shape,
};

/// The site as the guard begins it.
#[derive(Debug, Default)]
pub struct Begun {
    pub site: Site,
    pub infos: Vec<ZoneInfo>,
    pub in_force: Vec<InForce>,
    pub documents: Vec<Document>,
    /// For the record: what people should find later.
    pub notes: Vec<String>,
}

/// Decides for every camera, and keeps what was decided.
pub fn begin(config: &Config, store: &mut Store) -> Result<Begun, StartError> {
    let mut starter = Starter {
        store,
        folder: &config.store.path,
        inputs: config.inputs.iter().map(|input| input.name.clone()).collect(),
        now: (clock::wall(), clock::monotonic()),
        before: Vec::new(),
        begun: Begun::default(),
    };
    for camera in &config.cameras {
        let kept = starter.store.zones_of(&camera.id).map_err(|error| starter.broken(error))?;
        let document = kept.in_force.and_then(|version| shape(&version.document).ok());
        starter.before.push(document);
    }
    for camera in &config.cameras {
        starter.camera(camera)?;
    }
    let mut begun = starter.begun;
    begun.site = begun
        .site
        .checked()
        .map_err(|error| StartError::Zones(Box::new(ZoneFileError::Site(error))))?;
    Ok(begun)
}

struct Starter<'a> {
    store: &'a mut Store,
    folder: &'a Path,
    inputs: Vec<String>,
    now: (Timestamp, Instant),
    /// In force when the box stopped, in the order of the cameras.
    before: Vec<Option<Document>>,
    begun: Begun,
}

/// A document that can be used, and what it is in the store.
struct Usable {
    document: Document,
    compiled: Compiled,
}

impl Starter<'_> {
    fn camera(&mut self, camera: &Camera) -> Result<(), StartError> {
        let kept = self.store.zones_of(&camera.id).map_err(|error| self.broken(error))?;
        let digest = digest_at(&camera.zones);
        let taken = digest.is_some() && digest == kept.file_digest;
        let mut fault = None;
        if kept.in_force.is_none() || !taken {
            match self.file(camera) {
                Ok(usable) => return self.take_file(camera, kept, usable, digest),
                Err(error) if kept.in_force.is_none() => {
                    return Err(StartError::Zones(Box::new(error)));
                }
                Err(error) => {
                    fault = Some(format!("the changed zone file cannot be used: {error}"));
                }
            }
        }
        let Some(version) = kept.in_force else { return Ok(()) };
        self.begin_with(camera, version, fault)
    }

    /// The zone file, if it can be used beside what was decided before.
    fn file(&self, camera: &Camera) -> Result<Usable, ZoneFileError> {
        let document = load_document(&camera.zones)?;
        let place = || format!("zone file {}", camera.zones.display());
        let refused = |errors| ZoneFileError::Refused { place: place(), errors };
        // Nothing is measured yet, so the usual time of the pipeline stands for it.
        let slow = document.slow_zones(PIPELINE_MS_DEFAULT);
        if !slow.is_empty() {
            return Err(refused(slow));
        }
        if let Some((zone, other)) = self.twice(&document).or_else(|| self.later(&document)) {
            return Err(ZoneFileError::DuplicateId { place: place(), zone, other });
        }
        let compiled = self.compile(&document).map_err(refused)?;
        Ok(Usable { document, compiled })
    }

    fn usable(&self, version: &ZoneVersion) -> Result<Usable, Vec<FieldError>> {
        let document = parse(&version.document)?;
        if let Some((zone, other)) = self.twice(&document) {
            let right = format!("camera {other} has a zone of this id");
            return Err(vec![FieldError::new("features", zone, right)]);
        }
        let compiled = self.compile(&document)?;
        Ok(Usable { document, compiled })
    }

    /// A zone of the document that a camera before this one has too, and that camera's zones.
    fn twice(&self, document: &Document) -> Option<(String, String)> {
        let mut infos = self.begun.infos.iter();
        let known = infos.find(|info| document.zone(&info.id).is_some())?;
        Some((known.id.clone(), format!("camera {} of the list", known.camera + 1)))
    }

    /// A zone of the document that a camera after this one has in force: a changed file must not
    /// take the zones of another camera from it.
    fn later(&self, document: &Document) -> Option<(String, String)> {
        let after = self.before.iter().enumerate().skip(self.begun.documents.len() + 1);
        let mut zones = after.flat_map(|(at, kept)| {
            kept.iter().flat_map(move |d| d.zones.iter().map(move |z| (at, z)))
        });
        let (at, zone) = zones.find(|(_, zone)| document.zone(&zone.id).is_some())?;
        Some((zone.id.clone(), format!("camera {} of the list", at + 1)))
    }

    fn compile(&self, document: &Document) -> Result<Compiled, Vec<FieldError>> {
        document.compile_in_force(&Context {
            camera: u16::try_from(self.begun.documents.len()).unwrap_or(u16::MAX),
            now: self.now.0,
            monotonic_now: self.now.1,
            frame_size: None,
            pipeline_max_ms: PIPELINE_MS_DEFAULT,
            inputs: Some(&self.inputs),
        })
    }

    fn take_file(
        &mut self,
        camera: &Camera,
        kept: ZonesOfCamera,
        usable: Usable,
        digest: Option<String>,
    ) -> Result<(), StartError> {
        if let Some(version) = self.other_spelling(camera, &kept, &usable)? {
            self.remember_file(camera, digest, &usable.document.digest())?;
            return self.begin_with(camera, version, None);
        }
        let same = kept.in_force.filter(|version| version.digest == usable.document.digest());
        let version = match same {
            Some(version) => version,
            None => {
                let name = camera.zones.file_name().unwrap_or(camera.zones.as_os_str());
                // People read this on a page; where the file lies is the log's business.
                let reason = format!("the zone file {}", name.display());
                let before = self.store.zones_of(&camera.id).ok().and_then(|kept| kept.in_force);
                let before = before.and_then(|version| parse(&version.document).ok());
                let new = self.new_version(camera, &usable.document, BY_FILE, reason, before);
                let version = self.keep(&new, VersionSource::File, camera, &usable)?;
                self.note(format!(
                    "zones of {}: version {} was taken from {}",
                    camera.id,
                    version.number,
                    camera.zones.display()
                ));
                version
            }
        };
        self.remember_file(camera, digest, &usable.document.digest())?;
        let in_force = InForce {
            version: version.number,
            digest: version.digest,
            fault: None,
            masks: usable.document.masks().into(),
            ground: None,
        };
        self.add(camera, usable, in_force);
        Ok(())
    }

    /// The version in force, when the file says what it said when it was taken last.
    fn other_spelling(
        &self,
        camera: &Camera,
        kept: &ZonesOfCamera,
        usable: &Usable,
    ) -> Result<Option<ZoneVersion>, StartError> {
        let once =
            self.store.zones_once_in_force(&camera.id).map_err(|error| self.broken(error))?;
        let mut from_file = once.iter().filter(|version| version.made.by == BY_FILE);
        // A file that said what was in force already made no version; the store knows it by itself.
        let taken_last = kept.file_document.as_deref();
        let taken_last =
            taken_last.or_else(|| from_file.next().map(|version| version.digest.as_str()));
        let same = taken_last == Some(usable.document.digest().as_str());
        Ok(kept.in_force.clone().filter(|_| same))
    }

    fn remember_file(
        &mut self,
        camera: &Camera,
        digest: Option<String>,
        document: &str,
    ) -> Result<(), StartError> {
        let Some(digest) = digest else { return Ok(()) };
        let at = self.now.0;
        let remembered = self.store.remember_zone_file(&camera.id, &digest, Some(document), at);
        remembered.map_err(|error| self.refused(error))
    }

    /// Guards by a version the store has; by an earlier one when it cannot be used.
    fn begin_with(
        &mut self,
        camera: &Camera,
        version: ZoneVersion,
        fault: Option<String>,
    ) -> Result<(), StartError> {
        match self.usable(&version) {
            Ok(usable) => {
                let in_force = InForce {
                    version: version.number,
                    digest: version.digest,
                    fault,
                    masks: usable.document.masks().into(),
                    ground: None,
                };
                self.add(camera, usable, in_force);
                Ok(())
            }
            Err(errors) => self.fall_back(camera, &version, &errors),
        }
    }

    /// The newest version that was in force and can still be used is in force again.
    fn fall_back(
        &mut self,
        camera: &Camera,
        unusable: &ZoneVersion,
        errors: &[FieldError],
    ) -> Result<(), StartError> {
        let once =
            self.store.zones_once_in_force(&camera.id).map_err(|error| self.broken(error))?;
        let earlier = once.iter().filter(|version| version.number < unusable.number);
        let found = earlier.into_iter().find_map(|version| {
            self.usable(version).ok().map(|usable| (version.number.to_string(), usable))
        });
        let why = errors.first().map_or_else(String::new, ToString::to_string);
        let from_file = || self.file(camera).ok().map(|usable| ("of the zone file".into(), usable));
        let Some((instead, usable)) = found.or_else(from_file) else {
            let place = format!("zones of camera {}, version {}", camera.id, unusable.number);
            let errors = errors.to_vec();
            return Err(StartError::Zones(Box::new(ZoneFileError::Refused { place, errors })));
        };
        let fault = format!(
            "version {} cannot be used ({why}); the zones of version {instead} guard in its place",
            unusable.number
        );
        let new = self.new_version(camera, &usable.document, BY_BOX, fault.clone(), None);
        let version = self.keep(&new, VersionSource::Rollback, camera, &usable)?;
        tracing::error!("zones of {}: {fault}", camera.id);
        let in_force = InForce {
            version: version.number,
            digest: version.digest,
            fault: Some(fault),
            masks: usable.document.masks().into(),
            ground: None,
        };
        self.add(camera, usable, in_force);
        Ok(())
    }

    fn new_version(
        &self,
        camera: &Camera,
        document: &Document,
        by: &str,
        reason: String,
        before: Option<Document>,
    ) -> NewVersion {
        let differences = before.map(|before| difference(&before, document, None));
        NewVersion {
            camera: camera.id.clone(),
            document: document.to_text(),
            digest: document.digest(),
            made: Signed { by: by.into(), at: self.now.0 },
            reason,
            differences: differences
                .unwrap_or_default()
                .into_iter()
                .map(|difference| difference.text)
                .collect(),
        }
    }

    fn keep(
        &mut self,
        new: &NewVersion,
        source: VersionSource,
        camera: &Camera,
        usable: &Usable,
    ) -> Result<ZoneVersion, StartError> {
        let name = |info: &ZoneInfo| ZoneName {
            id: info.id.clone(),
            name: info.name.clone(),
            camera: camera.id.clone(),
        };
        let zones: Vec<ZoneName> = usable.compiled.infos.iter().map(name).collect();
        self.store.put_zones_in_force(new, source, &zones).map_err(|error| self.refused(error))
    }

    fn add(&mut self, camera: &Camera, usable: Usable, in_force: InForce) {
        for warning in &usable.compiled.warnings {
            tracing::warn!("zones of {}: {warning}", camera.id);
        }
        if let Some(fault) = &in_force.fault {
            self.note(format!("zones of {}: {fault}", camera.id));
        }
        let Usable { document, compiled } = usable;
        self.begun.site.cameras.push(compiled.spec);
        self.begun.infos.extend(compiled.infos);
        self.begun.in_force.push(in_force);
        self.begun.documents.push(document);
    }

    fn note(&mut self, text: String) {
        tracing::info!("{text}");
        self.begun.notes.push(text);
    }

    fn broken(&self, error: StoreError) -> StartError {
        StartError::of_store(self.folder, error)
    }

    fn refused(&self, error: ZonesError) -> StartError {
        match error {
            ZonesError::Store(error) => self.broken(error),
            // Nobody else writes before the box has started.
            error => StartError::ZonesNotKept(error),
        }
    }
}

/// `None` for a file that cannot be read: then it counts as changed, and reading it says why.
fn digest_at(path: &Path) -> Option<String> {
    fs::read(path).ok().map(|bytes| file_digest(&bytes))
}
