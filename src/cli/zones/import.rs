//! `standclear zones import`: the next version of a camera's zones out of a file, while the box is
//! stopped. Who stands at the box may propose; whether that is enough says `zones.approval`.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use super::{PIPELINE_MS_DEFAULT, Picture};
use crate::cli::output::to_stdout;
use crate::clock;
use crate::config::{Approval, Camera, Config};
use crate::store::record::ZoneName;
use crate::store::zones::{NewVersion, Signed, VersionSource, ZonesOfCamera, file_digest};
use crate::store::{Store, StoreError};
use crate::zone_file::{
    Compiled, Context, Document, FieldError, ZoneFileError, difference, load_document, shape,
};

/// Who speaks: nobody can sign in here.
const BY_CONSOLE: &str = "console";

/// Longest reason, characters, as on the page.
const REASON_CHARS_MAX: usize = 500;

/// See the module.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The zone document.
    file: PathBuf,
    /// Why, for the version and the audit log.
    #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
    reason: String,
    /// The camera; may be left out where there is only one.
    #[arg(long, value_name = "ID")]
    camera: Option<String>,
    /// Size of the camera's picture, for calibration.
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1920x1080")]
    picture: Picture,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

#[derive(Debug, thiserror::Error)]
enum ImportError {
    #[error("the box is running, and nothing was changed: draw on its page, or stop it first")]
    Running(#[source] StoreError),
    #[error("there is no camera {camera}; there are: {known}")]
    UnknownCamera { camera: String, known: String },
    #[error("there are several cameras ({known}); name one with --camera")]
    WhichCamera { known: String },
    #[error(
        "the box has not run with camera {camera} yet, and takes {} at its first start: write the \
         document there",
        .file.display()
    )]
    NeverRan { camera: String, file: PathBuf },
    #[error("version {number} of camera {camera} is in force with just these zones")]
    AlreadyInForce { camera: String, number: u32 },
}

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    let (index, camera) = camera(args, &config)?;
    let document = load_document(&args.file)?;
    let mut store = Store::open(&config.store.path).map_err(|error| match error {
        error @ StoreError::InUse { .. } => Box::from(ImportError::Running(error)),
        error => Box::<dyn Error>::from(error),
    })?;
    let kept = store.zones_of(&camera.id)?;
    let Some(in_force) = &kept.in_force else {
        let (camera, file) = (camera.id.clone(), camera.zones.clone());
        return Err(ImportError::NeverRan { camera, file }.into());
    };
    if in_force.digest == document.digest() {
        let (camera, number) = (camera.id.clone(), in_force.number);
        return Err(ImportError::AlreadyInForce { camera, number }.into());
    }
    let refused =
        |errors| ZoneFileError::Refused { place: args.file.display().to_string(), errors };
    let compiled = compiled(args, &config, index, &document).map_err(refused)?;
    let twice = elsewhere(&store, &config, camera, &document)?;
    if !twice.is_empty() {
        return Err(refused(twice).into());
    }
    let new = new_version(args, camera, &document, &kept);
    let told = match config.zones.approval {
        Approval::SecondPerson => {
            let made = store.propose_zone_file(&new)?;
            format!(
                "Version {} of camera {} is proposed. It guards once an engineer approves it on the page.",
                made.number, made.camera
            )
        }
        Approval::Author => {
            let zones = zone_names(camera, &compiled);
            let made = store.put_zones_in_force(&new, VersionSource::File, &zones)?;
            remember_file(&mut store, camera)?;
            format!(
                "Version {} of camera {} is in force: the box guards by it from its next start.",
                made.number, made.camera
            )
        }
    };
    to_stdout(|out| {
        for warning in &compiled.warnings {
            writeln!(out, "WARN  {warning}")?;
        }
        writeln!(out, "{told}")?;
        writeln!(out, "sha256 {}", new.digest)
    })?;
    Ok(())
}

