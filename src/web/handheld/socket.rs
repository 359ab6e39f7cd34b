//! A handheld's socket: who are you, prove it; then alarms out, receipts and answers in.
//!
//! A device that takes nothing for [`STALLED`] is let go, and one that says nothing for
//! [`SILENT_MAX`]: it connects anew, and meanwhile others are called. When the guard is silent the
//! socket closes: an old all-clear must not look like one of now.
//!
//! Not here: what a receipt means, and whether an answer counts.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use tokio::sync::{mpsc, watch};
use tokio::time::{self, MissedTickBehavior};

use super::messages::{self, AlarmDto, FromDevice, StateDto, ToDevice, WelcomeDto};
use super::talk::{ANSWERS_MAX, Device, Pace};
use crate::clock;
use crate::engine::AlarmId;
use crate::engine::paging::SILENT_MAX;
use crate::engine::time::Instant;
use crate::guard::handle::{
    AnswerOutcome, CloseWhy, HandheldAnswer, HandheldLine, Handle, LineId, LineRefusal,
    PushSubscription, Said, ToHandheld,
};
use crate::telemetry::chain;
use crate::web::error::ApiError;
use crate::web::{App, GUARD_SILENT_MS, Running, live, routes};

/// What a device speaks.
const PROTOCOL: u32 = 1;

/// Longest message of a device, bytes. The longest that is known has a few hundred.
const FROM_DEVICE_BYTES_MAX: usize = 16 * 1024;

/// What may wait inside the socket's own buffer: the state with every alarm.
const TO_DEVICE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A longer state goes without outlines and deliveries: who is told less still hears of every alarm.
const STATE_BYTES_MAX: usize = 512 * 1024;

/// Longest wait for each part of the greeting.
const GREETING_MAX: Duration = Duration::from_secs(5);

/// A device that takes nothing for so long is let go.
const STALLED: Duration = Duration::from_secs(1);

const PING_EVERY: Duration = Duration::from_secs(1);

/// The state is said at least so often, so that its silence means something.
const STATE_EVERY: Duration = Duration::from_secs(2);

/// Longest id of an answer, characters; a UUID has 36.
const ANSWER_ID_CHARS_MAX: usize = 64;

/// Messages that cannot be read before the device is let go.
const UNREADABLE_MAX: u32 = 20;

/// What became of an answer, on its way back.
struct Outcome {
    id: String,
    alarm: u64,
    outcome: AnswerOutcome,
}

