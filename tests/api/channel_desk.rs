//! The fake's channels: a broker that works and a webhook that does not.

use standclear::guard::handle::{
    Channel, ChannelBacklog, ChannelError, ChannelKind, ChannelLoss, ChannelState, Channels,
    LossReason, MessageClass, PushSubscription,
};

use super::{Fake, time};

impl Channels for Fake {
    fn channels(&self) -> Vec<Channel> {
        let at = time("2026-03-01T14:00:00Z");
        let mut broker = Channel::new("mqtt".into(), ChannelKind::Mqtt, "broker:1883".into(), at);
        broker.turn(ChannelState::Working, at);
        let host = "https://hooks.example.com".to_owned();
        let mut hook = Channel::new("webhook-office".into(), ChannelKind::Webhook, host, at);
        hook.turn(ChannelState::Down, at);
        hook.error = Some(("the receiver answers 503".into(), at));
        hook.backlog = vec![ChannelBacklog {
            class: MessageClass::Alarm,
            waiting: 3,
            oldest_at: Some(at),
            delivered: 40,
            delivered_at: None,
        }];
        hook.losses = vec![ChannelLoss {
            class: MessageClass::Telemetry,
            reason: LossReason::Room,
            rows: 12,
            told: 0,
            first_at: at,
            last_at: at,
        }];
        vec![broker, hook]
    }

    fn test_channel(&self, name: &str, _: &str) -> Result<(), ChannelError> {
        match name {
            "mqtt" => Ok(()),
            "webhook-office" => {
                Err(ChannelError::NotTaken { why: "the receiver answers 503".into() })
            }
            other => Err(ChannelError::UnknownChannel { name: other.into() }),
        }
    }

    fn push_key(&self) -> Option<String> {
        None
    }

    fn push_subscribe(&self, _: &str, _: &PushSubscription) -> Result<(), ChannelError> {
        Ok(())
    }

    fn push_unsubscribe(&self, _: &str) -> Result<(), ChannelError> {
        Ok(())
    }
}
