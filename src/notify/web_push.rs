//! Push services: what reaches a handheld whose page is closed, while the internet is there.
//!
//! In addition to the site's own network, never in place of it. Only what calls people: emergency,
//! high and fault alarms that wait for an answer, while they are news. Each alarm is a topic, so that
//! a newer message replaces an older one that was not fetched yet.
//!
//! A message counts as delivered when one push service took it; each that did not is asked a second
//! time first. A subscription that its service says is gone (404, 410) is forgotten. With no
//! subscription there is nobody to tell.
//!
//! Not here: who may subscribe (the handhelds' server).

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use serde_json::json;
use ureq::Agent;
use ureq::tls::TlsConfig;
use web_push::{
    ContentEncoding, SubscriptionInfo, Urgency, VapidSignatureBuilder, WebPushMessage,
    WebPushMessageBuilder,
};

use super::vapid::VapidKeys;
use super::webhook::agent_with;
use super::{Channel, Letter, Occasion, SEND_MAX, Sent, SourceError, Tended};
use crate::clock;
use crate::engine::delivery::Outcome;
use crate::engine::time::Instant;

/// Times each push service is asked to take a message before it is told from one that works.
const TRIES: u32 = 2;

/// Longest a push service keeps a message for a handheld that is away: until it is history.
const TTL_MAX: Duration = Duration::from_secs(120);

/// Longest wait for a push service's answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// The same of one that did not take the last message for an endpoint: so long does one that hangs
/// delay the next message.
const FAILED_PATIENCE: Duration = Duration::from_secs(2);

/// Push services that get lanes of their own; there are four that matter.
const SERVICES_MAX: usize = 8;

/// Messages on their way to one push service at a time.
const LANES_OF_A_SERVICE: usize = 4;

/// States in which an alarm waits for an answer.
const WAITING: [&str; 2] = ["unacknowledged", "latched_unacknowledged"];

/// Where a browser takes messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub endpoint: String,
    pub p256dh: String,
    pub auth: String,
}

/// The subscriptions there are. Blocking.
pub trait Subscriptions: Send + Sync {
    /// # Errors
    /// They cannot be read now.
    fn all(&self) -> Result<Vec<Subscription>, SourceError>;

    /// Its push service says that it is gone.
    fn gone(&self, endpoint: &str);

    /// Whether its push service took the last message.
    fn fared(&self, endpoint: &str, how: Fared);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fared {
    Well,
    Badly,
}

/// See [`Channel`].
pub struct WebPushChannel {
    keys: VapidKeys,
    contact: String,
    subscriptions: Box<dyn Subscriptions>,
    agent: Agent,
    /// How endpoints fared last, as far as it was noted in this life.
    fared: BTreeMap<String, Fared>,
}

impl WebPushChannel {
    pub fn new(
        keys: VapidKeys,
        contact: String,
        subscriptions: Box<dyn Subscriptions>,
    ) -> WebPushChannel {
        let agent = agent_with(TlsConfig::builder().build());
        WebPushChannel { keys, contact, subscriptions, agent, fared: BTreeMap::new() }
    }

    /// Each push service in lanes of its own, so that one that hangs delays no other; all of them
    /// end by the deadline. What became of it is noted when everybody was asked.
    fn send_to_all(&mut self, letter: &Letter, payload: &str) -> Sent {
        let subscriptions = match self.subscriptions.all() {
            Ok(subscriptions) => subscriptions,
            Err(error) => return Sent::not(Outcome::Unreachable, error.to_string()),
        };
        if subscriptions.is_empty() {
            return Sent::not(Outcome::NotForIt, "no handheld has allowed notifications");
        }
        self.fared.retain(|endpoint, _| subscriptions.iter().any(|of| of.endpoint == *endpoint));
        let until = clock::monotonic().after(SEND_MAX);
        let lanes = self.lanes(subscriptions);
        let mut asked: Vec<(Subscription, Sent)> = Vec::new();
        let channel = &*self;
        thread::scope(|scope| {
            let lanes = lanes.into_iter().map(|lane| {
                let work = move || channel.send_along(lane, until, letter, payload);
                thread::Builder::new().name("push".into()).spawn_scoped(scope, work)
            });
            // All of them start before the first is waited for.
            for lane in lanes.collect::<Vec<_>>().into_iter().flatten() {
                asked.extend(lane.join().unwrap_or_default());
            }
        });
        self.note(asked)
    }

