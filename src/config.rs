//! The configuration: `standclear.toml`, read once at the start and never changed.
//!
//! Two steps: `serde` reads the shape (unknown keys are refused), then `TryFrom` turns what was
//! written into what may be: every value in range, every name unique, every zone file there. An
//! error names file, line, key, value and what would be right, and all of them are told at once.
//!
//! Relative paths are relative to the folder of the configuration file.
//!
//! Not here: whether the model loads, a camera answers or the sound card opens. Those change while
//! the box runs, so they are faults of the running guard, not errors of the configuration.

mod check;
mod evidence;
mod examples;
mod inputs;
mod models;
mod notify;
mod plaintext;
mod privacy;
mod relay;
mod relay_to;
mod shape;
mod shown;
mod siren;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use self::check::Unvalidated;
pub use self::check::{FPS_MAX, FPS_MIN};
pub use self::evidence::Evidence;
pub use self::examples::ExampleRoom;
use self::inputs::host;
pub use self::inputs::{INPUTS_MAX, Input, InputFrom, Mqtt, MqttInput, MqttLogin};
pub use self::models::Models;
pub use self::notify::{Discovery, MqttVersion, Notify, NotifyMqtt, WebPush, Webhook};
pub use self::privacy::Privacy;
pub use self::relay::{
    Active, Gpio, GpioLine, HttpMethod, ModbusPoint, Parity, RELAYS_MAX, Relay, RelayRole, RelayTo,
    Wiring,
};
pub use self::shown::shown;
pub use self::siren::{Siren, SirenDevice, SirenTest, SirenTestSound};
use crate::link::{DecoderChoice, DetailChoice, Source};

/// Everything the guard needs to know, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file it was read from, for messages.
    pub file: PathBuf,
    pub site: Site,
    /// In engine order; at least one.
    pub cameras: Vec<Camera>,
    pub model: Model,
    /// How other models come in.
    pub models: Models,
    pub siren: Siren,
    pub store: Store,
    pub web: Web,
    /// `None`: this box has no handhelds.
    pub handhelds: Option<Handhelds>,
    /// Machine signals, in the order of the file.
    pub inputs: Vec<Input>,
    /// Relays and lamps, in the order of the file.
    pub relays: Vec<Relay>,
    pub zones: Zones,
    pub walk_tests: WalkTests,
    /// What of people is made unrecognisable.
    pub privacy: Privacy,
    /// There when an input comes from it.
    pub mqtt: Option<Mqtt>,
    /// Who else is told.
    pub notify: Notify,
    /// What is kept with incidents besides their records.
    pub evidence: Evidence,
    pub examples: ExampleRoom,
}

/// Where the box stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    pub name: String,
    /// IANA name, known to exist.
    pub time_zone: String,
}

/// One camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Camera {
    /// Lower-case letters, digits and `-`; unique.
    pub id: String,
    pub name: String,
    pub source: Source,
    pub decoder: DecoderChoice,
    /// Its zone file; exists.
    pub zones: PathBuf,
    /// Pictures a second to look at.
    pub fps: f64,
}

/// The detector.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub name: String,
    /// Folder of the model package.
    pub dir: PathBuf,
    pub provider: String,
    pub threads: u16,
    /// Longer side of the model's input in pixels; `None`: the model's default.
    pub input_long_side_px: Option<u32>,
    /// Most memory of the vision process; `None`: by the machine's.
    pub memory_max_mb: Option<u32>,
    pub detail: DetailChoice,
}

/// Where incidents are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// A folder.
    pub path: PathBuf,
}

/// The operator page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    pub listen: SocketAddr,
    /// Host names and addresses by which people reach the box, in lower case.
    pub names: Vec<String>,
    /// Something, unless `listen` is a loopback address.
    pub encryption: Encryption,
}

/// Where handhelds connect. Names and encryption are those of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handhelds {
    pub listen: SocketAddr,
    /// Without an answer for so long, the next person of the duty list is called.
    pub acknowledge_within_s: u32,
}

/// What encrypts the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Plain HTTP.
    None,
    /// The box's own certificate authority.
    OwnAuthority,
    /// Files in PEM form; they exist.
    Given { certificate: PathBuf, key: PathBuf },
}

/// How zones are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zones {
    pub approval: Approval,
}

/// Who may approve changed zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// Somebody else than their author.
    SecondPerson,
    /// Also their author; it stands in the audit log at every start.
    Author,
}

/// How often every zone is to be walked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkTests {
    /// A test holds for so many days.
    Every { days: u32 },
    /// No fault for want of a test; it stands in the audit log at every start.
    NotRequired,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "the configuration {file} cannot be read; name another with --config FILE", 
        file = .file.display()
    )]
    Read {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong kind.
    #[error("{file}:{line}: {message}", file = .file.display())]
    Parse { file: PathBuf, line: usize, message: String },
    /// A value that cannot be.
    #[error("{file}:{line}: {key} = {value}: {right}", file = .file.display())]
    Value {
        file: PathBuf,
        line: usize,
        /// Where in the file, as `camera[0].fps`.
        key: String,
        value: String,
        /// What would be right.
        right: String,
    },
    #[error("{file}: {right}", file = .file.display())]
    Missing { file: PathBuf, right: String },
    /// Several of the above, in the order of the file; at least two.
    #[error("{} mistakes in the configuration:{}", .0.len(), on_lines(.0))]
    Several(Vec<ConfigError>),
}

/// Each on a line of its own.
fn on_lines(errors: &[ConfigError]) -> String {
    errors.iter().map(|error| format!("\n  {error}")).collect()
}

impl ConfigError {
    /// All that is wrong as one error; `None` when nothing is.
    fn all(mut errors: Vec<ConfigError>) -> Option<ConfigError> {
        errors.sort_by_key(ConfigError::line);
        match errors.len() {
            0 | 1 => errors.pop(),
            _ => Some(ConfigError::Several(errors)),
        }
    }

    fn line(&self) -> usize {
        match self {
            ConfigError::Parse { line, .. } | ConfigError::Value { line, .. } => *line,
            ConfigError::Read { .. } | ConfigError::Missing { .. } | ConfigError::Several(_) => 0,
        }
    }
}

impl Config {
    /// Reads and checks a configuration file.
    pub fn load(file: &Path) -> Result<Config, ConfigError> {
        let text = fs::read_to_string(file)
            .map_err(|source| ConfigError::Read { file: file.to_owned(), source })?;
        Config::parse(file, &text)
    }

    /// Checks the text of a configuration that stands (or would stand) in `file`.
    pub fn parse(file: &Path, text: &str) -> Result<Config, ConfigError> {
        let read = shape::read(file, text);
        let (config, mut wrong) = match read.tables {
            Some(tables) => match Config::try_from(Unvalidated { file, text, tables }) {
                Ok(config) => (Some(config), vec![]),
                Err(wrong) => (None, wrong),
            },
            None => (None, vec![]),
        };
        wrong.extend(read.wrong);
        match (config, ConfigError::all(wrong)) {
            (Some(config), None) => Ok(config),
            (_, Some(error)) => Err(error),
            // The shape has tables, or says why not.
            (None, None) => Err(ConfigError::Missing {
                file: file.to_owned(),
                right: "it cannot be understood; docs/reference/config.md says how it is written"
                    .into(),
            }),
        }
    }
}
