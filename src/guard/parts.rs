//! What a guard is built with besides its configuration.

use std::ffi::OsString;

use super::annunciators;
use super::app::StartError;
use super::siren::SirenOutput;
use crate::config::Config;

/// What the guard is built with besides the configuration; tests replace it.
pub struct Parts {
    pub siren: Box<dyn SirenOutput>,
    /// Program and arguments of the vision process.
    pub worker_command: Vec<OsString>,
}

impl Parts {
    /// The siren that is configured, and this program as the vision process.
    pub fn of(config: &Config) -> Result<Parts, StartError> {
        let program = std::env::current_exe().map_err(StartError::Program)?;
        Ok(Parts {
            siren: annunciators::siren(config)?,
            worker_command: vec![program.into(), "vision".into()],
        })
    }
}
