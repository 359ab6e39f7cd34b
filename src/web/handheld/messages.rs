//! The socket's messages, field by field as in docs/reference/handhelds.md.

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::engine::Priority;
use crate::guard::handle::{
    AnswerOutcome, Delivery, HandheldAlarm, HandheldLine, HandheldState, HeldForHandheld, HoldKind,
    LineRefusal, Notifications, Outline, Presence, PushSubscription, Screen, SirenSound, Snapshot,
    Sound, Unguarded, UnguardedZone,
};
use crate::web::dto::{AlarmStateDto, timestamp};

/// Corners of an outline that are sent along; a zone with more is shown by its picture.
const CORNERS_MAX: usize = 200;

/// What a device says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum FromDevice {
    Hello {
        device: String,
        protocol: u32,
    },
    Proof {
        signature: String,
    },
    Received {
        alarm: u64,
        version: u64,
    },
    Shown {
        alarm: u64,
        version: u64,
    },
    Acknowledge {
        alarm: u64,
        version: u64,
        id: String,
        age_ms: u64,
    },
    /// `seen`: the highest version of an alarm it showed.
    Silence {
        seen: u64,
    },
    CallNext {
        alarm: u64,
    },
    Pong {},
    SubscribePush {
        subscription: SubscriptionDto,
    },
    Awake {
        visible: bool,
        sound: SoundDto,
        notifications: NotificationsDto,
    },
}

#[derive(Debug, Deserialize)]
pub(super) struct SubscriptionDto {
    endpoint: String,
    keys: KeysDto,
}

#[derive(Debug, Deserialize)]
struct KeysDto {
    p256dh: String,
    auth: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SoundDto {
    Ready,
    Blocked,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NotificationsDto {
    Granted,
    Denied,
    Default,
    Unsupported,
}

/// What the box says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToDevice<'a> {
    Challenge { nonce: &'a str },
    Welcome(WelcomeDto<'a>),
    Refused { code: &'static str, message: String },
    State(StateDto<'a>),
    Alarm { alarm: AlarmDto<'a>, attempt: u32, sent_at: String },
    Acknowledged { id: &'a str, alarm: u64, outcome: &'static str, message: &'static str },
    Ping { n: u64 },
}

#[derive(Debug, Serialize)]
pub(super) struct WelcomeDto<'a> {
    #[serde(rename = "box")]
    box_id: String,
    site: &'a str,
    time_zone: &'a str,
    person: &'a str,
    device: &'a str,
    server_now: String,
    push_key: Option<String>,
    ticket: &'a str,
    cameras: Vec<CameraDto<'a>>,
}

#[derive(Debug, Serialize)]
struct CameraDto<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct StateDto<'a> {
    now: String,
    watched: WatchedDto<'a>,
    held: Vec<HeldDto<'a>>,
    siren: SirenDto<'a>,
    alarms: Vec<AlarmDto<'a>>,
    duty: DutyDto<'a>,
}

#[derive(Debug, Serialize)]
struct WatchedDto<'a> {
    zones: usize,
    unknown: usize,
    unguarded: Vec<UnguardedDto<'a>>,
}

#[derive(Debug, Serialize)]
struct UnguardedDto<'a> {
    zone: &'a str,
    name: &'a str,
    why: &'static str,
}

/// What people keep quiet; fields as in `holds` of the state of the API.
#[derive(Debug, Serialize)]
struct HeldDto<'a> {
    state: &'static str,
    alarm: Option<u64>,
    open_alarm: Option<u64>,
    zone: Option<&'a str>,
    title: &'a str,
    by: &'a str,
    reason: &'a str,
    until: Option<String>,
}

#[derive(Debug, Serialize)]
struct SirenDto<'a> {
    sound: &'static str,
    fault: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct DutyDto<'a> {
    shift: Option<&'a str>,
    people: Vec<OnDutyDto<'a>>,
}

#[derive(Debug, Serialize)]
struct OnDutyDto<'a> {
    person: &'a str,
    /// From 1.
    place: usize,
    listening: bool,
    you: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct AlarmDto<'a> {
    id: u64,
    version: u64,
    renewed: u64,
    priority: &'static str,
    state: AlarmStateDto,
    title: &'a str,
    text: &'a str,
    zone: Option<&'a str>,
    camera: Option<&'a str>,
    raised_at: String,
    captured_at: Option<String>,
    changed_at: String,
    acknowledged_by: Option<&'a str>,
    acknowledged_at: Option<String>,
    incident: Option<u64>,
    has_snapshot: bool,
    people: u32,
    outline: Option<OutlineDto<'a>>,
    delivery: Vec<DeliveryDto<'a>>,
    next: Option<NextDto<'a>>,
}

