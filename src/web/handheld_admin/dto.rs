//! Handhelds and the duty list, as the API says them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::guard::handle::{
    Delivery, Duty, DutyList, Handheld, HandheldsNow, Listening, Notifications, OnDuty, Presence,
    Screen, Shift, Sound,
};
use crate::web::dto::timestamp;

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct HandheldsDto {
    /// False: this box has none.
    pub enabled: bool,
    /// Where handhelds open their page.
    pub url: Option<String>,
    /// Oldest first, with those that were revoked.
    pub handhelds: Vec<HandheldDto>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct HandheldDto {
    id: String,
    person: String,
    name: String,
    platform: String,
    paired_by: String,
    paired_at: String,
    last_seen_at: Option<String>,
    connected: bool,
    /// What it says of itself, while it is connected.
    presence: Option<PresenceDto>,
    revoked: Option<RevokedDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RevokedDto {
    by: String,
    at: String,
    reason: String,
}

/// Each is null until the device has said it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct PresenceDto {
    visible: Option<bool>,
    #[schema(example = "ready")]
    sound: Option<&'static str>,
    #[schema(example = "granted")]
    notifications: Option<&'static str>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NewPairingDto {
    pub person: String,
    pub device_name: String,
}

#[derive(Serialize, ToSchema)]
pub(in crate::web) struct PairingDto {
    /// Shown this once.
    pub code: String,
    pub url: String,
    /// The address as a QR code.
    pub qr_svg: String,
    pub expires_at: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ReasonDto {
    pub reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct PutDutyDto {
    pub shifts: Vec<ShiftDto>,
    pub otherwise: Vec<String>,
    /// The digest of the list that was looked at; null when there was none.
    #[serde(default)]
    pub if_digest: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ShiftDto {
    name: String,
    /// Days on which it begins: `mon` to `sun`.
    days: Vec<String>,
    #[schema(example = "06:00")]
    from: String,
    /// When it is not later than `from`, of the next day.
    #[schema(example = "14:00")]
    to: String,
    /// First place first.
    people: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct DutyDto {
    /// Null: nobody has written one; everybody is called.
    shifts: Option<Vec<ShiftDto>>,
    otherwise: Option<Vec<String>>,
    digest: Option<String>,
    now: OnDutyDto,
    /// Whom a list may name.
    known: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct OnDutyDto {
    /// Null: no shift.
    shift: Option<String>,
    people: Vec<OnDutyPersonDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OnDutyPersonDto {
    person: String,
    /// Whether a device of theirs is connected.
    listening: bool,
}

/// Whether alarms reach anybody.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ListeningDto {
    /// `not_expected`: no device is paired; `somebody`; `nobody`.
    #[schema(example = "somebody")]
    listening: &'static str,
    paired: usize,
    connected: Vec<ConnectedDto>,
    duty: OnDutyDto,
}

#[derive(Debug, Serialize, ToSchema)]
struct ConnectedDto {
    person: String,
    device: String,
    presence: PresenceDto,
}

/// How far an alarm has come on one handheld, milliseconds after the camera's frame; of an alarm
/// without one, after it was raised.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct DeliveryDto {
    person: String,
    device: String,
    sent_ms: u32,
    received_ms: Option<u32>,
    /// Drawn on a screen that was on.
    shown_ms: Option<u32>,
}

impl From<&Delivery> for DeliveryDto {
    fn from(it: &Delivery) -> DeliveryDto {
        DeliveryDto {
            person: it.person.clone(),
            device: it.device.clone(),
            sent_ms: it.sent_ms,
            received_ms: it.received_ms,
            shown_ms: it.shown_ms,
        }
    }
}

pub(super) fn list_of(shifts: Vec<ShiftDto>, otherwise: Vec<String>) -> DutyList {
    let shift = |it: ShiftDto| Shift {
        name: it.name,
        days: it.days,
        from: it.from,
        to: it.to,
        people: it.people,
    };
    DutyList { shifts: shifts.into_iter().map(shift).collect(), otherwise }
}

impl From<Handheld> for HandheldDto {
    fn from(it: Handheld) -> HandheldDto {
        HandheldDto {
            id: it.id,
            person: it.person,
            name: it.name,
            platform: it.platform,
            paired_by: it.paired_by,
            paired_at: timestamp(it.paired_at),
            last_seen_at: it.last_seen_at.map(timestamp),
            connected: it.connected.is_some(),
            presence: it.connected.map(Into::into),
            revoked: it.revoked.map(|revoked| RevokedDto {
                by: revoked.by,
                at: timestamp(revoked.at),
                reason: revoked.reason,
            }),
        }
    }
}

impl From<Presence> for PresenceDto {
    fn from(presence: Presence) -> PresenceDto {
        PresenceDto {
            visible: match presence.screen {
                Screen::Unknown => None,
                Screen::Visible => Some(true),
                Screen::Hidden => Some(false),
            },
            sound: match presence.sound {
                Sound::Unknown => None,
                Sound::Ready => Some("ready"),
                Sound::Blocked => Some("blocked"),
            },
            notifications: match presence.notifications {
                Notifications::Unknown => None,
                Notifications::Granted => Some("granted"),
                Notifications::Denied => Some("denied"),
                Notifications::NotAsked => Some("default"),
                Notifications::Unsupported => Some("unsupported"),
            },
        }
    }
}

impl From<Duty> for DutyDto {
    fn from(duty: Duty) -> DutyDto {
        let shift = |it: Shift| ShiftDto {
            name: it.name,
            days: it.days,
            from: it.from,
            to: it.to,
            people: it.people,
        };
        let (shifts, otherwise) = match duty.list {
            Some(list) => {
                let shifts = list.shifts.into_iter().map(shift).collect();
                (Some(shifts), Some(list.otherwise))
            }
            None => (None, None),
        };
        DutyDto {
            shifts,
            otherwise,
            digest: duty.digest,
            now: (&duty.now).into(),
            known: duty.known,
        }
    }
}

impl From<&OnDuty> for OnDutyDto {
    fn from(duty: &OnDuty) -> OnDutyDto {
        let people = duty
            .people
            .iter()
            .map(|it| OnDutyPersonDto { person: it.person.clone(), listening: it.listens });
        OnDutyDto { shift: duty.shift.clone(), people: people.collect() }
    }
}

impl From<&HandheldsNow> for ListeningDto {
    fn from(now: &HandheldsNow) -> ListeningDto {
        let connected = now.connected.iter().map(|it| ConnectedDto {
            person: it.person.clone(),
            device: it.device.clone(),
            presence: it.presence.into(),
        });
        ListeningDto {
            listening: match now.listening {
                Listening::NotExpected => "not_expected",
                Listening::Somebody => "somebody",
                Listening::Nobody => "nobody",
            },
            paired: now.paired,
            connected: connected.collect(),
            duty: (&now.duty).into(),
        }
    }
}
