//! User and password of a camera, and keeping them out of what is said about it.

use std::fs;

use super::SourceError;
use crate::link::{Login, Password};
use crate::redact::redact;

/// What stands in place of a secret.
const HIDDEN: &str = "***";

/// A user with the password as it is now.
pub(super) struct Credentials {
    pub user: String,
    pub password: String,
}

/// Takes one camera's secrets out of texts.
#[derive(Clone, Default)]
pub(super) struct Scrubber {
    secrets: Vec<String>,
}

/// Reads the password anew: a file may hold another one since the last connection.
pub(super) fn credentials(login: Option<&Login>) -> Result<Option<Credentials>, SourceError> {
    let Some(login) = login else {
        return Ok(None);
    };
    let password = match &login.password {
        Password::Written(password) => password.reveal().to_owned(),
        Password::File(path) => {
            let text = fs::read_to_string(path)
                .map_err(|source| SourceError::PasswordFile { path: path.into(), source })?;
            text.lines().next().unwrap_or_default().to_owned()
        }
    };
    Ok(Some(Credentials { user: login.user.reveal().to_owned(), password }))
}

impl Scrubber {
    /// Knows the camera's address, which may end in a token, and its password.
    pub fn new(url: &str, credentials: Option<&Credentials>) -> Scrubber {
        let behind_host = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        let path = behind_host.map(|(_, path)| path.to_owned());
        let password = credentials.map(|it| it.password.clone());
        let secrets = [path, password].into_iter().flatten();
        Scrubber { secrets: secrets.filter(|secret| !secret.is_empty()).collect() }
    }

    pub fn clean(&self, text: &str) -> String {
        let clean = self
            .secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN));
        redact(&clean)
    }

    /// What is said of a camera that fails: never in terms of files, never with its secrets.
    pub fn lost(&self, error: SourceError) -> SourceError {
        match error {
            SourceError::Broken { reason, .. } | SourceError::Lost { reason } => {
                SourceError::Lost { reason: self.clean(&reason) }
            }
            SourceError::NoVideo { .. } | SourceError::UnknownFormat { .. } => {
                SourceError::Lost { reason: "it sends no video that this box can use".to_owned() }
            }
            error => error,
        }
    }
}
