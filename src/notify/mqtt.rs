//! A broker: letters as events, the zones as retained state, Home Assistant, answers by message.
//!
//! Topics below `<prefix>/<box>/`: `availability` (`online`, and `offline` as the last will),
//! `zone/<zone>/state` and `state` (retained), `alarm/<n>`, `incident/<n>`, `zone/<zone>/event`,
//! `test`, `command/acknowledge` and its `result`. All of it with QoS 1: a letter counts as delivered
//! with the broker's word, and a broker that forgot its session costs nothing, since what has no word
//! is still in the outbox.
//!
//! Answers are taken only where the connection has a login: who may publish there is the broker's to
//! say. One that the broker kept from earlier is none: what was said then is not said now.
//!
//! A letter to which nobody has subscribed is delivered to the broker, and the channel says that nobody
//! got it: waiting would not bring a receiver, and who subscribes later is not to be told as news. What
//! is retained is delivered to whoever comes.
//!
//! What is beside the letters (state, discovery, answers) may be refused: it is complained of, and
//! letters go out all the same. While the broker refuses a zone's state the box does not say that it is
//! online: nobody is to believe what the broker kept. What it kept of zones that are gone, from this
//! life or an earlier one, is taken away.
//!
//! Not here: the bytes on the wire (`wire`), what is sent next.

mod discovery;
mod packets;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use self::packets::{Hello, Incoming, Kept, Publication, Word};
use self::wire::{Wire, WireError};
use super::{Channel, Letter, Occasion, Refused, Sent, Site, SiteNow, Tended, ZoneNow};
use crate::clock;
use crate::config::{Discovery, NotifyMqtt};
use crate::engine::delivery::{BackOff, Outcome};
use crate::engine::time::Instant;
use crate::telemetry::chain;

/// How often the state of the box is published when only its numbers changed.
const STATE_EVERY: Duration = Duration::from_secs(60);

/// How often a refused answer is logged: whoever may publish there must not fill the log.
const REFUSAL_LOGGED_EVERY: Duration = Duration::from_secs(10);

/// Largest password file, bytes: it holds one line.
const PASSWORD_BYTES_MAX: u64 = 1_024;

/// Longest name of a person in an answer, characters.
const BY_CHARS_MAX: usize = 60;

/// Largest answer that is read, bytes.
const COMMAND_BYTES_MAX: usize = 1_024;

/// See [`Channel`].
pub struct MqttChannel {
    broker: NotifyMqtt,
    box_id: String,
    base: String,
    site: Arc<dyn Site>,
    wire: Option<Wire>,
    back_off: BackOff,
    try_at: Option<Instant>,
    /// Why there is no connection.
    why: String,
    /// Zone and what was said of it on this connection.
    shown: BTreeMap<String, String>,
    /// Zones whose state the broker did not take.
    unsaid: BTreeSet<String>,
    state_shown: Option<(String, Instant)>,
    availability_said: Option<&'static str>,
    /// Topic and configuration of what Home Assistant was told on this connection, and for which
    /// names.
    announced: BTreeMap<String, String>,
    announced_for: Option<Names>,
    complaint: Option<String>,
    complained: Option<String>,
    refusal_logged_at: Option<Instant>,
}

/// The site's name; every zone's id and name.
type Names = (String, Vec<(String, String)>);

/// An answer to an alarm, as it comes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    alarm: u64,
    version: u64,
    by: String,
}

impl MqttChannel {
    pub fn new(broker: NotifyMqtt, box_id: String, site: Arc<dyn Site>, seed: u64) -> MqttChannel {
        MqttChannel {
            base: format!("{}/{box_id}", broker.prefix),
            broker,
            box_id,
            site,
            wire: None,
            back_off: BackOff::new(seed),
            try_at: None,
            why: "the broker is not connected".into(),
            shown: BTreeMap::new(),
            unsaid: BTreeSet::new(),
            state_shown: None,
            availability_said: None,
            announced: BTreeMap::new(),
            announced_for: None,
            complaint: None,
            complained: None,
            refusal_logged_at: None,
        }
    }

    fn topic(&self, rest: &str) -> String {
        format!("{}/{rest}", self.base)
    }

