//! The siren through a sound card (ALSA): opened once, fed for ever, reopened when it fails.
//!
//! A thread of its own opens the device and holds the stream, because opening may wait. The stream
//! plays without pause, silence included; which pattern it plays is one atomic that the card's
//! callback reads every `BLOCK_FRAMES`. Nothing is queued, so a change is heard after at most the
//! card's buffer.
//!
//! A card works when it takes samples: it counts as open once it has taken more than its buffer
//! holds, and as broken when it takes none for `PULL_GAP_MAX`, whatever else it says. (Sound servers
//! report errors while they start, and let the first stream wait.)
//!
//! Not here: whether anybody hears it; loudspeaker, amplifier and mixer lie behind the card.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rodio::cpal::traits::{DeviceTrait, HostTrait};
use rodio::cpal::{self, BufferSize, ErrorKind};
use rodio::{DeviceSinkBuilder, MixerDeviceSink, Source};

use super::siren::{OutputState, SirenOutput};
use super::tones::Tones;
use crate::clock;
use crate::config::SirenDevice;
use crate::engine::SirenPattern;
use crate::engine::time::Instant;
use crate::telemetry::chain;

/// Period asked of the card, frames: 21 ms at 48 kHz, and the card holds two of them.
pub const PERIOD_FRAMES: u32 = 1024;

/// How often the callback looks for another pattern, frames: 1.3 ms at 48 kHz.
const BLOCK_FRAMES: u32 = 64;

/// Longest pause between two blocks taken by a healthy card: several periods even of a card that
/// insists on its own, large buffer, and of a sound server on a busy machine (half a second was
/// seen there). Leaves time within R1's second to tell.
const PULL_GAP_MAX: Duration = Duration::from_millis(800);

/// How much a card must take before it works, frames: more than both its periods hold.
const FLOW_FRAMES: u64 = 4 * PERIOD_FRAMES as u64;

/// Longest wait for that: a sound server may let the first stream wait for 2 s.
const FLOW_WAIT_MAX: Duration = Duration::from_millis(2500);

/// Pause before a failed device is tried again.
const REOPEN_AFTER: Duration = Duration::from_secs(2);

/// How often the holding thread looks at its stream.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The siren's end of a sound card.
#[derive(Debug)]
pub struct SoundCard {
    name: String,
    line: Arc<Line>,
    thread: JoinHandle<()>,
}

/// Between siren thread, holding thread and the card's callback.
#[derive(Debug)]
struct Line {
    pattern: AtomicU8,
    pulled_ns: AtomicU64,
    /// Blocks taken from the stream of the moment.
    blocks: AtomicU64,
    stop: AtomicBool,
    /// Set by the stream's error callback: why it broke.
    broken: Mutex<Option<String>>,
    state: Mutex<OutputState>,
}

impl SoundCard {
    /// Starts to open the device; `volume` is 0..=1. The outcome shows in the state.
    pub fn open(device: &SirenDevice, volume: f32) -> std::io::Result<SoundCard> {
        let name = match device {
            SirenDevice::Default => "default".to_owned(),
            SirenDevice::Named(name) => name.clone(),
            SirenDevice::None => "none".to_owned(),
        };
        let line = Arc::new(Line::new(&name));
        let holder =
            Holder { device: device.clone(), name: name.clone(), volume, line: line.clone() };
        let thread =
            thread::Builder::new().name("sound-card".into()).spawn(move || holder.run())?;
        Ok(SoundCard { name, line, thread })
    }
}

impl SirenOutput for SoundCard {
    fn sound(&mut self, pattern: SirenPattern) {
        let code = match pattern {
            SirenPattern::Silent => 0,
            SirenPattern::Fault => 1,
            SirenPattern::Intrusion => 2,
            SirenPattern::Warning => 3,
        };
        self.line.pattern.store(code, Ordering::Relaxed);
    }

    fn state(&mut self, now: Instant) -> OutputState {
        let state = lock(&self.line.state).clone();
        match state {
            // The holding thread may hang in the driver itself, so this is judged here too.
            OutputState::Working { .. } if self.line.stalled(now) => {
                OutputState::Broken { device: self.name.clone(), reason: STALLED.into() }
            }
            OutputState::Working { .. }
            | OutputState::Opening { .. }
            | OutputState::Broken { .. } => state,
        }
    }
}

impl Drop for SoundCard {
    fn drop(&mut self) {
        self.line.stop.store(true, Ordering::Release);
        // Not joined: a hung driver must not keep the box from ending.
        self.thread.thread().unpark();
    }
}

