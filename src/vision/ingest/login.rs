//! User and password of a camera, and keeping them out of what is said about it.

use std::fs;

use super::SourceError;
use crate::link::{Login, Password};
use crate::reach::Place;
use crate::redact::redact;

/// What stands in place of a secret.
const HIDDEN: &str = "***";

/// A shorter path is no token, and taking `1` out of every message would leave none to read.
const TOKEN_CHARS_MIN: usize = 4;

/// A user with the password as it is now.
pub(super) struct Credentials {
    pub user: String,
    pub password: String,
}

/// What is said of one camera: where it is, what to do, and never its secrets.
#[derive(Clone)]
pub(super) struct Scrubber {
    secrets: Vec<String>,
    place: Option<Place>,
    has: Has,
}

/// What a camera that lets nobody in was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Has {
    NoLogin,
    InFile,
    InAddress,
    /// As of the first, of a GStreamer description.
    NoneDescribed,
    Described,
}

impl Has {
    /// What would be right.
    fn right(self) -> &'static str {
        match self {
            Has::NoLogin => {
                "it asks for a user and a password; write `source.user` and `source.password_file`"
            }
            Has::InFile => {
                "it refuses this user or this password; correct `source.user` or the first line of \
                 the file `source.password_file`"
            }
            Has::InAddress => {
                "it refuses the user or the password in the address; take both out of it, and write \
                 `source.user` and `source.password_file`"
            }
            Has::NoneDescribed => {
                "it asks for a user and a password; in `source.gst` they are settings of the element \
                 that connects: `user-id=… user-pw=…`"
            }
            Has::Described => {
                "it refuses the user or the password in `source.gst`; correct `user-id` and \
                 `user-pw` of the element that connects, or its address"
            }
        }
    }
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
    pub fn new(url: &str, login: Option<&Login>, credentials: Option<&Credentials>) -> Scrubber {
        let has = match login.map(|login| &login.password) {
            None => Has::NoLogin,
            Some(Password::File(_)) => Has::InFile,
            Some(Password::Written(_)) => Has::InAddress,
        };
        let behind_host = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        let path = behind_host.map(|(_, path)| path.to_owned());
        let path = path.filter(|path| path.chars().count() >= TOKEN_CHARS_MIN);
        let password = credentials.map(|it| it.password.clone());
        let secrets = [path, password].into_iter().flatten();
        let secrets = secrets.filter(|secret| !secret.is_empty()).collect();
        Scrubber { secrets, place: Place::of(url), has }
    }

    /// Of a camera in a GStreamer description, with the address and the user that stand in it.
    pub fn described(url: Option<&str>, user: Option<&str>) -> Scrubber {
        let host = |url: &str| url.split(['/', '?', '#']).nth(2).map(str::to_owned);
        let in_address = url.and_then(host).is_some_and(|host| host.contains('@'));
        let has = match in_address || user.is_some_and(|user| !user.is_empty()) {
            true => Has::Described,
            false => Has::NoneDescribed,
        };
        Scrubber { secrets: vec![], place: url.and_then(Place::of), has }
    }

    /// What messages call the camera.
    pub fn camera(&self) -> String {
        let place = self.place.as_ref();
        place.map_or("the camera".to_owned(), |place| format!("the camera at {place}"))
    }

    /// Why there is no connection, tried now; `None` where there can be one.
    pub fn unreachable(&self) -> Option<SourceError> {
        let place = self.place.as_ref()?;
        let source = place.look().err()?;
        Some(SourceError::Unreachable { place: place.clone(), source })
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
            SourceError::Login { .. } => {
                SourceError::Login { camera: self.camera(), right: self.has.right() }
            }
            SourceError::NotFound { reason, .. } => match &self.place {
                // By HTTP a name that is not found is not found, too.
                Some(place) if !place.is_rtsp() => self.unreachable().unwrap_or(self.no_path()),
                Some(_) => self.no_path(),
                None => self.lost_for(self.clean(&reason)),
            },
            SourceError::Resource { reason, .. } => {
                self.unreachable().unwrap_or_else(|| self.lost_for(self.clean(&reason)))
            }
            SourceError::Broken { reason, .. } | SourceError::Lost { reason } => {
                self.lost_for(self.clean(&reason))
            }
            SourceError::NoVideo { .. } | SourceError::UnknownFormat { .. } => {
                self.lost_for("it sends no video that this box can use".to_owned())
            }
            error => error,
        }
    }

    fn no_path(&self) -> SourceError {
        SourceError::NoPath { camera: self.camera() }
    }

    /// The error for words that hold no secret.
    pub fn lost_for(&self, reason: String) -> SourceError {
        let at = self.place.as_ref().map_or(String::new(), |place| format!("{place}: "));
        SourceError::Lost { reason: format!("{at}{reason}") }
    }
}