    fn connect(&mut self) -> Result<(), WireError> {
        self.forget_what_was_said();
        let login = match &self.broker.login {
            None => None,
            Some(login) => {
                let password = match &login.password_file {
                    None => String::new(),
                    Some(file) => first_line(file)?,
                };
                Some((login.user.clone(), password))
            }
        };
        let availability = self.topic("availability");
        let mut wire = Wire::connect(
            &self.broker,
            &Hello {
                client_id: &format!("standclear-{}", self.box_id),
                login,
                will_topic: &availability,
                will: b"offline",
            },
        )?;
        if self.broker.login.is_some() {
            let topic = self.topic("command/acknowledge");
            let word = wire.hear(&topic)?;
            self.note_word(&topic, word);
        }
        self.look_at_kept(&mut wire)?;
        self.show(&mut wire)?;
        self.wire = Some(wire);
        Ok(())
    }

    fn forget_what_was_said(&mut self) {
        self.shown.clear();
        self.unsaid.clear();
        self.state_shown = None;
        self.availability_said = None;
        self.announced.clear();
        self.announced_for = None;
    }

    /// Has the broker tell what it keeps of this box.
    fn look_at_kept(&mut self, wire: &mut Wire) -> Result<(), WireError> {
        let mut filters = vec![self.topic("zone/+/state")];
        if self.broker.discovery == Discovery::HomeAssistant {
            filters.push(discovery::filter(&self.box_id));
        }
        for filter in filters {
            let word = wire.look_at_kept(&filter)?;
            self.note_word(&filter, word);
        }
        Ok(())
    }

    /// Publishes what the broker is to keep; one that refuses is complained of.
    fn keep(&mut self, wire: &mut Wire, topic: &str, payload: &[u8]) -> Result<Word, WireError> {
        let word = wire.publish(Publication { topic, payload, kept: Kept::Yes })?;
        self.note_word(topic, word.clone());
        Ok(word)
    }

    fn note_word(&mut self, topic: &str, word: Word) {
        match word {
            // What is kept waits for whoever subscribes later.
            Word::Taken | Word::NobodySubscribed => {}
            Word::Refused(why) | Word::Forbidden(why) => {
                self.complaint.get_or_insert_with(|| format!("the broker refuses {topic}: {why}"));
            }
        }
    }

    /// Publishes what has changed since it was said on this connection.
    fn show(&mut self, wire: &mut Wire) -> Result<(), WireError> {
        let now = self.site.now();
        if self.broker.discovery == Discovery::HomeAssistant {
            self.announce(wire, &now)?;
        }
        self.show_zones(wire, &now)?;
        self.clear_kept(wire, &now)?;
        let (state, essence) = (box_state(&now), essence(&now));
        let at = clock::monotonic();
        let due = self
            .state_shown
            .as_ref()
            .is_none_or(|(said, when)| *said != essence || at.since(*when) >= STATE_EVERY);
        if due {
            self.keep(wire, &self.topic("state"), state.as_bytes())?;
            self.state_shown = Some((essence, at));
            // What was refused is tried again with it.
            self.shown.retain(|zone, _| !self.unsaid.contains(zone));
        }
        // The zones first: whoever sees the box online sees what its zones are.
        let availability = if self.unsaid.is_empty() { "online" } else { "offline" };
        if self.availability_said != Some(availability) {
            self.keep(wire, &self.topic("availability"), availability.as_bytes())?;
            self.availability_said = Some(availability);
        }
        Ok(())
    }

    fn announce(&mut self, wire: &mut Wire, now: &SiteNow) -> Result<(), WireError> {
        let zones = now.zones.iter().map(|zone| (zone.id.clone(), zone.name.clone()));
        let names = (now.name.clone(), zones.collect());
        if self.announced_for.as_ref() == Some(&names) {
            return Ok(());
        }
        let entities: BTreeMap<String, String> =
            discovery::entities(&self.base, &self.box_id, now).into_iter().collect();
        let gone = |topic: &&String| !entities.contains_key(*topic);
        for topic in self.announced.keys().filter(gone).cloned().collect::<Vec<String>>() {
            self.keep(wire, &topic, b"")?;
        }
        for (topic, config) in &entities {
            if self.announced.get(topic) != Some(config) {
                self.keep(wire, topic, config.as_bytes())?;
            }
        }
        self.announced = entities;
        self.announced_for = Some(names);
        Ok(())
    }

