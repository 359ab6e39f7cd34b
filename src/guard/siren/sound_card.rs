//! The siren through a sound card (ALSA): opened once, fed for ever, reopened when it fails.
//!
//! A thread of its own opens the device and holds the stream, because opening may wait. The stream
//! plays without pause, silence included; what it plays is one atomic word that the card's callback
//! reads every `BLOCK_FRAMES`. Nothing is queued, so a change is heard after at most the card's
//! buffer, which is small or the device is refused (`grant`).
//!
//! A card works when it takes samples: it counts as open once it has taken more than its buffer
//! holds, and as broken when it takes none for `PULL_GAP_MAX`, whatever else it says. (Sound servers
//! report errors while they start, and let the first stream wait.) A card whose mixer is muted takes
//! samples and is broken all the same.
//!
//! Not here: whether anybody hears it; loudspeaker and amplifier lie behind the card.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rodio::cpal::traits::{DeviceTrait, HostTrait};
use rodio::cpal::{self, BufferSize, ErrorKind};
use rodio::{DeviceSinkBuilder, MixerDeviceSink, Source};

use super::grant::{self, Granted, PERIOD_FRAMES};
use super::mute;
use super::player::Player;
use super::voices::Voices;
use super::{OutputState, SirenOutput, Sound};
use crate::clock;
use crate::config::SirenDevice;
use crate::engine::time::Instant;
use crate::guard::again;
use crate::guard::priority;
use crate::telemetry::chain;

/// How often the callback looks for another sound, frames: 1.3 ms at 48 kHz.
const BLOCK_FRAMES: u32 = 64;

/// Longest pause between two blocks taken by a healthy card: many periods, because a sound server on
/// a busy machine was seen to pause for half a second. Leaves time within R1's second to tell.
pub const PULL_GAP_MAX: Duration = Duration::from_millis(800);

/// How much a card must take before it works, frames: more than both its periods hold.
const FLOW_FRAMES: u64 = 4 * PERIOD_FRAMES as u64;

/// Longest wait for that: a sound server may let the first stream wait for 2 s.
const FLOW_WAIT_MAX: Duration = Duration::from_millis(2500);

/// Longest time a device may take to open before that is a fault.
const OPENING_MAX: Duration = Duration::from_secs(4);

/// Pause before a failed device is tried again.
const REOPEN_AFTER: Duration = Duration::from_secs(2);

/// How names of cards themselves begin.
const CARDS_FIRST: [&str; 3] = ["hw:", "plughw:", "sysdefault:"];

/// ALSA's device that takes everything and plays nothing.
const SWALLOWS: &str = "null";

/// How often the holding thread looks at its stream.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How often it looks at the mixer: a hand on it is slower.
const MUTE_LOOK_EVERY: Duration = Duration::from_secs(2);

/// The siren's end of a sound card.
#[derive(Debug)]
pub struct SoundCard {
    name: String,
    line: Arc<Line>,
    thread: JoinHandle<()>,
    opening_since: Instant,
    ordered: u64,
    voices: Arc<Voices>,
}

/// Between siren thread, holding thread and the card's callback.
#[derive(Debug)]
struct Line {
    /// What is to sound.
    sound: AtomicU64,
    /// What the callback plays, and how many frames of it have been taken.
    playing: AtomicU64,
    taken_frames: AtomicU64,
    /// Of the stream of the moment; 0 before one opened.
    rate_hz: AtomicU32,
    buffer_frames: AtomicU32,
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
    ///
    /// # Errors
    /// The system does not allow another thread.
    pub fn open(
        device: &SirenDevice,
        volume: f32,
        voices: &Arc<Voices>,
    ) -> std::io::Result<SoundCard> {
        let name = device.name().to_owned();
        let line = Arc::new(Line::new(&name));
        let mut holder = Holder {
            device: device.clone(),
            name: name.clone(),
            volume,
            voices: voices.clone(),
            line: line.clone(),
        };
        let thread = thread::Builder::new().name("sound-card".into()).spawn(move || {
            let line = holder.line.clone();
            let panicked = |holder: &mut Holder| holder.broken(again::PANICKED.into());
            again::keep("the sound card's thread", &mut holder, &line.stop, Holder::run, panicked);
        })?;
        let opening_since = clock::monotonic();
        let (ordered, voices) = (Sound::SILENT.word(), voices.clone());
        Ok(SoundCard { name, line, thread, opening_since, ordered, voices })
    }
}

