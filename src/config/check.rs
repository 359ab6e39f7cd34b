//! From what was written to what may be: every value is looked at once, here.

mod detail;
mod handhelds;
mod network;
mod source;
mod walk_test;
mod web;
mod zones;

use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::Spanned;

use self::handhelds::UnvalidatedHandhelds;
use self::source::UnvalidatedSource;
use self::walk_test::UnvalidatedWalkTest;
use self::web::UnvalidatedWeb;
use self::zones::UnvalidatedZones;
use super::evidence::UnvalidatedEvidence;
use super::examples::UnvalidatedExamples;
use super::inputs::{Broker, UnvalidatedInput, UnvalidatedMqtt};
use super::models::UnvalidatedModels;
use super::notify::UnvalidatedNotify;
use super::privacy::UnvalidatedPrivacy;
use super::relay::UnvalidatedRelay;
use super::siren::UnvalidatedSiren;
use super::{Camera, Config, ConfigError, Model, Site, Store};

/// Pictures a second to look at, slowest. R1 gives one second to notice that a camera is gone:
/// with fewer than two pictures a second, one lost picture would look like a lost camera.
pub const FPS_MIN: f64 = 2.0;

/// Pictures a second to look at, fastest: beyond what site cameras give.
pub const FPS_MAX: f64 = 60.0;

/// Pictures a second unless told.
const FPS_DEFAULT: f64 = 10.0;

/// Threads for the model. More than the cores of any box this is meant for.
const THREADS_MAX: u16 = 64;

/// Longer side of the model's input, pixels: below it a person 20 m away has no pixels left, above
/// it one picture takes longer than the second R1 allows.
const INPUT_LONG_SIDE_PX: Range<u32> = 128..2049;

/// Memory for the vision process, megabytes: less loads no model, more has no box.
const MEMORY_MAX_MB: Range<u32> = 512..1_048_577;

/// Cameras of one box; the link counts them in 16 bits, the box holds far fewer.
const CAMERAS_MAX: usize = 64;

/// Longest id or name, in characters: it has to fit on a handheld.
const NAME_CHARS_MAX: usize = 80;

