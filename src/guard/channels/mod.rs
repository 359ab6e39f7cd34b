//! The channels of a box: wired to the store and to what is shown of now, started, stopped.
//!
//! What a channel does is `notify`'s; this is all that it may see of the guard. At the end the
//! channels' way to the store is cut: one that hangs keeps nothing from ending.

mod desk;
mod site;
mod source;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

pub use self::desk::ChannelDesk;
use self::site::HubSite;
use self::source::{Line, StoreSource};
use super::clerk::Clerk;
use super::live::LiveHub;
use super::message::Answer;
use crate::clock;
use crate::config::{Config, Notify};
use crate::engine::delivery::Class;
use crate::notify::mqtt::MqttChannel;
use crate::notify::runner::{self, Running};
use crate::notify::webhook::WebhookChannel;
use crate::notify::{Channel, Face, Faces, Kind, State};
use crate::redact::origin;
use crate::store::query::StoreReader;
use crate::store::{Store, StoreError};

/// Longest wait for channels to say goodbye at the end.
const GOODBYE_MAX: Duration = Duration::from_millis(500);

/// How often there is a look whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Name and kind of every channel that is configured, what it wants, and whom it tells.
struct Plan {
    name: String,
    kind: Kind,
    classes: &'static [Class],
    target: String,
}

const EVERYTHING: &[Class] = &Class::ALL;
const ALARMS_AND_FAULTS: &[Class] = &[Class::Alarm, Class::Fault];

/// Whether this program can do Web Push.
const PUSHES: bool = cfg!(feature = "push");

fn plans(notify: &Notify) -> Vec<Plan> {
    let mut plans = Vec::new();
    if let Some(mqtt) = &notify.mqtt {
        plans.push(Plan {
            name: "mqtt".into(),
            kind: Kind::Mqtt,
            classes: EVERYTHING,
            target: format!("{}:{}", mqtt.host, mqtt.port),
        });
    }
    for webhook in &notify.webhooks {
        plans.push(Plan {
            name: format!("webhook-{}", webhook.name),
            kind: Kind::Webhook,
            classes: EVERYTHING,
            // What stands before and behind the host may be a secret.
            target: origin(&webhook.url),
        });
    }
    if notify.web_push.is_some() {
        plans.push(Plan {
            name: "web-push".into(),
            kind: Kind::WebPush,
            classes: ALARMS_AND_FAULTS,
            target: "push services of the handhelds".into(),
        });
    }
    plans
}

/// Name of every channel that is configured, and whom it tells, without secrets.
pub fn targets(notify: &Notify) -> Vec<(String, String)> {
    plans(notify).into_iter().map(|plan| (plan.name, plan.target)).collect()
}

/// Says in the store which channels there are. Before anything is written, so that a channel misses
/// nothing of this life.
///
/// # Errors
/// The store cannot be written.
pub fn register(config: &Config, store: &mut Store) -> Result<(), StoreError> {
    let plans = plans(&config.notify);
    let wanted: Vec<(&str, &[Class])> = plans
        .iter()
        .filter(|plan| PUSHES || plan.kind != Kind::WebPush)
        .map(|plan| (plan.name.as_str(), plan.classes))
        .collect();
    store.set_channels(&wanted)
}

/// What channels read from.
pub struct ChannelReaders {
    box_id: String,
    /// One for each channel: none waits for another's question.
    readers: Vec<StoreReader>,
}

/// Opens what the channels read from.
///
/// # Errors
/// The store cannot be opened once more, or not be read.
pub fn readers(config: &Config, store: &Store) -> Result<ChannelReaders, StoreError> {
    let plans = plans(&config.notify);
    let readers = plans.iter().map(|_plan| store.reader()).collect::<Result<_, _>>()?;
    Ok(ChannelReaders { box_id: store.box_id()?, readers })
}

/// Channels that are ready to start, and the desk that shows them.
pub struct Channels {
    ready: Vec<runner::Parts>,
    line: Line,
    pub desk: Arc<ChannelDesk>,
}

/// Channels that run.
pub struct ChannelThreads {
    running: Vec<Running>,
    line: Line,
    desk: Arc<ChannelDesk>,
}