/// Why a conversation ends.
enum End {
    /// Nothing can be said any more.
    Gone,
    Close(u16, &'static str),
    Revoked,
}

pub(super) async fn socket(
    State(app): State<App>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(live::websocket_expected)?;
    Ok(upgrade
        .max_message_size(FROM_DEVICE_BYTES_MAX)
        .max_frame_size(FROM_DEVICE_BYTES_MAX)
        .write_buffer_size(0)
        .max_write_buffer_size(TO_DEVICE_BYTES_MAX)
        .on_upgrade(move |socket| talk(socket, app)))
}

async fn talk(mut socket: WebSocket, app: App) {
    let end = match greet(&mut socket, &app).await {
        Ok(line) => converse(&mut socket, &app, line).await,
        Err(end) => end,
    };
    let (code, reason) = match end {
        End::Gone => return,
        End::Close(code, reason) => (code, reason),
        End::Revoked => {
            let refusal = LineRefusal::Revoked;
            let (code, message) = (messages::refusal(refusal), refusal.to_string());
            let _ = say(&mut socket, &ToDevice::Refused { code, message }).await;
            (close_code::POLICY, "revoked")
        }
    };
    let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    let _ = time::timeout(STALLED, socket.send(close)).await;
}

/// Who it is; refuses whoever cannot show it.
async fn greet(socket: &mut WebSocket, app: &App) -> Result<HandheldLine, End> {
    let desk = app.handle.handheld_desk();
    // Whoever is let in counts as listening, and would hear of nothing.
    if app.now().is_err() {
        return Err(End::Close(close_code::AGAIN, "the guard says nothing"));
    }
    let FromDevice::Hello { device, protocol } = next(socket).await? else {
        return Err(refuse(socket, "protocol", "say hello first".into()).await);
    };
    if protocol != PROTOCOL {
        let message = format!("this box speaks protocol {PROTOCOL}; load the page anew");
        return Err(refuse(socket, "protocol", message).await);
    }
    let Ok(nonce) = desk.nonce() else {
        return Err(End::Close(close_code::ERROR, "the system gives no random numbers"));
    };
    say(socket, &ToDevice::Challenge { nonce: &nonce }).await?;
    let FromDevice::Proof { signature } = next(socket).await? else {
        return Err(refuse(socket, "protocol", "prove who you are first".into()).await);
    };
    match desk.connect(&device, &nonce, &signature) {
        Ok(line) => Ok(line),
        Err(refusal) => {
            tracing::warn!("a handheld was refused: {refusal}");
            Err(refuse(socket, messages::refusal(refusal), refusal.to_string()).await)
        }
    }
}

async fn refuse(socket: &mut WebSocket, code: &'static str, message: String) -> End {
    match say(socket, &ToDevice::Refused { code, message }).await {
        Ok(()) => End::Close(close_code::POLICY, code),
        Err(end) => end,
    }
}

/// The next message of the greeting.
async fn next(socket: &mut WebSocket) -> Result<FromDevice, End> {
    let message = time::timeout(GREETING_MAX, socket.recv()).await;
    match message {
        Ok(Some(Ok(Message::Text(text)))) => serde_json::from_str(&text)
            .map_err(|_unreadable| End::Close(close_code::POLICY, "unreadable")),
        Ok(Some(Ok(_other))) => Err(End::Close(close_code::UNSUPPORTED, "text only")),
        Ok(Some(Err(error))) => Err(too_large(&error)),
        Ok(None) => Err(End::Gone),
        Err(_elapsed) => Err(End::Close(close_code::POLICY, "too slow")),
    }
}

/// Takes what a device says.
struct Ear {
    app: App,
    line: LineId,
    /// Its id.
    device: String,
    /// Whose it is, for the log.
    name: String,
    outcomes: mpsc::Sender<Outcome>,
    heard_at: Instant,
    /// What it has under way, over all its connections.
    talk: Arc<Device>,
    unreadable: u32,
}

async fn converse(socket: &mut WebSocket, app: &App, mut line: HandheldLine) -> End {
    match hold(socket, app, &mut line).await {
        Ok(()) => End::Gone,
        Err(end) => end,
    }
}

async fn hold(socket: &mut WebSocket, app: &App, line: &mut HandheldLine) -> Result<(), End> {
    let snapshot = app.handle.snapshots().borrow().clone();
    let box_id = app.handle.handheld_desk().box_id();
    let push_key = app.handle.channel_desk().push_key();
    let welcome = WelcomeDto::of(line, &snapshot, box_id, push_key);
    say(socket, &ToDevice::Welcome(welcome)).await?;
    let (outcomes, mut carried_out) = mpsc::channel(ANSWERS_MAX);
    let mut ear = Ear::new(app, line, outcomes);
    let mut stopping = app.stopping.clone();
    let mut pings = time::interval(PING_EVERY);
    let mut states = time::interval(STATE_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ping = 0;
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stopping) => {
                return Err(End::Close(close_code::AWAY, "the box stops"));
            }
            message = line.messages.recv() => deliver(socket, message).await?,
            Some(outcome) = carried_out.recv() => tell(socket, &outcome).await?,
            Ok(()) = line.state.changed() => {
                show(socket, app, line).await?;
                states.reset();
            }
            _tick = states.tick() => show(socket, app, line).await?,
            _tick = pings.tick() => {
                if clock::monotonic().since(ear.heard_at) >= SILENT_MAX {
                    return Err(End::Close(close_code::POLICY, "silent"));
                }
                ping += 1;
                say(socket, &ToDevice::Ping { n: ping }).await?;
            }
            said = socket.recv() => ear.hear(said)?,
        }
    }
}

async fn stopped(stopping: &mut watch::Receiver<Running>) {
    // An error means that the server is gone, which is as good as a stop.
    let _ = stopping.wait_for(|running| *running == Running::Stopping).await;
}

