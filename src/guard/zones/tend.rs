//! What has to be looked after about zones while the box guards: pictures that come in another size
//! than the calibration was made for, marks whose ends were reckoned by a clock that has been set
//! since, and changes that were left unsettled.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::SignedDuration;

use super::{Armed, Clocks, ZoneDesk, frame_size};
use crate::engine::CameraIndex;
use crate::guard::handle::ZoneDeskError;
use crate::telemetry::chain;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Marks whose ends are off by more are reckoned anew. A mark is dated by people, and a time server
/// that slews needs more than a day for this much.
const MARKS_OFF_MAX: SignedDuration = SignedDuration::from_secs(60);

/// The thread that looks.
#[derive(Debug)]
pub struct ZoneThread {
    /// Dropped to stop.
    running: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl ZoneThread {
    /// # Errors
    /// The system does not allow another thread.
    pub fn start(desk: Arc<ZoneDesk>) -> io::Result<ZoneThread> {
        let (running, stopped) = mpsc::sync_channel(0);
        let thread =
            thread::Builder::new().name("zones".into()).spawn(move || run(&desk, &stopped))?;
        Ok(ZoneThread { running, thread })
    }

    pub fn stop(self) {
        drop(self.running);
        let _ = self.thread.join();
    }
}

fn run(desk: &ZoneDesk, stopped: &Receiver<()>) {
    let mut said = None;
    while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
        let why = desk.tend().err().map(|error| chain(&error));
        if let Some(why) = &why
            && said.as_ref() != Some(why)
        {
            tracing::warn!("zones could not be looked after, it is tried again: {why}");
        }
        said = why;
    }
}

impl ZoneDesk {
    /// Arms anew what has to be; one look.
    pub(super) fn tend(&self) -> Result<(), ZoneDeskError> {
        let now = self.now();
        let unsettled = self.unsettled.load(Ordering::Acquire);
        let Ok(_change) = self.change() else {
            // Somebody changes zones this moment; the next look is soon.
            return Ok(());
        };
        let armed = self.armed();
        for (index, camera) in (0u16..).map(CameraIndex).zip(&now.cameras) {
            let stale = resized(&armed, index, frame_size(&now, index)) || misdated(&armed, index);
            if !unsettled && !stale {
                continue;
            }
            let Some(version) = self.kept(&camera.id)?.in_force else { continue };
            let armed_version =
                armed.names.in_force.get(usize::from(index.0)).map(|zones| zones.version);
            let settled = armed_version == Some(version.number);
            if settled && !stale {
                continue;
            }
            self.arm_what_is_in_force(index, &version)?;
            tracing::info!("zones of {}: version {} is armed anew", camera.id, version.number);
        }
        if unsettled {
            self.unsettled.store(false, Ordering::Release);
        }
        Ok(())
    }
}

/// Whether the calibration was made for another picture than the one that comes.
fn resized(
    armed: &Armed,
    index: CameraIndex,
    size: Option<crate::engine::detection::FrameSize>,
) -> bool {
    armed.cameras.get(usize::from(index.0)).is_some_and(|camera| {
        size.is_some() && camera.frame_size != size && camera.document.ground.is_some()
    })
}

/// Whether the clock by which the ends of marks were reckoned has been set since.
fn misdated(armed: &Armed, index: CameraIndex) -> bool {
    armed.cameras.get(usize::from(index.0)).is_some_and(|camera| {
        !camera.document.marks.is_empty() && camera.clocks.apart(Clocks::now()) > MARKS_OFF_MAX
    })
}