    fn show_zones(&mut self, wire: &mut Wire, now: &SiteNow) -> Result<(), WireError> {
        for zone in &now.zones {
            let text = zone_state(zone);
            if self.shown.get(&zone.id) != Some(&text) {
                let topic = self.zone_topic(&zone.id);
                match self.keep(wire, &topic, text.as_bytes())? {
                    Word::Taken | Word::NobodySubscribed => self.unsaid.remove(&zone.id),
                    Word::Refused(_) | Word::Forbidden(_) => self.unsaid.insert(zone.id.clone()),
                };
                self.shown.insert(zone.id.clone(), text);
            }
        }
        let gone = |id: &&String| now.zones.iter().all(|zone| zone.id != **id);
        for id in self.shown.keys().filter(gone).cloned().collect::<Vec<String>>() {
            // An empty retained message takes the kept one away.
            self.keep(wire, &self.zone_topic(&id), b"")?;
            self.shown.remove(&id);
        }
        self.unsaid.retain(|id| now.zones.iter().any(|zone| zone.id == *id));
        Ok(())
    }

    /// Takes away what the broker kept of zones that are gone since an earlier connection.
    fn clear_kept(&mut self, wire: &mut Wire, now: &SiteNow) -> Result<(), WireError> {
        // Before the first zones are known nothing is known to be gone.
        if now.zones.is_empty() {
            return Ok(());
        }
        for topic in wire.kept() {
            let is_of_a_zone = now.zones.iter().any(|zone| self.zone_topic(&zone.id) == topic);
            if !is_of_a_zone && !self.announced.contains_key(&topic) {
                self.keep(wire, &topic, b"")?;
            }
        }
        Ok(())
    }

    fn zone_topic(&self, zone: &str) -> String {
        self.topic(&format!("zone/{zone}/state"))
    }

    fn with_wire<T>(
        &mut self,
        work: impl FnOnce(&mut MqttChannel, &mut Wire) -> Result<T, WireError>,
    ) -> Result<T, WireError> {
        if self.wire.is_none() {
            self.connect()?;
        }
        let Some(mut wire) = self.wire.take() else {
            return Err(WireError::Ended);
        };
        let outcome = work(self, &mut wire);
        // A connection that failed once is not trusted again.
        if outcome.is_ok() {
            self.wire = Some(wire);
        }
        outcome
    }

    /// Leaves the broker alone for a while; why, for people.
    fn failed(&mut self, error: &WireError) -> String {
        self.try_at = Some(clock::monotonic().after(self.back_off.pause()));
        self.why = chain(error);
        self.why.clone()
    }

    fn look_after(&mut self) -> Result<(), WireError> {
        self.with_wire(|channel, wire| {
            for message in wire.tend()? {
                channel.obey(wire, &message)?;
            }
            channel.show(wire)
        })
    }

    /// What is new to complain of.
    fn complains(&mut self) -> Tended {
        match self.complaint.take() {
            Some(why) if self.complained.as_ref() != Some(&why) => {
                self.complained = Some(why.clone());
                Tended::Complains(why)
            }
            Some(_) | None => Tended::Same,
        }
    }

    fn obey(&mut self, wire: &mut Wire, message: &Incoming) -> Result<(), WireError> {
        if message.topic != self.topic("command/acknowledge") || message.kept == Kept::Yes {
            return Ok(());
        }
        let outcome = self.acknowledge(&message.payload);
        let result = match &outcome {
            Ok(alarm) => json!({ "alarm": alarm, "outcome": "acknowledged" }),
            Err((alarm, refused)) => {
                self.log_refusal(&refused.message);
                json!({ "alarm": alarm, "outcome": refused.code, "message": refused.message })
            }
        };
        let topic = self.topic("command/acknowledge/result");
        let result = result.to_string();
        let payload = result.as_bytes();
        let word = wire.publish(Publication { topic: &topic, payload, kept: Kept::No })?;
        self.note_word(&topic, word);
        Ok(())
    }

    fn log_refusal(&mut self, why: &str) {
        let now = clock::monotonic();
        if self.refusal_logged_at.is_none_or(|at| now.since(at) >= REFUSAL_LOGGED_EVERY) {
            tracing::warn!("an answer by MQTT was refused: {why}");
            self.refusal_logged_at = Some(now);
        }
    }