    /// Who is asked behind whom: those that failed last, and few services share a lane.
    fn lanes(&self, mut subscriptions: Vec<Subscription>) -> Vec<Vec<Subscription>> {
        subscriptions.sort_by_key(|of| self.fared.get(&of.endpoint) == Some(&Fared::Badly));
        let mut services: Vec<String> = Vec::new();
        let mut lanes = vec![Vec::new(); SERVICES_MAX * LANES_OF_A_SERVICE];
        for (nth, subscription) in subscriptions.into_iter().enumerate() {
            let service = host(&subscription.endpoint);
            let known = services.iter().position(|of| of == service);
            let index = known.unwrap_or_else(|| {
                services.push(service.to_owned());
                services.len() - 1
            });
            let lane = index % SERVICES_MAX * LANES_OF_A_SERVICE + nth % LANES_OF_A_SERVICE;
            lanes[lane].push(subscription);
        }
        lanes.retain(|lane| !lane.is_empty());
        lanes
    }

    fn send_along(
        &self,
        lane: Vec<Subscription>,
        until: Instant,
        letter: &Letter,
        payload: &str,
    ) -> Vec<(Subscription, Sent)> {
        let mut asked = Vec::with_capacity(lane.len());
        for subscription in lane {
            let failed = self.fared.get(&subscription.endpoint) == Some(&Fared::Badly);
            let patience = if failed { FAILED_PATIENCE } else { PATIENCE };
            let mut sent = Sent::not(Outcome::Unreachable, "there was no time left to ask it");
            for _ in 0..TRIES {
                let left = until.since(clock::monotonic()).min(patience);
                if left.is_zero() {
                    break;
                }
                sent = self.push(&subscription, left, letter, payload);
                let again = match sent.outcome {
                    Outcome::Failed => true,
                    Outcome::Unreachable => !failed,
                    Outcome::Taken
                    | Outcome::NotForIt
                    | Outcome::TooLate
                    | Outcome::Refused
                    | Outcome::Forbidden => false,
                };
                if !again {
                    break;
                }
            }
            asked.push((subscription, sent));
        }
        asked
    }

    fn note(&mut self, asked: Vec<(Subscription, Sent)>) -> Sent {
        let mut taken = 0;
        let mut worst: Option<Sent> = None;
        for (Subscription { endpoint, .. }, sent) in asked {
            let fared = match sent.outcome {
                Outcome::Taken => {
                    taken += 1;
                    Fared::Well
                }
                Outcome::NotForIt => {
                    self.subscriptions.gone(&endpoint);
                    continue;
                }
                Outcome::TooLate
                | Outcome::Refused
                | Outcome::Failed
                | Outcome::Forbidden
                | Outcome::Unreachable => {
                    worst = Some(sent);
                    Fared::Badly
                }
            };
            // Each note is a synced write.
            if self.fared.get(&endpoint) != Some(&fared) {
                self.subscriptions.fared(&endpoint, fared);
                self.fared.insert(endpoint, fared);
            }
        }
        match (taken, worst) {
            (0, None) => Sent::not(Outcome::NotForIt, "every subscription is gone"),
            (0, Some(worst)) => worst,
            // A push has no room for what was lost.
            (_, _) => Sent::taken_in_part(),
        }
    }

