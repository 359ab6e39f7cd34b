//! Publishing: snapshots of now and live pictures, on a thread of its own.
//!
//! The web side reads through `tokio::sync::watch`, whose readers hold a lock while they look. That
//! lock is taken here and nowhere on the alarm path.
//!
//! A **viewer** is a live `Arc`. While a camera has viewers its pictures are asked for; each is
//! paired with the people of exactly its frame, and one without a partner is not shown. What people see
//! of a pair is made by the veil (`privacy::veil`).

use std::collections::VecDeque;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::watch;

use super::handle::{LivePicture, LiveReceiver, Person, Snapshot};
use super::privacy::covers::Cover;
use super::privacy::veil::{self, Veiled, Veiling};
use super::records::SiteNames;
use super::worker::WorkerPost;
use crate::clock;
use crate::config::Privacy;
use crate::engine::time::Instant;
use crate::link::{Picture, ToWorker, Watched};
use crate::notify::Faces;

/// Publications waiting for the publisher; at 4 cameras and 15 pictures a second, half a second.
const QUEUE_MAX: usize = 64;

/// Frames of a camera that wait for their picture, or pictures for their frame: half a second at
/// 30 pictures a second.
const PAIRS_KEPT: usize = 16;

/// How often viewers are counted.
const COUNT_EVERY: Duration = Duration::from_millis(50);

/// Pause before a thread that panicked begins anew.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Something for the web side.
#[derive(Debug)]
pub enum Publication {
    Snapshot(Arc<Snapshot>),
    People(FramePeople),
    Picture(Picture),
}

/// Who was seen in one frame.
#[derive(Clone, Debug)]
pub struct FramePeople {
    /// Position of the camera.
    pub camera: usize,
    pub frame: u64,
    pub captured_at: Instant,
    pub size_px: (u32, u32),
    pub people: Vec<Person>,
    /// Where anybody is or was a moment ago, also those who are nobody's `people`.
    pub covers: Vec<Cover>,
    /// With what nobody may see of the frame.
    pub names: Arc<SiteNames>,
}

/// What the web side holds of publishing.
#[derive(Debug)]
pub struct LiveHub {
    snapshots: watch::Sender<Arc<Snapshot>>,
    cameras: Vec<LiveCamera>,
}

#[derive(Debug)]
struct LiveCamera {
    id: String,
    pictures: watch::Sender<Option<Arc<LivePicture>>>,
    /// The same in which everybody can be recognised; made while somebody looks.
    clear: watch::Sender<Option<Arc<LivePicture>>>,
    /// One more than there are viewers.
    viewer: Arc<()>,
    watched: AtomicBool,
}

impl LiveHub {
    pub fn new(first: Arc<Snapshot>) -> LiveHub {
        let camera = |id: &str| LiveCamera {
            id: id.to_owned(),
            pictures: watch::Sender::new(None),
            clear: watch::Sender::new(None),
            viewer: Arc::new(()),
            watched: AtomicBool::new(false),
        };
        LiveHub {
            cameras: first.cameras.iter().map(|c| camera(&c.id)).collect(),
            snapshots: watch::Sender::new(first),
        }
    }

    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.subscribe()
    }

    /// `None` for an unknown camera.
    pub fn live(&self, camera: &str) -> Option<LiveReceiver> {
        let camera = self.cameras.iter().find(|c| c.id == camera)?;
        Some(LiveReceiver { pictures: camera.pictures.subscribe(), viewer: camera.viewer.clone() })
    }

    /// The same with clear pictures.
    pub fn live_clear(&self, camera: &str) -> Option<LiveReceiver> {
        let camera = self.cameras.iter().find(|c| c.id == camera)?;
        Some(LiveReceiver { pictures: camera.clear.subscribe(), viewer: camera.viewer.clone() })
    }

    /// Whether anybody looks at clear pictures.
    pub fn looking(&self, camera: usize) -> Looking {
        let clear = self.cameras.get(camera).map_or(0, |camera| camera.clear.receiver_count());
        if clear > 0 { Looking::AlsoClear } else { Looking::OnlyShown }
    }

    /// Shows a picture to whoever looks.
    pub fn show(&self, seen: FramePeople, veiled: Veiled) {
        let Some(camera) = self.cameras.get(seen.camera) else {
            return;
        };
        let picture = LivePicture {
            frame: seen.frame,
            captured_at: clock::wall_at(seen.captured_at),
            captured: seen.captured_at,
            size_px: seen.size_px,
            people: seen.people,
            jpeg: Arc::new(veiled.shown),
        };
        // Nobody's clear picture outlives the last who looks at one.
        let clear = veiled
            .clear
            .map(|jpeg| Arc::new(LivePicture { jpeg: Arc::new(jpeg), ..picture.clone() }));
        camera.clear.send_replace(clear);
        camera.pictures.send_replace(Some(Arc::new(picture)));
    }

    /// Whether anybody looks; `false` for an unknown camera. One atomic read.
    pub fn watched(&self, camera: usize) -> bool {
        let camera = self.cameras.get(camera);
        camera.is_some_and(|camera| camera.watched.load(Ordering::Relaxed))
    }
}

