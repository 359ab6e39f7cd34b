//! Who may use which route: one column of the route table, one middleware that enforces it.
//!
//! A browser shows a cookie, and with every change the header [`CSRF_HEADER`]; a machine shows
//! `Authorization: Bearer`, and never has a cookie. What a handler is told is [`Caller`]: who it
//! is; that they may do this has been decided before. Answers that go on for long ask again every
//! [`ASK_AGAIN`] whether they still may.
//!
//! Not here: what makes a password or session right (the guard's accounts).

pub(super) mod body;
mod cookie;
pub(super) mod people;
mod refusal;
pub(super) mod session;
pub(super) mod trail;

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::error::ApiError;
use crate::clock;
use crate::guard::handle::{Identity, Proof, same_text};

pub use crate::guard::handle::Role;

/// What a page says besides its cookie when it changes something.
pub const CSRF_HEADER: &str = "x-standclear-csrf";

/// How soon an open stream or picture notices that its viewer may no longer see it.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, signed in or not.
    Public,
    /// Every person with a session; machines have none.
    SignedIn,
    /// Whoever has at least this role; an integration never has.
    AtLeast(Role),
    /// The same, with a session: what counts as said by a named person. No token is one.
    Person(Role),
    /// Viewers and above, and integrations: the state of now.
    Known,
    /// Engineers and above, and integrations: signals of machines.
    Inputs,
}

/// Who asks, and by what right.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// A person's name, or `token NAME`.
    pub name: String,
    pub role: Role,
    identity: Identity,
    access: Access,
}

/// Where a request comes from. Every request has one: the server puts it there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub IpAddr);

impl Access {
    fn admits(self, who: &Identity) -> bool {
        match self {
            Access::Public => true,
            Access::SignedIn => is_person(who),
            Access::AtLeast(role) => who.role.includes(role),
            Access::Person(role) => who.role.includes(role) && is_person(who),
            Access::Known => who.role.includes(Role::Viewer) || who.role == Role::Integration,
            Access::Inputs => who.role.includes(Role::Engineer) || who.role == Role::Integration,
        }
    }

    /// What it takes, for people.
    fn takes(self) -> &'static str {
        match self {
            Access::Public => "nothing",
            Access::SignedIn => "a person who signed in; a token has no session",
            Access::AtLeast(role) | Access::Person(role) => match role {
                Role::Viewer => "the role viewer, supervisor, engineer or admin",
                Role::Supervisor => "the role supervisor, engineer or admin",
                Role::Engineer => "the role engineer or admin",
                Role::Admin => "the role admin",
                Role::Integration => "the role integration",
            },
            Access::Known => "any role",
            Access::Inputs => "the role integration, engineer or admin",
        }
    }
}

fn is_person(who: &Identity) -> bool {
    match who.proof {
        Proof::Session(_) => true,
        Proof::Token(_) => false,
    }
}

impl Caller {
    /// Whether they may still do what they are doing. Counts as a use of their session.
    pub(super) fn may_still(&self, app: &App) -> bool {
        let now = app.handle.accounts().again(&self.identity.proof, clock::wall());
        now.is_some_and(|who| self.access.admits(&who))
    }

    /// Whether they have at least this role still.
    pub(super) fn still_has(&self, app: &App, role: Role) -> bool {
        let now = app.handle.accounts().again(&self.identity.proof, clock::wall());
        now.is_some_and(|who| who.role.includes(role))
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// Lets a request through to its route, or refuses it. `access` is the route's own.
pub(super) async fn enforce(
    State((app, access)): State<(App, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    match decide(&app, access, &request) {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

fn decide(app: &App, access: Access, request: &Request) -> Result<Option<Caller>, ApiError> {
    let identity = identify(app, request.headers())?;
    let identity = match (identity, access) {
        (Some(identity), _) => identity,
        (None, Access::Public) => return Ok(None),
        (None, _) => return Err(refusal::sign_in_needed("sign in first")),
    };
    if !access.admits(&identity) {
        let (code, message) = not_admitted(access, &identity);
        if changes(request.method()) {
            tracing::warn!("{} {}: refused: {message}", request.method(), request.uri().path());
        }
        return Err(ApiError::new(StatusCode::FORBIDDEN, code, message));
    }
    if access != Access::Public && changes(request.method()) {
        check_csrf(&identity, request.headers())?;
    }
    let (name, role) = (identity.name.clone(), identity.role);
    Ok(Some(Caller { name, role, identity, access }))
}

fn not_admitted(access: Access, who: &Identity) -> (&'static str, String) {
    let (takes, name) = (access.takes(), &who.name);
    match access {
        Access::Person(role) if who.role.includes(role) => (
            "person_needed",
            format!(
                "this is written down as what a person said, and {name} is none: sign in with name and \
                 password; it takes {takes}"
            ),
        ),
        _ => {
            let role = who.role.name();
            ("role_needed", format!("this takes {takes}; {name} has the role {role}"))
        }
    }
}

/// Who it is by token or cookie; `None` for nobody. A token that is none is refused, so that a
/// machine learns that it was taken away; a cookie that is over only says nobody.
fn identify(app: &App, headers: &HeaderMap) -> Result<Option<Identity>, ApiError> {
    let accounts = app.handle.accounts();
    let now = clock::wall();
    if let Some(authorization) = headers.get(header::AUTHORIZATION) {
        let text = authorization.to_str().unwrap_or_default();
        let token = text
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let identity = token.and_then(|token| accounts.token(token, now));
        return match identity {
            Some(identity) => Ok(Some(identity)),
            None => Err(refusal::sign_in_needed(
                "the Authorization header has no token of this box; it must be `Bearer TOKEN`",
            )),
        };
    }
    let secret = cookie::secret(headers, app.encryption());
    Ok(secret.and_then(|secret| accounts.session(secret, now)))
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn check_csrf(identity: &Identity, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(expected) = &identity.csrf else {
        return Ok(());
    };
    let found = headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
    if found.is_some_and(|found| same_text(found, expected)) {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "csrf_needed",
        "the header X-Standclear-CSRF must hold `csrf` of GET /api/session",
    ))
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    /// Only where the route's access has it checked that there is one.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Caller, ApiError> {
        let caller = parts.extensions.get::<Caller>().cloned();
        caller.ok_or_else(|| refusal::sign_in_needed("sign in first"))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Option<Caller>, Infallible> {
        Ok(parts.extensions.get::<Caller>().cloned())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Peer, Infallible> {
        // Without one (which would be a defect) all strangers share one address's delays.
        Ok(parts.extensions.get::<Peer>().copied().unwrap_or(Peer([0, 0, 0, 0].into())))
    }
}