    fn push(&self, to: &Subscription, patience: Duration, letter: &Letter, payload: &str) -> Sent {
        let message = match self.encrypt(to, letter, payload) {
            Ok(message) => message,
            Err(error) => return Sent::not(Outcome::Refused, error.to_string()),
        };
        let Some(encrypted) = message.payload else {
            return Sent::not(Outcome::Refused, "nothing to send");
        };
        let mut request = self
            .agent
            .post(&to.endpoint)
            .config()
            .timeout_global(Some(patience))
            .build()
            .header("TTL", message.ttl.to_string())
            .header("Urgency", "high")
            .header("Content-Encoding", encrypted.content_encoding.to_str())
            .header("Content-Type", "application/octet-stream");
        if let Some(topic) = &message.topic {
            request = request.header("Topic", topic);
        }
        for (name, value) in &encrypted.crypto_headers {
            request = request.header(*name, value);
        }
        match request.send(&encrypted.content[..]) {
            Err(error) => {
                Sent::not(Outcome::Unreachable, format!("{}: {error}", host(&to.endpoint)))
            }
            Ok(answer) => {
                let said = |outcome, status| {
                    Sent::not(outcome, format!("{} answers {status}", host(&to.endpoint)))
                };
                match answer.status().as_u16() {
                    200..=299 => Sent::taken(),
                    gone @ (404 | 410) => said(Outcome::NotForIt, gone),
                    refused @ (400 | 413) => said(Outcome::Refused, refused),
                    other => said(Outcome::Failed, other),
                }
            }
        }
    }

    fn encrypt(
        &self,
        to: &Subscription,
        letter: &Letter,
        payload: &str,
    ) -> Result<WebPushMessage, web_push::WebPushError> {
        let info = SubscriptionInfo::new(&*to.endpoint, &*to.p256dh, &*to.auth);
        let mut signature = VapidSignatureBuilder::from_pem(self.keys.pem().as_bytes(), &info)?;
        signature.add_claim("sub", self.contact.as_str());
        // RFC 8292 wants the origin, and that has a port where it is not the usual one.
        let origin = to.endpoint.split('/').take(3).collect::<Vec<_>>().join("/");
        signature.add_claim("aud", origin);
        let mut message = WebPushMessageBuilder::new(&info);
        message.set_payload(ContentEncoding::Aes128Gcm, payload.as_bytes());
        message.set_vapid_signature(signature.build()?);
        message.set_ttl(ttl_s(letter));
        message.set_urgency(Urgency::High);
        message.set_topic(letter.key.clone());
        message.build()
    }
}

impl Channel for WebPushChannel {
    /// There is no line between two messages.
    fn tend(&mut self) -> Tended {
        Tended::Same
    }

    fn send(&mut self, letter: &Letter) -> Sent {
        match letter.occasion {
            Occasion::Test => {
                let payload = json!({ "title": "Standclear", "text": "Test", "test": true });
                self.send_to_all(letter, &payload.to_string())
            }
            _ if !calls_people(letter) => Sent::not(Outcome::NotForIt, ""),
            Occasion::History => Sent::not(Outcome::TooLate, "it is history"),
            Occasion::News => self.send_to_all(letter, &payload(letter)),
        }
    }

    fn close(&mut self) {}
}

fn calls_people(letter: &Letter) -> bool {
    let priority = letter.text("alarm", "priority");
    let state = letter.text("alarm", "state");
    matches!(priority, Some("emergency" | "high" | "fault"))
        && state.is_some_and(|state| WAITING.contains(&state))
}

/// What the handheld's service worker shows; far below what push services take.
fn payload(letter: &Letter) -> String {
    let alarm = letter.facts.get("alarm");
    let field = |name: &str| alarm.and_then(|alarm| alarm.get(name)).cloned();
    json!({
        "title": field("title"),
        "text": field("text"),
        "zone": field("zone"),
        "camera": field("camera"),
        "alarm": field("id"),
        "version": letter.version,
        "priority": field("priority"),
        "at": letter.at.to_string(),
    })
    .to_string()
}

fn ttl_s(letter: &Letter) -> u32 {
    u32::try_from(letter.news_for.min(TTL_MAX).as_secs()).unwrap_or_default()
}

/// An endpoint's path is a secret; its host is not.
fn host(endpoint: &str) -> &str {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}
