//! A channel's messages, out of the store; how far it got, back into it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::clock;
use crate::engine::delivery::{Class, Progress, Told};
use crate::guard::clerk::Clerk;
use crate::notify::{Backlog, Loss, Source, SourceError, Waiting};
use crate::store::outbox::Message;
use crate::store::query::StoreReader;
use crate::store::{Store, StoreError};
use crate::telemetry::chain;

/// The channels' way to the store's thread, until it is cut. Cloned freely.
#[derive(Clone, Debug)]
pub(super) struct Line(Arc<Mutex<Option<Clerk>>>);

impl Line {
    pub fn new(clerk: Clerk) -> Line {
        Line(Arc::new(Mutex::new(Some(clerk))))
    }

    /// Nothing goes through from now on.
    pub fn cut(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    pub fn ask<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, SourceError> {
        // Held for the copy only.
        let clerk = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let clerk = clerk.ok_or_else(|| SourceError("the box ends".into()))?;
        clerk
            .ask(errand)
            .map_err(|error| SourceError(error.to_string()))?
            .map_err(|error| SourceError(chain(&error)))
    }
}

/// See [`Source`].
pub(super) struct StoreSource {
    channel: String,
    reader: Arc<StoreReader>,
    line: Line,
}

impl StoreSource {
    pub fn new(channel: String, reader: Arc<StoreReader>, line: Line) -> StoreSource {
        StoreSource { channel, reader, line }
    }
}

fn unreadable(error: impl std::error::Error) -> SourceError {
    SourceError(chain(&error))
}

impl Source for StoreSource {
    fn next(&self, class: Class, after: u64) -> Result<Option<Waiting>, SourceError> {
        let message = self.reader.next_message(&self.channel, class, after).map_err(unreadable)?;
        Ok(message.map(|message| {
            let Message { id, class, key, version, at, valid_until, body } = message;
            Waiting { id, class, key, version, at, valid_until, body }
        }))
    }

    fn backlog(&self) -> Result<Vec<Backlog>, SourceError> {
        let backlog = self.reader.backlog(&self.channel).map_err(unreadable)?;
        let shown = backlog.into_iter().map(|of| Backlog {
            class: of.class,
            waiting: of.waiting,
            oldest_at: of.oldest_at,
            delivered: of.delivered,
            delivered_at: of.delivered_at,
        });
        Ok(shown.collect())
    }

    fn losses(&self) -> Result<Vec<Loss>, SourceError> {
        let losses = self.reader.losses(&self.channel).map_err(unreadable)?;
        let shown = losses.into_iter().map(|of| Loss {
            class: of.class,
            reason: of.reason,
            rows: of.rows,
            told: of.told,
            first_at: of.first_at,
            last_at: of.last_at,
        });
        Ok(shown.collect())
    }

    fn advance(&self, progress: Vec<Progress>, told: Vec<Told>) -> Result<(), SourceError> {
        let (channel, at) = (self.channel.clone(), clock::wall());
        self.line.ask(move |store| store.advance(&channel, &progress, &told, at))
    }
}

/// The subscriptions of handhelds, out of the store.
#[cfg(feature = "push")]
pub(super) struct StoreSubscriptions {
    reader: Arc<StoreReader>,
    line: Line,
}

#[cfg(feature = "push")]
mod subscriptions {
    use super::*;
    use crate::notify::web_push::{Fared, Subscription, Subscriptions};

    impl StoreSubscriptions {
        pub fn new(reader: Arc<StoreReader>, line: Line) -> StoreSubscriptions {
            StoreSubscriptions { reader, line }
        }

        fn note(&self, errand: impl FnOnce(&mut Store) -> Result<(), StoreError> + Send + 'static) {
            if let Err(error) = self.line.ask(errand) {
                tracing::warn!("what became of a push subscription is not kept: {error}");
            }
        }
    }

    impl Subscriptions for StoreSubscriptions {
        fn all(&self) -> Result<Vec<Subscription>, SourceError> {
            let all = self.reader.push_subscriptions().map_err(unreadable)?;
            let known = all.into_iter().map(|of| Subscription {
                endpoint: of.endpoint,
                p256dh: of.p256dh,
                auth: of.auth,
            });
            Ok(known.collect())
        }

        fn gone(&self, endpoint: &str) {
            let endpoint = endpoint.to_owned();
            tracing::info!("a push service says that a handheld is gone; it is forgotten");
            self.note(move |store| store.push_gone(&endpoint));
        }

        fn fared(&self, endpoint: &str, how: Fared) {
            let endpoint = endpoint.to_owned();
            let since = match how {
                Fared::Well => None,
                Fared::Badly => Some(clock::wall()),
            };
            self.note(move |store| store.push_failed(&endpoint, since));
        }
    }
}