impl SirenOutput for SoundCard {
    fn sound(&mut self, sound: Sound) {
        self.ordered = sound.word();
        self.line.sound.store(self.ordered, Ordering::Relaxed);
    }

    fn state(&mut self, now: Instant) -> OutputState {
        let state = lock(&self.line.state).clone();
        let broken = |reason: &str| {
            let device = self.name.clone();
            OutputState::Broken { device, reason: reason.into() }
        };
        match state {
            // The holding thread may hang in the driver itself, so this is judged here too.
            OutputState::Working { .. } if self.line.stalled(now) => broken(STALLED),
            OutputState::Opening { .. } if now.since(self.opening_since) > OPENING_MAX => {
                broken("the sound device does not open")
            }
            OutputState::Working { .. }
            | OutputState::Degraded { .. }
            | OutputState::Opening { .. }
            | OutputState::Broken { .. } => state,
        }
    }

    fn played(&mut self, _now: Instant) -> Option<Duration> {
        let rate_hz = self.line.rate_hz.load(Ordering::Relaxed);
        if rate_hz == 0 {
            return None;
        }
        if self.line.playing.load(Ordering::Acquire) != self.ordered {
            return Some(Duration::ZERO);
        }
        // What was taken last is still in the card's buffer.
        let buffer = u64::from(self.line.buffer_frames.load(Ordering::Relaxed));
        let left = self.line.taken_frames.load(Ordering::Acquire).saturating_sub(buffer);
        Some(Duration::from_secs_f64(left as f64 / f64::from(rate_hz)))
    }

