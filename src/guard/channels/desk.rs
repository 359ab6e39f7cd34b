//! What the web side may ask of channels.

use std::sync::mpsc::{self, SyncSender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::source::Line;
use crate::clock;
use crate::engine::delivery::Outcome;
use crate::guard::handle::{Channel, ChannelError, ChannelState, Channels, PushSubscription};
use crate::notify::Faces;
use crate::notify::runner::{Running, TestOrder};
use crate::store::outbox;

/// Longest wait for a test message's fate. The web side cuts a request off after five seconds.
const TEST_MAX: Duration = Duration::from_secs(4);

/// Longest address of a push service, bytes: those seen have a few hundred.
const ENDPOINT_BYTES_MAX: usize = 1_024;

/// Lengths of a browser's key (65 bytes) and secret (16 bytes) in base64url.
const P256DH_CHARS: usize = 87;
const AUTH_CHARS: usize = 22;

/// See [`Channels`].
#[derive(Debug)]
pub struct ChannelDesk {
    faces: Faces,
    line: Line,
    push_key: Option<String>,
    /// Name and queue of each channel that runs.
    orders: Mutex<Vec<(String, SyncSender<TestOrder>)>>,
}

impl ChannelDesk {
    pub(super) fn new(faces: Faces, line: Line, push_key: Option<String>) -> ChannelDesk {
        ChannelDesk { faces, line, push_key, orders: Mutex::default() }
    }

    /// For the publisher, which shows them with everything else.
    pub fn faces(&self) -> Faces {
        self.faces.clone()
    }

    pub(super) fn takes_orders(&self, running: &[Running]) {
        let order = |channel: &Running| (channel.name.clone(), channel.orders.clone());
        *self.orders() = running.iter().map(order).collect();
    }

    pub(super) fn takes_no_orders(&self) {
        self.orders().clear();
    }

    /// Held for a copy only.
    fn orders(&self) -> MutexGuard<'_, Vec<(String, SyncSender<TestOrder>)>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send_test(&self, name: &str, by: &str) -> Result<(), ChannelError> {
        let faces = self.faces.all();
        let face = faces
            .iter()
            .find(|face| face.name == name)
            .ok_or_else(|| ChannelError::UnknownChannel { name: name.into() })?;
        if face.state == ChannelState::Off {
            let why = face.error.as_ref().map(|(why, _)| why.clone()).unwrap_or_default();
            return Err(ChannelError::Off { name: name.into(), why });
        }
        let busy = || ChannelError::Busy { name: name.into() };
        let orders = self.orders().iter().find(|(of, _)| of == name).map(|(_, to)| to.clone());
        let (reply, replied) = mpsc::sync_channel(1);
        orders
            .ok_or_else(busy)?
            .try_send(TestOrder { by: by.into(), reply })
            .map_err(|_full_or_gone| busy())?;
        let sent = replied.recv_timeout(TEST_MAX).map_err(|_late| busy())?;
        match sent.outcome {
            Outcome::Taken => Ok(()),
            Outcome::NotForIt
            | Outcome::TooLate
            | Outcome::Refused
            | Outcome::Failed
            | Outcome::Forbidden
            | Outcome::Unreachable => Err(ChannelError::NotTaken { why: sent.why }),
        }
    }
}

impl Channels for ChannelDesk {
    fn channels(&self) -> Vec<Channel> {
        self.faces.all()
    }

    fn test_channel(&self, name: &str, by: &str) -> Result<(), ChannelError> {
        let outcome = self.send_test(name, by);
        if matches!(outcome, Err(ChannelError::UnknownChannel { .. })) {
            return outcome;
        }
        let (name, by) = (name.to_owned(), by.to_owned());
        let said = match &outcome {
            Ok(()) => "taken".to_owned(),
            Err(error) => error.to_string(),
        };
        let entry = self.line.ask(move |store| {
            store.append_audit(&by, "channel_tested", &name, &said, clock::wall())
        });
        if let Err(error) = entry {
            tracing::warn!("the test of a channel is not in the audit log: {error}");
        }
        outcome
    }

    fn push_key(&self) -> Option<String> {
        self.push_key.clone()
    }

    fn push_subscribe(&self, device: &str, to: &PushSubscription) -> Result<(), ChannelError> {
        check(to)?;
        let subscription = outbox::PushSubscription {
            device: device.to_owned(),
            endpoint: to.endpoint.clone(),
            p256dh: to.p256dh.clone(),
            auth: to.auth.clone(),
        };
        let at = clock::wall();
        self.line
            .ask(move |store| store.push_subscribe(&subscription, at))
            .map_err(|error| ChannelError::Store(error.to_string()))
    }

    fn push_unsubscribe(&self, device: &str) -> Result<(), ChannelError> {
        let device = device.to_owned();
        self.line
            .ask(move |store| store.push_unsubscribe(&device))
            .map_err(|error| ChannelError::Store(error.to_string()))
    }
}

/// A handheld must not make the box call whatever it likes on the site's network: a push service has
/// a public name and speaks TLS.
fn check(to: &PushSubscription) -> Result<(), ChannelError> {
    let wrong = |field, right| Err(ChannelError::Subscription { field, right });
    let rest = to.endpoint.strip_prefix("https://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let public = host.contains('.')
        && host.split('.').all(name)
        && last.chars().all(|c| c.is_ascii_alphabetic())
        && !["local", "localhost", "internal", "lan"].contains(&last);
    let graphic = to.endpoint.chars().all(|c| c.is_ascii_graphic());
    if !public || !graphic || to.endpoint.len() > ENDPOINT_BYTES_MAX {
        return wrong(
            "endpoint",
            "must be the https address of a push service, with a public name",
        );
    }
    let base64url =
        |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if to.p256dh.len() != P256DH_CHARS || !base64url(&to.p256dh) {
        return wrong("keys.p256dh", "must be 65 bytes in base64url, without padding");
    }
    if to.auth.len() != AUTH_CHARS || !base64url(&to.auth) {
        return wrong("keys.auth", "must be 16 bytes in base64url, without padding");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(endpoint: &str) -> PushSubscription {
        PushSubscription {
            endpoint: endpoint.into(),
            p256dh: "B".repeat(P256DH_CHARS),
            auth: "a".repeat(AUTH_CHARS),
        }
    }

    #[test]
    fn only_a_public_push_service_is_an_endpoint() {
        for good in [
            "https://fcm.googleapis.com/fcm/send/abc:def",
            "https://updates.push.services.mozilla.com/wpush/v2/x",
            "https://web.push.apple.com/Qx",
        ] {
            assert_eq!(check(&subscription(good)), Ok(()), "{good}");
        }
        for bad in [
            "",
            "http://fcm.googleapis.com/x",
            "https://127.0.0.1/x",
            "https://10.0.0.5/x",
            "https://[::1]/x",
            "https://localhost/x",
            "https://printer.local/x",
            "https://plc/x",
            "https://a.com:8443/x",
            "https://user@a.com/x",
            "https://a.com/x y",
        ] {
            assert!(check(&subscription(bad)).is_err(), "{bad}");
        }
        let short = PushSubscription { auth: "a".into(), ..subscription("https://a.com/x") };
        assert!(matches!(
            check(&short),
            Err(ChannelError::Subscription { field: "keys.auth", .. })
        ));
    }
}
