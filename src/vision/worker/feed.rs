//! What the shadow process gets to see: the pictures that this process has looked at.
//!
//! ```text
//! inference loop ─ offer: try_lock, one Arc ─> one picture a camera, the newest ─> this thread ─> shadow
//!       └───────── looks: stop, no picture waits: go on (`reins`) ───────────────────────────────────^
//! guard ─ control socket: for each shadow process itself, and the write end of a fresh pair
//! ```
//!
//! The loop that guards never waits here: what finds the lock taken is not given. Pictures are handed over
//! and looked at in the gaps between its looks. Cameras take turns, so that none is seen less than the
//! others. Whether there is time for it is for `courtesy` to say, and whether there was for `share`.
//!
//! Not here: what the shadow process does with a picture, and what comes of it.

mod courtesy;
mod reins;
mod share;

use std::io::{self, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

pub use self::courtesy::Meanwhile;
use self::courtesy::{Allowed, Courtesy};
use self::reins::{Do, Gaps, Reached, Reins};
use self::share::Share;
use super::super::ingest::{Frame, Picture};
use super::load::LoadNews;
use super::outbox::Outbox;
use crate::clock;
use crate::link::{
    self, CameraIndex, FED_TAKEN, FedCloser, FedPicture, FeedNews, FromWorker, Held,
};
use crate::telemetry::chain;

/// How much less urgent than this process the thread is that copies pictures (`nice`): as little as there
/// is, whatever this process has.
const NICER_BY: i32 = 40;

/// How often the guard is told how the feeding goes.
const NEWS_EVERY: Duration = Duration::from_secs(1);

/// How long the thread waits for a picture before it looks at anything else.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The loop's end.
pub struct Feed {
    shared: Option<Arc<Shared>>,
    gaps: Gaps,
    /// Which shadow process those are of.
    of: u64,
}

#[derive(Default)]
struct Shared {
    /// Which shadow process there is, counted from 1; 0 for none.
    attached: AtomicU64,
    reins: Reins,
    /// Whether the active model looks, so that nothing is handed over.
    looking: AtomicBool,
    /// Whether it is at work on a picture, and whether it was since the loop asked last.
    busy: AtomicBool,
    worked: AtomicBool,
    offered: AtomicU64,
    /// How many shadow processes there were.
    lives: AtomicU64,
    /// Whether this process does not keep up with its cameras.
    overloaded: AtomicBool,
    slots: Mutex<Slots>,
    arrived: Condvar,
    courtesy: Mutex<Courtesy>,
}

#[derive(Default)]
struct Slots {
    waiting: Vec<Option<Offered>>,
    /// Whose turn it is.
    next: usize,
}

struct Offered {
    fed: FedPicture,
    picture: Arc<Picture>,
}

impl Feed {
    /// `control`: where the guard hands over the ends that shadow processes read from.
    pub fn start(
        control: Option<UnixStream>,
        cameras: usize,
        outbox: &Arc<Outbox>,
    ) -> io::Result<Feed> {
        let Some(control) = control else {
            return Ok(Feed { shared: None, gaps: Gaps::default(), of: 0 });
        };
        let shared = Arc::new(Shared::of(cameras));
        let feeder = Feeder { shared: Arc::clone(&shared), outbox: Arc::clone(outbox) };
        // Not joined: it sits in a read that ends with the process.
        thread::Builder::new().name("feed".into()).spawn(move || feeder.run(&control))?;
        Ok(Feed { shared: Some(shared), gaps: Gaps::default(), of: 0 })
    }

    /// The loop begins a look: the shadow process stops. Returns what that has done since the look before.
    pub fn looks(&mut self) -> Meanwhile {
        let Some(shared) = self.shared.as_deref() else { return Meanwhile::Alone };
        let of = shared.attached.load(Ordering::Acquire);
        if of == 0 {
            return Meanwhile::Alone;
        }
        if of != self.of {
            (self.gaps, self.of) = (Gaps::default(), of);
        }
        let was_stopped = self.gaps.is_stopped();
        match self.gaps.looks(clock::monotonic()) {
            Do::Nothing => {}
            Do::Stop => {
                shared.looking.store(true, Ordering::Release);
                if shared.reins.stop() == Reached::No {
                    self.gaps = Gaps::default();
                }
            }
            Do::GoOn => {
                shared.reins.go_on();
                shared.looking.store(false, Ordering::Release);
            }
        }
        // One that was stopped all the time has done nothing.
        let worked = !(was_stopped && self.gaps.is_stopped())
            && (shared.worked.swap(false, Ordering::AcqRel) || shared.busy.load(Ordering::Acquire));
        if worked { Meanwhile::Beside } else { Meanwhile::Alone }
    }

    /// No picture waits: the shadow process may work.
    pub fn rests(&mut self) {
        let Some(shared) = self.shared.as_deref() else { return };
        match self.gaps.rests() {
            Do::GoOn => drop(shared.reins.go_on()),
            Do::Nothing | Do::Stop => {}
        }
        if shared.looking.swap(false, Ordering::AcqRel) {
            shared.arrived.notify_one();
        }
    }

    /// A camera's picture took the loop so long; `before`: what the shadow process had done before.
    pub fn looked(&self, camera: CameraIndex, took: Duration, before: Meanwhile) {
        let Some(shared) = self.shared.as_deref() else { return };
        // One that began to work meanwhile, since it cannot be stopped, makes it a look of neither kind.
        if before == Meanwhile::Alone && shared.worked.load(Ordering::Acquire) {
            return;
        }
        if let Ok(mut courtesy) = shared.courtesy.try_lock() {
            courtesy.looked(usize::from(camera), took, before);
        }
    }

    /// Whether anybody is given pictures.
    pub fn is_attached(&self) -> bool {
        self.attached().is_some()
    }

    /// Gives a picture, if there is anybody to give it to and it costs no waiting.
    pub fn offer(&self, fed: Option<FedPicture>, picture: &Arc<Picture>) {
        let (Some(shared), Some(fed)) = (self.attached(), fed) else {
            return;
        };
        shared.offered.fetch_add(1, Ordering::Relaxed);
        let Ok(mut slots) = shared.slots.try_lock() else {
            return;
        };
        if let Some(slot) = slots.waiting.get_mut(usize::from(fed.camera)) {
            *slot = Some(Offered { fed, picture: Arc::clone(picture) });
        }
        drop(slots);
        shared.arrived.notify_one();
    }

    /// Whether this process keeps up with its cameras.
    pub fn load(&self, news: &LoadNews) {
        let Some(shared) = &self.shared else { return };
        let overloaded = match news {
            LoadNews::Nothing => return,
            LoadNews::KeepsUp => courtesy::Load::KeepsUp,
            LoadNews::Overloaded(_) => courtesy::Load::Overloaded,
        };
        shared.overloaded.store(overloaded == courtesy::Load::Overloaded, Ordering::Release);
    }

    fn attached(&self) -> Option<&Shared> {
        self.shared.as_deref().filter(|shared| shared.attached.load(Ordering::Acquire) > 0)
    }
}

impl Drop for Feed {
    /// A shadow process ends by itself when this one has, if it is not stopped.
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.reins.drop_them();
        }
    }
}