    fn voices(&self) -> Arc<Voices> {
        self.voices.clone()
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
        let silent = Sound::SILENT.word();
        Line {
            sound: AtomicU64::new(silent),
            playing: AtomicU64::new(silent),
            taken_frames: AtomicU64::new(0),
            rate_hz: AtomicU32::new(0),
            buffer_frames: AtomicU32::new(0),
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
    voices: Arc<Voices>,
    line: Arc<Line>,
}

impl Holder {
    fn run(&mut self) {
        // The thread that feeds the card is started by this one.
        priority::ask(priority::SOUND_CARD);
        while !self.stopped() {
            *lock(&self.line.broken) = None;
            self.line.blocks.store(0, Ordering::Relaxed);
            match self.open() {
                Ok(sink) => self.hold(&sink),
                Err(reason) => self.broken(reason),
            }
            self.rest(REOPEN_AFTER);
        }
    }

    fn open(&self) -> Result<MixerDeviceSink, String> {
        let (sink, granted) = open(&self.device, &self.line)?;
        let config = sink.config();
        let rate = config.sample_rate();
        self.line.rate_hz.store(rate.get(), Ordering::Relaxed);
        self.line.buffer_frames.store(granted.buffer_frames, Ordering::Relaxed);
        sink.mixer().add(Stream {
            player: Player::new(rate.get(), self.volume, &self.voices),
            line: self.line.clone(),
            block_left: 0,
            channels: config.channel_count(),
            channel: 0,
            sample: 0.0,
            rate,
        });
        self.line.pulled_ns.store(clock::monotonic().as_nanos(), Ordering::Relaxed);
        tracing::debug!("sound device {:?}: {granted}", self.name);
        Ok(sink)
    }

    /// Holds the stream until it breaks or the box ends. What was said before stands until the
    /// card really takes samples.
    fn hold(&self, _sink: &MixerDeviceSink) {
        let opened_at = clock::monotonic();
        let mut flowed = false;
        let mut mixer_at = None;
        while !self.stopped() {
            self.rest(LOOK_EVERY);
            fail::fail_point!(&format!("sound_card::{}", self.name));
            let now = clock::monotonic();
            let stalled = match flowed {
                true => self.line.stalled(now),
                false => now.since(opened_at) > FLOW_WAIT_MAX,
            };
            let broken = lock(&self.line.broken).take();
            if let Some(reason) = broken.or(stalled.then(|| STALLED.into())) {
                self.broken(reason);
                return;
            }
            flowed |= self.line.flows();
            let look = mixer_at.is_none_or(|at| now.since(at) >= MUTE_LOOK_EVERY);
            if flowed && look {
                mixer_at = Some(now);
                match muted(&self.device) {
                    Some(reason) => self.broken(reason),
                    None => self.set(OutputState::Working { device: self.name.clone() }),
                }
            }
        }
    }

    fn broken(&self, reason: String) {
        self.set(OutputState::Broken { device: self.name.clone(), reason });
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

/// Opens a device and closes it again; says what was granted.
///
/// # Errors
/// It cannot be opened, gives no small buffer, or is muted; for people.
pub fn try_open(device: &SirenDevice) -> Result<Granted, String> {
    let line = Arc::new(Line::new("doctor"));
    let (_sink, granted) = open(device, &line)?;
    match muted(device) {
        Some(reason) => Err(reason),
        None => Ok(granted),
    }
}

/// ALSA's library writes a dozen lines to standard error for a card that is not there, at every try.
/// On this thread it now says them here; the error itself says enough for people.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let said = alsa::Output::local_error_handler();
    let done = work();
    if let Ok(said) = said {
        let said = said.borrow().to_string();
        if !said.is_empty() {
            tracing::debug!("ALSA: {said}");
        }
    }
    done
}

fn muted(device: &SirenDevice) -> Option<String> {
    quietly(|| mute::muted(device.name()))
}

fn open(device: &SirenDevice, line: &Arc<Line>) -> Result<(MixerDeviceSink, Granted), String> {
    quietly(|| stream(device, line))
}

fn stream(device: &SirenDevice, line: &Arc<Line>) -> Result<(MixerDeviceSink, Granted), String> {
    let found = find(device)?;
    let config = found.default_output_config().map_err(|error| chain(&error))?;
    let granted = grant::ask(device.name(), &config)?;
    let line = line.clone();
    let mut sink = DeviceSinkBuilder::from_device(found)
        .map_err(|error| chain(&error))?
        .with_supported_config(&config)
        .with_buffer_size(BufferSize::Fixed(PERIOD_FRAMES))
        .with_error_callback(move |error: cpal::Error| note(&line, &error))
        .open_stream()
        .map_err(|error| chain(&error))?;
    sink.log_on_drop(false);
    Ok((sink, granted))
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
            devices
                .find(|device| device.id().is_ok_and(|id| id.id() == name))
                .ok_or_else(|| format!("there is no sound device {name:?}; {}", offered()))
        }
    }
}

/// The sound devices of this machine, for people who have to name one.
pub fn offered() -> String {
    let names = names();
    match names.is_empty() {
        true => "this machine has none".into(),
        false => format!("there are {}", names.join(", ")),
    }
}

/// The names of devices that sound may be sent to: cards first, as nobody else can mute them.
pub fn names() -> Vec<String> {
    let is_card = |name: &str| CARDS_FIRST.iter().any(|first| name.starts_with(first));
    let listed = quietly(|| {
        let devices = cpal::default_host().output_devices().ok()?;
        let names = devices.filter_map(|device| device.id().ok().map(|id| id.id().to_owned()));
        Some(names.filter(|name| name != SWALLOWS).collect::<Vec<_>>())
    });
    let (mut cards, others): (Vec<_>, Vec<_>) =
        listed.unwrap_or_default().into_iter().partition(|name| is_card(name));
    cards.extend(others);
    cards
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

/// What the card takes, for ever.
struct Stream {
    player: Player,
    line: Arc<Line>,
    /// Frames until the order is read again.
    block_left: u32,
    channels: NonZero<u16>,
    /// Channel the next sample is for; all channels play the same.
    channel: u16,
    sample: f32,
    rate: NonZero<u32>,
}

impl Stream {
    fn next_block(&mut self) {
        self.block_left = BLOCK_FRAMES;
        let now = clock::monotonic();
        let line = &self.line;
        line.pulled_ns.store(now.as_nanos(), Ordering::Relaxed);
        line.blocks.fetch_add(1, Ordering::Relaxed);
        let word = line.sound.load(Ordering::Relaxed);
        self.player.play(Sound::of_word(word));
        // In this order: whoever sees the new sound must not take the old one's frames for its own.
        line.taken_frames.store(self.player.taken(), Ordering::Release);
        line.playing.store(word, Ordering::Release);
    }

    fn next_frame(&mut self) {
        if self.block_left == 0 {
            self.next_block();
        }
        self.block_left -= 1;
        self.sample = self.player.next_sample();
    }
}

impl Iterator for Stream {
    type Item = f32;

    fn next(&mut self) -> Option<f32> {
        if self.channel == 0 {
            self.next_frame();
        }
        self.channel = (self.channel + 1) % self.channels.get();
        Some(self.sample)
    }
}

impl Source for Stream {
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
