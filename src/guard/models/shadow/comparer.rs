//! The thread that compares: it plays what the alarm path was told to the shadow model's engine, keeps what
//! comes of it, and says how things stand.
//!
//! A thread of low priority. It may wait for the store; then what the alarm path tells waits in its queue,
//! and when that is full the run ends (`tap`).

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::footage::Footage;
use super::frames::Figures;
use super::incidents::{Incident, Room, Who};
use super::log::{Entry, Given, Watches};
use super::picture::Album;
use super::post::{ClearPicture, Disagreement, Shared};
use super::session::{Before, Session, zones_of};
use super::tap::{Beginning, Tapped, Why};
use super::{Gone, ShadowQueue, Told};
use crate::clock;
use crate::engine::time::Instant;
use crate::gate::verdict::Coverage;
use crate::guard::clerk::{Clerk, ClerkError};
use crate::guard::handle::shadowing::ShadowState;
use crate::link::{FeedNews, Held, ModelInfo, Picture};
use crate::store::Store;
use crate::store::query::StoreReader;
use crate::store::shadow::{NewShadowRun, RunProgress, RunSource};
use crate::telemetry::chain;

/// How much less urgent than everything else (`nice`).
const NICENESS: i32 = 10;

/// How often it looks, whatever comes.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How often what is new of incidents is kept, and how far the run has come.
const KEEP_EVERY: Duration = Duration::from_secs(1);
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// What was said of pictures that are held back holds for so long: it is said each second, but for one in
/// which the shadow process does not answer.
const HELD_FOR: Duration = Duration::from_secs(3);

/// What a run by this site's cameras is called.
const LIVE: &str = "this site";

pub(super) struct ComparerParts {
    pub told: Receiver<Told>,
    pub queue: ShadowQueue,
    pub shared: Arc<Shared>,
    pub clerk: Clerk,
    pub reader: Arc<StoreReader>,
    pub album: Album,
    pub footage: Footage,
}

pub(super) fn start(parts: ComparerParts) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("comparer".into()).spawn(move || {
        // Linux keeps niceness per thread; without it the comparer merely competes.
        let _ = rustix::process::nice(NICENESS);
        let now = clock::monotonic();
        let mut comparer = Comparer {
            parts,
            session: None,
            watches: Watches::No,
            gone: None,
            held_at: None,
            model: None,
            last: Last::No,
            looked_at: now,
            kept_at: now,
            progress_at: now,
        };
        comparer.run();
    })
}

struct Comparer {
    parts: ComparerParts,
    session: Option<Session>,
    watches: Watches,
    /// Why not, where it did before.
    gone: Option<Gone>,
    /// When it was last said that pictures are held back.
    held_at: Option<Instant>,
    /// The shadow model that watches, or did last.
    model: Option<ModelInfo>,
    last: Last,
    looked_at: Instant,
    kept_at: Instant,
    progress_at: Instant,
}

#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    Stop,
}

/// Whether it is the last time that anything is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Yes,
    No,
}

impl Comparer {
    /// Nothing but what is kept last begins once the box ends: a disk that hangs would hold up the end of it
    /// for each.
    fn ask<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Result<T, ClerkError> {
        if self.parts.queue.is_stopping() && self.last == Last::No {
            return Err(ClerkError::Stopping);
        }
        self.parts.clerk.ask(errand)
    }