/// What was written, with where.
pub(super) struct Unvalidated<'a> {
    pub file: &'a Path,
    pub text: &'a str,
    pub tables: Tables,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tables {
    site: UnvalidatedSite,
    #[serde(default)]
    camera: Vec<Spanned<UnvalidatedCamera>>,
    model: Option<UnvalidatedModel>,
    models: Option<UnvalidatedModels>,
    siren: Option<UnvalidatedSiren>,
    store: Option<UnvalidatedStore>,
    web: Option<UnvalidatedWeb>,
    zones: Option<UnvalidatedZones>,
    walk_test: Option<UnvalidatedWalkTest>,
    #[serde(default)]
    privacy: UnvalidatedPrivacy,
    #[serde(default)]
    input: Vec<Spanned<UnvalidatedInput>>,
    mqtt: Option<UnvalidatedMqtt>,
    notify: Option<UnvalidatedNotify>,
    #[serde(default)]
    relay: Vec<Spanned<UnvalidatedRelay>>,
    handhelds: Option<UnvalidatedHandhelds>,
    evidence: Option<UnvalidatedEvidence>,
    examples: Option<UnvalidatedExamples>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedSite {
    name: Spanned<String>,
    time_zone: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedCamera {
    id: Spanned<String>,
    name: Spanned<String>,
    source: Spanned<UnvalidatedSource>,
    zones: Spanned<String>,
    fps: Option<Spanned<f64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedModel {
    name: Option<Spanned<String>>,
    folder: Option<Spanned<String>>,
    provider: Option<Spanned<String>>,
    threads: Option<Spanned<i64>>,
    input_long_side: Option<Spanned<i64>>,
    memory_max_mb: Option<Spanned<i64>>,
    detail: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedStore {
    path: Option<Spanned<String>>,
}

impl TryFrom<Unvalidated<'_>> for Config {
    /// All that is wrong.
    type Error = Vec<ConfigError>;

    fn try_from(from: Unvalidated<'_>) -> Result<Config, Vec<ConfigError>> {
        let Unvalidated { file, text, tables } = from;
        let place = Place { file, text, wrong: RefCell::default() };
        let config = place.config(tables);
        let wrong = place.wrong.into_inner();
        match config {
            // What stands in for a wrong value never leaves: it has been noted.
            Some(config) if wrong.is_empty() => Ok(config),
            Some(_) | None => Err(wrong),
        }
    }
}

/// Where the values stand: makes errors and resolves paths.
pub(super) struct Place<'a> {
    file: &'a Path,
    text: &'a str,
    /// What is wrong so far. Checking goes on, so that all of it is told.
    wrong: RefCell<Vec<ConfigError>>,
}

impl Place<'_> {
    /// `None` only with something noted; what is not `None` counts only with nothing noted.
    fn config(&self, tables: Tables) -> Option<Config> {
        let has_broker = tables.mqtt.is_some();
        let mqtt = self.noted(tables.mqtt.map(|mqtt| self.mqtt(mqtt)).transpose());
        let web = self.noted(self.web(tables.web.unwrap_or_default()));
        let handhelds = tables.handhelds.map(|it| self.handhelds(&it, web.as_ref())).transpose();
        let handhelds = self.noted(handhelds);
        let site = self.noted(self.site(tables.site));
        let cameras = self.noted(self.cameras(tables.camera));
        let model = self.noted(self.model(tables.model.unwrap_or_default()));
        let models = self.noted(self.models(&tables.models.unwrap_or_default()));
        let siren = self.noted(self.siren(&tables.siren.unwrap_or_default()));
        let store = self.noted(self.store(tables.store.unwrap_or_default()));
        let zones = self.noted(self.zones(&tables.zones.unwrap_or_default()));
        let walk_tests = self.noted(self.walk_test(&tables.walk_test.unwrap_or_default()));
        let privacy = self.noted(self.privacy(&tables.privacy));
        let broker = if has_broker { Broker::Written } else { Broker::None };
        let inputs = self.noted(self.inputs(tables.input, broker));
        let relays = self.noted(self.relays(tables.relay));
        let notify = self.noted(self.notify(tables.notify.unwrap_or_default()));
        let evidence = self.noted(self.evidence(&tables.evidence.unwrap_or_default()));
        let examples = self.noted(self.examples(&tables.examples.unwrap_or_default()));
        Some(Config {
            file: self.file.to_owned(),
            site: site?,
            cameras: cameras?,
            model: model?,
            models: models?,
            siren: siren?,
            store: store?,
            web: web?,
            handhelds: handhelds?,
            inputs: inputs?,
            relays: relays?,
            zones: zones?,
            walk_tests: walk_tests?,
            privacy: privacy?,
            mqtt: mqtt?,
            notify: notify?,
            evidence: evidence?,
            examples: examples?,
        })
    }

    /// The value; an error is kept to be told with the others.
    pub(super) fn noted<T>(&self, checked: Result<T, ConfigError>) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong.borrow_mut().push(error);
                None
            }
        }
    }

    /// The same, with what stands in for a wrong value while the rest is looked at.
    pub(super) fn told<T>(&self, checked: Result<T, ConfigError>, stand_in: T) -> T {
        self.noted(checked).unwrap_or(stand_in)
    }

    fn site(&self, site: UnvalidatedSite) -> Result<Site, ConfigError> {
        let name = self.told(self.text_of("site.name", &site.name), String::new());
        let time_zone = self.text_of("site.time_zone", &site.time_zone)?;
        if TimeZone::get(&time_zone).is_err() {
            let right = "not a time zone this system knows; write an IANA name such as \
                         \"Europe/Prague\" or \"UTC\"";
            return Err(self.wrong("site.time_zone", &site.time_zone, right));
        }
        Ok(Site { name, time_zone })
    }

    fn cameras(&self, list: Vec<Spanned<UnvalidatedCamera>>) -> Result<Vec<Camera>, ConfigError> {
        if list.is_empty() {
            return Err(ConfigError::Missing {
                file: self.file.to_owned(),
                right: "no camera: add a [[camera]] table with id, name, source and zones".into(),
            });
        }
        let mut cameras: Vec<Camera> = Vec::with_capacity(list.len());
        let mut ids: Vec<String> = Vec::with_capacity(list.len());
        for (index, camera) in list.into_iter().enumerate() {
            let span = camera.span();
            let camera = camera.into_inner();
            if index >= CAMERAS_MAX {
                let right = format!("one box watches at most {CAMERAS_MAX} cameras");
                return Err(self.wrong_at("camera", &index.to_string(), span, &right));
            }
            if let Some(first) = ids.iter().position(|other| other == camera.id.get_ref()) {
                let right = format!("camera[{first}] has this id already; ids must be unique");
                let wrong = self.wrong(&format!("camera[{index}].id"), &camera.id, &right);
                self.told(Err(wrong), ());
            }
            ids.push(camera.id.get_ref().clone());
            cameras.extend(self.noted(self.camera(&format!("camera[{index}]"), camera)));
        }
        Ok(cameras)
    }

    fn camera(&self, key: &str, camera: UnvalidatedCamera) -> Result<Camera, ConfigError> {
        let id = camera.id.get_ref().clone();
        if !is_slug(&id) {
            let right = format!(
                "must be 1 to {NAME_CHARS_MAX} lower-case letters, digits and \"-\", such as \"yard-east\""
            );
            self.told(Err(self.wrong(&format!("{key}.id"), &camera.id, &right)), ());
        }
        let name = self.told(self.text_of(&format!("{key}.name"), &camera.name), String::new());
        let zones = self.told(self.zone_file(key, &camera.zones), PathBuf::new());
        let fps = self.told(self.fps(key, camera.fps.as_ref()), FPS_DEFAULT);
        let (source, decoder) = self.source(&format!("{key}.source"), camera.source)?;
        Ok(Camera { id, name, source, decoder, zones, fps })
    }

    fn zone_file(&self, key: &str, written: &Spanned<String>) -> Result<PathBuf, ConfigError> {
        let zones = self.path_of(&format!("{key}.zones"), written)?;
        if zones.is_file() {
            return Ok(zones);
        }
        let right = format!(
            "there is no zone file {}; a camera without zones guards nothing",
            zones.display()
        );
        Err(self.wrong(&format!("{key}.zones"), written, &right))
    }

    fn fps(&self, key: &str, written: Option<&Spanned<f64>>) -> Result<f64, ConfigError> {
        match written {
            None => Ok(FPS_DEFAULT),
            Some(fps) if (FPS_MIN..=FPS_MAX).contains(fps.get_ref()) => Ok(*fps.get_ref()),
            Some(fps) => {
                let right = format!(
                    "must be {FPS_MIN} to {FPS_MAX}: a lost camera is noticed within a second, \
                     which takes at least {FPS_MIN} pictures a second"
                );
                Err(self.wrong(&format!("{key}.fps"), fps, &right))
            }
        }
    }

    fn model(&self, model: UnvalidatedModel) -> Result<Model, ConfigError> {
        let name = self.told(self.model_name(model.name.as_ref()), String::new());
        let folder = match &model.folder {
            // By its name alone the vision process looks where models are installed.
            None => PathBuf::new(),
            Some(folder) => self.told(self.path_of("model.folder", folder), PathBuf::new()),
        };
        let provider = match &model.provider {
            None => "cpu".to_owned(),
            Some(provider) => self.told(self.text_of("model.provider", provider), String::new()),
        };
        let range = 1..u32::from(THREADS_MAX) + 1;
        let threads = self.told(self.whole("model.threads", model.threads.as_ref(), range), None);
        let key = "model.input_long_side";
        let long_side = self.whole(key, model.input_long_side.as_ref(), INPUT_LONG_SIDE_PX);
        let long_side = self.told(long_side, None);
        let key = "model.memory_max_mb";
        let memory_max = self.whole(key, model.memory_max_mb.as_ref(), MEMORY_MAX_MB);
        Ok(Model {
            dir: folder.join(&name),
            name,
            provider,
            threads: threads.and_then(|n| u16::try_from(n).ok()).unwrap_or(1),
            input_long_side_px: long_side,
            memory_max_mb: self.told(memory_max, None),
            detail: self.detail(model.detail.as_ref())?,
        })
    }

    fn model_name(&self, written: Option<&Spanned<String>>) -> Result<String, ConfigError> {
        match written {
            None => Ok("nanodet-g-416-int8".to_owned()),
            Some(name) if is_slug(name.get_ref()) => Ok(name.get_ref().clone()),
            Some(name) => {
                let right = "must be the name of a folder under model.folder: lower-case letters, \
                             digits and \"-\"";
                Err(self.wrong("model.name", name, right))
            }
        }
    }

    fn store(&self, store: UnvalidatedStore) -> Result<Store, ConfigError> {
        let path = match &store.path {
            None => self.resolve("data"),
            Some(path) => self.path_of("store.path", path)?,
        };
        Ok(Store { path })
    }

    /// A whole number within `range`, whose end is one past the largest allowed.
    pub(super) fn whole(
        &self,
        key: &str,
        written: Option<&Spanned<i64>>,
        range: Range<u32>,
    ) -> Result<Option<u32>, ConfigError> {
        let Some(written) = written else {
            return Ok(None);
        };
        match u32::try_from(*written.get_ref()) {
            Ok(value) if range.contains(&value) => Ok(Some(value)),
            _ => {
                let right = format!("must be {} to {}", range.start, range.end - 1);
                Err(self.wrong(key, written, &right))
            }
        }
    }

    /// A text that people can read: not empty, not too long, one line.
    pub(super) fn text_of(
        &self,
        key: &str,
        written: &Spanned<String>,
    ) -> Result<String, ConfigError> {
        let text = written.get_ref().trim();
        let fits = (1..=NAME_CHARS_MAX).contains(&text.chars().count());
        if fits && !text.contains(char::is_control) {
            return Ok(text.to_owned());
        }
        let right = format!("must be 1 to {NAME_CHARS_MAX} characters on one line");
        Err(self.wrong(key, written, &right))
    }

    pub(super) fn path_of(
        &self,
        key: &str,
        written: &Spanned<String>,
    ) -> Result<PathBuf, ConfigError> {
        if written.get_ref().trim().is_empty() {
            return Err(self.wrong(key, written, "must be a path"));
        }
        Ok(self.resolve(written.get_ref()))
    }

    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(path)
    }

    pub(super) fn wrong<T>(&self, key: &str, written: &Spanned<T>, right: &str) -> ConfigError {
        let value = self.text.get(written.span()).unwrap_or("?").trim();
        self.wrong_at(key, value, written.span(), right)
    }

    pub(super) fn wrong_at(
        &self,
        key: &str,
        value: &str,
        span: Range<usize>,
        right: &str,
    ) -> ConfigError {
        ConfigError::Value {
            file: self.file.to_owned(),
            line: line_at(self.text, span.start),
            key: key.to_owned(),
            value: value.to_owned(),
            right: right.to_owned(),
        }
    }
}

pub(super) fn is_slug(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=NAME_CHARS_MAX).contains(&text.len()) && text.chars().all(legal)
}

/// The line, counted from 1, of a byte in the text.
pub(super) fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|&b| b == b'\n').count() + 1
}
