//! What one device may ask of the box at once, over all its connections.
//!
//! A device that connects anew gets no second share: its old questions go on, and count.
//!
//! Not here: how many devices there are (the guard), and what they ask.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::engine::time::Instant;
use crate::guard::handle::PushSubscription;

/// Messages of one device a second; a phone in use sends a few.
const MESSAGES_PER_S_MAX: u32 = 50;

const SECOND: Duration = Duration::from_secs(1);

/// Answers of one device that are being carried out.
pub(super) const ANSWERS_MAX: usize = 8;

/// A subscription that is kept is not kept again before: each time is a write.
const SUBSCRIBED_FOR: Duration = Duration::from_secs(60 * 60);

/// Devices that are remembered, with those that are gone: four times those that may be in use.
const DEVICES_MAX: usize = 256;

/// Everybody who connected.
#[derive(Debug, Default)]
pub(in crate::web) struct Devices(Mutex<BTreeMap<String, Arc<Device>>>);

/// One device.
#[derive(Debug)]
pub(super) struct Device {
    /// Since when messages are counted, and how many.
    second: Mutex<(Instant, u32)>,
    answers: Arc<Semaphore>,
    silence: Arc<Semaphore>,
    subscribing: Arc<Semaphore>,
    subscribed: Mutex<Option<(PushSubscription, Instant)>>,
}

/// Whether a device may go on talking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Fits,
    TooFast,
}

/// A place to ask one thing, until it is dropped.
pub(super) type Place = OwnedSemaphorePermit;

impl Devices {
    pub(super) fn device(&self, id: &str) -> Arc<Device> {
        let mut devices = lock(&self.0);
        if devices.len() >= DEVICES_MAX {
            devices.retain(|_, device| Arc::strong_count(device) > 1);
        }
        Arc::clone(devices.entry(id.to_owned()).or_insert_with(|| Arc::new(Device::new())))
    }
}

impl Device {
    fn new() -> Device {
        let places = |count| Arc::new(Semaphore::new(count));
        Device {
            second: Mutex::new((Instant::ZERO, 0)),
            answers: places(ANSWERS_MAX),
            silence: places(1),
            subscribing: places(1),
            subscribed: Mutex::new(None),
        }
    }

    /// It said something.
    pub fn counts(&self, now: Instant) -> Pace {
        let mut second = lock(&self.second);
        if now.since(second.0) >= SECOND {
            *second = (now, 0);
        }
        second.1 = second.1.saturating_add(1);
        if second.1 > MESSAGES_PER_S_MAX { Pace::TooFast } else { Pace::Fits }
    }

    /// `None` while so many are under way.
    pub fn answer(&self) -> Option<Place> {
        Arc::clone(&self.answers).try_acquire_owned().ok()
    }

    /// `None` while another is under way.
    pub fn silence(&self) -> Option<Place> {
        Arc::clone(&self.silence).try_acquire_owned().ok()
    }

    /// `None` while another is under way, and where it was kept not long ago.
    pub fn subscribe(&self, to: &PushSubscription, now: Instant) -> Option<Place> {
        let kept = lock(&self.subscribed);
        if kept.as_ref().is_some_and(|(kept, at)| kept == to && now.since(*at) < SUBSCRIBED_FOR) {
            return None;
        }
        Arc::clone(&self.subscribing).try_acquire_owned().ok()
    }

    pub fn subscribed(&self, to: PushSubscription, now: Instant) {
        *lock(&self.subscribed) = Some((to, now));
    }
}

/// A panic elsewhere leaves values that are whole: every change is one assignment.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn another_connection_of_a_device_gets_no_second_share() {
        let devices = Devices::default();
        let (first, second) = (devices.device("phone"), devices.device("phone"));
        for _ in 0..MESSAGES_PER_S_MAX {
            assert_eq!(first.counts(at(5_000)), Pace::Fits);
        }
        assert_eq!(second.counts(at(5_999)), Pace::TooFast);
        assert_eq!(devices.device("tablet").counts(at(5_999)), Pace::Fits);
        assert_eq!(second.counts(at(6_000)), Pace::Fits);
        let silence = first.silence();
        assert!(silence.is_some() && second.silence().is_none());
        drop(silence);
        assert!(second.silence().is_some());
        let answers: Vec<_> = (0..ANSWERS_MAX).map(|_| first.answer()).collect();
        assert!(answers.iter().all(Option::is_some) && second.answer().is_none());
        assert!(second.silence().is_some(), "answers and silence have places of their own");
    }

    #[test]
    fn a_subscription_that_is_kept_is_not_kept_again_and_another_is() {
        let device = Device::new();
        let to = |endpoint: &str| PushSubscription {
            endpoint: endpoint.into(),
            p256dh: "k".into(),
            auth: "a".into(),
        };
        let place = device.subscribe(&to("one"), at(0));
        assert!(place.is_some() && device.subscribe(&to("two"), at(0)).is_none());
        device.subscribed(to("one"), at(0));
        drop(place);
        assert!(device.subscribe(&to("one"), at(1_000)).is_none());
        assert!(device.subscribe(&to("two"), at(1_000)).is_some());
        assert!(device.subscribe(&to("one"), at(3_600_000)).is_some());
    }
}
