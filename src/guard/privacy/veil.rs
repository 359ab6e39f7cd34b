//! From a camera's picture to what people see of it: pixelated for everybody, clear for a few, and black
//! for all where a privacy mask lies.
//!
//! A thread of low priority beside the publisher: decoding and encoding takes some milliseconds a
//! picture, and nobody who waits for the state of a zone shall wait for it. A picture that finds the
//! queue full is not shown; the next one comes.
//!
//! Not here: which people belong to which picture (`live`), pictures of incidents (`evidence`).

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

use super::mosaic;
use crate::config::Privacy;
use crate::guard::live::{FramePeople, LiveHub, Looking};

/// Pictures that wait; each takes some milliseconds, and older ones than these nobody wants to see.
const QUEUE_MAX: usize = 4;

/// JPEG quality: that of the pictures that come from the vision process.
const QUALITY: u8 = 80;

/// How much less urgent than everything else (`nice`).
const NICENESS: i32 = 10;

/// A picture with who is in it.
#[derive(Debug)]
pub struct Veiling {
    pub seen: FramePeople,
    pub jpeg: Vec<u8>,
}

/// What people see of a picture.
#[derive(Debug, PartialEq, Eq)]
pub struct Veiled {
    /// What everybody may see.
    pub shown: Vec<u8>,
    /// What an engineer with a reason may see; when it was asked for.
    pub clear: Option<Vec<u8>>,
}

/// Starts the thread; it ends when all senders are gone.
pub fn start(
    hub: Arc<LiveHub>,
    privacy: Privacy,
) -> io::Result<(SyncSender<Veiling>, JoinHandle<()>)> {
    let (sender, queue) = mpsc::sync_channel(QUEUE_MAX);
    let thread = thread::Builder::new().name("veil".into()).spawn(move || {
        // Linux keeps niceness per thread; without it this one merely competes.
        let _ = rustix::process::nice(NICENESS);
        run(&hub, &queue, privacy);
    })?;
    Ok((sender, thread))
}

fn run(hub: &LiveHub, queue: &Receiver<Veiling>, privacy: Privacy) {
    let mut unshown = 0_u64;
    for Veiling { seen, jpeg } in queue {
        let looking = hub.looking(seen.camera);
        // A picture that cannot be veiled is not shown; a panic over it costs only that picture.
        let veiled = panic::catch_unwind(AssertUnwindSafe(|| veil(jpeg, &seen, privacy, looking)));
        match veiled {
            Ok(Ok(veiled)) => hub.show(seen, veiled),
            Ok(Err(_)) | Err(_) => {
                unshown += 1;
                if unshown.is_power_of_two() {
                    tracing::warn!(
                        "{unshown} pictures were not shown: people in them could not be made unrecognisable"
                    );
                }
            }
        }
    }
}

/// Makes both pictures. One in which there is nothing to hide stays as it is.
fn veil(
    jpeg: Vec<u8>,
    seen: &FramePeople,
    privacy: Privacy,
    looking: Looking,
) -> image::ImageResult<Veiled> {
    let masks = seen.names.masks(seen.camera);
    let hidden = privacy != Privacy::Off && !seen.covers.is_empty();
    let wanted = looking == Looking::AlsoClear;
    if !hidden && masks.is_empty() {
        let clear = wanted.then(|| jpeg.clone());
        return Ok(Veiled { shown: jpeg, clear });
    }
    let mut canvas = image::load_from_memory(&jpeg)?.into_rgb8();
    // What is masked is hidden from engineers, too.
    mosaic::black_out(&mut canvas, masks);
    let clear = wanted.then(|| encode(&canvas)).transpose()?;
    if hidden {
        mosaic::cover(&mut canvas, &seen.covers, privacy, masks);
    }
    Ok(Veiled { shown: encode(&canvas)?, clear })
}

fn encode(canvas: &RgbImage) -> image::ImageResult<Vec<u8>> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(canvas)?;
    Ok(jpeg)
}
