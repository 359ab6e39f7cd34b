//! What the web side may see of channels, and ask of them.

use crate::guard::clerk::ClerkError;

pub use crate::engine::delivery::{Class as MessageClass, LossReason};
pub use crate::notify::{
    Backlog as ChannelBacklog, Face as Channel, Kind as ChannelKind, Loss as ChannelLoss,
    State as ChannelState,
};

/// What a browser gives to whoever may send to it while its page is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSubscription {
    pub endpoint: String,
    /// Its public key, base64url.
    pub p256dh: String,
    /// Its secret, base64url.
    pub auth: String,
}

/// Why nothing of what was asked was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    #[error("there is no channel {name:?}; /api/channels lists those there are")]
    UnknownChannel { name: String },
    #[error("the channel {name} cannot be used: {why}")]
    Off { name: String, why: String },
    /// The test message may still arrive.
    #[error("the channel {name} has not got an answer yet; look at its state in a moment")]
    Busy { name: String },
    #[error("the test message was not taken: {why}")]
    NotTaken { why: String },
    #[error("{field}: {right}")]
    Subscription { field: &'static str, right: &'static str },
    #[error(transparent)]
    Clerk(ClerkError),
    #[error("what was asked is not kept: {0}")]
    Store(String),
}

/// Everything about channels that is asked for from outside.
pub trait Channels {
    /// In the order of the configuration.
    fn channels(&self) -> Vec<Channel>;

    /// Sends a test message, and says whether the receiver took it. Blocking for at most four
    /// seconds; the message may be on its way for longer.
    ///
    /// # Errors
    /// It was not taken, or that is not known yet.
    fn test_channel(&self, name: &str, by: &str) -> Result<(), ChannelError>;

    /// The key that a browser subscribes with, base64url; `None` without Web Push.
    fn push_key(&self) -> Option<String>;

    /// Keeps where a handheld takes messages while its page is closed, in place of what it gave
    /// before. Blocking.
    ///
    /// # Errors
    /// It is no subscription, or cannot be kept.
    fn push_subscribe(&self, device: &str, to: &PushSubscription) -> Result<(), ChannelError>;

    /// Forgets it. Blocking.
    ///
    /// # Errors
    /// That cannot be kept.
    fn push_unsubscribe(&self, device: &str) -> Result<(), ChannelError>;
}