#[derive(Debug, Serialize)]
struct OutlineDto<'a> {
    polygons: &'a [Vec<Vec<[f64; 2]>>],
    line: Option<&'a [[f64; 2]]>,
}

#[derive(Debug, Serialize)]
struct DeliveryDto<'a> {
    person: &'a str,
    device: &'a str,
    sent_ms: u32,
    received_ms: Option<u32>,
    shown_ms: Option<u32>,
}

#[derive(Debug, Serialize)]
struct NextDto<'a> {
    person: &'a str,
    in_s: u64,
}

impl<'a> WelcomeDto<'a> {
    pub fn of(
        line: &'a HandheldLine,
        now: &'a Snapshot,
        box_id: String,
        push_key: Option<String>,
    ) -> WelcomeDto<'a> {
        let cameras = now.cameras.iter().map(|it| CameraDto { id: &it.id, name: &it.name });
        WelcomeDto {
            box_id,
            site: &now.site.name,
            time_zone: &now.site.time_zone,
            person: &line.person,
            device: &line.device,
            server_now: timestamp(clock::wall()),
            push_key,
            ticket: &line.ticket,
            cameras: cameras.collect(),
        }
    }
}

impl<'a> StateDto<'a> {
    /// The state, for a person.
    pub fn of(state: &'a HandheldState, person: &str) -> StateDto<'a> {
        let on_duty = state.duty.people.iter().zip(1..).map(|(it, place)| OnDutyDto {
            person: &it.person,
            place,
            listening: it.listens,
            you: it.person == person,
        });
        StateDto {
            now: timestamp(state.now),
            watched: WatchedDto {
                zones: state.zones,
                unknown: state.zones_unknown,
                unguarded: state.unguarded.iter().map(unguarded).collect(),
            },
            held: state.held.iter().map(held).collect(),
            siren: SirenDto {
                sound: state.siren.as_ref().map_or("silent", |siren| match siren.sound {
                    SirenSound::Silent => "silent",
                    SirenSound::Intrusion => "intrusion",
                    SirenSound::Warning => "warning",
                    SirenSound::Fault => "fault",
                }),
                fault: state.siren.as_ref().and_then(|siren| siren.fault.as_deref()),
            },
            alarms: state.alarms.iter().map(|alarm| AlarmDto::of(alarm)).collect(),
            duty: DutyDto { shift: state.duty.shift.as_deref(), people: on_duty.collect() },
        }
    }
}

impl StateDto<'_> {
    /// Every alarm stays; its outline and who got it go.
    pub fn leave_details_out(&mut self) {
        for alarm in &mut self.alarms {
            alarm.outline = None;
            alarm.delivery = Vec::new();
        }
    }
}

impl<'a> AlarmDto<'a> {
    pub fn of(alarm: &'a HandheldAlarm) -> AlarmDto<'a> {
        let now = clock::monotonic();
        let answer = alarm.acknowledged.as_ref();
        AlarmDto {
            id: alarm.id.0,
            version: alarm.version,
            renewed: alarm.renewed,
            priority: match alarm.priority {
                Priority::Emergency => "emergency",
                Priority::High => "high",
                Priority::Low => "low",
                Priority::Fault => "fault",
            },
            state: alarm.state.into(),
            title: &alarm.title,
            text: &alarm.text,
            zone: alarm.zone.as_deref(),
            camera: alarm.camera.as_deref(),
            raised_at: timestamp(alarm.raised_at),
            captured_at: alarm.captured_at.map(timestamp),
            changed_at: timestamp(alarm.changed_at),
            acknowledged_by: answer.map(|(by, _)| by.as_str()),
            acknowledged_at: answer.map(|(_, at)| timestamp(*at)),
            incident: alarm.incident,
            has_snapshot: alarm.has_snapshot,
            people: alarm.people,
            outline: alarm.outline.as_ref().and_then(outline),
            delivery: alarm.delivery.iter().map(delivery).collect(),
            next: alarm.next.as_ref().map(|(person, at)| NextDto {
                person,
                in_s: at.since(now).as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX),
            }),
        }
    }
}

fn unguarded(zone: &UnguardedZone) -> UnguardedDto<'_> {
    let why = match zone.why {
        Unguarded::Shelved => "shelved",
        Unguarded::OutOfService => "out_of_service",
        Unguarded::Disarmed => "disarmed",
    };
    UnguardedDto { zone: &zone.id, name: &zone.name, why }
}

