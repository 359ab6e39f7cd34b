//! Integrity tried on footage: pictures with faults painted into them, as fast as they decode, and
//! what was told when. No model is needed.
//!
//! Footage that is too short to learn from is shown several times before the fault comes.

use std::path::Path;
use std::time::Duration;

use crate::clock;
use crate::engine::supervision::FRAME_GAP_MAX;
use crate::engine::time::Instant;
use crate::engine::view_fault::ViewFault;
use crate::integrity::faults::{FaultKind, FaultSpan, dated};
use crate::integrity::quiet::{Shot, to_and_fro};
use crate::integrity::{Grey, Hour, Tone, Watch};
use crate::link::Ending;

use super::ingest::file::{FileOptions, FileSource};
use super::ingest::{FrameSource, Pace, Polled, SourceError};
use super::offline::STALL_MAX;
use super::preprocess::Fit;

/// The engine's time at the footage's start; not zero, so that time can run backwards.
pub(super) const ORIGIN: Instant = Instant::from_millis(1_000_000);

/// How long a camera is watched before anything is done to it.
pub const LEARN: Duration = Duration::from_secs(20);

/// How long a fault lasts: a second more than the longest time R15 allows.
pub const LASTS: Duration = Duration::from_secs(6);

/// How long the footage goes on after the last fault.
const AFTER: Duration = Duration::from_secs(1);

const POLL: Duration = Duration::from_millis(500);

/// How footage is looked at.
#[derive(Clone, Copy, Debug)]
pub struct TrialOptions {
    pub fit: Fit,
    pub fps: f64,
}

/// A fault that was told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    pub fault: ViewFault,
    /// Since the start of what was shown.
    pub at: Duration,
    pub measured: f32,
    pub limit: f32,
}

/// What one run gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    pub told: Vec<Told>,
    /// What is still wrong at the end.
    pub standing: Vec<ViewFault>,
    /// Length of all that was shown, and when the fault began in it.
    pub shown: Duration,
    pub fault_at: Option<Duration>,
    /// When the engine would have missed pictures, if it would.
    pub no_picture_at: Option<Duration>,
    pub pictures: u64,
    /// Cells by which the view can be recognised, in the last picture.
    pub strong: usize,
    /// Time spent on looking, all pictures together.
    pub cost: Duration,
}

/// Why footage cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    #[error("the video cannot be read")]
    Source(#[from] SourceError),
    #[error("the video gives no picture and no end for {} s", STALL_MAX.as_secs())]
    Stalled,
    #[error("the video has no picture")]
    Empty,
}

/// A run under way.
struct Run {
    options: TrialOptions,
    watch: Watch,
    trial: Trial,
    wrong: Vec<ViewFault>,
    last_at: Option<Duration>,
}

impl Trial {
    fn run(options: TrialOptions) -> Run {
        Run {
            options,
            watch: Watch::new(),
            trial: Trial::default(),
            wrong: Vec::new(),
            last_at: None,
        }
    }
}

/// Pictures that are kept to be shown again: five minutes at five a second.
const SHOTS_MAX: usize = 1500;

/// Shows the footage as it is, once and then to and fro for `at_least`: no jump is ever judged.
pub fn clean(path: &Path, options: TrialOptions, at_least: Duration) -> Result<Trial, TrialError> {
    let mut run = Trial::run(options);
    run.show(path, &[])?;
    if run.trial.shown < at_least {
        run.show_again(&shots(path, options, SHOTS_MAX)?, at_least);
    }
    Ok(run.finish())
}

/// Shows the footage until the camera is known, and then a fault of this kind.
pub fn of_kind(path: &Path, options: TrialOptions, kind: FaultKind) -> Result<Trial, TrialError> {
    let length = clean(path, TrialOptions { fps: 1.0, ..options }, Duration::ZERO)?.shown;
    let mut run = Trial::run(options);
    let from = match length >= LEARN + LASTS {
        true => LEARN,
        false => {
            while run.trial.shown < LEARN {
                run.show(path, &[])?;
            }
            // Not at once: the join of two showings is a jump of its own.
            length.saturating_sub(LASTS).max(length / 10)
        }
    };
    let end = run.trial.shown + length;
    run.trial.fault_at = Some(run.trial.shown + from);
    run.show(path, &[FaultSpan { kind, from, to: from + LASTS }])?;
    if kind == FaultKind::Stall {
        run.note_gap(end);
    }
    Ok(run.finish())
}