/// An alarm, or the end of the line.
async fn deliver(socket: &mut WebSocket, message: Option<ToHandheld>) -> Result<(), End> {
    match message {
        Some(ToHandheld::Alarm { alarm, attempt, sent_at }) => {
            let sent_at = crate::web::dto::timestamp(sent_at);
            let alarm = AlarmDto::of(&alarm);
            say(socket, &ToDevice::Alarm { alarm, attempt, sent_at }).await
        }
        Some(ToHandheld::Close(CloseWhy::Revoked)) => Err(End::Revoked),
        Some(ToHandheld::Close(CloseWhy::Replaced)) => {
            Err(End::Close(close_code::POLICY, "this device opened another connection"))
        }
        Some(ToHandheld::Close(CloseWhy::Silent)) => Err(End::Close(close_code::POLICY, "silent")),
        None => Err(End::Close(close_code::AGAIN, "connect again")),
    }
}

/// The state, unless the guard or its pager is silent.
async fn show(socket: &mut WebSocket, app: &App, line: &mut HandheldLine) -> Result<(), End> {
    let state = line.state.borrow_and_update().clone();
    let age = clock::monotonic().since(state.made_at);
    if app.now().is_err() || age > Duration::from_millis(GUARD_SILENT_MS) {
        return Err(End::Close(close_code::AGAIN, "the guard says nothing"));
    }
    let mut shown = ToDevice::State(StateDto::of(&state, &line.person));
    let mut text = text_of(&shown)?;
    if text.len() > STATE_BYTES_MAX
        && let ToDevice::State(state) = &mut shown
    {
        state.leave_details_out();
        text = text_of(&shown)?;
    }
    say_text(socket, text).await
}

async fn tell(socket: &mut WebSocket, told: &Outcome) -> Result<(), End> {
    let (outcome, message) = messages::outcome(told.outcome);
    let (id, alarm) = (told.id.as_str(), told.alarm);
    say(socket, &ToDevice::Acknowledged { id, alarm, outcome, message }).await
}

async fn say(socket: &mut WebSocket, message: &ToDevice<'_>) -> Result<(), End> {
    say_text(socket, text_of(message)?).await
}

fn text_of(message: &ToDevice<'_>) -> Result<String, End> {
    serde_json::to_string(message).map_err(|error| {
        tracing::error!(%error, "a message to a handheld could not be written as JSON");
        End::Close(close_code::ERROR, "the box failed; its log says why")
    })
}