/// Which pictures of a camera are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looking {
    OnlyShown,
    AlsoClear,
}

/// A queue for the publisher.
pub fn queue() -> (SyncSender<Publication>, Receiver<Publication>) {
    mpsc::sync_channel(QUEUE_MAX)
}

/// Starts the thread; it ends when all senders are gone.
pub fn start(
    hub: Arc<LiveHub>,
    queue: Receiver<Publication>,
    post: WorkerPost,
    channels: Faces,
    privacy: Privacy,
) -> io::Result<JoinHandle<()>> {
    let pairing = hub.cameras.iter().map(|_| Pairing::default()).collect();
    let (veil, veiling) = veil::start(hub.clone(), privacy)?;
    let mut publisher = Publisher { hub, post, pairing, life: 0, channels, veil };
    // A panic costs what it was about; nobody may go on looking at the snapshot before it.
    thread::Builder::new().name("publisher".into()).spawn(move || {
        loop {
            let ran = panic::catch_unwind(AssertUnwindSafe(|| publisher.run(&queue)));
            if ran.is_ok() {
                drop(publisher);
                let _ = veiling.join();
                return;
            }
            tracing::error!("the publisher panicked and begins anew");
            publisher.pairing.fill_with(Pairing::default);
            thread::park_timeout(AGAIN_AFTER);
        }
    })
}

struct Publisher {
    hub: Arc<LiveHub>,
    post: WorkerPost,
    pairing: Vec<Pairing>,
    /// The life of the vision process that knows who is watched.
    life: u32,
    /// Told by their own threads; joined in here, so that the alarm path waits for none of them.
    channels: Faces,
    veil: SyncSender<Veiling>,
}

/// Frames and pictures of one camera that wait for each other.
#[derive(Default)]
struct Pairing {
    people: VecDeque<FramePeople>,
    pictures: VecDeque<Picture>,
}

impl Publisher {
    fn run(&mut self, queue: &Receiver<Publication>) {
        loop {
            fail::fail_point!("publisher::looks");
            match queue.recv_timeout(COUNT_EVERY) {
                Ok(Publication::Snapshot(mut snapshot)) => {
                    Arc::make_mut(&mut snapshot).channels = self.channels.all();
                    self.hub.snapshots.send_replace(snapshot);
                }
                Ok(Publication::People(people)) => self.people(people),
                Ok(Publication::Picture(picture)) => self.picture(picture),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.count_viewers();
        }
    }

    fn count_viewers(&mut self) {
        let life = self.post.life();
        let knows_nothing = std::mem::replace(&mut self.life, life) != life;
        for (index, camera) in self.hub.cameras.iter().enumerate() {
            let looked_at = Arc::strong_count(&camera.viewer) > 1;
            let before = camera.watched.swap(looked_at, Ordering::Relaxed);
            if looked_at != before || (knows_nothing && looked_at) {
                let watched = if looked_at { Watched::Yes } else { Watched::No };
                self.post.post(ToWorker::Watch {
                    // Configured cameras number fewer than 2^16.
                    camera: u16::try_from(index).unwrap_or(u16::MAX),
                    watched,
                });
            }
            if knows_nothing || !looked_at {
                self.pairing[index] = Pairing::default();
            }
        }
    }

    fn people(&mut self, people: FramePeople) {
        let Some(pairing) = self.pairing.get_mut(people.camera) else {
            return;
        };
        let found = pairing.pictures.iter().position(|p| p.frame == people.frame);
        match found.and_then(|at| pairing.pictures.remove(at)) {
            Some(picture) => self.show(people, picture),
            None => keep(&mut pairing.people, people),
        }
    }

    fn picture(&mut self, picture: Picture) {
        let Some(pairing) = self.pairing.get_mut(usize::from(picture.camera)) else {
            return;
        };
        let found = pairing.people.iter().position(|p| p.frame == picture.frame);
        match found.and_then(|at| pairing.people.remove(at)) {
            Some(people) => self.show(people, picture),
            None => keep(&mut pairing.pictures, picture),
        }
    }

    fn show(&self, people: FramePeople, picture: Picture) {
        // Full: this one is not shown, the next one comes.
        let _ = self.veil.try_send(Veiling { seen: people, jpeg: picture.jpeg });
    }
}

fn keep<T>(ring: &mut VecDeque<T>, item: T) {
    if ring.len() == PAIRS_KEPT {
        ring.pop_front();
    }
    ring.push_back(item);
}
