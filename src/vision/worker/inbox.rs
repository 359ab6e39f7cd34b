//! What waits for the inference loop: commands, troubles of cameras, and the newest picture of each
//! camera. A picture that was not looked at when the next one comes is replaced and counted; whose
//! picture comes first is for `deadlines` to say.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock;
use crate::engine::time::Instant;
use crate::link::{CameraIndex, Stream, ToWorker};

use super::super::ingest::Frame;
use super::deadlines::{Came, Deadlines};

/// Commands waiting; the reader blocks beyond that, and so does the guard's writer behind it.
const COMMANDS_MAX: usize = 64;

/// The next thing to do.
#[derive(Debug)]
pub enum Event {
    LinkClosed,
    Command(ToWorker),
    Lost { camera: CameraIndex, reason: String },
    Up { camera: CameraIndex, stream: Stream },
    Frame { camera: CameraIndex, frame: Frame },
    Nothing,
}

pub struct Inbox {
    state: Mutex<State>,
    arrived: Condvar,
    room: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    commands: VecDeque<ToWorker>,
    cameras: Vec<Waiting>,
    deadlines: Deadlines,
}

#[derive(Default)]
struct Waiting {
    newest: Option<Frame>,
    lost: Option<String>,
    /// How pictures come; older than what is lost never.
    up: Option<Stream>,
    replaced: u64,
}

impl Inbox {
    /// For cameras that are looked at so many times a second.
    pub fn new(fps: &[f64]) -> Inbox {
        let deadlines = Deadlines::new(fps.iter().copied());
        let mut state = State { deadlines, ..State::default() };
        state.cameras.resize_with(fps.len(), Waiting::default);
        Inbox { state: Mutex::new(state), arrived: Condvar::new(), room: Condvar::new() }
    }

