//! Channels to others: how they stand, and a test message.
//!
//! Not here: what a channel sends (`docs/reference/messages.md`).

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::access::Caller;
use super::dto::timestamp;
use super::error::{ApiError, ErrorBody};
use super::query::path_text;
use super::routes::ask;
use crate::guard::handle::{
    Channel, ChannelBacklog, ChannelError, ChannelKind, ChannelLoss, ChannelState, Handle,
};

/// Every channel that is configured.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChannelsDto {
    pub(super) channels: Vec<ChannelDto>,
}

/// One way by which others are told. A channel that is down is never an alarm.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChannelDto {
    name: String,
    /// `mqtt`, `webhook` or `web_push`.
    kind: &'static str,
    target: String,
    /// `starting`, `working`, `unheard`, `down` or `off`.
    state: &'static str,
    since: String,
    /// What was wrong last; stays after it is mended.
    error: Option<String>,
    error_at: Option<String>,
    classes: Vec<ChannelClassDto>,
    lost: Vec<ChannelLossDto>,
}

/// How a channel stands with a class of messages.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChannelClassDto {
    /// `alarm`, `fault` or `telemetry`.
    class: &'static str,
    waiting: u64,
    oldest_at: Option<String>,
    delivered: u64,
    delivered_at: Option<String>,
}

/// Messages that a channel will never get.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChannelLossDto {
    class: &'static str,
    /// `age`, `room`, `refused`, `expired`, `unconfigured` or `unkept`.
    reason: &'static str,
    messages: u64,
    first_at: String,
    last_at: String,
}

/// A test message was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TestedDto {
    name: String,
    outcome: &'static str,
}

/// How the channels stand.
#[utoipa::path(
    get,
    path = "/api/channels",
    responses(
        (status = 200, body = ChannelsDto),
        (status = 503, description = "`too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn list(State(app): State<App>) -> Result<Json<ChannelsDto>, ApiError> {
    let channels = ask(&app, |handle| handle.channel_desk().channels()).await?;
    Ok(Json(ChannelsDto { channels: channels.into_iter().map(Into::into).collect() }))
}

/// Sends a test message and says whether the receiver took it.
#[utoipa::path(
    post,
    path = "/api/channels/{name}/test",
    params(("name" = String, Path, description = "Name of the channel")),
    responses(
        (status = 200, body = TestedDto),
        (status = 401, description = "`sign_in_needed`", body = ErrorBody),
        (status = 403, description = "`role_needed`, `csrf_needed`, `wrong_origin`", body = ErrorBody),
        (status = 404, description = "`unknown_channel`", body = ErrorBody),
        (status = 409, description = "`channel_off`", body = ErrorBody),
        (status = 502, description = "`test_not_taken`: the receiver is not there or refuses", body = ErrorBody),
        (status = 503, description = "`busy`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn test(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<TestedDto>, ApiError> {
    let name = path_text(path)?;
    let tested = name.clone();
    let by = caller.name;
    let run = move |handle: &dyn Handle| handle.channel_desk().test_channel(&tested, &by);
    let outcome = ask(&app, run).await?;
    outcome.map_err(|error| {
        let (status, code) = match &error {
            ChannelError::UnknownChannel { .. } => (StatusCode::NOT_FOUND, "unknown_channel"),
            ChannelError::Off { .. } => (StatusCode::CONFLICT, "channel_off"),
            ChannelError::NotTaken { .. } => (StatusCode::BAD_GATEWAY, "test_not_taken"),
            ChannelError::Busy { .. } => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            ChannelError::Subscription { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "bad_request"),
            ChannelError::Clerk(_) | ChannelError::Store(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "store")
            }
        };
        ApiError::new(status, code, error.to_string())
    })?;
    Ok(Json(TestedDto { name, outcome: "taken" }))
}

impl From<Channel> for ChannelDto {
    fn from(channel: Channel) -> ChannelDto {
        let (error, error_at) = channel.error.unzip();
        ChannelDto {
            kind: match channel.kind {
                ChannelKind::Mqtt => "mqtt",
                ChannelKind::Webhook => "webhook",
                ChannelKind::WebPush => "web_push",
            },
            state: match channel.state {
                ChannelState::Starting => "starting",
                ChannelState::Working => "working",
                ChannelState::Unheard => "unheard",
                ChannelState::Down => "down",
                ChannelState::Off => "off",
            },
            since: timestamp(channel.since),
            error,
            error_at: error_at.map(timestamp),
            classes: channel.backlog.into_iter().map(class_dto).collect(),
            lost: channel.losses.into_iter().map(loss_dto).collect(),
            name: channel.name,
            target: channel.target,
        }
    }
}

fn class_dto(of: ChannelBacklog) -> ChannelClassDto {
    ChannelClassDto {
        class: of.class.name(),
        waiting: of.waiting,
        oldest_at: of.oldest_at.map(timestamp),
        delivered: of.delivered,
        delivered_at: of.delivered_at.map(timestamp),
    }
}

fn loss_dto(of: ChannelLoss) -> ChannelLossDto {
    ChannelLossDto {
        class: of.class.name(),
        reason: of.reason.name(),
        messages: of.rows,
        first_at: timestamp(of.first_at),
        last_at: timestamp(of.last_at),
    }
}