fn held(HeldForHandheld { hold, zone }: &HeldForHandheld) -> HeldDto<'_> {
    let (state, alarm, until) = match hold.kind {
        HoldKind::Shelved { alarm, until } => ("shelved", Some(alarm.0), Some(timestamp(until))),
        HoldKind::OutOfService => ("out_of_service", None, None),
    };
    HeldDto {
        state,
        alarm,
        open_alarm: hold.open.map(|alarm| alarm.0),
        zone: zone.as_deref(),
        title: &hold.title,
        by: &hold.by,
        reason: &hold.reason,
        until,
    }
}

fn outline((polygons, line): &Outline) -> Option<OutlineDto<'_>> {
    let corners: usize = polygons.iter().flatten().map(Vec::len).sum();
    let line = (!line.is_empty()).then(|| line.as_slice());
    (corners <= CORNERS_MAX).then(|| OutlineDto { polygons, line })
}

fn delivery(delivery: &Delivery) -> DeliveryDto<'_> {
    DeliveryDto {
        person: &delivery.person,
        device: &delivery.device,
        sent_ms: delivery.sent_ms,
        received_ms: delivery.received_ms,
        shown_ms: delivery.shown_ms,
    }
}

/// Code and sentence of what became of an answer.
pub(super) fn outcome(outcome: AnswerOutcome) -> (&'static str, &'static str) {
    match outcome {
        AnswerOutcome::Acknowledged => ("acknowledged", "the box has your answer"),
        AnswerOutcome::AlreadyAcknowledged => {
            ("already_acknowledged", "somebody has answered this alarm already")
        }
        AnswerOutcome::UnknownAlarm => {
            ("unknown_alarm", "there is no open alarm of this number; it may have ended meanwhile")
        }
        AnswerOutcome::NewerCause => {
            ("newer_cause", "more has happened since you looked; look again, then answer")
        }
        AnswerOutcome::TooOld => (
            "too_old",
            "your answer lay on the device for more than two minutes; look how it is now, then answer",
        ),
        AnswerOutcome::Busy => ("busy", "the box has not taken the answer; it is sent again"),
    }
}

/// Code of a refused line.
pub(super) fn refusal(refusal: LineRefusal) -> &'static str {
    match refusal {
        LineRefusal::Revoked => "revoked",
        LineRefusal::UnknownDevice => "unknown_device",
        LineRefusal::BadProof => "bad_proof",
        LineRefusal::TooMany => "too_many",
    }
}

/// What a device says of itself.
pub(super) fn presence(
    visible: bool,
    sound: SoundDto,
    notifications: NotificationsDto,
) -> Presence {
    Presence {
        screen: if visible { Screen::Visible } else { Screen::Hidden },
        sound: match sound {
            SoundDto::Ready => Sound::Ready,
            SoundDto::Blocked => Sound::Blocked,
        },
        notifications: match notifications {
            NotificationsDto::Granted => Notifications::Granted,
            NotificationsDto::Denied => Notifications::Denied,
            NotificationsDto::Default => Notifications::NotAsked,
            NotificationsDto::Unsupported => Notifications::Unsupported,
        },
    }
}

impl From<SubscriptionDto> for PushSubscription {
    fn from(subscription: SubscriptionDto) -> PushSubscription {
        PushSubscription {
            endpoint: subscription.endpoint,
            p256dh: subscription.keys.p256dh,
            auth: subscription.keys.auth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_state_loses_its_details_and_no_alarm() {
        let polygons = vec![vec![vec![[0.1, 0.2]]]];
        let alarm = |id: u64| AlarmDto {
            id,
            version: 1,
            renewed: 1,
            priority: "emergency",
            state: crate::engine::AlarmState::Unacknowledged.into(),
            title: "Press",
            text: "Somebody is there",
            zone: None,
            camera: None,
            raised_at: String::new(),
            captured_at: None,
            changed_at: String::new(),
            acknowledged_by: None,
            acknowledged_at: None,
            incident: None,
            has_snapshot: false,
            people: 1,
            outline: Some(OutlineDto { polygons: &polygons, line: None }),
            delivery: Vec::new(),
            next: None,
        };
        let mut state = StateDto {
            now: String::new(),
            watched: WatchedDto { zones: 2, unknown: 0, unguarded: Vec::new() },
            held: Vec::new(),
            siren: SirenDto { sound: "intrusion", fault: None },
            alarms: vec![alarm(1), alarm(2)],
            duty: DutyDto { shift: None, people: Vec::new() },
        };
        state.leave_details_out();
        assert_eq!(state.alarms.iter().map(|it| it.id).collect::<Vec<_>>(), [1, 2]);
        assert!(state.alarms.iter().all(|it| it.outline.is_none() && it.text.len() > 1));
    }
}