fn camera<'c>(args: &Args, config: &'c Config) -> Result<(u16, &'c Camera), ImportError> {
    let mut cameras = (0u16..).zip(&config.cameras);
    let known = || {
        let ids: Vec<&str> = config.cameras.iter().map(|camera| camera.id.as_str()).collect();
        ids.join(", ")
    };
    match &args.camera {
        Some(id) => cameras
            .find(|(_, camera)| camera.id == *id)
            .ok_or_else(|| ImportError::UnknownCamera { camera: id.clone(), known: known() }),
        None => match (cameras.next(), cameras.next()) {
            (Some(only), None) => Ok(only),
            (Some(_) | None, _) => Err(ImportError::WhichCamera { known: known() }),
        },
    }
}

/// Judged as a proposal on the page is.
fn compiled(
    args: &Args,
    config: &Config,
    index: u16,
    document: &Document,
) -> Result<Compiled, Vec<FieldError>> {
    let inputs: Vec<String> = config.inputs.iter().map(|input| input.name.clone()).collect();
    document.compile(&Context {
        camera: index,
        now: clock::wall(),
        monotonic_now: clock::monotonic(),
        frame_size: Some(args.picture.0),
        pipeline_max_ms: PIPELINE_MS_DEFAULT,
        inputs: Some(&inputs),
    })
}

/// Zones whose id another camera has: ids differ over all cameras.
fn elsewhere(
    store: &Store,
    config: &Config,
    camera: &Camera,
    document: &Document,
) -> Result<Vec<FieldError>, StoreError> {
    let mut errors = Vec::new();
    for other in config.cameras.iter().filter(|other| other.id != camera.id) {
        let in_force = store.zones_of(&other.id)?.in_force;
        let Some(theirs) = in_force.and_then(|version| shape(&version.document).ok()) else {
            continue;
        };
        for (number, zone) in document.zones.iter().enumerate() {
            if theirs.zone(&zone.id).is_some() {
                let field = format!("features[{number}].properties.id");
                let right = format!(
                    "camera {} has a zone of this id; ids differ over all cameras",
                    other.id
                );
                errors.push(FieldError::new(field, format!("{:?}", zone.id), right));
            }
        }
    }
    Ok(errors)
}

fn new_version(
    args: &Args,
    camera: &Camera,
    document: &Document,
    kept: &ZonesOfCamera,
) -> NewVersion {
    let before = kept.in_force.as_ref().and_then(|version| shape(&version.document).ok());
    let size = Some(args.picture.0);
    let differences = before.map(|before| difference(&before, document, size));
    NewVersion {
        camera: camera.id.clone(),
        document: document.to_text(),
        digest: document.digest(),
        made: Signed { by: BY_CONSOLE.into(), at: clock::wall() },
        reason: args.reason.clone(),
        differences: differences.into_iter().flatten().map(|found| found.text).collect(),
    }
}

fn zone_names(camera: &Camera, compiled: &Compiled) -> Vec<ZoneName> {
    let infos = compiled.infos.iter();
    let name = |info: &crate::zone_file::ZoneInfo| ZoneName {
        id: info.id.clone(),
        name: info.name.clone(),
        camera: camera.id.clone(),
    };
    infos.map(name).collect()
}

/// What was imported comes after what the camera's own zone file says now.
fn remember_file(store: &mut Store, camera: &Camera) -> Result<(), Box<dyn Error>> {
    if let Ok(bytes) = fs::read(&camera.zones) {
        let digest = file_digest(&bytes);
        let document = load_document(&camera.zones).ok().map(|document| document.digest());
        store.remember_zone_file(&camera.id, &digest, document.as_deref(), clock::wall())?;
    }
    Ok(())
}

fn parse_reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = (1..=REASON_CHARS_MAX).contains(&text.chars().count());
    match fits && !text.chars().any(char::is_control) {
        true => Ok(text.to_owned()),
        false => Err(format!("say why, on one line of 1 to {REASON_CHARS_MAX} characters")),
    }
}