impl Channels {
    pub fn new(
        config: &Config,
        readers: ChannelReaders,
        (hub, answers): (&Arc<LiveHub>, &SyncSender<Answer>),
        clerk: Clerk,
    ) -> Channels {
        let ChannelReaders { box_id, mut readers } = readers;
        let line = Line::new(clerk);
        let site = Arc::new(HubSite::new(hub.clone(), answers.clone()));
        let now = clock::wall();
        let plans = plans(&config.notify);
        let face = |plan: &Plan| Face::new(plan.name.clone(), plan.kind, plan.target.clone(), now);
        let faces = Faces::new(plans.iter().map(face).collect());
        let mut webhooks = config.notify.webhooks.iter();
        let mut ready = Vec::new();
        let mut push_key = None;
        for plan in plans {
            let Some(reader) = readers.pop().map(Arc::new) else {
                break;
            };
            let seed = seed();
            let channel: Option<Box<dyn Channel>> = match plan.kind {
                Kind::Mqtt => config.notify.mqtt.clone().map(|mqtt| {
                    let channel = MqttChannel::new(mqtt, box_id.clone(), site.clone(), seed);
                    Box::new(channel) as Box<dyn Channel>
                }),
                Kind::Webhook => webhooks.next().map(|webhook| {
                    let channel = WebhookChannel::new(webhook.clone(), box_id.clone());
                    Box::new(channel) as Box<dyn Channel>
                }),
                Kind::WebPush => match web_push(config, &line, reader.clone()) {
                    Ok((channel, key)) => {
                        push_key = Some(key);
                        Some(channel)
                    }
                    Err(why) => {
                        tracing::warn!("there is no Web Push: {why}");
                        faces.change(&plan.name, |face| {
                            face.turn(State::Off, now);
                            face.error = Some((why, now));
                        });
                        None
                    }
                },
            };
            ready.extend(channel.map(|channel| runner::Parts {
                source: Box::new(StoreSource::new(plan.name.clone(), reader, line.clone())),
                name: plan.name,
                box_id: box_id.clone(),
                channel,
                faces: faces.clone(),
                classes: plan.classes.to_vec(),
                seed,
            }));
        }
        let desk = Arc::new(ChannelDesk::new(faces, line.clone(), push_key));
        Channels { ready, line, desk }
    }

    /// # Errors
    /// The system does not allow another thread.
    pub fn start(self) -> io::Result<ChannelThreads> {
        let Channels { ready, line, desk } = self;
        let running = ready.into_iter().map(runner::start).collect::<io::Result<Vec<Running>>>()?;
        desk.takes_orders(&running);
        Ok(ChannelThreads { running, line, desk })
    }
}

impl ChannelThreads {
    /// Ends the channels; one that hangs is left behind, without a way to the store.
    pub fn stop(self) {
        self.desk.takes_no_orders();
        self.running.iter().for_each(Running::stop);
        let until = clock::monotonic().after(GOODBYE_MAX);
        while clock::monotonic() < until && !self.running.iter().all(Running::has_ended) {
            thread::park_timeout(LOOK_EVERY);
        }
        self.line.cut();
    }
}

/// Decides the jitter of a channel's pauses.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    // Without random numbers there is no jitter, which costs nothing but company.
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

#[cfg(feature = "push")]
fn web_push(
    config: &Config,
    line: &Line,
    reader: Arc<StoreReader>,
) -> Result<(Box<dyn Channel>, String), String> {
    use crate::notify::vapid::VapidKeys;
    use crate::notify::web_push::WebPushChannel;
    let folder: &Path = &config.store.path;
    let keys = VapidKeys::of(folder).map_err(|error| crate::telemetry::chain(&error))?;
    let contact = config.notify.web_push.as_ref().map_or("", |push| &push.contact);
    let key = keys.public_base64url();
    let subscriptions = Box::new(source::StoreSubscriptions::new(reader, line.clone()));
    Ok((Box::new(WebPushChannel::new(keys, contact.into(), subscriptions)), key))
}

#[cfg(not(feature = "push"))]
fn web_push(
    config: &Config,
    _line: &Line,
    _reader: Arc<StoreReader>,
) -> Result<(Box<dyn Channel>, String), String> {
    let _folder: &Path = &config.store.path;
    Err("this program was built without it".into())
}