    fn acknowledge(&self, payload: &[u8]) -> Result<u64, (Option<u64>, Refused)> {
        let right = r#"must be {"alarm": 12, "version": 7340033, "by": "Eva"}"#;
        let bad = |why: String| (None, Refused { code: "bad_request", message: why });
        if payload.len() > COMMAND_BYTES_MAX {
            return Err(bad(format!("an answer {right}, at most {COMMAND_BYTES_MAX} bytes")));
        }
        let command: Command =
            serde_json::from_slice(payload).map_err(|error| bad(format!("{right}: {error}")))?;
        let by = command.by.trim();
        let long = by.is_empty() || by.chars().count() > BY_CHARS_MAX;
        if long || by.contains(char::is_control) {
            return Err(bad(format!("by must be a name of 1 to {BY_CHARS_MAX} characters")));
        }
        let by = format!("{by} (by MQTT)");
        self.site
            .acknowledge(command.alarm, command.version, &by)
            .map(|()| command.alarm)
            .map_err(|refused| (Some(command.alarm), refused))
    }

    fn letter_topic(&self, letter: &Letter) -> String {
        // A probe goes where the message goes: rights are a matter of topics.
        let key = letter.in_place_of.as_ref().unwrap_or(&letter.key);
        match key.split_once('-') {
            None => self.topic("test"),
            Some(("zone", zone)) => self.topic(&format!("zone/{zone}/event")),
            Some((kind, number)) => self.topic(&format!("{kind}/{number}")),
        }
    }
}

impl Channel for MqttChannel {
    fn tend(&mut self) -> Tended {
        let connected = self.wire.is_some();
        if !connected && self.try_at.is_some_and(|at| at > clock::monotonic()) {
            return Tended::Same;
        }
        match self.look_after() {
            Ok(()) => {
                self.try_at = None;
                if connected { self.complains() } else { Tended::Came }
            }
            Err(error) => Tended::Broken(self.failed(&error)),
        }
    }

    fn send(&mut self, letter: &Letter) -> Sent {
        if self.wire.is_none() && self.try_at.is_some_and(|at| at > clock::monotonic()) {
            return Sent::not(Outcome::Unreachable, self.why.clone());
        }
        let topic = self.letter_topic(letter);
        let payload = letter.json.as_bytes();
        let sent = self.with_wire(|_, wire| {
            wire.publish(Publication { topic: &topic, payload, kept: Kept::No })
        });
        match sent {
            Ok(word @ (Word::Taken | Word::NobodySubscribed)) => {
                // Not for a connection alone: a letter that breaks each one would be tried ever
                // faster.
                if letter.occasion != Occasion::Test {
                    self.back_off.works();
                }
                match word {
                    Word::NobodySubscribed => {
                        Sent::taken_for_nobody(format!("nobody has subscribed to {topic}"))
                    }
                    Word::Taken | Word::Refused(_) | Word::Forbidden(_) => Sent::taken(),
                }
            }
            Ok(Word::Forbidden(why)) => {
                Sent::not(Outcome::Forbidden, format!("the broker refuses {topic}: {why}"))
            }
            // The message is not to blame until a test message goes through.
            Ok(Word::Refused(why)) => {
                Sent::not(Outcome::Failed, format!("the broker refuses {topic}: {why}"))
            }
            Err(error) => Sent::not(Outcome::Unreachable, self.failed(&error)),
        }
    }

    fn close(&mut self) {
        let topic = self.topic("availability");
        if let Some(mut wire) = self.wire.take() {
            // The broker says it by itself when this does not arrive.
            let payload = b"offline";
            let _ = wire.publish(Publication { topic: &topic, payload, kept: Kept::Yes });
            wire.close();
        }
    }
}

fn zone_state(zone: &ZoneNow) -> String {
    json!({
        "zone": zone.id,
        "name": zone.name,
        "camera": zone.camera,
        "state": zone.state,
        "reason": zone.reason,
        "since": zone.since.to_string(),
        "people": zone.people,
        "arming": zone.armed,
    })
    .to_string()
}

fn box_state(now: &SiteNow) -> String {
    let count = |state| now.zones.iter().filter(|zone| zone.state == state).count();
    json!({
        "site": now.name,
        "at": now.at.to_string(),
        "zones": { "clear": count("clear"), "occupied": count("occupied"), "unknown": count("unknown") },
        "siren": now.siren,
        "vision": now.vision,
        "unacknowledged": now.unacknowledged,
        "latency_p99_ms": now.latency_p99_ms,
        "latency_max_ms": now.latency_max_ms,
    })
    .to_string()
}

/// What of the box's state is told at once; the rest waits for the minute.
fn essence(now: &SiteNow) -> String {
    let states: Vec<&str> = now.zones.iter().map(|zone| zone.state).collect();
    format!("{states:?} {} {} {}", now.siren, now.vision, now.unacknowledged)
}

fn first_line(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(PASSWORD_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
