//! Where handhelds take messages while their page is closed.

use jiff::Timestamp;
use rusqlite::params;

use crate::store::{Store, StoreError};

/// Most subscriptions of a box; one a device.
pub const SUBSCRIPTIONS_MAX: u32 = 256;

/// What a browser gives to whoever may send to it (RFC 8030, RFC 8291).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSubscription {
    pub device: String,
    pub endpoint: String,
    /// The browser's public key, base64url.
    pub p256dh: String,
    /// Its secret, base64url.
    pub auth: String,
}

impl Store {
    /// Keeps a device's subscription in place of the one it had. One endpoint is one device's: a
    /// browser that was paired anew brings it along. Beyond [`SUBSCRIPTIONS_MAX`] the oldest goes.
    ///
    /// # Errors
    /// The disk is full or fails; then nothing has changed.
    pub fn push_subscribe(
        &mut self,
        subscription: &PushSubscription,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.outbox(|connection| {
            let PushSubscription { device, endpoint, p256dh, auth } = subscription;
            connection.execute(
                "DELETE FROM push_subscription WHERE device = ?1 OR endpoint = ?2",
                params![device, endpoint],
            )?;
            connection.execute(
                "INSERT INTO push_subscription (device, endpoint, p256dh, auth, created_us)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![device, endpoint, p256dh, auth, at.as_microsecond()],
            )?;
            connection
                .execute(
                    "DELETE FROM push_subscription WHERE device NOT IN (SELECT device
                       FROM push_subscription ORDER BY created_us DESC, device LIMIT ?1)",
                    [SUBSCRIPTIONS_MAX],
                )
                .map(|_rows| ())
        })
    }

    /// Forgets a device's subscription, if it has one.
    ///
    /// # Errors
    /// The disk is full or fails; then nothing has changed.
    pub fn push_unsubscribe(&mut self, device: &str) -> Result<(), StoreError> {
        self.outbox(|connection| {
            connection
                .execute("DELETE FROM push_subscription WHERE device = ?1", [device])
                .map(|_rows| ())
        })
    }

    /// Forgets an endpoint that its push service says is gone.
    ///
    /// # Errors
    /// The disk is full or fails; then nothing has changed.
    pub fn push_gone(&mut self, endpoint: &str) -> Result<(), StoreError> {
        self.outbox(|connection| {
            connection
                .execute("DELETE FROM push_subscription WHERE endpoint = ?1", [endpoint])
                .map(|_rows| ())
        })
    }

    /// Notes since when the push service takes nothing for an endpoint; `None` when it does.
    ///
    /// # Errors
    /// The disk is full or fails; then nothing has changed.
    pub fn push_failed(
        &mut self,
        endpoint: &str,
        since: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.outbox(|connection| {
            connection
                .execute(
                    "UPDATE push_subscription SET failed_us = iif(?2 IS NULL, NULL,
                       coalesce(failed_us, ?2)) WHERE endpoint = ?1",
                    params![endpoint, since.map(Timestamp::as_microsecond)],
                )
                .map(|_rows| ())
        })
    }
}