    /// Waits at most `wait`. Commands come first, then troubles, then the picture due first.
    pub fn next(&self, wait: Duration) -> Event {
        let state = self.lock();
        let waited = self.arrived.wait_timeout_while(state, wait, |state| state.is_empty());
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Event::LinkClosed;
        }
        if let Some(command) = state.commands.pop_front() {
            self.room.notify_one();
            return Event::Command(command);
        }
        state.next_of_cameras()
    }

    pub fn put_frame(&self, camera: CameraIndex, frame: Frame) {
        let mut state = self.lock();
        let came = Came { captured_ns: frame.captured_ns, arrived_ns: frame.arrived_ns };
        if let Some(waiting) = state.cameras.get_mut(usize::from(camera)) {
            if waiting.newest.replace(frame).is_some() {
                waiting.replaced += 1;
                if waiting.replaced.is_power_of_two() {
                    let replaced = waiting.replaced;
                    tracing::warn!(camera, replaced, "pictures came faster than were looked at");
                }
            }
            state.deadlines.came(usize::from(camera), came);
        }
        drop(state);
        self.arrived.notify_one();
    }

    /// Whether a picture is to be looked at.
    pub fn picture_waits(&self) -> bool {
        self.lock().cameras.iter().any(|camera| camera.newest.is_some())
    }

    /// How many pictures of a camera a newer one replaced before they were looked at.
    pub fn passed_over(&self, camera: CameraIndex) -> u64 {
        self.lock().cameras.get(usize::from(camera)).map_or(0, |waiting| waiting.replaced)
    }

    /// How many pictures of each camera were ever replaced by a newer one before they were looked at.
    pub fn replaced(&self) -> Vec<u64> {
        self.lock().cameras.iter().map(|waiting| waiting.replaced).collect()
    }

    /// When the first picture that waits is due, nanoseconds of CLOCK_MONOTONIC.
    pub fn first_due_ns(&self, now: Instant) -> Option<u64> {
        self.lock().deadlines.first_due_ns(now)
    }

    /// What waits of a lost camera goes with it: a picture told after the loss would look as if the
    /// camera were back.
    pub fn put_lost(&self, camera: CameraIndex, reason: String) {
        let mut state = self.lock();
        if let Some(waiting) = state.cameras.get_mut(usize::from(camera)) {
            waiting.lost = Some(reason);
            waiting.up = None;
            waiting.newest = None;
            state.deadlines.taken(usize::from(camera));
        }
        drop(state);
        self.arrived.notify_one();
    }

    pub fn put_up(&self, camera: CameraIndex, stream: Stream) {
        if let Some(waiting) = self.lock().cameras.get_mut(usize::from(camera)) {
            waiting.up = Some(stream);
        }
        self.arrived.notify_one();
    }

    /// Blocks while too many commands wait.
    pub fn put_command(&self, command: ToWorker) {
        let full = |state: &mut State| state.commands.len() >= COMMANDS_MAX && !state.closed;
        let waited = self.room.wait_while(self.lock(), full);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.commands.push_back(command);
        drop(state);
        self.arrived.notify_one();
    }

    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
        self.room.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_empty(&self) -> bool {
        let idle = |camera: &Waiting| {
            camera.newest.is_none() && camera.lost.is_none() && camera.up.is_none()
        };
        !self.closed && self.commands.is_empty() && self.cameras.iter().all(idle)
    }

    fn next_of_cameras(&mut self) -> Event {
        for (camera, waiting) in (0..).zip(&mut self.cameras) {
            if let Some(reason) = waiting.lost.take() {
                return Event::Lost { camera, reason };
            }
            if let Some(stream) = waiting.up.take() {
                return Event::Up { camera, stream };
            }
        }
        let frame = self.deadlines.first(clock::monotonic()).and_then(|first| {
            self.deadlines.taken(first);
            let camera = CameraIndex::try_from(first).ok()?;
            let frame = self.cameras.get_mut(first)?.newest.take()?;
            Some(Event::Frame { camera, frame })
        });
        frame.unwrap_or(Event::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::detection::FrameSize;
    use crate::link::{CaptureClock, Watched};
    use crate::vision::ingest::tests::picture;

    const SOON: Duration = Duration::from_secs(5);

    #[test]
    fn commands_come_before_troubles_and_a_closed_link_before_everything() {
        let inbox = Inbox::new(&[5.0; 2]);
        inbox.put_lost(1, "gone".into());
        inbox.put_command(ToWorker::Watch { camera: 0, watched: Watched::Yes });
        assert!(matches!(inbox.next(SOON), Event::Command(_)));
        assert!(matches!(inbox.next(SOON), Event::Lost { camera: 1, .. }));
        assert!(matches!(inbox.next(Duration::ZERO), Event::Nothing));
        inbox.put_command(ToWorker::Stop);
        inbox.close();
        assert!(matches!(inbox.next(SOON), Event::LinkClosed));
    }

    #[test]
    fn newest_reason_of_a_lost_camera_replaces_the_older() {
        let inbox = Inbox::new(&[5.0]);
        inbox.put_lost(0, "first".into());
        inbox.put_lost(0, "second".into());
        let Event::Lost { reason, .. } = inbox.next(SOON) else {
            panic!("a trouble waits");
        };
        assert_eq!(reason, "second");
        assert!(matches!(inbox.next(Duration::ZERO), Event::Nothing));
    }

    #[test]
    fn what_a_camera_was_like_before_it_was_lost_is_not_told_after_that() {
        let stream = Stream {
            decoder: None,
            transport: None,
            clock: CaptureClock::Pipeline,
            clock_refused: None,
            decoder_failed: None,
        };
        let inbox = Inbox::new(&[5.0]);
        inbox.put_up(0, stream.clone());
        inbox.put_lost(0, "gone".into());
        assert!(matches!(inbox.next(SOON), Event::Lost { .. }));
        assert!(matches!(inbox.next(Duration::ZERO), Event::Nothing));
        inbox.put_lost(0, "gone".into());
        inbox.put_up(0, stream);
        assert!(matches!(inbox.next(SOON), Event::Lost { .. }));
        assert!(matches!(inbox.next(SOON), Event::Up { camera: 0, .. }));
    }

    fn frame(index: u64) -> Frame {
        let now_ns = clock::monotonic().as_nanos();
        Frame {
            index,
            time: Duration::ZERO,
            captured_ns: now_ns,
            clock: CaptureClock::Pipeline,
            arrived_ns: now_ns,
            source_size: FrameSize::new(8, 4).expect("positive"),
            picture: picture(gstreamer_video::VideoFormat::Bgr),
        }
    }

    #[test]
    fn a_picture_from_before_a_loss_is_not_told_after_it() {
        let inbox = Inbox::new(&[5.0]);
        inbox.put_frame(0, frame(1));
        inbox.put_lost(0, "gone".into());
        assert!(matches!(inbox.next(SOON), Event::Lost { .. }));
        assert!(matches!(inbox.next(Duration::ZERO), Event::Nothing));
        assert_eq!(inbox.first_due_ns(clock::monotonic()), None);
        inbox.put_frame(0, frame(2));
        assert!(matches!(inbox.next(SOON), Event::Frame { frame: Frame { index: 2, .. }, .. }));
        // It was lost, not replaced.
        assert_eq!(inbox.replaced(), [0]);
    }

    #[test]
    fn full_command_queue_lets_go_of_its_writer_when_the_link_closes() {
        let inbox = std::sync::Arc::new(Inbox::new(&[]));
        for _ in 0..COMMANDS_MAX {
            inbox.put_command(ToWorker::Stop);
        }
        let writer = {
            let inbox = std::sync::Arc::clone(&inbox);
            std::thread::spawn(move || inbox.put_command(ToWorker::Stop))
        };
        inbox.close();
        writer.join().expect("the writer returns");
    }
}