impl Shared {
    fn of(cameras: usize) -> Shared {
        let waiting = (0..cameras).map(|_| None).collect();
        Shared {
            slots: Mutex::new(Slots { waiting, next: 0 }),
            courtesy: Mutex::new(Courtesy::new(cameras)),
            ..Shared::default()
        }
    }
}

/// What is told of a picture; `None` for one whose memory contradicts its own description.
pub fn described(
    camera: CameraIndex,
    number: u64,
    frame: &Frame,
    closer: Option<FedCloser>,
) -> Option<FedPicture> {
    let picture = frame.picture.as_ref()?;
    Some(FedPicture {
        camera,
        frame: number,
        captured_ns: frame.captured_ns,
        arrived_ns: frame.arrived_ns,
        clock: frame.clock,
        source_px: (frame.source_size.width_px() as u32, frame.source_size.height_px() as u32),
        width_px: picture.width() as u32,
        height_px: picture.height() as u32,
        closer,
    })
}

/// The thread's end.
struct Feeder {
    shared: Arc<Shared>,
    outbox: Arc<Outbox>,
}

impl Feeder {
    fn run(self, control: &UnixStream) {
        // Linux keeps niceness per thread; without it the thread merely competes.
        let _ = rustix::process::nice(NICER_BY);
        loop {
            match next_end(control) {
                Ok(Some((end, process))) => self.feed(&UnixStream::from(end), process),
                // A byte without an end.
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!("no shadow process will be fed: {error}");
                    return;
                }
            }
        }
    }

    /// Until the shadow process is gone.
    fn feed(&self, to: &UnixStream, process: Option<OwnedFd>) {
        tracing::info!("a shadow process is given the pictures of this one");
        if process.is_none() {
            tracing::info!("it cannot be stopped while the active model looks");
        }
        self.shared.offered.store(0, Ordering::Relaxed);
        self.courtesy().begin(clock::monotonic());
        self.shared.reins.take(process);
        let life = self.shared.lives.fetch_add(1, Ordering::Relaxed) + 1;
        self.shared.attached.store(life, Ordering::Release);
        let ended = self.serve(to);
        self.shared.attached.store(0, Ordering::Release);
        self.shared.reins.drop_them();
        self.shared.busy.store(false, Ordering::Release);
        self.slots().waiting.iter_mut().for_each(|slot| *slot = None);
        tracing::info!("the shadow process is fed no more: {ended}");
    }

    /// Gives pictures, and says each second how it goes; returns why it can no more.
    fn serve(&self, to: &UnixStream) -> String {
        let (mut given, mut share) = (0, Share::default());
        let mut told_at = clock::monotonic();
        loop {
            let now = clock::monotonic();
            if now.since(told_at) >= NEWS_EVERY {
                told_at = now;
                self.tell(given, &mut share);
            }
            let allowed = self.courtesy().allows(now);
            let offered = match allowed {
                Allowed::Yes => self.next(),
                Allowed::NotYet { wait } => {
                    thread::park_timeout(wait.min(LOOK_EVERY));
                    None
                }
            };
            if let Some(offered) = offered {
                match self.give(to, &offered) {
                    Ok(()) => given += 1,
                    Err(reason) => return reason,
                }
            } else if let Some(reason) = gone(to) {
                return reason;
            }
        }
    }

    fn give(&self, mut to: &UnixStream, offered: &Offered) -> Result<(), String> {
        let Some(picture) = offered.picture.as_ref().as_ref() else {
            return Ok(());
        };
        self.shared.busy.store(true, Ordering::Release);
        self.shared.worked.store(true, Ordering::Release);
        let began = clock::monotonic();
        link::send_picture(to, &offered.fed, picture.rows()).map_err(|error| chain(&error))?;
        let mut answer = [0];
        to.read_exact(&mut answer).map_err(|error| error.to_string())?;
        if answer[0] != FED_TAKEN {
            return Err("it does not answer as it should".into());
        }
        self.shared.busy.store(false, Ordering::Release);
        let now = clock::monotonic();
        self.courtesy().given(now, now.since(began));
        Ok(())
    }

    fn tell(&self, given: u64, share: &mut Share) {
        let (held, looks_ms) = self.courtesy().says();
        let offered = self.shared.offered.load(Ordering::Relaxed);
        share.count(offered, given);
        let held = held.or(share.short().map(|seen_percent| Held::NoTime { seen_percent }));
        self.outbox.push(FromWorker::Feed(FeedNews { offered, given, held, looks_ms }));
    }

    /// The newest picture of the camera whose turn it is, while the active model rests; waits a moment for
    /// both.
    fn next(&self) -> Option<Offered> {
        let looking = || self.shared.looking.load(Ordering::Acquire);
        let idle = |slots: &mut Slots| looking() || slots.waiting.iter().all(Option::is_none);
        let waited = self.shared.arrived.wait_timeout_while(self.slots(), LOOK_EVERY, idle);
        let (mut slots, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() { None } else { slots.take() }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.shared.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// With how this process keeps up now.
    fn courtesy(&self) -> MutexGuard<'_, Courtesy> {
        let mut courtesy = self.shared.courtesy.lock().unwrap_or_else(PoisonError::into_inner);
        courtesy.load(match self.shared.overloaded.load(Ordering::Acquire) {
            true => courtesy::Load::Overloaded,
            false => courtesy::Load::KeepsUp,
        });
        courtesy
    }
}