const STALLED: &str = "the sound card takes no more samples";

impl Line {
    fn new(name: &str) -> Line {
        Line {
            pattern: AtomicU8::new(0),
            pulled_ns: AtomicU64::new(0),
            blocks: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            broken: Mutex::new(None),
            state: Mutex::new(OutputState::Opening { device: name.to_owned() }),
        }
    }

    fn flows(&self) -> bool {
        self.blocks.load(Ordering::Relaxed) * u64::from(BLOCK_FRAMES) > FLOW_FRAMES
    }

    fn stalled(&self, now: Instant) -> bool {
        let pulled = Instant::from_nanos(self.pulled_ns.load(Ordering::Relaxed));
        now.since(pulled) > PULL_GAP_MAX
    }
}

struct Holder {
    device: SirenDevice,
    name: String,
    volume: f32,
    line: Arc<Line>,
}

impl Holder {
    fn run(self) {
        while !self.stopped() {
            *lock(&self.line.broken) = None;
            self.line.blocks.store(0, Ordering::Relaxed);
            match self.open() {
                Ok(sink) => self.hold(&sink),
                Err(reason) => self.set(OutputState::Broken { device: self.name.clone(), reason }),
            }
            self.rest(REOPEN_AFTER);
        }
    }

    fn open(&self) -> Result<MixerDeviceSink, String> {
        let (sink, buffer) = open(&self.device, &self.line)?;
        if buffer == Buffer::TheCardsOwn {
            tracing::warn!(
                "the sound card refuses a buffer of {PERIOD_FRAMES} frames; its own is used, the \
                 siren may start later"
            );
        }
        let config = sink.config();
        let rate = config.sample_rate();
        sink.mixer().add(Voice {
            tones: Tones::new(rate.get(), self.volume),
            line: self.line.clone(),
            pattern: SirenPattern::Silent,
            position: 0,
            block_left: 0,
            channels: config.channel_count(),
            channel: 0,
            sample: 0.0,
            rate,
        });
        self.line.pulled_ns.store(clock::monotonic().as_nanos(), Ordering::Relaxed);
        Ok(sink)
    }

    /// Holds the stream until it breaks or the box ends. What was said before stands until the
    /// card really takes samples.
    fn hold(&self, _sink: &MixerDeviceSink) {
        let opened_at = clock::monotonic();
        let mut flowed = false;
        while !self.stopped() {
            self.rest(LOOK_EVERY);
            let now = clock::monotonic();
            if !flowed && self.line.flows() {
                flowed = true;
                self.set(OutputState::Working { device: self.name.clone() });
            }
            let stalled = match flowed {
                true => self.line.stalled(now),
                false => now.since(opened_at) > FLOW_WAIT_MAX,
            };
            let broken = lock(&self.line.broken).take();
            if let Some(reason) = broken.or(stalled.then(|| STALLED.into())) {
                self.set(OutputState::Broken { device: self.name.clone(), reason });
                return;
            }
        }
    }

    fn set(&self, state: OutputState) {
        *lock(&self.line.state) = state;
    }

    fn stopped(&self) -> bool {
        self.line.stop.load(Ordering::Acquire)
    }

    fn rest(&self, span: Duration) {
        if !self.stopped() {
            thread::park_timeout(span);
        }
    }
}

/// Which buffer a card granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffer {
    AsAsked,
    TheCardsOwn,
}

/// Opens a device and closes it again; says what was granted.
pub fn try_open(device: &SirenDevice) -> Result<(String, Buffer), String> {
    let line = Arc::new(Line::new("doctor"));
    let (sink, buffer) = open(device, &line)?;
    let config = sink.config();
    let (rate, channels) = (config.sample_rate(), config.channel_count());
    let granted = match buffer {
        Buffer::AsAsked => format!("buffer of {PERIOD_FRAMES} frames"),
        Buffer::TheCardsOwn => format!("a buffer of {PERIOD_FRAMES} frames is refused"),
    };
    Ok((format!("{rate} Hz, {channels} channels, {granted}"), buffer))
}

/// Opens the stream with a small buffer, or with the card's own when it refuses.
fn open(device: &SirenDevice, line: &Arc<Line>) -> Result<(MixerDeviceSink, Buffer), String> {
    // ALSA's library writes a dozen lines to standard error for a card that is not there, at every
    // try. On this thread it now says them here; the error itself says enough for people.
    let said = alsa::Output::local_error_handler();
    let opened = open_either(device, line);
    if let (Err(_), Ok(said)) = (&opened, said) {
        tracing::debug!("ALSA: {}", said.borrow());
    }
    opened
}

