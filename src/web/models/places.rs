//! Places for what is done with models and examples: few, and apart from all others.
//!
//! Models lie on a disk that may hang, and a step may wait for a model that is being tried. What waits
//! there has these places, and neither those of the questions to the store nor the threads that an
//! answer to an alarm needs. A place is given back when the work is over, not when its request was given
//! up. Going back has a place of its own: it must not wait for what went forward and hangs.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::guard::handle::Handle;
use crate::web::App;
use crate::web::error::ApiError;

/// Questions about models and examples at once.
pub const MODEL_QUESTIONS_MAX: usize = 4;

/// Packages that are taken in at once, from wherever they come: the box verifies one at a time.
const TAKEN_MAX: usize = 1;

/// Exports of the example bank at once: each has up to 768 KiB in memory.
const BANK_EXPORTS_MAX: usize = 2;

/// Longest wait of a question for its turn; then it is told.
const TURN_MAX: Duration = Duration::from_secs(2);

/// Longest time that whoever took a step is kept waiting. Before a model is loaded each of its files is
/// read, which a disk that hangs makes long; loading it goes on after the answer.
const STEP_MAX: Duration = Duration::from_secs(150);

/// The same of a package that is installed: a large one is written, and tried.
pub(super) const INSTALL_MAX: Duration = Duration::from_secs(600);

/// A place that work occupies.
pub(in crate::web) type Place = OwnedSemaphorePermit;

#[derive(Clone, Debug)]
pub(in crate::web) struct Places {
    questions: Arc<Semaphore>,
    forward: Arc<Semaphore>,
    back: Arc<Semaphore>,
    taken: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    imports: Arc<Semaphore>,
}

/// Where a step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Forward,
    Back,
}

impl Places {
    pub fn new() -> Places {
        let of = |places| Arc::new(Semaphore::new(places));
        Places {
            questions: of(MODEL_QUESTIONS_MAX),
            forward: of(1),
            back: of(1),
            taken: of(TAKEN_MAX),
            exports: of(BANK_EXPORTS_MAX),
            imports: of(1),
        }
    }

    /// The place of whoever brings a package.
    pub fn taken(&self) -> Result<Place, ApiError> {
        at_once(&self.taken, "another package is being taken in; GET /api/models says how it goes")
    }

    /// The place of whoever takes the examples away.
    pub fn export(&self) -> Result<Place, ApiError> {
        at_once(&self.exports, "the examples are being written out already; try again in a moment")
    }

    /// The place of whoever brings labels.
    pub fn import(&self) -> Result<Place, ApiError> {
        at_once(&self.imports, "labels are being taken in already; try again in a moment")
    }
}

/// Asks the handle about models or examples; waits its turn when many ask.
pub(in crate::web) async fn ask_models<T: Send + 'static>(
    app: &App,
    question: impl FnOnce(&dyn Handle) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let turn = Arc::clone(&app.models.questions).acquire_owned();
    let Ok(Ok(turn)) = tokio::time::timeout(TURN_MAX, turn).await else {
        let message = "others ask about models already, and have no answer yet; try again";
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message));
    };
    // Its caller has a time limit of its own.
    in_place(app, turn, INSTALL_MAX, question).await
}

/// Takes a step; one at a time each way.
pub(super) async fn step<T: Send + 'static>(
    app: &App,
    way: Way,
    taken: impl FnOnce(&dyn Handle) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let places = match way {
        Way::Forward => &app.models.forward,
        Way::Back => &app.models.back,
    };
    let place = at_once(places, "another step is under way; GET /api/models says how it goes")?;
    in_place(app, place, STEP_MAX, taken).await
}

/// Does work that occupies a place until it is over, and waits for it so long.
pub(super) async fn in_place<T: Send + 'static>(
    app: &App,
    place: Place,
    limit: Duration,
    work: impl FnOnce(&dyn Handle) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let handle = Arc::clone(&app.handle);
    let working = tokio::task::spawn_blocking(move || {
        let done = work(&*handle);
        // Not before: work that hangs still has its thread.
        drop(place);
        done
    });
    end_of(working, limit).await
}

/// The end of work, if it comes in time.
pub(super) async fn end_of<T>(
    working: tokio::task::JoinHandle<T>,
    limit: Duration,
) -> Result<T, ApiError> {
    match tokio::time::timeout(limit, working).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => {
            tracing::error!(%error, "what was to be done with models panicked");
            Err(ApiError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "the box failed to answer; its log says why",
            ))
        }
        Err(_elapsed) => Err(ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_slow",
            format!(
                "no answer within {} s; it goes on, and GET /api/models and its history say how it \
                 ends",
                limit.as_secs()
            ),
        )),
    }
}

fn at_once(places: &Arc<Semaphore>, taken: &str) -> Result<Place, ApiError> {
    let place = Arc::clone(places).try_acquire_owned();
    place.map_err(|_full| ApiError::new(StatusCode::CONFLICT, "busy", taken))
}