    fn run(&mut self) {
        loop {
            let waited = self.parts.told.recv_timeout(LOOK_EVERY);
            let told = match waited {
                Ok(told) => Some(told),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Told::Stop),
            };
            let ran = panic::catch_unwind(AssertUnwindSafe(|| self.turn(told)));
            match ran {
                Ok(Next::GoOn) => {}
                Ok(Next::Stop) => return,
                Err(_) => {
                    tracing::error!("comparing failed; what the panic says stands above");
                    self.session = None;
                    self.parts.queue.begin();
                }
            }
        }
    }

    fn turn(&mut self, told: Option<Told>) -> Next {
        let now = clock::monotonic();
        let reported = matches!(told, Some(Told::Report(_)));
        if let Some(told) = told
            && self.take(told) == Next::Stop
        {
            self.last = Last::Yes;
            self.end(Why::Wanted);
            return Next::Stop;
        }
        if reported || now.since(self.looked_at) >= LOOK_EVERY {
            self.looked_at = now;
            self.play(now);
        }
        if now.since(self.kept_at) >= KEEP_EVERY {
            self.kept_at = now;
            let due = now.since(self.progress_at) >= PROGRESS_EVERY;
            if due || self.session.as_ref().is_some_and(|it| it.incidents.has_news()) {
                self.progress_at = now;
                self.keep();
            }
        }
        Next::GoOn
    }

    fn take(&mut self, told: Told) -> Next {
        match told {
            Told::Tapped(Tapped::Begin(beginning)) => self.begin(*beginning),
            Told::Tapped(Tapped::Input { input, at }) => self.put(at, Entry::Input(input)),
            Told::Tapped(Tapped::Frame { frame, at, took }) => {
                self.put(at, Entry::Frame { frame, took });
            }
            Told::Tapped(Tapped::Noticed { noticed, at }) => self.put(at, Entry::Noticed(noticed)),
            Told::Report(report) => {
                if let Some(session) = &mut self.session {
                    session.report(report);
                }
            }
            Told::Ready(model) => self.ready(*model),
            Told::Gone(why) => {
                (self.watches, self.gone, self.held_at) = (Watches::No, Some(why), None);
                // What it had answered still counts.
                self.play(clock::monotonic());
                if let Some(session) = &mut self.session {
                    session.forget_reports();
                }
            }
            Told::Feed(news) => self.fed(news),
            Told::Picture { request, picture } => self.picture(request, picture),
            Told::Stop => return Next::Stop,
        }
        Next::GoOn
    }

    /// The shadow process watches; unless it was given up, or sent away, while it said so.
    fn ready(&mut self, model: ModelInfo) {
        {
            let mut standing = self.parts.shared.standing();
            if standing.state != ShadowState::Starting {
                return;
            }
            standing.state = ShadowState::Watching;
            standing.text.clear();
        }
        (self.watches, self.gone, self.held_at) = (Watches::Yes, None, None);
        if let Some(session) = &mut self.session {
            session.forget_reports();
        }
        let is_it = |it: &ModelInfo| (&it.slot, &it.digest) == (&model.slot, &model.digest);
        let same = self.session.is_some() && self.model.as_ref().is_some_and(is_it);
        if !same || !self.parts.queue.is_on() {
            self.model = Some(model);
            self.parts.queue.begin();
        }
    }

    fn put(&mut self, at: Instant, entry: Entry) {
        if let Some(session) = &mut self.session {
            session.put(at, entry);
        }
    }

    /// A run begins, or one goes on that an earlier life of the box began.
    fn begin(&mut self, beginning: Beginning) {
        self.end(beginning.why);
        let Some(shadow) = &self.model else { return };
        let new = NewShadowRun {
            source: RunSource::Live,
            name: LIVE.into(),
            active: beginning.model.slot.clone(),
            shadow: shadow.slot.clone(),
            active_model: beginning.model.digest.clone(),
            shadow_model: shadow.digest.clone(),
            zones: zones_of(&beginning.names),
            began: clock::wall_at(beginning.at),
        };
        let active = new.active.clone();
        let opened = self.ask(move |store| store.open_shadow_run(&new));
        let run = match opened {
            Ok(Ok(run)) => run,
            Ok(Err(error)) => return self.not_kept(&chain(&error)),
            Err(error) => return self.not_kept(&error.to_string()),
        };
        let row = self.parts.reader.shadow_run(Some(run)).ok().flatten();
        let before = row.map_or_else(
            || Before { coverage: Coverage { seen: 0, of: 0 }, figures: Figures::default() },
            |row| Before {
                coverage: Coverage { seen: row.seen, of: row.of },
                figures: Figures::read(&row.figures),
            },
        );
        self.session = Some(Session::begin(run, before, beginning));
        let mut standing = self.parts.shared.standing();
        // Its run is the newest: what is known of another model in that slot speaks for nobody.
        (standing.run, standing.active) = (Some(run), Some(active));
    }

    /// Without a row there is nothing to keep anything with: from the next look on, once more.
    fn not_kept(&self, reason: &str) {
        tracing::warn!("what the shadow model does cannot be kept: {reason}");
        self.parts.shared.standing().text = format!("its run cannot be kept: {reason}");
        self.parts.queue.begin();
    }

    /// The run is over, but for one that is only interrupted.
    fn end(&mut self, why: Why) {
        let Some(mut session) = self.session.take() else { return };
        self.parts.shared.standing().run = None;
        session.incidents.close();
        self.keep_of(&mut session);
        self.parts.footage.end();
        if why != Why::Wanted {
            let at = clock::wall();
            let ended = self.ask(move |store| store.end_shadow_runs(at));
            if !matches!(ended, Ok(Ok(()))) {
                tracing::warn!("the end of run {} is not kept", session.run);
            }
        }
        if why == Why::Lost {
            tracing::warn!("run {} ends: not everything could be followed", session.run);
        }
    }

    /// Whether it is the shadow model's doing when it sees nothing now.
    fn given(&self, now: Instant) -> Given {
        match (self.gone, self.held_at) {
            (Some(Gone::Unneeded), _) => Given::No,
            (None, Some(at)) if now.since(at) < HELD_FOR => Given::No,
            (Some(Gone::Failed), _) | (None, _) => Given::Yes,
        }
    }

    fn play(&mut self, now: Instant) {
        self.play_what_is_known(now);
        if self.session.as_ref().is_some_and(|it| it.incidents.room() == Room::Over) {
            self.end(Why::Lost);
            if self.parts.queue.is_on() {
                self.parts.queue.begin();
            }
        }
    }

    fn play_what_is_known(&mut self, now: Instant) {
        let given = self.given(now);
        let Some(session) = &mut self.session else { return };
        session.given(now, given);
        for wanted in session.play(now, self.watches) {
            self.parts.album.ask(session, &wanted.incident);
        }
        for alone in session.disagreements() {
            let (side, number) = session.key(&alone);
            let key = (session.run, side, number);
            if alone.who == Who::Shadow {
                self.parts.footage.want(key, alone.camera, alone.began);
            }
            let picture = self.parts.album.take_clear(key);
            self.parts.shared.tell_disagreement(&disagreement(session, alone, picture));
        }
        self.parts.footage.look(&session.looks, session.played(), now);
        let mut standing = self.parts.shared.standing();
        standing.coverage = session.coverage;
        if standing.state == ShadowState::Watching {
            standing.text = not_compared(session.incidents.left_out());
        }
    }

    fn fed(&mut self, news: FeedNews) {
        self.held_at = news.held.filter(|held| is_no_fault(*held)).map(|_| clock::monotonic());
        let why = news.held.map(|held| match held {
            Held::Overloaded => "the active model has no time to spare".to_owned(),
            Held::Slower => match news.looks_ms {
                Some((alone, beside)) => format!(
                    "the active model takes {beside:.1} ms for a look beside it, and {alone:.1} ms \
                     without it"
                ),
                None => "the active model takes longer beside it".to_owned(),
            },
            Held::NoTime { seen_percent } => format!(
                "this box has too little time for it between the looks of the active model: it sees \
                 {seen_percent} % of the pictures, and 95 % are wanted where no recordings show the claim"
            ),
        });
        let mut standing = self.parts.shared.standing();
        if why.is_some() != standing.skipped_because.is_some() {
            match &why {
                Some(why) => tracing::info!("the shadow model skips pictures: {why}"),
                None => tracing::info!("the shadow model is given every picture again"),
            }
        }
        standing.skipped_because = why;
    }

    fn picture(&mut self, request: u64, picture: Option<Picture>) {
        let Some(session) = &self.session else { return };
        let Some(painted) = self.parts.album.arrived(session, request, picture) else { return };
        // Its row first.
        self.keep();
        let kept = self
            .ask(move |store| store.put_case_picture(painted.key, painted.hides, &painted.jpeg));
        match kept {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("a case has no picture: {}", chain(&error)),
            Err(error) => tracing::warn!("a case has no picture: {error}"),
        }
    }

    fn keep(&mut self) {
        if let Some(mut session) = self.session.take() {
            self.keep_of(&mut session);
            self.session = Some(session);
        }
    }

    /// What is not kept now is with the next time.
    fn keep_of(&self, session: &mut Session) {
        let run = session.run;
        let progress = RunProgress {
            seen: session.coverage.seen,
            of: session.coverage.of,
            figures: session.figures.written(),
        };
        let rows = session.to_keep();
        match self.ask(move |store| store.keep_shadow(run, &progress, &rows)) {
            Ok(Ok(())) => session.incidents.kept(),
            Ok(Err(error)) => tracing::warn!("what two models told is not kept: {}", chain(&error)),
            // With what is kept last.
            Err(ClerkError::Stopping) => {}
            Err(error) => tracing::warn!("what two models told is not kept yet: {error}"),
        }
    }
}

/// Whether what it does not see is held back from it. One that is too slow for this box loses by it.
fn is_no_fault(held: Held) -> bool {
    match held {
        Held::Overloaded | Held::Slower => true,
        Held::NoTime { .. } => false,
    }
}

/// For people.
fn not_compared(left_out: u64) -> String {
    match left_out {
        0 => String::new(),
        many => format!(
            "incidents that are not compared, since it was not given the pictures then: {many}"
        ),
    }
}

fn disagreement(session: &Session, alone: Incident, picture: Option<ClearPicture>) -> Disagreement {
    let Incident { who, number, zone, camera, frame, began, score, boxes, others, .. } = alone;
    let (incident, active, shadow) = match who {
        Who::Active => (Some(number.0), boxes, others),
        Who::Shadow => (None, others, boxes),
    };
    Disagreement {
        run: session.run,
        told_by: who,
        camera,
        zone,
        frame,
        at: session.wall(began),
        score,
        incident,
        active,
        shadow,
        names: session.names.clone(),
        picture,
    }
}