fn open_either(
    device: &SirenDevice,
    line: &Arc<Line>,
) -> Result<(MixerDeviceSink, Buffer), String> {
    match stream(device, line, BufferSize::Fixed(PERIOD_FRAMES)) {
        Ok(sink) => Ok((sink, Buffer::AsAsked)),
        Err(_) => Ok((stream(device, line, BufferSize::Default)?, Buffer::TheCardsOwn)),
    }
}

fn stream(
    device: &SirenDevice,
    line: &Arc<Line>,
    buffer: BufferSize,
) -> Result<MixerDeviceSink, String> {
    let device = find(device)?;
    let line = line.clone();
    let mut sink = DeviceSinkBuilder::from_device(device)
        .map_err(|error| chain(&error))?
        .with_buffer_size(buffer)
        .with_error_callback(move |error: cpal::Error| note(&line, &error))
        .open_stream()
        .map_err(|error| chain(&error))?;
    sink.log_on_drop(false);
    Ok(sink)
}

fn find(device: &SirenDevice) -> Result<cpal::Device, String> {
    let host = cpal::default_host();
    match device {
        SirenDevice::Default => {
            host.default_output_device().ok_or_else(|| "this system has no sound device".into())
        }
        SirenDevice::None => Err("siren.device is \"none\"".into()),
        SirenDevice::Named(name) => {
            let mut devices = host.output_devices().map_err(|error| chain(&error))?;
            devices.find(|device| device.id().is_ok_and(|id| id.id() == name)).ok_or_else(|| {
                format!("there is no sound device {name:?}; `aplay -L` lists the names")
            })
        }
    }
}

/// What the stream's error callback makes of an error.
fn note(line: &Line, error: &cpal::Error) {
    match error.kind() {
        ErrorKind::DeviceNotAvailable
        | ErrorKind::HostUnavailable
        | ErrorKind::PermissionDenied
        | ErrorKind::StreamInvalidated => *lock(&line.broken) = Some(error.to_string()),
        // The stream goes on; if it does not, its silence is found.
        _ => tracing::trace!("sound card: {error}"),
    }
}

/// A lock whose owner panicked still holds a whole value: each is set in one assignment.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the card plays: the loop of the pattern in force, for ever.
struct Voice {
    tones: Tones,
    line: Arc<Line>,
    pattern: SirenPattern,
    /// Next frame of the loop.
    position: usize,
    /// Frames until the pattern is read again.
    block_left: u32,
    channels: NonZero<u16>,
    /// Channel the next sample is for; all channels play the same.
    channel: u16,
    sample: f32,
    rate: NonZero<u32>,
}

impl Voice {
    fn next_block(&mut self) {
        self.block_left = BLOCK_FRAMES;
        let now = clock::monotonic();
        self.line.pulled_ns.store(now.as_nanos(), Ordering::Relaxed);
        self.line.blocks.fetch_add(1, Ordering::Relaxed);
        let pattern = match self.line.pattern.load(Ordering::Relaxed) {
            0 => SirenPattern::Silent,
            2 => SirenPattern::Intrusion,
            3 => SirenPattern::Warning,
            _ => SirenPattern::Fault,
        };
        if pattern != self.pattern {
            self.pattern = pattern;
            self.position = 0;
        }
    }

    fn next_frame(&mut self) {
        if self.block_left == 0 {
            self.next_block();
        }
        self.block_left -= 1;
        let samples = self.tones.samples(self.pattern);
        self.sample = samples.get(self.position).copied().unwrap_or(0.0);
        self.position = if self.position + 1 < samples.len() { self.position + 1 } else { 0 };
    }
}

impl Iterator for Voice {
    type Item = f32;

    fn next(&mut self) -> Option<f32> {
        if self.channel == 0 {
            self.next_frame();
        }
        self.channel = (self.channel + 1) % self.channels.get();
        Some(self.sample)
    }
}

impl Source for Voice {
    fn current_span_len(&self) -> Option<usize> {
        None
    }

    fn channels(&self) -> NonZero<u16> {
        self.channels
    }

    fn sample_rate(&self) -> NonZero<u32> {
        self.rate
    }

    fn total_duration(&self) -> Option<Duration> {
        None
    }
}