async fn say_text(socket: &mut WebSocket, text: String) -> Result<(), End> {
    match time::timeout(STALLED, socket.send(Message::text(text))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}

impl Ear {
    fn new(app: &App, line: &HandheldLine, outcomes: mpsc::Sender<Outcome>) -> Ear {
        let now = clock::monotonic();
        Ear {
            app: app.clone(),
            line: line.id,
            device: line.device_id.clone(),
            name: format!("{} ({})", line.person, line.device),
            outcomes,
            heard_at: now,
            talk: app.devices.device(&line.device_id),
            unreadable: 0,
        }
    }

    fn hear(&mut self, said: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        let text = match said {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Binary(_))) => {
                return Err(End::Close(close_code::UNSUPPORTED, "text only"));
            }
            Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
            Some(Err(error)) => {
                tracing::warn!("the line of {} ends: {error}", self.name);
                return Err(too_large(&error));
            }
        };
        let now = clock::monotonic();
        self.heard_at = now;
        if self.talk.counts(now) == Pace::TooFast {
            return Err(End::Close(close_code::POLICY, "too many messages"));
        }
        match serde_json::from_str(&text) {
            Ok(said) => self.take(said),
            Err(error) => {
                self.unreadable += 1;
                tracing::warn!("{} said something unreadable: {error}", self.name);
                if self.unreadable > UNREADABLE_MAX {
                    return Err(End::Close(close_code::POLICY, "unreadable"));
                }
                // Whoever speaks is there, whatever it says.
                self.said(Said::Here);
            }
        }
        Ok(())
    }

    fn said(&self, said: Said) {
        self.app.handle.handheld_desk().said(self.line, said);
    }

    fn take(&self, said: FromDevice) {
        match said {
            FromDevice::Hello { .. } | FromDevice::Proof { .. } | FromDevice::Pong {} => {
                self.said(Said::Here);
            }
            FromDevice::Received { alarm, version } => {
                self.said(Said::Received { alarm: AlarmId(alarm), version });
            }
            FromDevice::Shown { alarm, version } => {
                self.said(Said::Shown { alarm: AlarmId(alarm), version });
            }
            FromDevice::CallNext { alarm } => self.said(Said::CallNext { alarm: AlarmId(alarm) }),
            FromDevice::Awake { visible, sound, notifications } => {
                self.said(Said::Awake(messages::presence(visible, sound, notifications)));
            }
            FromDevice::SubscribePush { subscription } => {
                self.said(Said::Here);
                self.subscribe(subscription.into());
            }
            FromDevice::Silence { seen } => {
                self.said(Said::Here);
                self.silence(seen);
            }
            FromDevice::Acknowledge { alarm, version, id, age_ms } => {
                self.said(Said::Here);
                let id = id.chars().take(ANSWER_ID_CHARS_MAX).collect();
                let age = Duration::from_millis(age_ms);
                self.answer(HandheldAnswer { alarm: AlarmId(alarm), version, id, age });
            }
        }
    }

    /// Carries an answer out beside the conversation, which goes on.
    fn answer(&self, answer: HandheldAnswer) {
        let place = self.outcomes.clone().try_reserve_owned();
        let (Ok(place), Some(turn)) = (place, self.talk.answer()) else {
            // It asks again.
            return;
        };
        let (app, line) = (self.app.clone(), self.line);
        tokio::spawn(async move {
            let (id, alarm) = (answer.id.clone(), answer.alarm.0);
            let outcome = carry_out(&app, line, answer).await;
            drop(turn);
            place.send(Outcome { id, alarm, outcome });
        });
    }

    /// Keeps where its browser takes messages while the page is closed.
    fn subscribe(&self, subscription: PushSubscription) {
        let Some(turn) = self.talk.subscribe(&subscription, clock::monotonic()) else { return };
        let (app, device, name) = (self.app.clone(), self.device.clone(), self.name.clone());
        let talk = Arc::clone(&self.talk);
        tokio::spawn(async move {
            let to = subscription.clone();
            let keep =
                move |handle: &dyn Handle| handle.channel_desk().push_subscribe(&device, &to);
            match routes::ask(&app, keep).await {
                Ok(Ok(())) => talk.subscribed(subscription, clock::monotonic()),
                Ok(Err(error)) => tracing::warn!("{name} gets no Web Push: {}", chain(&error)),
                // A panic is in the log.
                Err(_) => {}
            }
            drop(turn);
        });
    }

    fn silence(&self, seen: u64) {
        let Some(turn) = self.talk.silence() else { return };
        let (app, line) = (self.app.clone(), self.line);
        tokio::spawn(async move {
            // Among the questions: no answer to an alarm waits behind it. A panic is in the log.
            let silence =
                move |handle: &dyn Handle| handle.handheld_desk().silence_siren(line, seen);
            let _ = routes::ask(&app, silence).await;
            drop(turn);
        });
    }
}

async fn carry_out(app: &App, line: LineId, answer: HandheldAnswer) -> AnswerOutcome {
    let Ok(turn) = Arc::clone(&app.answers).acquire_owned().await else {
        return AnswerOutcome::Busy;
    };
    let handle = Arc::clone(&app.handle);
    let work = tokio::task::spawn_blocking(move || {
        let outcome = handle.handheld_desk().answer(line, &answer);
        drop(turn);
        outcome
    });
    work.await.unwrap_or(AnswerOutcome::Busy)
}

/// A message that was too long, or a broken connection; both end it.
fn too_large(error: &axum::Error) -> End {
    match error.to_string().contains("too long") || error.to_string().contains("too big") {
        true => End::Close(close_code::SIZE, "message too long"),
        false => End::Gone,
    }
}
