//! A person at a box that runs, over its API: what no token may do, such as letting a model guard.

use std::io::{self, Read};
use std::path::PathBuf;

use serde_json::{Value, json};
use ureq::Agent;

use super::remote::{RemoteError, agent, answered, may_be_told};

/// A password has at most 256 bytes; a line's end may follow.
const PASSWORD_BYTES_MAX: u64 = 512;

/// What the box calls the cookie of a session; with TLS something stands before it.
const COOKIE: &str = "standclear_session";

/// Who signs in, and where.
#[derive(Clone, Debug)]
pub struct Who {
    /// `https://box:8443`.
    pub url: String,
    pub name: String,
    /// `-` is what comes in.
    pub password_file: PathBuf,
    /// The box's own authority, `/ca.crt` of its page.
    pub ca_file: Option<PathBuf>,
}

/// Why nobody is signed in, or nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    #[error("{url} is not encrypted: a password goes over https only, or to this machine itself")]
    InClear { url: String },
    #[error("{} cannot be read", .path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} holds no password", .path.display())]
    Password { path: PathBuf },
    #[error(transparent)]
    Box(#[from] RemoteError),
}

/// Somebody with a session, until they are dropped.
pub struct Person {
    agent: Agent,
    url: String,
    cookie: String,
    csrf: String,
}

impl Person {
    /// # Errors
    /// There is no password, the box does not answer, or does not know them.
    pub fn sign_in(who: &Who) -> Result<Person, PersonError> {
        let url = who.url.trim_end_matches('/').to_owned();
        if !may_be_told(&url) {
            return Err(PersonError::InClear { url });
        }
        let password = password(&who.password_file)?;
        let agent = agent(who.ca_file.as_deref())?;
        let body = json!({ "name": who.name, "password": password }).to_string();
        let request = agent.post(format!("{url}/api/session")).content_type("application/json");
        let answer = request.send(body);
        let cookie = answer.as_ref().ok().and_then(|answer| session_of(answer.headers()));
        let said = answered(&url, answer)?;
        let csrf = said["csrf"].as_str().map(str::to_owned);
        match cookie.zip(csrf) {
            Some((cookie, csrf)) => Ok(Person { agent, url, cookie, csrf }),
            None => Err(RemoteError::NoAnswer { url }.into()),
        }
    }

    /// # Errors
    /// The box does not answer, or refuses.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, PersonError> {
        let request = self.agent.post(format!("{}{path}", self.url));
        let request =
            request.header("cookie", &self.cookie).header("x-standclear-csrf", &self.csrf);
        let answer = request.content_type("application/json").send(body.to_string());
        Ok(answered(&self.url, answer)?)
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        // A session that nobody ends is over after a shift.
        let request = self.agent.delete(format!("{}/api/session", self.url));
        let request =
            request.header("cookie", &self.cookie).header("x-standclear-csrf", &self.csrf);
        let _ = request.call();
    }
}

fn password(path: &PathBuf) -> Result<String, PersonError> {
    let mut text = String::new();
    let read = match path.as_os_str() == "-" {
        true => io::stdin().take(PASSWORD_BYTES_MAX).read_to_string(&mut text),
        false => std::fs::File::open(path)
            .and_then(|file| file.take(PASSWORD_BYTES_MAX).read_to_string(&mut text)),
    };
    read.map_err(|source| PersonError::File { path: path.clone(), source })?;
    let password = text.lines().next().unwrap_or_default();
    if password.is_empty() {
        return Err(PersonError::Password { path: path.clone() });
    }
    Ok(password.to_owned())
}

fn session_of(headers: &ureq::http::HeaderMap) -> Option<String> {
    let set = headers.get_all("set-cookie").iter().filter_map(|it| it.to_str().ok());
    let pairs = set.filter_map(|it| it.split(';').next());
    let mut sessions =
        pairs.filter(|it| it.split('=').next().is_some_and(|it| it.ends_with(COOKIE)));
    sessions.next().map(|it| it.trim().to_owned())
}
