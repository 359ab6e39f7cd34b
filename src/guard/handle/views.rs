//! What a camera's view is held against, and what became of it.

use jiff::Timestamp;

pub use crate::engine::view_fault::ViewFault;
pub use crate::link::ViewShift;
pub use crate::store::views::{ReferenceFacts, ReferenceWhy};

/// What is wrong with a camera's view, and how far it lies from its reference.
#[derive(Clone, Debug, Default)]
pub struct CameraView {
    /// The gravest.
    pub trouble: Option<ViewTrouble>,
    /// Only while the view has moved.
    pub shift: Option<ViewShift>,
}

/// Something that is wrong with a view.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewTrouble {
    pub fault: ViewFault,
    /// For people.
    pub words: String,
    pub since: Timestamp,
    /// None when it is there no more and only waits for an engineer.
    pub measured: Option<ViewMeasured>,
}

/// A measured value and the limit it is beyond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ViewMeasured {
    pub value: f32,
    pub limit: f32,
    /// For people: `%`.
    pub unit: &'static str,
}

/// What there is to show of a camera's view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewFacts {
    pub judged: Judged,
    pub reference: Option<ReferenceFacts>,
    /// Of the reference, and of the trouble.
    pub pictures: (Pictured, Pictured),
}

/// Whether a camera's view is judged at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    Yes,
    /// A test pattern is drawn, and no view.
    No,
}

/// Whether there is a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pictured {
    Yes,
    No,
}

/// Which picture of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewPicture {
    Reference,
    /// When the gravest present trouble was told.
    Trouble,
}

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onlooker {
    Anybody,
    /// Somebody who was granted clear pictures.
    Granted,
}

/// Asked by the web side.
pub trait CameraViews: Send + Sync {
    /// `None` for an unknown camera.
    fn view_facts(&self, camera: &str) -> Option<ViewFacts>;

    /// JPEG; `None` where there is none. Decodes and encodes: call from a blocking task.
    fn view_picture(&self, camera: &str, which: ViewPicture, who: Onlooker) -> Option<Vec<u8>>;
}