impl Slots {
    fn take(&mut self) -> Option<Offered> {
        let cameras = self.waiting.len();
        let mut turns = (0..cameras).map(|turn| (self.next + turn) % cameras);
        let camera = turns.find(|&camera| self.waiting[camera].is_some())?;
        self.next = (camera + 1) % cameras;
        self.waiting[camera].take()
    }
}

/// Waits for the next end that the guard hands over, with the process that reads from the other; an error
/// when the guard is gone.
fn next_end(control: &UnixStream) -> io::Result<Option<(OwnedFd, Option<OwnedFd>)>> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut into = [IoSliceMut::new(&mut byte)];
    let got = recvmsg(control, &mut into, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    if got.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut ends) => Some((ends.next()?, ends.next())),
        _ => None,
    }))
}

/// Why there is nobody at the other end; `None` while there is.
fn gone(to: &UnixStream) -> Option<String> {
    let mut byte = [0];
    match rustix::net::recv(to, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok((_, 0)) => Some("it has ended".into()),
        Ok(_) => Some("it speaks unasked".into()),
        Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => None,
        Err(error) => Some(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::CaptureClock;
    use crate::vision::ingest::tests::picture;

    fn offered(camera: CameraIndex, frame: u64) -> Offered {
        let fed = FedPicture {
            camera,
            frame,
            captured_ns: 0,
            arrived_ns: 0,
            clock: CaptureClock::Pipeline,
            source_px: (8, 4),
            width_px: 8,
            height_px: 4,
            closer: None,
        };
        Offered { fed, picture: Arc::new(picture(gstreamer_video::VideoFormat::Bgr)) }
    }

    #[test]
    fn cameras_take_turns_and_of_each_the_newest_picture_is_given() {
        let mut slots = Slots { waiting: vec![None, None, None], next: 0 };
        let mut given = Vec::new();
        for frame in 0..6 {
            // Camera 0 has a new picture each time, the others every third time.
            for camera in [0, 1, 2] {
                if camera == 0 || frame % 3 == 0 {
                    slots.waiting[usize::from(camera)] = Some(offered(camera, frame));
                }
            }
            given.extend(slots.take().map(|it| (it.fed.camera, it.fed.frame)));
        }
        assert_eq!(given, [(0, 0), (1, 0), (2, 0), (0, 3), (1, 3), (2, 3)]);
    }

    #[test]
    fn the_loop_that_guards_does_not_wait_to_say_how_it_keeps_up() {
        let shared = Arc::new(Shared::of(0));
        shared.overloaded.store(true, Ordering::Release);
        let feed = Feed { shared: Some(Arc::clone(&shared)), gaps: Gaps::default(), of: 0 };
        let feeder = Feeder { shared: Arc::clone(&shared), outbox: Arc::new(Outbox::unattached()) };
        assert_eq!(feeder.courtesy().says().0, Some(link::Held::Overloaded));
        let (done, said) = std::sync::mpsc::sync_channel(1);
        let held = shared.courtesy.lock().expect("nobody panicked");
        thread::spawn(move || {
            feed.load(&LoadNews::KeepsUp);
            done.send(()).expect("somebody waits");
        });
        said.recv_timeout(Duration::from_secs(10)).expect("it does not wait for the lock");
        drop(held);
        assert_eq!(feeder.courtesy().says().0, None);
    }
}