/// The footage's first pictures as they are looked at, at most so many.
pub fn shots(path: &Path, options: TrialOptions, max: usize) -> Result<Vec<Shot>, TrialError> {
    let mut shots = Vec::new();
    let options = FileOptions {
        fit: options.fit,
        pace: Pace::AsFast,
        ending: Ending::Stop,
        fps: Some(options.fps),
    };
    let mut source = FileSource::open(path, options)?;
    let mut asked = clock::monotonic();
    while shots.len() < max {
        match source.next(POLL)? {
            Polled::Frame(frame) => {
                asked = clock::monotonic();
                let rows = frame.picture.as_ref();
                let seen = rows.and_then(|it| Grey::from_bgr(it.rows(), it.width()));
                shots.extend(seen.map(|(grey, tone)| Shot { grey, cast: tone.cast }));
            }
            Polled::Ended => break,
            Polled::Idle if clock::monotonic().since(asked) > STALL_MAX => {
                return Err(TrialError::Stalled);
            }
            Polled::Idle => {}
        }
    }
    Ok(shots)
}

/// Whether all faults have been over for a while.
fn is_over(spans: &[FaultSpan], time: Duration) -> bool {
    !spans.is_empty() && spans.iter().all(|span| time > span.to + AFTER)
}

impl Run {
    /// Shows the footage once more.
    fn show(&mut self, path: &Path, spans: &[FaultSpan]) -> Result<(), TrialError> {
        let options = FileOptions {
            fit: self.options.fit,
            pace: Pace::AsFast,
            ending: Ending::Stop,
            fps: Some(self.options.fps),
        };
        let mut source = match spans {
            [] => FileSource::open(path, options)?,
            spans => FileSource::open_faulty(path, options, spans.to_vec())?,
        };
        let start = self.trial.shown;
        let mut last = None;
        let mut asked = clock::monotonic();
        loop {
            match source.next(POLL)? {
                Polled::Frame(frame) if is_over(spans, frame.time) => break,
                Polled::Frame(frame) => {
                    let rows = frame.picture.as_ref();
                    let started = clock::monotonic();
                    let picture = rows.and_then(|it| Grey::from_bgr(it.rows(), it.width()));
                    if let Some((grey, tone)) = picture {
                        self.look(grey, tone, start + frame.time, start + dated(spans, frame.time));
                    }
                    asked = clock::monotonic();
                    self.trial.cost += asked.since(started);
                    last = Some(frame.time);
                }
                Polled::Ended => break,
                Polled::Idle if clock::monotonic().since(asked) > STALL_MAX => {
                    return Err(TrialError::Stalled);
                }
                Polled::Idle => {}
            }
        }
        let last = last.ok_or(TrialError::Empty)?;
        self.trial.shown = start + last + Duration::from_secs_f64(1.0 / self.options.fps);
        Ok(())
    }

    /// Shows pictures from the last one back, and to and fro from there.
    fn show_again(&mut self, shots: &[Shot], until: Duration) {
        let every = Duration::from_secs_f64(1.0 / self.options.fps);
        for step in shots.len().. {
            let Some(shot) = shots.get(to_and_fro(step, shots.len())) else { return };
            if self.trial.shown >= until {
                return;
            }
            let at = self.trial.shown;
            let started = clock::monotonic();
            let tone = Tone { cast: shot.cast, ..shot.grey.tone(0, 0) };
            self.look(shot.grey.clone(), tone, at, at);
            self.trial.cost += clock::monotonic().since(started);
            self.trial.shown = at + every;
        }
    }

    fn look(&mut self, grey: Grey, tone: Tone, shown_at: Duration, dated: Duration) {
        self.trial.pictures += 1;
        self.note_gap(shown_at);
        self.last_at = Some(shown_at);
        let look = self.watch.look(grey, tone, ORIGIN.after(dated), Hour::new(0));
        self.trial.strong = look.measures.strong;
        for finding in &look.findings {
            if !self.wrong.contains(&finding.fault) {
                let (measured, limit) = (finding.measured, finding.limit);
                self.trial.told.push(Told { fault: finding.fault, at: shown_at, measured, limit });
            }
        }
        self.wrong = look.findings.iter().map(|finding| finding.fault).collect();
    }

    /// Whether the engine would have missed pictures until then.
    fn note_gap(&mut self, now: Duration) {
        let missed = self.last_at.map_or(now, |last| last + FRAME_GAP_MAX);
        if now > missed && self.trial.fault_at.is_some_and(|from| now > from) {
            self.trial.no_picture_at = self.trial.no_picture_at.or(Some(missed));
        }
    }

    fn finish(mut self) -> Trial {
        self.trial.standing = self.wrong;
        self.trial
    }
}
